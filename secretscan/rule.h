/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule: what one kind of secret looks like. A rule is tried wherever one of its anchors (a literal) stands:
 *
 *	before   lead          secret                after
 *	(?<!\w)  password\s*=  [^\s]{8,64}           (?=\s|$)
 *	         ^ anchor, if there is a lead
 *	                       ^ anchor, if there is none
 *
 * The lead is matched on its own first and never given back, so where a secret begins does not depend on what follows.
 * That is what lets a stream release the lead and hold the secret alone. With `near` there is no lead: the anchor is a
 * keyword, and the secret is any token of its shape that begins within so many bytes and stands as a value (context.h).
 * With `behind` the anchor stands within the secret or at its end, and the secret begins at most so many bytes before it.
 * secretscan-rules(5) describes the files.
 */
#ifndef SECRETSCAN_RULE_H
#define SECRETSCAN_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secretscan/value.h"

struct check;
struct regex;

struct rule_text {
	char	*p;		/* NUL-terminated, but n is the length */
	size_t	 n;
	unsigned line;
};

struct rule_texts {
	struct rule_text	*v;
	size_t			 n;
};

struct byteset {
	uint32_t	bits[8];
};

struct rule {
	char			*file;		/* where it was read, for messages */
	unsigned		 line;
	char			*provider;
	char			*id;
	char			*description;
	char			*before;
	char			*lead;
	char			*secret;
	char			*after;
	char			*tail;
	char			*until;
	const struct check	*check;
	bool			 caseless;
	bool			 generic;	/* loses against a specific rule at the same place */
	bool			 proof;		/* only what the check proves is a finding */
	double			 entropy;	/* least bits per character, unless proven */
	enum value_kind		 value;		/* what it has to look like, unless proven */
	size_t			 window;
	size_t			 near;		/* the secret begins at most so many bytes after the anchor */
	bool			 bare;		/* near: whatever stands between them */
	size_t			 behind;	/* the secret begins at most so many bytes before the anchor */
	struct rule_texts	 anchors;
	struct rule_texts	 stop;		/* words that a real secret does not hold, lower case */
	struct rule_texts	 pairs;		/* ids of rules whose secrets go with this one */
	struct rule_texts	 good;
	struct rule_texts	 bad;
	/* made by rule_compile, and kept in a pack like the above */
	char			*lead_pattern;	/* before and lead */
	char			*secret_pattern;	/* before (where there is no lead), secret and after */
	struct byteset		 first;		/* near, behind: bytes that a secret begins with */
	size_t			 shortest;	/* near: the fewest bytes of a secret */
	bool			 token;		/* near: a value of SS_TOKEN_MIN token bytes and more (tokens.h) */
	bool			 run;		/* SS_RUN_MIN token bytes and more, the anchor among them or near */
	struct byteset		*follow;	/* per anchor: the bytes that can come after it */
	struct byteset		 precede;	/* the bytes that can come before any anchor; behind: all that a secret holds */
	struct byteset		 tail_set;	/* bytes that a block goes on with */
	/* of this process */
	struct regex		*lead_re;
	struct regex		*secret_re;
	bool			 packed;	/* the texts and lists belong to a pack (rulepack.h) */
};

enum field_type {
	FIELD_TEXT,		/* char * */
	FIELD_BOOL,
	FIELD_NUMBER,		/* double */
	FIELD_SIZE,		/* size_t */
	FIELD_TEXTS,		/* struct rule_texts; an item that is itself a list is joined */
	FIELD_SAMPLES,		/* the same, of no use once the rule was checked */
	FIELD_CHECK,
	FIELD_VALUE,		/* enum value_kind */
	FIELD_SET,		/* struct byteset */
	FIELD_FOLLOW,		/* struct byteset *, one per anchor */
};

/* The fields of a rule: those that a file gives, by name, and those made of them, without a name. */
struct rule_field {
	const char	*name;
	enum field_type	 type;
	size_t		 offset;
};

/* The field of this number, from 0; NULL past the last. */
const struct rule_field	*rule_field(size_t i);

void	rule_release(struct rule *);
/* Check and compile a rule. 0, or a code of secretscan.h with *errorp "FILE:LINE: TEXT" (caller frees). */
int	rule_compile(struct rule *, char **errorp);
/* Make what a rule from a pack does not bring along. 0 or SECRETSCAN_NOMEM. */
int	rule_revive(struct rule *);
/* printf into *errorp in the form FILE:LINE: TEXT. Returns SECRETSCAN_RULES, or SECRETSCAN_NOMEM. */
int	rule_error(char **errorp, const char *file, unsigned line, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));

static inline bool
byteset_has(const struct byteset *s, uint8_t c)
{
	return (s->bits[c >> 5] >> (c & 31)) & 1;
}

static inline unsigned
byteset_count(const struct byteset *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(s->bits) / sizeof(s->bits[0]); i++)
		n += (unsigned)__builtin_popcount(s->bits[i]);
	return n;
}

static inline void
byteset_add(struct byteset *s, uint8_t c)
{
	s->bits[c >> 5] |= (uint32_t)1 << (c & 31);
}

#endif
