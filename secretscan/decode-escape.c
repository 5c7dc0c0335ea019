/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escapes of string literals: JSON (RFC 8259 section 7), C, Python, JavaScript, shells. Whether a language has one is
 * not asked. `\n` matters where a word follows: in plain text its n would be the first letter of it.
 */
#include <string.h>

#include "secretscan/decode.h"
#include "secretscan/rewrite.h"

#define RUN_MANY	16

static bool
is_word(uint8_t c)
{
	return decode_hex_digit(c) >= 0 || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
}

/* A character by its number. Plain ones hide something; ESC begins what terminals are told. */
static bool
put(uint32_t c, size_t used, struct rewrite_step *step)
{
	step->n = decode_utf8(c, step->out);
	step->used = used;
	step->telling = (c >= 0x20 && c < 0x7f) || c == 0x1b;
	return step->n > 0;
}

/* The digits of \u, \U and \x, or {digits}. */
static bool
numbered(const uint8_t *p, size_t n, size_t least, size_t most, struct rewrite_step *step)
{
	uint32_t c, low;
	size_t len;

	if (n > 2 && p[2] == '{') {
		len = decode_hex_number(p + 3, n - 3, 6, &c);
		return len > 0 && 3 + len < n && p[3 + len] == '}' && put(c, 4 + len, step);
	}
	len = decode_hex_number(p + 2, n - 2, most, &c);
	if (len < least)
		return false;
	/* Characters beyond U+FFFF are two halves (RFC 8259 section 7). */
	if (c >= 0xd800 && c < 0xdc00 && n >= 12 && p[6] == '\\' && p[7] == 'u' &&
	    decode_hex_number(p + 8, n - 8, 4, &low) == 4 && low >= 0xdc00 && low < 0xe000)
		return put(0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff)), 12, step);
	return put(c, 2 + len, step);
}

static bool
octal(const uint8_t *p, size_t n, struct rewrite_step *step)
{
	uint32_t c = 0;
	size_t i;

	for (i = 1; i < n && i < 4 && p[i] >= '0' && p[i] <= '7'; i++)
		c = c << 3 | (uint32_t)(p[i] - '0');
	return i > 1 && c < 0x100 && put(c, i, step);
}

/* The line goes on in the next one, without its indentation if the word does. */
static bool
continued(const uint8_t *p, size_t n, size_t at, struct rewrite_step *step)
{
	size_t end = at + (p[at + 1] == '\r' ? 3 : 2);
	bool inside = at > 0 && p[at - 1] > ' ';

	if (end > n || p[end - 1] != '\n')
		return false;
	while (inside && end < n && (p[end] == ' ' || p[end] == '\t'))
		end++;
	step->used = end - at;
	step->telling = inside && end < n && p[end] > ' ';
	return true;
}

static bool
simple(const uint8_t *p, size_t n, size_t used, uint8_t c, struct rewrite_step *step)
{
	step->out[0] = c;
	step->n = 1;
	step->used = used;
	step->telling = n > used && is_word(p[used]);
	return true;
}

/*
 * Backslashes, each before another one. So many in a row as nobody nests literals are one: generated scripts draw lines
 * with hundreds, and to halve them time and again would never end.
 */
static bool
backslashes(const uint8_t *p, size_t n, struct rewrite_step *step)
{
	size_t run = 2;

	while (run < n && p[run] == '\\')
		run++;
	(void)simple(p, n, run < RUN_MANY ? 2 : run, '\\', step);
	step->telling = n > step->used && p[step->used] != '\0' && strchr("\"'`/\\nrtux", p[step->used]) != NULL;
	return true;
}

static bool
read_escape(const uint8_t *whole, size_t whole_n, size_t at, struct rewrite_step *step)
{
	static const char letters[] = "abtnvfre", values[] = "\a\b\t\n\v\f\r\033";
	const uint8_t *p = whole + at;
	size_t n = whole_n - at;
	const char *letter;

	if (n < 2)
		return false;
	switch (p[1]) {
	case 'u':
		return numbered(p, n, 4, 4, step);
	case 'U':
		return numbered(p, n, 8, 8, step);
	case 'x':
		return numbered(p, n, 2, 2, step);
	case '"':
	case '\'':
	case '`':
	case '/':
		(void)simple(p, n, 2, p[1], step);
		step->telling = true;
		return true;
	case '\\':
		return backslashes(p, n, step);
	case '\r':
	case '\n':
		return continued(whole, whole_n, at, step);
	default:
		break;
	}
	if (p[1] >= '0' && p[1] <= '7')
		return octal(p, n, step);
	if (p[1] == '\0' || (letter = strchr(letters, p[1])) == NULL)
		return false;
	return simple(p, n, 2, (uint8_t)values[letter - letters], step);
}

void
decode_escape(const struct sieve *s, struct layer *out)
{
	static const struct rewriter w = { SIEVE_BACKSLASH, "\\", NULL, false, read_escape };

	rewrite(&w, s, out);
}
