#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cosim_sweep.sh -- every top of tests/rtl/modules.txt at every rate pair, with
# every seed and period: the counted runs of docs/fxc.md.
#
#     usage: scripts/cosim_sweep.sh [-b BUILD] [-s SECONDS]
#
# Results are kept in BUILD/cosim/kept by a hash of the SystemVerilog and the
# tape, so that a second run only does what is new; after SECONDS no new top
# begins. Prints the table of docs/fxc.md: a line a module, and the sums. Exit
# status: 0 all tops equal, 1 one is not, 3 some have not been run.
set -u
build=build/release seconds=1000000
while getopts b:s: option; do
    case $option in
    b) build=$OPTARG ;;
    s) seconds=$OPTARG ;;
    *) exit 2 ;;
    esac
done
out=$build/cosim/sweep
mkdir -p "$out" "$build/cosim/kept" || exit 2
rm -f "$out"/*
start=$(date +%s) bad=0 left=0 tops=0
while read -r file top when options; do
    case $file in '#'* | '') continue ;; esac
    tops=$((tops + 1))
    if [ $(($(date +%s) - start)) -ge "$seconds" ]; then
        left=$((left + 1))
        continue
    fi
    # shellcheck disable=SC2086
    if sim/cosim.sh -b "$build" -k "$build/cosim/kept" -l golden $options \
        "tests/fx/$file" "$top" > "$out/line" 2> "$out/log" < /dev/null; then
        sed "s/^/${file%.c} /" "$out/line" >> "$out/all"
    else
        bad=$((bad + 1))
        echo "cosim_sweep: $file $top ($when) is not equal" >&2
        cat "$out/line" "$out/log" >&2
    fi
done < tests/rtl/modules.txt
awk -v tops="$tops" -v bad="$bad" -v left="$left" '
    function number(key) {
        if (!match($0, "\"" key "\":[0-9]+"))
            return 0
        return substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
    }
    function most(list, key) {
        if (number(key) > list[$1] + 0)
            list[$1] = number(key)
    }
    BEGIN {
        print "| test | models | cases | runs | words | errors |" \
            " with a formula | off by | timed run off by |"
        print "|---|---|---|---|---|---|---|---|---|"
    }
    seen[$1 $2]++ { next } # the same at both periods, kept: not run twice
    !($1 in models) { name[++n] = $1 }
    { models[$1]++; cases[$1] += number("cases"); runs[$1] += number("runs")
      words[$1] += number("words"); errors[$1] += number("errors") }
    /"top":"[^"]*4\.0"/ { # whose table the timed run has
        timed[$1] += 0
        most(off, "formula_off")
        most(timed, "timed_off")
        for (rest = $0; match(rest, /[0-9]+\]/); rest = substr(rest,
            RSTART + RLENGTH))
            formula[$1] += substr(rest, RSTART, RLENGTH - 1) > 0
    }
    END {
        for (k = 1; k <= n; k++) {
            m = name[k]
            printf "| %s | %d | %d | %d | %d | %d | %d | %s | %d |\n", m,
                models[m], cases[m], runs[m], words[m], errors[m], formula[m],
                formula[m] ? off[m] + 0 : "–", timed[m]
            a += models[m]; c += cases[m]; r += runs[m]; w += words[m]
            e += errors[m]; f += formula[m]
        }
        printf "| all %d | %d | %d | %d | %d | %d | %d | | |\n\n", n, a, c, r,
            w, e, f
        printf "%d tops; %d not equal, %d not run\n", tops, bad, left
    }' "$out/all"
[ $bad -eq 0 ] || exit 1
[ $left -eq 0 ] || exit 3
