/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of zlib into a member; the one file of this folder that meets zlib. */
#include <string.h>
#include <zlib.h>

#include "secretscan/container_int.h"
#include "secretscan/digest.h"
#include "secretscan/secretscan.h"

int
pour_inflate(struct pour *m, enum inflate_form form, const uint8_t *p, size_t n, size_t *usedp, enum inflate_end *endp)
{
	z_stream z = { 0 };
	uint8_t out[16384];
	int r, e = 0;

	*usedp = 0;
	*endp = INFLATE_DAMAGED;
	if ((r = inflateInit2(&z, form == INFLATE_GZIP ? MAX_WBITS + 16 : MAX_WBITS)) != Z_OK)
		return SECRETSCAN_NOMEM;
	/* zlib never writes to its input; its prototype is older than const. */
	z.next_in = (uint8_t *)(uintptr_t)p;
	while (e == 0 && r == Z_OK && !m->cut) {
		size_t left = n - *usedp;

		z.avail_in = left > UINT32_MAX ? UINT32_MAX : (uInt)left;
		z.next_out = out;
		z.avail_out = sizeof(out);
		r = inflate(&z, Z_NO_FLUSH);
		*usedp = (size_t)(z.next_in - p);
		if (r == Z_MEM_ERROR)
			e = SECRETSCAN_NOMEM;
		else
			e = pour_add(m, out, sizeof(out) - z.avail_out);
	}
	if (r == Z_STREAM_END)
		*endp = INFLATE_WHOLE;
	inflateEnd(&z);
	digest_wipe(out, sizeof(out));
	return e;
}
