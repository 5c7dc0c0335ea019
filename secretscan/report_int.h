/* SPDX-License-Identifier: Apache-2.0 */
/* What the forms of a report share; one file a form. */
#ifndef SECRETSCAN_REPORT_INT_H
#define SECRETSCAN_REPORT_INT_H

#include <stdbool.h>
#include <stddef.h>

struct record;

struct report {
	const struct report_ops	*ops;
	bool			 show_secrets;
	size_t			 count;		/* records before this one */
	void			*state;		/* of the form */
};

/* 0, or -1. begin and end may be NULL; end frees the state. */
struct report_ops {
	const char	*name;
	int		(*begin)(struct report *);
	int		(*add)(struct report *, const struct record *);
	int		(*end)(struct report *);
};

extern const struct report_ops report_text, report_json, report_jsonl, report_sarif, report_junit;

/* Bytes as UTF-8 (caller frees): what is none is taken byte by byte as Latin-1. */
char	*report_utf8(const void *p, size_t n);

#endif
