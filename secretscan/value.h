/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value: is what stands in the place of a secret one, or a word, a name, a template, a piece of code, a number? Rules
 * without a structure of their own (`value` in their file) rest on this; placeholders are no secrets for any rule.
 */
#ifndef SECRETSCAN_VALUE_H
#define SECRETSCAN_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the context says of the value, from the most certain to the least. */
enum value_kind {
	VALUE_ANY,		/* nothing is asked */
	VALUE_PASSWORD,		/* people choose them: short, with signs */
	VALUE_ARGUMENT,		/* in a list or call, where other things stand as well */
	VALUE_LINE,		/* without quotes, to the end of the line */
	VALUE_PLAIN,		/* the same without quotes: it could be a name in a program */
	VALUE_TOKEN,		/* machines draw them */
	VALUE_KEY,		/* machines draw them; many things that are not secret have such a name too */
};

/* false when there is no kind of this name: password, argument, line, plain, token, key. */
bool	value_kind_find(const char *name, enum value_kind *kindp);
/* The name; NULL for VALUE_ANY. */
const char	*value_kind_name(enum value_kind);
/* It stands for a secret to be filled in: EXAMPLE, xxxx, ${TOKEN}, <token>, {{ token }}, %s, changeme, your-token. */
bool	value_is_placeholder(const uint8_t *p, size_t n);
/* It is made of words: no machine drew it. Names of all lengths are, in reach of a keyword. */
bool	value_is_wordy(const uint8_t *p, size_t n);
bool	value_is_credible(enum value_kind, const uint8_t *p, size_t n);

#endif
