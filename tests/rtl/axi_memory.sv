// SPDX-License-Identifier: Apache-2.0
// axi_memory -- a slave for the benches: a memory behind AXI4, slow and moody,
// that checks every rule the masters of rtl/ must keep.
//
// Checked: the stream rule on AR, AW and W; INCR, full-width, aligned bursts
// of at most MAX_BURST beats that stay inside a 4 KB page; WLAST on the last
// beat and on no other; all strobes set; at most OUTSTANDING bursts under way
// each way; RREADY and BREADY not withheld for ever.
//
// `rate` is how willing it is, in percent, on each channel; with `shy` it
// raises a ready only after it has seen the valid, which hangs a master whose
// valid waits for ready. Reads and writes of the 8 beats from BAD_BEAT on
// are answered SLVERR. It takes W beats before, with and after their AW.
`default_nettype none
module axi_memory #(
    parameter int ADDR_W = 64,
    parameter int DATA_W = 64,
    parameter int WORDS = 2048,
    parameter int BAD_BEAT = 1 << 30,
    parameter int MAX_BURST = 16,
    parameter int OUTSTANDING = 8
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire  [6:0]          rate,
    input  wire                 shy,

    input  wire  [  ADDR_W-1:0] araddr,
    input  wire  [         7:0] arlen,
    input  wire  [         2:0] arsize,
    input  wire  [         1:0] arburst,
    input  wire                 arvalid,
    output logic                arready,
    output logic [  DATA_W-1:0] rdata,
    output logic [         1:0] rresp,
    output logic                rlast,
    output logic                rvalid,
    input  wire                 rready,

    input  wire  [  ADDR_W-1:0] awaddr,
    input  wire  [         7:0] awlen,
    input  wire  [         2:0] awsize,
    input  wire  [         1:0] awburst,
    input  wire                 awvalid,
    output logic                awready,
    input  wire  [  DATA_W-1:0] wdata,
    input  wire  [DATA_W/8-1:0] wstrb,
    input  wire                 wlast,
    input  wire                 wvalid,
    output logic                wready,
    output logic [         1:0] bresp,
    output logic                bvalid,
    input  wire                 bready,

    output int                  errors,
    output int                  bursts,       // both ways
    output int                  deepest_read  // most bursts seen under way
);
    localparam int BYTES = DATA_W / 8;
    logic [DATA_W-1:0] mem[WORDS];

    int rule_errors[3], moved[3], own_errors;
    check_stream #(.W(ADDR_W + 8), .NAME("AR")) u_ar (
        .clk, .rst, .data({arlen, araddr}), .valid(arvalid), .ready(arready),
        .errors(rule_errors[0]), .moved(moved[0])
    );
    check_stream #(.W(ADDR_W + 8), .NAME("AW")) u_aw (
        .clk, .rst, .data({awlen, awaddr}), .valid(awvalid), .ready(awready),
        .errors(rule_errors[1]), .moved(moved[1])
    );
    check_stream #(.W(DATA_W + 1), .NAME("W")) u_w (
        .clk, .rst, .data({wlast, wdata}), .valid(wvalid), .ready(wready),
        .errors(rule_errors[2]), .moved(moved[2])
    );
    assign errors = own_errors + rule_errors[0] + rule_errors[1]
                    + rule_errors[2];
    assign bursts = moved[0] + moved[1];

    // Queues: bursts to read, bursts to write, beats to write, answers.
    // A burst is {first beat, length - 1}, a beat {last, data}.
    logic [63:0] reads[$], writes[$];
    logic [DATA_W:0] beats[$];
    logic answers[$];
    int r_at, w_at, r_waits, b_waits, read_way, write_way;
    logic w_bad;

    function automatic bit broken(input int at);
        broken = at >= BAD_BEAT && at < BAD_BEAT + 8;
    endfunction
    function automatic bit willing();
        willing = $urandom_range(99) < int'(rate);
    endfunction

    function automatic logic [31:0] beat_of(input logic [ADDR_W-1:0] addr);
        beat_of = 32'(addr >> $clog2(BYTES));
    endfunction

    task automatic fail(input string what);
        own_errors <= own_errors + 1;
        if (own_errors < 10)
            $display("axi_memory %0d bits: %s", DATA_W, what);
    endtask

    task automatic check_burst(input logic [ADDR_W-1:0] addr,
                               input logic [7:0] len, input logic [2:0] size,
                               input logic [1:0] burst);
        if (burst != 2'b01) fail("not an INCR burst");
        if (2 ** size != BYTES) fail("not the full width");
        if (int'(addr[11:0]) % BYTES != 0) fail("not aligned to a beat");
        if (int'(len) + 1 > MAX_BURST) fail("a burst over MAX_BURST");
        if (int'(addr[11:0]) + (int'(len) + 1) * BYTES > 4096)
            fail("a burst over a 4 KB boundary");
        if (int'(beat_of(addr)) + int'(len) >= WORDS)
            fail("outside the memory");
    endtask

    always_ff @(posedge clk) begin
        if (rst) begin
            arready <= 0; awready <= 0; wready <= 0; rvalid <= 0; bvalid <= 0;
            own_errors <= 0; r_at <= 0; w_at <= 0; w_bad <= 0;
            r_waits <= 0; b_waits <= 0; read_way <= 0; write_way <= 0;
            deepest_read <= 0;
            reads.delete(); writes.delete(); beats.delete(); answers.delete();
        end else begin
            // what is taken in this cycle
            if (arvalid && arready) begin
                check_burst(araddr, arlen, arsize, arburst);
                reads.push_back({beat_of(araddr), 32'(arlen)});
            end
            if (awvalid && awready) begin
                check_burst(awaddr, awlen, awsize, awburst);
                writes.push_back({beat_of(awaddr), 32'(awlen)});
            end
            if (wvalid && wready) begin
                beats.push_back({wlast, wdata});
                if (wstrb != '1) fail("a strobe is off");
            end
            read_way <= read_way + int'(arvalid && arready)
                        - int'(rvalid && rready && rlast);
            write_way <= write_way + int'(awvalid && awready)
                         - int'(bvalid && bready);
            if (read_way > OUTSTANDING || write_way > OUTSTANDING)
                fail("too many bursts under way");
            if (read_way > deepest_read)
                deepest_read <= read_way;
            r_waits <= rvalid && !rready ? r_waits + 1 : 0;
            b_waits <= bvalid && !bready ? b_waits + 1 : 0;
            if (r_waits > 0) fail("RREADY fell inside a burst");
            if (b_waits == 2000) fail("BREADY withheld");

            // R
            if (!rvalid || rready) begin
                if (reads.size() != 0 && willing()) begin
                    automatic int at = int'(reads[0][63:32]) + r_at;
                    rvalid <= 1;
                    rdata <= mem[at % WORDS];
                    rresp <= broken(at) ? 2'b10 : 2'b00;
                    rlast <= r_at == int'(reads[0][31:0]);
                    if (r_at == int'(reads[0][31:0])) begin
                        r_at <= 0;
                        void'(reads.pop_front());
                    end else
                        r_at <= r_at + 1;
                end else
                    rvalid <= 0;
            end

            // W into memory, then B
            if (writes.size() != 0 && beats.size() != 0 && willing()) begin
                automatic int at = int'(writes[0][63:32]) + w_at;
                automatic logic bad = w_bad || broken(at);
                mem[at % WORDS] <= beats[0][DATA_W-1:0];
                if (beats[0][DATA_W] != (w_at == int'(writes[0][31:0])))
                    fail("WLAST is not on the last beat");
                if (w_at == int'(writes[0][31:0])) begin
                    answers.push_back(bad);
                    w_at <= 0;
                    w_bad <= 0;
                    void'(writes.pop_front());
                end else begin
                    w_at <= w_at + 1;
                    w_bad <= bad;
                end
                void'(beats.pop_front());
            end
            if (!bvalid || bready) begin
                if (answers.size() != 0 && willing()) begin
                    bvalid <= 1;
                    bresp <= answers[0] ? 2'b10 : 2'b00;
                    void'(answers.pop_front());
                end else
                    bvalid <= 0;
            end

            arready <= willing() && (!shy || (arvalid && !arready));
            awready <= willing() && (!shy || (awvalid && !awready));
            wready <= willing() && (!shy || (wvalid && !wready));
        end
    end
endmodule
`default_nettype wire
