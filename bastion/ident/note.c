/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/note.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/id.h"
#include "bastion/base/xmalloc.h"

#define ALG_ED25519	0x01
#define HASH_LEN	4
#define DASH		"\xe2\x80\x94 "	/* em dash, space: how a signature line begins */
#define LINE_MAX_BYTES	1024

/* Names end at a space or '+' in the formats, so they have neither. */
static bool
name_is_fit(const char *name)
{
	return name_is_safe(name, NOTE_NAME_MAX) && strchr(name, '+') == NULL;
}

static void
key_hash(const char *name, const uint8_t key[NOTE_KEY_LEN], uint8_t out[HASH_LEN])
{
	static const uint8_t sep[2] = { '\n', ALG_ED25519 };
	uint8_t hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state st;

	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, (const uint8_t *)name, strlen(name));
	crypto_hash_sha256_update(&st, sep, sizeof(sep));
	crypto_hash_sha256_update(&st, key, NOTE_KEY_LEN);
	crypto_hash_sha256_final(&st, hash);
	memcpy(out, hash, HASH_LEN);
}

/* Exactly want bytes of strict base64. */
static int
base64_exact(const char *s, size_t n, uint8_t *out, size_t want)
{
	size_t len;

	if (sodium_base642bin(out, want, s, n, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 || len != want)
		return ERR_FORMAT;
	return 0;
}

/* Cut the next line off; its length without LF, or -1 when there is no LF. */
static ssize_t
line_next(const char **pp, const char *end, const char **linep)
{
	const char *lf = memchr(*pp, '\n', (size_t)(end - *pp));
	ssize_t n;

	if (lf == NULL)
		return -1;
	*linep = *pp;
	n = lf - *pp;
	*pp = lf + 1;
	return n;
}

static int
size_parse(const char *s, size_t n, uint64_t *sizep)
{
	uint64_t v = 0;

	if (n == 0 || n > 19 || (n > 1 && s[0] == '0'))
		return ERR_FORMAT;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return ERR_FORMAT;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	*sizep = v;
	return 0;
}

int
note_checkpoint_parse(const void *text, size_t len, struct note_checkpoint *c)
{
	const char *p = text, *end = p + len, *line;
	ssize_t n;

	memset(c, 0, sizeof(*c));
	if (len > NOTE_TEXT_MAX || (n = line_next(&p, end, &line)) < 1 || n > NOTE_NAME_MAX)
		return ERR_FORMAT;
	memcpy(c->origin, line, (size_t)n);
	if (strlen(c->origin) != (size_t)n || !name_is_fit(c->origin))
		return ERR_FORMAT;
	if ((n = line_next(&p, end, &line)) < 1 || size_parse(line, (size_t)n, &c->size) != 0)
		return ERR_FORMAT;
	if ((n = line_next(&p, end, &line)) < 1 || base64_exact(line, (size_t)n, c->root, NOTE_ROOT_LEN) != 0)
		return ERR_FORMAT;
	return p == end ? 0 : ERR_FORMAT;
}

char *
note_key_line(const char *name, const uint8_t key[NOTE_KEY_LEN])
{
	uint8_t raw[1 + NOTE_KEY_LEN], hash[HASH_LEN];
	char b64[sodium_base64_ENCODED_LEN(sizeof(raw), sodium_base64_VARIANT_ORIGINAL)];

	raw[0] = ALG_ED25519;
	memcpy(raw + 1, key, NOTE_KEY_LEN);
	key_hash(name, key, hash);
	sodium_bin2base64(b64, sizeof(b64), raw, sizeof(raw), sodium_base64_VARIANT_ORIGINAL);
	return xasprintf("%s+%02x%02x%02x%02x+%s", name, hash[0], hash[1], hash[2], hash[3], b64);
}

int
note_key_parse(const char *line, char **namep, uint8_t key[NOTE_KEY_LEN])
{
	size_t n = strcspn(line, "\n");
	const char *plus = strchr(line, '+'), *b64;
	uint8_t raw[1 + NOTE_KEY_LEN];
	char *name = NULL, *again = NULL;
	int r = ERR_FORMAT;

	if (plus == NULL || n > LINE_MAX_BYTES || (line[n] == '\n' && line[n + 1] != '\0'))
		return ERR_FORMAT;
	name = xstrndup(line, (size_t)(plus - line));
	if (!name_is_fit(name) || (b64 = strchr(plus + 1, '+')) == NULL || b64 + 1 > line + n)
		goto out;
	b64++;
	if (base64_exact(b64, (size_t)(line + n - b64), raw, sizeof(raw)) != 0 || raw[0] != ALG_ED25519)
		goto out;
	/* Made again it must be the same, which checks the hash and that every character has its one place. */
	again = note_key_line(name, raw + 1);
	if (strlen(again) != n || memcmp(again, line, n) != 0)
		goto out;
	memcpy(key, raw + 1, NOTE_KEY_LEN);
	*namep = name;
	name = NULL;
	r = 0;
out:
	free(again);
	free(name);
	return r;
}

int
note_key_read(const char *path, char **namep, uint8_t key[NOTE_KEY_LEN])
{
	struct buf *b = buf_new(LINE_MAX_BYTES);
	char *line = NULL;
	int r;

	if (b == NULL)
		return ERR_NOMEM;
	if ((r = file_read(path, b)) == 0) {
		line = xstrndup((const char *)buf_ptr(b), buf_len(b));
		r = strlen(line) == buf_len(b) ? note_key_parse(line, namep, key) : ERR_FORMAT;
	}
	free(line);
	buf_free(b);
	return r;
}

char *
note_sign(const char *name, const uint8_t secret[64], const void *text, size_t n)
{
	uint8_t raw[HASH_LEN + crypto_sign_BYTES], key[NOTE_KEY_LEN];
	char b64[sodium_base64_ENCODED_LEN(sizeof(raw), sodium_base64_VARIANT_ORIGINAL)];

	(void)crypto_sign_ed25519_sk_to_pk(key, secret);
	key_hash(name, key, raw);
	(void)crypto_sign_detached(raw + HASH_LEN, NULL, text, n, secret);
	sodium_bin2base64(b64, sizeof(b64), raw, sizeof(raw), sodium_base64_VARIANT_ORIGINAL);
	return xasprintf(DASH "%s %s\n", name, b64);
}

int
note_verify(const char *name, const uint8_t key[NOTE_KEY_LEN], const void *text, size_t n, const char *line)
{
	uint8_t raw[HASH_LEN + crypto_sign_BYTES], hash[HASH_LEN];
	size_t dash = strlen(DASH), namelen = strlen(name), len = strcspn(line, "\n");
	const char *b64 = line + dash + namelen + 1;

	if (len < dash + namelen + 1 || strncmp(line, DASH, dash) != 0 || strncmp(line + dash, name, namelen) != 0 ||
	    b64[-1] != ' ')
		return ERR_FORMAT;
	if (base64_exact(b64, (size_t)(line + len - b64), raw, sizeof(raw)) != 0)
		return ERR_FORMAT;
	key_hash(name, key, hash);
	if (memcmp(raw, hash, HASH_LEN) != 0)
		return ERR_CRYPTO;
	return crypto_sign_verify_detached(raw + HASH_LEN, text, n, key) == 0 ? 0 : ERR_CRYPTO;
}
