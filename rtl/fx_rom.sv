// SPDX-License-Identifier: Apache-2.0
// fx_rom -- a table of constants, synchronous read.
//
// INIT holds the words side by side, word 0 in the low bits. A read takes LAT
// cycles; rdata holds while re is low, as in fx_ram.
//
//   STYLE  "auto", "distributed" or "block": the tool's rom_style
//
// proof: tests/rtl/tb_ram.sv
`default_nettype none
module fx_rom #(
    parameter int W = 8,                 // bits a word
    parameter int DEPTH = 16,            // words, 2 or more
    parameter [W*DEPTH-1:0] INIT = '0,   // the words, word 0 lowest
    /* verilator lint_off UNUSEDPARAM */  // only an attribute reads it
    parameter STYLE = "auto",            // what it is made of
    /* verilator lint_on UNUSEDPARAM */
    parameter int LAT = 1,               // cycles a read takes: 1 or 2
    localparam int AW = $clog2(DEPTH)
) (
    input  wire           clk,
    input  wire           re,
    input  wire  [AW-1:0] raddr,
    output logic [ W-1:0] rdata
);
    (* rom_style = STYLE *) logic [W-1:0] mem[DEPTH];
    initial
        for (int k = 0; k < DEPTH; k++)
            mem[k] = INIT[k*W +: W];

    logic [W-1:0] first;
    always_ff @(posedge clk)
        if (re)
            first <= mem[raddr];

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
