/* SPDX-License-Identifier: Apache-2.0 */
/* context: what stands around a place of a text, for rules that a keyword nearby makes, not a prefix of the secret. */
#ifndef SECRETSCAN_CONTEXT_H
#define SECRETSCAN_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* p[at .. at + n) stands as a word, or as a word of camelCase: no letter goes on to its left. */
bool	context_is_word(const uint8_t *p, size_t at);
/* A token can begin at p[at]: what is to its left is not a part of it. */
bool	context_is_start(const uint8_t *p, size_t at);
/* p[at] stands in the middle of base64: what has a token's prefix there has it by chance. */
bool	context_is_blob(const uint8_t *p, size_t at);
/*
 * The token at p[at] is given as a value (`= "`, `: `, `Bearer `, `>` ..), and the at bytes before it speak of a key, a
 * token, a password. No more than SS_CONTEXT bytes before at are read.
 */
bool	context_is_value(const uint8_t *p, size_t at);
/* p[from .. at) is an assignment and nothing else: `= "`, `: `, `":"` .. */
bool	context_is_given(const uint8_t *p, size_t from, size_t at);
/*
 * For a run of token bytes p[at .. end), not preceded by one: false only if neither context_is_value() nor
 * context_is_given() holds anywhere in it where SS_TOKEN_MIN bytes of it remain.
 */
bool	context_may_hold_value(const uint8_t *p, size_t at, size_t end);

#endif
