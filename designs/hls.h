/* SPDX-License-Identifier: Apache-2.0 */
/* designs/hls.h -- the `hls` engine: runs a quantised model through the two
 * Llama designs in the native view. The designs are compiled for the wanted
 * parallelism when the engine is opened (clang-19, a few seconds, kept in a
 * cache by the hash of their sources), then run as shared objects on the
 * memory image of designs/image.h.
 *
 *     struct hls *e = hls_open(model, &(struct hls_options){.cap = 256}, &err);
 *     hls_generate(e, prompt, n, &want, each_token, user, &stats, &err);
 *     hls_close(e);
 *
 * Every result equals the golden integer model's, bit for bit, whatever the
 * parallelism. Not thread-safe: one engine, one caller.
 */
#ifndef DESIGNS_HLS_H
#define DESIGNS_HLS_H
#include "designs/config.h"
#include "designs/host.h"
#include "num/hmt.h"

struct hls_options {
    const struct dsn_config *config; /* NULL: dsn_config_for(model) */
    int cap;                /* positions to make room for; 0: the model's */
    const char *source_dir; /* holds designs/ fx/ num/ sim/; NULL: where this
                               program was built or installed */
    const char *cache_dir;  /* NULL: ${XDG_CACHE_HOME:-$HOME/.cache}/flexllm */
    const char *compiler;   /* NULL: clang-19 */
    int exact_depth; /* 1: queues as deep as the design says; 0: deeper ones,
                        which run faster and cannot block */
    int timed;       /* 1: the timed view, queues as declared: stats->cycles */
    int elide;       /* 1: the timed view without data, for designs/timed.h */
    int progress;    /* 1: a line on the terminal for long work */
    const struct num_hmt *hmt; /* for designs/hls_hmt.h; else NULL */
};

/* How tokens are drawn; k = 1 is greedy. docs/numerics.md, section 4. */
struct hls_sampling {
    int k;                    /* candidates, 1 .. 64 */
    struct num_scale t_scale; /* log2(e) / temperature */
    uint32_t top_p;           /* Q0.16; 65536: all */
    uint32_t seed;
};

enum { HLS_MAX_EOS = 8 };

struct hls_want {
    int tokens; /* at most this many are generated */
    struct hls_sampling sampling;
    int eos[HLS_MAX_EOS]; /* a token that ends the text (it is reported) */
    int eos_count;
    /* Logits (vocab) of every position that decode computes, or NULL. */
    void (*logits)(void *user, int pos, const int32_t *logits);
};

struct hls_stats {
    int generated;
    int stopped;                            /* 1: by a token of eos */
    double prefill_s, decode_s;             /* host seconds of the native run */
    uint64_t prefill_cycles, decode_cycles; /* timed engines only, else 0 */
    int prefill_tokens; /* the rest of the prompt is decode's */
};

struct hls;

struct hls *hls_open(const struct num_qmodel *m, const struct hls_options *o,
                     struct fl_error *err);
void hls_close(struct hls *e);

/* The same engine on designs that somebody else made: a card, or a model of
 * its RTL. The image is built for c; `run` gets jobs with .device = self. */
struct hls_device {
    dsn_run_fn *run[DSN_STAGES];
    void *self;
    void (*close)(void *self); /* by hls_close; may be NULL */
    unsigned min_depth;        /* of the job */
};
struct hls *hls_attach(const struct num_qmodel *m, const struct dsn_config *c,
                       int cap, const struct hls_device *device, int progress,
                       struct fl_error *err);

/* Prefill of all but the last prompt token, then decode. n >= 1 tokens; n +
 * want->tokens - 1 may not exceed the engine's cap. `token` is called for each
 * generated token and may return false to stop early. */
bool hls_generate(struct hls *e, const int *prompt, int n,
                  const struct hls_want *want,
                  bool (*token)(void *user, int id), void *user,
                  struct hls_stats *stats, struct fl_error *err);

/* Logits of every position of a text, all of it through decode; for
 * perplexity, and for tests of prefill against it. */
bool hls_logits(struct hls *e, const int *text, int n,
                void (*logits)(void *user, int pos, const int32_t *logits),
                void *user, struct fl_error *err);

#endif
