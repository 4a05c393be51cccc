/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"
#include <stdio.h>
#include <time.h>
#include <unistd.h>

double fl_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void fl_progress_start(struct fl_progress *p, const char *what, uint64_t total)
{
    *p = (struct fl_progress){what, total, fl_now(), 0, isatty(2)};
    fl_progress_set(p, 0, NULL);
}

void fl_progress_set(struct fl_progress *p, uint64_t done, const char *note)
{
    if (!p->on)
        return;
    double now = fl_now();
    if (done < p->total && now - p->drawn < 0.1)
        return;
    p->drawn = now;
    enum { WIDTH = 28 };
    char bar[WIDTH + 1];
    uint64_t total = p->total ? p->total : 1;
    int full = (int)(done >= total ? WIDTH : done * WIDTH / total);
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < full ? '#' : '.';
    bar[WIDTH] = 0;
    double spent = now - p->start;
    double left = done ? spent / (double)done * (double)(total - done) : 0;
    fprintf(stderr, "\r%s [%s] %llu/%llu  %.0f s, %.0f s left  %s\033[K",
            p->what, bar, (unsigned long long)done,
            (unsigned long long)p->total, spent, left, note ? note : "");
    fflush(stderr);
}

void fl_progress_end(struct fl_progress *p)
{
    if (p->on)
        fprintf(stderr, "\r\033[K");
    p->on = 0;
}
