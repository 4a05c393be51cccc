#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cli.sh FLEXLLM -- the command line as a user meets it: what it prints, its
# exit status, and that bad input gets one line and leaves nothing behind.
# Runs from the repository root; models come from ${FL_SHARED:-../shared}/data.
set -u
flexllm=$1
shared=${FL_SHARED:-../shared}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0
cases=0

fault() { echo "FAULT: $*"; bad=$((bad + 1)); }

# works NAME COMMAND...: exit 0, nothing on standard error; output in $tmp/out
works() {
    name=$1
    shift
    cases=$((cases + 1))
    "$@" >"$tmp/out" 2>"$tmp/err" || fault "$name: exit $?: $(cat "$tmp/err")"
    [ -s "$tmp/err" ] && fault "$name: said on standard error: $(cat "$tmp/err")"
    return 0
}

# fails NAME STATUS PATTERN COMMAND...: that status, one line that matches
fails() {
    name=$1
    want=$2
    pattern=$3
    shift 3
    cases=$((cases + 1))
    "$@" >"$tmp/out" 2>"$tmp/err"
    rc=$?
    [ $rc = "$want" ] || fault "$name: exit $rc, not $want"
    [ "$(wc -l <"$tmp/err")" = 1 ] ||
        fault "$name: not one line: $(cat "$tmp/err")"
    grep -qE "$pattern" "$tmp/err" ||
        fault "$name: '$(cat "$tmp/err")' does not match '$pattern'"
}

# says NAME PATTERN: the last output has a line that matches
says() {
    grep -qE "$2" "$tmp/out" || fault "$1: no line matches '$2'"
}

# same NAME FILE1 FILE2
same() { cmp -s "$2" "$3" || fault "$1: $2 and $3 differ"; }

# ---- without any model ------------------------------------------------------
works version "$flexllm" --version
says version '^flexllm [0-9]'
works help "$flexllm" --help
for c in info tokenize quantize run ppl eval; do
    says help "^  $c "
done
for c in info tokenize quantize run ppl eval; do
    works "$c --help" "$flexllm" $c --help
    says "$c --help" '^EXIT STATUS'
done
cases=$((cases + 1))
"$flexllm" >/dev/null 2>&1
[ $? = 2 ] || fault "no command: not exit 2"
fails command 2 "no command 'frobnicate'" "$flexllm" frobnicate
fails option 2 "no option '--frob'" "$flexllm" info --frob x
fails number 2 'whole number' "$flexllm" run x -p y -n 0
fails number 2 'whole number' "$flexllm" run x -p y -n 1x
fails words 2 'too few words' "$flexllm" info
fails absent 1 "$tmp/absent" "$flexllm" info "$tmp/absent"
printf 'GGUF' >"$tmp/short.gguf"
fails short 1 'short.gguf' "$flexllm" info "$tmp/short.gguf"
printf 'hello, this is no model at all' >"$tmp/text"
fails text 1 "$tmp/text" "$flexllm" info "$tmp/text"
: >"$tmp/empty"
fails empty 1 "$tmp/empty" "$flexllm" info "$tmp/empty"

gguf=$shared/data/models/stories260K.f32.gguf
bin=$shared/data/models/stories260K.bin
if [ ! -f "$gguf" ]; then
    echo "cli: $cases cases, $bad faults; NOT CHECKED, as $gguf is absent:" \
        "everything that needs a model"
    [ $bad = 0 ]
    exit
fi

# ---- a checkpoint -----------------------------------------------------------
works info "$flexllm" info "$gguf"
says info '5 layers, d 64, ffn 172, 8 query and 4 kv heads of 8'
works info.json "$flexllm" info "$gguf" --json
says info.json '"d":64'
works tokenize "$flexllm" tokenize "$gguf" --text 'Once upon a time'
says tokenize '^[0-9 ]+$'
works count "$flexllm" tokenize "$gguf" --count --text 'Once upon a time'
says count '^[0-9]+$'
fails utf8 1 'UTF-8|utf-8' "$flexllm" tokenize "$gguf" --text "$(printf 'a\377b')"

works fp32 "$flexllm" run "$gguf" -p 'Once upon a time' -n 200
cp "$tmp/out" "$tmp/gguf.txt"
says fp32 '[a-z]'
works fp32.bin "$flexllm" run "$bin" -p 'Once upon a time' -n 200
same fp32.bin "$tmp/gguf.txt" "$tmp/out"
head -c 3000 "$gguf" >"$tmp/cut.gguf"
fails cut 1 'cut.gguf' "$flexllm" run "$tmp/cut.gguf" -p x
fails engine 2 "no engine 'gpu'" "$flexllm" run "$gguf" -p x -e gpu
fails needs.pkg 1 'needs a package' "$flexllm" run "$gguf" -p x -e int
fails prompt.empty 1 'prompt is empty' "$flexllm" run "$gguf" -p ''
fails prompt.utf8 1 'UTF-8|utf-8' "$flexllm" run "$gguf" -p "$(printf '\300')"
head -c 9000 share/sample.txt >/dev/null 2>&1
cat share/sample.txt share/sample.txt >"$tmp/long.txt"
fails prompt.long 1 'holds [0-9]+ positions' "$flexllm" run "$gguf" --file "$tmp/long.txt"
fails full 1 'standard output: cannot write' sh -c "'$flexllm' run '$gguf' -p Once -n 4 --json >/dev/full"

# ---- a package ---------------------------------------------------------------
small="--sequences 8 --length 128" # calibrates in a moment
for scheme in w4a8kv8 w4a4kv8 w8a8kv8; do
    pkg=$tmp/$scheme.fxq
    works quantize "$flexllm" quantize "$gguf" -o "$pkg" --scheme $scheme $small
    works quantize.again "$flexllm" quantize "$gguf" -o "$pkg.2" --scheme $scheme $small
    same "$scheme: the same bytes twice" "$pkg" "$pkg.2"
    works pkg.info "$flexllm" info "$pkg"
    says pkg.info "$scheme"
    works pkg.int "$flexllm" run "$pkg" -p 'Once upon a time' -n 60 --json
    sed 's/.*"ids"://;s/].*//' "$tmp/out" >"$tmp/ids.int"
    says pkg.int '"prefill_tok_s":.*"decode_tok_s":.*"engine":"int"'
    works pkg.golden "$flexllm" run "$pkg" -p 'Once upon a time' -n 60 --json -e golden
    sed 's/.*"ids"://;s/].*//' "$tmp/out" >"$tmp/ids.golden"
    same "$scheme: int is golden" "$tmp/ids.int" "$tmp/ids.golden"
    works pkg.hls "$flexllm" run "$pkg" -p 'Once upon a time' -n 60 --json -e hls
    sed 's/.*"ids"://;s/].*//' "$tmp/out" >"$tmp/ids.hls"
    same "$scheme: hls is int" "$tmp/ids.int" "$tmp/ids.hls"
    for o in "--temperature 0.9 --top-p 0.9 --seed 5" "--temperature 1.3 --top-k 7 --seed 8"; do
        for e in int golden hls; do
            works "sampled $e" "$flexllm" run "$pkg" -p 'Once upon a time' -n 40 --json -e $e $o
            sed 's/.*"ids"://;s/].*//' "$tmp/out" >"$tmp/ids.$e"
        done
        same "$scheme: sampled golden is int" "$tmp/ids.int" "$tmp/ids.golden"
        same "$scheme: sampled hls is int" "$tmp/ids.int" "$tmp/ids.hls"
    done
done
pkg=$tmp/w4a8kv8.fxq
fails fp32.pkg 1 'no fp32 weights' "$flexllm" run "$pkg" -p x -e fp32
fails scheme 2 'scheme' "$flexllm" quantize "$gguf" -o "$tmp/x.fxq" --scheme w3a3
fails unwritable 1 'no/such' "$flexllm" quantize "$gguf" -o "$tmp/no/such/x.fxq"
fails pkg.calib 1 'absent' "$flexllm" quantize "$gguf" -o "$tmp/x.fxq" --calib "$tmp/absent"
[ -e "$tmp/x.fxq" ] && fault "a failed quantize left a file"
cases=$((cases + 1))
(ulimit -f 64; trap '' XFSZ; "$flexllm" quantize "$gguf" -o "$tmp/full.fxq" $small) >"$tmp/out" 2>"$tmp/err" &&
    fault "full disk: success"
grep -q 'full.fxq' "$tmp/err" || fault "full disk: $(cat "$tmp/err")"
ls "$tmp"/full.fxq* >/dev/null 2>&1 && fault "full disk: a file was left"

size=$(wc -c <"$pkg")
for cut in 0 7 8 100 4000 $((size / 2)) $((size - 1)); do
    head -c "$cut" "$pkg" >"$tmp/cut.fxq"
    fails "package cut at $cut" 1 'cut.fxq' "$flexllm" run "$tmp/cut.fxq" -p x
done
{ head -c $((size - 100)) "$pkg"; printf 'XXXX'; tail -c 96 "$pkg"; } >"$tmp/flip.fxq"
fails "package changed" 1 'flip.fxq' "$flexllm" info "$tmp/flip.fxq"

works ppl "$flexllm" ppl "$pkg" --text share/sample.txt --ctx 256 --json
for key in ppl tokens windows ctx protocol engine seconds; do
    says ppl "\"$key\":"
done
sed 's/,"seconds".*//' "$tmp/out" >"$tmp/ppl1"
works ppl.threads "$flexllm" ppl "$pkg" --text share/sample.txt --ctx 256 --json -t 1
sed 's/,"seconds".*//' "$tmp/out" >"$tmp/ppl2"
same "ppl at 1 and 2 threads" "$tmp/ppl1" "$tmp/ppl2"
if command -v mpirun >/dev/null; then
    mpirun="mpirun --allow-run-as-root --oversubscribe -n 3"
    works ppl.ranks $mpirun "$flexllm" ppl "$pkg" --text share/sample.txt --ctx 256 --json
    sed 's/,"seconds".*//' "$tmp/out" >"$tmp/ppl2"
    same "ppl with 3 ranks" "$tmp/ppl1" "$tmp/ppl2"
else
    fault "mpirun is missing; scripts/setup.sh installs it"
fi
fails ppl.protocol 2 'protocol' "$flexllm" ppl "$pkg" --text share/sample.txt --protocol x
fails ppl.short 1 'tokens' "$flexllm" ppl "$pkg" --text "$tmp/text" --ctx 256

eval_set=$shared/data/eval/piqa.validation.jsonl
for e in int golden; do
    works "eval $e" "$flexllm" eval "$pkg" "$eval_set" --limit 12 --json -e $e
    sed 's/,"engine".*//' "$tmp/out" >"$tmp/eval.$e"
done
says eval '"task":"PIQA"'
same "eval: golden is int" "$tmp/eval.int" "$tmp/eval.golden"
works eval.lambada "$flexllm" eval "$gguf" "$shared/data/eval/lambada_openai.test.jsonl" --limit 5
says eval.lambada '^LAMBADA +5 questions'
fails eval.text 1 'line 1 ' "$flexllm" eval "$pkg" "$tmp/text"

echo "cli: $cases cases, $bad faults"
[ $bad = 0 ]
