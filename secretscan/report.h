/* SPDX-License-Identifier: Apache-2.0 */
/* report: findings as text or JSON. The one file that includes jansson. */
#ifndef SECRETSCAN_REPORT_H
#define SECRETSCAN_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report;
struct secretscan_finding;

enum report_format {
	REPORT_TEXT,
	REPORT_JSON,		/* one array */
	REPORT_JSONL,		/* one object a line */
};

/* false when there is no such format. */
bool		 report_format_parse(const char *name, enum report_format *formatp);
/* Writes to standard output. NULL: no memory. */
struct report	*report_new(enum report_format, bool show_secrets);
void		 report_free(struct report *);
/* p, n: the content that the finding is in. 0, or -1 when it could not be written. */
int		 report_add(struct report *, const char *name, const uint8_t *p, size_t n,
		    const struct secretscan_finding *);
int		 report_end(struct report *);

#endif
