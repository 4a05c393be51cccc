#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# train_hmt.sh MODEL TRAIN.txt TEST.txt... -- a memory, its baseline without
# memory trained the same way, and the perplexities of docs/hmt.md.
#
#   STEPS    steps of each training (600)
#   TOKENS   tokens of each test text that are scored (4096)
#   CTX      window of the untouched backbone (2048)
#   OUT      folder for what is made (build/hmt)
#   FLEXLLM  the program (build/release/flexllm)
# Stopped half-way, it goes on from the last checkpoint.
set -eu
[ $# -ge 3 ] || { sed -n '3,12p' "$0"; exit 2; }
model=$1
train=$2
shift 2
flexllm=${FLEXLLM:-build/release/flexllm}
out=${OUT:-build/hmt}
steps=${STEPS:-600}
tokens=${TOKENS:-4096}
mkdir -p "$out"

# make NAME MEMORIES: a memory file, unless it is finished
make() {
    done=$out/$1.done
    [ -e "$done" ] && return 0
    resume=
    [ -e "$out/$1.hmt.ckpt" ] && resume=--resume
    "$flexllm" train "$model" -o "$out/$1.hmt" --text "$train" --seed 1 \
        --segment 256 --sensory 32 --memories "$2" --sequence 3 --batch 2 \
        --steps "$steps" --svg "$out/$1.svg" $resume
    : >"$done"
}

# score NAME WAY TEXT: one line of the table
score() {
    line=$("$flexllm" ppl "$model" --text "$3" --tokens "$tokens" \
        --hmt "$out/$1.hmt" --hmt-way "$2" --json)
    echo "$line" | sed "s|.*\"ppl\":\([0-9.]*\).*\"ppl_second\":\([0-9.]*\).*|$1 $2: \1, second halves \2|"
}

make memory 64
make baseline 0
for text; do
    echo "== $text, the first $tokens tokens"
    "$flexllm" ppl "$model" --text "$text" --tokens "$tokens" --ctx "${CTX:-2048}"
    score baseline as-is "$text"
    for way in as-is t zero shuffled last; do
        score memory "$way" "$text"
    done
done
