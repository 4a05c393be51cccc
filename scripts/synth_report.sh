#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# synth_report.sh -- what every module costs: fxc, then Yosys, then a table.
#
#     usage: scripts/synth_report.sh [-b BUILD] [-s SECONDS] [-j N] [-t FAMILY]
#                                    [-n] [MODULE]...
#
# For every line of scripts/synth_modules.txt (of the MODULEs named): fxc for
# xcup at 4 ns, Yosys as xcup (DSP, BRAM, URAM, and upper bounds for LUT and
# FF, as Yosys packs no DSP48E2 registers) and as xc7 (the proxy for LUT and FF
# once registers are packed; with FX_FIELD 20, as a DSP48E1 takes 25 bits); fxc
# for ecp5 at 10 ns, Yosys as ecp5. Writes docs/synthesis.md and
# docs/synthesis.json; nothing in them is typed.
#
# Results are kept in BUILD/synth under a hash of the SystemVerilog, so that a
# second run only does what is new; -t does one of xcup, xc7, ecp5 and takes the
# others if they are kept; -n only does lines that have no row yet. After
# SECONDS no new run begins; the table says how many lines of the list it lacks.
# Yosys is stopped after an hour.
set -u
build=build/release seconds=1000000 jobs=2 chosen= fresh=
while getopts b:s:j:t:n option; do
    case $option in
    b) build=$OPTARG ;;
    s) seconds=$OPTARG ;;
    j) jobs=$OPTARG ;;
    t) chosen=$OPTARG ;;
    n) fresh=yes ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
only="$*"
fxc=$build/fxc
work=$build/synth
mkdir -p "$work" || exit 2
[ -x "$fxc" ] || {
    echo "synth_report: $fxc is missing (build it first)" >&2
    exit 2
}
command -v yosys > /dev/null || {
    echo "synth_report: yosys is not installed" >&2
    exit 2
}

# One row and tool: hash of its SystemVerilog -> counts of cells.
cells() { # SV FAMILY
    local sv=$1 family=$2 key file
    key=$( (cat "$sv" rtl/*.sv; echo "$family") | sha256sum | cut -c1-24)
    file=$work/cells.$key
    if [ ! -s "$file" ]; then
        [ $SECONDS -lt "$seconds" ] || return 1
        [ -z "$chosen" ] || [ "$chosen" = "$family" ] || return 1
        local synth="synth_xilinx -family $family -flatten -noiopad"
        [ "$family" = xcup ] && synth="$synth -uram"
        [ "$family" = ecp5 ] && synth="synth_ecp5"
        timeout 3600 yosys -Q -q -p "read_verilog -sv $sv \
            rtl/fx_fifo.sv; $synth -top top; tee -q -o $file.$$ stat" \
            > "$file.log" 2>&1 || {
            echo "synth_report: yosys failed on $sv, see $file.log" >&2
            return 1
        }
        mv "$file.$$" "$file"
    fi
    awk '
        $1 ~ /^(LUT[1-6]|LUT4|INV|SRL.*)$/ { lut += $2 }
        $1 ~ /^(FD[RSCP]E|TRELLIS_FF)$/ { ff += $2 }
        $1 ~ /^(CARRY4|CARRY8|CCU2C)$/ { carry += $2 }
        $1 ~ /^(DSP48E[12]|MULT18X18D)$/ { dsp += $2 }
        $1 ~ /^(RAMB18E[12]|DP16KD)$/ { bram += $2 }
        $1 ~ /^RAMB36E[12]$/ { bram += 2 * $2 }
        $1 == "URAM288" { uram += $2 }
        $1 ~ /^(RAM[0-9].*|TRELLIS_DPR16X4)$/ { lutram += $2 }
        END {
            printf "%d %d %d %d %d %d %d\n", lut, ff, carry, dsp, bram, uram,
                lutram
        }' "$file"
}

# One line of the list, into BUILD/synth/rows/NUMBER.
row() { # NUMBER MODULE PARAMETER...
    local number=$1 module=$2 dir=$work/$1
    shift 2
    mkdir -p "$dir"
    {
        echo '#include "fx/fx.h"'
        echo '#define FX_NAME top'
        for p in "$@"; do
            echo "#define FX_${p%%=*} ${p#*=}"
        done
        echo "#include \"fx/$module.h\""
    } > "$dir/top.c"
    local out=$work/rows/$number refused=
    local xcup=- xc7=- ecp5=- shape="- - -" t0 t1 ms=-
    t0=$(date +%s%N)
    if timeout 300 "$fxc" "$dir/top.c" --top top -o "$dir/xcup.sv" --period \
        4.0 --target xcup --report "$dir/xcup.json" -I . 2> "$dir/log"; then
        t1=$(date +%s%N)
        ms=$(((t1 - t0) / 1000000))
        # interval and depth of the pipelined loops, bits of pipe registers
        shape=$(awk '{
            while (match($0, /"ii": [0-9]+, "depth": [0-9]+/)) {
                split(substr($0, RSTART, RLENGTH), a, /[ ,]+/)
                if (a[2] > ii) ii = a[2]
                if (a[4] > depth) depth = a[4]
                $0 = substr($0, RSTART + RLENGTH)
            }
            if (match($0, /"pipe_bits": [0-9]+/))
                bits += substr($0, RSTART + 13, RLENGTH - 13)
        } END { print ii + 0, depth + 0, bits + 0 }' "$dir/xcup.json")
        xcup=$(cells "$dir/xcup.sv" xcup) || xcup=-
        "$fxc" "$dir/top.c" --top top -o "$dir/xc7.sv" --period 4.0 --target \
            xcup -D FX_FIELD=20 -I . 2> "$dir/log7" &&
            xc7=$(cells "$dir/xc7.sv" xc7) || xc7=-
    else
        refused=$(grep -m1 -o 'error: .*' "$dir/log" | tr -d '|' | cut -c8-80)
    fi
    if timeout 300 "$fxc" "$dir/top.c" --top top -o "$dir/ecp5.sv" --period \
        10.0 --target ecp5 -I . 2> "$dir/log5"; then
        ecp5=$(cells "$dir/ecp5.sv" ecp5) || ecp5=-
    fi
    echo "$module|$*|$shape|$xcup|$xc7|$ecp5|$ms|$refused" > "$out.$$"
    mv "$out.$$" "$out"
}

mkdir -p "$work/rows"
# The first parallelism of every module before the second, and so on, so that
# an early end still shows every module.
for pass in 1 2 0; do
    number=1000
    while read -r module parameters; do
        case $module in '#'* | '') continue ;; esac
        number=$((number + 1))
        [ $((number % 3)) -eq $(((1000 + pass) % 3)) ] || continue
        if [ -n "$only" ] && ! echo " $only " | grep -q " $module "; then
            continue
        fi
        [ -n "$fresh" ] && [ -f "$work/rows/$number" ] && continue
        [ $SECONDS -lt "$seconds" ] || continue
        # shellcheck disable=SC2086
        row $number "$module" $parameters &
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
            wait -n
        done
    done < scripts/synth_modules.txt
done
wait

# The table and the JSON, from the rows that exist.
tools="$(yosys -V | cut -d' ' -f1,2) and fxc"
for row in "$work"/rows/1*; do cat "$row"; done | awk -F'|' -v tools="$tools" \
    -v lines="$(grep -c '^[a-z]' scripts/synth_modules.txt)" '
    function cell(list, k,   a) {
        split(list, a, " ")
        return list == "-" ? "–" : a[k] + 0
    }
    function number(list, k,   a) {
        split(list, a, " ")
        return list == "-" ? "null" : a[k] + 0
    }
    BEGIN {
        md = "docs/synthesis.md"; json = "docs/synthesis.json"
        print "# What the modules cost\n" > md
        print "Generated by `scripts/synth_report.sh` from the list in" > md
        print "`scripts/synth_modules.txt` with " tools ". Do not edit.\n" > md
        print "Inferred by synthesis, not placed, not on a board. *xcup*:" > md
        print "UltraScale+; DSP, BRAM (RAMB18, a RAMB36 counts two) and URAM" > md
        print "count; LUT and FF are upper bounds, because Yosys packs no" > md
        print "registers into a DSP48E2. *xc7*: the same C (with FX_FIELD 20," \
            > md
        print "fx/mac.h) as 7-series, where it does pack them: the proxy for" \
            > md
        print "LUT and FF." > md
        print "LUT is the sum of LUT cells without pairing. *ecp5*: LUT4, FF," > md
        print "MULT18 and DP16. II and depth: the largest of the pipelined" > md
        print "loops. pipe: bits of pipeline registers. fxc runs for xcup at" > md
        print "4 ns and ecp5 at 10 ns. Cycles are in each header as formula" > md
        print "and function (`NAME_cycles`). A dash: not run, or refused. A" > md
        print "row stays until its line is run again, so it may be of an" > md
        print "earlier fxc or module.\n" > md
        print "| module | parameters | II | depth | pipe | xcup DSP | BRAM |" \
            " URAM | LUT | FF | xc7 LUT | FF | ecp5 LUT | FF | MULT | DP16 |" \
            > md
        print "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|" \
            "---|" > md
        printf "[" > json
    }
    {
        printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s" \
            " | %s | %s | %s | %s |\n", $1, $2, cell($3, 1), cell($3, 2),
            cell($3, 3), cell($4, 4), cell($4, 5), cell($4, 6), cell($4, 1),
            cell($4, 2), cell($5, 1), cell($5, 2), cell($6, 1), cell($6, 2),
            cell($6, 4), cell($6, 5) > md
        if ($8 != "")
            refused = refused "\n- " $1 " " $2 ": " $8
        printf "%s\n {\"module\": \"%s\", \"parameters\": \"%s\", \"ii\": %s," \
            " \"depth\": %s, \"pipe_bits\": %s", (NR > 1 ? "," : ""), $1, $2,
            number($3, 1), number($3, 2), number($3, 3) > json
        n = split("xcup xc7 ecp5", target, " ")
        for (k = 1; k <= n; k++)
            printf ",\n  \"%s\": {\"lut\": %s, \"ff\": %s, \"carry\": %s," \
                " \"dsp\": %s, \"bram18\": %s, \"uram\": %s, \"lutram\": %s}",
                target[k], number($(3 + k), 1), number($(3 + k), 2),
                number($(3 + k), 3), number($(3 + k), 4), number($(3 + k), 5),
                number($(3 + k), 6), number($(3 + k), 7) > json
        printf "}" > json
    }
    END {
        print "\n]" > json
        if (NR < lines)
            printf "\n%d of %d lines of the list are not here: run the" \
                " script again.\n", lines - NR, lines > md
        if (refused)
            print "\nRefused by fxc:\n" refused > md
    }'
grep -c '^| [a-z_]* | [A-Z]' docs/synthesis.md | sed 's/$/ rows in docs\/synthesis.md/'
