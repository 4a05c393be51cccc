#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# wikitext_calib.sh FILE [MAX] > TEXT: WikiText-2's word-level file (*.tokens)
# as calibration text in the form the GPTQ protocol gives its test text: lines
# joined by empty lines. Sentences with more than MAX <unk> (default 0) are left
# out; in the others the <unk> are.
set -eu
[ $# -ge 1 ] || { echo "usage: wikitext_calib.sh FILE.tokens [MAX]" >&2; exit 2; }
LC_ALL=C awk -v max="${2:-0}" '
/^ *$/ { printf "%s", "\n\n"; next }
{
    n = split($0, part, / \. /)
    line = ""
    for (i = 1; i <= n; i++) {
        end = i < n ? " . " : ""
        if (gsub(/<unk> ?/, "", part[i]) <= max)
            line = line part[i] end
    }
    if (line !~ /^ *$/) {
        sub(/^ */, " ", line)
        sub(/ *$/, " ", line)
        printf "%s\n\n\n", line
    }
}' "$1"
