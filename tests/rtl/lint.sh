#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lint.sh -- every file of rtl/ through verilator --lint-only -Wall, at its
# defaults and in the shapes that build other code.
set -u
bad=0 count=0
lint() {
    count=$((count + 1))
    verilator --lint-only -Wall -y rtl "$@" || {
        echo "lint: $*"
        bad=$((bad + 1))
    }
}
for file in rtl/*.sv; do
    lint "$file"
done
for style in auto distributed srl block ultra; do
    for depth in 1 2 3 5 16; do
        lint "-GSTYLE=\"$style\"" -GDEPTH=$depth -GW=5 rtl/fx_fifo.sv
    done
done
lint "-GLOOK=1'b1" -GDEPTH=1 rtl/fx_fifo.sv
lint -GLAT=2 -GDEPTH=37 rtl/fx_ram.sv
lint -GLAT=2 -GDEPTH=37 rtl/fx_rom.sv
lint -GDATA_W=32 -GMAX_BURST=256 -GLEN_W=10 rtl/fx_axi_split.sv
lint -GDATA_W=128 -GMAX_BURST=1 rtl/fx_axi_split.sv
lint -GARGS=9 rtl/fx_axi_ctrl.sv
echo "$count shapes, $bad with warnings"
[ $count -gt 30 ] && [ $bad -eq 0 ]
