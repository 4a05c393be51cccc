// SPDX-License-Identifier: Apache-2.0
// fx_fifo -- a FIFO between two tasks, first word falls through.
//
//     i --->[ DEPTH words of W bits ]---> o
//
// A word pushed in cycle t can be popped in cycle t + 1, whatever the STYLE:
// the styles differ in what they are made of, never in a cycle, so the timed
// model needs one rule. It holds exactly DEPTH words.
//
// i_ready and o_valid are functions of registers only, so DEPTH 1 moves a word
// every other cycle. LOOK 1 lets a FIFO of depth 1 look through from o_ready
// to i_ready and move one every cycle: a combinational path, which must not
// close into a loop and has no place at a chip boundary.
//
//   STYLE  "auto", "distributed"  the tool's ram_style, read without a clock
//          "srl"                  addressable shift register (Xilinx SRL)
//          "block", "ultra"       RAM behind an output register; under three
//                                 words it is built as "auto"
//
// proof: tests/rtl/tb_fifo.sv
`default_nettype none
module fx_fifo #(
    parameter int W = 8,      // bits a word
    parameter int DEPTH = 2,  // words it holds, 1 or more
    parameter STYLE = "auto", // what it is made of
    parameter bit LOOK = 0    // DEPTH 1: look through to o_ready
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
    /* verilator lint_off WIDTH */  // strings of different lengths
    localparam bit SRL = STYLE == "srl";
    localparam bit SYNC = (STYLE == "block" || STYLE == "ultra") && DEPTH >= 3;
    /* verilator lint_on WIDTH */

    logic push, pop;
    assign push = i_valid && i_ready;
    assign pop = o_valid && o_ready;

    if (DEPTH == 1) begin : g_one
        logic full;
        assign i_ready = !full || (LOOK && o_ready);
        assign o_valid = full;
        always_ff @(posedge clk) begin
            if (push)
                o_data <= i_data;
            full <= !rst && (push || (full && !pop));
        end
    end else begin : g_many
        localparam int AW = $clog2(DEPTH);
        localparam int CW = $clog2(DEPTH + 1);
        logic [CW-1:0] count;  // words held, everywhere in here
        assign i_ready = count != CW'(DEPTH);
        always_ff @(posedge clk) begin
            if (rst)
                count <= '0;
            else if (push != pop)
                count <= push ? count + 1'b1 : count - 1'b1;
        end

        if (SRL) begin : g_srl
            // A bit is a line of its own: that is the shape tools look for.
            logic [AW-1:0] oldest;
            assign oldest = AW'(count - 1'b1);
            assign o_valid = count != '0;
            for (genvar b = 0; b < W; b++) begin : g_bit
                logic [DEPTH-1:0] line;
                assign o_data[b] = line[oldest];
                always_ff @(posedge clk)
                    if (push)
                        line <= {line[DEPTH-2:0], i_data[b]};
            end
        end else begin : g_ram
            logic we, re;
            logic [AW-1:0] waddr, raddr;
            (* ram_style = STYLE *) logic [W-1:0] mem[DEPTH];
            always_ff @(posedge clk) begin
                if (we)
                    mem[waddr] <= i_data;
                if (rst) begin
                    waddr <= '0;
                    raddr <= '0;
                end else begin
                    if (we)
                        waddr <= waddr == AW'(DEPTH - 1) ? '0 : waddr + 1'b1;
                    if (re)
                        raddr <= raddr == AW'(DEPTH - 1) ? '0 : raddr + 1'b1;
                end
            end

            if (!SYNC) begin : g_async
                assign we = push;
                assign re = pop;
                assign o_valid = count != '0;
                assign o_data = mem[raddr];
            end else begin : g_sync
                // The RAM answers a cycle late, so two registers stand before
                // it: `head` takes a word past an empty RAM, `next` is the
                // RAM's own output register. Age: head, next, RAM.
                logic [W-1:0] head, next;
                logic head_v, next_v, direct, next_free;
                logic [CW-1:0] in_ram;

                assign o_valid = head_v || next_v;
                assign o_data = head_v ? head : next;
                assign next_free = !next_v || (pop && !head_v);
                assign re = in_ram != '0 && next_free;
                assign direct = in_ram == '0 && next_free && (!head_v || pop);
                assign we = push && !direct;
                always_ff @(posedge clk) begin
                    if (re)
                        next <= mem[raddr];
                    if (push && direct)
                        head <= i_data;
                    if (rst) begin
                        head_v <= 1'b0;
                        next_v <= 1'b0;
                        in_ram <= '0;
                    end else begin
                        head_v <= (push && direct) || (head_v && !pop);
                        next_v <= re || !next_free;
                        if (we != re)
                            in_ram <= we ? in_ram + 1'b1 : in_ram - 1'b1;
                    end
                end
            end
        end
    end
endmodule
`default_nettype wire
