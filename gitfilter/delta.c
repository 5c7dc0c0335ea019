/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/delta.h"

#include <string.h>

#include "bastion/base/err.h"

/* Seven bits a byte, low first. */
static int
delta_number(const uint8_t *p, size_t n, size_t *offp, uint64_t *vp)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 63; shift += 7) {
		if (*offp >= n)
			return ERR_FORMAT;
		v |= (uint64_t)(p[*offp] & 0x7f) << shift;
		if (!(p[(*offp)++] & 0x80)) {
			*vp = v;
			return 0;
		}
	}
	return ERR_FORMAT;
}

int
delta_sizes(const uint8_t *p, size_t n, uint64_t *basep, uint64_t *resultp, size_t *usedp)
{
	size_t off = 0;
	int r;

	if ((r = delta_number(p, n, &off, basep)) != 0 || (r = delta_number(p, n, &off, resultp)) != 0)
		return r;
	*usedp = off;
	return 0;
}

/* The offset and size of a copy instruction; flags is its first byte. */
static int
delta_copy_args(const uint8_t *p, size_t n, size_t *offp, uint8_t flags, size_t *fromp, size_t *lenp)
{
	size_t v[2] = { 0, 0 };

	for (int i = 0; i < 7; i++) {
		if (!(flags >> i & 1))
			continue;
		if (*offp >= n)
			return ERR_FORMAT;
		v[i / 4] |= (size_t)p[(*offp)++] << (i < 4 ? 8 * i : 8 * (i - 4));
	}
	*fromp = v[0];
	*lenp = v[1] == 0 ? 0x10000 : v[1];
	return 0;
}

int
delta_apply(const uint8_t *base, size_t nbase, const uint8_t *p, size_t n, uint8_t *out, size_t nout)
{
	uint64_t want_base, want_result;
	size_t off, done = 0, from, len;

	if (delta_sizes(p, n, &want_base, &want_result, &off) != 0 || want_base != nbase || want_result != nout)
		return ERR_FORMAT;
	while (off < n) {
		uint8_t op = p[off++];

		if (op & 0x80) {
			if (delta_copy_args(p, n, &off, op, &from, &len) != 0 || from > nbase || len > nbase - from ||
			    len > nout - done)
				return ERR_FORMAT;
			memcpy(out + done, base + from, len);
		} else {
			len = op;
			if (len == 0 || len > n - off || len > nout - done)	/* 0 is reserved */
				return ERR_FORMAT;
			memcpy(out + done, p + off, len);
			off += len;
		}
		done += len;
	}
	return done == nout ? 0 : ERR_FORMAT;
}
