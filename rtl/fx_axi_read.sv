// SPDX-License-Identifier: Apache-2.0
// fx_axi_read -- AXI4 read bursts from a request stream to a data stream.
//
//     req { beats, address } --> split --> AR
//                                  |
//     data <--- FIFO of ROOM beats <------- R
//
// req_data holds the byte address in its low ADDR_W bits and the length in
// beats above. The data of all requests leave in order, as one stream.
//
// A burst is asked for only when the FIFO has room for all of it, so RREADY
// never falls in the middle of one and a task that stands still holds up
// nobody else's memory channel. Up to OUTSTANDING bursts are under way.
// ARVALID depends on no ready and, once high, stays until it is taken.
//
// An answer other than OKAY raises `error`, which stays until reset; the data
// are passed on. `busy` is low when nothing is asked for or still to leave.
//
// proof: tests/rtl/tb_axi.sv
`default_nettype none
module fx_axi_read #(
    parameter int ADDR_W = 64,      // bits of a byte address
    parameter int LEN_W = 32,       // bits of a request's length
    parameter int DATA_W = 512,     // bits a beat: 32, 64 .. 1024
    parameter int MAX_BURST = 64,   // beats a burst, see fx_axi_split
    parameter int OUTSTANDING = 8,  // bursts under way, 1 or more
    parameter int ROOM = 512,       // beats of the FIFO, MAX_BURST or more, >= 2
    parameter STYLE = "auto"        // what the FIFO is made of
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire  [ADDR_W+LEN_W-1:0] req_data,
    input  wire                     req_valid,
    output logic                    req_ready,
    output logic [      DATA_W-1:0] o_data,
    output logic                    o_valid,
    input  wire                     o_ready,
    output logic                    busy,
    output logic                    error,

    output logic [      ADDR_W-1:0] m_araddr,
    output logic [             7:0] m_arlen,
    output logic [             2:0] m_arsize,
    output logic [             1:0] m_arburst,
    output logic                    m_arvalid,
    input  wire                     m_arready,
    input  wire  [      DATA_W-1:0] m_rdata,
    input  wire  [             1:0] m_rresp,
    input  wire                     m_rlast,
    input  wire                     m_rvalid,
    output logic                    m_rready
);
    localparam int RW = $clog2(ROOM + 1);
    localparam int OW = $clog2(OUTSTANDING + 1);
    if (ROOM < MAX_BURST || ROOM < 2) begin : g_check
        $error("fx_axi_read: ROOM must be at least MAX_BURST and 2");
    end

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

    // A burst is let through once its beats have a place; the place comes back
    // when the beat leaves the FIFO. The AR register holds it after that.
    logic [RW-1:0] free;
    logic [OW-1:0] under_way;
    logic grant, taken, answered;
    assign grant = s_valid && free > RW'(s_len)
                   && under_way != OW'(OUTSTANDING)
                   && (!m_arvalid || m_arready);
    assign s_ready = grant;
    assign taken = o_valid && o_ready;
    assign answered = m_rvalid && m_rready && m_rlast;

    always_ff @(posedge clk) begin
        if (grant) begin
            m_araddr <= s_addr;
            m_arlen <= s_len;
        end
        if (rst) begin
            m_arvalid <= 1'b0;
            free <= RW'(ROOM);
            under_way <= '0;
            error <= 1'b0;
        end else begin
            m_arvalid <= grant || (m_arvalid && !m_arready);
            free <= free - (grant ? RW'(s_len) + 1'b1 : '0) + RW'(taken);
            under_way <= under_way + OW'(grant) - OW'(answered);
            if (m_rvalid && m_rready && m_rresp != 2'b00)
                error <= 1'b1;
        end
    end
    assign m_arsize = 3'($clog2(DATA_W / 8));
    assign m_arburst = 2'b01;  // INCR

    fx_fifo #(.W(DATA_W), .DEPTH(ROOM), .STYLE(STYLE)) u_fifo (
        .clk, .rst,
        .i_data(m_rdata), .i_valid(m_rvalid), .i_ready(m_rready),
        .o_data, .o_valid, .o_ready
    );
    assign busy = !req_ready || s_valid || free != RW'(ROOM);

    wire unused = &{1'b0, s_last};
endmodule
`default_nettype wire
