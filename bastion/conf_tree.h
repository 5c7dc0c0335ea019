/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_tree: a YAML file as a tree of maps, lists and scalars with line numbers, and the typed readers on it. The only
 * place that meets libyaml. Nothing is typed by YAML: a scalar is its text until a reader below asks for a type.
 * Refused: several documents, anchors, aliases, tags, merge keys, a key given twice, keys that are not scalars,
 * NUL bytes, depth, size and count over the ceilings.
 */
#ifndef BASTION_CONF_TREE_H
#define BASTION_CONF_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/base/strvec.h"

#define TREE_MAX_DEPTH	12
#define TREE_MAX_NODES	50000
#define TREE_MAX_SCALAR	16384

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree {
	enum tree_kind	  kind;
	unsigned	  line;
	char		 *text;		/* a scalar's */
	struct tree	**items;	/* of a list or map */
	char		**keys;		/* of a map, items[i] belongs to keys[i] */
	unsigned	 *key_lines;
	size_t		  n;
};

/* Where a reader puts the first thing that is wrong: "FILE:LINE: TEXT". text is owned; free it. */
struct tree_error {
	const char	*file;
	char		*text;
};

/* Note an error unless there is one already. Always ERR_FORMAT. line 0 = none. */
int	tree_fail(struct tree_error *, unsigned line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* An empty file is an empty map. 0 or ERR_FORMAT with the error noted. The caller frees. */
int	tree_parse(const void *p, size_t n, struct tree **, struct tree_error *);
void	tree_free(struct tree *);

/* The value of a key, or NULL. */
const struct tree	*tree_get(const struct tree *map, const char *key);
/* ERR_FORMAT unless this is a map whose every key is in the NULL-ended list; the nearest known key is suggested. */
int	tree_keys(const struct tree *, const char *what, const char *const *known, struct tree_error *);
int	tree_is_map(const struct tree *, const char *what, struct tree_error *);
/* The nearest word of a NULL-ended list, or NULL when none is near. */
const char	*tree_nearest(const char *word, const char *const *known);

/* Typed readers: 0, or ERR_FORMAT with "WHAT must be ..". Strings are not empty and hold no control characters. */
int	tree_string(const struct tree *, const char *what, char **sp, struct tree_error *);	/* the caller frees */
int	tree_bool(const struct tree *, const char *what, bool *bp, struct tree_error *);
int	tree_number(const struct tree *, const char *what, int64_t min, int64_t max, int64_t *np, struct tree_error *);
int	tree_duration(const struct tree *, const char *what, int64_t min, int64_t max, int64_t *msp, struct tree_error *);
/* Bytes: a number, or one with K, M, G or T (powers of 1024). */
int	tree_size(const struct tree *, const char *what, int64_t min, int64_t max, int64_t *np, struct tree_error *);
/* A list of strings; a single string is a list of one. Adds to v, at most max. */
int	tree_strings(const struct tree *, const char *what, size_t max, struct strvec *v, struct tree_error *);

#endif
