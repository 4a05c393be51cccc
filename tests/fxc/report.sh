#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/fxc/report.sh -- what fxc reports, and how long a wide array takes it.
#
#     usage: tests/fxc/report.sh FXC
#
# A linear array of 512 multiply-accumulates, 8 tokens x 64 outputs: fewer than
# 64 bits of pipeline registers that carry no data, one multiplier for two 4-bit
# products, one register for each sum and not one a loop it lives through,
# compiled in 2 seconds of an idle machine (10 of processor time are allowed
# here, as tests share it). Then the critical recurrences of two loops
# whose intervals are known, and multipliers that are shared. Run from the root.
set -u
fxc=$1 bad=0
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
number() { # KEY FILE: the first number of that name
    grep -o "\"$1\": [0-9.]*" "$2" | head -1 | sed 's/.*: //'
}
want() { # WHAT GOT TEST VALUE
    if [ "${2:-none}" "$3" "$4" ] 2> /dev/null; then
        echo "$1: $2"
    else
        echo "$1: ${2:-none}, want $3 $4"
        bad=1
    fi
}

cat > "$tmp/wide.c" << 'END'
#include "fx/fx.h"
#define FX_NAME  top
#define FX_TP    8
#define FX_WP    64
#define FX_XBITS 8
#define FX_WBITS 4
#define FX_DIN   576
#define FX_BLOCK 2
#define FX_GROUP 0
#include "fx/linear_prefill.h"
END
TIMEFORMAT=%U
used=$( { time "$fxc" "$tmp/wide.c" --top top -o "$tmp/wide.sv" \
    --report "$tmp/wide.json" -I . 2> "$tmp/log"; } 2>&1) || bad=1
cat "$tmp/log"
echo "512 MACs: $used s of processor time"
want "seconds of processor time" "${used%.*}" -lt 10
want "pipeline bits of control" "$(number pipe_control "$tmp/wide.json")" -lt 64
want "pipeline bits" "$(number pipe_bits "$tmp/wide.json")" -gt 64
want "bits of registers" "$(awk '/^  logic/ && !/ \[0:/ {
    b += match($0, /\[[0-9]+:0\]/) ? substr($0, RSTART + 1) + 1 : 1
} END { print b }' "$tmp/wide.sv")" -lt 60000
want "multipliers" "$(number count "$tmp/wide.json")" -eq 256

recurrence() { # TOP NAME CYCLES
    "$fxc" tests/fxc/kernels.c --top "$1" -o "$tmp/k.sv" --report "$tmp/k.json" \
        -I tests/rtl/view -I . || bad=1
    if grep -o '"recurrence": {[^}]*}' "$tmp/k.json" | grep -q \
        "\"name\": \"$2\", \"line\": [1-9][0-9]*, \"cycles\": $3,"; then
        echo "$1: $2 asks for $3 cycles"
    else
        grep -o '"recurrence": {[^}]*}' "$tmp/k.json"
        echo "$1: want $2 with $3 cycles"
        bad=1
    fi
}
recurrence hash h 2
recurrence histogram bin 2

# The three products of the sequence of `turns` share a multiplier, those of its
# loop another; a piece of a wide product has its own.
"$fxc" tests/fxc/kernels.c --top turns -o "$tmp/k.sv" --report "$tmp/k.json" \
    -I tests/rtl/view -I . || bad=1
shared=$(grep -o '"shared": .*' "$tmp/k.json")
want "shared multipliers" "$(echo "$shared" | grep -o uses | wc -l)" -eq 2
want "their uses" "$(echo "$shared" | grep -o 'uses": [0-9]*' |
    awk '{ n += $2 } END { print n }')" -eq 5
want "products in the text" "$(grep -c ' \* ' "$tmp/k.sv")" -eq 3
exit $bad
