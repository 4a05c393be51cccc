/* SPDX-License-Identifier: Apache-2.0 */
/* A real timed run, of a small model: what each module was busy in all its
 * stretches is what it was busy in all; the JSON of it is read back, and its
 * page has every module. */
#include "explore/times_json.h"
#include "report/report.h"
#include "tests/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t busy_of(const struct dsn_seen *s, const char *name)
{
    uint64_t sum = 0;
    for (int k = 0; k < s->works; k++)
        if (strcmp(s->work[k].name, name) == 0)
            sum += s->work[k].busy;
    return sum;
}

/* Prefill is the whole of its run: nothing may be lost. */
static void whole(const struct dsn_seen *s, uint64_t cycles)
{
    CHECK(s->from == 0 && s->to == cycles, "of %llu to %llu",
          (unsigned long long)s->from, (unsigned long long)s->to);
    CHECK(s->bin_cycles * DSN_BINS >= cycles &&
              s->bin_cycles * DSN_BINS / 2 <= cycles,
          "stretches of %llu cycles", (unsigned long long)s->bin_cycles);
    for (int k = 0; k < s->works; k++) {
        int found = 0;
        for (int i = 0; i < s->spans; i++)
            found += strcmp(s->span[i].name, s->work[k].name) == 0;
        CHECK(found == 1, "%s is in %d spans", s->work[k].name, found);
    }
    for (int i = 0; i < s->spans; i++) {
        uint64_t sum = 0;
        for (int b = 0; b < DSN_BINS; b++) {
            uint64_t n = s->span[i].bin[b];
            CHECK(n <= s->bin_cycles * (uint64_t)s->span[i].tasks + 64,
                  "%s, stretch %d: %llu cycles", s->span[i].name, b,
                  (unsigned long long)n);
            sum += n;
        }
        CHECK(sum == busy_of(s, s->span[i].name), "%s: %llu in all stretches",
              s->span[i].name, (unsigned long long)sum);
    }
}

/* A token is a part of its run: close to what is the difference of two. */
static void token(const struct rep_times *r, const struct xpl_times *t)
{
    const struct rep_stage *s = &r->stage[REP_DECODE];
    CHECK(s->spans == t->decode.spans, "%d spans read", s->spans);
    for (int i = 0; i < s->spans; i++) {
        const struct rep_span *p = &s->span[i];
        double busy = (double)busy_of(&t->decode, p->module) / p->tasks /
                      (double)t->decode_cycles;
        CHECK(fabs(p->busy - busy) < 0.03, "%s: busy %.3f, it was %.3f",
              p->module, p->busy, busy);
        CHECK(p->start >= 0 && p->start <= p->end &&
                  p->end <= (double)t->decode_cycles,
              "%s from %.0f to %.0f", p->module, p->start, p->end);
    }
}

int main(void)
{
    static struct xpl_design d;
    static struct xpl_times t;
    static struct rep_times r;
    struct fl_error err = {0};
    const struct xpl_times_options o = {.skip_answer = 1, .block = 1};
    if (!xpl_design_load(&d, "tests/report/design.json", &err) ||
        !xpl_times(&t, &d, &o, &err)) {
        printf("spans: %s\n", err.msg);
        return 1;
    }
    whole(&t.prefill, t.prefill_cycles);
    CHECK(t.block_tokens == 8, "a block of %d tokens", t.block_tokens);
    whole(&t.block, t.block_cycles);
    cJSON *json = xpl_times_json(&d, &t);
    CHECK(rep_times_read(&r, json, "the run", &d, &err), "%s", err.msg);
    cJSON_Delete(json);
    token(&r, &t);
    char *page = 0;
    size_t bytes = 0;
    FILE *f = open_memstream(&page, &bytes);
    if (f == 0)
        return 1;
    rep_write(f, &d, &r, 0);
    fclose(f);
    for (int i = 0; i < t.decode.spans; i++)
        CHECK(strstr(page, t.decode.span[i].name) != 0, "%s is not in the page",
              t.decode.span[i].name);
    free(page);
    printf("spans: %d modules in prefill, %d in decode, %d failures\n",
           t.prefill.spans, t.decode.spans, failures);
    return failures != 0;
}
