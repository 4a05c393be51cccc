#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/fx/bad.sh -- what must not compile, and the sentence it is refused with.
# Every tests/fx/bad/*.c names that sentence in its first line. Run from the
# root.
set -eu
bad=0 n=0
for file in tests/fx/bad/*.c; do
    want=$(sed -n '1s|^/\* error: \(.*\) \*/$|\1|p' "$file")
    n=$((n + 1))
    for view in FX_VIEW_NATIVE FX_VIEW_FXC; do
        out=$(clang-19 -std=c23 -D$view -Werror=incompatible-pointer-types \
            -I. -fsyntax-only "$file" 2>&1) && out="it compiles"
        case $out in
        *"$want"*) [ -n "$want" ] && continue ;;
        esac
        echo "bad: $file ($view): wanted \"$want\", got:"
        echo "$out" | head -5
        bad=$((bad + 1))
    done
done
echo "bad: $n cases in two views, $bad wrong"
[ "$n" -gt 0 ] && [ "$bad" = 0 ]
