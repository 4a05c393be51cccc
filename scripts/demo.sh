#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# demo.sh -- set-up, build, and the main job on a real model: SmolLM2-135M
# becomes a package of integers, and text comes out of the accelerator's own
# arithmetic. Under 10 minutes on two cores of a bare Debian 12.
set -eu
cd "$(dirname "$0")/.."
say() { printf '\n== %s\n' "$*"; }

say "set-up"
sh scripts/setup.sh
say "build"
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)" --target flexllm
flexllm=build/release/flexllm
model=${XDG_CACHE_HOME:-$HOME/.cache}/flexllm/SmolLM2-135M-Instruct.Q4_1.gguf
out=build/demo
mkdir -p "$out"

say "the checkpoint"
$flexllm info "$model"

say "quantise: W4A8KV8 (the flagship), then W4A4KV8 (the paper's scheme)"
# Fewer calibration tokens than the default, to be done in two minutes each.
small="--ctx 2048 --sequences 12 --length 512 --sweeps 2"
$flexllm quantize "$model" -o "$out/smollm2-w4a8kv8.fxq" $small
$flexllm quantize "$model" -o "$out/smollm2-w4a4kv8.fxq" $small \
    --scheme w4a4kv8

# text PKG WORDS...: runs, with speed and memory on the last line
text() { pkg=$1; shift; $flexllm run "$out/smollm2-$pkg.fxq" --stats "$@" 2>&1; }

say "a story (W4A8KV8, integer engine)"
text w4a8kv8 -p 'Once upon a time, in a small house by the sea,' -n 90 --echo \
    --temperature 0.7 --top-p 0.9 --seed 3
say "a question, through the chat template (W4A8KV8, greedy)"
text w4a8kv8 --chat -p 'What is the capital of France?' -n 60
say "a continuation (W4A8KV8, greedy)"
text w4a8kv8 -p 'The three primary colours are' -n 40 --echo
say "the same question in W4A4KV8: the paper's scheme, hard on so small a model"
text w4a4kv8 --chat -p 'What is the capital of France?' -n 60

say "perplexity of share/sample.txt: fp32 checkpoint, then both packages"
for m in "$model" "$out/smollm2-w4a8kv8.fxq" "$out/smollm2-w4a4kv8.fxq"; do
    $flexllm ppl "$m" --text share/sample.txt --ctx 512
done

say "the HLS designs, run natively, against the integer engine"
prompt='The harbour town of Kessen lies where the river meets the sea. For most of its history'
ids() { sed 's/.*"ids":\[//;s/\].*//'; }
for scheme in w4a8kv8 w4a4kv8; do
    pkg=$out/smollm2-$scheme.fxq
    int=$($flexllm run "$pkg" -p "$prompt" -n 8 --json -e int | ids)
    hls=$($flexllm run "$pkg" -p "$prompt" -n 8 --json -e hls | ids)
    echo "$scheme  int: $int"
    echo "$scheme  hls: $hls"
    if [ -z "$int" ] || [ "$int" != "$hls" ]; then
        echo "the tokens differ: this is a bug" >&2
        exit 1
    fi
done
echo "The HLS designs produced the same tokens as the integer engine."

say "what to try next"
cat <<EOF
  $flexllm run $out/smollm2-w4a8kv8.fxq --chat -p 'Why is the sky blue?'
  $flexllm info $out/smollm2-w4a8kv8.fxq
  $flexllm run --help
  sh scripts/test.sh          every test
  docs/                       numerics, modules, quantisation, the compiler
EOF
