/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/timing.h"
#include "fx/fx.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct way {
    char from[64], to[64];
    int levels, lo, hi;
};

struct timing_module {
    char name[128];
    struct timing_loop *loop;
    int loops;
    struct way *way;
    int ways;
};

static struct timing_module *table;
static int modules;

/* NAME_cycles() of a header asks here, see FX_WAY. */
static int way_cycles(const char *module, const char *from, const char *to,
                      int levels)
{
    const struct timing_module *m = timing_module(module);
    if (!from) /* is the loop there? */
        return !m || timing_loop(m, to);
    return m ? timing_way(m, from, to, levels) : 0;
}

const struct timing_module *timing_module(const char *name)
{
    for (int k = 0; k < modules; k++)
        if (!strcmp(table[k].name, name))
            return &table[k];
    return NULL;
}

const struct timing_loop *timing_loop(const struct timing_module *m,
                                      const char *name)
{
    for (int k = 0; k < m->loops; k++)
        if (!strcmp(m->loop[k].name, name))
            return &m->loop[k];
    return NULL;
}

int timing_way(const struct timing_module *m, const char *from, const char *to,
               int levels)
{
    const struct way *best = NULL, *before = NULL;
    for (int k = 0; k < m->ways; k++) {
        const struct way *w = &m->way[k];
        if (strcmp(w->from, from ? from : "start") != 0 ||
            strcmp(w->to, to ? to : "finish") != 0)
            continue;
        bool fits = w->levels <= levels;
        if (!best ||
            (fits && (best->levels > levels || w->levels > best->levels)) ||
            (!fits && best->levels > levels && w->levels < best->levels))
            best = w;
    }
    if (!best || best->levels >= levels)
        return best ? best->hi : 0;
    for (int k = 0; k < m->ways && !before; k++) {
        const struct way *w = &m->way[k];
        if (!strcmp(w->from, best->from) && !strcmp(w->to, best->to) &&
            w->levels == best->levels - 1)
            before = w;
    }
    int each = before ? best->hi - before->hi : 0; /* empty outer bodies */
    return best->hi + (levels - best->levels) * each;
}

/* Room for one more at the end of an array of n; NULL: no memory. */
static void *more(void *array, int n, size_t size)
{
    if (n & (n - 1))
        return array;
    return realloc(array, size * (size_t)(n ? 2 * n : 1));
}

static struct timing_module *module_new(const char *name)
{
    for (int k = 0; k < modules; k++)
        if (!strcmp(table[k].name, name)) {
            table[k].loops = table[k].ways = 0;
            return &table[k];
        }
    struct timing_module *t = more(table, modules, sizeof *t);
    if (!t)
        return NULL;
    table = t;
    t = &table[modules++];
    memset(t, 0, sizeof *t);
    snprintf(t->name, sizeof t->name, "%s", name);
    return t;
}

bool timing_line(struct timing_module **at, const char *line)
{
    char name[128];
    struct timing_loop l;
    struct way w;
    struct timing_module *m = *at;
    if (sscanf(line, "module %127s", name) == 1) {
        fx_way_cycles = way_cycles;
        return (*at = module_new(name)) != NULL;
    }
    if (m && sscanf(line, "loop %63s %d %d %d", l.name, &l.ii, &l.pop,
                    &l.push) == 4) {
        void *p = more(m->loop, m->loops, sizeof l);
        if (p) {
            m->loop = p;
            m->loop[m->loops++] = l;
        }
        return p != NULL;
    }
    if (m && sscanf(line, "way %63s %63s %d %d %d", w.from, w.to, &w.levels,
                    &w.lo, &w.hi) == 5) {
        void *p = more(m->way, m->ways, sizeof w);
        if (p) {
            m->way = p;
            m->way[m->ways++] = w;
        }
        return p != NULL;
    }
    return *line == '#' || *line == '\n';
}

void sim_timing_clear(void)
{
    for (int k = 0; k < modules; k++) {
        free(table[k].loop);
        free(table[k].way);
    }
    free(table);
    table = NULL;
    modules = 0;
}
