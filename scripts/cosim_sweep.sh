#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cosim_sweep.sh -- every top of tests/rtl/modules.txt at every rate pair, with
# every seed and period, once: the counted runs of docs/fxc.md.
#
#     usage: scripts/cosim_sweep.sh [-b BUILD] [-s SECONDS]
#
# A top that is equal leaves its JSON lines in BUILD/cosim/sweep and is not run
# again while they are newer than fxc and the library; so the sweep can be cut
# in pieces: after SECONDS no new top begins. Prints the sums. Exit status: 0
# all tops equal, 1 one is not, 3 some have not been run.
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
mkdir -p "$out" || exit 2
start=$(date +%s) bad=0 left=0 tops=0
while read -r file top when options; do
    case $file in '#'* | '') continue ;; esac
    tops=$((tops + 1))
    json=$out/$file.$top
    if [ -s "$json" ] && [ -z "$(find fx num "$build/fxc" tests/fx/"$file" \
        -type f -newer "$json")" ]; then
        continue
    fi
    rm -f "$json"
    if [ $(($(date +%s) - start)) -ge "$seconds" ]; then
        left=$((left + 1))
        continue
    fi
    # shellcheck disable=SC2086
    if sim/cosim.sh -b "$build" -l golden $options "tests/fx/$file" "$top" \
        > "$json.part" 2> "$json.log" < /dev/null; then
        mv "$json.part" "$json"
    else
        bad=$((bad + 1))
        echo "cosim_sweep: $file $top ($when) is not equal, see $json.log" >&2
    fi
done < tests/rtl/modules.txt
find "$out" -type f ! -name '*.log' ! -name '*.part' -exec cat {} + | awk -v \
    tops="$tops" -v bad="$bad" -v left="$left" '
    function number(key) {
        if (!match($0, "\"" key "\":[0-9]+"))
            return 0
        return substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
    }
    { models++; runs += number("runs"); words += number("words")
      errors += number("errors") }
    END {
        printf "%d tops: %d models, %d runs, %d words, %d errors; ", tops,
            models, runs, words, errors
        printf "%d tops not equal, %d not run\n", bad, left
    }'
[ $bad -eq 0 ] || exit 1
[ $left -eq 0 ] || exit 3
