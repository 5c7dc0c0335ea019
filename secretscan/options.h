/* SPDX-License-Identifier: Apache-2.0 */
/* options: the command line of secretscan(1). Texts are those of argv. */
#ifndef SECRETSCAN_OPTIONS_H
#define SECRETSCAN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_LIST_MAX	32	/* of one option that may be given several times */

struct options_list {
	const char	*v[OPTIONS_LIST_MAX];
	size_t		 n;
};

struct options {
	const char		*format;
	const char		*explain;
	const char		*git;
	const char		*key;
	const char		*pii;
	const char		*write_baseline;
	struct options_list	 rules;
	struct options_list	 baselines;
	bool			 only_rules;
	bool			 baseline_paths;
	bool			 allow_inline;
	bool			 allow_tree;
	bool			 show_secrets;
	bool			 list;
	bool			 mask;
	bool			 keep_columns;
	bool			 staged;
	bool			 unreachable;
	unsigned		 threads;	/* 0: one a processor */
	char			*const *args;	/* what is no option */
	int			 nargs;
};

enum options_result {
	OPTIONS_GO,
	OPTIONS_DONE,		/* help or version was printed */
	OPTIONS_WRONG,		/* standard error has why */
};

enum options_result	options_parse(int argc, char **argv, struct options *);

#endif
