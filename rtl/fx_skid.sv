// SPDX-License-Identifier: Apache-2.0
// fx_skid -- cuts a stream's path in both directions, at full throughput.
//
//     i --->[ out | spare ]---> o       i_ready, o_valid, o_data: registers
//
// The place for it is the chip boundary and the middle of a long ready chain:
// o_valid never depends on o_ready, and once high it stays, with its data,
// until it is taken. One cycle of latency, two words of room.
//
// proof: tests/rtl/tb_skid.sv
`default_nettype none
module fx_skid #(
    parameter int W = 8  // bits a word
) (
    input  wire          clk,
    input  wire          rst,      // synchronous, empties it
    input  wire  [W-1:0] i_data,
    input  wire          i_valid,
    output logic         i_ready,
    output logic [W-1:0] o_data,
    output logic         o_valid,
    input  wire          o_ready
);
    logic [W-1:0] spare;  // the word that arrived while o stood still
    logic moves;          // o is free after this cycle

    assign moves = o_ready || !o_valid;
    always_ff @(posedge clk) begin
        if (i_valid && i_ready)
            spare <= i_data;
        if (moves)
            o_data <= i_ready ? i_data : spare;
        if (rst) begin
            i_ready <= 1'b1;
            o_valid <= 1'b0;
        end else if (moves) begin
            o_valid <= i_valid || !i_ready;
            i_ready <= 1'b1;
        end else if (i_valid)
            i_ready <= 1'b0;
    end
endmodule
`default_nettype wire
