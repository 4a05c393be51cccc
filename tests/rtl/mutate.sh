#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mutate.sh -- breaks rtl/ on purpose and demands that the benches notice.
#
#     usage: tests/rtl/mutate.sh OUT [BENCH]
#
# Takes every line of tests/rtl/mutations.txt (of BENCH only, if given), makes
# a copy of rtl/ with that one fault, and runs the bench on it. A fault that
# is not noticed, does not compile or does not apply is a failure. Models are
# not optimised: a mutant's run is shorter than its compilation.
set -u
export BENCH_OPT=-O0
out=$1 only=${2:-}
mkdir -p "$out" || exit 2
count=0 bad=0
while IFS='|' read -r file bench what edit; do
    case $file in '#'* | '') continue ;; esac
    file=$(echo $file) bench=$(echo $bench) # without the blanks around them
    [ -z "$only" ] || [ "$only" = "$bench" ] || continue
    count=$((count + 1))
    copy=$out/rtl_$bench
    rm -rf "$copy"
    cp -r rtl "$copy"
    sed "${edit# }" "rtl/$file" > "$copy/$file"
    if cmp -s "rtl/$file" "$copy/$file"; then
        echo "FAILED: does not apply: $file:$what"
        bad=$((bad + 1))
        continue
    fi
    tests/rtl/bench.sh "$bench" "$out" "$copy" +limit=600000 \
        > "$out/$bench.mutant" 2>&1
    status=$?
    if [ $status -ne 1 ]; then
        echo "FAILED: status $status, not noticed: $file:$what"
        tail -3 "$out/$bench.mutant"
        bad=$((bad + 1))
    else
        echo "noticed: $file:$what"
    fi
done < tests/rtl/mutations.txt
echo "$count mutants, $bad not noticed"
[ $count -gt 0 ] && [ $bad -eq 0 ]
