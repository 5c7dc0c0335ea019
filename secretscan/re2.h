/* SPDX-License-Identifier: Apache-2.0 */
/* re2: expressions in the syntax of RE2, which Go programs have, as expressions for PCRE2. */
#ifndef SECRETSCAN_RE2_H
#define SECRETSCAN_RE2_H

#include <stdbool.h>

/*
 * The same in PCRE2's syntax (caller frees); *utfp: it speaks of characters that are no single bytes. NULL and *whyp (a
 * constant) when it is none of RE2: what PCRE2 has beyond it, look-around and back-references among them, is refused.
 * https://github.com/google/re2/wiki/Syntax
 */
char	*re2_translate(const char *expression, bool *utfp, const char **whyp);

#endif
