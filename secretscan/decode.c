/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/decode.h"

static const struct decoder decoders[] = {
	{ "escape", DECODE_NOISE, SIEVE_BACKSLASH, 0, decode_escape },
	{ "terminal", DECODE_NOISE, SIEVE_CONTROL | SIEVE_HIGH, 0, decode_terminal },
	{ "look-alike", DECODE_NOISE, SIEVE_HIGH, 0, decode_folded },
	{ "return", DECODE_GUESS, SIEVE_EQUALS, 0, decode_return },
	{ "utf-16", DECODE_ENCODING, SIEVE_CONTROL, 0, decode_utf16 },
	{ "utf-32", DECODE_ENCODING, SIEVE_CONTROL, 0, decode_utf32 },
	{ "diff", DECODE_GUESS, SIEVE_PLUS_MINUS, 0, decode_diff },
	{ "wrap", DECODE_GUESS, 0, SIEVE_JOINT, decode_wrap },
	{ "concat", DECODE_GUESS, 0, SIEVE_QUOTE, decode_concat },
	{ "quoted-printable", DECODE_GUESS, SIEVE_EQUALS, 0, decode_quoted },
	{ "percent", DECODE_NOISE, SIEVE_PERCENT, 0, decode_percent },
	{ "form", DECODE_NOISE, SIEVE_PERCENT, 0, decode_form },
	{ "html", DECODE_NOISE, SIEVE_AMPERSAND, 0, decode_entity },
	{ "base64", DECODE_ENCODING, 0, SIEVE_BASE64 | SIEVE_LONG, decode_base64 },
	{ "hex", DECODE_ENCODING, 0, SIEVE_HEX, decode_hex },
	{ "hex", DECODE_ENCODING, 0, SIEVE_LIST, decode_hex_list },
	{ "dump", DECODE_ENCODING, 0, SIEVE_LIST, decode_dump },
	{ "decimal", DECODE_ENCODING, 0, SIEVE_LIST, decode_decimal_list },
};

const struct decoder *
decode_get(size_t i)
{
	return i < sizeof(decoders) / sizeof(decoders[0]) ? &decoders[i] : NULL;
}

size_t
decode_hex_number(const uint8_t *p, size_t n, size_t most, uint32_t *valuep)
{
	size_t i;

	*valuep = 0;
	for (i = 0; i < n && i < most && decode_hex_digit(p[i]) >= 0; i++)
		*valuep = *valuep << 4 | (uint32_t)decode_hex_digit(p[i]);
	return i;
}

size_t
decode_utf8(uint32_t c, uint8_t out[4])
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	if (c < 0x110000) {
		out[0] = (uint8_t)(0xf0 | c >> 18);
		out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[3] = (uint8_t)(0x80 | (c & 0x3f));
		return 4;
	}
	return 0;
}

size_t
decode_utf8_at(const uint8_t *p, size_t n, uint32_t *cp)
{
	size_t len = n == 0 ? 0 : p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	*cp = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	return len;
}
