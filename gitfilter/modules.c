/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/modules.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bastion/base/err.h"

#define UNREADABLE	1	/* none of the codes that the caller's function may return */

struct text {
	const uint8_t	*p;
	size_t		 n;
};

/* The file as it is read; texts without their quotes are collected in room, which is as large as the file. */
struct config {
	const uint8_t	*p, *end;
	uint8_t		*room;		/* owned */
	size_t		 used;
	bool		 in_submodule;
	fsck_fn		 fn;
	void		*arg;
};

static bool
begins(struct text t, const char *with)
{
	return t.n >= strlen(with) && strncasecmp((const char *)t.p, with, strlen(with)) == 0;
}

static bool
has_control(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] < 0x20 || t.p[i] == 0x7f)
			return true;
	return false;
}

static bool
is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A control character written as %0a. */
static bool
has_hidden_control(struct text t)
{
	for (size_t i = 0; i + 2 < t.n; i++)
		if (t.p[i] == '%' && (t.p[i + 1] == '0' || t.p[i + 1] == '1') && is_hex(t.p[i + 2]))
			return true;
	return false;
}

/* A part between slashes of either kind that is "..". */
static bool
has_dotdot(struct text t)
{
	for (size_t i = 0; i < t.n;) {
		size_t len = 0;

		while (i + len < t.n && t.p[i + len] != '/' && t.p[i + len] != '\\')
			len++;
		if (len == 2 && t.p[i] == '.' && t.p[i + 1] == '.')
			return true;
		i += len + 1;
	}
	return false;
}

/* SCHEME://[USER@]HOST[:PORT][/..] with nothing for a host. */
static bool
is_hostless(struct text t)
{
	const uint8_t *p = memmem(t.p, t.n, "://", 3), *end = t.p + t.n, *at;

	if (p == NULL)
		return true;
	p += 3;
	for (at = p; at < end && *at != '/' && *at != '?' && *at != '#'; at++)
		;
	end = at;
	if ((at = memrchr(p, '@', (size_t)(end - p))) != NULL)
		p = at + 1;
	return p == end || *p == ':';
}

/* "../../:evil" and the like, which resolve to something else than a path beside the repository. */
static bool
is_bad_relative(struct text t)
{
	for (;;) {
		size_t skip = begins(t, "../") || begins(t, "..\\") ? 3 : begins(t, "./") || begins(t, ".\\") ? 2 : 0;

		if (skip == 0)
			return t.n > 0 && (t.p[0] == ':' || t.p[0] == '/');
		t.p += skip;
		t.n -= skip;
	}
}

static bool
is_bad_url(struct text t)
{
	static const char *const web[] = { "http://", "https://", "ftp://", "ftps://" };
	static const char *const helpers[] = { "http::", "https::", "ftp::", "ftps::" };

	if (t.n == 0 || t.p[0] == '-' || has_control(t) || has_hidden_control(t) || begins(t, "ext::") || begins(t, "fd::"))
		return true;
	if (begins(t, "./") || begins(t, "../") || begins(t, ".\\") || begins(t, "..\\"))
		return is_bad_relative(t);
	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++)
		if (begins(t, helpers[i]))
			return is_hostless((struct text){ t.p + strlen(helpers[i]), t.n - strlen(helpers[i]) });
	for (size_t i = 0; i < sizeof(web) / sizeof(web[0]); i++)
		if (begins(t, web[i]))
			return is_hostless(t);
	return false;
}

static bool
is_key(struct text key, const char *word)
{
	return key.n == strlen(word) && strncasecmp((const char *)key.p, word, key.n) == 0;
}

static int
check_setting(struct config *c, struct text key, struct text value)
{
	if (!c->in_submodule)
		return 0;
	if (is_key(key, "url") && is_bad_url(value))
		return c->fn(FSCK_GITMODULES_URL, c->arg);
	if (is_key(key, "path") && (value.n == 0 || value.p[0] == '-' || has_control(value) || has_dotdot(value)))
		return c->fn(FSCK_GITMODULES_PATH, c->arg);
	if (is_key(key, "update") && value.n > 0 && value.p[0] == '!')
		return c->fn(FSCK_GITMODULES_UPDATE, c->arg);
	return 0;
}

static void
skip_blanks(struct config *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\r'))
		c->p++;
}

static void
skip_line(struct config *c)
{
	while (c->p < c->end && *c->p++ != '\n')
		;
}

static void
keep(struct config *c, uint8_t byte)
{
	c->room[c->used++] = byte;
}

/* The character after a backslash. A line's end is nothing: the value goes on. */
static bool
take_escape(struct config *c)
{
	static const char from[] = "ntb\\\"", to[] = "\n\t\b\\\"";
	const char *at;

	if (c->p == c->end)
		return false;
	if (*c->p == '\n') {
		c->p++;
		return true;
	}
	if (*c->p == '\0' || (at = strchr(from, *c->p)) == NULL)
		return false;
	keep(c, (uint8_t)to[at - from]);
	c->p++;
	return true;
}

/* All after the equal sign, to the line's end. */
static bool
take_value(struct config *c, struct text *value)
{
	size_t start = c->used, full = c->used;	/* where the last byte ends that is no blank */
	bool quoted = false;

	skip_blanks(c);
	while (c->p < c->end && (quoted || (*c->p != '\n' && *c->p != '#' && *c->p != ';'))) {
		uint8_t byte = *c->p++;

		if (byte == '\n')
			return false;	/* within quotes */
		if (byte == '"')
			quoted = !quoted;
		else if (byte == '\\') {
			if (!take_escape(c))
				return false;
		} else
			keep(c, byte);
		if (quoted || (byte != ' ' && byte != '\t' && byte != '"' && !(byte == '\r' && (c->p == c->end || *c->p == '\n'))))
			full = c->used;
	}
	skip_line(c);
	*value = (struct text){ c->room + start, full - start };
	return !quoted;
}

/* [submodule "NAME"], [other], [other "NAME"], at the bracket. The name is checked here. */
static int
take_section(struct config *c)
{
	struct text word = { ++c->p, 0 }, name = { NULL, 0 };
	size_t start = c->used;

	while (c->p < c->end && *c->p != ']' && *c->p != '\n' && *c->p != ' ' && *c->p != '\t')
		c->p++;
	word.n = (size_t)(c->p - word.p);
	skip_blanks(c);
	c->in_submodule = is_key(word, "submodule");
	if (begins(word, "submodule.")) {	/* the old way to write it */
		c->in_submodule = true;
		name = (struct text){ word.p + 10, word.n - 10 };
	} else if (c->p < c->end && *c->p == '"') {
		for (c->p++; c->p < c->end && *c->p != '"' && *c->p != '\n'; c->p++) {
			if (*c->p == '\\' && ++c->p == c->end)
				return UNREADABLE;
			keep(c, *c->p);
		}
		if (c->p == c->end || *c->p++ != '"')
			return UNREADABLE;
		name = (struct text){ c->room + start, c->used - start };
	}
	skip_blanks(c);
	if (c->p == c->end || *c->p++ != ']')
		return UNREADABLE;
	if (c->in_submodule && (name.n == 0 || has_dotdot(name)))
		return c->fn(FSCK_GITMODULES_NAME, c->arg);
	return 0;
}

/* KEY = VALUE, or KEY alone. */
static int
take_setting(struct config *c)
{
	struct text key = { c->p, 0 }, value = { NULL, 0 };

	while (c->p < c->end && ((*c->p >= 'a' && *c->p <= 'z') || (*c->p >= 'A' && *c->p <= 'Z') ||
	    (*c->p >= '0' && *c->p <= '9') || *c->p == '-'))
		c->p++;
	if ((key.n = (size_t)(c->p - key.p)) == 0)
		return UNREADABLE;
	skip_blanks(c);
	if (c->p == c->end || *c->p == '\n' || *c->p == '#' || *c->p == ';') {
		skip_line(c);
		return 0;
	}
	if (*c->p++ != '=' || !take_value(c, &value))
		return UNREADABLE;
	return check_setting(c, key, value);
}

int
modules_check(const uint8_t *p, size_t n, fsck_fn fn, void *arg)
{
	struct config c = { .p = p, .end = p + n, .fn = fn, .arg = arg };
	int r = 0;

	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		c.p += 3;
	if ((c.room = malloc(n + 1)) == NULL)
		return ERR_NOMEM;
	while (r == 0 && c.p < c.end) {
		skip_blanks(&c);
		if (c.p == c.end)
			break;
		if (*c.p == '\n')
			c.p++;
		else if (*c.p == '#' || *c.p == ';')
			skip_line(&c);
		else
			r = *c.p == '[' ? take_section(&c) : take_setting(&c);
	}
	free(c.room);
	return r == UNREADABLE ? fn(FSCK_GITMODULES_PARSE, arg) : r;
}
