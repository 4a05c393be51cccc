/* SPDX-License-Identifier: Apache-2.0 */
/* ops.h -- every operation of the netlist, once.
 *
 *     OP(name, operands, class, text)
 *
 * operands  -1: any number
 * class     how the scheduler prices it and the printer writes it:
 *           Cfree no hardware, Cwire only wires, Clogic one gate a bit,
 *           Cadd a carry chain, Ccmp a carry chain with one result bit,
 *           Cmux a multiplexer, Cshift a barrel shifter, Cmul a multiplier,
 *           Cphi a register of a loop, Cmem a memory port, Cport a stream
 * text      the operator in SystemVerilog, where it is an infix operator
 */
OP(const, 0, Cfree, "")
OP(arg, 0, Cfree, "")
OP(phi, -1, Cphi, "")
OP(slice, 1, Cwire, "")
OP(cat, -1, Cwire, "")
OP(zext, 1, Cwire, "")
OP(sext, 1, Cwire, "")
OP(and, 2, Clogic, "&")
OP(or, 2, Clogic, "|")
OP(xor, 2, Clogic, "^")
OP(add, 2, Cadd, "+")
OP(sub, 2, Cadd, "-")
OP(mul, 2, Cmul, "*")
OP(shl, 2, Cshift, "<<")
OP(lshr, 2, Cshift, ">>")
OP(ashr, 2, Cshift, ">>>")
OP(eq, 2, Ccmp, "==")
OP(ne, 2, Ccmp, "!=")
OP(ult, 2, Ccmp, "<")
OP(ule, 2, Ccmp, "<=")
OP(slt, 2, Ccmp, "<")
OP(sle, 2, Ccmp, "<=")
OP(select, 3, Cmux, "?")
OP(udiv, 2, Cfree, "/")
OP(urem, 2, Cfree, "%")
OP(sdiv, 2, Cfree, "/")
OP(srem, 2, Cfree, "%")
OP(clz, 1, Cfree, "")
OP(load, 1, Cmem, "")
OP(store, 2, Cmem, "")
OP(pop, 0, Cport, "")
OP(push, 1, Cport, "")
