// SPDX-License-Identifier: Apache-2.0
// fx_ram -- simple dual port RAM: one write port, one read port, one clock.
//
//     we, waddr, wdata --->[ DEPTH x W ]---> rdata      re, raddr
//
// A read takes LAT cycles. Reading the word that is being written gives the
// OLD word (read first, what block RAM does best). rdata holds its value
// while re is low; with LAT 2 the second register follows one cycle behind
// the first and holds with it. The power-on contents are not defined.
//
//   STYLE  "auto", "distributed", "block" or "ultra": the tool's ram_style
//
// proof: tests/rtl/tb_ram.sv
`default_nettype none
module fx_ram #(
    parameter int W = 8,       // bits a word
    parameter int DEPTH = 16,  // words, 2 or more
    /* verilator lint_off UNUSEDPARAM */  // only an attribute reads it
    parameter STYLE = "auto",  // what it is made of
    /* verilator lint_on UNUSEDPARAM */
    parameter int LAT = 1,     // cycles a read takes: 1, or 2 for Fmax
    localparam int AW = $clog2(DEPTH)
) (
    input  wire           clk,
    input  wire           we,
    input  wire  [AW-1:0] waddr,
    input  wire  [ W-1:0] wdata,
    input  wire           re,
    input  wire  [AW-1:0] raddr,
    output logic [ W-1:0] rdata
);
    (* ram_style = STYLE *) logic [W-1:0] mem[DEPTH];
    logic [W-1:0] first;

    always_ff @(posedge clk) begin
        if (we)
            mem[waddr] <= wdata;
        if (re)
            first <= mem[raddr];
    end

    if (LAT == 1) begin : g_one
        assign rdata = first;
    end else begin : g_two
        logic fresh;
        always_ff @(posedge clk) begin
            fresh <= re;
            if (fresh)
                rdata <= first;
        end
    end
endmodule
`default_nettype wire
