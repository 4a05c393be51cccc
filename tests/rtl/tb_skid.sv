// SPDX-License-Identifier: Apache-2.0
// tb_skid -- fx_skid: order, content, two words of room, a word every cycle,
// and outputs that do not depend on the inputs of the same cycle.
//
// The last is what makes it fit for a chip boundary. It is looked at by
// changing every input in the low half of the clock, after the registers have
// settled: i_ready, o_valid and o_data must not move.
`default_nettype none
module tb_skid (
    input  wire clk,
    input  wire rst,
    output logic finished,
    output int   errors,
    output int   checks
);
    localparam int W = 17, PHASES = 6, CYCLES = 2000;
    logic [W-1:0] i_data, o_data, data_before;
    logic i_valid, i_ready, o_valid, o_ready, ready_before, valid_before;
    logic want_valid, want_ready;
    fx_skid #(.W(W)) dut (.*);

    int stream_errors, moved;
    check_stream #(.W(W), .NAME("o")) u_rule (
        .clk, .rst, .data(o_data), .valid(o_valid), .ready(o_ready),
        .errors(stream_errors), .moved
    );

    function automatic int rate(input int phase, input bit out);
        case (phase)
            0: rate = 100;
            1: rate = out ? 5 : 100;
            2: rate = out ? 100 : 5;
            3: rate = 50;
            4: rate = out ? 30 : 90;
            default: rate = out ? 100 : 0;
        endcase
    endfunction

    int phase, cycle, pushed, popped, start_at, own_errors;
    assign finished = phase == PHASES;
    assign errors = own_errors + stream_errors;
    assign checks = popped;

    // Inputs change at the falling edge; what they were before it must give
    // the same outputs.
    always_ff @(negedge clk) begin
        ready_before <= i_ready;
        valid_before <= o_valid;
        data_before <= o_data;
        i_valid <= want_valid;
        o_ready <= want_ready;
        i_data <= W'(pushed * 32'h9E3779B1);
    end

    always_ff @(posedge clk) begin
        automatic int held = pushed - popped;
        automatic int wrong = 0;
        if (rst) begin
            phase <= 0; cycle <= 0; pushed <= 0; popped <= 0; own_errors <= 0;
            start_at <= 0;
            want_valid <= 0; want_ready <= 0;
        end else if (!finished) begin
            if (i_ready != ready_before || o_valid != valid_before
                || (o_valid && o_data != data_before)) begin
                wrong++;
                $display("skid: an output follows an input");
            end
            if (o_valid != (held > 0) || i_ready != (held < 2)) begin
                wrong++;
                $display("skid: %0d held, valid %0d ready %0d", held, o_valid,
                         i_ready);
            end
            if (o_valid && o_ready) begin
                popped <= popped + 1;
                if (o_data != W'(popped * 32'h9E3779B1)) begin
                    wrong++;
                    $display("skid: wrong word %0d", popped);
                end
            end
            if (i_valid && i_ready)
                pushed <= pushed + 1;
            if (!i_valid || i_ready)
                want_valid <= $urandom_range(99) < rate(phase, 0);
            want_ready <= $urandom_range(99) < rate(phase, 1);
            cycle <= cycle + 1;
            if (cycle == CYCLES - 1) begin
                if (phase == 0 && popped - start_at < CYCLES - 6) begin
                    wrong++;
                    $display("skid: too slow at full rate");
                end
                if (phase == PHASES - 1 && held != 0) begin
                    wrong++;
                    $display("skid: words left over");
                end
                start_at <= popped;
                cycle <= 0;
                phase <= phase + 1;
            end
            own_errors <= own_errors + wrong;
        end
    end
endmodule
`default_nettype wire
