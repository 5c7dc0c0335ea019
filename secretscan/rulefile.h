/* SPDX-License-Identifier: Apache-2.0 */
/* rulefile: the YAML form of rules. The one file that includes libyaml. */
#ifndef SECRETSCAN_RULEFILE_H
#define SECRETSCAN_RULEFILE_H

#include <stddef.h>

struct rule;
struct rule_text;

/* Rules read so far; grows, bounded by SS_RULES_MAX. */
struct rules {
	struct rule		*v;
	size_t			 n;
	struct rule_text	*texts;		/* what the lists of rules from a pack hold */
};

void	rules_release(struct rules *);
/* Append the rules of one file, already read. 0, or a code of secretscan.h and *errorp (caller frees). */
int	rulefile_parse(struct rules *, const char *name, const void *p, size_t n, char **errorp);

#endif
