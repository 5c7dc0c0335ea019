/* SPDX-License-Identifier: Apache-2.0 */
/* What gitleaks-file.c reads and gitleaks.c uses. */
#ifndef SECRETSCAN_GITLEAKS_INT_H
#define SECRETSCAN_GITLEAKS_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secretscan/rulefile.h"

struct prefilter;
struct rule;
struct search;

struct gitleaks_texts {
	char	**v;
	size_t	  n;
};

struct gitleaks_searches {
	struct search	**v;
	size_t		  n;
};

enum gitleaks_target {
	TARGET_SECRET,
	TARGET_MATCH,
	TARGET_LINE,
};

struct gitleaks_allow {
	bool				 all;	/* every condition that is given, not one of them */
	enum gitleaks_target		 target;
	struct gitleaks_searches	 regexes, paths;
	struct gitleaks_texts		 commits, stopwords;
	struct gitleaks_texts		 rules;	/* ids that it speaks of; none: all */
};

struct gitleaks_allows {
	struct gitleaks_allow	*v;
	size_t			 n;
};

struct gitleaks_entry {
	char			*id, *description, *file;
	struct search		*regex;		/* NULL: a rule on paths, or one that only has allow lists */
	char			*pattern;
	struct search		*path;
	size_t			 group;		/* of the secret; 0: the first that took part */
	double			 entropy;
	struct gitleaks_texts	 keywords;
	struct gitleaks_allows	 allows;
};

struct gitleaks {
	uint8_t			 key[32];
	struct gitleaks_entry	*v;
	size_t			 n;
	struct gitleaks_allows	 allows;	/* of all rules */
	struct gitleaks_texts	 disabled;
	struct rules		 keywords;	/* a rule for each entry with keywords, as the prefilter wants them */
	size_t			*entry_of;	/* the entry of each of those */
	struct prefilter	*prefilter;	/* NULL without keywords */
};

void	gitleaks_texts_add(struct gitleaks_texts *, const char *);

#endif
