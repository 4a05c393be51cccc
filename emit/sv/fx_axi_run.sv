// SPDX-License-Identifier: Apache-2.0
// fx_axi_run -- a run of a design as the host sees it: what it reads before it
// starts, what it writes, and when it is over.
//
//     start --> design_start
//     run:  (steps) step records | 8 end tokens, if ENDS | (id_beats) tokens
//           --> table, ends, ids, in this order, all words of 32 bits
//     y    --> out[1], out[2] ...                    one word a token
//     design_done, nothing busy --> out[0] = {error, tokens written} --> done
//
// So out[0] is the last word of a run that reaches memory: bit 31 says that
// some memory answered with an error, the rest how many tokens follow.
//
// proof: tests/emit/sv.sh, whole runs through AXI
`default_nettype none
module fx_axi_run #(
    parameter int ADDR_W = 64,
    parameter int TABLE = 13,     // words of a step record
    parameter int IDS = 1,        // tokens a beat
    parameter bit ENDS = 1,       // there are end tokens
    parameter int DATA_W = 32     // bits of a beat of the AXI port: 32
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire                 start,
    output logic                done,
    output logic                design_start,
    input  wire                 design_done,
    input  wire                 busy,     // some other port is at work
    input  wire                 error,    // some other port met an error
    input  wire  [ADDR_W-1:0]   run,
    input  wire  [ADDR_W-1:0]   out,
    input  wire  [31:0]         steps,
    input  wire  [31:0]         id_beats,

    output logic [32*TABLE-1:0] table_data,
    output logic                table_valid,
    input  wire                 table_ready,
    output logic [255:0]        ends_data,
    output logic                ends_valid,
    input  wire                 ends_ready,
    output logic [32*IDS-1:0]   ids_data,
    output logic                ids_valid,
    input  wire                 ids_ready,
    input  wire  [31:0]         y_data,
    input  wire                 y_valid,
    output logic                y_ready,

    output logic [ADDR_W-1:0]   m_araddr,
    output logic [7:0]          m_arlen,
    output logic [2:0]          m_arsize,
    output logic [1:0]          m_arburst,
    output logic                m_arvalid,
    input  wire                 m_arready,
    input  wire  [DATA_W-1:0]   m_rdata,
    input  wire  [1:0]          m_rresp,
    input  wire                 m_rlast,
    input  wire                 m_rvalid,
    output logic                m_rready,
    output logic [ADDR_W-1:0]   m_awaddr,
    output logic [7:0]          m_awlen,
    output logic [2:0]          m_awsize,
    output logic [1:0]          m_awburst,
    output logic                m_awvalid,
    input  wire                 m_awready,
    output logic [DATA_W-1:0]   m_wdata,
    output logic [DATA_W/8-1:0] m_wstrb,
    output logic                m_wlast,
    output logic                m_wvalid,
    input  wire                 m_wready,
    input  wire  [1:0]          m_bresp,
    input  wire                 m_bvalid,
    output logic                m_bready
);
    if (DATA_W != 32) begin : g_check
        $error("fx_axi_run: the port has beats of 32 bits");
    end

    // ---- what is read: one request, cut into records of 32-bit words ----
    localparam int MOST = TABLE > IDS ? (TABLE > 8 ? TABLE : 8)
                                      : (IDS > 8 ? IDS : 8);
    localparam int COUNT_W = $clog2(MOST + 1);
    localparam bit [1:0] OF_TABLE = 2'd0, OF_ENDS = 2'd1, OF_IDS = 2'd2;

    logic ask, ask_ready, r_valid, r_ready, r_busy, r_error;
    logic [31:0] r_data, beats;
    assign beats = steps * 32'(TABLE) + (ENDS ? 32'd8 : 32'd0)
                   + id_beats * 32'(IDS);
    fx_axi_read #(
        .ADDR_W(ADDR_W), .DATA_W(DATA_W), .MAX_BURST(64), .OUTSTANDING(2),
        .ROOM(128)
    ) u_read (
        .clk, .rst,
        .req_data({beats, run}), .req_valid(ask), .req_ready(ask_ready),
        .o_data(r_data), .o_valid(r_valid), .o_ready(r_ready),
        .busy(r_busy), .error(r_error),
        .m_araddr, .m_arlen, .m_arsize, .m_arburst, .m_arvalid, .m_arready,
        .m_rdata, .m_rresp, .m_rlast, .m_rvalid, .m_rready
    );

    logic [32*MOST-1:0] line;  // the newest word on top
    logic [COUNT_W-1:0] words, need;
    logic [1:0] part;
    logic [31:0] records;  // of this part still to come
    logic whole, taken;
    assign need = part == OF_TABLE ? COUNT_W'(TABLE)
                  : part == OF_ENDS ? COUNT_W'(8) : COUNT_W'(IDS);
    assign whole = words == need && records != '0;
    assign r_ready = !whole && records != '0;
    assign table_valid = whole && part == OF_TABLE;
    assign ends_valid = whole && part == OF_ENDS;
    assign ids_valid = whole && part == OF_IDS;
    assign table_data = line[32*MOST-1 -: 32*TABLE];
    assign ends_data = line[32*MOST-1 -: 256];
    assign ids_data = line[32*MOST-1 -: 32*IDS];
    assign taken = (table_valid && table_ready) || (ends_valid && ends_ready)
                   || (ids_valid && ids_ready);
    always_ff @(posedge clk) begin
        if (r_valid && r_ready) begin
            line <= {r_data, line[32*MOST-1:32]};
            words <= words + 1'b1;
        end
        if (taken) begin
            words <= '0;
            records <= records - 1'b1;
        end
        if (start) begin
            part <= OF_TABLE;
            records <= steps;
            words <= '0;
        end else if (records == '0 && part == OF_TABLE) begin
            part <= ENDS ? OF_ENDS : OF_IDS;
            records <= ENDS ? 32'd1 : id_beats;
        end else if (records == '0 && part == OF_ENDS) begin
            part <= OF_IDS;
            records <= id_beats;
        end
        if (rst) begin
            part <= OF_IDS;
            records <= '0;
        end
    end

    // ---- what is written: a request and a word at a time ----
    logic w_req, w_word, w_req_ready, w_word_ready, w_busy, w_error, finish;
    logic [31:0] value, tokens;
    logic [ADDR_W-1:0] place;
    logic ended, closing;
    assign y_ready = !w_req && !w_word && !closing;
    assign finish = ended && !closing && !busy && !w_req && !w_word && !w_busy
                    && !r_busy && !y_valid;
    fx_axi_write #(
        .ADDR_W(ADDR_W), .DATA_W(DATA_W), .MAX_BURST(64), .OUTSTANDING(2)
    ) u_write (
        .clk, .rst,
        .req_data({32'd1, place}), .req_valid(w_req),
        .req_ready(w_req_ready),
        .i_data(value), .i_valid(w_word), .i_ready(w_word_ready),
        /* verilator lint_off PINCONNECTEMPTY */
        .ack_data(), .ack_valid(),
        /* verilator lint_on PINCONNECTEMPTY */
        .ack_ready(1'b1),
        .busy(w_busy), .error(w_error),
        .m_awaddr, .m_awlen, .m_awsize, .m_awburst, .m_awvalid, .m_awready,
        .m_wdata, .m_wstrb, .m_wlast, .m_wvalid, .m_wready, .m_bresp,
        .m_bvalid, .m_bready
    );
    assign done = closing && !w_req && !w_word && !w_busy;
    always_ff @(posedge clk) begin
        design_start <= start && !rst;
        if (w_req_ready)
            w_req <= 1'b0;
        if (w_word_ready)
            w_word <= 1'b0;
        if (ask_ready)
            ask <= 1'b0;
        if (y_valid && y_ready) begin
            {w_req, w_word} <= 2'b11;
            value <= y_data;
            place <= out + ((ADDR_W'(tokens) + 1'b1) << 2);
            tokens <= tokens + 1'b1;
        end
        if (design_done)
            ended <= 1'b1;
        if (finish) begin
            {w_req, w_word} <= 2'b11;
            value <= {error || r_error || w_error, tokens[30:0]};
            place <= out;
            closing <= 1'b1;
        end
        if (start) begin
            ask <= 1'b1;
            tokens <= '0;
            ended <= 1'b0;
        end
        if (rst || done)
            closing <= 1'b0;
        if (rst || done)
            ended <= 1'b0;
        if (rst)
            {ask, w_req, w_word} <= '0;
    end
endmodule
`default_nettype wire
