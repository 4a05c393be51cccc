# SPDX-License-Identifier: Apache-2.0
# tests/fxc/random.awk -- a random kernel, to be compiled both ways.
#
#     awk -v seed=1 -f tests/fxc/random.awk > random.c
#
# Statements on values of many widths, signed and not; sums and products wrap
# in unsigned types, so that no result is undefined. Every third value is
# written out; some go round the loop, through an array or under an if.
function pick(n) {
    return int(rand() * n)
}
function type(k) {
    return TYPE[k]
}
function unsig(k) {
    return UNSIG[k]
}
function var() {
    return "v" pick(count)
}
function const_(  r) {
    r = pick(6)
    return r == 0 ? 0 : r == 1 ? 1 : r == 2 ? pick(16) : r == 3 ? -pick(300) : \
        r == 4 ? pick(65536) : pick(2147483647)
}
# An expression of type k from the values so far.
function expr(k,  t, u, w, r, a, b) {
    t = type(k)
    u = unsig(k)
    w = WIDTH[k]
    r = pick(15)
    a = "(" u ")(" var() ")"
    b = pick(4) ? "(" u ")(" var() ")" : "(" u ")(" const_() ")"
    if (r < 2) return "(" t ")(" u ")(" a " + " b ")"
    if (r < 4) return "(" t ")(" u ")(" a " - " b ")"
    if (r < 6) return "(" t ")(" u ")((uint64_t)" a " * (uint64_t)" b ")"
    if (r == 6) return "(" t ")(" a " & " b ")"
    if (r == 7) return "(" t ")(" a " | " b ")"
    if (r == 8) return "(" t ")(" a " ^ " b ")"
    if (r == 9) return "(" t ")(" u ")((uint64_t)" a " << ((uint32_t)(" var() \
        ") % " w "u))"
    if (r == 10) return "(" t ")((" t ")(" var() ") >> ((uint32_t)(" var() \
        ") % " w "u))"
    if (r == 11) return "(" t ")((int64_t)(" t ")(" var() ") / " \
        (1 + pick(40)) ")"
    if (r == 12) return "(" t ")((uint64_t)" a " % " (1 + pick(70)) "u)"
    if (r == 13) return "((" t ")(" var() ") < (" t ")(" var() ") ? (" t ")(" \
        var() ") : (" t ")(" var() "))"
    return "(" t ")((" var() " == " var() ") + (int32_t)((" u ")(" var() \
        ") <= " b ") + __builtin_clzll((uint64_t)" a " | 1))"
}
BEGIN {
    srand(seed)
    n = split("uint32_t int32_t uint64_t int64_t FX_INT(13) FX_UINT(7) " \
              "FX_INT(45) int16_t uint8_t FX_UINT(33) FX_INT(4)", list, " ")
    split("uint32_t uint32_t uint64_t uint64_t FX_UINT(13) FX_UINT(7) " \
          "FX_UINT(45) uint16_t uint8_t FX_UINT(33) FX_UINT(4)", ulist, " ")
    split("32 32 64 64 13 7 45 16 8 33 4", wlist, " ")
    for (k = 0; k < n; k++) {
        TYPE[k] = list[k + 1]
        UNSIG[k] = ulist[k + 1]
        WIDTH[k] = wlist[k + 1]
    }
    statements = 60
    puts = int(statements / 3)
    print "/* random kernel, seed " seed " */"
    print "#include \"tests/fx/harness.h\""
    print "struct kernel_ports { FX_IN(u32, 1) x; FX_OUT(u32, 1) y; int rows; };"
    print "FX_MODULE void kernel(const struct kernel_ports *p)\n{"
    for (k = 0; k < 4; k++) {
        c[k] = pick(n)
        print "    " TYPE[c[k]] " c" k " = (" TYPE[c[k]] ")" pick(100) ";"
    }
    m = pick(n)
    print "    " TYPE[m] " m[64];"
    print "    for (int i = 0; i < 64; i++) { FX_PIPELINE(fill, 1); " \
        "m[i] = (" TYPE[m] ")(i * 77 - 1000); }"
    print "    for (int i = 0; i < p->rows; i++) {"
    print "        FX_PIPELINE(work, " puts ");"
    print "        uint32_t v0 = (uint32_t)FX_READ(p->x);"
    print "        int32_t v1 = (int32_t)v0 >> 7;"
    for (k = 0; k < 4; k++)
        print "        " TYPE[c[k]] " v" k + 2 " = c" k ";"
    print "        " TYPE[m] " v6 = m[v0 & 63];"
    count = 7
    for (s = 0; s < statements; s++) {
        k = pick(n)
        if (pick(8) == 0)
            print "        " TYPE[k] " v" count " = (" TYPE[k] ")(" var() \
                ");\n        if ((uint32_t)(" var() ") & 1)\n            v" \
                count " = " expr(k) ";"
        else
            print "        " TYPE[k] " v" count " = " expr(k) ";"
        if (s % 3 == 2)
            print "        FX_WRITE(p->y, (FX_BEAT(u32, 1))(uint32_t)" \
                "((uint64_t)v" count " ^ (uint64_t)v" count " >> 32));"
        count++
    }
    for (k = 0; k < 4; k++)
        print "        c" k " = (" TYPE[c[k]] ")(" var() ");"
    print "        m[(uint32_t)(" var() ") & 63] = (" TYPE[m] ")(" var() ");"
    print "    }\n}\nFX_ENTRY(kernel)"
    print "int main(int argc, char **argv)\n{\n    h_args(argc, argv);"
    print "    static const int trips[] = {0, 1, 2, 60};"
    print "    for (int t = 0; t < 4; t++) {"
    print "        h_begin(\"kernel\", 4);"
    print "        H_INPUT(u32, 1, x);\n        H_OUTPUT(u32, 1, y);"
    print "        for (int k = 0; k < trips[t]; k++)"
    print "            H_PUT(x, (FX_BEAT(u32, 1))(uint32_t)(h_rand(0, 3) ? " \
        "h_rand(0, 0xFFFFFFFF) : h_rand(-5, 5)));"
    print "        struct kernel_ports ports = {.x = FX_FROM(x), " \
        ".y = FX_TO(y), .rows = trips[t]};"
    print "        fx_spawn(\"kernel\", -1, kernel_task, &ports, sizeof ports);"
    print "        CHECK(sim_run(h_sim));"
    print "        while (H_HAVE(y))\n            (void)H_TAKE(y);"
    print "        h_end();\n    }\n    return h_done(\"kernel\");\n}"
}
