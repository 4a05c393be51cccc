/* SPDX-License-Identifier: Apache-2.0 */
/* report/report.h -- one page of what a design is and does: its figures, the
 * dataflow of both stages, when every module works, the roofline, the memory
 * channels, the resources, the designs beside it, what others published, and
 * what all of it assumes. One file, no script, nothing fetched; it reads on a
 * phone and on paper. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H
#include "report/data.h"
#include <stdio.h>

/* search NULL: none was made. The page is text/html and well-formed XML. */
void rep_write(FILE *f, const struct xpl_design *d, const struct rep_times *t,
               const struct rep_search *search);

#endif
