// SPDX-License-Identifier: Apache-2.0
// tb_ctrl -- fx_axi_ctrl as XRT would use it.
//
// One list of register accesses with the answers they must get, walked with
// random pauses, address and data of a write in any order, and slow answers;
// a kernel model that takes a while. Walked several times, each time at other
// rates. Also checked: B and R keep the stream rule, one start a run, the
// arguments stand still during a run, no start before the last run's done.
`default_nettype none
module tb_ctrl (
    input  wire clk,
    input  wire rst,
    output logic finished,
    output int   errors,
    output int   checks
);
    localparam int ARGS = 4;  // scalar, pointer, pointer, scalar
    localparam bit [ARGS-1:0] WIDE = 4'b0110;
    logic [11:0] s_awaddr, s_araddr;
    logic s_awvalid, s_awready, s_wvalid, s_wready, s_bvalid, s_bready;
    logic s_arvalid, s_arready, s_rvalid, s_rready;
    logic [31:0] s_wdata, s_rdata;
    logic [3:0] s_wstrb;
    logic [1:0] s_bresp, s_rresp;
    logic irq, start, done;
    logic [64*ARGS-1:0] args, args_before;
    logic again, reset;  // every walk begins with a reset
    assign reset = rst || again;
    fx_axi_ctrl #(.ADDR_W(12), .ARGS(ARGS), .WIDE(WIDE)) dut (
        .rst(reset), .*
    );

    int rule[2], moved[2];
    check_stream #(.W(2), .NAME("B")) u_b (
        .clk, .rst(reset), .data(s_bresp), .valid(s_bvalid), .ready(s_bready),
        .errors(rule[0]), .moved(moved[0])
    );
    check_stream #(.W(34), .NAME("R")) u_r (
        .clk, .rst(reset), .data({s_rresp, s_rdata}), .valid(s_rvalid),
        .ready(s_rready), .errors(rule[1]), .moved(moved[1])
    );

    // ---- the list: {kind, address, data, strobe or mask} ----
    typedef enum int {
        WRITE,  // data with strobes
        READ,   // must equal data under the mask
        ENDED,  // wait until the kernel has ended `data` runs in all
        IRQ     // the interrupt line must be `data`
    } kind_t;
    localparam int STEPS = 80;
    function automatic logic [99:0] step(input kind_t kind, input int addr,
                                         input logic [31:0] data,
                                         input logic [31:0] extra);
        step = {kind == READ ? 4'd1 : kind == ENDED ? 4'd2
                : kind == IRQ ? 4'd3 : 4'd0, 32'(addr), data, extra};
    endfunction
    logic [99:0] list[STEPS];
    int steps;
    function automatic void w(input int addr, input logic [31:0] data,
                              input logic [31:0] strobe = 15);
        list[steps] = step(WRITE, addr, data, strobe);
        steps++;
    endfunction
    function automatic void r(input int addr, input logic [31:0] data,
                              input logic [31:0] mask = '1);
        list[steps] = step(READ, addr, data, mask);
        steps++;
    endfunction
    function automatic void ended(input int runs);
        list[steps] = step(ENDED, 0, runs, 0);
        steps++;
    endfunction
    function automatic void line(input int level);
        list[steps] = step(IRQ, 0, level, 0);
        steps++;
    endfunction
    initial begin
        steps = 0;
        r('h00, 'h4);                       // idle after reset
        r('h04, 0); r('h08, 0); r('h0c, 0);
        r('h10, 0); r('h1c, 0);
        w('h10, 'h11223344);                // argument 0, 32 bits
        w('h14, 'hdeadbeef);                // the gap after it
        w('h18, 'h55667788);                // argument 1, low and high
        w('h1c, 'h99aabbcc);
        w('h20, 'hffffffff);                // gap
        w('h24, 'h01020304); w('h28, 'h05060708);  // argument 2
        w('h30, 'hcafef00d);                // argument 3
        r('h10, 'h11223344); r('h14, 0); r('h18, 'h55667788);
        r('h1c, 'h99aabbcc); r('h20, 0); r('h24, 'h01020304);
        r('h28, 'h05060708); r('h2c, 0); r('h30, 'hcafef00d); r('h34, 0);
        w('h10, 'haabbccdd, 'b0101);       // strobes
        r('h10, 'h11bb33dd);
        w('h00, 0); r('h00, 'h4);           // writing 0 starts nothing
        w('h00, 1, 'b1110); r('h00, 'h4);  // nor does 1 without its strobe
        w('h00, 1);                         // run 1, polled
        r('h00, 0, 'h4);                    // not idle
        ended(1);
        r('h00, 'he);                       // done, ready, idle ...
        r('h00, 'h4);                       // ... cleared by the read
        r('h0c, 0); line(0);                // no interrupt was enabled
        w('h08, 1); w('h04, 1);
        r('h08, 1); r('h04, 1);
        w('h00, 1); ended(2);               // run 2, interrupt on done
        line(1); r('h0c, 1);
        w('h0c, 1); line(0); r('h0c, 0);    // write 1 toggles it away
        r('h00, 'he);
        w('h08, 3); w('h00, 1); ended(3);   // run 3, done and ready
        r('h0c, 3); w('h04, 0); line(0);    // masked globally
        w('h04, 1); line(1);
        w('h0c, 3); line(0); r('h0c, 0);
        w('h08, 0);
        w('h00, 'h81); ended(6);            // auto restart: runs 4, 5, 6 ...
        r('h00, 'h80, 'h84);
        w('h00, 'h00);                      // ... until it is switched off
    end

    // ---- the kernel ----
    int running, ran, own_errors, done_checks;
    always_ff @(posedge clk) begin
        args_before <= args;
        done <= 0;
        if (rst)
            own_errors <= 0;
        if (reset) begin
            running <= 0;
            ran <= 0;
        end else begin
            if (start && (running != 0 || done)) begin
                $display("ctrl: start during a run");
                own_errors <= own_errors + 1;
            end
            if (running > 1 && args != args_before) begin
                $display("ctrl: arguments moved during a run");
                own_errors <= own_errors + 1;
            end
            if (start)
                running <= 1 + $urandom_range(pace == 0 ? 30 : 200);
            else if (running == 1) begin
                done <= 1;
                ran <= ran + 1;
                running <= 0;
            end else if (running > 1)
                running <= running - 1;
        end
    end

    // ---- the host ----
    int pace, at, rest, bus_errors;
    logic aw_sent, w_sent, ar_sent;
    logic [3:0] kind;
    logic [31:0] addr, data, extra;
    assign {kind, addr, data, extra} = at < steps ? list[at] : {4'd4, 96'd0};
    assign finished = pace == 6;
    assign errors = own_errors + bus_errors + rule[0] + rule[1];
    assign checks = done_checks;
    function automatic bit willing();
        willing = $urandom_range(99) < (pace == 0 ? 100 : pace == 1 ? 5
                                        : 15 * pace);
    endfunction

    always_ff @(posedge clk) begin
        automatic bit next = 0;
        if (rst) begin
            pace <= 0; bus_errors <= 0; done_checks <= 0;
        end
        again <= 0;
        if (reset) begin
            at <= 0;
            rest <= 0;
            s_awvalid <= 0; s_wvalid <= 0; s_bready <= 0; s_arvalid <= 0;
            s_rready <= 0; aw_sent <= 0; w_sent <= 0; ar_sent <= 0;
        end else if (!finished) begin
            s_bready <= willing();
            s_rready <= willing();
            case (kind)
                4'd0: begin
                    if (!aw_sent && willing()) begin
                        s_awvalid <= 1; s_awaddr <= 12'(addr); aw_sent <= 1;
                    end
                    if (!w_sent && willing()) begin
                        s_wvalid <= 1; s_wdata <= data; w_sent <= 1;
                        s_wstrb <= extra[3:0];
                    end
                    if (s_awvalid && s_awready) s_awvalid <= 0;
                    if (s_wvalid && s_wready) s_wvalid <= 0;
                    if (s_bvalid && s_bready) begin
                        if (!aw_sent || !w_sent || s_bresp != 0) begin
                            $display("ctrl: bad answer to a write");
                            bus_errors <= bus_errors + 1;
                        end
                        aw_sent <= 0; w_sent <= 0; next = 1;
                    end
                end
                4'd1: begin
                    if (!ar_sent && willing()) begin
                        s_arvalid <= 1; s_araddr <= 12'(addr); ar_sent <= 1;
                    end
                    if (s_arvalid && s_arready) s_arvalid <= 0;
                    if (s_rvalid && s_rready) begin
                        if (((s_rdata ^ data) & extra) != 0 || s_rresp != 0)
                        begin
                            $display("ctrl: step %0d, %h holds %h, want %h",
                                     at, addr, s_rdata, data);
                            bus_errors <= bus_errors + 1;
                        end
                        ar_sent <= 0; next = 1;
                    end
                end
                4'd2: next = ran >= int'(data) && !done;
                4'd3: begin
                    if (irq != data[0]) begin
                        $display("ctrl: step %0d, interrupt is %0d", at, irq);
                        bus_errors <= bus_errors + 1;
                    end
                    next = 1;
                end
                default: ;
            endcase
            // The list's end: when the last automatic run has ended too, no
            // further one may come, and the next walk begins.
            if (at == steps) begin
                next = 0;
                rest <= running == 0 && !done && !start ? rest + 1 : 0;
                if (rest == 50) begin
                    if (ran < 6) begin
                        $display("ctrl: %0d runs in all", ran);
                        bus_errors <= bus_errors + 1;
                    end
                    pace <= pace + 1;
                    again <= 1;
                end
            end
            if (next) begin
                at <= at + 1;
                done_checks <= done_checks + 1;
            end
        end
    end
endmodule
`default_nettype wire
