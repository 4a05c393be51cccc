// SPDX-License-Identifier: Apache-2.0
// check_stream -- the rule of a stream, watched: once valid, a word stays,
// unchanged, until it is taken. Counts what breaks it and what moved.
`default_nettype none
module check_stream #(
    parameter int W = 8,
    parameter NAME = "stream"
) (
    input  wire         clk,
    input  wire         rst,
    input  wire [W-1:0] data,
    input  wire         valid,
    input  wire         ready,
    output int          errors,
    output int          moved
);
    logic waiting;
    logic [W-1:0] held;
    initial errors = 0;
    initial moved = 0;
    always_ff @(posedge clk) begin
        waiting <= !rst && valid && !ready;
        held <= data;
        if (!rst && waiting && !valid) begin
            $display("%m %s: valid fell before ready", NAME);
            errors <= errors + 1;
        end
        if (!rst && waiting && valid && data != held) begin
            $display("%m %s: data changed before ready", NAME);
            errors <= errors + 1;
        end
        if (!rst && valid && ready)
            moved <= moved + 1;
    end
endmodule
`default_nettype wire
