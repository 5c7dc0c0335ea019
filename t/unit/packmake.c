/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/packmake.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "bastion/base/buf.h"
#include "bastion/base/xmalloc.h"

#define PACK_MAX	(256u * 1024 * 1024)

struct packmake {
	struct buf	*b;
};

static void
must(int ok)
{
	if (!ok)
		abort();
}

struct packmake *
packmake_new(uint32_t count)
{
	struct packmake *m = xcalloc(1, sizeof(*m));

	must((m->b = buf_new(PACK_MAX)) != NULL);
	must(buf_put(m->b, "PACK\0\0\0\2", 8) == 0 && buf_put_u32(m->b, count) == 0);
	return m;
}

void
packmake_free(struct packmake *m)
{
	if (m == NULL)
		return;
	buf_free(m->b);
	free(m);
}

static size_t
packmake_head(struct packmake *m, int type, uint64_t size)
{
	size_t at = buf_len(m->b);
	uint8_t c = (uint8_t)(type << 4 | (size & 15));

	for (size >>= 4; size > 0; size >>= 7) {
		must(buf_put_u8(m->b, c | 0x80) == 0);
		c = size & 0x7f;
	}
	must(buf_put_u8(m->b, c) == 0);
	return at;
}

static void
packmake_data(struct packmake *m, const void *p, size_t n)
{
	uLongf len = compressBound(n);
	uint8_t *z = xmalloc(len);

	must(compress2(z, &len, p, n, 6) == Z_OK && buf_put(m->b, z, len) == 0);
	free(z);
}

size_t
packmake_lying(struct packmake *m, int type, uint64_t size, const void *p, size_t n)
{
	size_t at = packmake_head(m, type, size);

	packmake_data(m, p, n);
	return at;
}

size_t
packmake_object(struct packmake *m, int type, const void *p, size_t n)
{
	return packmake_lying(m, type, n, p, n);
}

size_t
packmake_ofs(struct packmake *m, size_t base, const void *delta, size_t n)
{
	size_t at = packmake_head(m, 6, n), distance = at - base, i = sizeof(size_t) * 2;
	uint8_t d[sizeof(size_t) * 2];

	d[--i] = distance & 0x7f;
	while (distance >>= 7)
		d[--i] = (uint8_t)(0x80 | (--distance & 0x7f));
	must(buf_put(m->b, d + i, sizeof(d) - i) == 0);
	packmake_data(m, delta, n);
	return at;
}

size_t
packmake_ref(struct packmake *m, const uint8_t base[20], const void *delta, size_t n)
{
	size_t at = packmake_head(m, 7, n);

	must(buf_put(m->b, base, 20) == 0);
	packmake_data(m, delta, n);
	return at;
}

void
packmake_end(struct packmake *m)
{
	uint8_t sum[EVP_MAX_MD_SIZE];

	must(EVP_Digest(buf_ptr(m->b), buf_len(m->b), sum, NULL, EVP_sha1(), NULL) == 1 && buf_put(m->b, sum, 20) == 0);
}

const uint8_t *
packmake_bytes(const struct packmake *m, size_t *np)
{
	*np = buf_len(m->b);
	return buf_ptr(m->b);
}

void
packmake_name(const char *type, const void *p, size_t n, uint8_t oid[20])
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	char *all = xmalloc(n + 64);
	int len = snprintf(all, 64, "%s %zu", type, n);

	memcpy(all + len + 1, p, n);
	must(EVP_Digest(all, (size_t)len + 1 + n, sum, NULL, EVP_sha1(), NULL) == 1);
	memcpy(oid, sum, 20);
	free(all);
}

static size_t
number(uint8_t *out, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	return n;
}

size_t
packmake_delta(size_t nbase, size_t times, uint8_t add, uint8_t *out, size_t room)
{
	size_t n = 0;

	must(room >= 24 + times * 4 && nbase < 1 << 24);
	n += number(out, nbase);
	n += number(out + n, (uint64_t)nbase * times + 1);
	for (size_t i = 0; i < times; i++) {
		out[n++] = 0xf0;
		out[n++] = (uint8_t)nbase;
		out[n++] = (uint8_t)(nbase >> 8);
		out[n++] = (uint8_t)(nbase >> 16);
	}
	out[n++] = 1;
	out[n++] = add;
	return n;
}
