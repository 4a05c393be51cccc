#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# broken.sh PROGRAM -- breaks a copy of the designs on purpose, one line at a
# time, and demands that the run names the task and the stream concerned.
set -eu
program=$1
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

# try FILE SED-EXPRESSION WORD...
try() {
    rm -rf "${copy:?}"/*
    cp -r base num fx sim designs "$copy"
    sed -i "$2" "$copy/$1"
    if cmp -s "$1" "$copy/$1"; then
        echo "$1: the mutation changes nothing"
        exit 1
    fi
    shift 2
    "$program" "$copy" "$@"
}

# A task that gives too little: who waits for the rest is named.
try designs/llama_path.h 's/\.n = GET(c, DSN_DOUT) >> 1/.n = (GET(c, DSN_DOUT) >> 1) - BP/' \
    prefill deadlock choose rotated
# A softmax that goes round once too few: attention never comes back.
try designs/llama_heads.h '/FX_CALL(softmax/,/;/s/p->sweeps/p->sweeps - 1/' \
    prefill deadlock choose att
# A word too many from a memory stays behind.
try designs/llama_decode.c 's/FX_SET(u32, r, 1, p->rope_words)/FX_SET(u32, r, 1, p->rope_words + 1)/' \
    decode 'left over' rope
