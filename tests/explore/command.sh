#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# command.sh FLEXLLM -- explore and time as a user meets them: a design that
# explore writes is timed as it is, both print the keys that docs/explorer.md
# promises, and bad input gets one line and status 1 or 2.
set -u
flexllm=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
XDG_CACHE_HOME=$tmp
export XDG_CACHE_HOME
bad=0
fault() { echo "FAULT: $*"; bad=$((bad + 1)); }

works() { # NAME COMMAND...
    name=$1
    shift
    "$@" >"$tmp/out" 2>"$tmp/err" || fault "$name: $(cat "$tmp/err")"
}
fails() { # NAME STATUS PATTERN COMMAND...
    name=$1 want=$2 pattern=$3
    shift 3
    "$@" >"$tmp/out" 2>"$tmp/err"
    rc=$?
    [ $rc = "$want" ] || fault "$name: exit $rc, not $want"
    [ "$(wc -l <"$tmp/err")" = 1 ] || fault "$name: not one line"
    grep -qE "$pattern" "$tmp/err" || fault "$name: $(cat "$tmp/err")"
}
keys() { # NAME KEY...
    name=$1
    shift
    for k in "$@"; do
        grep -q "\"$k\":" "$tmp/out" || fault "$name: no key $k"
    done
}

works help "$flexllm" explore --help
grep -q '^EXIT STATUS' "$tmp/out" || fault "help: no exit status"
works explore "$flexllm" explore -m stories260K -d u280 -p 17 -n 4 \
    --objective area -o "$tmp/design.json"
grep -q '^\* ' "$tmp/out" || fault "explore: nothing chosen"
works explore.json "$flexllm" explore -m stories260K -d kv260 -p 17 -n 4 \
    --latency 150 --json
keys explore.json model device scheme prompt generate objective legal timed \
    exhaustive seconds bound points parallelism images prefill_s \
    prefill_cycles decode_tok_s decode_cycles answer_s answer_j area limit \
    total error share uncounted chosen floorplan design
works time "$flexllm" time "$tmp/design.json"
grep -q '^formulas ' "$tmp/out" || fault "time: no formulas"
grep -q '^    dsp ' "$tmp/out" || fault "time: no fabric"
works time.json "$flexllm" time "$tmp/design.json" --json
keys time.json design decode_tok_s prefill_s decode_cycles prefill_cycles \
    hbm_utilisation bound_tok_s resources total error room share fits limit \
    uncounted parts buffers channels energy watts formula busy critical gb_s

fails model 1 'no-such.*cannot open' "$flexllm" explore -m no-such -d u280
fails device 1 'no-such.*cannot open' "$flexllm" explore -m stories260K \
    -d no-such
fails neither 1 'needs --model and --device' "$flexllm" explore
fails scheme 1 'no scheme "w3"' "$flexllm" explore -m stories260K -d u280 \
    -p 16 -n 4 -s w3
fails objective 1 'no objective "best"' "$flexllm" explore -m stories260K \
    -d u280 --objective best
fails length 1 'positions' "$flexllm" explore -m stories260K -d u280 -p 600
fails latency 1 'latency of kv260' "$flexllm" explore -m stories260K -d kv260 \
    -p 16 -n 4
fails room 1 'GiB' "$flexllm" explore -m llama31_8b -d kv260 --latency 100
fails fabric 1 'no design of .* fits' "$flexllm" explore -m stories260K \
    -d ecp5_85f -p 16 -n 4 --prefill-mhz 50 --decode-mhz 50 --fill 0.05
printf '{' >"$tmp/broken.json"
fails broken 1 'broken.json' "$flexllm" time "$tmp/broken.json"
fails word 2 'one word too many' "$flexllm" explore -m stories260K -d u280 x
echo "explore command: $bad faults"
[ $bad = 0 ]
