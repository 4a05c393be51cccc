#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh FUZZER SEEDS -- fuzzes for FL_FUZZ_SECONDS seconds (30), from first
# inputs that SEEDS writes, in the order that FL_FUZZ_SEED (1) gives; another
# seed or more time explores further. An input that fails is kept beside the
# fuzzer.
set -eu
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm # files are faster there
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/seeds" "$dir/found"
"$2" "$dir/seeds"
[ -n "$(ls "$dir/seeds")" ] || { echo "run.sh: $2 wrote nothing" >&2; exit 1; }
"$1" -max_total_time="${FL_FUZZ_SECONDS:-30}" -seed="${FL_FUZZ_SEED:-1}" \
    -max_len=65536 -timeout=20 \
    -rss_limit_mb=2048 -print_final_stats=1 -verbosity=1 \
    -artifact_prefix="$1." "$dir/found" "$dir/seeds" >"$dir/log" 2>&1 ||
    { tail -n 60 "$dir/log"; exit 1; }
grep -E 'stat::number_of_executed_units|DONE' "$dir/log"
