/* SPDX-License-Identifier: Apache-2.0 */
/* train/net.h -- a backbone with what is trained on it: values, forward and
 * backward passes.
 *
 * All numbers lie in one array, trainable ones first; a gradient is an array
 * of net->train numbers in the same order. What is trained:
 *
 *   t (d), wq (d, dm), wk (d, dm)      always; wk begins equal to wq, so that
 *                                      the search begins as a similarity
 *   LoRA a (rank, in), b (out, rank)   on the chosen linears, rank > 0
 *   every weight of the backbone       where `full`
 *
 * A linear computes y = x (W + s b a)^T + bias with s = alpha / rank. With
 * wbits it computes with the rounded matrix and with abits on rounded inputs,
 * gradients going straight through.
 *
 * A pass saves what its gradient needs (struct pass), (token, channel) rows;
 * one that only runs forward keeps a single layer.
 */
#ifndef TRAIN_NET_H
#define TRAIN_NET_H
#include "base/error.h"
#include "model/hmt.h"
#include "num/fmodel.h"
#include "train/real.h"

#define NET_NONE ((size_t)-1)

struct net_linear {
    int in, out, rank;
    size_t w, bias, a, b; /* places in net->value; NET_NONE */
    size_t fake;          /* place in net->fake */
};

struct net_layer {
    size_t norm_attn, norm_ffn;
    struct net_linear lin[HMT_PARTS];
};

/* A run of trainable numbers that belong together. */
struct net_group {
    char name[32]; /* "layer.3.wq.a" */
    size_t at, n;
    bool decays; /* matrices do, vectors do not */
};

struct net {
    struct num_shape shape;
    struct net_layer *layer;
    size_t embed, norm_final, head, t, wq, wk; /* places */
    int dm;
    double scale;     /* of a state */
    real lora_scale;  /* alpha / rank */
    int wbits, abits; /* fake quantisation; 0: none */
    double *inv_freq; /* (h/2) */
    real *value;      /* all */
    size_t total, train;
    struct net_group *group;
    int groups;
    real *fake; /* rounded W + s b a of every linear, where wbits */
};

struct net_options {
    int dm;
    int rank;         /* LoRA; 0: none */
    double alpha;     /* LoRA: W + alpha / rank b a */
    unsigned parts;   /* bit p: LoRA on part p of every layer */
    bool full;        /* train the backbone too */
    int wbits, abits; /* 0, 4 or 8 */
    double scale;     /* of a state; 0: rms of the embedding */
    int first;        /* T begins as this token's embedding; -1: by chance */
    uint64_t seed;
};

/* Copies everything: m may be unloaded after. */
bool net_init(struct net *net, const struct num_fmodel *m,
              const struct net_options *o, struct fl_error *err);
void net_free(struct net *net);

/* A trained memory: its sizes rule (dm, rank, scale); LoRA is merged into
 * the weights. */
bool net_init_hmt(struct net *net, const struct num_fmodel *m,
                  const struct hmt *h, struct fl_error *err);
/* What is trained, as a memory file's contents; h->segment, sensory,
 * memories and info are the caller's. Not for `full`. */
bool net_to_hmt(const struct net *net, struct hmt *h, struct fl_error *err);

/* Starts from the numbers of a memory file; dm, rank and scale must be those
 * of the net, which is not `full`. `path` is for messages. */
bool net_from_hmt(struct net *net, const struct hmt *h, const char *path,
                  struct fl_error *err);

/* Rounds the matrices again, after their values have changed. */
void net_round(struct net *net);

/* What one layer of a pass saves, each (n, ...) unless said. */
struct pass_layer {
    real *r, *rm;         /* (n, d) residual before attention, before the FFN */
    real *xa, *xf;        /* (n, d) normed */
    real *ia, *jf;        /* (n) their 1 / rms */
    real *q, *k, *v;      /* after RoPE */
    real *p;              /* (qh, n, n) */
    real *y;              /* (n, qh h) attended */
    real *g, *u, *s;      /* (n, f) */
    real *low[HMT_PARTS]; /* (n, rank) x a^T */
};

struct pass {
    const struct net *net;
    int cap, n; /* positions: room, used */
    bool keeps; /* all layers; else only runs forward */
    bool plain; /* the backbone alone: no LoRA, no rounding; forward only */
    real *r;    /* (n, d) in: what goes in; out: after the last layer */
    real *dr;   /* (n, d) in: gradient of r; out: of what went in */
    real *turn; /* (cap, h/2, {cos, sin}) */
    struct pass_layer *layer; /* (layers or 1) */
    real *arena;
    real *wide[3], *dq, *dk, *dv, *narrow, *low, *work; /* scratch */
};

bool pass_init(struct pass *p, const struct net *net, int cap, bool keeps,
               struct fl_error *err);
void pass_free(struct pass *p);

/* p->n positions of p->r through all layers. */
void pass_forward(struct pass *p);
/* p->dr back through all layers; adds to grad (net->train). */
void pass_backward(struct pass *p, real *grad);

#endif
