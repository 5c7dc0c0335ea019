/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs: \v is one character there and a class here, \s has no vertical tab there, \Q..\E, octal numbers, braces
 * that are no repetition, and all that PCRE2 gives a meaning to and RE2 refuses.
 */
#include "secretscan/re2.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/alloc.h"

struct translation {
	const char	*p;
	char		*out;
	size_t		 n;
	bool		 utf;
	bool		 in_class;
	const char	*why;
};

static void
put(struct translation *t, const char *text, size_t n)
{
	memcpy(t->out + t->n, text, n);
	t->n += n;
}

static void
put_text(struct translation *t, const char *text)
{
	put(t, text, strlen(text));
}

static void
put_literal(struct translation *t, char c)
{
	if (strchr("\\^$.[]|()?*+{}-#&~ ", c) != NULL)
		put(t, "\\", 1);
	put(t, &c, 1);
}

static bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

static void
put_number(struct translation *t, unsigned long n)
{
	char text[24];

	if (n > 0x7f)
		t->utf = true;
	snprintf(text, sizeof(text), "\\x{%lx}", n);
	put_text(t, text);
}

/* \123, \0; a digit alone would be a back-reference. */
static void
octal(struct translation *t)
{
	unsigned long n = 0;

	if (*t->p != '0' && !(is_octal(t->p[0]) && is_octal(t->p[1]))) {
		t->why = "a back-reference";
		return;
	}
	for (int i = 0; i < 3 && is_octal(*t->p); i++)
		n = n * 8 + (unsigned long)(*t->p++ - '0');
	put_number(t, n);
}

/* \x7F or \x{10FFFF}, behind the x. */
static void
hexadecimal(struct translation *t)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	char text[9] = "";
	size_t n;

	if (*t->p == '{') {
		n = strspn(++t->p, digits);
		if (n == 0 || n > 8 || t->p[n] != '}') {
			t->why = "a number that does not end";
			return;
		}
		memcpy(text, t->p, n);
		t->p += n + 1;
	} else if (strspn(t->p, digits) >= 2) {
		memcpy(text, t->p, 2);
		t->p += 2;
	} else {
		t->why = "a number without digits";
		return;
	}
	put_number(t, strtoul(text, NULL, 16));
}

static void
quoted(struct translation *t)
{
	while (*t->p != '\0' && strncmp(t->p, "\\E", 2) != 0)
		put_literal(t, *t->p++);
	t->p += *t->p != '\0' ? 2 : 0;
}

/* Behind the backslash. */
static void
escape(struct translation *t)
{
	static const char same[] = "dDwWafnrtbBA";
	char c = *t->p++;

	if (c == '\0') {
		t->p--;
		t->why = "a backslash at the end";
	} else if (c >= '0' && c <= '9') {
		t->p--;
		octal(t);
	} else if (c == 'x') {
		hexadecimal(t);
	} else if (c == 'v') {
		put_text(t, "\\x{b}");
	} else if (c == 's') {
		put_text(t, t->in_class ? "\\t\\n\\f\\r\\x{20}" : "[\\t\\n\\f\\r\\x{20}]");
	} else if (c == 'S') {
		put_text(t, t->in_class ? "\\S" : "[^\\t\\n\\f\\r\\x{20}]");
	} else if (c == 'z' && !t->in_class) {
		put_text(t, "\\z");
	} else if (c == 'C' && !t->in_class) {
		put_text(t, "(?s:.)");
	} else if (c == 'Q' && !t->in_class) {
		quoted(t);
	} else if (c == 'p' || c == 'P') {
		t->utf = true;
		put(t, t->p - 2, 2);
	} else if (strchr(same, c) != NULL && !(t->in_class && strchr("bBA", c) != NULL)) {
		put(t, t->p - 2, 2);
	} else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
		t->why = "an escape that RE2 does not have";
	} else
		put_literal(t, c);
}

/* From the [ to the ] that ends it. */
static void
class(struct translation *t)
{
	const char *end;

	put(t, t->p++, 1);
	if (*t->p == '^')
		put(t, t->p++, 1);
	/* The first ] is one of its characters. */
	if (*t->p == ']') {
		put_text(t, "\\]");
		t->p++;
	}
	t->in_class = true;
	while (t->why == NULL && *t->p != ']') {
		if (*t->p == '\0') {
			t->why = "a class that does not end";
		} else if (*t->p == '\\') {
			t->p++;
			escape(t);
		} else if (t->p[0] == '[' && t->p[1] == ':' && (end = strstr(t->p + 2, ":]")) != NULL) {
			put(t, t->p, (size_t)(end + 2 - t->p));
			t->p = end + 2;
		} else {
			t->utf |= (*t->p & 0x80) != 0;
			if (*t->p == '[')
				put(t, "\\", 1);
			put(t, t->p++, 1);
		}
	}
	t->in_class = false;
	if (t->why == NULL)
		put(t, t->p++, 1);
}

/* Behind the (. */
static void
group(struct translation *t)
{
	size_t n;

	put(t, "(", 1);
	if (*t->p == '*') {
		t->why = "a repetition of nothing";
		return;
	}
	if (*t->p != '?')
		return;
	n = strspn(t->p + 1, "imsU-");
	if ((t->p[1] == 'P' && t->p[2] == '<') || (t->p[1] == '<' && t->p[2] != '=' && t->p[2] != '!')) {
		put_text(t, "?<");
		t->p += t->p[1] == 'P' ? 3 : 2;
	} else if (t->p[1 + n] == ':' || (n > 0 && t->p[1 + n] == ')')) {
		put(t, t->p, n + 2);
		t->p += n + 2;
	} else
		t->why = "look-around, or another group that RE2 does not have";
}

/* {N}, {N,} or {N,M}: its length, or 0. */
static size_t
braces(const char *p)
{
	size_t n = strspn(p + 1, "0123456789"), more = 0;

	if (n == 0)
		return 0;
	if (p[1 + n] == ',')
		more = 1 + strspn(p + 2 + n, "0123456789");
	return p[1 + n + more] == '}' ? n + more + 2 : 0;
}

/* A repetition, perhaps one that takes as little as it can; another one behind it means something else in PCRE2. */
static void
repetition(struct translation *t, size_t n)
{
	put(t, t->p, n);
	t->p += n;
	if (*t->p == '?')
		put(t, t->p++, 1);
	if (*t->p == '*' || *t->p == '+' || *t->p == '?' || (*t->p == '{' && braces(t->p) > 0))
		t->why = "a repetition of a repetition";
}

char *
re2_translate(const char *expression, bool *utfp, const char **whyp)
{
	struct translation t = { .p = expression };

	/* \s becomes the longest, of two bytes eighteen. */
	t.out = xcalloc(strlen(expression) * 10 + 32, 1);
	while (*t.p != '\0' && t.why == NULL) {
		size_t n;

		if (*t.p == '\\') {
			t.p++;
			escape(&t);
		} else if (*t.p == '[') {
			class(&t);
		} else if (*t.p == '(') {
			t.p++;
			group(&t);
		} else if (*t.p == '*' || *t.p == '+' || *t.p == '?') {
			repetition(&t, 1);
		} else if (*t.p == '{' && (n = braces(t.p)) > 0) {
			repetition(&t, n);
		} else if (*t.p == '{' || *t.p == '}') {
			put_literal(&t, *t.p++);
		} else {
			t.utf |= (*t.p & 0x80) != 0;
			put(&t, t.p++, 1);
		}
	}
	*utfp = t.utf;
	*whyp = t.why;
	if (t.why == NULL)
		return t.out;
	free(t.out);
	return NULL;
}
