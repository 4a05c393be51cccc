#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/fx/readme.sh [-w] -- the table of fx/README.md is what the headers of
# the modules say: compares it, or with -w writes it. Run from the root.
set -eu
table() {
    echo '| module | what it is | cycles, while inputs come and outputs are taken |'
    echo '|---|---|---|'
    for f in fx/*.h; do
        grep -q '^#include "fx/end.h"' "$f" || continue
        awk -v name="$(basename "$f")" '
            NR == 2 { sub(/^\/\* fx\/[a-z0-9_]*\.h -- /, ""); what = $0; more = 1; next }
            more && /^ \*$/ { more = 0 }
            more { sub(/^ \* */, ""); what = what " " $0 }
            /^ \* cycles +/ { sub(/^ \* cycles +/, ""); cycles = $0; c = 1; next }
            c && /^ \*  +/ { sub(/^ \* */, ""); cycles = cycles " " $0; next }
            { c = 0 }
            END { gsub(/\|/, "\\|", cycles); print "| `" name "` | " what " | " cycles " |" }
        ' "$f"
    done
}
now=$(table)
old=$(sed -n '/<!-- modules -->/,/<!-- end -->/p' fx/README.md | sed '1d;$d')
if [ "${1-}" = -w ]; then
    {
        sed '/<!-- modules -->/q' fx/README.md
        echo "$now"
        sed -n '/<!-- end -->/,$p' fx/README.md
    } >fx/README.md.new
    mv fx/README.md.new fx/README.md
elif [ "$now" != "$old" ]; then
    echo "readme: fx/README.md is stale: run tests/fx/readme.sh -w"
    exit 1
fi
