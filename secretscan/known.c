/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/digest.h"
#include "secretscan/scanner.h"

/* One byte of a value takes at most so many in any form: &quot; and \u0022 take six. */
#define EXPANSION	6

/* A value being written in one form. */
struct form {
	uint8_t	*p;
	size_t	 n;
};

typedef void	(*escape_fn)(struct form *, uint8_t c);

static void
put(struct form *f, const char *text)
{
	size_t n = strlen(text);

	memcpy(f->p + f->n, text, n);
	f->n += n;
}

static void
put_byte(struct form *f, uint8_t c)
{
	f->p[f->n++] = c;
}

static void
put_hex(struct form *f, const char *before, uint8_t c, bool upper)
{
	char text[8];

	snprintf(text, sizeof(text), upper ? "%s%02X" : "%s%02x", before, c);
	put(f, text);
}

static bool
is_unreserved(uint8_t c)	/* RFC 3986, 2.3 */
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~", c) != NULL);
}

static void
as_it_is(struct form *f, uint8_t c)
{
	put_byte(f, c);
}

static void
percent_upper(struct form *f, uint8_t c)
{
	if (is_unreserved(c))
		put_byte(f, c);
	else
		put_hex(f, "%", c, true);
}

static void
percent_lower(struct form *f, uint8_t c)
{
	if (is_unreserved(c))
		put_byte(f, c);
	else
		put_hex(f, "%", c, false);
}

/* application/x-www-form-urlencoded */
static void
percent_form(struct form *f, uint8_t c)
{
	if (c == ' ')
		put_byte(f, '+');
	else
		percent_upper(f, c);
}

static void
percent_every(struct form *f, uint8_t c)
{
	put_hex(f, "%", c, true);
}

/* RFC 8259, 7, as most writers do it. */
static void
json(struct form *f, uint8_t c)
{
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char to[] = "\"\\bfnrt";
	const char *at = c != '\0' ? strchr(from, c) : NULL;

	if (at != NULL) {
		put_byte(f, '\\');
		put_byte(f, (uint8_t)to[at - from]);
	} else if (c < ' ')
		put_hex(f, "\\u00", c, false);
	else
		put_byte(f, c);
}

/* As writers do that fear HTML: <, >, &, ' and / are escaped as well. */
static void
json_html(struct form *f, uint8_t c)
{
	if (c == '/')
		put(f, "\\/");
	else if (c != '\0' && strchr("<>&'", c) != NULL)
		put_hex(f, "\\u00", c, false);
	else
		json(f, c);
}

static void
html(struct form *f, uint8_t c)
{
	static const char *const names[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };
	static const char from[] = "&<>\"'";
	const char *at = c != '\0' ? strchr(from, c) : NULL;

	if (at != NULL)
		put(f, names[at - from]);
	else
		put_byte(f, c);
}

/* Inside '..': the one character that cannot stand there. */
static void
shell_single(struct form *f, uint8_t c)
{
	if (c == '\'')
		put(f, "'\\''");
	else
		put_byte(f, c);
}

/* printf %q, and what stands inside "..". */
static void
shell_backslash(struct form *f, uint8_t c)
{
	if (c >= ' ' && c < 0x7f && !is_unreserved(c) && strchr("+,:=@%/^", c) == NULL)
		put_byte(f, '\\');
	put_byte(f, c);
}

static void
utf16_le(struct form *f, uint8_t c)
{
	put_byte(f, c);
	put_byte(f, 0);
}

static void
utf16_be(struct form *f, uint8_t c)
{
	put_byte(f, 0);
	put_byte(f, c);
}

static void hex_lower(struct form *f, uint8_t c) { put_hex(f, "", c, false); }
static void hex_upper(struct form *f, uint8_t c) { put_hex(f, "", c, true); }
static void hex_x_lower(struct form *f, uint8_t c) { put_hex(f, "\\x", c, false); }
static void hex_x_upper(struct form *f, uint8_t c) { put_hex(f, "\\x", c, true); }
static void hex_0x_lower(struct form *f, uint8_t c) { put_hex(f, f->n > 0 ? ",0x" : "0x", c, false); }
static void hex_0x_upper(struct form *f, uint8_t c) { put_hex(f, f->n > 0 ? ",0x" : "0x", c, true); }
static void hex_colon_lower(struct form *f, uint8_t c) { put_hex(f, f->n > 0 ? ":" : "", c, false); }
static void hex_colon_upper(struct form *f, uint8_t c) { put_hex(f, f->n > 0 ? ":" : "", c, true); }

static const escape_fn plain_forms[] = {
	as_it_is, percent_upper, percent_lower, percent_form, percent_every, json, json_html, html, shell_single,
	shell_backslash, utf16_le, utf16_be,
};

static const escape_fn coded_forms[] = {
	hex_lower, hex_upper, hex_x_lower, hex_x_upper, hex_0x_lower, hex_0x_upper, hex_colon_lower, hex_colon_upper,
};

static int
add_forms(struct trie *t, const escape_fn *fn, size_t nfn, const uint8_t *p, size_t n, struct form *f, uint32_t label)
{
	int e = 0;

	for (size_t i = 0; i < nfn && e == 0; i++) {
		f->n = 0;
		for (size_t k = 0; k < n; k++)
			fn[i](f, p[k]);
		e = trie_add(t, f->p, f->n, label);
	}
	return e;
}

/*
 * Base64 (RFC 4648, 4 and 5) of a text that holds the value after `before` other bytes, modulo three: the characters that
 * these other bytes have no part in.
 */
static void
base64_core(struct form *f, const uint8_t *p, size_t n, size_t before, const char last[2])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t bits = (before + n) * 8;
	size_t from = (before * 8 + 5) / 6;

	f->n = 0;
	for (size_t i = from; (i + 1) * 6 <= bits; i++) {
		unsigned v = 0;

		for (size_t b = i * 6; b < i * 6 + 6; b++)
			v = v << 1 | ((unsigned)p[b / 8 - before] >> (7 - b % 8) & 1);
		put_byte(f, (uint8_t)(v < 62 ? digits[v] : last[v - 62]));
	}
}

static int
add_base64(struct trie *t, const uint8_t *p, size_t n, struct form *f, uint32_t label)
{
	int e = 0;

	for (size_t before = 0; before < 3 && e == 0; before++) {
		base64_core(f, p, n, before, "+/");
		if ((e = trie_add(t, f->p, f->n, label)) == 0) {
			base64_core(f, p, n, before, "-_");
			e = trie_add(t, f->p, f->n, label);
		}
	}
	return e;
}

static int
add_value(struct secretscan_known *k, const uint8_t *p, size_t n, uint32_t label)
{
	struct form f = { malloc(n * EXPANSION), 0 };
	uint8_t *bare = malloc(n);
	size_t nbare = 0;
	int e = SECRETSCAN_NOMEM;

	if (f.p == NULL || bare == NULL)
		goto out;
	/* Terminals and Windows change line ends: where CR may come and go, the texts are without. */
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\r')
			bare[nbare++] = p[i];
	}
	e = nbare < SECRETSCAN_KNOWN_MIN ? SECRETSCAN_LIMIT : 0;
	if (e == 0)
		e = add_forms(k->plain, plain_forms, sizeof(plain_forms) / sizeof(plain_forms[0]), bare, nbare, &f, label);
	if (e == 0)
		e = add_forms(k->coded, coded_forms, sizeof(coded_forms) / sizeof(coded_forms[0]), p, n, &f, label);
	if (e == 0)
		e = add_base64(k->coded, p, n, &f, label);
out:
	if (f.p != NULL)
		digest_wipe(f.p, n * EXPANSION);
	if (bare != NULL)
		digest_wipe(bare, n);
	free(f.p);
	free(bare);
	return e;
}

struct secretscan_known *
secretscan_known_new(const struct secretscan *ss)
{
	struct secretscan_known *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->ss = ss;
	atomic_init(&k->users, 1);
	k->plain = trie_new();
	k->coded = trie_new();
	if (k->plain != NULL && k->coded != NULL)
		return k;
	secretscan_known_free(k);
	return NULL;
}

void
secretscan_known_free(struct secretscan_known *k)
{
	if (k == NULL || atomic_fetch_sub(&k->users, 1) > 1)
		return;
	trie_free(k->plain);
	trie_free(k->coded);
	free(k->v);
	free(k);
}

int
secretscan_known_add(struct secretscan_known *k, const char *name, const void *value, size_t n)
{
	struct known_value *v;
	struct digest *d;
	int e;

	if (n < SECRETSCAN_KNOWN_MIN || n > SECRETSCAN_KNOWN_MAX || strlen(name) > KNOWN_NAME_MAX)
		return SECRETSCAN_LIMIT;
	if ((v = reallocarray(k->v, k->n + 1, sizeof(*v))) == NULL)
		return SECRETSCAN_NOMEM;
	k->v = v;
	v += k->n;
	if ((d = digest_new(k->ss->key)) == NULL)
		return SECRETSCAN_NOMEM;
	digest_update(d, value, n);
	digest_hex(d, v->fingerprint);
	digest_free(d);
	snprintf(v->name, sizeof(v->name), "%s", name);
	if ((e = add_value(k, value, n, (uint32_t)k->n)) != 0)
		return e;
	k->n++;
	if ((e = trie_finish(k->plain)) != 0)
		return e;
	return trie_finish(k->coded);
}
