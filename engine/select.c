/* SPDX-License-Identifier: Apache-2.0 */
/* engine/select.c -- which kernels this build has and this processor runs. */
#include "engine/select.h"
#include "engine/engine.h"
#include <string.h>
#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
/* AVX-VNNI is leaf 7, subleaf 1, EAX bit 4; older compilers do not know its
 * name. The system's part (saving ymm) is as for AVX2. */
#include <cpuid.h>
static int has_avxvnni(void)
{
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") &&
           __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

#if defined(__aarch64__)
static int has_neon(void)
{
    return (getauxval(AT_HWCAP) >> 20 & 1) != 0; /* HWCAP_ASIMDDP */
}
#endif

static int has_c(void)
{
    return 1;
}

static const struct {
    const struct eng_kernels *k;
    int (*has)(void);
} all[] = {
#if defined(__x86_64__)
    {&eng_k_avx512, has_avx512}, {&eng_k_avxvnni, has_avxvnni},
    {&eng_k_avx2, has_avx2},
#endif
#if defined(__aarch64__)
    {&eng_k_neon, has_neon},
#endif
    {&eng_k_c, has_c},
};

enum { COUNT = sizeof all / sizeof *all };

const char *const *eng_isa_list(int *runs)
{
    static const char *name[COUNT + 1];
    for (int i = 0; i < COUNT; i++) {
        name[i] = all[i].k->name;
        if (runs)
            runs[i] = all[i].has();
    }
    return name;
}

const struct eng_kernels *eng_select(const char *name, struct fl_error *err)
{
    int any = !name || strcmp(name, "auto") == 0;
    char list[128] = "";
    for (int i = 0; i < COUNT; i++) {
        int same = !any && strcmp(name, all[i].k->name) == 0;
        if ((any || same) && all[i].has())
            return all[i].k;
        if (same) {
            fl_fail(err, FL_UNSUPPORTED, 0, "this processor lacks %s", name);
            return NULL;
        }
        strcat(strcat(list, i ? ", " : ""), all[i].k->name);
    }
    fl_fail(err, FL_RANGE, 0, "no instruction set is called %s: use one of %s",
            name, list);
    return NULL;
}
