/* SPDX-License-Identifier: Apache-2.0 */
/* designs/config.c -- names, limits and what must divide what. */
#include "designs/config.h"
#include "num/hadamard.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t at;
    int max, optional;
} field[] = {
    {"tp", offsetof(struct dsn_config, tp), DSN_MAX_LANES, 0},
    {"wp", offsetof(struct dsn_config, wp), DSN_MAX_LANES, 0},
    {"bp", offsetof(struct dsn_config, bp), DSN_MAX_LANES, 0},
    {"dwp", offsetof(struct dsn_config, dwp), DSN_MAX_LANES, 0},
    {"ch", offsetof(struct dsn_config, ch), DSN_MAX_CH, 0},
    {"kp", offsetof(struct dsn_config, kp), DSN_MAX_LANES, 0},
    {"hp", offsetof(struct dsn_config, hp), DSN_MAX_HP, 0},
    {"wbits", offsetof(struct dsn_config, wbits), 8, 1},
    {"deep", offsetof(struct dsn_config, deep), DSN_MAX_DEEP, 1},
    {"fm", offsetof(struct dsn_config, fm), 36, 1},
    {"pch", offsetof(struct dsn_config, pch), DSN_MAX_CH, 1},
    {"ap", offsetof(struct dsn_config, ap), DSN_MAX_LANES, 1},
    {"turns", offsetof(struct dsn_config, turns), 2, 1},
};
enum { FIELDS = sizeof field / sizeof *field };

const char *dsn_config_name(int k)
{
    return k < FIELDS ? field[k].name : 0;
}

int dsn_config_most(int k)
{
    return field[k].max;
}

int *dsn_config_at(struct dsn_config *c, int k)
{
    return (int *)(void *)((char *)c + field[k].at);
}

bool dsn_config_optional(int k)
{
    return field[k].optional;
}

int dsn_config_find(const char *name, size_t n)
{
    for (int k = 0; k < FIELDS; k++)
        if (strlen(field[k].name) == n && strncmp(name, field[k].name, n) == 0)
            return k;
    return -1;
}

static int gcd(int a, int b)
{
    return b == 0 ? a : gcd(b, a % b);
}

struct dsn_config dsn_config_for(const struct num_qmodel *m)
{
    const struct num_shape *s = &m->shape;
    int all = gcd(gcd(s->d, num_had_split(s->ffn).p), num_had_split(s->head).p);
    int kp = s->head & -s->head;
    struct dsn_config c = {.tp = 8, .wp = 32, .ch = 1, .dwp = 16, .hp = 1};
    all &= -all;
    c.bp = all < 8 ? all : 8;
    c.kp = kp < 16 ? kp : 16;
    return c;
}

bool dsn_config_parse(struct dsn_config *c, const char *text,
                      struct fl_error *err)
{
    for (const char *p = text; *p != 0;) {
        size_t n = strcspn(p, "=,");
        int i = p[n] == '=' ? dsn_config_find(p, n) : -1;
        FL_FAIL_IF(i < 0, err, FL_FORMAT, (uint64_t)(p - text),
                   "parallelism \"%s\": no such name at \"%.16s\", know tp wp "
                   "bp dwp ch kp hp wbits deep fm pch ap turns",
                   text, p);
        char *end;
        long v = strtol(p + n + 1, &end, 10);
        FL_FAIL_IF(end == p + n + 1 || (*end != 0 && *end != ','), err,
                   FL_FORMAT, (uint64_t)(p - text),
                   "parallelism \"%s\": %s wants a number", text,
                   field[i].name);
        FL_FAIL_IF(v < 1 || v > field[i].max, err, FL_RANGE,
                   (uint64_t)(p - text), "parallelism \"%s\": %s is 1 to %d",
                   text, field[i].name, field[i].max);
        *dsn_config_at(c, i) = (int)v;
        p = *end == ',' ? end + 1 : end;
    }
    return true;
}

static int widest(const struct num_qmodel *m)
{
    int bits = num_weight_bits(&m->head);
    for (int l = 0; l < m->shape.layers; l++)
        for (int i = 0; i < NUM_LINEARS; i++)
            if (num_weight_bits(&m->layer[l].lin[i]) > bits)
                bits = num_weight_bits(&m->layer[l].lin[i]);
    return bits;
}

int dsn_group(const struct num_qmodel *m)
{
    int group = m->head.group;
    for (int l = 0; l < m->shape.layers; l++)
        for (int i = 0; i < NUM_LINEARS; i++) {
            int g = m->layer[l].lin[i].group;
            if (group != 0 && g != 0 && g != group)
                return -1;
            group = g != 0 ? g : group;
        }
    return group;
}

bool dsn_config_check(struct dsn_config *c, const struct num_qmodel *m,
                      struct fl_error *err)
{
    const struct num_shape *s = &m->shape;
    int bits = widest(m);
    if (c->wbits == 0)
        c->wbits = bits;
    if (c->deep == 0)
        c->deep = 2;
    if (c->fm == 0)
        c->fm = 2;
    if (c->pch == 0)
        c->pch = 1;
    if (c->ap == 0)
        c->ap = c->kp;
    if (c->turns == 0)
        c->turns = 2;
    for (int i = 0; i < FIELDS; i++)
        FL_FAIL_IF(*dsn_config_at(c, i) < 1 ||
                       *dsn_config_at(c, i) > field[i].max,
                   err, FL_RANGE, 0, "parallelism: %s is %d, must be 1 to %d",
                   field[i].name, *dsn_config_at(c, i), field[i].max);
    FL_FAIL_IF(c->wbits != 4 && c->wbits != 8, err, FL_RANGE, 0,
               "parallelism: wbits is %d, must be 4 or 8", c->wbits);
    FL_FAIL_IF(c->wbits < bits, err, FL_UNSUPPORTED, 0,
               "the model has %d-bit weights, the design takes %d: set "
               "wbits=%d",
               bits, c->wbits, bits);
    FL_FAIL_IF((c->bp & (c->bp - 1)) != 0, err, FL_RANGE, 0,
               "parallelism: bp is %d, must be a power of two", c->bp);
    FL_FAIL_IF(c->dwp % c->bp != 0, err, FL_RANGE, 0,
               "parallelism: bp %d must divide dwp %d", c->bp, c->dwp);
    FL_FAIL_IF(c->bp * c->dwp % c->ch != 0, err, FL_RANGE, 0,
               "parallelism: ch %d must divide bp * dwp = %d", c->ch,
               c->bp * c->dwp);
    FL_FAIL_IF(c->wp % c->pch != 0, err, FL_RANGE, 0,
               "parallelism: pch %d must divide wp %d", c->pch, c->wp);
    FL_FAIL_IF(c->kp % c->ap != 0, err, FL_RANGE, 0,
               "parallelism: ap %d must divide kp %d", c->ap, c->kp);
    FL_FAIL_IF(s->d % c->bp != 0 || s->ffn % c->bp != 0 || s->head % c->bp != 0,
               err, FL_UNSUPPORTED, 0,
               "parallelism: bp %d must divide d %d, ffn %d and head %d", c->bp,
               s->d, s->ffn, s->head);
    FL_FAIL_IF(c->kp % c->bp != 0 || s->head % c->kp != 0, err, FL_UNSUPPORTED,
               0, "parallelism: bp %d must divide kp %d, and kp head %d", c->bp,
               c->kp, s->head);
    FL_FAIL_IF((m->r4 && num_had_split(s->ffn).p % c->bp != 0) ||
                   (m->r3 && num_had_split(s->head).p % c->bp != 0),
               err, FL_UNSUPPORTED, 0,
               "parallelism: bp %d must divide the power of two in the "
               "Hadamard transforms of ffn %d and head %d",
               c->bp, s->ffn, s->head);
    int group = dsn_group(m);
    FL_FAIL_IF(group < 0 || group > 1024 || group % c->bp != 0, err,
               FL_UNSUPPORTED, 0,
               "the designs take weight groups of one size, up to 1024 and a "
               "multiple of bp %d, or none",
               c->bp);
    FL_FAIL_IF(m->kvbits != 8, err, FL_UNSUPPORTED, 0,
               "the design keeps keys and values in 8 bits, the model in %d",
               m->kvbits);
    return true;
}
