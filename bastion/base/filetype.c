/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/filetype.h"

#include <stdbool.h>
#include <string.h>

#define TEXT_LOOK	(64 * 1024)	/* bytes in which a NUL makes it no text */
#define MINIFIED_LOOK	(16 * 1024)	/* bytes in which lines are counted */
#define MINIFIED_SIZE	2048		/* shorter files are not worth the word */
#define MINIFIED_LINE	500		/* bytes of a line, on average */

static const char *const words[FILETYPES] = { "text", "minified", "data", "elf", "pe", "macho", "wasm", "jvm", "archive", "image",
    "media", "pdf", "font" };

struct magic {
	size_t		 at;
	const char	*bytes;
	size_t		 n;
	enum filetype	 type;
};
#define MAGIC(at, s, type)	{ at, s, sizeof(s) - 1, type }

static const struct magic magics[] = {
	MAGIC(0, "\177ELF", FILETYPE_ELF),
	MAGIC(0, "\xfe\xed\xfa\xce", FILETYPE_MACHO), MAGIC(0, "\xfe\xed\xfa\xcf", FILETYPE_MACHO),
	MAGIC(0, "\xce\xfa\xed\xfe", FILETYPE_MACHO), MAGIC(0, "\xcf\xfa\xed\xfe", FILETYPE_MACHO),
	MAGIC(0, "\xca\xfe\xba\xbf", FILETYPE_MACHO), MAGIC(0, "\0asm", FILETYPE_WASM),
	MAGIC(0, "PK\3\4", FILETYPE_ARCHIVE), MAGIC(0, "PK\5\6", FILETYPE_ARCHIVE), MAGIC(0, "\x1f\x8b", FILETYPE_ARCHIVE),
	MAGIC(0, "BZh", FILETYPE_ARCHIVE), MAGIC(0, "\xfd" "7zXZ\0", FILETYPE_ARCHIVE), MAGIC(0, "\x28\xb5\x2f\xfd", FILETYPE_ARCHIVE),
	MAGIC(0, "7z\xbc\xaf\x27\x1c", FILETYPE_ARCHIVE), MAGIC(0, "Rar!\x1a\7", FILETYPE_ARCHIVE), MAGIC(0, "!<arch>\n", FILETYPE_ARCHIVE),
	MAGIC(0, "\xed\xab\xee\xdb", FILETYPE_ARCHIVE), MAGIC(0, "\x04\x22\x4d\x18", FILETYPE_ARCHIVE),
	MAGIC(0, "MSCF\0", FILETYPE_ARCHIVE), MAGIC(0, "\x1f\x9d", FILETYPE_ARCHIVE), MAGIC(257, "ustar", FILETYPE_ARCHIVE),
	MAGIC(0, "\x89PNG\r\n\x1a\n", FILETYPE_IMAGE), MAGIC(0, "\xff\xd8\xff", FILETYPE_IMAGE), MAGIC(0, "GIF87a", FILETYPE_IMAGE),
	MAGIC(0, "GIF89a", FILETYPE_IMAGE), MAGIC(8, "WEBP", FILETYPE_IMAGE), MAGIC(0, "II*\0", FILETYPE_IMAGE),
	MAGIC(0, "MM\0*", FILETYPE_IMAGE), MAGIC(0, "\0\0\1\0", FILETYPE_IMAGE), MAGIC(4, "ftypavif", FILETYPE_IMAGE),
	MAGIC(4, "ftypheic", FILETYPE_IMAGE), MAGIC(4, "ftypmif1", FILETYPE_IMAGE),
	MAGIC(0, "ID3", FILETYPE_MEDIA), MAGIC(0, "OggS", FILETYPE_MEDIA), MAGIC(0, "fLaC", FILETYPE_MEDIA), MAGIC(8, "WAVE", FILETYPE_MEDIA),
	MAGIC(8, "AVI ", FILETYPE_MEDIA), MAGIC(4, "ftyp", FILETYPE_MEDIA), MAGIC(0, "\x1a\x45\xdf\xa3", FILETYPE_MEDIA),
	MAGIC(0, "%PDF-", FILETYPE_PDF), MAGIC(0, "wOFF", FILETYPE_FONT), MAGIC(0, "wOF2", FILETYPE_FONT),
	MAGIC(0, "OTTO\0", FILETYPE_FONT), MAGIC(0, "\0\1\0\0\0", FILETYPE_FONT),
};

/* "MZ", and where it says so a "PE". */
static bool
is_pe(const uint8_t *p, size_t n)
{
	size_t at;

	if (n < 64 || p[0] != 'M' || p[1] != 'Z')
		return false;
	at = p[60] | (size_t)p[61] << 8 | (size_t)p[62] << 16 | (size_t)p[63] << 24;
	return n >= 4 && at <= n - 4 && memcmp(p + at, "PE\0\0", 4) == 0;
}

/* Class files and Mach-O files for several machines begin alike: in the latter a small count follows. */
static bool
is_class_or_fat(const uint8_t *p, size_t n, enum filetype *typep)
{
	if (n < 8 || memcmp(p, "\xca\xfe\xba\xbe", 4) != 0)
		return false;
	*typep = p[4] == 0 && p[5] == 0 && p[6] == 0 && p[7] < 40 ? FILETYPE_MACHO : FILETYPE_JVM;
	return true;
}

static bool
is_minified(const uint8_t *p, size_t n)
{
	size_t look = n < MINIFIED_LOOK ? n : MINIFIED_LOOK, lines = 1;

	for (const uint8_t *s = p, *end = p + look; (s = memchr(s, '\n', (size_t)(end - s))) != NULL; s++)
		lines++;
	return n >= MINIFIED_SIZE && look / lines >= MINIFIED_LINE;
}

enum filetype
filetype_of(const uint8_t *p, size_t n)
{
	enum filetype type;

	if (n == 0)
		return FILETYPE_TEXT;
	if (is_pe(p, n))
		return FILETYPE_PE;
	if (is_class_or_fat(p, n, &type))
		return type;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *m = &magics[i];

		if (n >= m->at + m->n && memcmp(p + m->at, m->bytes, m->n) == 0)
			return m->type;
	}
	if (memchr(p, '\0', n < TEXT_LOOK ? n : TEXT_LOOK) != NULL)
		return FILETYPE_DATA;
	return is_minified(p, n) ? FILETYPE_MINIFIED : FILETYPE_TEXT;
}

const char *
filetype_word(enum filetype t)
{
	return words[t];
}

unsigned
filetype_bits(const char *word)
{
	if (strcmp(word, "executable") == 0)
		return 1u << FILETYPE_ELF | 1u << FILETYPE_PE | 1u << FILETYPE_MACHO | 1u << FILETYPE_WASM | 1u << FILETYPE_JVM;
	if (strcmp(word, "binary") == 0)
		return ((1u << FILETYPES) - 1) & ~(1u << FILETYPE_TEXT | 1u << FILETYPE_MINIFIED);
	for (unsigned i = 0; i < FILETYPES; i++)
		if (strcmp(words[i], word) == 0)
			return 1u << i;
	return 0;
}
