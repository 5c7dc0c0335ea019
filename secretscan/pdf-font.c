/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most programs put into a document only the glyphs that it uses, numbered as they come, and a map back to letters
 * (ToUnicode, ISO 32000-1, 9.10.3). Only ASCII is kept of it: secrets are of that.
 */
#include <stdlib.h>
#include <string.h>

#include "secretscan/pdf.h"
#include "secretscan/secretscan.h"

#define FONTS_MAX	256
#define NAME_LONGEST	32
#define CODES		65536
#define HEADER_FAR	4096	/* a font's dictionary begins at most so far before its map is named */

struct pdf_font {
	uint32_t	 object;	/* its own number */
	uint32_t	 map_object;	/* that of its map */
	uint8_t		 name[NAME_LONGEST];
	size_t		 name_len;
	size_t		 width;		/* bytes of a code */
	uint8_t		*letters;	/* CODES of them, 0 for what is not ASCII; NULL: no map */
};

struct pdf_fonts {
	struct pdf_font	 v[FONTS_MAX];
	size_t		 n;
};

struct pdf_fonts *
pdf_fonts_new(void)
{
	return calloc(1, sizeof(struct pdf_fonts));
}

void
pdf_fonts_free(struct pdf_fonts *f)
{
	for (size_t i = 0; f != NULL && i < f->n; i++)
		free(f->v[i].letters);
	free(f);
}

/* The number of the object in whose text `at` is: the last "N G obj" before it. */
static uint32_t
object_around(struct pdf_span s, size_t at)
{
	size_t stop = at > HEADER_FAR ? at - HEADER_FAR : 0;
	uint32_t n = 0, scale = 1;

	for (; at > stop + 4; at--) {
		if (memcmp(s.p + at - 4, " obj", 4) == 0)
			break;
	}
	if (at <= stop + 4)
		return 0;
	at -= 4;
	while (at > 0 && s.p[at - 1] >= '0' && s.p[at - 1] <= '9')
		at--;
	if (at == 0 || s.p[at - 1] != ' ')
		return 0;
	for (at--; at > 0 && s.p[at - 1] >= '0' && s.p[at - 1] <= '9' && scale <= 10000000; at--, scale *= 10)
		n += scale * (uint32_t)(s.p[at - 1] - '0');
	return n;
}

int
pdf_fonts_find(struct pdf_fonts *f, struct pdf_span s)
{
	static const char key[] = "/ToUnicode";
	const uint8_t *hit, *end;

	if (s.n == 0)
		return 0;
	hit = s.p;
	end = s.p + s.n;
	while (f->n < FONTS_MAX && (hit = memmem(hit, (size_t)(end - hit), key, sizeof(key) - 1)) != NULL) {
		struct pdf_span after = { hit + sizeof(key) - 1, (size_t)(end - hit) - sizeof(key) + 1 };
		struct pdf_font font = { .object = object_around(s, (size_t)(hit - s.p)),
		    .map_object = pdf_reference(after), .width = 1 };

		if (font.object != 0 && font.map_object != 0)
			f->v[f->n++] = font;
		hit += sizeof(key) - 1;
	}
	return 0;
}

static bool
is_name_char(uint8_t c)
{
	return c > ' ' && c < 0x7f && strchr("/[]<>()%", c) == NULL;
}

void
pdf_fonts_name(struct pdf_fonts *f, struct pdf_span s)
{
	const uint8_t *at, *end;

	if (f->n == 0 || s.n == 0)
		return;
	at = s.p;
	end = s.p + s.n;
	while ((at = memchr(at, '/', (size_t)(end - at))) != NULL) {
		const uint8_t *name = ++at;
		uint32_t object;

		while (at < end && is_name_char(*at))
			at++;
		if (at == name || (size_t)(at - name) > NAME_LONGEST)
			continue;
		if ((object = pdf_reference((struct pdf_span){ at, (size_t)(end - at) })) == 0)
			continue;
		for (size_t i = 0; i < f->n; i++) {
			if (f->v[i].object == object && f->v[i].name_len == 0) {
				f->v[i].name_len = (size_t)(at - name);
				memcpy(f->v[i].name, name, f->v[i].name_len);
			}
		}
	}
}

bool
pdf_fonts_wants(const struct pdf_fonts *f, uint32_t object)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].map_object == object && f->v[i].letters == NULL)
			return true;
	}
	return false;
}

/* <0041>: its number, and in *widthp its bytes. */
static uint32_t
code(struct pdf_span token, size_t *widthp)
{
	uint32_t v = 0;
	size_t digits = 0;

	for (size_t i = 1; i + 1 < token.n && digits < 8; i++) {
		uint8_t c = token.p[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			continue;
		digits++;
	}
	*widthp = (digits + 1) / 2;
	return v;
}

static void
map_range(uint8_t *letters, uint32_t from, uint32_t to, uint32_t letter)
{
	for (; from <= to && from < CODES && letter < 0x7f; from++, letter++)
		letters[from] = (uint8_t)letter;
}

static bool
is_word(struct pdf_span s, const char *word)
{
	return s.n == strlen(word) && memcmp(s.p, word, s.n) == 0;
}

/* bfchar: <code> <letter>. bfrange: <from> <to> <letter>, or <from> <to> [<letter> ..]. */
static void
read_map(uint8_t *letters, struct pdf_span s, size_t *codep)
{
	enum { NOTHING, SPACE, CHAR, RANGE } in = NOTHING;
	uint32_t v[3] = { 0 };
	size_t at = 0, n = 0, width;
	bool array = false;
	struct pdf_span t;

	while ((t = pdf_token(s, &at)).n > 0) {
		if (t.p[0] == '<' && in != NOTHING) {
			v[n++] = code(t, &width);
			if (in == SPACE && n == 1)
				*codep = width == 2 ? 2 : 1;
			if (array) {
				map_range(letters, v[0], v[0], v[2]);
				v[0]++;
				n = 2;
			} else if (in == CHAR && n == 2)
				map_range(letters, v[0], v[0], v[1]);
			else if (in == RANGE && n == 3)
				map_range(letters, v[0], v[1], v[2]);
			if (!array && n == (in == RANGE ? 3 : 2))
				n = 0;
			continue;
		}
		if (t.p[0] == '[' || t.p[0] == ']') {
			array = t.p[0] == '[' && in == RANGE && n == 2;
			n = array ? 2 : 0;
			continue;
		}
		in = is_word(t, "begincodespacerange") ? SPACE : is_word(t, "beginbfchar") ? CHAR :
		    is_word(t, "beginbfrange") ? RANGE : NOTHING;
		n = 0;
		array = false;
	}
}

int
pdf_fonts_map(struct pdf_fonts *f, uint32_t object, struct pdf_span cmap)
{
	for (size_t i = 0; i < f->n; i++) {
		struct pdf_font *font = &f->v[i];

		if (font->map_object != object || font->letters != NULL)
			continue;
		if ((font->letters = calloc(1, CODES)) == NULL)
			return SECRETSCAN_NOMEM;
		read_map(font->letters, cmap, &font->width);
	}
	return 0;
}

const struct pdf_font *
pdf_fonts_get(const struct pdf_fonts *f, struct pdf_span name)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct pdf_font *font = &f->v[i];

		if (font->letters != NULL && font->name_len > 0 && name.n == font->name_len + 1 &&
		    memcmp(font->name, name.p + 1, font->name_len) == 0)
			return font;
	}
	return NULL;
}

uint8_t
pdf_font_letter(const struct pdf_font *font, const uint8_t *p, size_t n, size_t *sizep)
{
	if (font->width == 2 && n >= 2) {
		*sizep = 2;
		return font->letters[(size_t)p[0] << 8 | p[1]];
	}
	*sizep = 1;
	return font->letters[p[0]];
}
