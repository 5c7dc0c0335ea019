/* SPDX-License-Identifier: Apache-2.0 */
/* scanner: the compiled rule set behind struct secretscan. Fields shared by this folder. */
#ifndef SECRETSCAN_SCANNER_H
#define SECRETSCAN_SCANNER_H

#include <stdatomic.h>
#include <stdint.h>

#include "secretscan/digest.h"
#include "secretscan/rulefile.h"

struct begin;
struct finder;
struct prefilter;

/* One finder that rests between scans, so that a small content does not pay for setting one up. */
struct scanner_spare {
	_Atomic(struct finder *)	finder;
};

struct secretscan {
	struct rules		 rules;
	struct prefilter	*prefilter;
	struct begin		*begin;
	struct scanner_spare	*spare;
	uint8_t			 key[DIGEST_KEY];
	uint8_t			 hash[DIGEST_HASH];
};

/* Compile these rule files and check their samples. 0 and *ssp, or a code of secretscan.h and *errorp (caller frees). */
int		 scanner_new_files(char *const *paths, size_t n, const uint8_t key[DIGEST_KEY], struct secretscan **ssp,
		    char **errorp);
/* The rules of a scanner as a pack (rulepack.h), which the caller frees. 0 or SECRETSCAN_NOMEM. */
int		 scanner_pack(const struct secretscan *, uint8_t **pp, size_t *np);

/* A finder, set up or taken from the spare; NULL when there is no memory. Give it back, also after an error. */
struct finder	*scanner_take(const struct secretscan *);
void		 scanner_give(const struct secretscan *, struct finder *);

#endif
