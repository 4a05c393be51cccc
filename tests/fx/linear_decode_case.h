/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/linear_decode_case.h -- one array (ARRAY_*) and the function
 * ARRAY_NAME(depth, din, dout) that runs two steps on it. */
#define FX_NAME  FX_JOIN(ARRAY_NAME, _lin)
#define FX_BP    ARRAY_BP
#define FX_WP    ARRAY_WP
#define FX_XBITS ARRAY_XBITS
#define FX_WBITS ARRAY_WBITS
#define FX_DIN   MAX_IN
#define FX_GROUP ARRAY_GROUP
#include "fx/linear_decode.h"

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

static void ARRAY_NAME(unsigned depth, int din, int dout)
{
    enum { BP = ARRAY_BP, WP = ARRAY_WP, GROUP = ARRAY_GROUP, STEPS = 2 };
    golden(ARRAY_WBITS, GROUP, din, dout, STEPS);
    h_begin(FX_STR(ARRAY_NAME), depth);
    H_INPUT(u32, 3, step);
    H_INPUT(XE, BP, x);
    H_INPUT(WE, BP * WP, w);
    H_INPUT(u8, BP, mul);
    H_OUTPUT(i40, BP, y);
    for (int s = 0; s < STEPS; s++) {
        FX_BEAT(u32, 3) dims = FX_ZERO;
        FX_SET(u32, dims, 0, din);
        FX_SET(u32, dims, 1, dout);
        H_PUT(step, dims);
        for (int i = 0; i < din; i += BP) {
            FX_BEAT(XE, BP) c = FX_ZERO;
            for (int k = 0; k < BP; k++)
                FX_SET(XE, c, k, codes[s][i + k]);
            H_PUT(x, c);
        }
        for (int o = 0; o < dout; o += WP) {
            for (int i = 0; i < din; i += BP) {
                FX_BEAT(WE, BP * WP) c = FX_ZERO;
                for (int k = 0; k < WP && o + k < dout; k++)
                    for (int b = 0; b < BP; b++)
                        FX_SET(WE, c, k * BP + b, weights[o + k][i + b]);
                H_PUT(w, c);
            }
            for (int g = 0; g < (GROUP ? din / (GROUP + !GROUP) : 0); g++)
                for (int k = 0; k < WP; k += BP) {
                    FX_BEAT(u8, BP) c = FX_ZERO;
                    for (int b = 0; b < BP && o + k + b < dout; b++)
                        FX_SET(u8, c, b, mults[o + k + b][g]);
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
    uint64_t each = FX_JOIN(ARRAY_NAME, _lin_step_cycles)(din, dout);
    h_run(each == FX_UNKNOWN
              ? each
              : STEPS * each + FX_JOIN(ARRAY_NAME, _lin_call_cycles)());
    for (int s = 0; s < STEPS; s++)
        for (int o = 0; o < dout; o += BP) {
            FX_BEAT(i40, BP) b = H_TAKE(y);
            for (int k = 0; k < BP; k++)
                CHECK_EQ(FX_GET(i40, b, k), want[s][o + k]);
        }
    h_end();
}
#undef XE
#undef WE
#undef ARRAY_NAME
#undef ARRAY_BP
#undef ARRAY_WP
#undef ARRAY_XBITS
#undef ARRAY_WBITS
#undef ARRAY_GROUP
