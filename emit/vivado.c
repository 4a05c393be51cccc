/* SPDX-License-Identifier: Apache-2.0 */
/* emit/vivado.c -- what Vivado needs to make an XRT kernel (.xo) out of the
 * SystemVerilog: the register map, a script, a clock. Only Vivado can run it.
 */
#include "emit/parts.h"

void emit_kernel_xml(struct emit_dir *d, const struct emit_kernel *k)
{
    emit_put(d,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<root versionMajor=\"1\" versionMinor=\"6\">\n"
             "  <kernel name=\"%s\" language=\"ip_c\"\n"
             "          vlnv=\"flexllm:kernel:%s:1.0\"\n"
             "          attributes=\"\" preferredWorkGroupSizeMultiple=\"0\"\n"
             "          workGroupSize=\"1\" interrupt=\"true\"\n"
             "          hwControlProtocol=\"ap_ctrl_hs\">\n"
             "    <ports>\n"
             "      <port name=\"s_axi_control\" mode=\"slave\" "
             "range=\"0x1000\" dataWidth=\"32\"\n"
             "            portType=\"addressable\" base=\"0x0\"/>\n"
             "      <port name=\"m_axi_host\" mode=\"master\" "
             "range=\"0xFFFFFFFFFFFFFFFF\" dataWidth=\"32\"\n"
             "            portType=\"addressable\" base=\"0x0\"/>\n",
             k->name, k->name);
    for (int i = 0; i < k->mems; i++)
        emit_put(d,
                 "      <port name=\"m_axi_%s\" mode=\"master\" "
                 "range=\"0xFFFFFFFFFFFFFFFF\" dataWidth=\"%d\"\n"
                 "            portType=\"addressable\" base=\"0x0\"/>\n",
                 k->mem[i].name, k->mem[i].beat);
    emit_put(d, "    </ports>\n    <args>\n");
    for (int i = 0; i < emit_args(k); i++) {
        struct emit_arg a = emit_arg(k, i);
        emit_put(d,
                 "      <arg name=\"%s\" addressQualifier=\"%d\" id=\"%d\" "
                 "port=\"%s%s\"\n"
                 "           size=\"0x%X\" offset=\"0x%03X\" "
                 "hostOffset=\"0x0\" hostSize=\"0x%X\" type=\"%s\"/>\n",
                 a.name, a.pointer, i, a.pointer ? "m_axi_" : "s_axi_", a.port,
                 a.bits / 8, a.at, a.bits / 8,
                 a.pointer      ? "void*"
                 : a.bits == 64 ? "ulong"
                                : "uint");
    }
    emit_put(d, "    </args>\n  </kernel>\n</root>\n");
}

/* The register map of the packaged core: what kernel.xml says, once more. */
void emit_registers_tcl(struct emit_dir *d, const struct emit_kernel *k)
{
    static const char *const control[] = {"CTRL", "GIER", "IP_IER", "IP_ISR"};
    emit_put(d, "# registers.tcl -- sourced by package.tcl\n");
    for (int i = 0; i < 4; i++)
        emit_put(d,
                 "set r [ipx::add_register %s $block]\n"
                 "set_property address_offset 0x%03X $r\n"
                 "set_property size 32 $r\n",
                 control[i], 4 * i);
    for (int i = 0; i < emit_args(k); i++) {
        struct emit_arg a = emit_arg(k, i);
        emit_put(d,
                 "set r [ipx::add_register %s $block]\n"
                 "set_property address_offset 0x%03X $r\n"
                 "set_property size %d $r\n",
                 a.name, a.at, a.bits);
        if (a.pointer)
            emit_put(d,
                     "ipx::add_register_parameter ASSOCIATED_BUSIF $r\n"
                     "set_property value m_axi_%s \\\n"
                     "    [ipx::get_register_parameters ASSOCIATED_BUSIF "
                     "-of_objects $r]\n",
                     a.port);
    }
}

void emit_package_tcl(struct emit_dir *d, const struct emit_design *e)
{
    emit_put(
        d,
        "# package.tcl -- packages a kernel for XRT. From this directory:\n"
        "#\n"
        "#     vivado -mode batch -source vivado/package.tcl \\\n"
        "#            -tclargs prefill|decode PART\n"
        "#\n"
        "# Written for Vivado 2022.1 and later; flexllm's authors have no\n"
        "# Vivado, so it has not been run.\n"
        "lassign $argv stage part\n"
        "if {$part eq \"\"} { set part %s }\n"
        "if {$stage ni {prefill decode}} { error \"prefill or decode?\" }\n"
        "set kernel flexllm_$stage\n"
        "set work build/$stage\n"
        "file delete -force $work\n"
        "create_project $kernel $work/project -part $part\n"
        "add_files -norecurse [concat [glob rtl/*.sv] "
        "[glob $stage/*.sv]]\n"
        "add_files -fileset constrs_1 -norecurse vivado/clock_$stage.xdc\n"
        "set_property used_in {out_of_context} "
        "[get_files clock_$stage.xdc]\n"
        "set_property top $kernel [current_fileset]\n"
        "update_compile_order -fileset sources_1\n"
        "ipx::package_project -root_dir $work/ip -vendor flexllm \\\n"
        "    -library kernel -taxonomy /KernelIP -import_files "
        "-set_current true\n"
        "set core [ipx::current_core]\n"
        "set_property sdx_kernel true $core\n"
        "set_property sdx_kernel_type rtl $core\n"
        "set_property ipi_drc {ignore_freq_hz true} $core\n"
        "set_property supported_families {} $core\n"
        "set_property auto_family_support_level level_2 $core\n"
        "ipx::infer_bus_interface ap_clk "
        "xilinx.com:signal:clock_rtl:1.0 $core\n"
        "ipx::infer_bus_interface ap_rst_n "
        "xilinx.com:signal:reset_rtl:1.0 $core\n"
        "ipx::associate_bus_interfaces -busif s_axi_control -clock ap_clk "
        "$core\n"
        "foreach bus [ipx::get_bus_interfaces -of_objects $core "
        "m_axi_*] {\n"
        "    ipx::associate_bus_interfaces \\\n"
        "        -busif [get_property name $bus] -clock ap_clk $core\n"
        "}\n"
        "# the registers, as kernel.xml has them\n"
        "set map [ipx::add_memory_map s_axi_control $core]\n"
        "set_property slave_memory_map_ref s_axi_control \\\n"
        "    [ipx::get_bus_interfaces s_axi_control -of_objects $core]\n"
        "set block [ipx::add_address_block reg0 $map]\n"
        "set_property range 4096 $block\n"
        "set_property width 32 $block\n"
        "source $stage/registers.tcl\n"
        "ipx::create_xgui_files $core\n"
        "ipx::update_checksums $core\n"
        "ipx::check_integrity -kernel -xrt $core\n"
        "ipx::save_core $core\n"
        "close_project -delete\n"
        "package_xo -force -xo_path build/$kernel.xo "
        "-kernel_name $kernel \\\n"
        "    -ip_directory $work/ip -ctrl_protocol ap_ctrl_hs \\\n"
        "    -kernel_xml $stage/kernel.xml\n",
        emit_platform(e, 1));
}

void emit_xdc(struct emit_dir *d, const struct emit_design *e)
{
    for (int s = 0; s < 2; s++) {
        emit_file(d, s == 0 ? "vivado/clock_prefill.xdc"
                            : "vivado/clock_decode.xdc");
        emit_put(d,
                 "# %.1f MHz, out of context; the platform clocks the kernel "
                 "itself.\n"
                 "create_clock -name ap_clk -period %.3f [get_ports ap_clk]\n"
                 "# Reset is registered inside and held for many cycles.\n"
                 "set_false_path -from [get_ports ap_rst_n]\n",
                 emit_mhz(e, s), 1000 / emit_mhz(e, s));
    }
}
