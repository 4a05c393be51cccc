#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/emit/vitis.sh BUILD -- a small design written out for Vitis HLS, its two
# kernels compiled as C++14 with Xilinx's ap_int.h and run, a thread a task, by
# the host program: every token is golden's. Vitis itself is not run.
#
# ap_int.h comes from PyPI hls4ml 1.3.0, where scripts/setup.sh puts it; without
# it nothing is checked and that is said.
set -eu
build=$(cd "$1" && pwd)
out=$build/emit_vitis
tiny=$build/tests/emit/emit_tiny
types=${XDG_CACHE_HOME:-$HOME/.cache}/flexllm/ap_types
fail() {
    echo "vitis: $*"
    exit 1
}
if [ ! -f "$types/ap_int.h" ]; then
    echo "vitis: not checked, no $types/ap_int.h: run scripts/setup.sh"
    exit 0
fi
rm -rf "$out" "$out.fxq"
"$tiny" write "$out.fxq"
"$build/flexllm" build tests/emit/tiny.json -t vitis -m "$out.fxq" --ctx 48 \
    -o "$out"
obj=$out/obj
mkdir "$obj"
flags="-std=c++14 -O0 -Wall -Wextra -Werror
    -Wno-unused-parameter -Wno-unused-function -Wno-unknown-pragmas
    -Wno-c99-designator -Wno-reorder-init-list -Wno-c++11-narrowing
    -Wno-missing-designated-field-initializers
    -isystem $types -Itests/emit/vitis -I$out/kernel -I."
clang++-19 $flags -x c++-header tests/emit/vitis/threads.h -o "$obj/threads.pch"
for source in "$out/kernel/flexllm_prefill.cpp" \
    "$out/kernel/flexllm_decode.cpp" tests/emit/vitis/card_vitis.cpp; do
    clang++-19 $flags -include-pch "$obj/threads.pch" -c "$source" \
        -o "$obj/$(basename "$source" .cpp).o" ||
        fail "$source does not compile"
done
# host DIR: the host program of DIR with these kernels
host() {
    clang-19 -Werror -I"$1/host/src" -c "$1/host/kernels.c" -o "$1/kernels.o"
    clang++-19 -o "$1/run" "$obj"/*.o "$1/kernels.o" \
        "$build/emit/libemit_host.a" "$build/designs/libdesigns.a" \
        "$build/engine/libengine.a" "$build/model/libmodel.a" \
        "$build/base/libbase.a" -lcjson -lpcre2-8 -lxxhash -lm -lpthread
}
host "$out"

# An image a stage: the same kernels, another host and another link.
sed 's/"images": 1/"images": 2/' tests/emit/tiny.json > "$out.json"
rm -rf "$out.two"
"$build/flexllm" build "$out.json" -t vitis -m "$out.fxq" --ctx 48 \
    -o "$out.two"
diff -r "$out/kernel" "$out.two/kernel" || fail "other kernels for two images"
cat "$out.two/prefill.cfg" "$out.two/decode.cfg" | sort | uniq > "$out.links"
sort "$out/kernel.cfg" | uniq | diff - "$out.links" |
    grep -v '^[<>] #' | grep -q '^[<>]' && fail "other links for two images"
make -n -C "$out.two" images | grep -q 'config decode.cfg -o build/flexllm_decode.xclbin' ||
    fail "$(make -n -C "$out.two" images)"
host "$out.two"

runs=0
host=$out
# same TEMPERATURE SEED TOKENS ID...: as in sv.sh
same() {
    t=$1 seed=$2 n=$3
    shift 3
    ids=$(echo "$*" | tr ' ' ,)
    "$tiny" golden "$out.fxq" "$n" "$t" "$seed" "$@" > "$out.want"
    timeout 100 "$host/run" "$out.fxq" --ids "$ids" -n "$n" --temperature "$t" \
        --seed "$seed" --ignore-eos > "$out.got" 2> "$out.err" ||
        fail "$(cat "$out.err")"
    cmp -s "$out.want" "$out.got" || fail "prompt $ids: wanted" \
        "$(tr '\n' ' ' < "$out.want"), got $(tr '\n' ' ' < "$out.got")"
    runs=$((runs + 1))
}
same 0 0 3 5 11 2
same 2 1 40 5
same 3 9 8 5 11 2 7 19 3 1
host=$out.two
same 3 9 40 5 11 2 7 19 3 1
same 3 4 3 26
echo "vitis: $runs runs of the HLS sources as C++, every token golden's"
