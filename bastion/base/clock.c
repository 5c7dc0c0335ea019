/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bastion/base/err.h"

#define TEN_YEARS_MS	(INT64_C(3653) * 24 * 3600 * 1000)

static const struct {
	const char	*suffix;
	int64_t		 ms;
} units[] = {	/* longest first */
	{ "d", 24 * 3600 * 1000 },
	{ "h", 3600 * 1000 },
	{ "m", 60 * 1000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

int64_t
clock_mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t
clock_wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
clock_format(int64_t wall_ms, char out[CLOCK_TEXT])
{
	int ms = (int)(wall_ms % 1000);
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;
	size_t n;

	if (ms < 0) {	/* before 1970 the second began earlier still */
		ms += 1000;
		t--;
	}
	gmtime_r(&t, &tm);
	n = strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, CLOCK_TEXT - n, ".%03dZ", ms);
}

void
clock_format_second(int64_t wall_s, char out[CLOCK_TEXT])
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	(void)strftime(out, CLOCK_TEXT, tm.tm_sec == 0 ? "%Y-%m-%dT%H:%MZ" : "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Exactly the digits where the form has a 'd'. */
static bool
has_form(const char *s, const char *form)
{
	for (; *form != '\0'; s++, form++)
		if (*form == 'd' ? *s < '0' || *s > '9' : *s != *form)
			return false;
	return *s == '\0';
}

/* So many digits, which are known to be some. */
static int
digits(const char *s, int n)
{
	int v = 0;

	while (n-- > 0)
		v = v * 10 + (*s++ - '0');
	return v;
}

int
clock_parse_time(const char *s, int64_t *wall_sp)
{
	struct tm tm = { 0 }, want;
	bool seconds = has_form(s, "dddd-dd-ddTdd:dd:ddZ");
	time_t t;

	if (!seconds && !has_form(s, "dddd-dd-ddTdd:ddZ"))
		return ERR_FORMAT;
	tm.tm_year = digits(s, 4) - 1900;
	tm.tm_mon = digits(s + 5, 2) - 1;
	tm.tm_mday = digits(s + 8, 2);
	tm.tm_hour = digits(s + 11, 2);
	tm.tm_min = digits(s + 14, 2);
	tm.tm_sec = seconds ? digits(s + 17, 2) : 0;
	want = tm;
	/* timegm would take the 31st of February for a day in March. */
	if ((t = timegm(&tm)) < 0 || tm.tm_mon != want.tm_mon || tm.tm_mday != want.tm_mday || tm.tm_hour != want.tm_hour ||
	    tm.tm_min != want.tm_min || tm.tm_sec != want.tm_sec)
		return ERR_FORMAT;
	*wall_sp = t;
	return 0;
}

int
clock_parse_duration(const char *s, int64_t *msp)
{
	char *end;
	long long v;

	if (strcmp(s, "0") == 0) {
		*msp = 0;
		return 0;
	}
	if (*s < '0' || *s > '9' || strlen(s) > 15)
		return ERR_FORMAT;
	v = strtoll(s, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		if (v > TEN_YEARS_MS / units[i].ms)
			return ERR_TOOBIG;
		*msp = v * units[i].ms;
		return 0;
	}
	return ERR_FORMAT;
}

void
clock_format_duration(int64_t ms, char out[CLOCK_TEXT])
{
	if (ms == 0) {
		snprintf(out, CLOCK_TEXT, "0");
		return;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (ms % units[i].ms == 0) {
			snprintf(out, CLOCK_TEXT, "%lld%s", (long long)(ms / units[i].ms), units[i].suffix);
			return;
		}
}
