#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/fxc/bad.sh -- what fxc refuses, and in which words.
#
#     usage: tests/fxc/bad.sh FXC [--update]
#
# Every tests/fxc/bad/X.c must be refused with exit status 1 and exactly the
# text of X.out; and every reject() in fxc/*.c must have given one of those
# texts, so that no message exists that nobody has seen. Run from the root.
set -u
fxc=$1 update=${2-} bad=0 n=0
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
for c in tests/fxc/bad/*.c; do
    want=${c%.c}.out
    n=$((n + 1))
    "$fxc" "$c" --top bad -I . -o "$tmp/out.sv" > "$tmp/all" 2>&1
    status=$?
    sed -n '/error: /,$p' "$tmp/all" > "$tmp/text" # not clang's warnings
    if [ $status -ne 1 ]; then
        echo "$c: exit status $status, want 1"
        bad=1
    fi
    [ "$update" = --update ] && cp "$tmp/text" "$want"
    if ! diff -u "$want" "$tmp/text"; then
        echo "$c: another message than $want"
        bad=1
    fi
done

# What is searched by halves is in order.
sed -n '/words\[\]/,/;/s/"\([^"]*\)"/\n\1\n/gp' fxc/words.c |
    grep -E '^[a-z_0-9]+$' > "$tmp/words"
if ! LC_ALL=C sort -cu "$tmp/words" || [ "$(wc -l < "$tmp/words")" -lt 250 ]; then
    echo "fxc/words.c: not in order, or not all there"
    bad=1
fi

# The messages in the source: of each reject(...), the literals joined as C
# joins them. One of the groups must match an error line; % takes anything.
cat fxc/*.c | awk '
    /reject\(/ && !/_Noreturn/ { inside = 1; text = "" }
    inside { text = text " " $0 }
    inside && /;[ \t]*$/ {
        inside = 0
        gsub(/\\"/, "", text)
        gsub(/"[ \t]+"/, "", text)
        print text
    }' > "$tmp/rejects"
cat tests/fxc/bad/*.out | sed -n 's/^.*error: //p' > "$tmp/seen"
awk -v seen="$tmp/seen" '
    BEGIN { while ((getline line < seen) > 0) lines[++count] = line }
    {
        k = split($0, part, "\"")
        ok = 0
        for (i = 2; i <= k; i += 2) {
            p = part[i]
            if (length(p) < 8)
                continue
            gsub(/[][().*+?^$|{}\\]/, "[&]", p)
            gsub(/%[0-9.*]*(ll|l)?[a-z]/, ".*", p)
            for (j = 1; j <= count; j++)
                if (lines[j] ~ ("^" p "$"))
                    ok = 1
        }
        if (!ok) {
            print "no test gives this message:" $0
            bad = 1
        }
    }
    END { print NR " messages in fxc/"; exit bad }' "$tmp/rejects" || bad=1
[ $n -ge 40 ] || { echo "only $n cases"; bad=1; }
exit $bad
