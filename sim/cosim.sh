#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sim/cosim.sh -- one module or design: is its hardware its C?
#
#     usage: sim/cosim.sh [option]... FILE.c TOP
#
#   FILE.c   a program that includes the top and runs it natively, with a
#            main() that gives it legal input (a test of tests/fx does)
#   TOP      the function, as in fxc --top
#   -b DIR   build directory of the project, for fxc and libraries (build/release)
#   -o DIR   where to work (DIR/cosim under -b)
#   -p LIST  scheduler periods in ns ("4.0 2.5")
#   -t NAME  target whose delays the scheduler uses (xcup)
#   -w FILE  hardware source, if it is not FILE.c
#   -l LIST  further libraries the program needs: the project's ("golden"), or
#            others ("-lcjson")
#   -s N     seeds (3)      -r V/R,...  rate pairs (seven)      -D MACRO
#   -k DIR   keep results there by what they depend on, and take them from there
#   -m SED   edit the generated SystemVerilog first, to see the result go red;
#            takes SystemVerilog and tape from the last run without -m
#
# Per period: fxc makes the SystemVerilog, Verilator the model. Once: the
# program runs natively, as fast as hardware of the first period, and its
# streams at the top's ports are taped (sim/cosim_record.c). Then every case of the tape goes through every model at
# every rate pair with every seed (sim/cosim_main.cpp). Prints one JSON line a
# period. Exit status: 0 equal everywhere, 1 not, 2 something is missing.
set -u
fail() {
    echo "cosim: $*" >&2
    exit 2
}
build=build/release out= periods="4.0 2.5" target=xcup hw= libs= seeds=3
rates=100/100,100/50,50/100,60/60,30/90,90/20,50/5 defs= mutate= keep=
while getopts b:o:p:t:w:l:s:r:D:m:k: option; do
    case $option in
    b) build=$OPTARG ;;
    o) out=$OPTARG ;;
    p) periods=$OPTARG ;;
    t) target=$OPTARG ;;
    w) hw=$OPTARG ;;
    l) libs=$OPTARG ;;
    s) seeds=$OPTARG ;;
    r) rates=$OPTARG ;;
    D) defs="$defs -D$OPTARG" ;;
    m) mutate=$OPTARG ;;
    k) keep=$OPTARG ;;
    *) fail "see the head of $0 for its options" ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 2 ] || fail "wants FILE.c and TOP; see the head of $0"
file=$1 top=$2 root=$(pwd)
: "${hw:=$file}" "${out:=$build/cosim}"
fxc=$build/fxc
for tool in "$fxc" "$build/sim/libsim.a" "$build/base/libbase.a" "$file" \
    "$hw"; do
    [ -f "$tool" ] || fail "$tool is missing (build it first)"
done
command -v verilator > /dev/null || fail "verilator is not installed"
dir=$out/$(basename "$file" .c).$top
mkdir -p "$dir" && dir=$(cd "$dir" && pwd) || fail "cannot write $dir"

# The ports in the order of the ports struct, as a macro: from fxc's report
# (args) and the module's header (directions and widths).
ports_of() { # SV JSON
    awk -v top="$top" '
        FNR == NR {
            if (!args && match($0, /"args": *\[[^]]*\]/)) {
                args = substr($0, RSTART, RLENGTH)
                gsub(/"args": *\[|[]" ]/, "", args)
            }
            next
        }
        $1 == "module" && $2 == top { inside = 1 }
        inside && match($0, /\[[0-9]+:0\] *[A-Za-z_0-9]+/) {
            split(substr($0, RSTART + 1, RLENGTH - 1), part, /:0\] */)
            bits[part[2]] = part[1] + 1
            input[part[2]] = $1 == "input"
        }
        inside && /\);/ { inside = 0 }
        function stream(member, name) {
            printf "\\\n    %s(%s, %s, %d)", input[name "_data"] ? "IN" : "OUT",
                member, name, bits[name "_data"]
        }
        END {
            printf "#define COSIM_PORTS(IN, OUT, SCALAR) "
            n = split(args, arg, ",")
            for (k = 1; k <= n; k++) {
                a = arg[k]
                if (a "_data" in bits) {
                    member = a # x_0, x_1 ... are x[0], x[1] ...
                    if (match(a, /_[0-9]+$/))
                        member = substr(a, 1, RSTART - 1) "[" \
                            substr(a, RSTART + 1) "]"
                    stream(member, a)
                }
                else if (a in bits)
                    printf "\\\n    SCALAR(%s, %s, %d)", a, a, bits[a]
                else
                    printf "\\\n    NO_SUCH_PORT(%s)", a
            }
            print ""
        }' "$2" "$1"
}

status=0 taped=
for period in $periods; do
    name=$top.$period
    sv=$dir/$period.sv
    # shellcheck disable=SC2086
    [ -n "$mutate" ] && [ -f "$sv" ] || "$fxc" "$hw" --top "$top" -o "$sv" --period "$period" --target "$target" \
        --report "$dir/$period.json" --timing "$dir/$period.timing" -I tests/rtl/view -I . $defs \
        2> "$dir/fxc.log" || {
        sed -n 1,12p "$dir/fxc.log" >&2
        fail "fxc refuses $hw --top $top"
    }
    ports_of "$sv" "$dir/$period.json" > "$dir/cosim_ports.h"
    obj=$dir/$period.obj
    if [ -n "$mutate" ]; then
        taped=$([ -s "$dir/tape" ] && echo yes)
        obj=$dir/mutant.obj
        mkdir -p "$obj"
        sed "$mutate" "$sv" > "$obj/mutant.sv"
        cmp -s "$sv" "$obj/mutant.sv" && fail "the mutation changes nothing"
        sv=$obj/mutant.sv
    fi

    if [ -z "$taped" ]; then
        lib_files=
        for l in $libs; do
            case $l in
            -l*) lib_files="$lib_files $l" ;;
            *) lib_files="$lib_files $build/$l/lib$l.a" ;;
            esac
        done
        # shellcheck disable=SC2086
        clang-19 -std=c23 -O1 -w -I . -include "$dir/cosim_ports.h" \
            -DFX_VIEW_TIMED "-DCOSIM_SOURCE=\"$file\"" "-DCOSIM_TOP=$top" \
            $defs sim/cosim_record.c -o "$dir/native" $lib_files \
            "$build/sim/libsim.a" "$build/base/libbase.a" \
            -Wl,--wrap=fx_spawn,--wrap=fx_clock_read,--wrap=sim_free \
            -Wl,--wrap=sim_enter -l:libboost_context.a -lm \
            2> "$dir/native.log" || {
            sed -n 1,12p "$dir/native.log" >&2
            fail "the native program does not compile"
        }
        rm -f "$dir/tape"
        COSIM_TAPE=$dir/tape COSIM_TIMING=$dir/$period.timing "$dir/native" > "$dir/native.log" 2>&1
        native=$?
        grep '^cosim:' "$dir/native.log" >&2
        [ -s "$dir/tape" ] || fail "the native program made no tape"
        [ $native -eq 0 ] || {
            tail -3 "$dir/native.log" >&2
            fail "the native program failed (status $native)"
        }
        taped=yes
    fi

    kept=
    if [ -n "$keep" ]; then
        kept=$keep/$( (sed "s| *// .*||" "$sv"; cat "$dir/tape" rtl/*.sv \
            "$dir/cosim_ports.h" sim/cosim_main.cpp sim/cosim_tape.h; echo "$seeds $rates") |
            sha256sum | cut -c1-32)
        if [ -s "$kept" ]; then
            cat "$kept"
            continue
        fi
    fi
    mkdir -p "$obj"
    verilator --cc --exe -O3 --prefix Vcosim --top-module "$top" --assert \
        --Mdir "$obj" -y rtl -Wno-fatal -Wno-WIDTHCONCAT \
        -CFLAGS "-O1 -w -I$root -I$dir -std=c++17" "$sv" \
        "$root/sim/cosim_main.cpp" > "$dir/verilator.log" 2>&1 || {
        grep -A3 '^%Error' "$dir/verilator.log" | sed -n 1,12p >&2
        fail "Verilator refuses $sv"
    }
    [ -d "$out/runtime" ] && cp "$out"/runtime/*.o "$obj/"
    make -s -C "$obj" -f Vcosim.mk OPT_SLOW=-O0 OPT_FAST=-O1 \
        > "$dir/make.log" 2>&1 || {
        tail -12 "$dir/make.log" >&2
        fail "the model of $top does not compile"
    }
    [ -d "$out/runtime" ] || {
        mkdir "$out/runtime.$$" &&
            cp "$obj"/verilated*.o "$out/runtime.$$/"
        mv -T "$out/runtime.$$" "$out/runtime" 2> /dev/null ||
            rm -r "$out/runtime.$$" # another build was first
    }
    # The timed run has the cycles of the first period.
    compare=
    [ -z "$mutate" ] && [ "$period" = "${periods%% *}" ] && compare="-c 0"
    # shellcheck disable=SC2086
    if "$obj/Vcosim" "$dir/tape" -n "$name" -s "$seeds" -r "$rates" $compare \
        > "$dir/result"; then
        [ -z "$kept" ] || cp "$dir/result" "$kept"
    else
        status=1
    fi
    cat "$dir/result"
done
exit $status
