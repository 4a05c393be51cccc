#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench.sh -- builds one bench of tests/rtl with Verilator and runs it.
#
#     usage: tests/rtl/bench.sh TB OUT [RTL] [+seed=N ...]
#
# TB is tb_fifo, tb_axi ...; OUT the directory to build under; RTL the sources
# to test (default rtl/, or a directory of mutants). Run from the repository
# root. Verilator's own runtime is compiled once per OUT. BENCH_OPT is the
# compiler's optimisation of the model (-O1). Exit status: 0 the bench passed,
# 1 it failed, 2 it could not be built.
set -u
tb=$1 out=$2 rtl=${3:-rtl}
shift 2
[ $# -gt 0 ] && shift
root=$(pwd)
dir=$out/$tb.$(basename "$rtl")
mkdir -p "$dir" || exit 2
verilator --cc --exe -O3 --prefix Vtb --Mdir "$dir" -y "$rtl" -y tests/rtl \
    -Wall -Wno-fatal -Wno-DECLFILENAME -Wno-UNUSEDSIGNAL -Wno-BLKSEQ \
    -CFLAGS "-O1 -w" --top-module "$tb" "tests/rtl/$tb.sv" \
    "$root/tests/rtl/bench.cpp" > "$dir/log" 2>&1 || {
    cat "$dir/log"
    exit 2
}
[ -d "$out/runtime" ] && cp "$out"/runtime/*.o "$dir/"
make -s -C "$dir" -f Vtb.mk OPT_SLOW=-O0 OPT_FAST="${BENCH_OPT:--O1}" > "$dir/log" 2>&1 || {
    tail -20 "$dir/log"
    exit 2
}
[ -d "$out/runtime" ] || {
    mkdir "$out/runtime.$$" && cp -p "$dir"/verilated*.o "$out/runtime.$$/"
    mv -T "$out/runtime.$$" "$out/runtime" 2> /dev/null ||
        rm -r "$out/runtime.$$" # another build was first
}
"$dir/Vtb" "$@" || exit 1
