#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/fx/vitis.sh OPS.o WORKDIR [name ...] -- every module test once more, as
# C++14 with Xilinx's ap_int.h: equal results are shown by the same checks.
# OPS.o is golden/ops.c compiled as C. Run from the repository's root.
#
# ap_int.h comes from PyPI hls4ml 1.3.0, where scripts/setup.sh puts it; without
# it nothing is checked and that is said.
set -eu
ops=$1 work=$2
shift 2
types=${XDG_CACHE_HOME:-$HOME/.cache}/flexllm/ap_types
if [ ! -f "$types/ap_int.h" ]; then
    echo "vitis: not checked, no $types/ap_int.h: run scripts/setup.sh"
    exit 0
fi
[ $# -gt 0 ] || set -- $(ls tests/fx/*.c | sed 's|.*/||; s|\.c$||')
mkdir -p "$work"
bad=0 n=0
flags="-std=c++14 -O0 -DFX_VIEW_VITIS -Werror -Wall -Wextra
    -Wno-unused-parameter -Wno-unused-function -Wno-unknown-pragmas
    -Wno-c99-designator -Wno-reorder-init-list -Wno-c++11-narrowing
    -Wno-missing-designated-field-initializers
    -isystem $types -Itests/fx/vitis -I."
# the headers, most of the work, once
clang++-19 $flags -x c++-header tests/fx/harness.h -o "$work/harness.pch"
for name; do
    n=$((n + 1))
    if ! clang++-19 $flags -include-pch "$work/harness.pch" \
        -x c++ "tests/fx/$name.c" -x none "$ops" -lm -o "$work/vitis_$name" ||
        ! "$work/vitis_$name"; then
        echo "vitis: $name FAILED"
        bad=$((bad + 1))
    fi
    rm -f "$work/vitis_$name"
done
rm -f "$work/harness.pch"
echo "vitis: $n modules as C++14, $bad failed"
[ "$n" -gt 0 ] && [ "$bad" = 0 ]
