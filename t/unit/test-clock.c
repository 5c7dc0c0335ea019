/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bastion/base/clock.h"
#include "bastion/base/err.h"

static void
times_as_text(void **state)
{
	static const struct {
		int64_t		 ms;
		const char	*want;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 1, "1970-01-01T00:00:00.001Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ INT64_C(951782400000), "2000-02-29T00:00:00.000Z" },
		{ INT64_C(1795256130123), "2026-11-21T10:15:30.123Z" },
		{ INT64_MAX, "292278994-08-17T07:12:55.807Z" },
	};
	char out[CLOCK_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		clock_format(rows[i].ms, out);
		assert_string_equal(out, rows[i].want);
	}
}

static void
times_from_text(void **state)
{
	static const struct {
		const char	*text;
		int		 r;
		int64_t		 s;
	} rows[] = {
		{ "1970-01-01T00:00Z", 0, 0 }, { "2026-11-21T10:15:30Z", 0, 1795256130 }, { "2028-02-29T00:00Z", 0, 1835395200 },
		{ "9999-12-31T23:59:59Z", 0, INT64_C(253402300799) },
		{ "2026-02-29T00:00Z", ERR_FORMAT, 0 }, { "2026-13-01T00:00Z", ERR_FORMAT, 0 }, { "2026-00-10T00:00Z", ERR_FORMAT, 0 },
		{ "2026-01-01T24:00Z", ERR_FORMAT, 0 }, { "2026-01-01T00:60Z", ERR_FORMAT, 0 }, { "2026-01-01T00:00", ERR_FORMAT, 0 },
		{ "2026-01-01T00:00+01:00", ERR_FORMAT, 0 }, { "2026-01-01", ERR_FORMAT, 0 }, { "", ERR_FORMAT, 0 },
		{ "2026-1-01T00:00Z", ERR_FORMAT, 0 }, { "2026-01-01T00:00ZZ", ERR_FORMAT, 0 }, { "1969-12-31T23:59Z", ERR_FORMAT, 0 },
		{ "2026-01-01t00:00z", ERR_FORMAT, 0 }, { "+026-01-01T00:00Z", ERR_FORMAT, 0 },
	};
	char out[CLOCK_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t s = 0;
		int r = clock_parse_time(rows[i].text, &s);

		if (r != rows[i].r || s != rows[i].s)
			fail_msg("\"%s\": %d, %lld s", rows[i].text, r, (long long)s);
		if (r != 0)
			continue;
		clock_format_second(s, out);
		assert_string_equal(out, rows[i].text);
	}
}

static void
durations(void **state)
{
	static const struct {
		const char	*text;
		int		 r;
		int64_t		 ms;
	} rows[] = {
		{ "0", 0, 0 }, { "500ms", 0, 500 }, { "90s", 0, 90000 }, { "15m", 0, 900000 }, { "2h", 0, 7200000 },
		{ "7d", 0, 604800000 }, { "3653d", 0, INT64_C(3653) * 86400000 }, { "3654d", ERR_TOOBIG, 0 },
		{ "", ERR_FORMAT, 0 }, { "5", ERR_FORMAT, 0 }, { "m", ERR_FORMAT, 0 }, { "-5m", ERR_FORMAT, 0 },
		{ "+5m", ERR_FORMAT, 0 }, { " 5m", ERR_FORMAT, 0 }, { "5m ", ERR_FORMAT, 0 }, { "1.5h", ERR_FORMAT, 0 },
		{ "5 m", ERR_FORMAT, 0 }, { "5M", ERR_FORMAT, 0 }, { "1h30m", ERR_FORMAT, 0 }, { "0x5s", ERR_FORMAT, 0 },
		{ "99999999999999d", ERR_TOOBIG, 0 }, { "9999999999999999d", ERR_FORMAT, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ms = 0;
		int r = clock_parse_duration(rows[i].text, &ms);

		if (r != rows[i].r || ms != rows[i].ms)
			fail_msg("\"%s\": %d, %lld ms", rows[i].text, r, (long long)ms);
	}
}

static void
durations_come_back_as_written(void **state)
{
	static const char *const rows[] = { "0", "1ms", "1500ms", "90s", "15m", "36h", "7d" };
	char out[CLOCK_TEXT];
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(clock_parse_duration(rows[i], &ms), 0);
		clock_format_duration(ms, out);
		assert_string_equal(out, rows[i]);
	}
	clock_format_duration(120 * 60 * 1000, out);
	assert_string_equal(out, "2h");
}

static void
the_monotonic_clock_does_not_go_back(void **state)
{
	int64_t last = clock_mono_us();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_mono_us();

		assert_true(now >= last);
		last = now;
	}
	assert_true(clock_wall_ms() > INT64_C(1600000000000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_as_text),
		cmocka_unit_test(times_from_text),
		cmocka_unit_test(durations),
		cmocka_unit_test(durations_come_back_as_written),
		cmocka_unit_test(the_monotonic_clock_does_not_go_back),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
