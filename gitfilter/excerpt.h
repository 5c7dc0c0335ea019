/* SPDX-License-Identifier: Apache-2.0 */
/* excerpt: the line around a secret, with every secret in it masked: what a human needs to see to say what it is. Pure. */
#ifndef GITFILTER_EXCERPT_H
#define GITFILTER_EXCERPT_H

#include <stddef.h>
#include <stdint.h>

#define EXCERPT_SIDE	80	/* bytes before and after the secret, in its line, whole words alone */

/* A range that was found in the content, and what stands for it. */
struct excerpt_hole {
	uint64_t	 start, end;
	const char	*masked;
};

/*
 * Of the content of n bytes, around the hole of this number; every byte in any hole is left out. The caller frees; NULL = no
 * memory, or the hole is not in the content.
 */
char	*excerpt_make(const uint8_t *p, size_t n, const struct excerpt_hole *, size_t nholes, size_t which);

#endif
