/* SPDX-License-Identifier: Apache-2.0 */
/* quant/calib.c -- calibration sequences: the text's tokens cut into pieces
 * of one length, of which some are drawn, spread over the whole text. */
#include "model/package.h"
#include "quant/work.h"
#include <stdlib.h>
#include <string.h>

/* The text that ships with the program (share/calibration.txt). */
__asm__(".section .rodata\n"
        ".global quant_text\n"
        ".global quant_text_end\n"
        "quant_text:\n"
        ".incbin \"" QUANT_TEXT "\"\n"
        "quant_text_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char quant_text[], quant_text_end[];

static bool cut(const struct quant_options *o, const struct tok_ids *ids,
                const char *name, int32_t **token, int *sequences,
                struct fl_error *err)
{
    size_t len = (size_t)o->calib_length, pieces = ids->n / len;
    FL_FAIL_IF(pieces < 1, err, FL_RANGE, 0,
               "%s: %zu tokens of calibration text, fewer than one sequence "
               "of %zu",
               name, ids->n, len);
    size_t n = pieces < (size_t)o->calib_sequences ? pieces
                                                   : (size_t)o->calib_sequences;
    *token = malloc(n * len * sizeof **token);
    FL_FAIL_IF(*token == NULL, err, FL_NOMEM, 0, "out of memory");
    for (size_t i = 0; i < n; i++) { /* evenly, from a seeded start */
        size_t piece = (i * pieces / n + o->seed) % pieces;
        memcpy(*token + i * len, ids->id + piece * len, len * sizeof **token);
    }
    *sequences = (int)n;
    return true;
}

bool qt_calibration(const struct quant_options *o, const struct tok *t,
                    int32_t **token, int *sequences, char hash[17],
                    struct fl_error *err)
{
    struct fl_map map = {0};
    const char *text = quant_text, *name = "the built-in text";
    size_t n = (size_t)(quant_text_end - quant_text);
    *token = NULL;
    if (o->calib != NULL) {
        FL_TRY(fl_map_open(&map, o->calib, err));
        text = (const char *)map.data;
        n = map.size;
        name = o->calib;
    }
    struct tok_ids ids = {0};
    pkg_hash_text(pkg_hash(text, n), hash);
    bool ok = tok_encode(t, text, n, 0, &ids, err) &&
              cut(o, &ids, name, token, sequences, err);
    tok_ids_free(&ids);
    if (o->calib != NULL)
        fl_map_close(&map);
    return ok;
}
