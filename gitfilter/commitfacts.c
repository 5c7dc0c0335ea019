/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/commitfacts.h"

#include <string.h>

#include "bastion/base/buf.h"

#define SECONDS_MAX	((int64_t)1 << 40)	/* thirty thousand years on; git itself ends before */

/* The next line of t without its end; false when nothing is left. */
static bool
line_take(struct fact_text *t, struct fact_text *line)
{
	const uint8_t *end;

	if (t->n == 0)
		return false;
	end = memchr(t->p, '\n', t->n);
	line->p = t->p;
	line->n = end == NULL ? t->n : (size_t)(end - t->p);
	t->n -= line->n + (end != NULL);
	t->p += line->n + (end != NULL);
	return true;
}

static bool
line_begins(const struct fact_text *line, const char *word)
{
	size_t n = strlen(word);

	return line->n >= n && memcmp(line->p, word, n) == 0;
}

static const uint8_t *
last_of(const uint8_t *p, size_t n, uint8_t c)
{
	while (n > 0)
		if (p[--n] == c)
			return p + n;
	return NULL;
}

/* As git reads it: the address is between the last '<' before the last '>' and that one. */
static void
person_read(const uint8_t *p, size_t n, struct fact_person *who)
{
	const uint8_t *close = last_of(p, n, '>'), *open = close == NULL ? NULL : last_of(p, (size_t)(close - p), '<');
	const uint8_t *end = p + n, *d;

	*who = (struct fact_person){ .seconds = 0 };
	if (open == NULL)
		return;
	who->name.p = p;
	who->name.n = (size_t)(open - p);
	while (who->name.n > 0 && who->name.p[who->name.n - 1] == ' ')
		who->name.n--;
	who->email.p = open + 1;
	who->email.n = (size_t)(close - open) - 1;
	if ((d = close + 1) == end || *d++ != ' ')
		return;
	for (; d < end && *d >= '0' && *d <= '9' && who->seconds < SECONDS_MAX; d++)
		who->seconds = who->seconds * 10 + (*d - '0');
	who->well_formed = d > close + 2 && end - d == 6 && d[0] == ' ' && (d[1] == '+' || d[1] == '-') &&
	    memchr(who->email.p, '<', who->email.n) == NULL && memchr(p, '>', who->name.n) == NULL;
}

static enum fact_signature
signature_of(const struct fact_text *value)
{
	static const struct {
		const char		*word;
		enum fact_signature	 kind;
	} heads[] = {
		{ "-----BEGIN SSH SIGNATURE-----", FACT_SSH },
		{ "-----BEGIN PGP SIGNATURE-----", FACT_OPENPGP },
		{ "-----BEGIN PGP MESSAGE-----", FACT_OPENPGP },
		{ "-----BEGIN SIGNED MESSAGE-----", FACT_X509 },
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (line_begins(value, heads[i].word))
			return heads[i].kind;
	return FACT_SIGNED_OTHERWISE;
}

static void
header_read(const struct fact_text *line, struct commit_facts *f)
{
	static const char *const signatures[] = { "gpgsig ", "gpgsig-sha256 " };

	if (line_begins(line, "author "))
		person_read(line->p + 7, line->n - 7, &f->author);
	else if (line_begins(line, "committer "))
		person_read(line->p + 10, line->n - 10, &f->committer);
	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
		if (line_begins(line, signatures[i])) {
			struct fact_text value = { line->p + strlen(signatures[i]), line->n - strlen(signatures[i]) };

			f->signature = signature_of(&value);
		}
}

static bool
is_trailer(const struct fact_text *line, bool first)
{
	size_t key = 0;

	if (!first && line->n > 1 && (line->p[0] == ' ' || line->p[0] == '\t'))
		return true;
	while (key < line->n && (line->p[key] == '-' || (line->p[key] >= '0' && line->p[key] <= '9') ||
	    (line->p[key] >= 'A' && line->p[key] <= 'Z') || (line->p[key] >= 'a' && line->p[key] <= 'z')))
		key++;
	return key > 0 && key < line->n && line->p[key] == ':';
}

/* The first line that says something is the subject; a last paragraph that is not the first may be trailers. */
static void
message_read(struct commit_facts *f)
{
	struct fact_text rest = f->message, line, last = { NULL, 0 };
	bool first = true, good = false, inside = false;
	size_t paragraphs = 0;

	while (line_take(&rest, &line)) {
		if (line.n == 0) {
			inside = false;
			continue;
		}
		if (f->subject.p == NULL)
			f->subject = line;
		first = !inside;
		if (first) {
			last.p = line.p;
			good = true;
			paragraphs++;
		}
		inside = true;
		good = good && is_trailer(&line, first);
		last.n = (size_t)(line.p - last.p) + line.n;
	}
	if (good && paragraphs > 1)
		f->trailers = last;
}

void
commitfacts_read(const uint8_t *p, size_t n, struct commit_facts *f)
{
	struct fact_text rest = { p, n }, line;

	*f = (struct commit_facts){ .signature = FACT_UNSIGNED };
	while (line_take(&rest, &line) && line.n > 0)
		header_read(&line, f);
	f->message = rest;
	message_read(f);
}

static int
text_put(struct buf *out, const struct fact_text *t, size_t max, bool *cutp)
{
	*cutp |= t->n > max;
	return buf_put_string(out, t->p, t->n < max ? t->n : max);
}

static int
person_put(struct buf *out, const struct fact_person *who, bool *cutp)
{
	int r;

	if ((r = text_put(out, &who->name, FACT_TEXT_MAX, cutp)) != 0 ||
	    (r = text_put(out, &who->email, FACT_TEXT_MAX, cutp)) != 0 ||
	    (r = buf_put_u64(out, (uint64_t)who->seconds)) != 0)
		return r;
	return buf_put_u8(out, who->well_formed);
}

int
commitfacts_put(const struct commit_facts *f, const char *oid, uint32_t nparents, struct buf *out)
{
	bool cut = false;
	int r;

	if ((r = buf_put_cstring(out, oid)) != 0 || (r = buf_put_u32(out, nparents)) != 0 ||
	    (r = person_put(out, &f->author, &cut)) != 0 || (r = person_put(out, &f->committer, &cut)) != 0 ||
	    (r = buf_put_u8(out, (uint8_t)f->signature)) != 0 ||
	    (r = text_put(out, &f->subject, FACT_TEXT_MAX, &cut)) != 0 ||
	    (r = text_put(out, &f->trailers, FACT_MESSAGE_MAX, &cut)) != 0 ||
	    (r = text_put(out, &f->message, FACT_MESSAGE_MAX, &cut)) != 0)
		return r;
	return buf_put_u8(out, cut);
}
