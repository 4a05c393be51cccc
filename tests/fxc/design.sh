#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/fxc/design.sh -- a whole design, hardware against C.
#
#     usage: tests/fxc/design.sh BUILD prefill|decode [options of sim/cosim.sh]
#
# Two layers of a random model with d 16, 4 heads of 8, ffn 48. From the root.
set -u
build=$1 stage=$2
shift 2
shape="-D MAX_D=16 -D MAX_FFN=48 -D MAX_NQ=4 -D MAX_SHARE=2 -D MAX_M=12
    -D MAX_HEAD=8 -D MAX_SEQ=40 -D MAX_LAYERS=2 -D WBITS=4 -D GROUP=0 -D KP=4 -D HP=1
    -D TURNS=1"
case $stage in
prefill) lanes="-D DSN_STAGE=0 -D TP=4 -D WP=8 -D CH=1 -D BP=1 -D AP=1" ;;
decode) lanes="-D DSN_STAGE=1 -D TP=1 -D WP=4 -D CH=2 -D BP=2 -D AP=2" ;;
*)
    echo "design.sh: prefill or decode" >&2
    exit 2
    ;;
esac
# shellcheck disable=SC2086
COSIM_WORDS=${COSIM_WORDS:-200000} sh sim/cosim.sh -b "$build" \
    -l "designs golden sim" -w "designs/llama_$stage.c" $shape $lanes "$@" \
    tests/fxc/design.c "llama_$stage"
