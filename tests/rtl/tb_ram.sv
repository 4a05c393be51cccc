// SPDX-License-Identifier: Apache-2.0
// tb_ram -- fx_ram and fx_rom against an array: every depth and latency,
// random writes, reads and pauses, many of them of the word being written.
`default_nettype none
module ram_case #(
    parameter int W = 8,
    parameter int DEPTH = 16,
    parameter int LAT = 1
) (
    input  wire clk,
    input  wire rst,
    output logic finished,
    output int   errors,
    output int   checks
);
    localparam int AW = $clog2(DEPTH), CYCLES = 4000;
    function automatic logic [W*DEPTH-1:0] table_of();
        for (int k = 0; k < DEPTH; k++)
            table_of[k*W +: W] = W'((k + 3) * 32'h9E3779B1 >> 5);
    endfunction
    localparam [W*DEPTH-1:0] TABLE = table_of();

    logic we, re;
    logic [AW-1:0] waddr, raddr;
    logic [W-1:0] wdata, rdata, romdata;
    fx_ram #(.W(W), .DEPTH(DEPTH), .LAT(LAT)) ram (.*);
    fx_rom #(.W(W), .DEPTH(DEPTH), .INIT(TABLE), .LAT(LAT)) rom (
        .clk, .re, .raddr, .rdata(romdata)
    );

    // What must come out: `now` after LAT cycles; both hold when re is low.
    logic [W-1:0] model[DEPTH], now, rom_now, late, rom_late;
    logic late_v, now_v, re_before;
    int cycle, filled;
    assign finished = cycle == CYCLES;

    always_ff @(posedge clk) begin
        if (rst) begin
            cycle <= 0; errors <= 0; checks <= 0; filled <= 0;
            we <= 0; re <= 0; now_v <= 0; late_v <= 0; re_before <= 0;
        end else if (!finished) begin
            if (LAT == 1 ? now_v : late_v) begin
                checks <= checks + 1;
                if (rdata != (LAT == 1 ? now : late)
                    || romdata != (LAT == 1 ? rom_now : rom_late)) begin
                    errors <= errors + 1;
                    if (errors < 5)
                        $display("ram %0d x %0d LAT %0d: got %h, rom %h",
                                 DEPTH, W, LAT, rdata, romdata);
                end
            end
            if (we)
                model[waddr] <= wdata;
            if (re) begin
                now <= model[raddr];
                rom_now <= TABLE[raddr*W +: W];
                now_v <= 1;
            end
            re_before <= re;
            if (re_before) begin
                late <= now;
                rom_late <= rom_now;
                late_v <= 1;
            end

            // First every word is written, then anything goes.
            filled <= filled < DEPTH ? filled + 1 : filled;
            we <= filled < DEPTH || $urandom_range(2) == 0;
            waddr <= filled < DEPTH ? AW'(filled)
                                    : AW'($urandom_range(DEPTH - 1));
            wdata <= W'($urandom);
            re <= filled == DEPTH && $urandom_range(3) != 0;
            raddr <= $urandom_range(1) == 0 && int'(waddr) < DEPTH
                     ? waddr : AW'($urandom_range(DEPTH - 1));
            cycle <= cycle + 1;
        end
    end
endmodule

module tb_ram (
    input  wire clk,
    input  wire rst,
    output logic finished,
    output int   errors,
    output int   checks
);
    localparam int N = 4;
    logic [N-1:0] f;
    int e[N], c[N];
`define RAM_CASE(k, w, d, l) \
    ram_case #(.W(w), .DEPTH(d), .LAT(l)) u``k ( \
        .clk, .rst, .finished(f[k]), .errors(e[k]), .checks(c[k]));
    `RAM_CASE(0, 8, 16, 1)
    `RAM_CASE(1, 24, 37, 1)
    `RAM_CASE(2, 1, 2, 2)
    `RAM_CASE(3, 32, 100, 2)
    assign finished = &f;
    always_comb begin
        errors = 0;
        checks = c[0];
        for (int k = 0; k < N; k++) begin
            errors += e[k];
            if (c[k] < 100)
                errors += 1;  // a case that hardly read anything
        end
        if (!finished)
            errors = 0;
    end
endmodule
`default_nettype wire
