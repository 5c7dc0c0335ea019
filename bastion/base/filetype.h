/* SPDX-License-Identifier: Apache-2.0 */
/* filetype: what kind of file some bytes are, by what they begin with. No proof of anything: a coarse sieve for rules. */
#ifndef BASE_FILETYPE_H
#define BASE_FILETYPE_H

#include <stddef.h>
#include <stdint.h>

enum filetype {
	FILETYPE_TEXT,		/* no NUL in it, and none of the others */
	FILETYPE_MINIFIED,	/* text in lines that no human writes */
	FILETYPE_DATA,		/* what is left */
	FILETYPE_ELF,
	FILETYPE_PE,		/* Windows programs and libraries */
	FILETYPE_MACHO,
	FILETYPE_WASM,
	FILETYPE_JVM,		/* class files */
	FILETYPE_ARCHIVE,	/* zip (and what is one: jar, docx), tar, gzip, xz, zstd, 7z, rar, ar, deb, rpm .. */
	FILETYPE_IMAGE,		/* png, jpeg, gif, webp, tiff, ico, bmp, avif, heic */
	FILETYPE_MEDIA,		/* sound and film */
	FILETYPE_PDF,
	FILETYPE_FONT,
	FILETYPES
};

/* Of a whole file. */
enum filetype	filetype_of(const uint8_t *p, size_t n);
/* "text", "elf" .. */
const char	*filetype_word(enum filetype);
/*
 * Bits 1 << enum filetype for a word: one of these, or "executable" (elf, pe, macho, wasm, jvm) or "binary" (all but text and
 * minified). 0 = there is no such word.
 */
unsigned	filetype_bits(const char *word);

#endif
