// SPDX-License-Identifier: Apache-2.0
// fx_axi_words -- words of any size out of a memory with beats of any size.
//
//     req { words, word address } --> bytes --> r { beats, address } --> read
//                                       |                                 |
//     o <--- words <--- [ store ] <-----+------------- i  beats <--- engine
//
// A word takes BYTES bytes and lies at base + address * BYTES; its low WORD_W
// bits are the design's. Where a word is a beat, nothing but the address is
// computed. Else a request's first beat loses what lies before its first word,
// and words leave a store that is filled as there is room; a request costs one
// cycle more than its beats or words, whichever are more. base, a multiple of a
// beat, is taken with the request. Requests of no words vanish.
//
// o_valid depends on no ready and stays until the word is taken.
//
// proof: tests/emit/sv.sh, whole runs with words of 2 and 3 bytes in beats of 4
`default_nettype none
module fx_axi_words #(
    parameter int WORD_W = 96,   // bits of a word
    parameter int BYTES = 12,    // bytes from word to word, 1 or more
    parameter int ADDR_W = 64,   // bits of a byte address
    parameter int DATA_W = 128,  // bits of a beat: 32, 64 .. 1024
    parameter int PENDING = 8    // requests on their way
) (
    input  wire                clk,
    input  wire                rst,
    input  wire  [ADDR_W-1:0]  base,
    input  wire  [63:0]        req_data,
    input  wire                req_valid,
    output logic               req_ready,
    output logic [WORD_W-1:0]  o_data,
    output logic               o_valid,
    input  wire                o_ready,
    output logic [ADDR_W+31:0] r_data,
    output logic               r_valid,
    input  wire                r_ready,
    input  wire  [DATA_W-1:0]  i_data,
    input  wire                i_valid,
    output logic               i_ready,
    output logic               busy
);
    localparam int BEAT = DATA_W / 8;
    localparam int SUM_W = 32 + $clog2(BYTES + 1) + 1;  // bytes of a request
    function automatic int gcd(input int a, input int b);
        int x, y, z;
        x = a;
        y = b;
        for (int k = 0; k < 64; k++)
            if (y != 0) begin
                z = x % y;
                x = y;
                y = z;
            end
        gcd = x;
    endfunction
    localparam int UNIT = gcd(BEAT, BYTES);
    localparam int IN = BEAT / UNIT, OUT = BYTES / UNIT;  // units
    localparam int SKIP_W = IN == 1 ? 1 : $clog2(IN);

    if (WORD_W > 8 * BYTES) begin : g_check
        $error("fx_axi_words: WORD_W must be at most 8 * BYTES");
    end

    // The request, in bytes.
    logic [SUM_W-1:0] at, bytes, over;
    logic [31:0] words;
    logic [ADDR_W-1:0] from;
    logic got;
    logic q_ready;  // the list of requests has room
    assign req_ready = !got;
    always_ff @(posedge clk) begin
        if (req_ready) begin
            at <= SUM_W'(req_data[31:0]) * SUM_W'(BYTES);
            bytes <= SUM_W'(req_data[63:32]) * SUM_W'(BYTES);
            words <= req_data[63:32];
            from <= base;
        end
        if (rst)
            got <= 1'b0;
        else if (req_ready)
            got <= req_valid && req_data[63:32] != '0;
        else if (r_ready && q_ready)
            got <= 1'b0;
    end
    assign r_valid = got && q_ready;
    assign r_data = {32'(over >> $clog2(BEAT)), from + ADDR_W'(at)};

    if (IN == 1 && OUT == 1) begin : g_same
        assign over = bytes;
        assign q_ready = 1'b1;
        assign o_data = i_data[WORD_W-1:0];
        assign o_valid = i_valid;
        assign i_ready = o_ready;
        assign busy = got;
        wire unused = &{1'b0, words, i_data, SKIP_W[0]};
    end else begin : g_gear
        localparam int CAP = 2 * (IN + OUT);
        localparam int HAVE_W = $clog2(CAP + 1);
        localparam bit [SUM_W-1:0] REST = SUM_W'(BEAT) - 1'b1;
        logic [SUM_W-1:0] lost;  // bytes of the first beat to drop
        logic [SKIP_W-1:0] i_skip, q_skip, skip;  // the same in units
        logic [31:0] i_beats, q_words, q_beats, left, due;
        assign lost = at & REST;
        assign over = lost + bytes + REST;
        assign i_skip = SKIP_W'(lost >> $clog2(UNIT));
        assign i_beats = r_data[ADDR_W +: 32];
        logic q_valid, load;
        fx_fifo #(.W(SKIP_W + 64), .DEPTH(PENDING)) u_list (
            .clk, .rst,
            .i_data({i_skip, words, i_beats}),
            .i_valid(got && r_ready), .i_ready(q_ready),
            .o_data({q_skip, q_words, q_beats}), .o_valid(q_valid),
            .o_ready(load)
        );

        logic [CAP*UNIT*8-1:0] store, kept, added;
        logic [DATA_W-1:0] cut;  // the beat without what is dropped
        logic [HAVE_W-1:0] have, rest, come;
        logic take, give;
        assign load = q_valid && left == '0;
        assign i_ready = due != '0 && have <= HAVE_W'(CAP - IN);
        assign o_valid = left != '0 && have >= HAVE_W'(OUT);
        assign o_data = store[WORD_W-1:0];
        assign take = i_valid && i_ready;
        assign give = o_valid && o_ready;
        assign rest = give ? have - HAVE_W'(OUT) : have;
        assign come = HAVE_W'(IN) - HAVE_W'(skip);
        assign kept = give ? store >> (OUT * UNIT * 8) : store;
        assign cut = i_data >> (32'(skip) * (UNIT * 8));
        assign added = (CAP*UNIT*8)'(cut) << (32'(rest) * (UNIT * 8));
        always_ff @(posedge clk) begin
            if (take)
                skip <= '0;
            if (take)
                due <= due - 1'b1;
            if (give)
                left <= left - 1'b1;
            have <= take ? rest + come : rest;
            store <= take ? kept | added : kept;
            if (load) begin
                skip <= q_skip;
                left <= q_words;
                due <= q_beats;
                have <= '0;
                store <= '0;
            end
            if (rst) begin
                left <= '0;
                due <= '0;
            end
        end
        assign busy = got || q_valid || left != '0;
    end
endmodule
`default_nettype wire
