#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/fx/mutate.sh OPS.o LIBSIM WORKDIR [name ...] -- breaks every module on
# purpose, one line at a time, and demands that its test sees it.
#
# tests/fx/NAME.mutations has one sed expression a line, for fx/NAME.h or, where
# the line starts with `FILE.h: `, for fx/FILE.h. `#` starts a comment. Each is
# applied to a copy of fx/; it must change something, compile, and make
# tests/fx/NAME.c fail (timed view: results and cycles). Run from the root.
set -eu
ops=$1 sim=$2 work=$3
shift 3
[ $# -gt 0 ] || set -- $(ls tests/fx/*.mutations | sed 's|.*/||; s|\.mutations$||')
rm -rf "$work/mutant"
mkdir -p "$work/mutant"
bad=0 n=0
for name; do
    while IFS= read -r line; do
        case $line in '' | '#'*) continue ;; esac
        file=$name.h expr=$line
        case $line in [a-z]*.h:\ *) file=${line%%: *} expr=${line#*: } ;; esac
        n=$((n + 1))
        rm -rf "$work/mutant/fx"
        cp -r fx "$work/mutant/fx"
        sed -i -e "$expr" "$work/mutant/fx/$file"
        if cmp -s "fx/$file" "$work/mutant/fx/$file"; then
            echo "mutate: $name: changes nothing: $line"
            bad=$((bad + 1))
        elif ! clang-19 -std=c23 -O0 -w -DFX_VIEW_TIMED -I"$work/mutant" -I. \
            "tests/fx/$name.c" "$ops" "$sim" "${sim%/sim/*}/base/libbase.a" -l:libboost_context.a -lm \
            -o "$work/mutant/test" 2>"$work/mutant/log"; then
            echo "mutate: $name: does not compile: $line"
            head -3 "$work/mutant/log"
            bad=$((bad + 1))
        elif timeout 20 "$work/mutant/test" >"$work/mutant/log" 2>&1; then
            echo "mutate: $name: NOT caught: $line"
            bad=$((bad + 1))
        fi
    done <"tests/fx/$name.mutations"
done
rm -rf "$work/mutant"
echo "mutate: $n mutations, $bad not caught"
[ "$n" -gt 0 ] && [ "$bad" = 0 ]
