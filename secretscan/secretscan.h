/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secretscan: find secrets in bytes, and mask them in a stream. A library that uses nothing else of this project, keeps
 * no global state, never prints and never exits. A scanner (the compiled rules) is shared, also across fork; a scan or a
 * stream belongs to one thread.
 */
#ifndef SECRETSCAN_SECRETSCAN_H
#define SECRETSCAN_SECRETSCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum secretscan_err {
	SECRETSCAN_OK = 0,
	SECRETSCAN_NOMEM = -1,
	SECRETSCAN_RULES = -2,		/* a rule file is wrong; the error text says where */
	SECRETSCAN_LIMIT = -3,		/* a bound was reached: not fully scanned */
	SECRETSCAN_ENGINE = -4,
};

#define SECRETSCAN_FINGERPRINT	16	/* hexadecimal digits of a keyed hash of the secret */
#define SECRETSCAN_MASKED	96

struct secretscan;		/* compiled rules */

struct secretscan_finding {
	const char	*rule;		/* "aws-access-key-id"; belongs to the scanner */
	const char	*description;	/* "AWS access key"; belongs to the scanner */
	/*
	 * Byte range in the input: of the secret itself; of the digits or escapes that it is written in, where it is encoded;
	 * of the container, where it is in one.
	 */
	size_t		 start, end;
	size_t		 line, column;	/* of start, from 1, in the member if there is one; 0 in a stream: not counted */
	size_t		 end_line, end_column;	/* of the last byte; 0 like these */
	const char	*decoded;	/* encodings peeled, outermost first: "base64,percent"; "" for none */
	const char	*member;	/* where in a container: "inner.tar!etc/shadow"; "" for none */
	const uint8_t	*secret;	/* the bytes, valid during the call; NULL in a stream */
	size_t		 secret_len;	/* in a stream without noise or encodings; 0: end - start */
	char		 fingerprint[SECRETSCAN_FINGERPRINT + 1];
	char		 masked[SECRETSCAN_MASKED];	/* "AKIA************LE42" style: never enough to use */
	double		 entropy;	/* bits per character */
	/*
	 * Not a secret but a word about the content: rule is encrypted-container, opaque-data or not-fully-scanned, masked says
	 * what exactly, there is no secret.
	 */
	bool		 notice;
};

/*
 * Which rules: the built-in ones, those of these paths (a file, or a folder of *.yaml), and not those of these ids. A
 * rule takes the place of an earlier one with its id. The caller's, needed only during secretscan_new().
 */
struct secretscan_rules {
	const char	*const *paths;
	size_t		 npaths;
	const char	*const *without;
	size_t		 nwithout;
	bool		 no_builtin;
};

/*
 * A scanner with these rules, NULL for those that are built in. key (32 bytes) keys the fingerprints. On failure NULL
 * and *errorp (caller frees): one line "FILE:LINE: TEXT".
 */
struct secretscan	*secretscan_new(const struct secretscan_rules *, const uint8_t key[32], char **errorp);
void			 secretscan_free(struct secretscan *);
/*
 * An expression is compiled when it is first needed. This compiles all of them now: for an owner that forks, so that its
 * children share them, or that soon may not make memory executable. 0 or a negative code.
 */
int			 secretscan_prepare(const struct secretscan *);
const char		*secretscan_strerror(int r);
/* SHA-256 over the rule set, for caches of verdicts. */
const uint8_t		*secretscan_hash(const struct secretscan *);

/* What a rule says, for people; the texts belong to the scanner, absent ones are NULL. */
struct secretscan_rule {
	const char	*id, *provider, *description, *file;
	const char	*before, *lead, *secret, *after, *check;
	double		 entropy;
	int		 generic;
};

/* The rule of this number, from 0; false past the last. */
int			 secretscan_rule(const struct secretscan *, size_t i, struct secretscan_rule *rulep);

/*
 * All that the rule of this id says, one call a field that it has: "rule", "provider", "file", then as in rule files
 * (secretscan-rules(5)), lists with commas. False when there is no such rule.
 */
typedef void	(*secretscan_explain_fn)(const char *name, const char *text, void *arg);
int	secretscan_explain(const struct secretscan *, const char *id, secretscan_explain_fn, void *arg);

/*
 * Scan one whole piece of content, in all that can be made of it: encodings are peeled off, containers opened, noise taken
 * out, one within the other. on_finding is called per finding, in order of start, notices about all of it at the end; a
 * non-zero return stops the scan and becomes the result. The bytes are not kept. 0, or a negative code: then the content
 * counts as not scanned. The work is bounded; where the bound was reached is a notice, not-fully-scanned.
 */
typedef int	(*secretscan_fn)(const struct secretscan_finding *, void *arg);
int	secretscan_scan(const struct secretscan *, const void *p, size_t n, secretscan_fn on_finding, void *arg);

/*
 * Pairs: which key id goes with which secret, by the `pairs` of their rules. Add every finding of one run (a push, a
 * tree), then ask:
 *
 *	pairs = secretscan_pairs_new(ss);
 *	for each finding: secretscan_pairs_add(pairs, &half);
 *	secretscan_pairs_find(pairs);
 *	for each finding: other = secretscan_pairs_other(pairs, i);
 *
 * In one content the nearest halves within 4 KiB go together, each with one. Over contents two halves go together when
 * the run has no other that they could belong to. The same secret elsewhere has the same other half.
 */
struct secretscan_pairs;

struct secretscan_half {
	const char	*rule;		/* id, as findings have it */
	size_t		 content;	/* a number for each content */
	uint64_t	 start;
	const char	*fingerprint;	/* copied */
};

struct secretscan_pairs	*secretscan_pairs_new(const struct secretscan *);
void			 secretscan_pairs_free(struct secretscan_pairs *);
/* 0 or SECRETSCAN_NOMEM. */
int			 secretscan_pairs_add(struct secretscan_pairs *, const struct secretscan_half *);
/* Once, after the last was added. 0 or SECRETSCAN_NOMEM. */
int			 secretscan_pairs_find(struct secretscan_pairs *);
/* The fingerprint of the other half of the finding that was added as number i (from 0), NULL for none. */
const char		*secretscan_pairs_other(const struct secretscan_pairs *, size_t i);

/*
 * Values that the owner knows to be secret, such as credentials that it uses itself: masked exactly, as they are and in
 * the usual encodings (base64 at any alignment and wrapped, hexadecimal, percent, JSON, HTML and shell escapes, UTF-16),
 * also with line ends changed and with terminal escapes between their characters.
 */
struct secretscan_known;

#define SECRETSCAN_KNOWN_MIN	6		/* bytes of a value: shorter ones stand everywhere by chance */
#define SECRETSCAN_KNOWN_MAX	(16 * 1024)

struct secretscan_known	*secretscan_known_new(const struct secretscan *);
/* Wipes the values, once the last stream that uses them is gone as well. NULL is fine. */
void			 secretscan_known_free(struct secretscan_known *);
/*
 * Add a value, before the first stream that uses it. name (a-z, 0-9 and -) goes into the mask: [masked:NAME:..]; it is copied,
 * and so is the value. SECRETSCAN_LIMIT when it is shorter or longer than the bounds above.
 */
int	secretscan_known_add(struct secretscan_known *, const char *name, const void *value, size_t n);

/* Personal data, each kind with its check digits or its structure. By number from 0: a name ("iban"), NULL past the last. */
const char	*secretscan_pii_name(unsigned kind);
/* The bit of secretscan_masking.pii for a kind; `national-id` and `all` mean several. 0 = no such kind. */
uint32_t	 secretscan_pii_bit(const char *name);

/* What a stream masks besides what the rules find. All zero is the usual. */
struct secretscan_masking {
	struct secretscan_known	*known;		/* may be NULL */
	uint32_t		 pii;		/* kinds of personal data */
	bool			 keep_columns;	/* a mask as wide as what it stands for */
};

/*
 * Masking of a stream: bytes in, masked bytes out, a secret replaced by [masked:RULE:FINGERPRINT]. For every split of the
 * input at every position the output never contains a found secret, and the output is the same for every split. Only
 * bytes that can still become (part of) a secret are held back: a NUL, a prompt, "OK" pass at once. Positions of findings
 * count in what came out of the step before: known values are masked first, then secrets, then personal data.
 */
struct secretscan_stream;

typedef int	(*secretscan_out_fn)(const void *p, size_t n, void *arg);

/* masking NULL means all zero. NULL when there is no memory. */
struct secretscan_stream *secretscan_stream_new(const struct secretscan *, const struct secretscan_masking *,
	    secretscan_out_fn out, secretscan_fn on_finding, void *arg);
void	secretscan_stream_free(struct secretscan_stream *);
/* 0, the callback's non-zero result, or a negative code (then nothing more may be released). */
int	secretscan_stream_feed(struct secretscan_stream *, const void *p, size_t n);
/* How many bytes are held back now. */
size_t	secretscan_stream_held(const struct secretscan_stream *);
/*
 * The owner's delay is over (that of a terminal is short): release what is held, if it is no more than the first four bytes of
 * a possible secret, so that a prompt or an echo that looks like the beginning of a token is not stuck. A secret that
 * follows after all is masked from its fifth byte on.
 */
int	secretscan_stream_flush(struct secretscan_stream *);
/* End of input: scan and release the rest. */
int	secretscan_stream_end(struct secretscan_stream *);

#endif
