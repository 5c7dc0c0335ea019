/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/tokens.h"

#include <string.h>

#include "secretscan/limits.h"
#include "secretscan/marks.h"
#include "secretscan/rule.h"

#define BLOCK	MARKS_CHUNK
#define BLOCKS	16	/* marked at a time */

const struct byteset tokens_set = { { 0, 0x23ffe800, 0x87fffffe, 0x47fffffe } };

static inline unsigned
ones_below(uint64_t m)
{
	return m == UINT64_MAX ? BLOCK : (unsigned)__builtin_ctzll(~m);
}

static inline unsigned
ones_above(uint64_t m)
{
	return m == UINT64_MAX ? BLOCK : (unsigned)__builtin_clzll(~m);
}

/* Bit i: so many ones begin there. */
static inline uint64_t
long_runs(uint64_t m)
{
	_Static_assert(SS_TOKEN_MIN == 20, "these shifts");
	m &= m >> 1;
	m &= m >> 2;
	m &= m >> 4;
	m &= m >> 8;
	return m & m >> 4;
}

/* Marks of the blocks from p on, of which n bytes are left; returns how many. */
static size_t
mark(const uint8_t *p, size_t n, uint64_t bits[BLOCKS])
{
	static const struct marks_class *const class = &marks_token;
	uint8_t last[BLOCK];

	if (n >= BLOCK) {
		n = n / BLOCK < BLOCKS ? n / BLOCK : BLOCKS;
		marks_fill(&class, 1, p, n, bits, BLOCKS);
		return n;
	}
	/* What the last block lacks is as if a run went on. */
	memset(last, '0', sizeof(last));
	memcpy(last, p, n);
	marks_fill(&class, 1, last, 1, bits, BLOCKS);
	return 1;
}

void
tokens_each(const uint8_t *p, size_t n, tokens_fn fn, void *arg)
{
	uint64_t bits[BLOCKS];
	size_t open = 0;	/* bytes of a run that reaches the block */
	size_t at, marked = 0, used = 0;

	for (at = 0; at < n; at += BLOCK) {
		uint64_t m, r;
		unsigned k;

		if (used == marked) {
			marked = mark(p + at, n - at, bits);
			used = 0;
		}
		m = bits[used++];
		k = ones_below(m);
		if (open > 0 || at == 0) {
			open += k;
			if (k == BLOCK)
				continue;
			if (open >= SS_TOKEN_MIN || (open > 0 && at + k == open))
				fn(at + k - open, at + k, arg);
			m &= UINT64_MAX << k;
		}
		open = ones_above(m);
		m &= open == BLOCK ? 0 : UINT64_MAX >> open;
		for (r = long_runs(m); r != 0; r &= UINT64_MAX << k) {
			unsigned from = (unsigned)__builtin_ctzll(r);

			k = from + ones_below(m >> from);
			fn(at + from, at + k, arg);
		}
	}
	if (at - open < n)
		fn(at - open, n, arg);
}
