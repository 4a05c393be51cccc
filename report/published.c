/* SPDX-License-Identifier: Apache-2.0 */
/* report/published.c -- what others published, beside this design. Figures are
 * their authors'; `share` is arithmetic on them: bytes of the weights times
 * tokens/s over the bandwidth of the card. */
#include "report/html.h"
#include "report/parts.h"
#include <string.h>

static const struct system {
    const char *name, *device, *model, *format;
    const char *decode, *prefill, *share, *status, *source, *url;
    double tok_s;          /* decode; 0: not of a model that we have */
    const char *our_model; /* its name in designs/models */
} systems[] = {
    {"FlexLLM, paper", "U280, 292 MHz", "Llama-3.2-1B", "W4A4KV8", "144",
     "1.65 s / 1,024", "19 %", "measured, two bitstreams", "arXiv 2601.15710",
     "https://arxiv.org/abs/2601.15710", 144, "llama32_1b"},
    {"FlexLLM, board log", "U280", "Llama-3.2-1B", "W4A4KV8",
     "108 (256 after 1,024)", "1.66 s / 1,024", "14 %", "measured, August 2025",
     "FPGA_Friendly_SpinQuant, U280_test_result", 0, 108, "llama32_1b"},
    {"FlexLLM, paper", "V80, 300 MHz", "Llama-3.2-1B", "W4A4KV8", "595",
     "0.61 s / 1,024", "45 %", "scaled from U280", "arXiv 2601.15710",
     "https://arxiv.org/abs/2601.15710", 595, "llama32_1b"},
    {"Apex Unified Engine", "Kintex US+ KU5P, 333 MHz", "Llama-3.2-1B", "IF4",
     "12.9", "18.9 tokens/s", "89 %", "measured, 4.5 W",
     "apex-compute/unified-engine",
     "https://github.com/apex-compute/unified-engine", 12.93, "llama32_1b"},
    {"Transformers, SDPA", "A100", "Llama-3.2-1B", "BF16", "50.2", "", "6 %",
     "measured, batch 1", "LinLinHua/llm-inference-engine",
     "https://github.com/LinLinHua/llm-inference-engine", 50.22, "llama32_1b"},
    {"Megakernel", "H100", "Llama-3.2-1B", "BF16", "about 1,050", "", "78 %",
     "published share of bandwidth", "hazyresearch.stanford.edu, 2025-05-27", 0,
     1050, "llama32_1b"},
    {"LlamaF", "ZCU102", "TinyLlama-1.1B", "W8A8", "1.48", "", "", "measured",
     "arXiv 2409.11424", "https://arxiv.org/abs/2409.11424", 1.48,
     "tinyllama_1_1b"},
    {"FlightLLM", "U280, 225 MHz", "LLaMA2-7B", "W3.5A8 sparse", "55", "",
     "66 %", "measured", "arXiv 2401.03868", "https://arxiv.org/abs/2401.03868",
     0, 0},
    {"FlightLLM", "VHK158", "LLaMA2-7B", "W3.5A8 sparse", "92.5", "", "",
     "simulated", "arXiv 2401.03868", "https://arxiv.org/abs/2401.03868", 0, 0},
    {"AccLLM", "U280, 225 MHz", "LLaMA2-7B", "W2A8KV4 2:4", "164", "", "",
     "cycle-accurate simulation", "arXiv 2505.03745",
     "https://arxiv.org/abs/2505.03745", 0, 0},
    {"EdgeLLM", "VCU128, 280 MHz", "GLM-6B", "W4 FP16", "85.8 to 90", "",
     "61 %", "measured", "arXiv 2407.21325", "https://arxiv.org/abs/2407.21325",
     0, 0},
    {"DFX", "U280, 200 MHz", "GPT-2 345M", "FP16", "185", "", "28 %",
     "measured", "arXiv 2209.10797", "https://arxiv.org/abs/2209.10797", 0, 0},
    {"Spatial-LLM (Allo)", "U280, 250 MHz", "GPT-2 medium", "W4A8", "204", "",
     "8 %", "measured", "arXiv 2312.15159", "https://arxiv.org/abs/2312.15159",
     0, 0},
    {"StreamTensor", "U55C, 250 MHz", "GPT-2", "W4A8", "199.5 to 229.6",
     "35 to 273 ms", "8 %", "measured", "arXiv 2509.13694",
     "https://arxiv.org/abs/2509.13694", 0, 0},
    {"Li et al.", "KV260, 300 MHz", "LLaMA2-7B", "AWQ4", "4.9", "", "85 %",
     "measured", "arXiv 2502.10659", "https://arxiv.org/abs/2502.10659", 0, 0},
    {"TeLLMe v2", "KV260", "BitNet 0.73B", "ternary A8", "up to 25", "", "",
     "measured, 5 to 7 W", "arXiv 2510.15926",
     "https://arxiv.org/abs/2510.15926", 0, 0},
    {"PD-Swap", "KV260", "BitNet 0.73B", "ternary A8", "up to 27", "", "",
     "measured, partial reconfiguration", "arXiv 2512.11550",
     "https://arxiv.org/abs/2512.11550", 0, 0},
};

static void cell(FILE *f, const char *head, const char *text)
{
    fprintf(f, "<td data-h=\"%s\">", head);
    rep_text(f, text);
    fputs("</td>", f);
}

static void ours(FILE *f, const struct xpl_design *d, const struct rep_times *t)
{
    char text[192];
    fputs("<tr class=\"ours\">", f);
    cell(f, "system", "this design");
    snprintf(text, sizeof text, "%s, %g MHz", d->dev.title, d->decode_mhz);
    cell(f, "device", text);
    snprintf(text, sizeof text, "%s, %s", d->model, d->scheme);
    cell(f, "model", text);
    snprintf(text, sizeof text, "%.1f", t->decode_tok_s);
    cell(f, "tokens/s", text);
    cell(f, "ours / theirs", "");
    snprintf(text, sizeof text, "%.3g s / %d", t->prefill_s, t->prompt);
    cell(f, "prefill", t->prefill_s > 0 ? text : "");
    snprintf(text, sizeof text, "%.0f %%", 100 * t->hbm_utilisation);
    cell(f, "of bandwidth", text);
    cell(f, "how", "timed run: a projection");
    fputs("<td data-h=\"source\">this page</td></tr>\n", f);
}

static void row(FILE *f, const struct system *s, const struct xpl_design *d,
                const struct rep_times *t)
{
    fputs("<tr>", f);
    cell(f, "system", s->name);
    cell(f, "device", s->device);
    fputs("<td data-h=\"model\">", f);
    rep_textf(f, "%s, %s", s->model, s->format);
    fputs("</td>", f);
    cell(f, "tokens/s", s->decode);
    fputs("<td data-h=\"ours / theirs\">", f);
    if (s->tok_s > 0 && strcmp(s->our_model, d->model) == 0)
        fprintf(f, "%.*f&#xA0;&#xD7;", t->decode_tok_s < 10 * s->tok_s ? 2 : 0,
                t->decode_tok_s / s->tok_s);
    fputs("</td>", f);
    cell(f, "prefill", s->prefill);
    cell(f, "of bandwidth", s->share);
    cell(f, "how", s->status);
    fputs("<td data-h=\"source\">", f);
    if (s->url != 0)
        fprintf(f, "<a href=\"%s\">%s</a>", s->url, s->source);
    else
        rep_text(f, s->source);
    fputs("</td></tr>\n", f);
}

void rep_published(FILE *f, const struct xpl_design *d,
                   const struct rep_times *t)
{
    rep_section(f, "published", "Beside published systems");
    fprintf(f,
            "<p>One sequence at a time, decode in tokens/s. Models, formats "
            "and ways of measuring differ; the share of the card's bandwidth "
            "that goes into weights is what compares best. Ours is a "
            "projection at context %d. Theirs are as their authors or an index "
            "of such systems state them; not each was looked up in its "
            "paper.</p>\n<div class=\"wide\">\n"
            "<table class=\"stack\">\n<thead><tr><th>system</th>"
            "<th>device</th><th>model</th><th>tokens/s</th>"
            "<th>ours / theirs</th><th>prefill</th><th>of bandwidth</th>"
            "<th>how</th><th>source</th></tr></thead>\n<tbody>\n",
            t->context);
    ours(f, d, t);
    for (size_t k = 0; k < sizeof systems / sizeof *systems; k++)
        row(f, &systems[k], d, t);
    fputs("</tbody></table>\n</div>\n", f);
    rep_section_end(f);
}
