/* SPDX-License-Identifier: Apache-2.0 */
/* report/assume.c -- what the figures of the page rest on. */
#include "explore/json.h"
#include "report/html.h"
#include "report/parts.h"
#include <math.h>
#include <string.h>

/* The source that the device file gives for a figure; "" where it has none. */
static const char *source_of(const cJSON *o, const char *key)
{
    const cJSON *f = cJSON_GetObjectItemCaseSensitive(o, key);
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(f, "source");
    return cJSON_IsString(s) ? s->valuestring : "";
}

/* "name FIGURE (source)", or what the design assumes in its place. */
static void figure(FILE *f, const cJSON *memory, const char *key, double known,
                   double assumed, const char *unit)
{
    if (!isnan(known)) {
        fprintf(f, "%g%s (", known, unit);
        rep_text(f, source_of(memory, key));
        fputs(")", f);
    } else {
        fprintf(f, "%g%s (assumed by the design: the device file has none)",
                assumed, unit);
    }
}

static void memories(FILE *f, const struct xpl_design *d, const cJSON *device)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(device, "memories");
    for (int k = 0; k < d->dev.memories; k++) {
        const struct xpl_memory *m = &d->dev.memory[k];
        const cJSON *o = cJSON_GetArrayItem(list, k);
        fputs("<li>Memory ", f);
        rep_textf(f, "%s (%s)", m->name, m->kind);
        if (isnan(m->gb_s)) {
            fputs(": its bandwidth is not known, so nothing lies there.</li>\n",
                  f);
            continue;
        }
        fputs(": ", f);
        figure(f, o, "gb_s", m->gb_s, 0, " GB/s a channel at the pins");
        fputs("; of it counted on, ", f);
        figure(f, o, "efficiency", m->efficiency, d->efficiency, "");
        fputs("; latency ", f);
        figure(f, o, "latency_ns", m->latency_ns, d->latency_ns, " ns");
        fputs(". A request waits its turn behind the others of its channel; "
              "rows, refresh and crossings between channels are only in the "
              "efficiency.</li>\n",
              f);
    }
}

static void clocks(FILE *f, const struct xpl_design *d, const cJSON *device)
{
    fprintf(f,
            "<li>Clocks are inputs: %g MHz in prefill, %g MHz in decode. "
            "Nothing here was placed and routed.",
            d->prefill_mhz, d->decode_mhz);
    if (!isnan(d->dev.clock_mhz)) {
        fprintf(f, " The device file plans with %g MHz (", d->dev.clock_mhz);
        rep_text(f, source_of(device, "clock_mhz"));
        fputs(").", f);
    }
    fputs("</li>\n", f);
}

void rep_assume(FILE *f, const struct xpl_design *d, const struct rep_times *t)
{
    char path[4096];
    cJSON *device = 0;
    if (xpl_json_path(path, sizeof path, "devices", d->device, 0))
        device = xpl_json_open(path, 0);
    rep_section(f, "assumptions", "Assumptions");
    fputs(
        "<ul>\n<li>Nothing ran on a board. Cycles are counted in a run of the "
        "designs' own source, every stream, loop and memory request of it, at "
        "the model's full size; the data is left out, as no cycle depends on "
        "it.</li>\n"
        "<li>A loop of n iterations takes n times its interval, and nothing "
        "passes between loops. Module by module this is held to the "
        "simulated RTL (<code>ctest -L rtl</code>); for a design of this "
        "size there is no RTL simulation.</li>\n",
        f);
    clocks(f, d, device);
    memories(f, d, device);
    fprintf(f,
            "<li>Decode: the second of two tokens, at context %d. Prefill: all "
            "of the prompt but its last token, which is decode's.",
            t->context);
    if (t->answer_s > 0)
        fprintf(f,
                " The answer of %d tokens: the mean of its first and its last "
                "token, as a token's cycles grow linearly with its context.",
                t->generate);
    fputs("</li>\n<li>Weights lie in the card's memory before the first token; "
          "the host's work, the way over PCIe and ",
          f);
    fputs(d->images == 1 ? "loading the one image are not counted.</li>\n"
                         : "changing between the two images are not "
                           "counted.</li>\n",
          f);
    if (t->resources)
        fputs("<li>Resources are estimates before placement, from modules "
              "synthesised alone.</li>\n",
              f);
    if (!isnan(t->token_j))
        fprintf(f,
                "<li>Energy: %g W, what a published design on this card draws, "
                "for all of the time; this design's own power is not "
                "known.</li>\n",
                t->watts);
    fputs("<li>Published figures are their authors', under their "
          "conditions.</li>\n</ul>\n",
          f);
    cJSON_Delete(device);
    rep_section_end(f);
}
