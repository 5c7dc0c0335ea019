/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/audit/checkpoint.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"

#define NOTE_ED25519	0x01		/* signature type of C2SP signed-note */
#define SIG_DASH	"\xe2\x80\x94 "	/* an em dash and a blank start a signature line */
#define SIG_LEN		(4 + crypto_sign_BYTES)

/* Take one line off the front, without its LF. */
static int
line_take(const char **p, size_t *n, const char **line, size_t *len)
{
	const char *lf = *n == 0 ? NULL : memchr(*p, '\n', *n);

	if (lf == NULL)
		return ERR_FORMAT;
	*line = *p;
	*len = (size_t)(lf - *p);
	*n -= *len + 1;
	*p = lf + 1;
	return 0;
}

static int
base64_exact(const char *p, size_t n, uint8_t *out, size_t want)
{
	size_t got;

	if (sodium_base642bin(out, want, p, n, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 || got != want)
		return ERR_FORMAT;
	return 0;
}

/* Names in notes hold neither blanks nor '+' nor control characters. */
static int
name_take(const char *p, size_t n, char out[CHECKPOINT_ORIGIN_MAX + 1])
{
	if (n == 0 || n > CHECKPOINT_ORIGIN_MAX)
		return ERR_FORMAT;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] <= ' ' || p[i] == '+' || p[i] == 0x7f)
			return ERR_FORMAT;
	memcpy(out, p, n);
	out[n] = '\0';
	return 0;
}

static int
size_take(const char *p, size_t n, uint64_t *vp)
{
	uint64_t v = 0;

	if (n == 0 || n > 19 || (p[0] == '0' && n > 1))
		return ERR_FORMAT;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return ERR_FORMAT;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	*vp = v;
	return 0;
}

int
checkpoint_body(const struct checkpoint *c, struct buf *out)
{
	char root[sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_ORIGINAL)], name[CHECKPOINT_ORIGIN_MAX + 1];

	if (name_take(c->origin, strlen(c->origin), name) != 0)
		return ERR_FORMAT;
	sodium_bin2base64(root, sizeof(root), c->root, sizeof(c->root), sodium_base64_VARIANT_ORIGINAL);
	return buf_putf(out, "%s\n%" PRIu64 "\n%s\n", name, c->size, root);
}

int
checkpoint_parse(const void *note, size_t n, struct checkpoint *c, size_t *bodyp)
{
	const char *p = note, *line;
	size_t len;
	int r;

	memset(c, 0, sizeof(*c));
	if (n > CHECKPOINT_MAX)
		return ERR_FORMAT;
	if ((r = line_take(&p, &n, &line, &len)) != 0 || (r = name_take(line, len, c->origin)) != 0 ||
	    (r = line_take(&p, &n, &line, &len)) != 0 || (r = size_take(line, len, &c->size)) != 0 ||
	    (r = line_take(&p, &n, &line, &len)) != 0 || (r = base64_exact(line, len, c->root, sizeof(c->root))) != 0)
		return r;
	/* Extension lines may follow; they are signed too. An empty line ends the body. */
	do {
		*bodyp = (size_t)(p - (const char *)note);
		if ((r = line_take(&p, &n, &line, &len)) != 0)
			return r;
	} while (len > 0);
	return n > 0 ? 0 : ERR_FORMAT;
}

/* Whether this is a signature line of the key, and good. ERR_NOTFOUND: someone else's. */
static int
sig_judge(const char *line, size_t len, const void *body, size_t nbody, const struct audit_key *key)
{
	size_t dash = strlen(SIG_DASH), name = strlen(key->name);
	uint8_t sig[SIG_LEN];

	if (len < dash || memcmp(line, SIG_DASH, dash) != 0)
		return ERR_FORMAT;
	line += dash;
	len -= dash;
	if (len <= name || memcmp(line, key->name, name) != 0 || line[name] != ' ' ||
	    base64_exact(line + name + 1, len - name - 1, sig, sizeof(sig)) != 0 || memcmp(sig, key->id, 4) != 0)
		return ERR_NOTFOUND;
	return crypto_sign_verify_detached(sig + 4, body, nbody, key->pk) == 0 ? 0 : ERR_CRYPTO;
}

int
checkpoint_verify(const void *note, size_t n, const struct audit_key *key, struct checkpoint *c)
{
	const char *p = note, *line;
	size_t body, len;
	int r;

	if ((r = checkpoint_parse(note, n, c, &body)) != 0)
		return r;
	p += body + 1;
	n -= body + 1;
	while (n > 0) {
		if ((r = line_take(&p, &n, &line, &len)) != 0)
			return r;
		if ((r = sig_judge(line, len, note, body, key)) != ERR_NOTFOUND)
			return r;
	}
	return ERR_CRYPTO;
}

static int
hex4(const char *p, uint8_t out[4])
{
	size_t got;

	return sodium_hex2bin(out, 4, p, 8, NULL, &got, NULL) == 0 && got == 4 ? 0 : ERR_FORMAT;
}

int
audit_key_parse(const void *text, size_t n, struct audit_key *k)
{
	const char *p = text, *plus;
	uint8_t typed[1 + 32], digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state h;
	int r;

	memset(k, 0, sizeof(*k));
	if (n > 0 && p[n - 1] == '\n')
		n--;
	if (n == 0 || (plus = memchr(p, '+', n)) == NULL || (r = name_take(p, (size_t)(plus - p), k->name)) != 0)
		return ERR_FORMAT;
	n -= (size_t)(plus - p) + 1;
	p = plus + 1;
	if (n < 9 || p[8] != '+' || (r = hex4(p, k->id)) != 0 ||
	    (r = base64_exact(p + 9, n - 9, typed, sizeof(typed))) != 0 || typed[0] != NOTE_ED25519)
		return ERR_FORMAT;
	memcpy(k->pk, typed + 1, sizeof(k->pk));
	crypto_hash_sha256_init(&h);
	crypto_hash_sha256_update(&h, (const uint8_t *)k->name, strlen(k->name));
	crypto_hash_sha256_update(&h, (const uint8_t *)"\n", 1);
	crypto_hash_sha256_update(&h, typed, sizeof(typed));
	crypto_hash_sha256_final(&h, digest);
	return memcmp(digest, k->id, sizeof(k->id)) == 0 ? 0 : ERR_FORMAT;
}
