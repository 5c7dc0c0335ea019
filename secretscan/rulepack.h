/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rulepack: a compiled rule set in one piece of memory, made once (at build for the built-in rules) and loaded in
 * milliseconds. It belongs to the program that wrote it: numbers are this machine's, and fields are in the order of
 * rule_field(). The layout:
 *
 *	magic[16], hash[32], then as 64 bit numbers: rules, lists, and the bytes of the parts
 *	rules	per rule and field: a text or check is the offset of its text + 1 (32 bit), 0 = none; a list is its
 *		number + 1, 0 = empty; numbers as they are; a follow is one set for each anchor
 *	lists	how many texts, then for each offset and length, 32 bit
 *	texts	each ends in a NUL
 *	tables	what prefilter_save made, for this kind of processor
 */
#ifndef SECRETSCAN_RULEPACK_H
#define SECRETSCAN_RULEPACK_H

#include <stddef.h>
#include <stdint.h>

#include "secretscan/digest.h"
#include "secretscan/prefilter.h"

struct rules;

/* Beside the rules. */
struct rulepack_extra {
	uint8_t			hash[DIGEST_HASH];
	struct prefilter_saved	prefilter;
};

/* 0 and *pp, which the caller frees; or SECRETSCAN_NOMEM. */
int	rulepack_write(const struct rules *, const struct rulepack_extra *, uint8_t **pp, size_t *np);
/*
 * Fill empty rules from a pack, which has to outlive them and *extrap. 0, SECRETSCAN_NOMEM, or SECRETSCAN_RULES when
 * this is no pack of ours. The rules are the caller's to release, also after an error.
 */
int	rulepack_read(const uint8_t *p, size_t n, struct rules *, struct rulepack_extra *extrap);

#endif
