/* SPDX-License-Identifier: Apache-2.0 */
/* What the door goes by: the PROXY header, what a source is, and penalties. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bastion/base/err.h"
#include "bastion/penalty.h"
#include "bastion/proxyproto.h"
#include "bastion/source.h"

#define V2	"\r\n\r\n\0\r\nQUIT\n"
#define BYTES(s)	(const uint8_t *)(s), sizeof(s) - 1

struct header_row {
	const char	*name;
	const uint8_t	*bytes;
	size_t		 n;
	int		 want;
	size_t		 took;		/* of a good one */
	const char	*source;	/* NULL = the connection's own */
};

#define V1_TCP4	"PROXY TCP4 192.0.2.7 198.51.100.1 5555 22\r\n"
#define TAIL	"SSH-2.0-OpenSSH_9.2\r\n"
#define A4	"\xc0\x00\x02\x07" "\xc6\x33\x64\x01" "\x15\xb3" "\x00\x16"
#define A6	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07" "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" "\x15\xb3" "\x00\x16"
#define SIXTEEN	"0123456789abcdef"
#define A216	SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN "01234567"

static const struct header_row headers[] = {
	{ "v1 tcp4", BYTES(V1_TCP4 TAIL), 0, sizeof(V1_TCP4) - 1, "192.0.2.7" },
	{ "v1 tcp6", BYTES("PROXY TCP6 2001:DB8:0:0::7 2001:db8::1 5555 22\r\n"), 0, 48, "2001:db8::7" },
	{ "v1 unknown", BYTES("PROXY UNKNOWN\r\n" TAIL), 0, 15, NULL },
	{ "v1 unknown with words", BYTES("PROXY UNKNOWN a b c\r\n" TAIL), 0, 21, NULL },
	{ "v1 port 0 and 65535", BYTES("PROXY TCP4 1.2.3.4 1.2.3.5 0 65535\r\n"), 0, 36, "1.2.3.4" },
	{ "v1 port too big", BYTES("PROXY TCP4 1.2.3.4 1.2.3.5 65536 22\r\n"), ERR_FORMAT, 0, NULL },
	{ "v1 port with sign", BYTES("PROXY TCP4 1.2.3.4 1.2.3.5 +1 22\r\n"), ERR_FORMAT, 0, NULL },
	{ "v1 port missing", BYTES("PROXY TCP4 1.2.3.4 1.2.3.5 1\r\n"), ERR_FORMAT, 0, NULL },
	{ "v1 one word more", BYTES("PROXY TCP4 1.2.3.4 1.2.3.5 1 2 3\r\n"), ERR_FORMAT, 0, NULL },
	{ "v1 two blanks", BYTES("PROXY TCP4  1.2.3.4 1.2.3.5 1 2\r\n"), ERR_FORMAT, 0, NULL },
	{ "v1 wrong family", BYTES("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n"), ERR_FORMAT, 0, NULL },
	{ "v1 name for address", BYTES("PROXY TCP4 localhost 1.2.3.5 1 2\r\n"), ERR_FORMAT, 0, NULL },
	{ "v1 zone", BYTES("PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n"), ERR_FORMAT, 0, NULL },
	{ "v1 udp", BYTES("PROXY UDP4 1.2.3.4 1.2.3.5 1 2\r\n"), ERR_FORMAT, 0, NULL },
	{ "v1 lower case", BYTES("proxy TCP4 1.2.3.4 1.2.3.5 1 2\r\n"), ERR_FORMAT, 0, NULL },
	{ "v1 LF alone", BYTES("PROXY TCP4 1.2.3.4 1.2.3.5 1 2\n"), ERR_FORMAT, 0, NULL },
	{ "v1 NUL", BYTES("PROXY TCP4 1.2.3.4\0 1.2.3.5 1 2\r\n"), ERR_FORMAT, 0, NULL },
	{ "v1 UNKNOWN and NUL", BYTES("PROXY UNKNOWN\0\r\n"), ERR_FORMAT, 0, NULL },
	{ "v1 UNKNOWNX", BYTES("PROXY UNKNOWNX\r\n"), ERR_FORMAT, 0, NULL },
	{ "v1 cut", BYTES("PROXY TCP4 1.2.3.4 1.2"), ERR_AGAIN, 22, NULL },
	{ "v1 too long", BYTES("PROXY UNKNOWN " SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN), ERR_TOOBIG, 0, NULL },
	{ "v1 empty", BYTES("PROXY \n"), ERR_FORMAT, 0, NULL },
	{ "v2 tcp4", BYTES(V2 "\x21\x11\0\x0c" A4 TAIL), 0, 28, "192.0.2.7" },
	{ "v2 tcp6", BYTES(V2 "\x21\x21\0\x24" A6 TAIL), 0, 52, "2001:db8::7" },
	{ "v2 with additions", BYTES(V2 "\x21\x11\0\x10" A4 "\x04\0\x01x" TAIL), 0, 32, "192.0.2.7" },
	{ "v2 local", BYTES(V2 "\x20\0\0\0" TAIL), 0, 16, NULL },
	{ "v2 local with addresses", BYTES(V2 "\x20\x11\0\x0c" A4 TAIL), 0, 28, NULL },
	{ "v2 unspecified", BYTES(V2 "\x21\0\0\x03xyz" TAIL), 0, 19, NULL },
	{ "v2 unix", BYTES(V2 "\x21\x31\0\xd8" A216 TAIL), 0, 232, NULL },
	{ "v2 unix too short", BYTES(V2 "\x21\x31\0\x0c" A4), ERR_FORMAT, 0, NULL },
	{ "v2 tcp4 too short", BYTES(V2 "\x21\x11\0\x0b" A4), ERR_FORMAT, 0, NULL },
	{ "v2 tcp6 too short", BYTES(V2 "\x21\x21\0\x0c" A4), ERR_FORMAT, 0, NULL },
	{ "v2 datagram", BYTES(V2 "\x21\x12\0\x0c" A4), ERR_FORMAT, 0, NULL },
	{ "v2 unknown family", BYTES(V2 "\x21\x41\0\x0c" A4), ERR_FORMAT, 0, NULL },
	{ "v2 unknown command", BYTES(V2 "\x22\x11\0\x0c" A4), ERR_FORMAT, 0, NULL },
	{ "v2 version 3", BYTES(V2 "\x31\x11\0\x0c" A4), ERR_FORMAT, 0, NULL },
	{ "v2 too long", BYTES(V2 "\x21\x11\x02\x09"), ERR_TOOBIG, 0, NULL },
	{ "v2 length of all ones", BYTES(V2 "\x21\x11\xff\xff"), ERR_TOOBIG, 0, NULL },
	{ "v2 cut", BYTES(V2 "\x21\x11\0\x0c" "\xc0\0\x02"), ERR_AGAIN, 19, NULL },
	{ "v2 signature almost", BYTES("\r\n\r\n\0\r\nQUIT\r\x21\x11\0\x0c" A4), ERR_FORMAT, 0, NULL },
	{ "ssh", BYTES(TAIL), ERR_FORMAT, 0, NULL },
	{ "nothing yet", BYTES(""), ERR_AGAIN, 0, NULL },
};

static void
check_header(const struct header_row *row, const struct proxyproto *h, int r, size_t took)
{
	if (r != row->want || ((r == 0 || r == ERR_AGAIN) && took != row->took))
		fail_msg("%s: %s, took %zu", row->name, err_text(r), took);
	if (r != 0)
		return;
	if (row->source == NULL)
		assert_null(proxyproto_source(h));
	else
		assert_string_equal(proxyproto_source(h), row->source);
}

static void
headers_in_one_piece(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct proxyproto h = { .len = 0 };
		size_t took;
		int r = proxyproto_feed(&h, headers[i].bytes, headers[i].n, &took);

		check_header(&headers[i], &h, r, took);
	}
}

static void
headers_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct proxyproto h = { .len = 0 };
		size_t took, sum = 0;
		int r = ERR_AGAIN;

		for (size_t k = 0; k < headers[i].n && r == ERR_AGAIN; k++) {
			r = proxyproto_feed(&h, headers[i].bytes + k, 1, &took);
			sum += took;
		}
		check_header(&headers[i], &h, r, sum);
	}
}

static void
sources(void **state)
{
	static const struct {
		const char	*a, *b;
		bool		 same;
	} rows[] = {
		{ "192.0.2.7", "192.0.2.7", true }, { "192.0.2.7", "192.0.2.8", false }, { "192.0.2.7", "::ffff:192.0.2.7", true },
		{ "2001:db8::1", "2001:db8::ffff:1", true }, { "2001:db8::1", "2001:db8:0:1::1", false },
		{ "fe80::1%eth0", "fe80::2%eth1", true }, { "0.0.0.0", "::", false },
	};
	struct source a, b;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(source_parse(rows[i].a, &a));
		assert_true(source_parse(rows[i].b, &b));
		assert_int_equal(source_is_equal(&a, &b), rows[i].same);
	}
	assert_false(source_parse("", &a));
	assert_false(source_parse("localhost", &a));
	assert_false(source_parse("1.2.3.4.5", &a));
	assert_false(source_parse("2001:db8::1111111111111111111111111111111111111111111111111111", &a));
}

#define START	15000
#define MOST	60000

static void
penalties_add_up_and_run_down(void **state)
{
	struct penalties *p = penalties_new();
	struct source a, b;

	(void)state;
	assert_true(source_parse("192.0.2.7", &a) && source_parse("192.0.2.8", &b));
	penalties_add(p, &a, PENALTY_REFUSED, START, MOST, 1000);
	penalties_add(p, &a, PENALTY_REFUSED, START, MOST, 1000);
	assert_int_equal(penalties_left(p, &a, 1000), 0);
	penalties_add(p, &a, PENALTY_REFUSED, START, MOST, 1000);
	assert_int_equal(penalties_left(p, &a, 1000), 15000);
	assert_int_equal(penalties_left(p, &b, 1000), 0);
	assert_int_equal(penalties_left(p, &a, 15999), 1);	/* below the threshold, and still out: until it is all gone */
	assert_int_equal(penalties_left(p, &a, 16000), 0);
	penalties_add(p, &a, PENALTY_NOTHING, START, MOST, 16000);
	assert_int_equal(penalties_left(p, &a, 16000), 0);	/* and then it begins anew */
	for (int i = 0; i < 100; i++)
		penalties_add(p, &a, PENALTY_GRACE, START, MOST, 20000);
	assert_int_equal(penalties_left(p, &a, 20000), MOST);
	penalties_forgive(p, &a);
	assert_int_equal(penalties_left(p, &a, 20000), 0);
	penalties_add(p, &a, PENALTY_CRASH, 0, MOST, 20000);	/* switched off */
	assert_int_equal(penalties_left(p, &a, 20000), 0);
	penalties_free(p);
}

/* A crowd of sources does not wash away the one that is out for longest, and is told of sparingly. */
static void
penalties_are_bounded(void **state)
{
	struct penalties *p = penalties_new();
	struct source bad, s;
	unsigned told = 0;
	char text[32];

	(void)state;
	assert_true(source_parse("192.0.2.7", &bad));
	for (int i = 0; i < 6; i++)
		penalties_add(p, &bad, PENALTY_GRACE, START, MOST, 1000);
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		assert_true(source_parse(text, &s));
		penalties_add(p, &s, PENALTY_NOTHING, START, MOST, 1000);
		told += penalties_worth_telling(p, &s, 1000);
	}
	assert_int_equal(penalties_left(p, &bad, 1000), MOST);
	assert_int_equal(told, 60);
	penalties_free(p);
}

static void
one_word_a_minute(void **state)
{
	struct penalties *p = penalties_new();
	struct source s;

	(void)state;
	assert_true(source_parse("192.0.2.7", &s));
	assert_true(penalties_worth_telling(p, &s, 100000));
	assert_false(penalties_worth_telling(p, &s, 159999));
	assert_true(penalties_worth_telling(p, &s, 160000));
	penalties_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_in_one_piece),
		cmocka_unit_test(headers_byte_by_byte),
		cmocka_unit_test(sources),
		cmocka_unit_test(penalties_add_up_and_run_down),
		cmocka_unit_test(penalties_are_bounded),
		cmocka_unit_test(one_word_a_minute),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
