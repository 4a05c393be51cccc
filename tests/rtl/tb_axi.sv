// SPDX-License-Identifier: Apache-2.0
// tb_axi -- fx_axi_read and fx_axi_write against axi_memory.
//
// Rounds of random requests: while one half of the memory is written, the
// other is read; then they change places. Checked: every beat read, every ack,
// the counts, that `busy` falls, the whole memory at the end against a model,
// errors passed on (last rounds), a beat a cycle at full rate both ways where
// enough beats may be under way to hide the memory's answer time.
`default_nettype none
module axi_case #(
    parameter int ADDR_W = 40,
    parameter int LEN_W = 16,
    parameter int DATA_W = 64,
    parameter int MAX_BURST = 16,
    parameter int OUTSTANDING = 4,
    parameter int ROOM = 64
) (
    input  wire clk,
    input  wire rst,
    output logic finished,
    output int   errors,
    output int   checks
);
    localparam int BYTES = DATA_W / 8, WORDS = 2048, HALF = WORDS / 2;
    localparam int BAD = WORDS - 200, ROUNDS = 13, REQUESTS = 24;

    logic [ADDR_W+LEN_W-1:0] rq_data, wq_data;
    logic rq_valid, rq_ready, wq_valid, wq_ready;
    logic [DATA_W-1:0] r_data, w_data;
    logic r_valid, r_ready, w_valid, w_ready;
    logic ack_data, ack_valid, ack_ready, r_busy, w_busy, r_error, w_error;

    logic [ADDR_W-1:0] araddr, awaddr;
    logic [7:0] arlen, awlen;
    logic [2:0] arsize, awsize;
    logic [1:0] arburst, awburst, rresp, bresp;
    logic arvalid, arready, rlast, rvalid, rready, awvalid, awready, wlast,
          wvalid, wready, bvalid, bready;
    logic [DATA_W-1:0] rdata, wdata;
    logic [DATA_W/8-1:0] wstrb;

    fx_axi_read #(
        .ADDR_W(ADDR_W), .LEN_W(LEN_W), .DATA_W(DATA_W), .MAX_BURST(MAX_BURST),
        .OUTSTANDING(OUTSTANDING), .ROOM(ROOM)
    ) u_read (
        .clk, .rst,
        .req_data(rq_data), .req_valid(rq_valid), .req_ready(rq_ready),
        .o_data(r_data), .o_valid(r_valid), .o_ready(r_ready),
        .busy(r_busy), .error(r_error),
        .m_araddr(araddr), .m_arlen(arlen), .m_arsize(arsize),
        .m_arburst(arburst), .m_arvalid(arvalid), .m_arready(arready),
        .m_rdata(rdata), .m_rresp(rresp), .m_rlast(rlast), .m_rvalid(rvalid),
        .m_rready(rready)
    );
    fx_axi_write #(
        .ADDR_W(ADDR_W), .LEN_W(LEN_W), .DATA_W(DATA_W), .MAX_BURST(MAX_BURST),
        .OUTSTANDING(OUTSTANDING)
    ) u_write (
        .clk, .rst,
        .req_data(wq_data), .req_valid(wq_valid), .req_ready(wq_ready),
        .i_data(w_data), .i_valid(w_valid), .i_ready(w_ready),
        .ack_data, .ack_valid, .ack_ready,
        .busy(w_busy), .error(w_error),
        .m_awaddr(awaddr), .m_awlen(awlen), .m_awsize(awsize),
        .m_awburst(awburst), .m_awvalid(awvalid), .m_awready(awready),
        .m_wdata(wdata), .m_wstrb(wstrb), .m_wlast(wlast), .m_wvalid(wvalid),
        .m_wready(wready), .m_bresp(bresp), .m_bvalid(bvalid),
        .m_bready(bready)
    );

    logic [6:0] rate;
    logic shy;
    int mem_errors, bursts, deepest;
    axi_memory #(
        .ADDR_W(ADDR_W), .DATA_W(DATA_W), .WORDS(WORDS), .BAD_BEAT(BAD),
        .MAX_BURST(MAX_BURST), .OUTSTANDING(OUTSTANDING)
    ) u_mem (.*, .errors(mem_errors), .deepest_read(deepest));

    int rule_errors[2], rule_moved[2];
    check_stream #(.W(DATA_W), .NAME("read data")) u_rdata (
        .clk, .rst, .data(r_data), .valid(r_valid), .ready(r_ready),
        .errors(rule_errors[0]), .moved(rule_moved[0])
    );
    check_stream #(.W(1), .NAME("ack")) u_ack (
        .clk, .rst, .data(ack_data), .valid(ack_valid), .ready(ack_ready),
        .errors(rule_errors[1]), .moved(rule_moved[1])
    );

    // ---- the kernel's side ----
    logic [DATA_W-1:0] model[WORDS], expect_r[$], write_q[$];
    logic acks_q[$];
    int round, r_made, w_made, r_taken, quiet, cycle, own_errors, round_start,
        round_beats;
    int my_rate;
    assign finished = round == ROUNDS;
    assign errors = own_errors + mem_errors + rule_errors[0] + rule_errors[1];
    assign checks = finished && bursts > 100 ? r_taken : 0;

    function automatic logic [DATA_W-1:0] hash(input int k);
        for (int b = 0; b < DATA_W; b += 32)
            hash[b +: 32] = (k * 32'h9E3779B1) ^ (b * 32'h85EBCA6B);
    endfunction
    task automatic fail(input string what);
        own_errors <= own_errors + 1;
        if (own_errors < 10)
            $display("axi %0d bits, burst %0d, round %0d: %s", DATA_W,
                     MAX_BURST, round, what);
    endtask

    // Round 0 is long requests at full rate, round 1 the shy slave, the last
    // two are the only ones that touch the bad beats.
    function automatic int rate_of(input int r);
        case (r)
            0, 1: rate_of = 100;
            2: rate_of = 50;
            3: rate_of = 5;
            4: rate_of = 90;
            default: rate_of = 20 + (r * 37) % 80;
        endcase
    endfunction
    function automatic int my_rate_of(input int r);
        case (r)
            0, 1, 3: my_rate_of = 100;
            2: my_rate_of = 60;
            4: my_rate_of = 8;
            default: my_rate_of = 10 + (r * 53) % 90;
        endcase
    endfunction
    function automatic int requests_of(input int r);
        requests_of = r == 0 ? 1 : REQUESTS;
    endfunction

    initial
        for (int k = 0; k < WORDS; k++) begin
            model[k] = hash(k + 7777);
            u_mem.mem[k] = hash(k + 7777);
        end

    // A random request inside half `h`; the bad beats only in the last round.
    task automatic draw(input int h, output int beat, output int len);
        automatic bit bad_round = round >= ROUNDS - 2;
        automatic int top = h == 1 && !bad_round ? BAD - HALF : HALF;
        len = round == 0 ? 800 : $urandom_range(9) == 0 ? $urandom_range(300)
              : $urandom_range(3 * MAX_BURST / 2);
        if (len > top) len = top;
        beat = h * HALF + $urandom_range(top - len);
        if (bad_round && h == 1 && $urandom_range(3) == 0) begin
            beat = BAD - 5;
            len = 10 + int'($urandom_range(100));
        end
    endtask

    always_ff @(posedge clk) begin
        automatic int beat, len;
        automatic logic bad;
        automatic logic [DATA_W-1:0] want;
        if (rst) begin
            round <= 0; r_made <= 0; w_made <= 0; r_taken <= 0; quiet <= 0;
            cycle <= 0; own_errors <= 0; round_start <= 0; round_beats <= 0;
            rq_valid <= 0; wq_valid <= 0; w_valid <= 0; r_ready <= 0;
            ack_ready <= 0; rate <= 100; shy <= 0; my_rate <= 100;
            expect_r.delete(); write_q.delete(); acks_q.delete();
        end else if (!finished) begin
            cycle <= cycle + 1;
            // requests
            if (!rq_valid || rq_ready) begin
                rq_valid <= 0;
                if (r_made < requests_of(round)
                    && $urandom_range(99) < my_rate) begin
                    draw(1 - round % 2, beat, len);
                    // the low address bits are noise the engine must drop
                    rq_data <= {LEN_W'(len),
                                ADDR_W'(beat * BYTES)
                                | ADDR_W'($urandom_range(BYTES - 1))};
                    rq_valid <= 1;
                    r_made <= r_made + 1;
                    round_beats <= round_beats + len;
                    for (int k = 0; k < len; k++)
                        expect_r.push_back(model[beat + k]);
                end
            end
            if (!wq_valid || wq_ready) begin
                wq_valid <= 0;
                if (w_made < requests_of(round)
                    && $urandom_range(99) < my_rate) begin
                    draw(round % 2, beat, len);
                    wq_data <= {LEN_W'(len), ADDR_W'(beat * BYTES)};
                    wq_valid <= 1;
                    w_made <= w_made + 1;
                    bad = 0;
                    for (int k = 0; k < len; k++) begin
                        automatic logic [DATA_W-1:0] v
                            = hash(cycle * 1024 + k);
                        write_q.push_back(v);
                        model[beat + k] = v;
                        bad |= beat + k >= BAD && beat + k < BAD + 8;
                    end
                    if (len > 0)
                        acks_q.push_back(bad);
                end
            end
            // data to write: valid may drop when it is not taken, on purpose
            if (w_valid && w_ready)
                void'(write_q.pop_front());
            w_valid <= write_q.size() > 0 && $urandom_range(99) < my_rate;
            if (write_q.size() > 0)
                w_data <= write_q[0];
            // data read
            if (r_valid && r_ready) begin
                r_taken <= r_taken + 1;
                if (expect_r.size() == 0)
                    fail("a beat nobody asked for");
                else begin
                    want = expect_r.pop_front();
                    if (want != r_data)
                        fail("wrong data read");
                end
            end
            r_ready <= $urandom_range(99) < my_rate;
            if (ack_valid && ack_ready) begin
                if (acks_q.size() == 0)
                    fail("an ack too many");
                else if (acks_q.pop_front() != ack_data)
                    fail("the ack's error bit is wrong");
            end
            ack_ready <= $urandom_range(99) < my_rate;

            // the end of a round: all made, all served, both engines idle
            if (r_made == requests_of(round) && w_made == requests_of(round)
                && !rq_valid && !wq_valid && expect_r.size() == 0
                && write_q.size() == 0 && acks_q.size() == 0 && !r_busy
                && !w_busy)
                quiet <= quiet + 1;
            else
                quiet <= 0;
            if (quiet == 20) begin
                if (round == 0 && OUTSTANDING * MAX_BURST >= 64
                    && cycle - round_start > round_beats + 80)
                    fail("too slow at full rate");
                if (round < ROUNDS - 2 && (r_error || w_error))
                    fail("an error without a reason");
                if (round == ROUNDS - 1) begin
                    if (!w_error || !r_error)
                        fail("an error got lost");
                    for (int k = 0; k < WORDS; k++)
                        if (u_mem.mem[k] != model[k]) begin
                            fail("the memory differs from the model");
                            break;
                        end
                    if (OUTSTANDING > 1 && ROOM >= 2 * MAX_BURST
                        && deepest < 2)
                        fail("never two bursts under way");
                end
                round <= round + 1;
                round_start <= cycle;
                round_beats <= 0;
                quiet <= 0;
                r_made <= 0;
                w_made <= 0;
                rate <= 7'(rate_of(round + 1));
                my_rate <= my_rate_of(round + 1);
                shy <= round == 0 || round % 4 == 2;
            end
        end
    end
endmodule

module tb_axi (
    input  wire clk,
    input  wire rst,
    output logic finished,
    output int   errors,
    output int   checks
);
    localparam int N = 5;
    logic [N-1:0] f;
    int e[N], c[N];
`define AXI_CASE(k, dw, lw, mb, out, room) \
    axi_case #(.DATA_W(dw), .LEN_W(lw), .MAX_BURST(mb), .OUTSTANDING(out), \
               .ROOM(room)) u``k ( \
        .clk, .rst, .finished(f[k]), .errors(e[k]), .checks(c[k]));
    `AXI_CASE(0, 64, 16, 16, 4, 64)
    `AXI_CASE(1, 512, 24, 64, 8, 128)
    `AXI_CASE(2, 32, 10, 256, 2, 600)
    `AXI_CASE(3, 128, 16, 1, 3, 2)
    `AXI_CASE(4, 256, 32, 8, 1, 8)
    assign finished = &f;
    always_comb begin
        errors = 0;
        checks = c[0];
        for (int k = 0; k < N; k++) begin
            errors += e[k];
            if (c[k] == 0)
                checks = 0;
        end
    end
endmodule
`default_nettype wire
