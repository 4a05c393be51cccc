#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test.sh -- set-up, build, all tests: what CI runs.
#
#   scripts/test.sh            everything
#   scripts/test.sh -L fx      only what ctest's options select (release build)
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
jobs=$(nproc)
export FL_FUZZ_SECONDS="${FL_FUZZ_SECONDS:-30}"

echo "== build: release (clang 19)"
cmake --preset release >/dev/null
cmake --build --preset release -j "$jobs"
if [ $# -gt 0 ]; then
    exec ctest --preset release "$@"
fi

echo "== build: gcc, everything that is C17"
cmake --preset gcc >/dev/null
cmake --build --preset gcc -j "$jobs"

echo "== build: address and undefined-behaviour sanitizers"
cmake --preset asan >/dev/null
cmake --build --preset asan -j "$jobs"

echo "== tests: sanitizers, the parts that read files"
ctest --preset asan -j "$jobs" -L 'asan|fuzz'

echo "== tests: release"
ctest --preset release -j "$jobs" -LE 'fuzz'
