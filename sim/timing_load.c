/* SPDX-License-Identifier: Apache-2.0 */
/* sim/timing_load.c -- alone, so that a run without a table needs no base/. */
#include "sim/timing.h"
#include <stdio.h>

bool sim_timing_load(const char *path, struct fl_error *err)
{
    FILE *in = fopen(path, "r");
    struct timing_module *m = NULL;
    char line[512];
    uint64_t n = 0;
    FL_FAIL_IF(!in, err, FL_IO, 0,
               "%s: cannot be read; fxc --timing writes such a file", path);
    while (fgets(line, sizeof line, in)) {
        n++;
        if (timing_line(&m, line))
            continue;
        fclose(in);
        fl_fail(err, FL_FORMAT, n,
                "%s: line %llu is not what fxc --timing "
                "writes; make the file anew",
                path, (unsigned long long)n);
        return false;
    }
    bool bad = ferror(in) != 0;
    fclose(in);
    FL_FAIL_IF(bad, err, FL_IO, 0, "%s: cannot be read", path);
    return true;
}
