/* SPDX-License-Identifier: Apache-2.0 */
/* report: findings on standard output, in one of several forms. */
#ifndef SECRETSCAN_REPORT_H
#define SECRETSCAN_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct record;
struct report;

/* NULL: no such format. Ends with report_end(). */
struct report	*report_new(const char *format, bool show_secrets);
/* 0, or -1 when it could not be written. */
int		 report_add(struct report *, const struct record *);
/* Write what belongs at the end, and free. 0, or -1 when it could not be written. */
int		 report_end(struct report *);

/* Bytes for a terminal: nothing that moves its cursor or turns the order of letters round. */
void		 report_put_safe(FILE *, const void *p, size_t n);

#endif
