/* SPDX-License-Identifier: Apache-2.0 */
/* What a content is by its magic numbers, and which reader takes it. */
#include "secretscan/container.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "secretscan/container_int.h"
#include "secretscan/secretscan.h"

#define TEXT_MAX	160	/* of a notice */
#define TAIL		(65535 + 22)	/* a zip's directory ends at most so far from the end (APPNOTE 4.3.16) */
#define TAR_BLOCK	512
#define ISO_MAGIC	32769
#define SCRIPT_MAX	((size_t)1 << 20)	/* of a script before what it unpacks */
#define LOOK		4096	/* bytes in which a document says what it is */

struct magic {
	unsigned	 kind;
	uint8_t		 n;
	char		 bytes[16];
};

#define MAGIC(kind, s)	{ (kind), sizeof(s) - 1, s }

static const struct magic magics[] = {
	MAGIC(CONTAINER_ARCHIVE, "PK\3\4"),
	MAGIC(CONTAINER_ARCHIVE, "PK\7\10PK\3\4"),
	MAGIC(CONTAINER_ARCHIVE, "7z\xbc\xaf\x27\x1c"),
	MAGIC(CONTAINER_ARCHIVE, "!<arch>\n"),
	MAGIC(CONTAINER_ARCHIVE, "070701"),
	MAGIC(CONTAINER_ARCHIVE, "070702"),
	MAGIC(CONTAINER_ARCHIVE, "070707"),
	MAGIC(CONTAINER_ARCHIVE, "MSCF\0\0\0\0"),
	MAGIC(CONTAINER_COMPRESSED, "\x1f\x8b\x08"),
	MAGIC(CONTAINER_COMPRESSED, "\x1f\x9d"),
	MAGIC(CONTAINER_COMPRESSED, "\xed\xab\xee\xdb"),	/* rpm: a cpio after a header */
	MAGIC(CONTAINER_COMPRESSED, "\xfd" "7zXZ\0"),
	MAGIC(CONTAINER_COMPRESSED, "\x28\xb5\x2f\xfd"),
	MAGIC(CONTAINER_COMPRESSED, "\x04\x22\x4d\x18"),
	MAGIC(CONTAINER_COMPRESSED, "\x02\x21\x4c\x18"),
	MAGIC(CONTAINER_COMPRESSED, "LZIP\1"),
	MAGIC(CONTAINER_COMPRESSED, "\x5d\0\0"),
	MAGIC(CONTAINER_PDF, "%PDF-"),
	MAGIC(CONTAINER_SQLITE, "SQLite format 3"),
	MAGIC(CONTAINER_PACK, "PACK\0\0\0\2"),
	MAGIC(CONTAINER_CLASS, "\xca\xfe\xba\xbe\0"),
};

static const struct container_report reports[] = {
	[CONTAINER_IS_ENCRYPTED] = { "encrypted-container", "Encrypted content, which cannot be scanned" },
	[CONTAINER_IS_OPAQUE] = { "opaque-data", "Data like random bytes, of no known format" },
	[CONTAINER_IS_CUT] = { "not-fully-scanned", "Content of which not everything was scanned" },
};

const struct container_report *
container_report(enum container_notice what)
{
	return &reports[what];
}

int
inside_tell(const struct inside *in, enum container_notice what, const char *about, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return in->sink->notice(what, about, text, in->sink->arg);
}

static bool
has(const uint8_t *p, size_t n, const char *s)
{
	return memmem(p, n, s, strlen(s)) != NULL;
}

/* "BZh", a size, and the digits of pi that begin a block, or of its root that end an empty file. */
static bool
is_bzip2(const uint8_t *p, size_t n)
{
	return n >= 10 && memcmp(p, "BZh", 3) == 0 && p[3] >= '1' && p[3] <= '9' &&
	    (memcmp(p + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0 || memcmp(p + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
}

/* Old archives have no magic number, but all have the sum of their first header in it. */
static bool
is_tar(const uint8_t *p, size_t n)
{
	unsigned sum = 8 * ' ', said = 0;

	if (n < TAR_BLOCK || p[0] == 0)
		return false;
	if (memcmp(p + 257, "ustar", 5) != 0 && (p[99] != 0 || p[107] > '9' || p[156] > 'z'))
		return false;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? 0 : p[i];
	for (size_t i = 148; i < 156 && p[i] != 0; i++) {
		if (p[i] >= '0' && p[i] <= '7')
			said = said * 8 + (unsigned)(p[i] - '0');
		else if (p[i] != ' ')
			return false;
	}
	return said == sum;
}

/* The end of a zip's directory: control characters, which texts do not have, so that those are passed at full speed. */
static bool
has_zip_tail(const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n, *at = n > TAIL ? end - TAIL : p;

	while (end - at >= 19 && (at = memchr(at, 6, (size_t)(end - at))) != NULL) {
		if (at - p >= 3 && end - at >= 19 && memcmp(at - 3, "PK\5", 3) == 0)
			return true;
		at++;
	}
	return false;
}

/* RFC 1950: method 8, a window of 32 KiB, no dictionary, a header that 31 divides. */
static bool
is_loose_object(const uint8_t *p, size_t n)
{
	return n >= 16 && p[0] == 0x78 && (p[0] * 256 + p[1]) % 31 == 0 && (p[1] & 0x20) == 0;
}

/* Its magic number changes with each version and ends in a line end; flags follow, of which two bits are used. */
static bool
is_python(const uint8_t *p, size_t n)
{
	return n >= 16 && p[2] == '\r' && p[3] == '\n' && p[4] < 4 && p[5] == 0 && p[6] == 0 && p[7] == 0;
}

static unsigned
guess_text(const uint8_t *p, size_t n)
{
	size_t look = n < LOOK ? n : LOOK;

	if (p[0] == '{' && (has(p, look, "\"nbformat\"") || has(p + n - look, look, "\"nbformat\"")) &&
	    has(p, n, "\"cells\""))
		return CONTAINER_NOTEBOOK;
	if (p[0] == '<' && (has(p, look, "schemas.openxmlformats.org/") || has(p, look, "schemas.microsoft.com/office/word/") ||
	    has(p, look, "urn:oasis:names:tc:opendocument:")))
		return CONTAINER_OFFICE;
	return 0;
}

/* A shell script that unpacks what follows it: where that begins, behind a line end; 0 when nothing does. */
static size_t
script_payload(const uint8_t *p, size_t n)
{
	static const struct magic heads[] = {
		MAGIC(0, "\n\x1f\x8b\x08"), MAGIC(0, "\n\xfd" "7zXZ"), MAGIC(0, "\n\x28\xb5\x2f\xfd"), MAGIC(0, "\nBZh91AY"),
	};
	const uint8_t *hit;

	if (n < 4 || memcmp(p, "#!", 2) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		hit = memmem(p, n < SCRIPT_MAX ? n : SCRIPT_MAX, heads[i].bytes, heads[i].n);
		if (hit != NULL)
			return (size_t)(hit - p) + 1;
	}
	return 0;
}

static int
script_each(const struct inside *in, const uint8_t *p, size_t n)
{
	size_t at = script_payload(p, n);

	return compressed_each(in, p + at, n - at);
}

unsigned
container_guess(const uint8_t *p, size_t n)
{
	enum container_notice what;
	unsigned kinds = 0;

	if (n < 8)
		return 0;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *m = &magics[i];

		if (p[0] == (uint8_t)m->bytes[0] && n >= m->n && memcmp(p, m->bytes, m->n) == 0)
			kinds |= m->kind;
	}
	if (is_bzip2(p, n))
		kinds |= CONTAINER_COMPRESSED;
	if (is_tar(p, n) || (n > ISO_MAGIC + 5 && memcmp(p + ISO_MAGIC, "CD001", 5) == 0))
		kinds |= CONTAINER_ARCHIVE;
	if (is_python(p, n))
		kinds |= CONTAINER_CLASS;
	if (is_loose_object(p, n))
		kinds |= CONTAINER_ZLIB;
	kinds |= guess_text(p, n);
	if (script_payload(p, n) > 0)
		kinds |= CONTAINER_SCRIPT;
	if (has_zip_tail(p, n) && memcmp(p, "PK\3\4", 4) != 0)
		kinds |= CONTAINER_TRAILING_ZIP;
	if (sealed_kind(p, n, &what) != NULL)
		kinds |= CONTAINER_SEALED;
	if (kinds == 0 && opaque_is(p, n))
		kinds |= CONTAINER_OPAQUE;
	return kinds;
}

static int
sealed_each(const struct inside *in, const uint8_t *p, size_t n)
{
	enum container_notice what;
	const char *kind = sealed_kind(p, n, &what);

	return kind == NULL ? 0 : inside_tell(in, what, "", "%s", kind);
}

static int
opaque_each(const struct inside *in, const uint8_t *p, size_t n)
{
	(void)p;
	return inside_tell(in, CONTAINER_IS_OPAQUE, "", "%zu bytes", n);
}

static const struct {
	unsigned	kinds;
	int		(*each)(const struct inside *, const uint8_t *p, size_t n);
} readers[] = {
	{ CONTAINER_SEALED, sealed_each },
	{ CONTAINER_OPAQUE, opaque_each },
	{ CONTAINER_ARCHIVE, archive_each },
	{ CONTAINER_COMPRESSED, compressed_each },
	{ CONTAINER_TRAILING_ZIP, archive_each_trailing },
	{ CONTAINER_SCRIPT, script_each },
	{ CONTAINER_ZLIB, zlib_each },
	{ CONTAINER_PACK, pack_each },
	{ CONTAINER_PDF, pdf_each },
	{ CONTAINER_SQLITE, sqlite_each },
	{ CONTAINER_NOTEBOOK, notebook_each },
	{ CONTAINER_OFFICE, office_each },
	{ CONTAINER_CLASS, class_each },
};

int
container_each(unsigned kinds, const uint8_t *p, size_t n, struct budget *budget, const struct container_sink *sink)
{
	const struct inside in = { .budget = budget, .sink = sink };
	int e = 0;

	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]) && e == 0; i++) {
		if ((kinds & readers[i].kinds) != 0)
			e = readers[i].each(&in, p, n);
	}
	return e;
}
