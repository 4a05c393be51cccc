#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/emit/errors.sh BUILD -- what flexllm build refuses, and how: one line,
# exit status 1 (2 for wrong usage), nothing left behind.
set -u
build=$(cd "$1" && pwd)
here=$build/emit_errors
rm -rf "$here"
mkdir -p "$here/place" || exit 1
bad=0 count=0
design=tests/emit/tiny.json
place=$here/place

fault() {
    echo "errors: $*"
    bad=$((bad + 1))
}
# refused STATUS WORDS OPTIONS...: a build that must not happen. WORDS stand in
# its one line; in $place nothing has changed.
refused() {
    status=$1 words=$2
    shift 2
    count=$((count + 1))
    before=$(ls -A "$place")
    "$build/flexllm" build "$@" > "$here/out" 2> "$here/err"
    got=$?
    [ $got -eq "$status" ] || fault "status $got, not $status: $*"
    grep -qF -- "$words" "$here/err" || fault "no '$words' in: $(cat "$here/err")"
    [ "$status" -eq 2 ] || [ "$(wc -l < "$here/err")" -eq 1 ] ||
        fault "not one line: $(cat "$here/err")"
    head -c 8 "$here/err" | grep -q '^flexllm' || fault "$(cat "$here/err")"
    [ "$before" = "$(ls -A "$place")" ] || fault "left behind: $*"
}
# spoiled SED: the design file, with an edit
spoiled() {
    sed "$1" "$design" > "$here/spoiled.json"
    cmp -s "$design" "$here/spoiled.json" && fault "edit without effect: $1"
    echo "$here/spoiled.json"
}
new=$place/new
shape="--ctx 32"

refused 2 "name the directory" $design
refused 2 "there is no target 'ecp'" $design -o "$new" -t ecp
refused 2 "too few words" -o "$new"
refused 1 "nowhere.json" "$here/nowhere.json" -o "$new"
refused 1 "spoiled.json" "$(spoiled 's/"tp": 2,/"tp": 2/')" -o "$new"
refused 1 "images" "$(spoiled 's/"images": 1/"images": 3/')" -o "$new"
refused 1 "kp 3" "$(spoiled 's/"kp": 4/"kp": 3/')" -o "$new"
refused 1 "names a memory channel" "$(spoiled s/hbm6/hbm99/)" -o "$new"
refused 1 "give fewer with --ctx" $design -o "$new" --ctx 100000
refused 1 "nowhere.fxq" $design -o "$new" -m "$here/nowhere.fxq"
refused 1 "name them with --source" $design -o "$new" --source "$here"

# The place
echo text > "$place/file"
mkdir "$place/other" && echo text > "$place/other/text"
refused 1 "is a file" $design -o "$place/file"
refused 1 "is not empty, and not from flexllm build" $design -o "$place/other"
refused 1 "is not empty, and not from flexllm build" $design \
    -o "$place/other" --force
refused 1 "Not a directory" $design -o "$place/file/below"
refused 1 "No such file or directory" $design -o "$place/no/where"
[ "$(cat "$place/other/text")" = text ] || fault "a stranger's file changed"

# fxc: not there, fails, refuses, dies, says nothing, says rubbish
fxc() {
    printf '#!/bin/sh\n%s\n' "$1" > "$here/fxc"
    chmod +x "$here/fxc"
}
refused 1 "name it with --fxc" $design -o "$new" --fxc "$here/nofxc"
fxc 'exit 1'
refused 1 "it says nothing" $design -o "$new" --fxc "$here/fxc"
fxc 'echo first >&2; echo "x.c:3:1: error: no such loop" >&2; exit 1'
refused 1 "x.c:3:1: error: no such loop" $design -o "$new" --fxc "$here/fxc"
fxc 'kill -9 $$'
refused 1 "signal 9" $design -o "$new" --fxc "$here/fxc"
case $(awk '/SigIgn/ { print $2 }' /proc/self/status) in
*[2367abef]) echo "errors: ^C not checked, it is ignored here" ;;
*)
    fxc 'kill -INT $PPID $$; sleep 5' # ^C reaches both
    refused 1 "signal 2" $design -o "$new" --fxc "$here/fxc"
    ;;
esac
fxc 'exit 0'
refused 1 "fxc.json" $design -o "$new" --fxc "$here/fxc"
fxc 'echo rubbish > "$7"'
refused 1 "not JSON" $design -o "$new" --fxc "$here/fxc"
fxc 'echo "{\"modules\": [{\"name\": \"llama_prefill\", \"ports\": [{\"name\":
    \"odd\", \"dir\": \"in\", \"width\": 8}]}]}" > "$7"'
refused 1 "what to feed to port odd" $design -o "$new" --fxc "$here/fxc"

# One that works, to be kept or replaced; its fxc is remembered.
"$build/flexllm" build $design $shape -o "$place/mine" > "$here/out" ||
    fault "a build fails"
mkdir "$here/prefill" "$here/decode"
cp "$place/mine/prefill/fxc.json" "$here/prefill/"
cp "$place/mine/decode/fxc.json" "$here/decode/"
fxc "ulimit -S -f unlimited
case \$3 in *prefill) s=prefill ;; *) s=decode ;; esac
cp $here/\$s/fxc.json \"\$7\" && echo \"// \$3\" > \"\$5\""
mkdir "$place/empty"
echo kept > "$place/mine/kept"
refused 1 "--force replaces" $design $shape -o "$place/mine" --fxc "$here/fxc"
[ -f "$place/mine/kept" ] || fault "an earlier build is gone without --force"
(
    trap '' XFSZ
    ulimit -S -f 8
    refused 1 "is the disk full" $design $shape -o "$new" --fxc "$here/fxc"
    refused 1 "is the disk full" $design $shape -o "$place/mine" --force \
        --fxc "$here/fxc"
    exit $bad
)
bad=$((bad + $?)) count=$((count + 2))
[ -f "$place/mine/kept" ] || fault "an earlier build is gone, the new one failed"
for dir in mine empty; do
    "$build/flexllm" build $design $shape -o "$place/$dir" --force \
        --fxc "$here/fxc" --json > "$here/out" || fault "no new $dir"
    grep -q '"axi_ports":10' "$here/out" || fault "$(cat "$here/out")"
done
[ ! -f "$place/mine/kept" ] || fault "--force leaves old files"
[ "$(ls -A "$place" | tr '\n' ' ')" = "empty file mine other " ] ||
    fault "left behind: $(ls -A "$place")"
echo "errors: $count refusals, $bad wrong"
[ $bad -eq 0 ] && [ $count -gt 20 ]
