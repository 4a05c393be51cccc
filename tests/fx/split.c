/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/split.c -- runs of beats go where their routes say; a way past the
 * last swallows them. */
#include "tests/fx/harness.h"

#define FX_NAME deal
#define FX_ELEM i8
#define FX_N    3
#define FX_WAYS 2
#include "fx/split.h"

enum { ROUTES = 9, MOST = 4 };

static void run(unsigned depth)
{
    int way[ROUTES], beats[ROUTES], v[ROUTES * MOST], n = 0;
    h_begin("deal", depth);
    H_INPUT(u32, 2, route);
    H_INPUT(i8, 3, x);
    H_OUTPUT(i8, 3, a);
    H_OUTPUT(i8, 3, b);
    for (int r = 0; r < ROUTES; r++) {
        FX_BEAT(u32, 2) w = FX_ZERO;
        way[r] = (int)h_rand(0, 2);
        beats[r] = r == 4 ? 0 : (int)h_rand(1, MOST);
        FX_SET(u32, w, 0, way[r]);
        FX_SET(u32, w, 1, beats[r]);
        H_PUT(route, w);
        for (int k = 0; k < beats[r]; k++, n++) {
            FX_BEAT(i8, 3) c = FX_ZERO;
            v[n] = (int)h_rand(-128, 127);
            for (int l = 0; l < 3; l++)
                FX_SET(i8, c, l, v[n] + l);
            H_PUT(x, c);
        }
    }
    struct deal_ports p = {.route = FX_FROM(route),
                           .x = FX_FROM(x),
                           .y = {FX_TO(a), FX_TO(b)},
                           .routes = ROUTES};
    fx_spawn("deal", -1, deal_task, &p, sizeof p);
    h_run(deal_run_cycles(ROUTES, beats));
    n = 0;
    for (int r = 0; r < ROUTES; r++)
        for (int k = 0; k < beats[r]; k++, n++) {
            if (way[r] == 2)
                continue;
            FX_BEAT(i8, 3) c = FX_ZERO;
            if (way[r] == 0)
                c = H_TAKE(a);
            else
                c = H_TAKE(b);
            for (int l = 0; l < 3; l++)
                CHECK_EQ(FX_GET(i8, c, l), (int8_t)(v[n] + l));
        }
    h_end();
}

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 8; depth++)
        run(depth);
    return h_done("split");
}
