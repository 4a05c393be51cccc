/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/linear_prefill_case.h -- one array (ARRAY_*) and the function
 * ARRAY_NAME(depth, din, dout, groups) that runs two steps on it. */
#define FX_NAME  FX_JOIN(ARRAY_NAME, _lin)
#define FX_TP    ARRAY_TP
#define FX_WP    ARRAY_WP
#define FX_XBITS ARRAY_XBITS
#define FX_WBITS ARRAY_WBITS
#define FX_DIN   MAX_IN
#define FX_BLOCK ARRAY_BLOCK
#define FX_GROUP ARRAY_GROUP
#include "fx/linear_prefill.h"

#if ARRAY_XBITS == 8
#define XE i8
#else
#define XE u4
#endif
#if ARRAY_WBITS == 8
#define WE i8
#else
#define WE i4
#endif

static void ARRAY_NAME(unsigned depth, int din, int dout, int groups)
{
    enum { TP = ARRAY_TP, WP = ARRAY_WP, GROUP = ARRAY_GROUP, STEPS = 2 };
    golden(ARRAY_WBITS, GROUP, din, dout, TP * groups);
    h_begin(FX_STR(ARRAY_NAME), depth);
    H_INPUT(u32, 3, step);
    H_INPUT(XE, TP, x);
    H_INPUT(WE, WP, w);
    H_INPUT(u8, 1, mul);
    H_OUTPUT(i40, TP, y);
    for (int s = 0; s < STEPS; s++) {
        FX_BEAT(u32, 3) dims = FX_ZERO;
        FX_SET(u32, dims, 0, din);
        FX_SET(u32, dims, 1, dout);
        FX_SET(u32, dims, 2, groups);
        H_PUT(step, dims);
        for (int g = 0; g < groups; g++)
            for (int i = 0; i < din; i++) {
                FX_BEAT(XE, TP) c = FX_ZERO;
                for (int t = 0; t < TP; t++)
                    FX_SET(XE, c, t, codes[g * TP + t][i]);
                H_PUT(x, c);
            }
        for (int o = 0; o < dout; o += WP) {
            for (int i = 0; i < din; i++) {
                FX_BEAT(WE, WP) c = FX_ZERO;
                for (int k = 0; k < WP && o + k < dout; k++)
                    FX_SET(WE, c, k, weights[o + k][i]);
                H_PUT(w, c);
            }
            for (int g = 0; g < (GROUP ? din / (GROUP + !GROUP) : 0); g++)
                for (int k = 0; k < WP; k++) {
                    FX_BEAT(u8, 1) c = FX_ZERO;
                    FX_SET(u8, c, 0, o + k < dout ? mults[o + k][g] : 0);
                    H_PUT(mul, c);
                }
        }
    }
    struct FX_JOIN(ARRAY_NAME, _lin_ports) p = {.step = FX_FROM(step),
                                                .x = FX_FROM(x),
                                                .w = FX_FROM(w),
                                                .y = FX_TO(y),
#if ARRAY_GROUP
                                                .mul = FX_FROM(mul),
#endif
                                                .steps = STEPS};
    fx_spawn(FX_STR(FX_JOIN(ARRAY_NAME, _lin)), -1, FX_JOIN(ARRAY_NAME, _lin_task), &p,
             sizeof p);
    uint64_t each = FX_JOIN(ARRAY_NAME, _lin_step_cycles)(din, dout, groups);
    h_run(each == FX_UNKNOWN
              ? each
              : STEPS * each + FX_JOIN(ARRAY_NAME, _lin_call_cycles)());
    for (int s = 0; s < STEPS; s++)
        for (int o = 0; o < dout; o += WP)
            for (int g = 0; g < groups; g++)
                for (int k = 0; k < WP && o + k < dout; k++) {
                    FX_BEAT(i40, TP) b = H_TAKE(y);
                    for (int t = 0; t < TP; t++)
                        CHECK_EQ(FX_GET(i40, b, t), want[g * TP + t][o + k]);
                }
    h_end();
}
#undef XE
#undef WE
#undef ARRAY_NAME
#undef ARRAY_TP
#undef ARRAY_WP
#undef ARRAY_XBITS
#undef ARRAY_WBITS
#undef ARRAY_BLOCK
#undef ARRAY_GROUP
