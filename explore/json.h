/* SPDX-License-Identifier: Apache-2.0 */
/* explore/json.h -- what the files of the explorer have in common: JSON whose
 * every member is checked, and one line that names file, member and remedy.
 *
 *     cJSON *root = xpl_json_open(path, &err);
 *     FL_TRY(xpl_json_int(root, path, "layers", 1, 1024, &layers, &err));
 *     cJSON_Delete(root);
 *
 * A quantity with its source is {"value": number or null, "source": "text"};
 * null is read as NAN: not known.
 */
#ifndef EXPLORE_JSON_H
#define EXPLORE_JSON_H
#include "base/error.h"
#include <cjson/cJSON.h>
#include <stddef.h>

/* The root object of a file of at most 1 MiB, or NULL. */
cJSON *xpl_json_open(const char *path, struct fl_error *err);

/* designs/FOLDER/NAME.json of the source tree where name is a bare word, else
 * name itself. False: it does not fit. */
bool xpl_json_path(char *out, size_t n, const char *folder, const char *name,
                   struct fl_error *err);

/* Members of o; `path` is for messages. They must be there. */
bool xpl_json_object(const cJSON *o, const char *path, const char *key,
                     const cJSON **out, struct fl_error *err);
/* An array of at most `most` members. */
bool xpl_json_array(const cJSON *o, const char *path, const char *key, int most,
                    const cJSON **out, struct fl_error *err);
bool xpl_json_text(const cJSON *o, const char *path, const char *key, char *out,
                   size_t n, struct fl_error *err);
bool xpl_json_int(const cJSON *o, const char *path, const char *key, int lo,
                  int hi, int *out, struct fl_error *err);
bool xpl_json_real(const cJSON *o, const char *path, const char *key, double lo,
                   double hi, double *out, struct fl_error *err);
bool xpl_json_bool(const cJSON *o, const char *path, const char *key, int *out,
                   struct fl_error *err);
bool xpl_json_figure(const cJSON *o, const char *path, const char *key,
                     double lo, double hi, double *out, struct fl_error *err);

#endif
