/* SPDX-License-Identifier: Apache-2.0 */
/* Hugging Face models from anywhere: the input is a config.json up to the
 * first zero byte and a safetensors file after it.
 */
#include "model/model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char config[256], tensors[256];

static void clean(void)
{
    unlink(config);
    unlink(tensors);
    *strrchr(config, '/') = 0;
    rmdir(config);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *at = getenv("TMPDIR");
    char dir[200];
    snprintf(dir, sizeof dir, "%.150s/fuzz_hf.XXXXXX", at ? at : P_tmpdir);
    if (!mkdtemp(dir))
        abort();
    snprintf(config, sizeof config, "%s/m.config.json", dir);
    snprintf(tensors, sizeof tensors, "%s/m.safetensors", dir);
    atexit(clean);
    return 0;
}

static void put(const char *path, const uint8_t *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, n, f) != n || fclose(f) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const uint8_t *zero = memchr(data, 0, n);
    size_t text = zero ? (size_t)(zero - data) : n;
    size_t from = zero ? text + 1 : n;
    struct fl_error err = {0};
    struct model *m;
    put(config, data, text);
    put(tensors, data + from, n - from);
    if (model_open(&m, tensors, &err)) {
        struct num_fmodel w;
        if (model_weights(m) < 1 << 20 && model_load(m, &w, &err))
            model_unload(&w);
        model_close(m);
    } else if (!err.msg[0]) {
        abort();
    }
    return 0;
}
