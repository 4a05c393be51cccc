#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/fxc/kernels.sh -- the programs of kernels.c, hardware against C.
#
#     usage: tests/fxc/kernels.sh BUILD [NAME]... [-- options of sim/cosim.sh]
#
# Run from the root. Every kernel must have run; one that did not is a failure.
set -u
build=${1#"$PWD"/} # cosim.sh wants it relative
shift
names=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    names="$names $1"
    shift
done
[ $# -gt 0 ] && shift
[ -n "$names" ] || names="pairs hash histogram nest earlier arith bounds choose
    registers straight turns array inplace flow"
bad=0 n=0
for k in $names; do
    sh sim/cosim.sh -b "$build" "$@" tests/fxc/kernels.c "$k" || {
        echo "kernel $k: FAILED"
        bad=1
    }
    n=$((n + 1))
done
echo "$n kernels"
exit $bad
