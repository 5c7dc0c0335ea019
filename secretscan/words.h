/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: how little a text resembles words and names. Every character costs as many bits as it is a surprise after the two
 * before it, by the counts of words-table.inc. Words and names cost 1 to 3 bits a character, tokens drawn at random 4 to 6,
 * and unlike entropy this holds for short texts: "internationalization" has 3.1 bits of entropy, "tq7Kx2" 2.6.
 */
#ifndef SECRETSCAN_WORDS_H
#define SECRETSCAN_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* Bits of the whole text; divide by n for its density. */
double	words_surprise(const uint8_t *p, size_t n);

#endif
