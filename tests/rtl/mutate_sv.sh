#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mutate_sv.sh -- breaks the SystemVerilog that fxc makes and demands that the
# co-simulation notices.
#
#     usage: tests/rtl/mutate_sv.sh BUILD FILE.c TOP [SKIP]
#
# Co-simulates the top as it is (must be equal), then with each fault of
# tests/rtl/mutations_sv.txt (must not be). A fault that changes nothing or
# does not compile is a failure too. SKIP, a regular expression, names faults
# that have no place in this module.
set -u
build=$1 file=tests/fx/$2 top=$3 skip=${4:-^$}
out=$build/cosim/mutants
sim() {
    sim/cosim.sh -b "$build" -o "$out" -l golden -p 4.0 -s 1 "$@" \
        "$file" "$top" > "$out/$top.log" 2>&1
}
mkdir -p "$out" || exit 2
sim || {
    cat "$out/$top.log"
    echo "FAILED: $top is not equal to begin with"
    exit 1
}
count=0 bad=0
while IFS='|' read -r what edit; do
    case $what in '#'* | '') continue ;; esac
    echo "$what" | grep -Eq "$skip" && continue
    count=$((count + 1))
    sim -m "${edit# }"
    status=$?
    if [ $status -eq 1 ]; then
        echo "noticed: $top: $what"
    else
        bad=$((bad + 1))
        echo "FAILED: status $status, not noticed: $top: $what"
        tail -3 "$out/$top.log"
    fi
done < tests/rtl/mutations_sv.txt
echo "$count mutants of $top, $bad not noticed"
[ $count -ge 8 ] && [ $bad -eq 0 ]
