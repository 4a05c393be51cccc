/* SPDX-License-Identifier: Apache-2.0 */
#include "model/hmt_int.h"
#include "num/convert.h"
#include "num/hadamard.h"
#include <stdlib.h>
#include <string.h>

/* y = M x */
static void multiply(double *x, int d, const float *m, double *y)
{
    for (int i = 0; i < d; i++) {
        y[i] = 0;
        for (int k = 0; k < d; k++)
            y[i] += m[(size_t)i * (size_t)d + (size_t)k] * x[k];
    }
    memcpy(x, y, (size_t)d * sizeof *x);
}

/* x = H (turn x) / sqrt(block), the change of basis of quant/rotate.c, or of
 * a basis that is stated; y (d) is free. */
static void rotate(double *x, int d, const struct hmt_basis *basis,
                   double *room)
{
    struct num_had had = num_had_split(d);
    int block = had.m * had.p;
    const int8_t *turn = basis->turn;
    if (basis->matrix != NULL)
        multiply(x, d, basis->matrix, room);
    if (basis->matrix != NULL || turn[0] == 0)
        return;
    for (int i = 0; i < d; i++)
        x[i] *= turn[i] / sqrt(block);
    for (int half = 1; half < had.p; half *= 2)
        for (int i = 0; i < d; i++)
            if ((i % had.p & half) == 0) {
                double a = x[i], b = x[i + half];
                x[i] = a + b;
                x[i + half] = a - b;
            }
    for (int i = 0; had.m > 1 && i < d; i++) {
        double y[64];
        if (i % block >= had.p)
            continue;
        for (int r = 0; r < had.m; r++) {
            y[r] = 0;
            for (int c = 0; c < had.m; c++) {
                double v = x[i + c * had.p];
                y[r] += num_had_neg(had.m, r, c) ? -v : v;
            }
        }
        for (int r = 0; r < had.m; r++)
            x[i + r * had.p] = y[r];
    }
}

/* Codes within +-top of x (n), and their scale. */
static struct num_scale round_row(const double *x, int n, int top, int8_t *code)
{
    double max = 0;
    for (int i = 0; i < n; i++)
        max = fmax(max, fabs(x[i]));
    struct num_scale s = num_scale_of(max / top);
    if (s.mant == 0 || s.exp < -100)
        s = (struct num_scale){1u << 15, -100};
    for (int i = 0; i < n; i++)
        code[i] = (int8_t)num_clamp(lrint(x[i] / num_scale_real(s)), -top, top);
    return s;
}

/* Fraction bits that leave a bit of room in 27 for values up to `bound`. */
static int frac_for(double bound)
{
    int e = 0;
    frexp(bound, &e); /* bound < 2^e */
    return (int)num_clamp(25 - e, -8, 40);
}

struct space {
    int8_t *t, *w[2], *exp[2];
    uint16_t *mant[2];
    double *x, *room;
};

static bool reserve(struct hmt_int *q, struct space *s, size_t d, size_t dm)
{
    size_t all = 2 * d * sizeof *s->x + 2 * dm * sizeof *s->mant[0] + d +
                 2 * dm * d + 2 * dm;
    char *p = q->own = calloc(all, 1);
    if (p == NULL)
        return false;
    s->x = (double *)(void *)p;
    s->room = s->x + d;
    s->mant[0] = (uint16_t *)(void *)(s->room + d);
    s->mant[1] = s->mant[0] + dm;
    s->t = (int8_t *)(s->mant[1] + dm);
    s->w[0] = s->t + d;
    s->w[1] = s->w[0] + dm * d;
    s->exp[0] = s->w[1] + dm * d;
    s->exp[1] = s->exp[0] + dm;
    return true;
}

static struct num_hmt_matrix matrix(const struct space *s, int which,
                                    const float *w, int d, int dm, double size,
                                    const struct hmt_basis *b)
{
    double longest = 1e-30;
    for (int o = 0; o < dm; o++) {
        int8_t *code = s->w[which] + (size_t)o * (size_t)d;
        for (int i = 0; i < d; i++)
            s->x[i] = size * w[(size_t)i * (size_t)dm + (size_t)o];
        rotate(s->x, d, b, s->room);
        struct num_scale scale = round_row(s->x, d, NUM_HMT_CODE, code);
        s->mant[which][o] = scale.mant;
        s->exp[which][o] = (int8_t)num_clamp(scale.exp, -100, 100);
        double sum = 0;
        for (int i = 0; i < d; i++)
            sum += s->x[i] * s->x[i];
        longest = fmax(longest, sqrt(sum));
    }
    return (struct num_hmt_matrix){s->w[which], s->mant[which], s->exp[which],
                                   frac_for(longest * sqrt(d))};
}

bool hmt_int_make(struct hmt_int *q, const struct hmt *h,
                  const struct hmt_basis *b, const char *path,
                  struct fl_error *err)
{
    struct space s;
    int d = h->d, dm = h->dm;
    *q = (struct hmt_int){0};
    FL_FAIL_IF(dm > NUM_HMT_MAX_DM || h->memories > NUM_HMT_MAX_MEMORIES, err,
               FL_UNSUPPORTED, 0,
               "%s: a search of width %d over %d memories; the integer engine "
               "takes at most %d and %d",
               path, dm, h->memories, NUM_HMT_MAX_DM, NUM_HMT_MAX_MEMORIES);
    FL_FAIL_IF(!reserve(q, &s, (size_t)d, (size_t)dm), err, FL_NOMEM, 0,
               "%s: out of memory", path);
    for (int i = 0; i < d; i++)
        s.x[i] = h->t[i];
    rotate(s.x, d, b, s.room);
    struct num_scale t = round_row(s.x, d, 127, s.t);
    q->m = (struct num_hmt){
        .d = d,
        .dm = dm,
        .segment = h->segment,
        .sensory = h->sensory,
        .memories = h->memories,
        .t = {s.t, t},
        .q = matrix(&s, 0, h->wq, d, dm, h->scale, b),
        .k = matrix(&s, 1, h->wk, d, dm, h->scale, b),
        .size = num_scale_of(h->scale),
        .m_frac = frac_for(h->scale * sqrt(d)),
    };
    struct num_hmt *m = &q->m;
    m->s_scale = num_scale_of(ldexp(
        M_LOG2E / sqrt(dm), NUM_EXP2_FRAC + NUM_HMT_SHIFT + 2 * NUM_HMT_DROP -
                                m->q.frac - m->k.frac));
    bool bad = m->size.mant == 0 || m->s_scale.exp > 8 || t.exp > 100 ||
               m->q.frac < 0 || m->k.frac < 0 || m->m_frac < 0;
    if (bad)
        hmt_int_free(q);
    FL_FAIL_IF(bad, err, FL_RANGE, 0,
               "%s: its numbers are too large for the integer formats", path);
    return true;
}

/* The hash of the memory that was merged into the package, or "". */
static void merged(const struct pkg *p, char hash[17])
{
    static const char key[] = "\"hmt\":\"";
    const char *at = strstr(p->info.recipe, key);
    size_t n = 0;
    for (; at != NULL && n < 16 && at[sizeof key - 1 + n] != '"' &&
           at[sizeof key - 1 + n] != 0;
         n++)
        hash[n] = at[sizeof key - 1 + n];
    hash[n] = 0;
}

static bool belongs(const struct hmt *h, const char *path, const struct pkg *p,
                    const char *pkg_path, struct fl_error *err)
{
    char of_pkg[17], of_file[17];
    bool lora = false;
    FL_TRY(hmt_fits(h, &p->model.shape, path, err));
    FL_FAIL_IF(p->model.turn == NULL && p->model.basis == NULL, err,
               FL_UNSUPPORTED, 0,
               "%s: it does not state its basis, so no memory can be turned "
               "into it; quantise the model again",
               pkg_path);
    for (int i = 0; i < h->layers * HMT_PARTS; i++)
        lora = lora || h->lora[i].rank > 0;
    merged(p, of_pkg);
    if (!lora && of_pkg[0] == 0)
        return true;
    FL_TRY(pkg_hash_file(path, of_file, err));
    FL_FAIL_IF(strcmp(of_pkg, of_file) != 0, err, FL_UNSUPPORTED, 0,
               "%s: its weights are not those of %s; quantise the model with "
               "--hmt %s",
               pkg_path, path, path);
    return true;
}

bool hmt_int_open(struct hmt_int *q, const char *path, const struct pkg *p,
                  const char *pkg_path, struct fl_error *err)
{
    struct hmt h;
    const struct hmt_basis b = {p->model.turn, p->model.basis};
    *q = (struct hmt_int){0};
    FL_TRY(hmt_open(&h, path, err));
    bool ok = belongs(&h, path, p, pkg_path, err) &&
              hmt_int_make(q, &h, &b, path, err);
    hmt_free(&h);
    return ok;
}

void hmt_int_free(struct hmt_int *q)
{
    free(q->own);
    *q = (struct hmt_int){0};
}
