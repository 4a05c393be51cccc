#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# depend.sh -- a folder includes only what architecture.md lets it include.
# Each line of the table: a folder, then the folders its #include "..." lines
# may name besides itself. Run from the repository root.
set -eu
bad=0
check() {
    folder=$1
    shift
    [ -d "$folder" ] || return 0
    found=$(grep -rnoE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"[^"]+/' \
        --include='*.c' --include='*.h' --include='*.cpp' "$folder" || true)
    [ -n "$found" ] || return 0
    printf '%s\n' "$found" >"$tmp"
    while IFS= read -r line; do
        path=${line##*\"}
        to=${path%%/*}
        ok=no
        for allowed in "$folder" "$@"; do
            [ "$to" = "$allowed" ] && ok=yes
        done
        if [ $ok = no ]; then
            echo "${line%%:#*}: $folder/ must not include from $to/"
            bad=1
        fi
    done <"$tmp"
}
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
check base
check num
check fx num
check golden num
check model base num
check quant base num model golden
check engine base num model
check fxc base
check sim fx base num
check designs fx num sim model base
check explore fx base num designs
check train base num model golden
check report base explore
check emit base num fx model engine designs explore

# The HLS library is hardware: no stdio, no allocation, no floating point.
if [ -d fx ]; then
    if grep -nE '#[[:space:]]*include[[:space:]]*<(stdio|stdlib|math)\.h>' \
        $(find fx -name '*.h' ! -name fx.h ! -path 'fx/view_*'); then
        echo "fx/: a module must not include the C library"
        bad=1
    fi
fi
exit $bad
