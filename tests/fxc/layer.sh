#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/fxc/layer.sh -- layers with real weights, hardware against C.
#
#     usage: tests/fxc/layer.sh BUILD prefill|decode MODEL
#                [options of sim/cosim.sh]
#
# MODEL, a checkpoint of stories260K's shape (d 64, ffn 172, 8 query and 4
# key/value heads of 8), becomes a package with 4-bit weights; its first two
# layers are the memories of the design (tests/fxc/layer.c). From the root.
set -u
build=$1 stage=$2 model=$3
shift 3
shape="-D MAX_D=64 -D MAX_FFN=172 -D MAX_NQ=8 -D MAX_SHARE=2 -D MAX_M=2
    -D MAX_HEAD=8 -D MAX_SEQ=16 -D MAX_LAYERS=2 -D WBITS=4 -D GROUP=0 -D HP=1"
case $stage in
prefill) lanes="-D DSN_STAGE=0 -D TP=2 -D WP=8 -D CH=1 -D BP=1 -D KP=4 -D AP=2
    -D TURNS=2" ;;
decode) lanes="-D DSN_STAGE=1 -D TP=1 -D WP=8 -D CH=2 -D BP=2 -D KP=4 -D AP=4
    -D TURNS=1" ;;
*)
    echo "layer.sh: prefill or decode" >&2
    exit 2
    ;;
esac
work=$build/cosim_layer
mkdir -p "$work" || exit 2
"$build/flexllm" quantize "$model" -o "$work/real.fxq" --scheme w4a8kv8 \
    > "$work/quantize.log" 2>&1 || {
    tail -2 "$work/quantize.log" >&2
    exit 2
}
# shellcheck disable=SC2086
FL_PACKAGE=$work/real.fxq COSIM_WORDS=${COSIM_WORDS:-400000} sh sim/cosim.sh \
    -b "$build" -o "$work" -p 4.0 -s 1 -w "designs/llama_$stage.c" \
    -l "designs model base -lpcre2-8 -lcjson -lxxhash" $shape $lanes \
    "$@" tests/fxc/layer.c "llama_$stage"
