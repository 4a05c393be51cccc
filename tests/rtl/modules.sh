#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# modules.sh -- co-simulates every top of tests/rtl/modules.txt.
#
#     usage: tests/rtl/modules.sh BUILD [FILE.c [TOP [option of cosim.sh]...]]
#
# Prints a line a period and a sum at the end; the JSON lines stay in
# BUILD/cosim/modules.json. Exit status 0: all that were named are equal.
set -u
build=$1 file=${2:-} top=${3:-}
shift
[ $# -gt 0 ] && shift
[ $# -gt 0 ] && shift
mkdir -p "$build/cosim" || exit 2
json=$build/cosim/modules.json${top:+.$file.$top}
: > "$json"
count=0 bad=0
while read -r f t when options; do
    case $f in '#'* | '') continue ;; esac
    [ -z "$file" ] || [ "$f" = "$file" ] || continue
    [ -z "$top" ] || [ "$t" = "$top" ] || continue
    count=$((count + 1))
    # shellcheck disable=SC2086
    if line=$(sim/cosim.sh -b "$build" -l golden $options "$@" \
        "tests/fx/$f" "$t"); then
        verdict=equal
    else
        verdict=FAILED
        bad=$((bad + 1))
    fi
    echo "$verdict: $f $t ($when)"
    echo "$line" | tee -a "$json" | sed 's/,"cycles".*/}/'
done < tests/rtl/modules.txt
awk -F'"runs":' 'NF > 1 { n++; split($2, a, ","); runs += a[1] }
    END { printf "%d models, %d runs; ", n, runs }' "$json"
echo "$count tops, $bad failed"
[ $count -gt 0 ] && [ $bad -eq 0 ]
