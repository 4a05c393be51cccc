// SPDX-License-Identifier: Apache-2.0
// fx_axi_ctrl -- AXI4-Lite control registers of a kernel, as XRT expects them.
//
//   0x00  control   bit 0 ap_start (write 1; clears when the run is taken)
//                   bit 1 ap_done  (clears when read)
//                   bit 2 ap_idle
//                   bit 3 ap_ready (clears when read)
//                   bit 7 auto_restart
//   0x04  GIE       bit 0 interrupts on
//   0x08  IER       bit 0 on ap_done, bit 1 on ap_ready
//   0x0c  ISR       bits as IER; write 1 to toggle (clears what is set)
//   0x10  arguments in order: a scalar takes 8 bytes (32 bits and a gap), a
//         pointer 12 (low word, high word and a gap), as Vitis lays them out
//
// This is the map of ap_ctrl_hs. The kernel sees a one-cycle `start`, with
// `args` stable until its one-cycle `done`; runs do not overlap, so ap_ready
// and ap_done come together. Reads of holes give 0; every answer is OKAY.
// BVALID and RVALID are registers and stay until they are taken.
//
// proof: tests/rtl/tb_ctrl.sv
`default_nettype none
module fx_axi_ctrl #(
    parameter int ADDR_W = 12,            // bits of the register space
    parameter int ARGS = 2,               // arguments, 1 or more
    parameter bit [ARGS-1:0] WIDE = '0    // bit k: argument k is a pointer
) (
    input  wire                clk,
    input  wire                rst,

    input  wire  [ADDR_W-1:0]  s_awaddr,
    input  wire                s_awvalid,
    output logic               s_awready,
    input  wire  [31:0]        s_wdata,
    input  wire  [3:0]         s_wstrb,
    input  wire                s_wvalid,
    output logic               s_wready,
    output logic [1:0]         s_bresp,
    output logic               s_bvalid,
    input  wire                s_bready,
    input  wire  [ADDR_W-1:0]  s_araddr,
    input  wire                s_arvalid,
    output logic               s_arready,
    output logic [31:0]        s_rdata,
    output logic [1:0]         s_rresp,
    output logic               s_rvalid,
    input  wire                s_rready,

    output logic               irq,
    output logic               start,  // one cycle: begin a run
    input  wire                done,   // one cycle: the run has ended
    output logic [64*ARGS-1:0] args    // argument k in bits 64 k ..
);
    localparam int WORD_W = ADDR_W - 2;

    // The word (address / 4) of argument k's low half.
    function automatic int word_of(input int k);
        word_of = 4;
        for (int j = 0; j < k; j++)
            word_of = word_of + (WIDE[j] ? 3 : 2);
    endfunction
    if (4 * word_of(ARGS) > 2 ** ADDR_W) begin : g_check
        $error("fx_axi_ctrl: ADDR_W is too small for the arguments");
    end

    // A write happens when address and data are both here.
    logic write, read;
    logic [WORD_W-1:0] w_word, r_word;
    assign write = s_awvalid && s_wvalid && (!s_bvalid || s_bready);
    assign s_awready = write;
    assign s_wready = write;
    assign s_bresp = 2'b00;
    assign w_word = s_awaddr[ADDR_W-1:2];
    assign read = s_arvalid && (!s_rvalid || s_rready);
    assign s_arready = read;
    assign s_rresp = 2'b00;
    assign r_word = s_araddr[ADDR_W-1:2];

    logic ap_start, ap_done, ap_ready, running, restart, gie;
    logic [1:0] ier, isr, event_now;
    logic write_low;  // the write has the lowest byte
    assign write_low = write && s_wstrb[0];
    assign start = ap_start && !running;
    assign event_now = {done && running, done && running} & ier;

    always_ff @(posedge clk) begin
        s_bvalid <= !rst && (write || (s_bvalid && !s_bready));
        s_rvalid <= !rst && (read || (s_rvalid && !s_rready));
        if (rst) begin
            ap_start <= 1'b0;
            ap_done <= 1'b0;
            ap_ready <= 1'b0;
            running <= 1'b0;
            restart <= 1'b0;
            gie <= 1'b0;
            ier <= '0;
            isr <= '0;
        end else begin
            running <= start || (running && !done);

            if (write_low && w_word == 0 && s_wdata[0])
                ap_start <= 1'b1;
            else if (start)
                ap_start <= restart;
            if (write_low && w_word == 0)
                restart <= s_wdata[7];

            if (done && running)
                {ap_done, ap_ready} <= 2'b11;
            else if (read && r_word == 0)
                {ap_done, ap_ready} <= 2'b00;

            if (write_low && w_word == 1)
                gie <= s_wdata[0];
            if (write_low && w_word == 2)
                ier <= s_wdata[1:0];
            if (write_low && w_word == 3)
                isr <= (isr ^ s_wdata[1:0]) | event_now;
            else
                isr <= isr | event_now;
        end
    end
    assign irq = gie && isr != 2'b00;

    // The argument registers, and what a read of each word gives.
    logic [31:0] value;
    always_comb begin
        value = '0;
        case (r_word)
            0: value = {24'd0, restart, 3'd0, ap_ready, !running && !ap_start,
                        ap_done, ap_start};
            1: value = {31'd0, gie};
            2: value = {30'd0, ier};
            3: value = {30'd0, isr};
            default:
                for (int k = 0; k < ARGS; k++) begin
                    if (r_word == WORD_W'(word_of(k)))
                        value = args[64*k +: 32];
                    if (WIDE[k] && r_word == WORD_W'(word_of(k) + 1))
                        value = args[64*k+32 +: 32];
                end
        endcase
    end
    always_ff @(posedge clk) begin
        if (read)
            s_rdata <= value;
        for (int k = 0; k < ARGS; k++)
            for (int b = 0; b < 4; b++)
                if (write && s_wstrb[b]) begin
                    if (w_word == WORD_W'(word_of(k)))
                        args[64*k+8*b +: 8] <= s_wdata[8*b +: 8];
                    if (WIDE[k] && w_word == WORD_W'(word_of(k) + 1))
                        args[64*k+32+8*b +: 8] <= s_wdata[8*b +: 8];
                end
        if (rst)
            args <= '0;
    end

    wire unused = &{1'b0, s_awaddr[1:0], s_araddr[1:0]};
endmodule
`default_nettype wire
