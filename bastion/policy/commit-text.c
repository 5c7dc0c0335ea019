/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/commit-text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bastion/base/xmalloc.h"

#define EXAMPLE_TIME	"1000000000 +0000"

struct lines {			/* what is left to be read */
	const char	*all, *p;
	size_t		 n;
};

struct line {
	const char	*p;
	size_t		 n, start, end;		/* without and with its line feed */
};

static bool
next_line(struct lines *l, struct line *out)
{
	const char *end = l->n == 0 ? NULL : memchr(l->p, '\n', l->n);
	size_t taken = end == NULL ? l->n : (size_t)(end - l->p) + 1;

	if (l->n == 0)
		return false;
	*out = (struct line){ .p = l->p, .n = end == NULL ? l->n : taken - 1, .start = (size_t)(l->p - l->all) };
	out->end = out->start + taken;
	l->p += taken;
	l->n -= taken;
	return true;
}

static bool
has_word(const struct line *l, const char *word)
{
	size_t n = strlen(word);

	return l->n > n && memcmp(l->p, word, n) == 0 && l->p[n] == ' ';
}

static char *
folded(const char *p, size_t n)
{
	char *s = xasprintf("%.*s", (int)n, p);

	for (char *c = s; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return s;
}

/* "NAME <EMAIL>" with exactly one pair of brackets, at its end. */
static bool
is_person(const char *p, size_t n)
{
	const char *open = memchr(p, '<', n), *close = memchr(p, '>', n);

	return n > 0 && open != NULL && close == p + n - 1 && open < close &&
	    memchr(open + 1, '<', (size_t)(close - open) - 1) == NULL;
}

/* "author NAME <EMAIL> SECONDS ZONE" */
static bool
read_person(const struct line *l, const char *word, struct commit_person *who)
{
	const char *p = l->p + strlen(word) + 1, *end = l->p + l->n, *close = memrchr(p, '>', (size_t)(end - p)), *open;
	char number[24];
	size_t n = 0;

	if (close == NULL || !is_person(p, (size_t)(close + 1 - p)) || end - close < 3 || close[1] != ' ')
		return false;
	for (const char *d = close + 2; d < end && *d >= '0' && *d <= '9' && n < 18; d++)
		number[n++] = *d;
	number[n] = '\0';
	if (n == 0 || close + 2 + n >= end || close[2 + n] != ' ')
		return false;
	who->when = strtoll(number, NULL, 10);
	who->text = folded(p, (size_t)(close + 1 - p));
	who->shown = xasprintf("%.*s", (int)(close + 1 - p), p);
	open = memchr(p, '<', (size_t)(close - p));
	who->email = folded(open + 1, (size_t)(close - open) - 1);
	return true;
}

static enum commit_signature
signature_kind(const struct line *l, size_t skip)
{
	static const struct { const char *begin; enum commit_signature kind; } rows[] = {
		{ "-----BEGIN SSH SIGNATURE-----", COMMIT_SSH }, { "-----BEGIN PGP SIGNATURE-----", COMMIT_OPENPGP },
		{ "-----BEGIN PGP MESSAGE-----", COMMIT_OPENPGP }, { "-----BEGIN SIGNED MESSAGE-----", COMMIT_X509 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (l->n - skip == strlen(rows[i].begin) && memcmp(l->p + skip, rows[i].begin, l->n - skip) == 0)
			return rows[i].kind;
	return COMMIT_UNSIGNED;
}

/* The headers after the committer. false: one that may stand there once only stands there again. */
static bool
read_headers(struct lines *l, struct commit_text *t)
{
	static const char *const once[] = { "tree", "parent", "author", "committer" };
	bool in_signature = false;
	struct line line;

	while (next_line(l, &line) && line.n > 0) {
		if (line.p[0] == ' ') {
			if (in_signature)
				t->sig_end = line.end;
			continue;
		}
		in_signature = has_word(&line, "gpgsig");
		if (in_signature && t->sig_end != 0)
			return false;
		if (in_signature) {
			t->signature = signature_kind(&line, strlen("gpgsig "));
			t->sig_start = line.start;
			t->sig_end = line.end;
		}
		for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
			if (has_word(&line, once[i]))
				return false;
	}
	return true;
}

static void
read_coauthor(const struct line *line, struct commit_text *t)
{
	static const char word[] = "co-authored-by";
	size_t at = 0, end = line->n;

	while (at < end && (line->p[at] == ' ' || line->p[at] == '\t'))
		at++;
	if (end - at < sizeof(word) || strncasecmp(line->p + at, word, sizeof(word) - 1) != 0)
		return;
	at += sizeof(word) - 1;
	while (at < end && (line->p[at] == ' ' || line->p[at] == '\t'))
		at++;
	if (at == end || line->p[at] != ':')
		return;
	for (at++; at < end && (line->p[at] == ' ' || line->p[at] == '\t');)
		at++;
	while (end > at && strchr(" \t\r", line->p[end - 1]) != NULL)
		end--;
	strvec_take(&t->coauthors, is_person(line->p + at, end - at) ? folded(line->p + at, end - at) : xstrdup("?"));
}

static void
read_message(struct lines *l, struct commit_text *t)
{
	struct line line;
	bool gap = true;

	t->odd_message = l->n > COMMIT_MESSAGE_MAX;
	t->message = xasprintf("%.*s", (int)(l->n > COMMIT_MESSAGE_MAX ? COMMIT_MESSAGE_MAX : l->n), l->p);
	while (next_line(l, &line)) {
		bool blank = true;

		for (size_t i = 0; i < line.n && blank; i++)
			blank = isspace((unsigned char)line.p[i]) != 0;
		if (!blank && gap)
			strvec_release(&t->trailers);	/* only the last paragraph counts */
		if (!blank) {
			t->odd_message |= t->trailers.n >= COMMIT_TRAILERS_MAX || t->coauthors.n >= COMMIT_TRAILERS_MAX;
			if (!t->odd_message) {
				strvec_pushf(&t->trailers, "%.*s", (int)line.n, line.p);
				read_coauthor(&line, t);
			}
		}
		gap = blank;
	}
}

void
commit_text_read(const uint8_t *p, size_t n, struct commit_text *t)
{
	struct lines l = { .all = (const char *)p, .p = (const char *)p, .n = n };
	struct line line;

	*t = (struct commit_text){ .odd = true };
	if (n == 0 || memchr(p, '\0', n) != NULL || !next_line(&l, &line) || !has_word(&line, "tree"))
		return;
	while (next_line(&l, &line) && has_word(&line, "parent"))
		t->nparents++;
	if (!has_word(&line, "author") || !read_person(&line, "author", &t->author) || !next_line(&l, &line) ||
	    !has_word(&line, "committer") || !read_person(&line, "committer", &t->committer) || !read_headers(&l, t))
		return;
	t->odd = false;
	read_message(&l, t);
}

static void
person_release(struct commit_person *who)
{
	free(who->text);
	free(who->shown);
	free(who->email);
}

void
commit_text_release(struct commit_text *t)
{
	person_release(&t->author);
	person_release(&t->committer);
	free(t->message);
	strvec_release(&t->coauthors);
	strvec_release(&t->trailers);
}

const char *
commit_signature_word(enum commit_signature s)
{
	static const char *const words[] = { "none", "ssh", "openpgp", "x509" };

	return words[s];
}

static bool
is_in_brackets(const char *s, size_t close, const char *word)
{
	return close == strlen(word) + 1 && strncmp(s + 1, word, close - 1) == 0;
}

char *
commit_text_example(const char *example)
{
	static const char *const begins[] = { NULL, "SSH SIGNATURE", "PGP SIGNATURE", "SIGNED MESSAGE" };
	static const char parent[] = "parent 0123456789012345678901234567890123456789\n";
	const char *signature = NULL, *colon;
	unsigned parents = 1;
	char *header, *bytes;

	for (; *example == '['; example += *example == ' ') {
		size_t n = strcspn(example, "]");
		bool known = false;

		if (example[n] == '\0')
			return NULL;
		for (unsigned i = COMMIT_SSH; i < COMMIT_SIGNATURES; i++)
			if (is_in_brackets(example, n, commit_signature_word(i))) {
				signature = begins[i];
				known = true;
			}
		if (is_in_brackets(example, n, "merge"))
			parents = 2;
		else if (is_in_brackets(example, n, "root"))
			parents = 0;
		else if (!known)
			return NULL;
		example += n + 1;
	}
	if ((colon = strstr(example, ">: ")) == NULL)
		return NULL;
	header = signature == NULL ? xstrdup("") : xasprintf("gpgsig -----BEGIN %s-----\n x\n -----END %s-----\n", signature,
	    signature);
	bytes = xasprintf("tree 0123456789012345678901234567890123456789\n%s%sauthor %.*s> " EXAMPLE_TIME "\ncommitter %.*s> "
	    EXAMPLE_TIME "\n%s\n%s\n", parents > 0 ? parent : "", parents > 1 ? parent : "", (int)(colon - example), example,
	    (int)(colon - example), example, header, colon + 3);
	free(header);
	return bytes;
}
