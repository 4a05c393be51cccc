/* SPDX-License-Identifier: Apache-2.0 */
/* tests/designs/test_package.c -- the designs on a real model: quantised here
 * (round to nearest, a short calibration: the bits count, not the text), then
 * held to the golden integer model.
 *
 *     test_designs_package MODEL SCHEME GENERATE PROMPT,.. LANES...
 *
 * MODEL may begin with shared/ (${FL_SHARED:-../shared}) or cache/
 * (${XDG_CACHE_HOME:-$HOME/.cache}/flexllm). Without the file nothing is
 * checked, and the test says so.
 */
#include "model/package.h"
#include "quant/quant.h"
#include "tests/designs/against.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void resolve(char *out, size_t n, const char *path)
{
    const char *shared = getenv("FL_SHARED"), *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (strncmp(path, "shared/", 7) == 0)
        snprintf(out, n, "%s/%s", shared ? shared : "../shared", path + 7);
    else if (strncmp(path, "cache/", 6) == 0 && xdg != 0)
        snprintf(out, n, "%s/flexllm/%s", xdg, path + 6);
    else if (strncmp(path, "cache/", 6) == 0)
        snprintf(out, n, "%s/.cache/flexllm/%s", home ? home : "", path + 6);
    else
        snprintf(out, n, "%s", path);
}

static int fail(const char *what, const struct fl_error *err)
{
    printf("%s: %s\n", what, err->msg);
    return 1;
}

/* All prompts through one parallelism. */
static int run(const struct num_qmodel *m, const char *prompts, int generate,
               const char *lanes)
{
    struct fl_error err;
    struct hls_stats stats;
    static int ids[4096];
    struct dsn_config c = dsn_config_for(m);
    struct hls_options o = {.config = &c, .cap = 512};
    if (!dsn_config_parse(&c, lanes, &err))
        return fail(lanes, &err);
    struct hls *e = hls_open(m, &o, &err);
    if (e == 0)
        return fail(lanes, &err);
    int bad = 0;
    for (const char *p = prompts; *p != 0; p += *p == ',') {
        char *end;
        int n = (int)strtol(p, &end, 10);
        p = end;
        for (int i = 0; i < n && i < 4096; i++)
            ids[i] = (i * 37 + 1) % m->shape.vocab;
        struct hls_want want = {.tokens = generate, .sampling = {.k = 1}};
        int faults = against_golden(e, m, lanes, ids, n, &want, &stats);
        printf("%s: prompt %d, %d generated: %s (prefill %.2f s, decode and "
               "golden %.2f s)\n",
               lanes, n, stats.generated, faults ? "FAILED" : "equal",
               stats.prefill_s, stats.decode_s);
        bad += faults;
    }
    hls_close(e);
    return bad;
}

int main(int argc, char **argv)
{
    struct fl_error err;
    struct quant_options q;
    struct pkg pkg;
    char model[4096], out[4096];
    const char *temp = getenv("TMPDIR");
    snprintf(out, sizeof out, "%s/flexllm-test-XXXXXX", temp ? temp : P_tmpdir);
    if (argc < 6)
        return 2;
    resolve(model, sizeof model, argv[1]);
    if (access(model, R_OK) != 0) {
        printf("NOT CHECKED: %s is not here\n", model);
        return 0;
    }
    if (!quant_defaults(&q, argv[2], &err))
        return fail(argv[2], &err);
    q.rtn = 1;
    q.calib_sequences = 2;
    q.calib_length = 32;
    q.seq = 512;
    int fd = mkstemp(out);
    if (fd < 0)
        return 1;
    close(fd);
    int bad = 0;
    if (!quant_run(&q, model, out, &err) || !pkg_open(&pkg, out, &err)) {
        bad = fail(model, &err);
    } else {
        for (int i = 5; i < argc; i++)
            bad += run(&pkg.model, argv[4], atoi(argv[3]), argv[i]);
        pkg_close(&pkg);
    }
    remove(out);
    return bad != 0;
}
