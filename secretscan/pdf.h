/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pdf: the parts of ISO 32000 that say what a page shows. container-pdf.c finds the streams, pdf-filter.c decodes them,
 * pdf-font.c knows which glyph is which letter, pdf-text.c reads the words. Nothing is executed: what a script in a
 * document says is text like any other.
 */
#ifndef SECRETSCAN_PDF_H
#define SECRETSCAN_PDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pour;

/* Some of the text of a file: a dictionary, an object, a token. Belongs to whoever has the file. */
struct pdf_span {
	const uint8_t	*p;
	size_t		 n;
};

/* The value after /KEY in a dictionary (key with its slash, one that ends there); n == 0 when there is none. */
struct pdf_span	pdf_value(struct pdf_span dict, const char *key);
/* "N G R" at the beginning of s: the number N, or 0. */
uint32_t	pdf_reference(struct pdf_span s);
/* The next token from *atp on: name, number, string with its brackets, bracket or operator; n == 0 at the end. */
struct pdf_span	pdf_token(struct pdf_span s, size_t *atp);

/*
 * Decode a stream by the filters of its dictionary into out, which holds. *readp: false when a filter is one for
 * pictures or unknown. 0, SECRETSCAN_NOMEM or SECRETSCAN_LIMIT.
 */
int		pdf_decode(struct pdf_span dict, struct pdf_span data, struct pour *out, bool *readp);

/* Fonts by name, with what their glyphs mean (ToUnicode). */
struct pdf_fonts;
struct pdf_font;

struct pdf_fonts *pdf_fonts_new(void);
void		pdf_fonts_free(struct pdf_fonts *);
/* Fonts in a text of objects ("7 0 obj ..") and, when all are known, the names that they go by. */
int		pdf_fonts_find(struct pdf_fonts *, struct pdf_span objects);
void		pdf_fonts_name(struct pdf_fonts *, struct pdf_span objects);
/* Whether this object is what a font needs, and here is what it holds. */
bool		pdf_fonts_wants(const struct pdf_fonts *, uint32_t object);
int		pdf_fonts_map(struct pdf_fonts *, uint32_t object, struct pdf_span cmap);
const struct pdf_font *pdf_fonts_get(const struct pdf_fonts *, struct pdf_span name);
/* The letter of the glyph at p, and *sizep bytes of it; 0 for one that is not ASCII. */
uint8_t		pdf_font_letter(const struct pdf_font *, const uint8_t *p, size_t n, size_t *sizep);

/* The words that a page's content shows, in its order. */
int		pdf_text(const struct pdf_fonts *, struct pdf_span content, struct pour *out);

#endif
