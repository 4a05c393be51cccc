/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF files from anywhere: refused with a message, or opened; then every
 * tensor can be dequantised and the model, if it is one, loaded. Truncated
 * and changed files of the other kinds that model_open takes go the same way.
 */
#define _GNU_SOURCE /* memfd_create */
#include "model/model.h"
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void read_tensors(const struct gguf *g)
{
    enum { ROW = 1 << 16 };
    static float to[ROW];
    for (size_t k = 0; k < g->tensors; k++) {
        const struct gguf_tensor *t = &g->tensor[k];
        const struct dq_info *info = dq_info(t->type);
        uint64_t blocks = t->bytes / info->bytes;
        for (uint64_t at = 0; at < blocks; at += ROW / 256) {
            uint64_t n = blocks - at < ROW / 256 ? blocks - at : ROW / 256;
            dq_run(t->type, t->data + at * info->bytes, to,
                   (size_t)n * info->block);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct fl_error err = {0};
    struct gguf g;
    if (gguf_parse(&g, data, n, "fuzz", &err)) {
        struct tok *t;
        read_tensors(&g);
        err.msg[0] = 0;
        if (tok_from_gguf(&t, &g, &err)) {
            struct tok_ids ids = {0};
            tok_encode(t, " the \u00e9<|im_end|>\n12", 20,
                       TOK_SPECIAL | TOK_BOS, &ids, &err);
            tok_ids_free(&ids);
            tok_free(t);
        } else if (!err.msg[0]) {
            abort(); /* a failure without a word */
        }
        gguf_close(&g);
    } else if (!err.msg[0]) {
        abort();
    }

    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    char path[64];
    struct model *m;
    if (fd < 0)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    err.msg[0] = 0;
    if (write(fd, data, n) == (ssize_t)n && model_open(&m, path, &err)) {
        struct num_fmodel w;
        if (model_weights(m) < 1 << 20 && model_load(m, &w, &err))
            model_unload(&w);
        if (!model_tok(m) && !*model_tok_why(m))
            abort();
        model_close(m);
    } else if (n && !err.msg[0]) {
        abort();
    }
    close(fd);
    return 0;
}
