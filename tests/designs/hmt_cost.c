/* SPDX-License-Identifier: Apache-2.0 */
/* tests/designs/hmt_cost.c -- what an HMT costs on the designs, by the cycle
 * formulas of the modules (each held to its timed run and its RTL), for the
 * shape of Llama-3.2-1B and the paper's numbers: segments of 990 tokens, 32
 * again, 64 memories, dm = d = 2048.
 *
 * Prefill, two groups in turn: a group takes a layer in the time of the linear
 * engine or of the slowest attention module, whichever is longer; norms,
 * quantisers and transforms hide behind them. Prints the tables of docs/hmt.md;
 * with its path as argument, says where they are not those.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "fx/fx.h"

enum {
    LAYERS = 16,
    D = 2048,
    FFN = 8192,
    NQ = 32,
    NKV = 8,
    HEAD = 64,
    SEGMENT = 990,
    SENSORY = 32,
    SLOTS = 64,
};

/* Prefill as the paper's: 8 tokens, 24 + 96 outputs, 16 channels attended. */
#define FX_NAME  small_linear
#define FX_TP    8
#define FX_WP    120
#define FX_XBITS 8
#define FX_WBITS 4
#define FX_DIN   FFN
#define FX_BLOCK 1
#define FX_GROUP 0
#include "fx/linear_prefill.h"
#define FX_NAME small_qk
#define FX_TP   8
#define FX_KP   16
#define FX_HP   4
#define FX_HEAD HEAD
#include "fx/attention_qk.h"
#define FX_NAME small_softmax
#define FX_TP   8
#define FX_HP   4
#define FX_SEQ  (1 << 18)
#include "fx/softmax.h"
#define FX_NAME small_av
#define FX_TP   8
#define FX_KP   16
#define FX_BP   1
#define FX_NP   1
#define FX_HP   4
#define FX_HEAD HEAD
#define FX_SEQ  (1 << 18)
#include "fx/attention_av.h"

/* Prefill with 32 tokens and 256 outputs. */
#define FX_NAME  large_linear
#define FX_TP    32
#define FX_WP    256
#define FX_XBITS 8
#define FX_WBITS 4
#define FX_DIN   FFN
#define FX_BLOCK 1
#define FX_GROUP 0
#include "fx/linear_prefill.h"
#define FX_NAME large_qk
#define FX_TP   32
#define FX_KP   16
#define FX_HP   4
#define FX_HEAD HEAD
#include "fx/attention_qk.h"
#define FX_NAME large_softmax
#define FX_TP   32
#define FX_HP   4
#define FX_SEQ  (1 << 18)
#include "fx/softmax.h"
#define FX_NAME large_av
#define FX_TP   32
#define FX_KP   16
#define FX_BP   1
#define FX_NP   1
#define FX_HP   4
#define FX_HEAD HEAD
#define FX_SEQ  (1 << 18)
#include "fx/attention_av.h"

/* Decode as the paper's, and the plug-in. */
#define DBP      16
#define FX_NAME  decode_linear
#define FX_BP    DBP
#define FX_WP    64
#define FX_XBITS 8
#define FX_WBITS 4
#define FX_DIN   FFN
#define FX_GROUP 0
#include "fx/linear_decode.h"
#define FX_NAME collect
#define FX_BP   DBP
#include "fx/memory_collect.h"
#define FX_NAME queue
#define FX_BP   DBP
#include "fx/memory_queue.h"
#define FX_NAME  find
#define FX_BP    DBP
#define FX_DIM   D
#define FX_DEPTH SLOTS
#include "fx/memory_attention.h"
#define FX_NAME code
#define FX_TP   1
#define FX_BP   DBP
#define FX_DIM  D
#include "fx/quantise.h"
#define FX_NAME row
#define FX_BP   DBP
#define FX_N    DBP
#include "fx/memory_row.h"

/* Columns and rows of a layer's steps: kvq, o, gu, down. */
static const int din[4] = {D, D, D, FFN};
static const int dout[4] = {D + 2 * NKV * HEAD, D, 2 * FFN, D};

static uint64_t most(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t m = a > b ? a : b;
    return m > c ? m : c;
}

/* Cycles of a layer for a group whose last token sees `n` positions. */
#define PREFILL(name, TP)                                                      \
    static uint64_t name##_layer(int n)                                        \
    {                                                                          \
        const struct name##_qk_ports q = {                                     \
            .nkv = NKV, .share = NQ / NKV, .head = HEAD, .positions = n};      \
        const struct name##_softmax_ports s = {.nkv = NKV,                     \
                                               .share = NQ / NKV,              \
                                               .positions = n,                 \
                                               .sweeps = HEAD / 16};           \
        const struct name##_av_ports a = {                                     \
            .nkv = NKV, .share = NQ / NKV, .head = HEAD, .positions = n};      \
        uint64_t attention =                                                   \
            most(name##_qk_cycles(&q), name##_softmax_cycles(&s),              \
                 name##_av_cycles(&a));                                        \
        uint64_t linear = 0;                                                   \
        for (int i = 0; i < 4; i++)                                            \
            linear += name##_linear_step_cycles(din[i], dout[i], 1);           \
        return attention > linear ? attention : linear;                        \
    }                                                                          \
    static uint64_t name##_window(int tokens)                                  \
    {                                                                          \
        uint64_t sum = 0;                                                      \
        for (int n = TP; n < tokens + TP; n += TP)                             \
            sum += name##_layer(n);                                            \
        return LAYERS * sum;                                                   \
    }                                                                          \
    static uint64_t name##_segment(int segment)                                \
    {                                                                          \
        uint64_t main = name##_window(1 + (segment ? SENSORY : 0) + SEGMENT);  \
        return main + (segment ? name##_window(1 + (SEGMENT + 1) / 2) : 0);    \
    }
PREFILL(small, 8)
PREFILL(large, 32)

static uint64_t trailing(int head_rows) /* a vector through decode */
{
    uint64_t sum = decode_linear_step_cycles(D, head_rows);
    for (int i = 0; i < 4; i++)
        sum += LAYERS * decode_linear_step_cycles(din[i], dout[i]);
    return sum;
}

static char text[4096];
static size_t used;

static void line(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    used += (size_t)vsnprintf(text + used, sizeof text - used, format, ap);
    va_end(ap);
}

static uint64_t plug_in(void)
{
    const struct collect_ports c = {.pairs = 2 * D / DBP, .singles = D / DBP};
    const struct queue_ports push = {
        .push = 1, .keys = D / DBP, .rows = D / DBP};
    const struct queue_ports ask = {.live = SLOTS, .rows = D / DBP};
    const struct find_ports f = {
        .live = SLOTS, .keys = D / DBP, .rows = D / DBP};
    const struct code_ports q = {.groups = 1, .din = D};
    const struct row_ports w = {.vectors = 1, .words = D / DBP};
    uint64_t heads = decode_linear_step_cycles(D, 2 * D) +
                     decode_linear_step_cycles(D, 3 * D);
    uint64_t moves = collect_cycles(&c) + queue_cycles(&push) +
                     queue_cycles(&ask) + code_cycles(&q) + row_cycles(&w);
    uint64_t sum = heads + moves + find_cycles(&f);
    line("| heads: Wq; Wk and the identity | %llu |\n",
         (unsigned long long)heads);
    line("| memory attention | %llu |\n", (unsigned long long)find_cycles(&f));
    line("| collect, queue, quantise, row | %llu |\n",
         (unsigned long long)moves);
    line("| plug-in, a segment | %llu = %.3f ms at 300 MHz |\n",
         (unsigned long long)sum, (double)sum / 300e3);
    line("| its two trailing vectors through decode | %llu = %.2f ms |\n",
         (unsigned long long)(trailing(0) * 2), (double)trailing(0) / 150e3);
    line("| multipliers, bits of memory on chip | %d, %llu |\n",
         find_cost.mul + code_cost.mul,
         (unsigned long long)(find_cost.ram_bits + code_cost.ram_bits));
    return sum;
}

/* Both ways through `tokens` tokens: seconds at 300 MHz, and their ratio. */
static double both(const char *name, int tokens, uint64_t (*window)(int),
                   uint64_t (*segment)(int), uint64_t extra)
{
    uint64_t whole = window(tokens), parts = 0;
    int segments = (tokens + SEGMENT - 1) / SEGMENT;
    for (int s = 0; s < segments; s++)
        parts += segment(s) + extra + (s ? 2 : 1) * trailing(0);
    double ratio = (double)whole / (double)parts;
    line("| %s | %d | %.1f | %.1f | %.2f |\n", name, tokens,
         (double)whole / 3e8, (double)parts / 3e8, ratio);
    return ratio;
}

int main(int argc, char **argv)
{
    uint64_t own = plug_in();
    line("| share of a segment's prefill, tp 32 | %.3f %% |\n",
         100.0 * (double)own / (double)large_segment(1));
    double small = 0, large = 0;
    for (int tokens = 4096; tokens <= 1 << 18; tokens *= 4) {
        double a =
            both("tp 8, wp 120", tokens, small_window, small_segment, own);
        double b =
            both("tp 32, wp 256", tokens, large_window, large_segment, own);
        small = tokens == 65536 ? a : small;
        large = tokens == 65536 ? b : large;
    }
    /* The paper's bound: all pairs of positions, 16 channels of 8 tokens. */
    double bound = (double)LAYERS * D * 65536.0 * 65536 / (8 * 16);
    double parts = 0;
    for (int s = 0; s < (65536 + SEGMENT - 1) / SEGMENT; s++)
        parts += (double)(large_segment(s) + own + 2 * trailing(0));
    line("| the paper's bound against tp 32, wp 256 | 65536 | %.1f | %.1f | "
         "%.2f |\n",
         bound / 3e8, parts / 3e8, bound / parts);
    /* Full attention as the paper counts it: no triangle, each group of 32
     * tokens attends to all positions. */
    double pairs = (double)LAYERS * 65536 / 32 * (double)large_layer(65536);
    line("| every pair of positions, tp 32, wp 256 | 65536 | %.1f | %.1f | "
         "%.2f |\n",
         pairs / 3e8, parts / 3e8, pairs / parts);
    double per = (double)LAYERS * 2 * D, linear = 0, whole, hmt = 0;
    for (int i = 0; i < 4; i++)
        linear += (double)LAYERS * din[i] * dout[i];
    whole = 65536 * linear + per * 65536.0 * 65536 / 2;
    for (int k = 0; k < (65536 + SEGMENT - 1) / SEGMENT; k++) {
        double n = 2 + SENSORY + SEGMENT, j = 2 + (double)(SEGMENT + 1) / 2;
        hmt += (n + j) * linear + per * (n * n + j * j) / 2;
    }
    line("| products, in 10^12 | 65536 | %.1f | %.1f | %.2f |\n", whole / 1e12,
         hmt / 1e12, whole / hmt);
    fputs(text, stdout);
    if (argc < 2)
        return 0;
    struct fl_map m;
    struct fl_error err;
    int bad = small < 2 || large < 2;
    if (!fl_map_open(&m, argv[1], &err)) {
        printf("%s\n", err.msg);
        return 1;
    }
    for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n"))
        if (!memmem(m.data, m.size, l, strlen(l)) && ++bad)
            printf("not in %s: %s\n", argv[1], l);
    fl_map_close(&m);
    return bad != 0;
}
