/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/join.c -- runs of beats come from where their routes say; a way
 * past the last is zeros. */
#include "tests/fx/harness.h"

#define FX_NAME gather
#define FX_ELEM i8
#define FX_N    3
#define FX_WAYS 2
#include "fx/join.h"

enum { ROUTES = 9, MOST = 4 };

static void run(unsigned depth)
{
    int way[ROUTES], beats[ROUTES], v[ROUTES * MOST], n = 0;
    h_begin("gather", depth);
    H_INPUT(u32, 2, route);
    H_INPUT(i8, 3, a);
    H_INPUT(i8, 3, b);
    H_OUTPUT(i8, 3, y);
    for (int r = 0; r < ROUTES; r++) {
        FX_BEAT(u32, 2) w = FX_ZERO;
        way[r] = (int)h_rand(0, 2);
        beats[r] = r == 4 ? 0 : (int)h_rand(1, MOST);
        FX_SET(u32, w, 0, way[r]);
        FX_SET(u32, w, 1, beats[r]);
        H_PUT(route, w);
        for (int k = 0; k < beats[r]; k++, n++) {
            FX_BEAT(i8, 3) c = FX_ZERO;
            v[n] = way[r] == 2 ? 0 : (int)h_rand(-128, 127);
            for (int l = 0; l < 3; l++)
                FX_SET(i8, c, l, v[n] + l);
            if (way[r] == 0)
                H_PUT(a, c);
            if (way[r] == 1)
                H_PUT(b, c);
        }
    }
    struct gather_ports p = {.route = FX_FROM(route),
                             .x = {FX_FROM(a), FX_FROM(b)},
                             .y = FX_TO(y),
                             .routes = ROUTES};
    fx_spawn("gather", -1, gather_task, &p, sizeof p);
    h_run(gather_run_cycles(ROUTES, beats));
    n = 0;
    for (int r = 0; r < ROUTES; r++)
        for (int k = 0; k < beats[r]; k++, n++) {
            FX_BEAT(i8, 3) c = H_TAKE(y);
            for (int l = 0; l < 3; l++)
                CHECK_EQ(FX_GET(i8, c, l),
                         way[r] == 2 ? 0 : (int8_t)(v[n] + l));
        }
    h_end();
}

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 8; depth++)
        run(depth);
    return h_done("join");
}
