// SPDX-License-Identifier: Apache-2.0
// fx_axi_write -- AXI4 write bursts from a request and a data stream.
//
//     req { beats, address } --> split --+--> AW
//                                        +--> lengths of the bursts --+
//     data ------------------------------------> W, WLAST <-----------+
//     ack { error } <--- one a request, when its last B has come
//
// req_data holds the byte address in its low ADDR_W bits and the length in
// beats above. The data stream carries the beats of all requests in order.
// Whoever reads back what was written waits for the ack: after it, memory has
// the data. A request of 0 beats has no ack. If nobody cares, hold ack_ready
// high and look at `busy`.
//
// AWVALID, WVALID and ack_valid are registers: they depend on no ready and
// stay until they are taken, whatever i_valid does. Up to OUTSTANDING bursts wait for their B. An answer
// other than OKAY raises `error` (stays until reset) and that request's ack.
//
// proof: tests/rtl/tb_axi.sv
`default_nettype none
module fx_axi_write #(
    parameter int ADDR_W = 64,     // bits of a byte address
    parameter int LEN_W = 32,      // bits of a request's length
    parameter int DATA_W = 512,    // bits a beat: 32, 64 .. 1024
    parameter int MAX_BURST = 64,  // beats a burst, see fx_axi_split
    parameter int OUTSTANDING = 8  // bursts whose B is still to come, >= 1
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire  [ADDR_W+LEN_W-1:0] req_data,
    input  wire                     req_valid,
    output logic                    req_ready,
    input  wire  [      DATA_W-1:0] i_data,
    input  wire                     i_valid,
    output logic                    i_ready,
    output logic                    ack_data,  // 1: this request met an error
    output logic                    ack_valid,
    input  wire                     ack_ready,
    output logic                    busy,
    output logic                    error,

    output logic [      ADDR_W-1:0] m_awaddr,
    output logic [             7:0] m_awlen,
    output logic [             2:0] m_awsize,
    output logic [             1:0] m_awburst,
    output logic                    m_awvalid,
    input  wire                     m_awready,
    output logic [      DATA_W-1:0] m_wdata,
    output logic [    DATA_W/8-1:0] m_wstrb,
    output logic                    m_wlast,
    output logic                    m_wvalid,
    input  wire                     m_wready,
    input  wire  [             1:0] m_bresp,
    input  wire                     m_bvalid,
    output logic                    m_bready
);
    logic [ADDR_W-1:0] s_addr;
    logic [7:0] s_len;
    logic s_valid, s_ready, s_last;
    fx_axi_split #(
        .ADDR_W(ADDR_W), .LEN_W(LEN_W), .DATA_W(DATA_W), .MAX_BURST(MAX_BURST)
    ) u_split (
        .clk, .rst,
        .i_addr(req_data[ADDR_W-1:0]), .i_beats(req_data[ADDR_W +: LEN_W]),
        .i_valid(req_valid), .i_ready(req_ready),
        .o_addr(s_addr), .o_len(s_len), .o_last(s_last),
        .o_valid(s_valid), .o_ready(s_ready)
    );

    // A burst goes at once to AW, to the W side and to the list that waits
    // for answers; the two FIFOs bound what is under way.
    logic grant, len_ready, wait_ready;
    assign grant = s_valid && len_ready && wait_ready
                   && (!m_awvalid || m_awready);
    assign s_ready = grant;
    always_ff @(posedge clk) begin
        if (grant) begin
            m_awaddr <= s_addr;
            m_awlen <= s_len;
        end
        m_awvalid <= !rst && (grant || (m_awvalid && !m_awready));
    end
    assign m_awsize = 3'($clog2(DATA_W / 8));
    assign m_awburst = 2'b01;  // INCR

    // W: `sent` beats of the oldest burst are gone.
    logic [7:0] w_len, sent;
    logic w_burst, w_beat, w_end, w_room;
    fx_fifo #(.W(8), .DEPTH(OUTSTANDING)) u_len (
        .clk, .rst,
        .i_data(s_len), .i_valid(grant), .i_ready(len_ready),
        .o_data(w_len), .o_valid(w_burst), .o_ready(w_beat && w_end)
    );
    assign w_end = sent == w_len;
    assign w_beat = w_burst && i_valid && w_room;
    assign i_ready = w_burst && w_room;
    fx_skid #(.W(DATA_W + 1)) u_skid (
        .clk, .rst,
        .i_data({w_end, i_data}), .i_valid(w_burst && i_valid),
        .i_ready(w_room),
        .o_data({m_wlast, m_wdata}), .o_valid(m_wvalid), .o_ready(m_wready)
    );
    assign m_wstrb = '1;
    always_ff @(posedge clk) begin
        if (rst)
            sent <= '0;
        else if (w_beat)
            sent <= w_end ? '0 : sent + 1'b1;
    end

    // B: answers come in the order of the bursts (there is one ID).
    logic b_last, b_wait, bad, answer;
    fx_fifo #(.W(1), .DEPTH(OUTSTANDING)) u_wait (
        .clk, .rst,
        .i_data(s_last), .i_valid(grant), .i_ready(wait_ready),
        .o_data(b_last), .o_valid(b_wait), .o_ready(answer)
    );
    assign m_bready = b_wait && (!ack_valid || ack_ready);
    assign answer = m_bvalid && m_bready;
    always_ff @(posedge clk) begin
        if (answer && b_last)
            ack_data <= bad || m_bresp != 2'b00;
        if (rst) begin
            ack_valid <= 1'b0;
            bad <= 1'b0;
            error <= 1'b0;
        end else begin
            ack_valid <= (answer && b_last) || (ack_valid && !ack_ready);
            if (answer) begin
                bad <= !b_last && (bad || m_bresp != 2'b00);
                error <= error || m_bresp != 2'b00;
            end
        end
    end
    assign busy = !req_ready || s_valid || b_wait || ack_valid;
endmodule
`default_nettype wire
