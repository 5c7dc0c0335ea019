/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitfacts: what a commit says about itself, for policy and for humans: who, when, what about, signed how. Read from the
 * text that commit_parse() has let pass; nothing is allocated, every text is borrowed from it, as hostile as before.
 */
#ifndef GITFILTER_COMMITFACTS_H
#define GITFILTER_COMMITFACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct fact_text {
	const uint8_t	*p;
	size_t		 n;
};

/* "NAME <EMAIL> SECONDS ZONE"; what is not written so is left empty or 0, and well_formed is false. */
struct fact_person {
	struct fact_text	name, email;
	int64_t			seconds;	/* since 1970, UTC */
	bool			well_formed;
};

/* By the header gpgsig or gpgsig-sha256. That there is a signature does not say that it is good. */
enum fact_signature { FACT_UNSIGNED, FACT_SSH, FACT_OPENPGP, FACT_X509, FACT_SIGNED_OTHERWISE };

struct commit_facts {
	struct fact_person	author, committer;
	struct fact_text	message;	/* all after the headers */
	struct fact_text	subject;	/* its first line that is not empty */
	struct fact_text	trailers;	/* its last paragraph, when each line of it is "Key: value" or continues one */
	enum fact_signature	signature;
};

/* p is a commit's text of n bytes. */
void	commitfacts_read(const uint8_t *p, size_t n, struct commit_facts *);

#define FACT_TEXT_MAX	1024		/* of a name, address or subject in a message */
#define FACT_MESSAGE_MAX (16 * 1024)	/* of a commit's message, and of its trailers */

/*
 * As one entry of INSPECT_COMMITS: s oid, u32 parents, 2 * (s name, s e-mail, u64 seconds, u8 well formed) for author and
 * committer, u8 enum fact_signature, s subject, s trailers, s message, u8 1 = one of the texts is longer than was sent.
 * 0 or ERR_TOOBIG (out is full).
 */
int	commitfacts_put(const struct commit_facts *, const char *oid, uint32_t nparents, struct buf *out);

#endif
