/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Git's files that lie in a tree: a loose object, and packs (gitformat-pack(5)). Of an object that is stored as a
 * difference only what the difference adds is given: that is where a secret that came with it stands.
 */
#include <stdio.h>

#include "secretscan/container_int.h"

#define PACK_HEADER	12
#define PACK_TRAILER	20

enum object_type { OBJECT_OFS_DELTA = 6, OBJECT_REF_DELTA = 7 };

int
zlib_each(const struct inside *in, const uint8_t *p, size_t n)
{
	struct pour m = { .in = in };
	enum inflate_end end;
	size_t used;
	int e;

	if ((e = pour_begin(&m, "")) != 0 || (e = pour_inflate(&m, INFLATE_ZLIB, p, n, &used, &end)) != 0 ||
	    m.at + m.n == 0)
		goto out;	/* nothing at all: two bytes that looked like it */
	if ((e = pour_end(&m)) == 0 && end != INFLATE_WHOLE)
		e = inside_tell(in, CONTAINER_IS_CUT, "", "damaged: zlib stream");
out:
	pour_release(&m);
	return e;
}

/* How long an object's header is: type, size, and for a difference what it is based on; 0 when it is not there. */
static size_t
object_header(const uint8_t *p, size_t n)
{
	unsigned type = n > 0 ? (p[0] >> 4) & 7 : 0;
	size_t at = 0;

	while (at < n && (p[at] & 0x80) != 0)
		at++;
	at++;
	if (type == OBJECT_OFS_DELTA) {
		while (at < n && (p[at] & 0x80) != 0)
			at++;
		at++;
	} else if (type == OBJECT_REF_DELTA)
		at += 20;
	return type == 0 || type == 5 || at >= n ? 0 : at;
}

int
pack_each(const struct inside *in, const uint8_t *p, size_t n)
{
	struct pour m = { .in = in };
	size_t at = PACK_HEADER, header, used;
	enum inflate_end end = INFLATE_WHOLE;
	uint32_t left;
	char name[40];
	int e = 0;

	if (n < PACK_HEADER + PACK_TRAILER)
		return 0;
	left = (uint32_t)p[8] << 24 | (uint32_t)p[9] << 16 | (uint32_t)p[10] << 8 | p[11];
	for (; left > 0 && end == INFLATE_WHOLE; left--) {
		if ((header = object_header(p + at, n - at)) == 0)
			break;
		(void)snprintf(name, sizeof(name), "object at %zu", at);
		at += header;
		if ((e = pour_begin(&m, name)) != 0 ||
		    (e = pour_inflate(&m, INFLATE_ZLIB, p + at, n - at, &used, &end)) != 0 || (e = pour_end(&m)) != 0)
			goto out;
		at += used;
	}
	if (left > 0 || end != INFLATE_WHOLE)
		e = inside_tell(in, CONTAINER_IS_CUT, "", "damaged: pack");
out:
	pour_release(&m);
	return e;
}
