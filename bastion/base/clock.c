/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/clock.h"

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
