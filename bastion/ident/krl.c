/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/krl.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/sshkey.h"

#define KRL_MAGIC	0x5353484b524c0a00ULL	/* "SSHKRL\n\0" */
#define KRL_FORMAT	1
#define HASH_LEN	crypto_hash_sha256_BYTES
#define SHA1_LEN	20

enum section {
	SECTION_CERTIFICATES = 1,
	SECTION_KEY = 2,
	SECTION_SHA1 = 3,
	SECTION_SHA256 = 5,
	SECTION_EXTENSION = 255,
};

enum cert_section {
	CERT_SERIAL_LIST = 0x20,
	CERT_SERIAL_RANGE = 0x21,
	CERT_SERIAL_BITMAP = 0x22,
	CERT_KEY_ID = 0x23,
	CERT_EXTENSION = 0x39,
};

struct range {
	uint64_t	 lo, hi;
};

/* What one CA's certificates are revoked by. */
struct krl_ca {
	uint8_t		*key;
	size_t		 keylen;	/* 0: whichever CA */
	struct range	*ranges;	/* rising, apart from each other */
	size_t		 nranges;
	struct strvec	 key_ids;
};

struct krl {
	uint64_t	 version;
	struct krl_ca	*cas;
	size_t		 ncas;
	uint8_t		(*sha256)[HASH_LEN];
	size_t		 nsha256;
	uint8_t		(*sha1)[SHA1_LEN];	/* only read; OpenSSH offers them, we never write new ones */
	size_t		 nsha1;
	size_t		 bytes;		/* upper bound of what krl_write needs */
};

struct krl *
krl_new(void)
{
	struct krl *k = calloc(1, sizeof(*k));

	if (k != NULL)
		k->bytes = 64;	/* header */
	return k;
}

void
krl_free(struct krl *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->ncas; i++) {
		free(k->cas[i].key);
		free(k->cas[i].ranges);
		strvec_release(&k->cas[i].key_ids);
	}
	free(k->cas);
	free(k->sha256);
	free(k->sha1);
	free(k);
}

uint64_t
krl_version(const struct krl *k)
{
	return k->version;
}

/* Account for n more bytes of the written list. */
static int
krl_grow(struct krl *k, size_t n)
{
	if (k->bytes + n > KRL_MAX)
		return ERR_TOOBIG;
	k->bytes += n;
	return 0;
}

static int
krl_ca_get(struct krl *k, const uint8_t *key, size_t keylen, struct krl_ca **cap)
{
	struct krl_ca *ca;
	int r;

	for (size_t i = 0; i < k->ncas; i++)
		if (k->cas[i].keylen == keylen && (keylen == 0 || memcmp(k->cas[i].key, key, keylen) == 0)) {
			*cap = &k->cas[i];
			return 0;
		}
	if (k->ncas >= KRL_CAS_MAX || keylen > SSHKEY_BLOB_MAX)
		return ERR_TOOBIG;
	if ((r = krl_grow(k, keylen + 32)) != 0)
		return r;
	k->cas = xreallocarray(k->cas, k->ncas + 1, sizeof(*k->cas));
	ca = &k->cas[k->ncas++];
	memset(ca, 0, sizeof(*ca));
	ca->key = xmalloc(keylen + 1);
	if (keylen > 0)
		memcpy(ca->key, key, keylen);
	ca->keylen = keylen;
	*cap = ca;
	return 0;
}

/* Put lo..hi among the ranges, melting together what touches. */
static int
ca_add_range(struct krl *k, struct krl_ca *ca, uint64_t lo, uint64_t hi)
{
	size_t first, last;
	int r;

	if (lo == 0 || lo > hi)
		return ERR_FORMAT;
	for (first = 0; first < ca->nranges && ca->ranges[first].hi < lo - 1; first++)
		;
	for (last = first; last < ca->nranges && (hi == UINT64_MAX || ca->ranges[last].lo <= hi + 1); last++) {
		lo = ca->ranges[last].lo < lo ? ca->ranges[last].lo : lo;
		hi = ca->ranges[last].hi > hi ? ca->ranges[last].hi : hi;
	}
	if (first == last) {	/* touches none: make room for one */
		if ((r = krl_grow(k, 21)) != 0)
			return r;
		ca->ranges = xreallocarray(ca->ranges, ca->nranges + 1, sizeof(*ca->ranges));
		memmove(ca->ranges + first + 1, ca->ranges + first, (ca->nranges - first) * sizeof(*ca->ranges));
		ca->nranges++;
	} else {		/* swallows first..last-1 */
		memmove(ca->ranges + first + 1, ca->ranges + last, (ca->nranges - last) * sizeof(*ca->ranges));
		ca->nranges -= last - first - 1;
	}
	ca->ranges[first] = (struct range){ lo, hi };
	return 0;
}

static int
ca_add_key_id(struct krl *k, struct krl_ca *ca, const char *key_id)
{
	size_t n = strlen(key_id);
	int r;

	if (n == 0 || n > KRL_KEY_ID_MAX)
		return ERR_FORMAT;
	if (strvec_has(&ca->key_ids, key_id))
		return 0;
	if (ca->key_ids.n >= KRL_KEY_IDS_MAX)
		return ERR_TOOBIG;
	if ((r = krl_grow(k, n + 4)) != 0)
		return r;
	strvec_push(&ca->key_ids, key_id);
	return 0;
}

int
krl_revoke_serial(struct krl *k, const uint8_t *ca, size_t calen, uint64_t lo, uint64_t hi)
{
	struct krl_ca *c;
	int r;

	if (calen == 0 || lo == 0)
		return ERR_FORMAT;
	if ((r = krl_ca_get(k, ca, calen, &c)) != 0)
		return r;
	return ca_add_range(k, c, lo, hi);
}

int
krl_revoke_key_id(struct krl *k, const uint8_t *ca, size_t calen, const char *key_id)
{
	struct krl_ca *c;
	int r;

	if (calen == 0)
		return ERR_FORMAT;
	if ((r = krl_ca_get(k, ca, calen, &c)) != 0)
		return r;
	return ca_add_key_id(k, c, key_id);
}

static int
krl_add_sha256(struct krl *k, const uint8_t hash[HASH_LEN])
{
	int r;

	for (size_t i = 0; i < k->nsha256; i++)
		if (memcmp(k->sha256[i], hash, HASH_LEN) == 0)
			return 0;
	if ((r = krl_grow(k, HASH_LEN + 4)) != 0)
		return r;
	k->sha256 = xreallocarray(k->sha256, k->nsha256 + 1, sizeof(*k->sha256));
	memcpy(k->sha256[k->nsha256++], hash, HASH_LEN);
	return 0;
}

static int
krl_add_sha1(struct krl *k, const uint8_t hash[SHA1_LEN])
{
	int r;

	if ((r = krl_grow(k, SHA1_LEN + 4)) != 0)
		return r;
	k->sha1 = xreallocarray(k->sha1, k->nsha1 + 1, sizeof(*k->sha1));
	memcpy(k->sha1[k->nsha1++], hash, SHA1_LEN);
	return 0;
}

/* Keys are kept by their SHA-256: a tenth of the size, and any type will do. */
int
krl_revoke_key(struct krl *k, const uint8_t *key, size_t keylen)
{
	uint8_t hash[HASH_LEN];

	if (keylen == 0)
		return ERR_FORMAT;
	crypto_hash_sha256(hash, key, keylen);
	return krl_add_sha256(k, hash);
}

static int
serial_list_parse(struct krl *k, struct krl_ca *ca, struct buf *b)
{
	uint64_t serial;
	int r = 0;

	while (r == 0 && buf_len(b) > 0)
		if ((r = buf_get_u64(b, &serial)) == 0)
			r = ca_add_range(k, ca, serial, serial);
	return r;
}

static int
serial_range_parse(struct krl *k, struct krl_ca *ca, struct buf *b)
{
	uint64_t lo, hi;
	int r;

	if ((r = buf_get_u64(b, &lo)) != 0 || (r = buf_get_u64(b, &hi)) != 0 || (r = buf_end(b)) != 0)
		return r;
	return ca_add_range(k, ca, lo == 0 ? 1 : lo, hi);
}

/* An mpint whose bit i revokes serial offset + i; runs of bits become ranges. */
static int
serial_bitmap_parse(struct krl *k, struct krl_ca *ca, struct buf *b)
{
	const uint8_t *p;
	uint64_t offset, nbits, start = 0;
	size_t n;
	bool in_run = false;
	int r;

	if ((r = buf_get_u64(b, &offset)) != 0 || (r = buf_peek_string(b, &p, &n)) != 0 || (r = buf_end(b)) != 0)
		return r;
	if (n == 0 || (p[0] & 0x80) != 0)
		return ERR_FORMAT;
	nbits = (uint64_t)n * 8;
	if (offset > UINT64_MAX - nbits)
		return ERR_FORMAT;
	/* Bit nbits - 1 is clear (an mpint's sign), so the last run always ends inside the loop. */
	for (uint64_t i = 0; r == 0 && i < nbits; i++) {
		bool set = (p[n - 1 - i / 8] >> (i % 8) & 1) != 0;

		if (set && !in_run)
			start = offset + i;
		if (!set && in_run && offset + i > 1)	/* serial 0 revokes nothing */
			r = ca_add_range(k, ca, start == 0 ? 1 : start, offset + i - 1);
		in_run = set;
	}
	return r;
}

static int
key_id_parse(struct krl *k, struct krl_ca *ca, struct buf *b)
{
	char *id;
	int r = 0;

	while (r == 0 && buf_len(b) > 0) {
		if ((r = buf_get_cstring(b, &id)) != 0)
			break;
		r = ca_add_key_id(k, ca, id);
		free(id);
	}
	return r;
}

/* An extension that is not critical may be passed over. */
static int
extension_parse(struct buf *b)
{
	const uint8_t *p;
	uint8_t critical;
	size_t n;
	int r;

	if ((r = buf_peek_string(b, &p, &n)) != 0 || (r = buf_get_u8(b, &critical)) != 0 ||
	    (r = buf_peek_string(b, &p, &n)) != 0 || (r = buf_end(b)) != 0)
		return r;
	return critical == 0 ? 0 : ERR_FORMAT;
}

static int
cert_section_parse(struct krl *k, struct krl_ca *ca, uint8_t type, struct buf *b)
{
	switch (type) {
	case CERT_SERIAL_LIST:
		return serial_list_parse(k, ca, b);
	case CERT_SERIAL_RANGE:
		return serial_range_parse(k, ca, b);
	case CERT_SERIAL_BITMAP:
		return serial_bitmap_parse(k, ca, b);
	case CERT_KEY_ID:
		return key_id_parse(k, ca, b);
	case CERT_EXTENSION:
		return extension_parse(b);
	default:
		return ERR_FORMAT;
	}
}

/* Take the next "u8 type, string body" and open a view on the body. */
static int
section_next(struct buf *b, uint8_t *typep, struct buf **bodyp)
{
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = buf_get_u8(b, typep)) != 0 || (r = buf_peek_string(b, &p, &n)) != 0)
		return r;
	*bodyp = buf_view(p, n);
	return *bodyp == NULL ? ERR_NOMEM : 0;
}

static int
certificates_parse(struct krl *k, struct buf *b)
{
	struct buf *body = NULL;
	struct krl_ca *ca;
	const uint8_t *key, *reserved;
	size_t keylen, n;
	uint8_t type;
	int r;

	if ((r = buf_peek_string(b, &key, &keylen)) != 0 || (r = buf_peek_string(b, &reserved, &n)) != 0)
		return r;
	if (n != 0 || (keylen != 0 && sshkey_check(key, keylen, NULL) != 0))
		return ERR_FORMAT;
	if ((r = krl_ca_get(k, key, keylen, &ca)) != 0)
		return r;
	while (r == 0 && buf_len(b) > 0) {
		if ((r = section_next(b, &type, &body)) == 0)
			r = cert_section_parse(k, ca, type, body);
		buf_free(body);
		body = NULL;
	}
	return r;
}

static int
keys_parse(struct krl *k, uint8_t type, struct buf *b)
{
	const uint8_t *p;
	size_t n;
	int r = 0;

	while (r == 0 && buf_len(b) > 0) {
		if ((r = buf_peek_string(b, &p, &n)) != 0)
			break;
		r = ERR_FORMAT;
		if (type == SECTION_KEY && n > 0)
			r = krl_revoke_key(k, p, n);
		else if (type == SECTION_SHA1 && n == SHA1_LEN)
			r = krl_add_sha1(k, p);
		else if (type == SECTION_SHA256 && n == HASH_LEN)
			r = krl_add_sha256(k, p);
	}
	return r;
}

static int
section_parse(struct krl *k, uint8_t type, struct buf *b)
{
	switch (type) {
	case SECTION_CERTIFICATES:
		return certificates_parse(k, b);
	case SECTION_KEY:
	case SECTION_SHA1:
	case SECTION_SHA256:
		return keys_parse(k, type, b);
	case SECTION_EXTENSION:
		return extension_parse(b);
	default:
		return ERR_FORMAT;	/* signatures (4) too */
	}
}

static int
header_parse(struct krl *k, struct buf *b)
{
	uint64_t magic, generated, flags;
	uint32_t format;
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = buf_get_u64(b, &magic)) != 0 || (r = buf_get_u32(b, &format)) != 0)
		return r;
	if (magic != KRL_MAGIC || format != KRL_FORMAT)
		return ERR_FORMAT;
	if ((r = buf_get_u64(b, &k->version)) != 0 || (r = buf_get_u64(b, &generated)) != 0 ||
	    (r = buf_get_u64(b, &flags)) != 0 || (r = buf_peek_string(b, &p, &n)) != 0)
		return r;
	if (n != 0)	/* reserved */
		return ERR_FORMAT;
	return buf_peek_string(b, &p, &n);	/* comment */
}

int
krl_parse(const uint8_t *p, size_t n, struct krl **krlp)
{
	struct buf *b = NULL, *body = NULL;
	struct krl *k = NULL;
	uint8_t type;
	int r;

	*krlp = NULL;
	if (n > KRL_MAX)
		return ERR_TOOBIG;
	r = ERR_NOMEM;
	if ((b = buf_view(p, n)) == NULL || (k = krl_new()) == NULL)
		goto out;
	r = header_parse(k, b);
	while (r == 0 && buf_len(b) > 0) {
		if ((r = section_next(b, &type, &body)) == 0)
			r = section_parse(k, type, body);
		buf_free(body);
		body = NULL;
	}
	if (r != 0)
		goto out;
	*krlp = k;
	k = NULL;
out:
	krl_free(k);
	buf_free(b);
	return r == ERR_SHORT ? ERR_FORMAT : r;
}

/* One range as its own subsection; single serials were put into one list before. */
static int
range_write(struct buf *out, const struct range *g)
{
	int r;

	if ((r = buf_put_u8(out, CERT_SERIAL_RANGE)) != 0 || (r = buf_put_u32(out, 16)) != 0 ||
	    (r = buf_put_u64(out, g->lo)) != 0)
		return r;
	return buf_put_u64(out, g->hi);
}

static int
serials_write(struct buf *out, const struct krl_ca *ca)
{
	uint32_t singles = 0;
	int r = 0;

	for (size_t i = 0; i < ca->nranges; i++)
		singles += ca->ranges[i].lo == ca->ranges[i].hi;
	if (singles > 0 && ((r = buf_put_u8(out, CERT_SERIAL_LIST)) != 0 || (r = buf_put_u32(out, singles * 8)) != 0))
		return r;
	for (size_t i = 0; r == 0 && i < ca->nranges; i++)
		if (ca->ranges[i].lo == ca->ranges[i].hi)
			r = buf_put_u64(out, ca->ranges[i].lo);
	for (size_t i = 0; r == 0 && i < ca->nranges; i++)
		if (ca->ranges[i].lo != ca->ranges[i].hi)
			r = range_write(out, &ca->ranges[i]);
	return r;
}

static int
key_ids_write(struct buf *out, const struct krl_ca *ca)
{
	struct buf *b = buf_new(KRL_MAX);
	int r = b == NULL ? ERR_NOMEM : 0;

	for (size_t i = 0; r == 0 && i < ca->key_ids.n; i++)
		r = buf_put_cstring(b, ca->key_ids.v[i]);
	if (r == 0 && ca->key_ids.n > 0 && (r = buf_put_u8(out, CERT_KEY_ID)) == 0)
		r = buf_put_string(out, buf_ptr(b), buf_len(b));
	buf_free(b);
	return r;
}

static int
ca_write(struct buf *out, const struct krl_ca *ca)
{
	struct buf *b = buf_new(KRL_MAX);
	int r = ERR_NOMEM;

	if (b != NULL && (r = buf_put_string(b, ca->key, ca->keylen)) == 0 && (r = buf_put_string(b, NULL, 0)) == 0 &&
	    (r = serials_write(b, ca)) == 0 && (r = key_ids_write(b, ca)) == 0 &&
	    (r = buf_put_u8(out, SECTION_CERTIFICATES)) == 0)
		r = buf_put_string(out, buf_ptr(b), buf_len(b));
	buf_free(b);
	return r;
}

static int
hashes_write(struct buf *out, uint8_t type, const uint8_t *hashes, size_t n, size_t len)
{
	int r;

	if (n == 0)
		return 0;
	if ((r = buf_put_u8(out, type)) != 0 || (r = buf_put_u32(out, (uint32_t)(n * (len + 4)))) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = buf_put_string(out, hashes + i * len, len);
	return r;
}

static int
hash_compare(const void *a, const void *b)
{
	return memcmp(a, b, HASH_LEN);
}

int
krl_write(struct krl *k, uint64_t now, struct buf *out)
{
	int r;

	k->version++;
	if (k->nsha256 > 0)
		qsort(k->sha256, k->nsha256, HASH_LEN, hash_compare);
	if ((r = buf_put_u64(out, KRL_MAGIC)) != 0 || (r = buf_put_u32(out, KRL_FORMAT)) != 0 ||
	    (r = buf_put_u64(out, k->version)) != 0 || (r = buf_put_u64(out, now)) != 0 ||
	    (r = buf_put_u64(out, 0)) != 0 || (r = buf_put_cstring(out, NULL)) != 0 ||
	    (r = buf_put_cstring(out, "sallyport")) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < k->ncas; i++)
		r = ca_write(out, &k->cas[i]);
	if (r == 0)
		r = hashes_write(out, SECTION_SHA1, k->sha1 == NULL ? NULL : k->sha1[0], k->nsha1, SHA1_LEN);
	if (r == 0)
		r = hashes_write(out, SECTION_SHA256, k->sha256 == NULL ? NULL : k->sha256[0], k->nsha256, HASH_LEN);
	return r;
}

bool
krl_has_sha256(const struct krl *k, const uint8_t hash[HASH_LEN])
{
	for (size_t i = 0; i < k->nsha256; i++)
		if (memcmp(k->sha256[i], hash, HASH_LEN) == 0)
			return true;
	return false;
}

bool
krl_has_key(const struct krl *k, const uint8_t *key, size_t keylen)
{
	uint8_t hash[HASH_LEN], sha1[EVP_MAX_MD_SIZE];
	unsigned n;

	crypto_hash_sha256(hash, key, keylen);
	if (krl_has_sha256(k, hash))
		return true;
	if (k->nsha1 == 0)
		return false;
	if (EVP_Digest(key, keylen, sha1, &n, EVP_sha1(), NULL) != 1 || n != SHA1_LEN)
		return true;	/* it cannot be checked, so it is not let in */
	for (size_t i = 0; i < k->nsha1; i++)
		if (memcmp(k->sha1[i], sha1, SHA1_LEN) == 0)
			return true;
	return false;
}

static bool
ca_has(const struct krl_ca *ca, uint64_t serial, const char *key_id)
{
	size_t lo = 0, hi = ca->nranges;

	if (strvec_has(&ca->key_ids, key_id))
		return true;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (serial < ca->ranges[mid].lo)
			hi = mid;
		else if (serial > ca->ranges[mid].hi)
			lo = mid + 1;
		else
			return true;
	}
	return false;
}

bool
krl_has_serial(const struct krl *k, const uint8_t *key, size_t keylen, uint64_t serial, const char *key_id)
{
	for (size_t i = 0; i < k->ncas; i++) {
		const struct krl_ca *ca = &k->cas[i];

		if (ca->keylen != 0 && (ca->keylen != keylen || memcmp(ca->key, key, keylen) != 0))
			continue;
		if (ca_has(ca, serial, key_id))
			return true;
	}
	return false;
}

bool
krl_is_revoked(const struct krl *k, const struct cert *c)
{
	return krl_has_key(k, c->subject_key, c->subject_key_len) || krl_has_key(k, c->ca_key, c->ca_key_len) ||
	    krl_has_serial(k, c->ca_key, c->ca_key_len, c->serial, c->key_id);
}
