/* SPDX-License-Identifier: Apache-2.0 */
/* train/memory.h -- the parts of an HMT that are not the backbone, each with
 * its gradient; docs/hmt.md defines them.
 *
 *   state    h = scale r inv, inv = 1 / sqrt(mean(r^2) + eps)
 *   search   q = S wq, key_i = M_i wk, p = softmax(q . key_i / sqrt(dm)),
 *            P = sum p_i M_i
 *   head     logits = embed-or-head . (rmsnorm(r) gamma), and cross-entropy,
 *            or the divergence from a teacher's distribution
 *
 * Gradients are added, to activations and to `grad` (net->train) alike.
 */
#ifndef TRAIN_MEMORY_H
#define TRAIN_MEMORY_H
#include <stdint.h>
#include "train/net.h"

/* r, h (d); returns inv. */
real state_forward(const struct net *net, const real *r, real *h);
void state_back(const struct net *net, const real *r, real inv, const real *dh,
                real *dr);

struct search {
    int room;        /* slots */
    int count;       /* filled ones */
    real *s, *q;     /* (d), (dm) */
    real *key, *p;   /* (room, dm), (room) */
    real *ds, *dq;   /* (d), (dm) */
    real *dkey, *dp; /* (room, dm), (room) */
};

bool search_init(struct search *s, const struct net *net, int room,
                 struct fl_error *err);
void search_free(struct search *s);

/* s->s with `count` memories m (count, d), at least one, to out (d). */
void search_forward(const struct net *net, struct search *s, const real *m,
                    int count, real *out);
/* dout (d) to s->ds (written), and to dm (count, d) from row `live` on: the
 * older memories are constants. */
void search_back(const struct net *net, struct search *s, const real *m,
                 const real *dout, int live, real *dm, real *grad);

struct head {
    real *z, *zt, *x, *dx, *inv; /* (HEAD_ROWS, v) x2, (, d) x2, (HEAD_ROWS) */
};

/* What n residuals should say. */
struct aim {
    const int32_t *token; /* (n) */
    const real *teacher;  /* (n, d) a teacher's residuals, or NULL */
    real soft;            /* share of the teacher in the loss, 0 .. 1 */
};
enum { HEAD_ROWS = 32 };

bool head_init(struct head *h, const struct net *net, struct fl_error *err);
void head_free(struct head *h);

/* n residuals r (n, d) and their aim. The sum of their losses (op_xent, or
 * op_distil where there is a teacher, which reads the same head);
 * nll (n) has each, where not NULL. Where grad is not NULL, `weight` times
 * the gradient is added to dr (n, d) and grad. */
double head_loss(const struct net *net, struct head *h, const real *r,
                 const struct aim *aim, int n, double *nll, real weight,
                 real *dr, real *grad);

#endif
