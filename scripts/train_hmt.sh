#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# train_hmt.sh MODEL TRAIN.txt TEST.txt... -- a memory, its baseline without
# memory trained the same way, and the perplexities of docs/hmt.md.
#
# Three stages, each from the numbers of the one before: short segments of
# which the second repeats the first, so that the memory is written and read at
# all; the same with segments twice as long; then text, with a teacher.
#
#   SEGMENT  tokens a segment of the last stage (256), SENSORY again (32)
#   MEMORIES slots of the memory's queue (64)
#   STEPS    steps of the three stages ("200 100 400")
#   FIRST    tokens a segment of the first stage (8)
#   LAST     options of the last stage ("--sequence 3 --batch 2 --distil 1
#            --skip 1 --rate 0.001 --warmup 20")
#   MORE     options of all stages ("--lora 8 --alpha 16 --scale 10")
#   AT       prefixes of the test texts that are scored (4096,16384,65536)
#   CTX      window of the untouched backbone (2048)
#   OUT      folder for what is made (build/hmt)
#   FLEXLLM  the program (build/release/flexllm)
# Stopped half-way, it goes on from the last checkpoint.
set -eu
[ $# -ge 3 ] || { sed -n '3,22p' "$0"; exit 2; }
model=$1
train=$2
shift 2
flexllm=${FLEXLLM:-build/release/flexllm}
out=${OUT:-build/hmt}
at=${AT:-4096,16384,65536}
first=${FIRST:-8}
more=${MORE:---lora 8 --alpha 16 --scale 10}
last=${LAST:---sequence 3 --batch 2 --distil 1 --skip 1 --rate 0.001 --warmup 20}
tokens=${at##*,}
mkdir -p "$out"

# stage NAME MEMORIES OPTION...: a memory file, unless it is finished
stage() {
    name=$1 memories=$2
    shift 2
    [ -e "$out/$name.done" ] && return 0
    resume=
    [ -e "$out/$name.hmt.ckpt" ] && resume=--resume
    # shellcheck disable=SC2086
    "$flexllm" train "$model" -o "$out/$name.hmt" --text "$train" --seed 1 \
        --memories "$memories" --f32 --svg "$out/$name.svg" $more "$@" $resume
    : >"$out/$name.done"
}

# make NAME MEMORIES: the three stages
make() {
    # shellcheck disable=SC2086
    set -- "$@" ${STEPS:-200 100 400}
    echo="--sensory 0 --sequence 2 --echo 1 --skip 1 --rate 0.004"
    # shellcheck disable=SC2086
    stage "$1.1" "$2" --segment "$first" --batch 16 --steps "$3" $echo
    # shellcheck disable=SC2086
    stage "$1.2" "$2" --segment $((2 * first)) --batch 8 --steps "$4" $echo \
        --warmup 20 --from "$out/$1.1.hmt"
    # shellcheck disable=SC2086
    stage "$1" "$2" --segment "${SEGMENT:-256}" --sensory "${SENSORY:-32}" \
        --steps "$5" $last --from "$out/$1.2.hmt"
}

# score NAME WAY TEXT: one line of the table
score() {
    line=$("$flexllm" ppl "$model" --text "$3" --tokens "$tokens" \
        --hmt "$out/$1.hmt" --hmt-way "$2" --at "$at" --json)
    echo "$line" | sed "s|.*\"at\":\[\(.*\)\],.*|$1 $2: \1|"
}

make memory "${MEMORIES:-64}"
make baseline 0
for text; do
    echo "== $text, the first $tokens tokens"
    "$flexllm" ppl "$model" --text "$text" --tokens "$tokens" --ctx "${CTX:-2048}"
    score baseline as-is "$text"
    for way in as-is t zero shuffled last; do
        score memory "$way" "$text"
    done
done
