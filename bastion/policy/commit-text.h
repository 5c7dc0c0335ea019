/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit-text: what rules ask of a commit, read out of its bytes (git-commit-tree(1), gitformat-signature(5)). Hostile input:
 * what can be read in two ways is marked odd, and what is odd meets every rule that restricts.
 */
#ifndef POLICY_COMMIT_TEXT_H
#define POLICY_COMMIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/base/strvec.h"

#define COMMIT_MESSAGE_MAX	(64 * 1024)	/* bytes that expressions are tried on; a longer message is odd */
#define COMMIT_TRAILERS_MAX	1000		/* lines that are kept; with more the message is odd */

/* What the signature header holds; whether it is right is not asked here. */
enum commit_signature { COMMIT_UNSIGNED, COMMIT_SSH, COMMIT_OPENPGP, COMMIT_X509 };
#define COMMIT_SIGNATURES	4

struct commit_person {
	char	*text;		/* owned: NAME <EMAIL>, in small letters; "" when it is odd */
	char	*shown;		/* owned: the same as it stands there */
	char	*email;		/* owned: in small letters, "" when it is odd */
	int64_t	 when;		/* seconds since 1970 */
};

struct commit_text {
	bool			 odd;		/* the headers: nothing else is known then */
	bool			 odd_message;	/* too long, or too many lines like trailers */
	unsigned		 nparents;
	struct commit_person	 author, committer;
	enum commit_signature	 signature;
	size_t			 sig_start, sig_end;	/* the whole header in the commit's bytes; 0, 0 = none */
	char			*message;	/* owned */
	struct strvec		 coauthors;	/* NAME <EMAIL> in small letters, wherever in the message they are named */
	struct strvec		 trailers;	/* lines of the last paragraph */
};

/* Always fills it in; release it in any case. */
void	commit_text_read(const uint8_t *p, size_t n, struct commit_text *);
void	commit_text_release(struct commit_text *);
/*
 * The commit that an example of a rule is short for: "[merge] [ssh] NAME <EMAIL>: MESSAGE", each word in brackets optional
 * (merge, root, ssh, openpgp, x509). Its bytes, which the caller frees, or NULL.
 */
char	*commit_text_example(const char *example);
/* "ssh", "openpgp", "x509"; "none" for COMMIT_UNSIGNED. */
const char *commit_signature_word(enum commit_signature);

#endif
