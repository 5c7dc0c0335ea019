/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PDF: every stream that there is, found by its keyword and not by the table at the file's end, which can be wrong or
 * leave something out; objects that are no longer used are read as well. Pictures and fonts are not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/container_int.h"
#include "secretscan/pdf.h"
#include "secretscan/secretscan.h"

#define DICT_MAX	16384	/* bytes from "obj" to "stream" */

struct stream {
	uint32_t	object;		/* its number */
	struct pdf_span	dict, data;
};

struct pdf {
	const struct inside	*in;
	struct pdf_span		 file;
	struct pdf_fonts	*fonts;
	struct pour		 objects;	/* the text of objects that stand in streams */
	bool			 cut;
};

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0;
}

struct pdf_span
pdf_value(struct pdf_span dict, const char *key)
{
	size_t len = strlen(key);
	const uint8_t *end = dict.p + dict.n, *at = dict.p;

	while (at < end && (at = memmem(at, (size_t)(end - at), key, len)) != NULL) {
		at += len;
		if (at < end && (is_space(*at) || strchr("/[<(0123456789", *at) != NULL)) {
			while (at < end && is_space(*at))
				at++;
			return (struct pdf_span){ at, (size_t)(end - at) };
		}
	}
	return (struct pdf_span){ NULL, 0 };
}

static bool
read_number(struct pdf_span s, size_t *atp, uint32_t *np)
{
	size_t at = *atp, from;
	uint32_t n = 0;

	while (at < s.n && is_space(s.p[at]))
		at++;
	for (from = at; at < s.n && at - from < 9 && s.p[at] >= '0' && s.p[at] <= '9'; at++)
		n = n * 10 + (uint32_t)(s.p[at] - '0');
	*np = n;
	*atp = at;
	return at > from;
}

uint32_t
pdf_reference(struct pdf_span s)
{
	uint32_t object, generation;
	size_t at = 0;

	if (!read_number(s, &at, &object) || !read_number(s, &at, &generation))
		return 0;
	while (at < s.n && is_space(s.p[at]))
		at++;
	return at < s.n && s.p[at] == 'R' ? object : 0;
}

/* Where the data ends: by its length when that is written there and true, or else by the keyword. */
static size_t
data_length(struct pdf_span dict, struct pdf_span rest)
{
	struct pdf_span value = pdf_value(dict, "/Length");
	const uint8_t *end;
	uint32_t said;
	size_t at = 0, after;

	if (read_number(value, &at, &said) && pdf_reference(value) == 0 && said < rest.n) {
		for (after = said; after < rest.n && is_space(rest.p[after]); after++)
			;
		if (rest.n - after >= 9 && memcmp(rest.p + after, "endstream", 9) == 0)
			return said;
	}
	end = memmem(rest.p, rest.n, "endstream", 9);
	return end != NULL ? (size_t)(end - rest.p) : rest.n;
}

/* The dictionary before the keyword, back to "N G obj". */
static bool
read_head(struct pdf_span file, size_t keyword, struct stream *s)
{
	size_t stop = keyword > DICT_MAX ? keyword - DICT_MAX : 0, at = keyword, line;

	while (at > stop && (keyword - at < 3 || memcmp(file.p + at, "obj", 3) != 0))
		at--;
	if (at == stop)
		return false;
	s->dict = (struct pdf_span){ file.p + at + 3, keyword - at - 3 };
	for (line = at; line > 0 && at - line < 20 && file.p[line - 1] != '\n' && file.p[line - 1] != '\r'; line--)
		;
	if (!read_number((struct pdf_span){ file.p + line, at - line }, &(size_t){ 0 }, &s->object))
		s->object = 0;
	return true;
}

/* The next stream from *atp on. */
static bool
next_stream(struct pdf_span file, size_t *atp, struct stream *s)
{
	const uint8_t *hit;
	size_t keyword, data;

	while ((hit = memmem(file.p + *atp, file.n - *atp, "stream", 6)) != NULL) {
		keyword = (size_t)(hit - file.p);
		data = keyword + 6;
		*atp = data;
		if (data + 2 > file.n || (file.p[data] != '\n' && file.p[data] != '\r') || keyword < 3 ||
		    memcmp(hit - 3, "end", 3) == 0 || !read_head(file, keyword, s))
			continue;
		data += file.p[data] == '\r' && file.p[data + 1] == '\n' ? 2 : 1;
		s->data.p = file.p + data;
		s->data.n = data_length(s->dict, (struct pdf_span){ s->data.p, file.n - data });
		*atp = data + s->data.n;
		return true;
	}
	return false;
}

static bool
value_is(struct pdf_span dict, const char *key, const char *word)
{
	struct pdf_span v = pdf_value(dict, key);
	size_t n = strlen(word);

	return v.n >= n && memcmp(v.p, word, n) == 0;
}

/* An object stream (7.5.7) becomes "N 0 obj .." for each object: N pairs of number and place, then the objects. */
static int
add_objects(struct pdf *d, struct pdf_span dict, struct pdf_span s)
{
	uint32_t count, first, object, place, next;
	size_t at = 0;
	int e;

	if (!read_number(pdf_value(dict, "/N"), &(size_t){ 0 }, &count) ||
	    !read_number(pdf_value(dict, "/First"), &(size_t){ 0 }, &first) || first > s.n)
		return 0;
	for (uint32_t i = 0; i < count && at < first; i++) {
		char head[32];
		size_t peek;

		if (!read_number(s, &at, &object) || !read_number(s, &at, &place) || place > s.n - first)
			break;
		peek = at;
		if (i + 1 == count || !read_number(s, &peek, &next) || !read_number(s, &peek, &next) || next < place ||
		    next > s.n - first)
			next = (uint32_t)(s.n - first);
		(void)snprintf(head, sizeof(head), "\n%u 0 obj\n", object);
		if ((e = pour_text(&d->objects, head)) != 0 ||
		    (e = pour_add(&d->objects, s.p + first + place, next - place)) != 0)
			return e;
	}
	return 0;
}

/* All of a stream, for those who use it here and not as a member. */
static int
decode(struct pdf *d, const struct stream *s, struct pour *out, bool *readp)
{
	int e = pdf_decode(s->dict, s->data, out, readp);

	d->cut |= out->cut;
	return e;
}

static int
read_objects(struct pdf *d)
{
	struct stream s;
	size_t at = 0;
	int e = 0;

	while (e == 0 && next_stream(d->file, &at, &s)) {
		struct pour out = { .in = d->in, .hold = true };
		bool read;

		if (!value_is(s.dict, "/Type", "/ObjStm"))
			continue;
		if ((e = decode(d, &s, &out, &read)) == 0 && read)
			e = add_objects(d, s.dict, (struct pdf_span){ out.p, out.n });
		pour_release(&out);
	}
	return e;
}

static int
read_fonts(struct pdf *d)
{
	struct pdf_span objects = { d->objects.p, d->objects.n };
	struct stream s;
	size_t at = 0;
	int e;

	if ((e = pdf_fonts_find(d->fonts, d->file)) != 0 || (e = pdf_fonts_find(d->fonts, objects)) != 0)
		return e;
	pdf_fonts_name(d->fonts, d->file);
	pdf_fonts_name(d->fonts, objects);
	while (e == 0 && next_stream(d->file, &at, &s)) {
		struct pour out = { .in = d->in, .hold = true };
		bool read;

		if (!pdf_fonts_wants(d->fonts, s.object))
			continue;
		if ((e = decode(d, &s, &out, &read)) == 0 && read)
			e = pdf_fonts_map(d->fonts, s.object, (struct pdf_span){ out.p, out.n });
		pour_release(&out);
	}
	return e;
}

static int
give(struct pdf *d, const char *name, struct pdf_span s)
{
	struct pour m = { .in = d->in };
	int e;

	if ((e = pour_begin(&m, name)) == 0 && (e = pour_add(&m, s.p, s.n)) == 0)
		e = pour_end(&m);
	pour_release(&m);
	return e;
}

/* What a page shows goes to the words; all else (metadata, scripts, attached files) is a member by itself. */
static int
read_stream(struct pdf *d, const struct stream *s, struct pour *words)
{
	struct pour out = { .in = d->in, .hold = true };
	struct pdf_span content;
	char name[32];
	bool read;
	int e;

	if (value_is(s->dict, "/Subtype", "/Image") || value_is(s->dict, "/Type", "/ObjStm") ||
	    value_is(s->dict, "/Type", "/XRef") || pdf_value(s->dict, "/Length1").n > 0 ||
	    value_is(s->dict, "/Subtype", "/Type1C") || value_is(s->dict, "/Subtype", "/CIDFontType0C"))
		return 0;
	if ((e = decode(d, s, &out, &read)) != 0 || !read || out.n == 0)
		goto out;
	content = (struct pdf_span){ out.p, out.n };
	(void)snprintf(name, sizeof(name), "object %u", s->object);
	if (memmem(content.p, content.n, "BT", 2) != NULL && memmem(content.p, content.n, "ET", 2) != NULL &&
	    pdf_value(s->dict, "/Type").n == 0)
		e = pdf_text(d->fonts, content, words);
	else if (pdf_value(s->dict, "/Filter").n > 0)
		e = give(d, name, content);
out:
	pour_release(&out);
	return e;
}

static int
read_all(struct pdf *d)
{
	struct pour words = { .in = d->in };
	struct stream s;
	size_t at = 0;
	int e;

	if ((e = read_objects(d)) != 0 || (e = read_fonts(d)) != 0)
		return e;
	if (d->objects.n > 0 && (e = give(d, "(objects)", (struct pdf_span){ d->objects.p, d->objects.n })) != 0)
		return e;
	if ((e = pour_begin(&words, "(text)")) != 0)
		goto out;
	while (e == 0 && next_stream(d->file, &at, &s))
		e = read_stream(d, &s, &words);
	if (e == 0)
		e = pour_end(&words);
out:
	pour_release(&words);
	return e;
}

int
pdf_each(const struct inside *in, const uint8_t *p, size_t n)
{
	struct pdf d = { .in = in, .file = { p, n }, .objects = { .in = in, .hold = true } };
	int e;

	if (pdf_value(d.file, "/Encrypt").n > 0)
		return inside_tell(in, CONTAINER_IS_ENCRYPTED, "", "PDF");
	if ((d.fonts = pdf_fonts_new()) == NULL)
		return SECRETSCAN_NOMEM;
	e = read_all(&d);
	if (e == 0 && (d.cut || d.objects.cut))
		e = inside_tell(in, CONTAINER_IS_CUT, "", "PDF: a stream is too large");
	pdf_fonts_free(d.fonts);
	pour_release(&d.objects);
	return e;
}
