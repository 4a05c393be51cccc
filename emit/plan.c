/* SPDX-License-Identifier: Apache-2.0 */
/* emit/plan.c -- the ports and scalars of a design from its parallelism alone,
 * written as fxc's report writes them. It saves the HLS sources a compilation;
 * where fxc does compile, its report must say the same.
 *
 * The ports are those of llama_prefill and llama_decode (designs/), the
 * scalars those of designs/scalars.h.
 */
#include "emit/plan.h"
#include "designs/scalars.h"
#include <stdio.h>

static void port(cJSON *ports, const char *name, const char *dir, int width)
{
    cJSON *p = cJSON_CreateObject();
    cJSON_AddStringToObject(p, "name", name);
    cJSON_AddStringToObject(p, "dir", dir);
    cJSON_AddNumberToObject(p, "width", width);
    cJSON_AddItemToArray(ports, p);
}

/* Members stem[0] .. stem[n - 1]; n = 0: the member stem. */
static void ports_of(cJSON *ports, const char *stem, int n, const char *dir,
                     int width)
{
    char name[112];
    if (n == 0)
        port(ports, stem, dir, width);
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s_%d", stem, i);
        port(ports, name, dir, width);
    }
}

static void memory(cJSON *ports, const char *stem, int n, int width)
{
    char req[96];
    snprintf(req, sizeof req, "%s_req", stem);
    ports_of(ports, req, n, "out", 64);
    ports_of(ports, stem, n, "in", width);
}

static void cache(cJSON *ports, const char *which, int stripes, int width)
{
    char name[64];
    snprintf(name, sizeof name, "%s_write_req", which);
    ports_of(ports, name, stripes, "out", 64);
    snprintf(name, sizeof name, "%s_write", which);
    ports_of(ports, name, stripes, "out", width);
    snprintf(name, sizeof name, "%s_ack", which);
    ports_of(ports, name, stripes, "in", 1);
    snprintf(name, sizeof name, "%s_read", which);
    memory(ports, name, stripes, width);
}

static void scalar(cJSON *list, const char *name, size_t bytes)
{
    cJSON *s = cJSON_CreateObject();
    cJSON_AddStringToObject(s, "name", name);
    cJSON_AddNumberToObject(s, "width", 8 * (double)bytes);
    cJSON_AddItemToArray(list, s);
}

cJSON *emit_plan(int stage, const struct dsn_config *c,
                 const struct dsn_room *room)
{
    bool decode = stage == DSN_DECODE;
    int bp = decode ? c->bp : 1, lanes = decode ? c->bp * c->dwp : c->wp;
    int channels = decode ? c->ch : c->pch, stripes = decode ? c->hp : 1;
    cJSON *report = cJSON_CreateObject(), *top = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(report, "modules"), top);
    cJSON_AddStringToObject(top, "name",
                            decode ? "llama_decode" : "llama_prefill");
    cJSON *p = cJSON_AddArrayToObject(top, "ports");
    port(p, "table", "in", 32 * DSN_WORDS);
    port(p, "ids", "in", decode ? 32 : 32 * c->tp);
    if (decode) {
        port(p, "ends", "in", 32 * DSN_MAX_EOS);
        port(p, "y", "out", 32);
        port(p, "logits", "out", 27 * bp);
    }
    memory(p, "weights", channels, lanes / channels * c->wbits);
    memory(p, "side", 0, 32 * bp);
    memory(p, "rope", 0, 16 * (bp < 2 ? 2 : bp));
    if (room->group != 0)
        memory(p, "mul", 0, 8 * bp);
    memory(p, "embed", 0, 8 * c->kp);
    cache(p, "k", stripes, 8 * c->kp);
    cache(p, "v", stripes, 8 * c->kp);
    cJSON *s = cJSON_AddArrayToObject(top, "scalars");
#define SCALAR(type, name) scalar(s, #name, sizeof(type));
    DSN_COMMON_SCALARS(SCALAR)
    if (decode) {
        DSN_DECODE_SCALARS(SCALAR)
    }
#undef SCALAR
    return report;
}
