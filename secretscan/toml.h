/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml: a reader of TOML 1.0 (toml.io), for files that users of other scanners have. Everything but dates and times,
 * which are refused. Bounded in size, number and depth of values; hostile input is an error with its line.
 */
#ifndef SECRETSCAN_TOML_H
#define SECRETSCAN_TOML_H

#include <stdbool.h>
#include <stddef.h>

#define TOML_BYTES_MAX	((size_t)4 << 20)
#define TOML_VALUES_MAX	200000
#define TOML_DEPTH_MAX	16

enum toml_type {
	TOML_STRING,
	TOML_INTEGER,
	TOML_FLOAT,
	TOML_BOOL,
	TOML_ARRAY,
	TOML_TABLE,
};

struct toml {
	enum toml_type	 type;
	unsigned	 line;
	char		*key;		/* in a table */
	char		*text;		/* TOML_STRING, NUL-terminated; a NUL within is refused */
	long long	 integer;	/* TOML_INTEGER and TOML_BOOL */
	double		 number;	/* TOML_INTEGER and TOML_FLOAT */
	struct toml	**items;	/* of an array or table */
	size_t		 n;
	bool		 closed;	/* a table or array that was written in full: nothing is added later */
	bool		 defined;	/* a table that had its [header] */
};

/* The table of the file; NULL and *errorp "NAME:LINE: TEXT" (caller frees) when it is none. */
struct toml		*toml_parse(const char *name, const char *p, size_t n, char **errorp);
void			 toml_free(struct toml *);
/* NULL when the table has no such key. */
const struct toml	*toml_get(const struct toml *table, const char *key);

#endif
