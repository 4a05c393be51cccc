#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# design_cycles.sh -- timed runs of ten small designs beside their RTL.
#
# For each set of tests/designs/rtl_tiny.h and each stage: fxc, Verilator, and
# a run of the stage with a random model. Three cycle counts at full rate:
#
#   rtl     Verilator
#   timed   the timed run with the table of `fxc --timing`
#   ideal   the timed run without, as `flexllm time` has it at full size: a loop
#           takes its iterations and nothing else
#
#   sh bench/design_cycles.sh [-b BUILD] [--json] [SET]...
#
# Needs some 2 minutes of processor time a set. A run whose beats differ from the
# RTL's fails the script.
set -eu
cd "$(dirname "$0")/.."
build=build/release json=0
while [ $# -gt 0 ]; do
    case $1 in
    -b) build=$2; shift ;;
    --json) json=1 ;;
    -*) sed -n '3,17p' "$0" >&2; exit 2 ;;
    *) break ;;
    esac
    shift
done
[ $# -gt 0 ] || set -- 0 1 2 3 4 5 6 7 8 9
out=$build/design_cycles
mkdir -p "$out"
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
trap 'exit 1' HUP INT TERM

# cycles FILE: the RTL's and the timed run's cycles in a line of JSON
cycles() { sed -n 's/.*"cycles":\[\[\([0-9]*\),\([0-9]*\),.*/\1 \2/p' "$1"; }

for set; do
    stage=0
    for top in llama_prefill llama_decode; do
        echo "design_cycles: set $set, $top" >&2
        dir=$out/$set
        log=$dir/$top.json
        mkdir -p "$dir"
        COSIM_WORDS=100000 sim/cosim.sh -b "$build" -o "$dir" -p 4.0 -s 1 \
            -r 100/100 -w tests/designs/rtl_hw.c -l designs -D TINY="$set" \
            -D DSN_STAGE=$stage tests/designs/rtl_run.c $top > "$log" || {
            cat "$log" >&2
            exit 1
        }
        work=$(find "$dir" -type d -name "*$top" | head -1)
        COSIM_TAPE=$work/ideal.tape COSIM_WORDS=100000 "$work/native" \
            > "$work/ideal.log" 2>&1
        "$work/4.0.obj/Vcosim" "$work/ideal.tape" -n ideal -s 1 -r 100/100 \
            -c 100 > "$dir/$top.ideal.json"
        echo "$set $top $(cycles "$log") $(cycles "$dir/$top.ideal.json")" \
            >> "$rows"
        stage=$((stage + 1))
    done
done
awk -v json=$json '
function error(x, y) { return 100 * (x - y) / y }
function size(x) { return x < 0 ? -x : x }
{
    t = error($4, $3); i = error($6, $5)
    if (size(t) > size(worst)) worst = t
    if (size(i) > size(far)) far = i
    if (json)
        printf "%s{\"set\":%d,\"top\":\"%s\",\"rtl\":%d,\"timed\":%d,\"timed_error\":%.3f,\"ideal\":%d,\"ideal_error\":%.3f}", (NR == 1 ? "{\"runs\":[" : ","), $1, $2, $3, $4, t, $6, i
    else {
        if (NR == 1) print "| set | stage | rtl | timed | error | ideal | error |\n|---|---|---|---|---|---|---|"
        printf "| %d | %s | %d | %d | %+.2f %% | %d | %+.2f %% |\n", $1, $2, $3, $4, t, $6, i
    }
}
END {
    if (json) printf "],\"worst_timed_error\":%.3f,\"worst_ideal_error\":%.3f}\n", worst, far
    else printf "\nfurthest: timed %+.2f %%, ideal %+.2f %%\n", worst, far
}' "$rows"
