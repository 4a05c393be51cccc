/* SPDX-License-Identifier: Apache-2.0 */
/* report/html.h -- writes markup that both an HTML browser and a strict XML
 * parser accept: every element closed, every attribute quoted, only numbered
 * entities. What comes from a file goes through rep_text: nothing in it can
 * open an element, and bytes that are no UTF-8 become U+FFFD. */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H
#include <stdio.h>

/* Escaped; for text and for attributes. */
void rep_text(FILE *f, const char *s);
__attribute__((format(printf, 2, 3))) void rep_textf(FILE *f, const char *fmt,
                                                     ...);

void rep_open(FILE *f, const char *title);
void rep_close(FILE *f);

/* A section with its heading; both texts are ours, not escaped. */
void rep_section(FILE *f, const char *id, const char *title);
void rep_section_end(FILE *f);

/* A paragraph that says what is absent and where it comes from. */
void rep_absent(FILE *f, const char *html);

/* 1234567 as "1.23 M", 0.0123 as "12.3 m", with the unit behind. */
void rep_si(FILE *f, double v, const char *unit);

/* 1234567 as 1,234,567. */
void rep_count(FILE *f, double n);

/* The style sheet. */
extern const char rep_style[];

#endif
