/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finder: from text to findings, the same for whole content and for a stream. Positions count from the input's start.
 *
 *	finder_look()		new bytes: anchors become candidates
 *	finder_resolve()	candidates become matches, or nothing, or wait for more text
 *	finder_settle()		overlapping matches become one finding each; what is free is released
 *
 * A secret that begins before its anchor is masked in a stream from behind the anchor on, with the same fingerprint.
 *
 * Whether and where a rule matches depends on the bytes from SS_CONTEXT before its anchor on, and on nothing else; a
 * candidate that touches the end of the text waits. So the result cannot depend on how the input was cut.
 */
#ifndef SECRETSCAN_FINDER_H
#define SECRETSCAN_FINDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secretscan/secretscan.h"

struct finder;

/* The part of the input that is in memory: [base, end). */
struct view {
	const uint8_t	*p;
	uint64_t	 base;
	uint64_t	 end;
	bool		 eof;		/* nothing follows */
	bool		 whole;		/* not a stream: nothing was released */
};

struct finder_out {
	/* Text that holds no secret; may be NULL. */
	int	(*raw)(uint64_t from, uint64_t to, void *arg);
	/* A finding; in a stream its token is written here. */
	int	(*found)(const struct secretscan_finding *, void *arg);
	void	*arg;
};

struct finder	*finder_new(const struct secretscan *);
void		 finder_free(struct finder *);
/* Ready for another input. */
void		 finder_reset(struct finder *);

/*
 * Look for anchors in p, which stands at pos; only those that end after the first `old` bytes and start before the
 * first `below` are new. 0 or a negative code.
 */
int		 finder_look(struct finder *, const uint8_t *p, size_t n, uint64_t pos, size_t old, size_t below);
int		 finder_resolve(struct finder *, const struct view *);
/*
 * No candidate to come has its secret before `frontier`; candidates at hand are taken into account here. 0, a negative
 * code, or what a callback returned.
 */
int		 finder_settle(struct finder *, uint64_t frontier, const struct finder_out *);

/* A finding that another finder made in the same input, to be settled with the others. 0 or a negative code. */
int		 finder_add(struct finder *, const struct secretscan_finding *);
/* What its rule finds begins with a prefix that is no secret, not after a lead or a keyword. */
bool		 finder_is_public(const struct finder *, const struct secretscan_finding *);

/* Nothing is open: text without anchors can pass. */
bool		 finder_is_idle(const struct finder *);
/* Everything before this position was released or masked. */
uint64_t	 finder_released(const struct finder *);
/* Everything before this position is settled; what is masked while it grows is not. */
uint64_t	 finder_hold(const struct finder *);
void		 finder_set_released(struct finder *, uint64_t pos);
/* No match is open, and no candidate has more than `most` bytes of its secret before `end`, released ones included. */
bool		 finder_may_flush(const struct finder *, uint64_t end, size_t most);
/* The view must go on to hold everything from here on. */
uint64_t	 finder_needs(const struct finder *, const struct view *);
/* How many bytes at the end of p can be the beginning of a secret. */
size_t		 finder_begin_length(struct finder *, const uint8_t *p, size_t n);

#endif
