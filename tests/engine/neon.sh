#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# neon.sh -- builds the kernel test for aarch64 and runs it under qemu.
# Exit 77 (ctest: skipped) where the cross compiler or qemu is missing; in CI
# that is a failure.
#
#   sh tests/engine/neon.sh BUILD_DIR        from the repository's root
set -eu
out=$1
cc=aarch64-linux-gnu-gcc
for tool in $cc qemu-aarch64; do
    command -v $tool >/dev/null ||
        { echo "neon.sh: $tool is missing; NEON kernels NOT CHECKED"
          [ -z "${CI:-}" ] && exit 77; exit 1; }
done
mkdir -p "$out"
flags="-std=gnu17 -O2 -Wall -Wextra -Wno-unused-parameter -Wno-psabi -Werror
    -ffp-contract=off -fno-math-errno -I."
for f in engine/k_c.c engine/k_neon.c engine/tables.c engine/select.c \
    base/error.c tests/engine/kernels.c tests/engine/kernels_util.c; do
    march=armv8-a
    [ "$f" = engine/k_neon.c ] && march=armv8.2-a+dotprod
    # shellcheck disable=SC2086 # words of flags
    $cc $flags -march=$march -c "$f" -o "$out/$(basename "$f" .c).o"
done
$cc -static -o "$out/test_kernels" "$out"/*.o -lm -lpthread
qemu-aarch64 -cpu max "$out/test_kernels"
