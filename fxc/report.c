/* SPDX-License-Identifier: Apache-2.0 */
/* report.c -- what was built, as JSON: docs/fxc.md has the schema. */
#include "fxc/all.h"
#include "base/error.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

static const char *sep(int i)
{
    return i ? ", " : "";
}

static void put_ports(Fn *fn, FILE *f)
{
    fprintf(f, "   \"ports\": [");
    for (int i = 0; i < fn->nport; i++)
        fprintf(f, "%s{\"name\": \"%s\", \"dir\": \"%s\", \"width\": %d}",
                sep(i), fn->port[i]->name, fn->port[i]->out ? "out" : "in",
                fn->port[i]->w);
    fprintf(f, "],\n   \"scalars\": [");
    for (int i = 0; i < fn->nscalar; i++)
        fprintf(f, "%s{\"name\": \"%s\", \"width\": %d, \"signed\": %s}",
                sep(i), fn->scalar[i]->name, fn->scalar[i]->w,
                fn->scalar[i]->sgn ? "true" : "false");
    fprintf(f, "],\n   \"args\": [");
    for (int i = 0, p = 0, s = 0; i < fn->nport + fn->nscalar; i++) {
        bool port = s == fn->nscalar ||
                    (p < fn->nport && fn->port[p]->off < fn->scalar[s]->off);
        fprintf(f, "%s\"%s\"", sep(i),
                port ? fn->port[p++]->name : fn->scalar[s++]->name);
    }
    fprintf(f, "]");
}

static void put_loops(Fn *fn, FILE *f)
{
    int k = 0;
    fprintf(f, ",\n   \"loops\": [");
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        if (!r->pipe)
            continue;
        fprintf(f,
                "%s{\"name\": \"%s\", \"line\": %d, \"ii\": %d, "
                "\"depth\": %d, \"drain\": %d, \"credits\": %d, ",
                sep(k++), r->name, r->loc.line, r->ii, r->nstep, r->drain,
                r->room);
        Recurrence c = critical_recurrence(r);
        fprintf(f, "\"recurrence\": ");
        if (c.cycles)
            fprintf(f,
                    "{\"name\": \"%s\", \"line\": %d, \"cycles\": %d, "
                    "\"ns\": %.2f}, \"trip\": ",
                    c.name, c.loc.line, c.cycles, c.ns);
        else
            fprintf(f, "null, \"trip\": ");
        fprintf(f, r->trip < 0 ? "null}" : "%lld}", (long long)r->trip);
    }
    fprintf(f, "],\n   \"ways\": [");
    Way *w;
    for (int i = 0, n = ways(fn, &w); i < n; i++)
        fprintf(f,
                "%s{\"from\": \"%s\", \"to\": \"%s\", "
                "\"cycles\": [%d, %d]}",
                sep(i), way_from(&w[i]), way_to(&w[i]), w[i].lo, w[i].hi);
    fprintf(f, "]");
}

static void put_memories(Fn *fn, FILE *f)
{
    static const char *kind[] = {"ram", "reg", "rom"};
    int k = 0;
    fprintf(f, ",\n   \"memories\": [");
    for (int i = 0; i < fn->nmem; i++) {
        Mem *m = fn->mem[i];
        if (m->nacc)
            fprintf(f,
                    "%s{\"name\": \"%s\", \"width\": %d, \"depth\": %lld, "
                    "\"banks\": %d, \"kind\": \"%s\"}",
                    sep(k++), m->name, m->storew, (long long)m->depth, m->nbank,
                    kind[m->kind]);
    }
    fprintf(f, "]");
}

static void put_multipliers(Fn *fn, FILE *f)
{
    struct {
        int a, b, n;
    } m[64];
    int k = 0;
    for (int i = 0; i < fn->nnode; i++) {
        Node *n = fn->node[i];
        if (n->op != Omul || !n->live || n->unit)
            continue;
        int a = n->in[0]->rw, b = n->in[1]->rw, j = 0;
        while (j < k && (m[j].a != a || m[j].b != b))
            j++;
        if (j == 64)
            continue;
        if (j == k) {
            m[k].a = a;
            m[k].b = b;
            m[k++].n = 0;
        }
        m[j].n++;
    }
    fprintf(f, ",\n   \"multipliers\": [");
    for (int j = 0; j < k; j++)
        fprintf(f, "%s{\"a\": %d, \"b\": %d, \"count\": %d}", sep(j), m[j].a,
                m[j].b, m[j].n);
    fprintf(f, "]");
    fprintf(f, ",\n   \"shared\": [");
    for (int i = 0; i < fn->nunit; i++) {
        const Unit *u = fn->unit[i];
        fprintf(f, "%s{\"a\": %d, \"b\": %d, \"uses\": %d}", sep(i), u->a, u->b,
                u->nuse);
    }
    fprintf(f, "]");
}

static void put_dataflow(Fn *fn, FILE *f)
{
    fprintf(f, ",\n   \"fifos\": [");
    for (int i = 0; i < fn->nfifo; i++) {
        Fifo *q = fn->fifo[i];
        fprintf(f,
                "%s{\"name\": \"%s\", \"width\": %d, \"depth\": %lld, "
                "\"writer\": \"%s\", \"reader\": \"%s\"}",
                sep(i), q->name, q->w, (long long)q->depth, q->writer->name,
                q->reader->name);
    }
    fprintf(f, "],\n   \"instances\": [");
    for (int i = 0; i < fn->ninst; i++)
        fprintf(f, "%s{\"name\": \"%s\", \"module\": \"%s\"}", sep(i),
                fn->inst[i]->name, fn->inst[i]->fn->name);
    fprintf(f, "]");
}

void report(Fn **fn, int n, const char *path)
{
    struct fl_error err;
    struct fl_out o;
    if (!fl_out_open(&o, path, &err)) {
        fprintf(stderr, "fxc: %s\n", err.msg);
        exit(1);
    }
    fprintf(o.f,
            "{\"top\": \"%s\", \"source\": \"%s\", \"target\": \"%s\", "
            "\"period\": %.2f,\n \"modules\": [",
            fn[n - 1]->name, fn[n - 1]->source, target->name, period);
    for (int i = n - 1; i >= 0; i--) {
        fprintf(o.f, "%s\n  {\"name\": \"%s\", \"kind\": \"%s\",\n",
                i < n - 1 ? "," : "", fn[i]->name,
                fn[i]->dataflow ? "dataflow" : "leaf");
        put_ports(fn[i], o.f);
        put_loops(fn[i], o.f);
        put_memories(fn[i], o.f);
        put_multipliers(fn[i], o.f);
        put_dataflow(fn[i], o.f);
        fprintf(o.f,
                ",\n   \"pipe_bits\": %ld, \"pipe_control\": %ld, "
                "\"states\": %d}",
                fn[i]->pipebits, fn[i]->ctlbits, fn[i]->nstate);
    }
    fprintf(o.f, "]}\n");
    if (!fl_out_commit(&o, &err)) {
        fprintf(stderr, "fxc: %s\n", err.msg);
        exit(1);
    }
}
