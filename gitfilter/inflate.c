/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/inflate.h"

#include <libdeflate.h>
#include <limits.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

#include "bastion/base/err.h"

struct inflater {
	struct libdeflate_decompressor	*whole;
	z_stream			 z;
	size_t				 nout;
};

struct inflater *
inflater_new(void)
{
	struct inflater *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	if ((f->whole = libdeflate_alloc_decompressor()) == NULL) {
		free(f);
		return NULL;
	}
	if (inflateInit(&f->z) != Z_OK) {
		libdeflate_free_decompressor(f->whole);
		free(f);
		return NULL;
	}
	return f;
}

void
inflater_free(struct inflater *f)
{
	if (f == NULL)
		return;
	libdeflate_free_decompressor(f->whole);
	(void)inflateEnd(&f->z);
	free(f);
}

size_t
inflate_bound(size_t n)
{
	return n + n / 8 + 64;
}

int
inflate_whole(struct inflater *f, const uint8_t *in, size_t nin, uint8_t *out, size_t nout, size_t *usedp)
{
	return libdeflate_zlib_decompress_ex(f->whole, in, nin, out, nout, usedp, NULL) == LIBDEFLATE_SUCCESS ?
	    0 : ERR_FORMAT;
}

int
inflate_begin(struct inflater *f, uint8_t *out, size_t nout)
{
	if (nout >= UINT_MAX || inflateReset(&f->z) != Z_OK)
		return ERR_NOMEM;
	f->nout = nout;
	f->z.next_out = out;
	f->z.avail_out = (uInt)nout + 1;	/* one more, to see a stream that is longer than it said */
	return 0;
}

int
inflate_more(struct inflater *f, const uint8_t *in, size_t nin, size_t *usedp)
{
	int r;

	f->z.next_in = in;
	f->z.avail_in = nin > UINT_MAX ? UINT_MAX : (uInt)nin;
	r = inflate(&f->z, Z_NO_FLUSH);
	*usedp = (size_t)(f->z.next_in - in);
	if (f->z.total_out > f->nout)
		return ERR_FORMAT;
	if (r == Z_STREAM_END)
		return f->z.total_out == f->nout ? 0 : ERR_FORMAT;
	if (r == Z_OK || r == Z_BUF_ERROR)
		return *usedp == nin ? ERR_SHORT : ERR_FORMAT;
	return ERR_FORMAT;
}
