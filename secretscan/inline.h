/* SPDX-License-Identifier: Apache-2.0 */
/* inline: comments in the text itself that allow a secret. They count only where the user says so. */
#ifndef SECRETSCAN_INLINE_H
#define SECRETSCAN_INLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A comment on the lines of p[start .. end), or one on the line before that speaks of the next, allows this rule. */
bool	inline_allows(const uint8_t *p, size_t n, size_t start, size_t end, const char *rule);

#endif
