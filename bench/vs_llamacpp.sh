#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# vs_llamacpp.sh -- the integer engine beside llama.cpp, on SmolLM2-135M.
#
# Builds llama.cpp from the source distribution of PyPI's llama-cpp-python
# (pinned, checksum verified) in build/llamacpp, makes its Q4_0, Q4_0 --pure,
# Q8_0 and BF16 files from the same checkpoint, our W4A8KV8 and W4A4KV8
# packages, and then runs all of them alternately, so that a machine that is
# busy for a while is busy for all. Prompt 512 (logits of the last token),
# 128 generated from an empty context. Medians over the rounds, and ratios:
#
#   prefill_ratio       our W4A8 prompt speed / llama.cpp's best format
#   prefill_ratio_w4a4  the same for W4A4
#   decode_ratio        our W4A8 decode speed / llama.cpp's best 4-bit format
#
#   sh bench/vs_llamacpp.sh [--json] [--threads N] [--rounds N] [--package P]
#
# --package P takes P as the W4A8 package instead of making one (by round to
# nearest: speed does not depend on the codes). The programs are those of
# ${FL_BUILD:-build/release}. Needs about 400 MB of disk and, the first time,
# some ten minutes.
set -eu
cd "$(dirname "$0")/.."
json=0 threads=2 rounds=3 package=
while [ $# -gt 0 ]; do
    case $1 in
    --json) json=1 ;;
    --threads) threads=$2; shift ;;
    --rounds) rounds=$2; shift ;;
    --package) package=$2; shift ;;
    *) sed -n '3,22p' "$0" >&2; exit 2 ;;
    esac
    shift
done
build=${FL_BUILD:-build/release}
dir=build/llamacpp
model=${XDG_CACHE_HOME:-$HOME/.cache}/flexllm/SmolLM2-135M-Instruct.Q4_1.gguf
sdist=llama_cpp_python-0.3.36
sha=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
say() { printf 'vs_llamacpp: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
[ -f "$model" ] || fail "$model is missing: run scripts/setup.sh"
[ -x "$build/bench/engine_bench" ] ||
    fail "$build/bench/engine_bench is missing: build first, or set FL_BUILD"

mkdir -p "$dir/m"
if [ ! -x "$dir/build/bin/llama-bench" ] ||
    [ ! -x "$dir/build/bin/llama-quantize" ]; then
    if [ ! -f "$dir/sdist/$sdist.tar.gz" ]; then
        say "fetching llama-cpp-python 0.3.36 from PyPI"
        python3 -m pip download --quiet --disable-pip-version-check --no-deps \
            --no-binary llama-cpp-python -d "$dir/sdist" \
            llama-cpp-python==0.3.36 >&2
    fi
    [ "$(sha256sum "$dir/sdist/$sdist.tar.gz" | cut -d' ' -f1)" = $sha ] ||
        fail "$dir/sdist/$sdist.tar.gz: wrong checksum; delete it"
    tar xf "$dir/sdist/$sdist.tar.gz" -C "$dir"
    say "building llama.cpp (some minutes)"
    cmake -S "$dir/$sdist/vendor/llama.cpp" -B "$dir/build" -G Ninja \
        -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DLLAMA_CURL=OFF \
        -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_UI=OFF \
        -DLLAMA_USE_PREBUILT_UI=OFF >"$dir/cmake.log" 2>&1 ||
        fail "cmake failed: see $dir/cmake.log"
    ninja -C "$dir/build" -j "${JOBS:-2}" llama-bench llama-quantize \
        >"$dir/build.log" 2>&1 || fail "the build failed: see $dir/build.log"
fi

# convert NAME TYPE [FLAG]
convert() {
    [ -f "$dir/m/$1.gguf" ] && return
    say "making $1"
    "$dir/build/bin/llama-quantize" --allow-requantize ${3:+"$3"} \
        "$dir/m/F32.gguf" "$dir/m/$1.part" "$2" >"$dir/quantize.log" 2>&1 ||
        fail "llama-quantize failed: see $dir/quantize.log"
    mv "$dir/m/$1.part" "$dir/m/$1.gguf"
}
formats="Q4_0-pure Q4_0 Q8_0 BF16"
for f in $formats; do
    [ -f "$dir/m/$f.gguf" ] && continue
    if [ ! -f "$dir/m/F32.gguf" ]; then
        "$dir/build/bin/llama-quantize" --allow-requantize "$model" \
            "$dir/m/F32.part" F32 >"$dir/quantize.log" 2>&1 ||
            fail "llama-quantize failed: see $dir/quantize.log"
        mv "$dir/m/F32.part" "$dir/m/F32.gguf"
    fi
    case $f in
    Q4_0-pure) convert $f Q4_0 --pure ;;
    *) convert "$f" "$f" ;;
    esac
done
rm -f "$dir/m/F32.gguf"
for s in w4a8kv8 w4a4kv8; do
    [ -f "$dir/m/$s.fxq" ] && continue
    if [ $s = w4a8kv8 ] && [ -n "$package" ]; then continue; fi
    say "quantising $s"
    "$build/flexllm" quantize "$model" -o "$dir/m/$s.fxq" --scheme $s --rtn \
        --sequences 2 --length 128 >/dev/null
done

# One line a run: engine phase tokens/s
runs=$dir/runs.txt
: >"$runs"
for round in $(seq "$rounds"); do
    say "round $round of $rounds"
    for f in $formats; do
        "$dir/build/bin/llama-bench" -m "$dir/m/$f.gguf" -p 512 -n 128 -r 3 \
            -t "$threads" -o jsonl 2>/dev/null |
            python3 -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    if r["n_prompt"]: print(sys.argv[1], "prefill", r["avg_ts"])
    if r["n_gen"]: print(sys.argv[1], "decode", r["avg_ts"])' "$f" >>"$runs"
    done
    for s in w4a8kv8 w4a4kv8; do
        p=$dir/m/$s.fxq
        if [ $s = w4a8kv8 ] && [ -n "$package" ]; then p=$package; fi
        "$build/bench/engine_bench" --package "$p" --threads "$threads" \
            --prompt 512 --gen 128 --reps 3 --json |
            python3 -c '
import json, sys
r = json.load(sys.stdin)
print(sys.argv[1], "prefill", r["prefill_tok_s"])
print(sys.argv[1], "decode", r["decode_tok_s"])' $s >>"$runs"
    done
done

python3 - "$runs" $json "$threads" "$rounds" <<'PY'
import json, statistics, sys
values = {}
for line in open(sys.argv[1]):
    name, phase, rate = line.split()
    values.setdefault((name, phase), []).append(float(rate))
rate = {k: statistics.median(v) for k, v in values.items()}
theirs = sorted({n for n, _ in rate if not n.startswith("w4")})
def best(names, phase):
    return max(((rate[n, phase], n) for n in names))
pre, pre_name = best(theirs, "prefill")
dec, dec_name = best([n for n in theirs if n.startswith("Q4")], "decode")
out = {
    "prefill_ratio": rate["w4a8kv8", "prefill"] / pre,
    "prefill_ratio_w4a4": rate["w4a4kv8", "prefill"] / pre,
    "decode_ratio": rate["w4a8kv8", "decode"] / dec,
    "prefill_best": pre_name,
    "decode_best": dec_name,
    "threads": int(sys.argv[3]),
    "rounds": int(sys.argv[4]),
    "tok_s": {f"{n} {p}": round(v, 2) for (n, p), v in rate.items()},
    "all": {f"{n} {p}": v for (n, p), v in values.items()},
}
if sys.argv[2] == "1":
    print(json.dumps(out))
else:
    print(f"{'':12}{'prefill':>10}{'decode':>10}   tokens/s, medians")
    for n in sorted({n for n, _ in rate}):
        print(f"{n:12}{rate[n, 'prefill']:10.1f}{rate[n, 'decode']:10.1f}")
    print(f"prefill: W4A8 {out['prefill_ratio']:.2f}x, "
          f"W4A4 {out['prefill_ratio_w4a4']:.2f}x of {pre_name}")
    print(f"decode: W4A8 {out['decode_ratio']:.2f}x of {dec_name}")
PY
