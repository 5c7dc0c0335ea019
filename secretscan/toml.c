/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/toml.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/alloc.h"

struct reader {
	const char	*p, *end;
	unsigned	 line;
	const char	*why;		/* the first thing that is wrong, */
	unsigned	 why_line;	/* and where */
	size_t		 values;
	struct toml	*root;
	struct toml	*table;		/* that keys go to */
};

static void
wrong(struct reader *r, const char *why)
{
	if (r->why != NULL)
		return;
	r->why = why;
	r->why_line = r->line;
}

static int
peek(const struct reader *r)
{
	return r->p < r->end ? (unsigned char)*r->p : -1;
}

static bool
take(struct reader *r, char c)
{
	if (peek(r) != (unsigned char)c)
		return false;
	r->line += c == '\n';
	r->p++;
	return true;
}

static bool
starts(const struct reader *r, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(r->end - r->p) >= n && memcmp(r->p, word, n) == 0;
}

static void
skip_blanks(struct reader *r)
{
	while (peek(r) == ' ' || peek(r) == '\t')
		r->p++;
}

static void
skip_comment(struct reader *r)
{
	if (peek(r) == '#') {
		while (r->p < r->end && *r->p != '\n')
			r->p++;
	}
}

/* Also over line ends. */
static void
skip_space(struct reader *r)
{
	const char *before;

	do {
		before = r->p;
		skip_blanks(r);
		skip_comment(r);
		if (starts(r, "\r\n"))
			r->p++;
		take(r, '\n');
	} while (r->p != before);
}

static struct toml *
value_new(struct reader *r, enum toml_type type)
{
	struct toml *v = xcalloc(1, sizeof(*v));

	v->type = type;
	v->line = r->line;
	if (++r->values > TOML_VALUES_MAX)
		wrong(r, "too many values");
	return v;
}

void
toml_free(struct toml *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->n; i++)
		toml_free(v->items[i]);
	free(v->items);
	free(v->key);
	free(v->text);
	free(v);
}

/* Takes item over. */
static void
add_item(struct toml *to, struct toml *item)
{
	/* Grown by powers of two. */
	if ((to->n & (to->n - 1)) == 0)
		to->items = xreallocarray(to->items, to->n > 0 ? to->n * 2 : 1, sizeof(struct toml *));
	to->items[to->n++] = item;
}

static struct toml *
find(const struct toml *table, const char *key)
{
	for (size_t i = 0; i < table->n; i++) {
		if (strcmp(table->items[i]->key, key) == 0)
			return table->items[i];
	}
	return NULL;
}

const struct toml *
toml_get(const struct toml *table, const char *key)
{
	return table != NULL && table->type == TOML_TABLE ? find(table, key) : NULL;
}

static size_t
put_utf8(char *out, uint32_t cp)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

/* \uXXXX or \UXXXXXXXX, behind the letter. */
static size_t
read_unicode(struct reader *r, size_t digits, char *out)
{
	char hex[9] = "";
	unsigned long cp;

	if ((size_t)(r->end - r->p) < digits) {
		wrong(r, "an escape without its digits");
		return 0;
	}
	memcpy(hex, r->p, digits);
	cp = strtoul(hex, NULL, 16);
	if (strspn(hex, "0123456789abcdefABCDEF") != digits || cp == 0 || cp > 0x10ffff ||
	    (cp >= 0xd800 && cp < 0xe000)) {
		wrong(r, "an escape that is no character");
		return 0;
	}
	r->p += digits;
	return put_utf8(out, (uint32_t)cp);
}

/* Behind the backslash. */
static size_t
read_escape(struct reader *r, bool multiline, char *out)
{
	static const char from[] = "btnfre\"\\", to[] = "\b\t\n\f\r\033\"\\";
	int c = peek(r);
	const char *at;

	if (multiline && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
		while ((c = peek(r)) == ' ' || c == '\t' || c == '\r' || c == '\n')
			take(r, (char)c);
		return 0;
	}
	r->p += c != -1;
	if (c == 'u' || c == 'U')
		return read_unicode(r, c == 'u' ? 4 : 8, out);
	if (c <= 0 || (at = strchr(from, c)) == NULL) {
		wrong(r, "an escape that TOML does not have");
		return 0;
	}
	*out = to[at - from];
	return 1;
}

/* One of the four kinds of strings; the caller frees. NULL after an error. */
static char *
read_string(struct reader *r)
{
	char quote = *r->p, closing[4] = { quote, quote, quote, '\0' }, *text;
	bool multiline = starts(r, closing), done = false;
	size_t n = 0;

	closing[multiline ? 3 : 1] = '\0';
	r->p += strlen(closing);
	if (multiline) {
		if (starts(r, "\r\n"))
			r->p++;
		take(r, '\n');
	}
	/* An escape is never shorter than what it stands for. */
	text = xcalloc((size_t)(r->end - r->p) + 1, 1);
	while (r->why == NULL && !done) {
		int c = peek(r);

		if (starts(r, closing)) {
			r->p += strlen(closing);
			/* Up to two quotes can stand right before the closing ones. */
			for (int i = 0; multiline && i < 2 && take(r, quote); i++)
				text[n++] = quote;
			done = true;
		} else if (c == -1 || c == 0 || (c == '\n' && !multiline)) {
			wrong(r, "a string that does not end");
		} else if (c == '\\' && quote == '"') {
			r->p++;
			n += read_escape(r, multiline, text + n);
		} else {
			text[n++] = (char)c;
			take(r, (char)c);
		}
	}
	if (!done) {
		free(text);
		return NULL;
	}
	return xreallocarray(text, n + 1, 1);
}

static char *
read_key(struct reader *r)
{
	const char *start = r->p;
	char *key;

	if (peek(r) == '"' || peek(r) == '\'')
		return read_string(r);
	while (r->p < r->end &&
	    strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *r->p) != NULL && *r->p != '\0')
		r->p++;
	if (r->p == start) {
		wrong(r, "expected a key");
		return NULL;
	}
	key = xmemdup(start, (size_t)(r->p - start));
	return key;
}

static struct toml	*read_value(struct reader *, unsigned depth);

/* The table `key` of a table, made if need be; of an array of tables its last one. */
static struct toml *
step_into(struct reader *r, struct toml *table, const char *key, unsigned depth)
{
	struct toml *next = find(table, key);

	if (depth >= TOML_DEPTH_MAX) {
		wrong(r, "nested too deeply");
		return NULL;
	}
	if (next == NULL) {
		next = value_new(r, TOML_TABLE);
		next->key = xstrdup(key);
		add_item(table, next);
	} else if (next->type == TOML_ARRAY && !next->closed && next->n > 0)
		next = next->items[next->n - 1];
	if (next->type != TOML_TABLE || next->closed) {
		wrong(r, "a key that is no table already");
		return NULL;
	}
	return next;
}

/* KEY.KEY = VALUE into this table. */
static void
read_pair(struct reader *r, struct toml *table, unsigned depth)
{
	char *key = read_key(r);
	struct toml *v;

	skip_blanks(r);
	for (unsigned dots = 0; key != NULL && table != NULL && take(r, '.'); dots++) {
		table = step_into(r, table, key, depth + dots);
		free(key);
		skip_blanks(r);
		key = table != NULL ? read_key(r) : NULL;
		skip_blanks(r);
	}
	if (key == NULL || table == NULL || !take(r, '=')) {
		wrong(r, "expected KEY = VALUE");
	} else if (find(table, key) != NULL) {
		wrong(r, "a key that was given already");
	} else {
		skip_blanks(r);
		if ((v = read_value(r, depth + 1)) != NULL) {
			v->key = key;
			key = NULL;
			add_item(table, v);
		}
	}
	free(key);
}

static void
read_array(struct reader *r, struct toml *v, unsigned depth)
{
	struct toml *item;

	r->p++;
	for (skip_space(r); r->why == NULL && !take(r, ']'); skip_space(r)) {
		if ((item = read_value(r, depth + 1)) != NULL)
			add_item(v, item);
		skip_space(r);
		if (!take(r, ',') && peek(r) != ']')
			wrong(r, "expected , or ] in an array");
	}
	v->closed = true;
}

static void
read_inline_table(struct reader *r, struct toml *v, unsigned depth)
{
	r->p++;
	for (skip_space(r); r->why == NULL && !take(r, '}'); skip_space(r)) {
		read_pair(r, v, depth);
		skip_space(r);
		if (!take(r, ',') && peek(r) != '}')
			wrong(r, "expected , or } in a table");
	}
	v->closed = true;
}

static void
read_number(struct reader *r, struct toml *v)
{
	char text[64], *end = NULL;
	size_t n = 0;
	int c;

	while (r->p < r->end && n + 1 < sizeof(text) && (c = peek(r)) > 0 &&
	    strchr("+-.0123456789abcdefoxABCDEFinty_:TZ", c) != NULL) {
		if (c != '_')
			text[n++] = (char)c;
		r->p++;
	}
	text[n] = '\0';
	errno = 0;
	v->integer = strncmp(text, "0o", 2) == 0 ? strtoll(text + 2, &end, 8) :
	    strncmp(text, "0b", 2) == 0 ? strtoll(text + 2, &end, 2) : strtoll(text, &end, text[0] == '0' &&
	    text[1] == 'x' ? 16 : 10);
	if (n > 0 && *end == '\0' && errno == 0) {
		v->type = TOML_INTEGER;
		v->number = (double)v->integer;
		return;
	}
	v->number = strtod(text, &end);
	v->type = TOML_FLOAT;
	if (n == 0 || *end != '\0')
		wrong(r, strpbrk(text, ":TZ") != NULL || (n > 4 && text[4] == '-') ? "dates and times are not read" :
		    "expected a value");
}

/* NULL after an error. */
static struct toml *
read_value(struct reader *r, unsigned depth)
{
	struct toml *v;

	if (depth > TOML_DEPTH_MAX) {
		wrong(r, "nested too deeply");
		return NULL;
	}
	v = value_new(r, TOML_STRING);
	if (peek(r) == '"' || peek(r) == '\'') {
		v->text = read_string(r);
	} else if (peek(r) == '[') {
		v->type = TOML_ARRAY;
		read_array(r, v, depth);
	} else if (peek(r) == '{') {
		v->type = TOML_TABLE;
		read_inline_table(r, v, depth);
	} else if (starts(r, "true") || starts(r, "false")) {
		v->type = TOML_BOOL;
		v->integer = *r->p == 't';
		r->p += v->integer ? 4 : 5;
	} else
		read_number(r, v);
	if (r->why == NULL)
		return v;
	toml_free(v);
	return NULL;
}

/* The last key of a header: a table of its own, or one more of an array of tables. */
static void
open_table(struct reader *r, struct toml *parent, const char *key, bool array)
{
	struct toml *v = find(parent, key), *item;

	if (array) {
		if (v == NULL) {
			v = value_new(r, TOML_ARRAY);
			v->key = xstrdup(key);
			add_item(parent, v);
		}
		if (v->type != TOML_ARRAY || v->closed) {
			wrong(r, "a key that is no array of tables already");
			return;
		}
		item = value_new(r, TOML_TABLE);
		item->defined = true;
		add_item(v, item);
		r->table = item;
		return;
	}
	if (v != NULL && (v->type != TOML_TABLE || v->closed || v->defined)) {
		wrong(r, "a table that was given already");
		return;
	}
	if (v == NULL && (v = step_into(r, parent, key, 0)) == NULL)
		return;
	v->defined = true;
	r->table = v;
}

/* [A.B] or [[A.B]] */
static void
read_header(struct reader *r)
{
	struct toml *parent = r->root;
	bool array;
	char *key;

	r->p++;
	array = take(r, '[');
	skip_blanks(r);
	key = read_key(r);
	skip_blanks(r);
	for (unsigned depth = 1; key != NULL && parent != NULL && take(r, '.'); depth++) {
		parent = step_into(r, parent, key, depth);
		free(key);
		skip_blanks(r);
		key = parent != NULL ? read_key(r) : NULL;
		skip_blanks(r);
	}
	if (key == NULL || parent == NULL || !take(r, ']') || (array && !take(r, ']')))
		wrong(r, "expected the name of a table and ]");
	else
		open_table(r, parent, key, array);
	free(key);
}

struct toml *
toml_parse(const char *name, const char *p, size_t n, char **errorp)
{
	struct reader r = { .p = p, .end = p + n, .line = 1 };

	*errorp = NULL;
	r.root = r.table = value_new(&r, TOML_TABLE);
	if (n > TOML_BYTES_MAX)
		wrong(&r, "too large");
	if (starts(&r, "\357\273\277"))
		r.p += 3;
	for (skip_space(&r); r.why == NULL && r.p < r.end; skip_space(&r)) {
		if (peek(&r) == '[')
			read_header(&r);
		else
			read_pair(&r, r.table, 1);
		skip_blanks(&r);
		skip_comment(&r);
		if (r.p < r.end && peek(&r) != '\n' && !starts(&r, "\r\n"))
			wrong(&r, "expected the end of the line");
	}
	if (r.why == NULL)
		return r.root;
	*errorp = xasprintf("%s:%u: %s", name, r.why_line, r.why);
	toml_free(r.root);
	return NULL;
}
