// SPDX-License-Identifier: Apache-2.0
// fx_axi_split -- cuts a request into AXI4 INCR bursts.
//
//     i { address, beats } ---> o { address, beats - 1, last of the request }
//
// A burst ends at the next multiple of MAX_BURST beats, so every burst but the
// first and the last of a request is full and aligned, and none crosses a
// 4 KB boundary: MAX_BURST * bytes a beat must be a power of two of at most
// 4096. A request of 0 beats vanishes. Addresses are in bytes; the bits below
// a beat are ignored (the transfer is whole beats).
//
// Registered outputs; o_valid stays, with its data, until it is taken.
//
// proof: tests/rtl/tb_axi.sv
`default_nettype none
module fx_axi_split #(
    parameter int ADDR_W = 64,    // bits of a byte address
    parameter int LEN_W = 32,     // bits of a request's length, 9 or more
    parameter int DATA_W = 512,   // bits a beat: 32, 64 .. 1024
    parameter int MAX_BURST = 64  // beats a burst, a power of two up to 256
) (
    input  wire               clk,
    input  wire               rst,
    input  wire  [ADDR_W-1:0] i_addr,
    input  wire  [ LEN_W-1:0] i_beats,
    input  wire               i_valid,
    output logic              i_ready,
    output logic [ADDR_W-1:0] o_addr,
    output logic [       7:0] o_len,    // beats - 1, as AxLEN
    output logic              o_last,   // the request's last burst
    output logic              o_valid,
    input  wire               o_ready
);
    localparam int BYTE_W = $clog2(DATA_W / 8);
    localparam int BURST_W = $clog2(MAX_BURST);
    localparam int BEAT_W = ADDR_W - BYTE_W;  // bits of a beat's address

    if (LEN_W < 9 || MAX_BURST > 256 || 2 ** BURST_W != MAX_BURST
        || MAX_BURST * (DATA_W / 8) > 4096) begin : g_check
        $error("fx_axi_split: MAX_BURST must be a power of two, at most 256 ",
               "beats and at most 4096 bytes; LEN_W must be 9 or more");
    end

    // What is left of the request that is being cut.
    logic [BEAT_W-1:0] beat;
    logic [LEN_W-1:0] left;
    logic [8:0] room, now;  // beats to the boundary; beats in this burst
    logic final_one, step;

    if (MAX_BURST == 1) begin : g_single
        assign room = 9'd1;
    end else begin : g_room
        assign room = 9'(MAX_BURST) - 9'(beat[BURST_W-1:0]);
    end
    assign final_one = left <= LEN_W'(room);
    assign now = final_one ? 9'(left) : room;
    assign step = left != '0 && (!o_valid || o_ready);
    assign i_ready = left == '0;

    always_ff @(posedge clk) begin
        if (i_ready) begin
            beat <= i_addr[ADDR_W-1:BYTE_W];
            left <= i_valid ? i_beats : '0;
        end else if (step) begin
            beat <= beat + BEAT_W'(now);
            left <= left - LEN_W'(now);
        end
        if (step) begin
            o_addr <= {beat, BYTE_W'(0)};
            o_len <= 8'(now - 9'd1);
            o_last <= final_one;
        end
        o_valid <= !rst && (step || (o_valid && !o_ready));
        if (rst)
            left <= '0;
    end

    wire unused = &{1'b0, i_addr[BYTE_W-1:0]};
endmodule
`default_nettype wire
