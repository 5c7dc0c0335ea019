/* SPDX-License-Identifier: Apache-2.0 */
/* prefilter: where do anchors stand? All literals of all rules at once. The one file that includes Vectorscan. */
#ifndef SECRETSCAN_PREFILTER_H
#define SECRETSCAN_PREFILTER_H

#include <stddef.h>
#include <stdint.h>

struct rule;
struct rules;
struct prefilter;
struct prefilter_scratch;	/* of one thread */

#define PREFILTER_TABLES	3

/* Databases as bytes. */
struct prefilter_saved {
	const uint8_t	*db[PREFILTER_TABLES];
	size_t		 len[PREFILTER_TABLES];
};

/*
 * 0, or a code of secretscan.h. The rules must outlive it. saved is what prefilter_save made of the same rules, or empty;
 * what was made for another processor is compiled anew.
 */
int	prefilter_new(const struct rules *, const struct prefilter_saved *saved, struct prefilter **pfp);
void	prefilter_free(struct prefilter *);
/* 0 or SECRETSCAN_NOMEM. prefilter_saved_release frees what was saved. */
int	prefilter_save(const struct prefilter *, struct prefilter_saved *saved);
void	prefilter_saved_release(struct prefilter_saved *saved);
/* The length of the longest anchor. */
size_t	prefilter_longest(const struct prefilter *);

struct prefilter_scratch	*prefilter_scratch_new(const struct prefilter *);
void				 prefilter_scratch_free(struct prefilter_scratch *);

/* An anchor of rule at p[start .. end), where what stands beside it allows for a secret. Not in order. Non-zero stops. */
typedef int	(*prefilter_fn)(const struct rule *rule, size_t start, size_t end, void *arg);
/* 0, what fn returned, or SECRETSCAN_ENGINE. */
int	prefilter_scan(const struct prefilter *, struct prefilter_scratch *, const uint8_t *p, size_t n,
	    prefilter_fn fn, void *arg);

#endif
