#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/emit/sv.sh BUILD -- a small design written out as SystemVerilog, checked
# by Verilator's lint and run through its AXI ports: every token is golden's.
# The host program for a card is compiled, and says that there is no card.
set -eu
build=$(cd "$1" && pwd)
out=$build/emit_sv
tiny=$build/tests/emit/emit_tiny
fail() {
    echo "sv: $*"
    exit 1
}
rm -rf "$out" "$out.fxq"
"$tiny" write "$out.fxq"
"$build/flexllm" build tests/emit/tiny.json -m "$out.fxq" --ctx 48 -o "$out" \
    --json

# Lint on the way: any warning ends the build of the models.
export CC=clang-19 CXX=clang++-19
make -s -C "$out" simulate CFLAGS="-O0 -Werror" CXXFLAGS="-O0 -Werror" \
    VFLAGS="-Wall ../lint.vlt" > "$out.log" 2>&1 || {
    grep -E '^%|error' "$out.log" | head -20
    fail "the kernels do not build without a warning: $out.log"
}

runs=0
# same TEMPERATURE SEED TOKENS ID...: the tokens of the kernels and of golden
same() {
    t=$1 seed=$2 n=$3
    shift 3
    ids=$(echo "$*" | tr ' ' ,)
    "$tiny" golden "$out.fxq" "$n" "$t" "$seed" "$@" > "$out.want"
    "$out/host/flexllm_sim" "$out.fxq" --ids "$ids" -n "$n" \
        --temperature "$t" --seed "$seed" --ignore-eos \
        > "$out.got" 2> "$out.err" || fail "$(cat "$out.err")"
    cmp -s "$out.want" "$out.got" || fail "prompt $ids: wanted" \
        "$(tr '\n' ' ' < "$out.want"), got $(tr '\n' ' ' < "$out.got")"
    [ "$(wc -l < "$out.got")" -eq "$n" ] || fail "not $n tokens"
    runs=$((runs + 1))
}
same 0 0 3 5 11 2
same 2 1 40 5 # more than one run of the decode kernel
same 3 9 8 5 11 2 7 19 3 1 # groups of prefill that take turns
FLEXLLM_SIM_RATE=30 FLEXLLM_SIM_LATENCY=90 same 3 2 6 1 2 3 4 5 6
FLEXLLM_SIM_LATENCY=0 same 3 3 4 26 0

# What Vivado would read: well-formed, and a script that runs to its end.
if command -v xmllint > /dev/null; then
    xmllint --noout "$out"/*/kernel.xml || fail "kernel.xml is not XML"
else
    echo "sv: kernel.xml not checked, no xmllint"
fi
if command -v tclsh > /dev/null; then
    for stage in prefill decode; do
        (cd "$out" && tclsh > "$out.tcl" 2>&1) << TCL || fail "$(cat "$out.tcl")"
proc unknown {args} { puts [lindex \$args 0]; return stand_in }
set argv [list $stage ""]
source vivado/package.tcl
TCL
        for word in create_project ipx::package_project ipx::add_register \
            package_xo; do
            grep -qx "$word" "$out.tcl" || fail "package.tcl: no $word"
        done
        [ "$(grep -cx ipx::add_register "$out.tcl")" -eq \
            $(($(grep -c '<arg ' "$out/$stage/kernel.xml") + 4)) ] ||
            fail "package.tcl and kernel.xml differ in their registers"
    done
else
    echo "sv: package.tcl not checked, no tclsh"
fi

# More than there is room for.
if "$out/host/flexllm_sim" "$out.fxq" --ids 1,2 -n 99 > /dev/null 2> "$out.err"
then
    fail "99 tokens in a cache of 48 positions"
fi
grep -q '^flexllm_card: .* there are 48$' "$out.err" || fail "$(cat "$out.err")"

make -s -C "$out" host CFLAGS="-O0 -Werror" > "$out.log" 2>&1 || {
    cat "$out.log"
    fail "the host program does not compile"
}
if OCL_ICD_VENDORS=/nonexistent "$out/host/flexllm_card" "$out.fxq" --ids 1 \
    2> "$out.err"; then
    fail "a run without a card"
fi
grep -q '^flexllm_card: no OpenCL platform' "$out.err" ||
    fail "$(cat "$out.err")"
echo "sv: $runs runs of the kernels through AXI, every token golden's"
