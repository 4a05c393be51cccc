#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# busy_core.sh -- decoding while another program keeps one processor busy.
#
# A loop is pinned to the last of two processors; the integer engine decodes
# with 1 and with 2 threads on those two, alternately, and, where
# bench/vs_llamacpp.sh has built it, llama.cpp (Q4_0) does the same. Medians:
#
#   decode_1, decode_2    tokens/s with one and two threads
#   ratio                 decode_2 / decode_1
#
#   sh bench/busy_core.sh [--json] [--rounds N] [--package P]
#
# Without --package the model is random, of SmolLM2-135M's shape. The programs
# are those of ${FL_BUILD:-build/release}.
set -eu
cd "$(dirname "$0")/.."
json=0 rounds=3 package=
while [ $# -gt 0 ]; do
    case $1 in
    --json) json=1 ;;
    --rounds) rounds=$2; shift ;;
    --package) package=$2; shift ;;
    *) sed -n '3,16p' "$0" >&2; exit 2 ;;
    esac
    shift
done
build=${FL_BUILD:-build/release}
llama=build/llamacpp
fail() { echo "busy_core: $*" >&2; exit 1; }
[ -x "$build/bench/engine_bench" ] ||
    fail "$build/bench/engine_bench is missing: build first, or set FL_BUILD"
[ "$(nproc)" -ge 2 ] || fail "two processors are needed, this has $(nproc)"
pair=$(taskset -pc $$ | sed 's/.*: //' | tr ',' '\n' |
    awk -F- '{ for (i = $1; i <= $NF && n < 2; i++) print i; n += $NF - $1 + 1 }' |
    head -2 | paste -sd,)

taskset -c "${pair#*,}" sh -c 'while :; do :; done' &
busy=$!
runs=$(mktemp)
trap 'kill $busy; rm -f "$runs"' EXIT
trap 'exit 1' HUP INT TERM
for round in $(seq "$rounds"); do
    echo "busy_core: round $round of $rounds" >&2
    for t in 1 2; do
        taskset -c "$pair" "$build/bench/engine_bench" \
            ${package:+--package "$package"} --threads $t --prompt 1 --gen 128 \
            --reps 3 --json | python3 -c '
import json, sys
print("flexllm", sys.argv[1], json.load(sys.stdin)["decode_tok_s"])' $t >>"$runs"
        [ -f "$llama/m/Q4_0.gguf" ] || continue
        taskset -c "$pair" "$llama/build/bin/llama-bench" \
            -m "$llama/m/Q4_0.gguf" -p 0 -n 32 -r 1 -t $t -o jsonl 2>/dev/null |
            python3 -c '
import json, sys
print("llamacpp", sys.argv[1], json.loads(sys.stdin.readline())["avg_ts"])' \
                $t >>"$runs"
    done
done
python3 - "$runs" $json "$rounds" <<'PY'
import json, statistics, sys
values = {}
for line in open(sys.argv[1]):
    name, threads, rate = line.split()
    values.setdefault((name, threads), []).append(float(rate))
out = {"rounds": int(sys.argv[3])}
for name in sorted({n for n, _ in values}):
    one, two = (statistics.median(values[name, t]) for t in "12")
    head = "" if name == "flexllm" else name + "_"
    out.update({head + "decode_1": one, head + "decode_2": two,
                head + "ratio": two / one})
if sys.argv[2] == "1":
    print(json.dumps(out))
else:
    for k, v in out.items():
        print("%-22s %g" % (k, v))
PY
