#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ablation.sh MODEL CALIB TEXT [WINDOWS [CTX [SEQUENCES [LENGTH]]]] > TABLE.md
# What each step of the quantiser is worth: perplexity of WINDOWS windows of
# TEXT as a Markdown table, one package after the other. FLEXLLM names the
# program (build/release/flexllm), SEED the rotation (1).
#
# Rows add one step each. The last rows are the published scheme's ladder as
# far as our arithmetic has it (its Q0 and Q1, attention in bf16 or with dynamic
# scales, it has not): "shadow" computes norms, softmax, RoPE and
# residual in fp32 on the same codes, "int" everything in integers.
set -eu
[ $# -ge 3 ] || { sed -n '3,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
model=$1 calib=$2 text=$3 windows=${4:-8} ctx=${5:-2048}
sequences=${6:-16} length=${7:-1024}
flexllm=${FLEXLLM:-build/release/flexllm}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

number() { sed -n 's/.*"ppl":\([0-9.]*\).*/\1/p'; }
ppl() { # FILE [options]
    file=$1
    shift
    $flexllm ppl "$file" --text "$text" --ctx "$ctx" --windows "$windows" \
        --json "$@" | number
}

base=$(ppl "$model")
row() { # NAME ENGINE PPL
    awk -v n="$1" -v e="$2" -v p="$3" -v b="$base" \
        'BEGIN { printf "| %s | %s | %.3f | %.3f |\n", n, e, p, p / b }'
}
make() { # SCHEME options: the package $dir/p
    scheme=$1
    shift
    $flexllm quantize "$model" -o "$dir/p" --scheme "$scheme" \
        --calib "$calib" --ctx "$ctx" --sequences "$sequences" \
        --length "$length" --seed "${SEED:-1}" --json "$@" >/dev/null
}
step() { # NAME SCHEME options
    name=$1
    shift
    make "$@"
    row "$name" int "$(ppl "$dir/p")"
}

echo "| step | engine | perplexity | ratio |"
echo "|---|---|---|---|"
row "checkpoint" fp32 "$base"
bare="--rtn --no-mean --no-clip --no-balance"
for s in w4a8kv8 w4a4kv8; do
    clip=
    [ $s = w4a8kv8 ] || clip="--act-clip 1"
    step "$s: nearest" $s $bare $clip --no-rotate
    step "+ R1, R2" $s $bare $clip --no-r4
    step "+ R4" $s $bare $clip
    step "+ clip of weights" $s --rtn --no-mean --no-balance $clip
    step "+ mean out, bias in" $s --rtn --no-balance $clip
    step "+ gains v/o, up/down" $s --rtn $clip
    [ $s = w4a8kv8 ] || step "+ clip of inputs" $s --rtn
    step "+ GPTQ, sweeps" $s
    step "+ targets (asym 0.5)" $s --asym 0.5
    step "+ R3" $s --asym 0.5 --r3
done
make w4a4kv8 --asym 0.5
row "Q2: static codes of q, k, v; the rest fp32" shadow \
    "$(ppl "$dir/p" --engine shadow)"
row "Q2, all integer" int "$(ppl "$dir/p")"
make w4a4kv8 --asym 0.5 --narrow head
row "Q3: input of the head u4 too" int "$(ppl "$dir/p")"
make w8a8kv8
row "w8a8kv8, nearest" int "$(ppl "$dir/p")"
