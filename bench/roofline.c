/* SPDX-License-Identifier: Apache-2.0 */
/* bench/roofline.c -- what this machine can do at most, and the share of it
 * that the integer engine reaches.
 *
 *     roofline [--threads N] [--package FILE] [--json]
 *
 *   bandwidth  reading memory: an array as large as the weights, and 512 MiB
 *   peak       8-bit multiply-accumulates a second of the best instructions
 *              (vpdpbusd; vpmaddubsw and vpaddw; else plain C), operands in
 *              registers
 *   decode     bytes a token reads (weights, scales; the cache is small here)
 *              times tokens a second, over the first bandwidth
 *   prefill    multiply-accumulates of the linears a token times tokens a
 *              second, over the peak
 *
 * Without a package the model is random, of SmolLM2-135M's shape, w4a8.
 */
#define _GNU_SOURCE
#include "base/progress.h"
#include "engine/engine.h"
#include "model/package.h"
#include "tests/golden/qmodel_random.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { PROMPT = 512, GEN = 128, ROUNDS = 5 };

/* One thread's share of a measurement. */
struct part {
    const uint64_t *data;
    size_t words;
    int passes;
    uint64_t result; /* so that nothing is optimised away */
    void (*fn)(struct part *p);
};

static void read_words(struct part *p)
{
    typedef uint64_t v8 __attribute__((vector_size(64)));
    v8 s = {0};
    for (int pass = 0; pass < p->passes; pass++)
        for (size_t i = 0; i < p->words; i += 32)
            for (size_t j = 0; j < 32; j += 8) {
                v8 v;
                memcpy(&v, p->data + i + j, sizeof v);
                s ^= v;
            }
    for (int j = 0; j < 8; j++)
        p->result += s[j];
}

/* MACS multiply-accumulates a pass. */
enum { MACS = 12 * 32 };

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void macs_avx2(struct part *p)
{
    __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5), s[12];
    for (int i = 0; i < 12; i++)
        s[i] = _mm256_set1_epi16((short)i);
    for (int pass = 0; pass < p->passes; pass++)
        for (int i = 0; i < 12; i++) {
            s[i] = _mm256_add_epi16(s[i], _mm256_maddubs_epi16(a, b));
            __asm__ volatile("" : "+x"(a), "+x"(s[i]));
        }
    for (int i = 0; i < 12; i++)
        p->result += (uint64_t)_mm256_extract_epi64(s[i], 0);
}

__attribute__((target("avx512f,avx512vnni"))) static void
macs_vnni(struct part *p)
{
    __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5), s[12];
    for (int i = 0; i < 12; i++)
        s[i] = _mm512_set1_epi32(i);
    for (int pass = 0; pass < p->passes; pass += 2)
        for (int i = 0; i < 12; i++) {
            s[i] = _mm512_dpbusd_epi32(s[i], a, b);
            __asm__ volatile("" : "+v"(a), "+v"(s[i]));
        }
    for (int i = 0; i < 12; i++)
        p->result += (uint64_t)_mm512_reduce_add_epi32(s[i]);
}
#endif

static void macs_c(struct part *p)
{
    int8_t a[32] = {1, 2, 3}, b[32] = {4, 5, 6};
    int32_t s[32] = {0};
    for (int pass = 0; pass < p->passes; pass++)
        for (int i = 0; i < 12; i++) {
            __asm__ volatile("" ::: "memory");
            for (int j = 0; j < 32; j++)
                s[j] += a[j] * b[j];
        }
    p->result += (uint64_t)s[0];
}

static void (*best_macs(const char **name))(struct part *)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vnni")) {
        *name = "vpdpbusd, 64 bytes";
        return macs_vnni;
    }
    if (__builtin_cpu_supports("avx2")) {
        *name = "vpmaddubsw and vpaddw, 32 bytes";
        return macs_avx2;
    }
#endif
    *name = "plain C";
    return macs_c;
}

static void *thread_main(void *arg)
{
    struct part *p = arg;
    p->fn(p);
    return NULL;
}

/* Shortest of several rounds, all threads together, in seconds. */
static double fastest(struct part *part, int threads)
{
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t id[256];
        int started = 0;
        double start = fl_now();
        for (int i = 1; i < threads; i++)
            if (pthread_create(&id[started], NULL, thread_main, &part[i]) == 0)
                started++;
        thread_main(&part[0]);
        for (int i = 0; i < started; i++)
            pthread_join(id[i], NULL);
        double took = fl_now() - start;
        if (started == threads - 1 && took < best)
            best = took;
    }
    return best;
}

static double bandwidth(size_t bytes, int threads, int passes)
{
    struct part part[256] = {{0}};
    bytes = bytes / ((size_t)threads * 4096) * ((size_t)threads * 4096);
    uint64_t *data =
        aligned_alloc(2 << 20, (bytes + (2 << 20) - 1) / (2 << 20) * (2 << 20));
    if (!data)
        return 0;
    madvise(data, bytes, MADV_HUGEPAGE);
    memset(data, 1, bytes);
    size_t words = bytes / 8 / (size_t)threads;
    for (int i = 0; i < threads; i++)
        part[i] = (struct part){data + words * (size_t)i, words, passes, 0,
                                read_words};
    double s = fastest(part, threads);
    free(data);
    return (double)bytes * passes / s;
}

static double linear_bytes(const struct num_qlinear *q)
{
    double rows = q->dout, in = q->din;
    double groups = q->group ? in / q->group : 0;
    return rows * (in * q->wbits / 8 + groups + 8 + 4 + 4);
}

static double weights(const struct num_qmodel *m, double *macs)
{
    double bytes = linear_bytes(&m->head);
    *macs = 0;
    for (int i = 0; i < m->shape.layers; i++)
        for (int j = 0; j < NUM_LINEARS; j++) {
            const struct num_qlinear *q = &m->layer[i].lin[j];
            bytes += linear_bytes(q);
            *macs += (double)q->din * q->dout;
        }
    return bytes;
}

struct speeds {
    double prefill, decode;
};

static bool engine_speeds(const struct num_qmodel *m, int threads,
                          struct speeds *r, struct fl_error *err)
{
    struct eng_options o = {.threads = threads};
    struct engine *e = eng_open(m, &o, err);
    struct eng_session *s = e ? eng_session_new(e, PROMPT, err) : NULL;
    if (!s) {
        eng_close(e);
        return false;
    }
    int32_t token[PROMPT];
    for (int t = 0; t < PROMPT; t++)
        token[t] = t * 7919 % m->shape.vocab;
    *r = (struct speeds){0, 0};
    for (int round = 0; round < ROUNDS; round++) {
        eng_session_cut(s, 0);
        double start = fl_now();
        eng_prefill(s, token, PROMPT, NULL);
        double rate = PROMPT / (fl_now() - start);
        r->prefill = rate > r->prefill ? rate : r->prefill;
        eng_session_cut(s, 0);
        start = fl_now();
        for (int t = 0; t < GEN; t++)
            eng_decode(s, token[t], NULL);
        rate = GEN / (fl_now() - start);
        r->decode = rate > r->decode ? rate : r->decode;
    }
    eng_session_free(s);
    eng_close(e);
    return true;
}

static bool report(const struct num_qmodel *m, int threads, int json,
                   struct fl_error *err)
{
    struct speeds v;
    double macs, bytes = weights(m, &macs);
    const char *name;
    void (*fn)(struct part *) = best_macs(&name);
    struct part part[256] = {{0}};
    for (int i = 0; i < threads; i++)
        part[i] = (struct part){NULL, 0, 2000000, 0, fn};
    double peak = (double)MACS * 2000000 * threads / fastest(part, threads);
    double near = bandwidth((size_t)bytes, threads, 4);
    double far = bandwidth((size_t)512 << 20, threads, 1);
    FL_TRY(engine_speeds(m, threads, &v, err));
    double share_d = v.decode * bytes / near, share_p = v.prefill * macs / peak;
    if (json) {
        printf("{\"threads\":%d,\"bandwidth_weights_gb_s\":%.2f,"
               "\"bandwidth_512mib_gb_s\":%.2f,\"peak_gmac_s\":%.1f,"
               "\"bytes_per_token\":%.0f,\"macs_per_token\":%.0f,"
               "\"decode_tok_s\":%.1f,\"prefill_tok_s\":%.1f,"
               "\"decode_share\":%.3f,\"prefill_share\":%.3f}\n",
               threads, near / 1e9, far / 1e9, peak / 1e9, bytes, macs,
               v.decode, v.prefill, share_d, share_p);
        return true;
    }
    printf("%d threads; best of %d rounds\n", threads, ROUNDS);
    printf("read %.0f MB         %8.1f GB/s\n", bytes / 1e6, near / 1e9);
    printf("read 537 MB        %8.1f GB/s\n", far / 1e9);
    printf("8-bit peak         %8.1f GMAC/s  (%s)\n", peak / 1e9, name);
    printf("decode  %8.1f tokens/s x %6.1f MB   = %3.0f %% of the bandwidth\n",
           v.decode, bytes / 1e6, 100 * share_d);
    printf("prefill %8.1f tokens/s x %6.1f MMAC = %3.0f %% of the peak\n",
           v.prefill, macs / 1e6, 100 * share_p);
    return true;
}

static struct num_qmodel *random_model(void)
{
    struct qrandom q = {
        .shape = {30, 576, 1536, 9, 3, 64, 49152, PROMPT, 0, 0, 0},
        .seq = PROMPT,
        .wbits = 4,
        .abits = 8,
        .r4 = 1,
        .mean = 1,
        .bias = 1,
    };
    return qrandom_new(&q);
}

int main(int argc, char **argv)
{
    int threads = 2, json = 0;
    const char *package = NULL;
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--json")) {
            json = 1;
        } else if (!strcmp(argv[i], "--threads") && i + 1 < argc) {
            threads = atoi(argv[++i]);
        } else if (!strcmp(argv[i], "--package") && i + 1 < argc) {
            package = argv[++i];
        } else {
            fprintf(stderr, "usage: see the head of bench/roofline.c\n");
            return 2;
        }
    threads = threads < 1 ? 1 : threads > 256 ? 256 : threads;
    struct fl_error err = {.msg = "out of memory"};
    bool ok = false;
    if (package) {
        struct pkg p;
        if (pkg_open(&p, package, &err)) {
            ok = report(&p.model, threads, json, &err);
            pkg_close(&p);
        }
    } else {
        struct num_qmodel *m = random_model();
        ok = m && report(m, threads, json, &err);
        qrandom_free(m);
    }
    if (!ok)
        fprintf(stderr, "roofline: %s\n", err.msg);
    return !ok;
}
