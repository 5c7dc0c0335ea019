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

/*
 * 0, or a code of secretscan.h. The rules must outlive it. db is what prefilter_save made of the same rules, or NULL; one
 * that was made for another processor is compiled anew.
 */
int	prefilter_new(const struct rules *, const uint8_t *db, size_t db_len, struct prefilter **pfp);
void	prefilter_free(struct prefilter *);
/* The database as bytes, which the caller frees. 0 or SECRETSCAN_NOMEM. */
int	prefilter_save(const struct prefilter *, uint8_t **pp, size_t *np);
/* The length of the longest anchor. */
size_t	prefilter_longest(const struct prefilter *);

struct prefilter_scratch	*prefilter_scratch_new(const struct prefilter *);
void				 prefilter_scratch_free(struct prefilter_scratch *);

/* An anchor of rule at p[start .. end). Non-zero stops. */
typedef int	(*prefilter_fn)(const struct rule *rule, size_t start, size_t end, void *arg);
/* 0, what fn returned, or SECRETSCAN_ENGINE. */
int	prefilter_scan(const struct prefilter *, struct prefilter_scratch *, const uint8_t *p, size_t n,
	    prefilter_fn fn, void *arg);

#endif
