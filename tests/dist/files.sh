#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# files.sh -- rules about the repository's own files. Run from its root.
set -eu
bad=0
fault() { echo "$1"; bad=1; }

list() { git ls-files "$@" 2>/dev/null || find . -type f; }

for f in $(list '*.c' '*.h' '*.sv' '*.sh' '*.cpp'); do
    [ -f "$f" ] || continue
    head -n 3 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
        fault "$f: no SPDX line among the first three"
    case $f in
    *_tab.h | *_tab.c) ;;
    *)
        n=$(wc -l <"$f")
        [ "$n" -le 600 ] || fault "$f: $n lines; a file has at most 600"
        ;;
    esac
    case $f in
    *_v[0-9].* | *_new.* | *_old.* | *_backup.* | *_opt.*)
        fault "$f: a variant by suffix; use a parameter or a branch" ;;
    esac
done

# No path of one machine; the search strings are split so as not to find us.
if git rev-parse --git-dir >/dev/null 2>&1; then
    if git grep -nIE '(^|[^A-Za-z0-9_.$}])/(wo''rk|ro''ot|ho''me)/' -- \
        . ':!LICENSE'; then
        fault "a path of one machine stands in a tracked file"
    fi
    for f in $(git ls-files); do
        [ -f "$f" ] || continue
        [ "$(wc -c <"$f")" -le 3145728 ] || fault "$f: larger than 3 MiB"
    done
fi
exit $bad
