// SPDX-License-Identifier: Apache-2.0
// tb_fifo -- fx_fifo against a counting stream, many shapes at once.
//
// Every shape runs through eight rate pairs. Checked: order and content (a
// word is a hash of its number), the stream rule at the output, exactly DEPTH
// words of room, a word visible the cycle after it is pushed, o_valid no
// later than that, a word every cycle at full rate (every other one for a
// plain depth of 1), and nothing left at the end.
`default_nettype none
module fifo_case #(
    parameter int W = 8,
    parameter int DEPTH = 2,
    parameter STYLE = "auto",
    parameter bit LOOK = 0
) (
    input  wire clk,
    input  wire rst,
    output logic finished,
    output int   errors,
    output int   checks
);
    localparam int PHASES = 8, CYCLES = 600;
    // valid and ready, in percent
    function automatic int rate(input int phase, input bit out);
        case (phase)
            0: rate = 100;
            1: rate = out ? 50 : 100;
            2: rate = out ? 100 : 50;
            3: rate = 60;
            4: rate = out ? 90 : 30;
            5: rate = out ? 20 : 90;
            6: rate = out ? 5 : 50;
            default: rate = out ? 100 : 0;  // drain
        endcase
    endfunction
    function automatic logic [W-1:0] word(input int k);
        for (int b = 0; b < W; b++)
            word[b] = ^((k + b) * 32'h9E3779B1 >> (b % 7));
    endfunction

    logic [W-1:0] i_data, o_data;
    logic i_valid, i_ready, o_valid, o_ready;
    fx_fifo #(.W(W), .DEPTH(DEPTH), .STYLE(STYLE), .LOOK(LOOK)) dut (.*);

    int stream_errors, moved;
    check_stream #(.W(W), .NAME("o")) u_rule (
        .clk, .rst, .data(o_data), .valid(o_valid), .ready(o_ready),
        .errors(stream_errors), .moved
    );

    int phase, cycle, pushed, popped, own_errors, phase_start;
    assign errors = own_errors + stream_errors;
    assign checks = popped;
    assign i_data = word(pushed);
    assign finished = phase == PHASES;

    task automatic fail(input string what);
        if (own_errors < 5)
            $display("fifo W %0d DEPTH %0d %s: %s (phase %0d cycle %0d)",
                     W, DEPTH, STYLE, what, phase, cycle);
        own_errors <= own_errors + 1;
    endtask

    always_ff @(posedge clk) begin
        automatic int held = pushed - popped;
        if (rst) begin
            phase <= 0; cycle <= 0; pushed <= 0; popped <= 0; own_errors <= 0;
            phase_start <= 0;
            i_valid <= 0; o_ready <= 0;
        end else if (!finished) begin
            if (o_valid != (held > 0))
                fail("o_valid is not `something is held'");
            if (o_valid && o_ready) begin
                if (o_data != word(popped))
                    fail("wrong word");
                popped <= popped + 1;
            end
            if (!LOOK && i_ready != (held < DEPTH))
                fail("i_ready is not `there is room'");
            if (LOOK && i_ready != (held < DEPTH || o_ready))
                fail("i_ready does not look through");
            if (i_valid && i_ready)
                pushed <= pushed + 1;
            // a producer that has shown a word must leave it there
            if (!i_valid || i_ready)
                i_valid <= $urandom_range(99) < rate(phase, 0);
            o_ready <= $urandom_range(99) < rate(phase, 1);
            cycle <= cycle + 1;
            if (cycle == CYCLES - 1) begin
                if (phase == 0 && popped - phase_start
                        < (DEPTH == 1 && !LOOK ? CYCLES/2 - 4 : CYCLES - 4))
                    fail("too slow at full rate");
                if (phase == PHASES - 1 && held != 0)
                    fail("words left over");
                cycle <= 0;
                phase <= phase + 1;
                phase_start <= popped;
            end
        end
    end
endmodule

module tb_fifo (
    input  wire clk,
    input  wire rst,
    output logic finished,
    output int   errors,
    output int   checks
);
    localparam int N = 14;
    logic [N-1:0] f;
    int e[N], c[N];
`define FIFO_CASE(k, w, d, s, l) \
    fifo_case #(.W(w), .DEPTH(d), .STYLE(s), .LOOK(l)) u``k ( \
        .clk, .rst, .finished(f[k]), .errors(e[k]), .checks(c[k]));
    `FIFO_CASE(0, 8, 1, "auto", 0)
    `FIFO_CASE(1, 8, 1, "auto", 1)
    `FIFO_CASE(2, 1, 2, "auto", 0)
    `FIFO_CASE(3, 24, 3, "distributed", 0)
    `FIFO_CASE(4, 64, 16, "distributed", 0)
    `FIFO_CASE(5, 130, 17, "auto", 0)
    `FIFO_CASE(6, 9, 2, "srl", 0)
    `FIFO_CASE(7, 33, 5, "srl", 0)
    `FIFO_CASE(8, 8, 1, "block", 0)
    `FIFO_CASE(9, 8, 2, "block", 0)
    `FIFO_CASE(10, 8, 3, "block", 0)
    `FIFO_CASE(11, 24, 4, "block", 0)
    `FIFO_CASE(12, 72, 33, "ultra", 0)
    `FIFO_CASE(13, 5, 6, "ultra", 0)
    assign finished = &f;
    always_comb begin
        errors = 0;
        checks = 0;
        for (int k = 0; k < N; k++) begin
            errors += e[k];
            // one shape that checked nothing makes the bench fail
            checks = k > 0 && checks == 0 ? 0 : c[k] == 0 ? 0 : checks + c[k];
        end
    end
endmodule
`default_nettype wire
