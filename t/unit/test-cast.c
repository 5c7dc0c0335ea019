/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/record/cast.h"
#include "bastion/record/castread.h"

#define ROOM	(64 * 1024 * 1024)

static struct buf *out;

static struct cast *
begin(const char *term)
{
	struct cast_params p = { .cols = 80, .rows = 24, .term = term, .title = "deploy@web1 as agent/ci",
	    .command = "printf '\"\\n'", .session = "S-0123456789", .start_wall_ms = 1700000000999,
	    .start_us = 5000000 };
	struct cast *c;

	out = buf_new(ROOM);
	c = cast_new(&p, out);
	assert_non_null(c);
	assert_int_equal(buf_put_u8(out, '\n'), 0);
	return c;
}

static struct castread *
reread(struct cast *c)
{
	int fd = memfd_create("cast", MFD_CLOEXEC);
	struct castread *r = NULL;

	assert_int_equal(file_write_all(fd, buf_ptr(out), buf_len(out)), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(castread_open(fd, &r), 0);
	cast_free(c);
	buf_free(out);
	return r;
}

/* The bytes of both streams, as they come back. */
struct streams {
	uint8_t	 data[2][8192];
	size_t	 n[2];
	char	 marks[1024];
	char	 last[64];	/* data of the last event */
	char	 resize[32];
	int64_t	 at_us;
	int	 outputs;
};

static struct streams *
collect(struct castread *r)
{
	static struct streams s;
	struct cast_event e;
	int k;

	memset(&s, 0, sizeof(s));
	while ((k = castread_next(r, &e)) == 0) {
		s.at_us = e.at_us;
		(void)snprintf(s.last, sizeof(s.last), "%c%.*s", e.code, (int)e.ndata, (const char *)e.data);
		if (e.code == 'o') {
			assert_true(s.n[e.from_stderr] + e.ndata < sizeof(s.data[0]));
			memcpy(s.data[e.from_stderr] + s.n[e.from_stderr], e.data, e.ndata);
			s.n[e.from_stderr] += e.ndata;
			s.outputs++;
		} else if (e.code == 'm')
			(void)snprintf(s.marks + strlen(s.marks), sizeof(s.marks) - strlen(s.marks), "%.*s|",
			    (int)e.ndata, (const char *)e.data);
		else if (e.code == 'r')
			(void)snprintf(s.resize, sizeof(s.resize), "%.*s", (int)e.ndata, (const char *)e.data);
	}
	assert_int_equal(k, ERR_EOF);
	castread_free(r);
	return &s;
}

static void
the_header_says_who_what_where(void **state)
{
	struct cast *c = begin("xterm");
	struct castread *r;
	const struct cast_header *h;

	(void)state;
	assert_int_equal(cast_exit(c, 0, NULL, 5000000, out), 0);
	r = reread(c);
	h = castread_header(r);
	assert_int_equal(h->cols, 80);
	assert_int_equal(h->timestamp, 1700000000);
	assert_string_equal(h->term, "xterm");
	assert_string_equal(h->command, "printf '\"\\n'");
	assert_string_equal(h->session, "S-0123456789");
	castread_free(r);
}

/* Everything that can go wrong with UTF-8, cut in two and in three at every place, comes back byte for byte. */
static void
bytes_come_back_however_they_are_split(void **state)
{
	static const char text[] =
	    "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\xaa\xef\xbf\xbd \xff\xe2\x82 \xed\xa0\x80\xc0\xaf\xf0\x9f\x9a"
	    "\"\\\b\f\n\r\t\x1b[0m\x7f\0\x01 plain text that is longer than a word\xe2\x82";
	const size_t n = sizeof(text) - 1;
	struct streams *s;

	(void)state;
	for (size_t i = 0; i <= n; i++)
		for (size_t j = i; j <= n; j++) {
			struct cast *c = begin("xterm");

			assert_int_equal(cast_data(c, CAST_STDOUT, text, i, 5000000, out), 0);
			assert_int_equal(cast_data(c, CAST_STDERR, text, n, 5000000, out), 0);
			assert_int_equal(cast_data(c, CAST_STDOUT, text + i, j - i, 5000000, out), 0);
			assert_int_equal(cast_data(c, CAST_STDOUT, text + j, n - j, 5000000, out), 0);
			assert_int_equal(cast_exit(c, 0, NULL, 5000000, out), 0);
			for (size_t k = 0; k < buf_len(out); k++)	/* inert where it is printed as it lies there */
				assert_true(buf_ptr(out)[k] == '\n' || (buf_ptr(out)[k] >= ' ' && buf_ptr(out)[k] != 0x7f));
			s = collect(reread(c));
			assert_int_equal(s->n[0], n);
			assert_memory_equal(s->data[0], text, n);
			assert_int_equal(s->n[1], n);
			assert_memory_equal(s->data[1], text, n);
		}
}

static void
a_split_character_is_one_character_again(void **state)
{
	struct cast *c = begin("xterm");

	(void)state;
	for (const char *p = "\xf0\x9f\x9a\xaa"; *p != '\0'; p++)
		assert_int_equal(cast_data(c, CAST_STDOUT, p, 1, 5000000, out), 0);
	assert_non_null(memmem(buf_ptr(out), buf_len(out), "\"\xf0\x9f\x9a\xaa\"", 6));
	assert_null(memmem(buf_ptr(out), buf_len(out), "#bad", 4));
	assert_int_equal(collect(reread(c))->outputs, 1);
}

static void
what_is_appended_is_bounded(void **state)
{
	static const int fills[] = { 0, 0x1b, 0xff, 'a', 0xef, '"' };
	uint8_t data[3000];
	struct cast *c;

	(void)state;
	for (size_t f = 0; f < sizeof(fills) / sizeof(fills[0]); f++)
		for (size_t n = 1; n < sizeof(data); n += 499) {
			size_t before;

			memset(data, fills[f], sizeof(data));
			c = begin("xterm");
			before = buf_len(out);
			assert_int_equal(cast_data(c, CAST_STDERR, data, n, 5000000, out), 0);
			assert_true(buf_len(out) - before <= 6 * n + 512);
			castread_free(reread(c));
		}
}

static void
intervals_carry_their_rounding(void **state)
{
	struct cast *c = begin("xterm");
	struct streams *s;

	(void)state;
	for (int i = 1; i <= 1000; i++)
		assert_int_equal(cast_data(c, CAST_STDOUT, "x", 1, 5000000 + i * 1300, out), 0);
	assert_int_equal(cast_data(c, CAST_STDOUT, "x", 1, 4000000, out), 0);	/* a clock that went back */
	s = collect(reread(c));
	assert_in_range(s->at_us, 1299500, 1300500);
}

static void
resizes_markers_and_ends_are_events(void **state)
{
	struct cast *c = begin("xterm");
	struct streams *s;

	(void)state;
	assert_int_equal(cast_resize(c, 132, 43, 5100000, out), 0);
	assert_int_equal(cast_marker(c, "approved REQ-7F3K2Q by human/eva", 5200000, out), 0);
	assert_int_equal(cast_exit(c, -1, "TERM", 5300000, out), 0);
	s = collect(reread(c));
	assert_string_equal(s->resize, "132x43");
	assert_string_equal(s->marks, "approved REQ-7F3K2Q by human/eva|signal: TERM|");
	assert_string_equal(s->last, "x143");
}

static void
binary_runs_become_one_marker(void **state)
{
	uint8_t *zero = calloc(1, 32768);
	struct cast *c = begin(NULL);
	struct streams *s;

	(void)state;
	assert_int_equal(cast_data(c, CAST_STDOUT, "before\n", 7, 5000000, out), 0);
	for (int i = 0; i < 32; i++)
		assert_int_equal(cast_data(c, CAST_STDOUT, zero, 32768, 5000000, out), 0);
	assert_int_equal(cast_data(c, CAST_STDOUT, "after\n", 6, 5000000, out), 0);
	assert_int_equal(cast_exit(c, 0, NULL, 5000000, out), 0);
	s = collect(reread(c));
	assert_int_equal(s->n[0], 13);
	assert_string_equal(s->marks, "binary: 1048576 bytes on stdout, sha256 "
	    "30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58|");
	free(zero);
}

static void
on_a_terminal_nothing_is_binary(void **state)
{
	struct cast *c = begin("xterm");
	uint8_t zero[4000] = { 0 };

	(void)state;
	assert_int_equal(cast_data(c, CAST_STDOUT, zero, sizeof(zero), 5000000, out), 0);
	assert_int_equal(cast_data(c, CAST_STDOUT, zero, 96, 5000000, out), 0);
	assert_int_equal(collect(reread(c))->n[0], 4096);
}

static void
typed_input_is_counted_and_never_kept(void **state)
{
	struct cast *c = begin("xterm");
	struct streams *s;

	(void)state;
	assert_int_equal(cast_data(c, CAST_STDIN, "hunter2", 7, 5000000, out), 0);
	assert_int_equal(cast_exit(c, 0, NULL, 5000000, out), 0);
	assert_null(memmem(buf_ptr(out), buf_len(out), "hunter2", 7));
	s = collect(reread(c));
	assert_string_equal(s->marks, "stdin: 7 bytes, sha256 "
	    "f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7|");
}

static void
hostile_files_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "\n", "[]\n", "{\"version\":2}\n", "{\"version\":3,\"term\":{\"cols\":99999,\"rows\":1}}\n",
		"{\"version\":3,\"term\":{\"cols\":80,\"rows\":24}}",
	};
	static const char *const worse[] = { "[1]\n", "[-1, \"o\", \"\"]\n", "[1e999, \"o\", \"\"]\n",
	    "[0, \"oo\", \"\"]\n",
	    "#bad 41\n[0, \"o\", \"\"]\n", "#bad\n#bad zz\n[0, \"o\", \"\xef\xbf\xbd\"]\n", "{}\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]) + sizeof(worse) / sizeof(worse[0]); i++) {
		size_t nbad = sizeof(bad) / sizeof(bad[0]);
		int fd = memfd_create("cast", MFD_CLOEXEC);
		struct castread *r = NULL;
		struct cast_event e;

		if (i >= nbad)
			assert_true(dprintf(fd, "{\"version\":3,\"term\":{\"cols\":80,\"rows\":24}}\n") > 0);
		assert_true(dprintf(fd, "%s", i < nbad ? bad[i] : worse[i - nbad]) >= 0);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		if (i < nbad)
			assert_int_not_equal(castread_open(fd, &r), 0);
		else {
			assert_int_equal(castread_open(fd, &r), 0);
			assert_int_equal(castread_next(r, &e), ERR_FORMAT);
			castread_free(r);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_says_who_what_where),
		cmocka_unit_test(bytes_come_back_however_they_are_split),
		cmocka_unit_test(a_split_character_is_one_character_again),
		cmocka_unit_test(what_is_appended_is_bounded),
		cmocka_unit_test(intervals_carry_their_rounding),
		cmocka_unit_test(resizes_markers_and_ends_are_events),
		cmocka_unit_test(binary_runs_become_one_marker),
		cmocka_unit_test(on_a_terminal_nothing_is_binary),
		cmocka_unit_test(typed_input_is_counted_and_never_kept),
		cmocka_unit_test(hostile_files_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
