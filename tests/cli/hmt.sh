#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hmt.sh FLEXLLM HMT_MAKE -- run and ppl with a memory, on stories260K with a
# random one: engines agree, any prompt length, memory use that does not grow,
# and what does not belong together is refused in one line. Run from the root.
set -u
flexllm=$1 make=$2
model=${FL_SHARED:-../shared}/data/models/stories260K.bin
if [ ! -r "$model" ]; then
    echo "NOT CHECKED: no $model"
    exit 0
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0
fault() { echo "FAULT: $*"; bad=$((bad + 1)); }
fails() { # PATTERN COMMAND...: status 1 or 2, one line that matches
    pattern=$1
    shift
    "$@" >"$tmp/out" 2>"$tmp/err" && fault "worked: $*"
    [ "$(wc -l <"$tmp/err")" = 1 ] || fault "not one line: $(cat "$tmp/err")"
    grep -q "$pattern" "$tmp/err" || fault "'$(cat "$tmp/err")', not '$pattern'"
}
value() { sed "s/.*\"$1\":\\([0-9.]*\\).*/\\1/" "$tmp/out"; }

small="--rtn --sequences 2 --length 64 --ctx 128"
pkg=$tmp/s.fxq
"$make" "$model" "$tmp/a.hmt" 16 4 8 || fault "no memory file"
"$make" "$model" "$tmp/lora.hmt" 16 4 8 lora || fault "no memory file"
"$make" "$model" "$tmp/none.hmt" 16 4 0 || fault "no memory file"
"$make" "$model" "$tmp/wide.hmt" 200 4 8 || fault "no memory file"
# shellcheck disable=SC2086
"$flexllm" quantize "$model" -o "$pkg" $small >/dev/null || fault quantize
# shellcheck disable=SC2086
"$flexllm" quantize "$model" -o "$tmp/lora.fxq" --hmt "$tmp/lora.hmt" $small \
    >/dev/null || fault "quantize --hmt"

# The engines agree: a prompt of twelve segments, of less than one, the text
# rolling over several windows.
head -c 500 share/calibration.txt >"$tmp/text"
head -c 20 share/calibration.txt >"$tmp/short"
for text in text short; do
    for e in int golden; do
        "$flexllm" run "$pkg" --hmt "$tmp/a.hmt" -f "$tmp/$text" -n 60 -e $e \
            --ignore-eos --json >"$tmp/$e" || fault "run $e"
        sed 's/.*"ids"/"ids"/; s/,"peak.*//' "$tmp/$e" >"$tmp/$e.ids"
    done
    cmp -s "$tmp/int.ids" "$tmp/golden.ids" || fault "$text: engines differ"
done
"$flexllm" run "$pkg" -f "$tmp/short" -n 60 --ignore-eos --json |
    sed 's/.*"ids"/"ids"/; s/,"peak.*//' >"$tmp/plain.ids"
cmp -s "$tmp/int.ids" "$tmp/plain.ids" && fault "the memory changes nothing"
"$flexllm" run "$tmp/lora.fxq" --hmt "$tmp/lora.hmt" -f "$tmp/text" -n 8 \
    >/dev/null || fault "run with merged weights"

# Perplexity of both engines is one number; with a queue it is another.
for e in int golden; do
    "$flexllm" ppl "$pkg" --hmt "$tmp/a.hmt" --text "$tmp/text" -e $e --json \
        >"$tmp/out" || fault "ppl $e"
    value ppl >"$tmp/$e.ppl"
done
cmp -s "$tmp/int.ppl" "$tmp/golden.ppl" || fault "ppl: engines differ"
"$flexllm" ppl "$pkg" --hmt "$tmp/none.hmt" --text "$tmp/text" --json \
    >"$tmp/out" || fault "ppl without memories"
value ppl >"$tmp/none.ppl"
cmp -s "$tmp/int.ppl" "$tmp/none.ppl" && fault "the queue changes nothing"

# Prefixes of whole segments are those of a run that ends there.
"$flexllm" ppl "$pkg" --hmt "$tmp/a.hmt" --text "$tmp/text" --at 48,80 --json \
    >"$tmp/out" || fault "ppl --at"
sed 's/.*"at":\[{"tokens":48,"ppl":\([0-9.]*\).*/\1/' "$tmp/out" >"$tmp/at"
"$flexllm" ppl "$pkg" --hmt "$tmp/a.hmt" --text "$tmp/text" --tokens 48 --json \
    >"$tmp/out" || fault "ppl --tokens"
value ppl | cmp -s - "$tmp/at" || fault "ppl --at: $(cat "$tmp/at")"
fails 'only .* tokens' "$flexllm" ppl "$pkg" --hmt "$tmp/a.hmt" \
    --text "$tmp/text" --at 40,9999
fails 'not a list' "$flexllm" ppl "$model" --hmt "$tmp/a.hmt" \
    --text "$tmp/text" --at 40,x
fails 'goes with' "$flexllm" ppl "$pkg" --text "$tmp/text" --at 40

# Memory does not grow with the text, but for the text itself.
for n in 1 8; do
    i=0
    while [ $i -lt $n ]; do cat share/calibration.txt; i=$((i + 1)); done |
        head -c $((n * 8000)) >"$tmp/long"
    "$flexllm" ppl "$pkg" --hmt "$tmp/a.hmt" --text "$tmp/long" --json \
        >"$tmp/out" || fault "ppl of a long text"
    value peak_mib >"$tmp/peak.$n"
done
awk -v a="$(cat "$tmp/peak.1")" -v b="$(cat "$tmp/peak.8")" \
    'BEGIN { exit !(a > 0 && b < a + 4) }' ||
    fault "memory grows: $(cat "$tmp/peak.1") to $(cat "$tmp/peak.8") MiB"

# The HLS designs with the plug-in round them, compiled here.
if command -v clang-19 >/dev/null; then
    "$flexllm" run "$pkg" --hmt "$tmp/a.hmt" -f "$tmp/short" -n 60 -e hls \
        --ignore-eos --json >"$tmp/hls" || fault "run hls"
    sed 's/.*"ids"/"ids"/; s/,"peak.*//' "$tmp/hls" >"$tmp/hls.ids"
    cmp -s "$tmp/int.ids" "$tmp/hls.ids" || fault "hls differs"
fi

fails 'hmt' "$flexllm" run "$pkg" --hmt "$tmp/lora.hmt" -p x
fails 'hmt' "$flexllm" run "$tmp/lora.fxq" --hmt "$tmp/a.hmt" -p x
fails 'larger --ctx' "$flexllm" run "$pkg" --hmt "$tmp/wide.hmt" -p x
fails 'absent' "$flexllm" run "$pkg" --hmt "$tmp/absent" -p x
fails 'fxq' "$flexllm" run "$pkg" --hmt "$pkg" -p x
fails 'shadow' "$flexllm" run "$pkg" --hmt "$tmp/a.hmt" -p x -e shadow
fails 'int and golden' "$flexllm" run "$model" --hmt "$tmp/a.hmt" -p x
head -c 300 "$tmp/a.hmt" >"$tmp/cut.hmt"
fails 'cut.hmt' "$flexllm" run "$pkg" --hmt "$tmp/cut.hmt" -p x
[ $bad = 0 ] && echo "hmt: ok"
[ $bad = 0 ]
