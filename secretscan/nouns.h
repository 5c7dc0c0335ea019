/* SPDX-License-Identifier: Apache-2.0 */
/* nouns: the names that secret things have in programs and configuration: key, token, password .. */
#ifndef SECRETSCAN_NOUNS_H
#define SECRETSCAN_NOUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One of them, in any case, stands in p[0 .. n), also within a word. n is at most SS_CONTEXT. */
bool	nouns_within(const uint8_t *p, size_t n);

#endif
