/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite: encodings of single characters (\n, %41, &quot;) taken out of the neighbourhoods in which they matter. */
#ifndef SECRETSCAN_REWRITE_H
#define SECRETSCAN_REWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct layer;
struct sieve;

/* What stands at a place. */
struct rewrite_step {
	size_t	used;		/* bytes that it takes */
	uint8_t	out[4];		/* what it says */
	size_t	n;
	bool	erase;		/* it takes the byte before it away */
	bool	telling;	/* it can hide something: its neighbourhood is worth a look */
};

struct rewriter {
	int		 signs;		/* enum sieve_sign of the blocks in which its triggers stand */
	const char	*triggers;	/* the bytes that it can begin with where it tells something */
	const char	*others;	/* and those that it can begin with beside such; NULL for none */
	bool		 across;	/* its neighbourhood does not end with the line */
	/* False: nothing of the kind here. */
	bool		 (*read)(const uint8_t *p, size_t n, size_t at, struct rewrite_step *);
};

void	rewrite(const struct rewriter *, const struct sieve *, struct layer *);

#endif
