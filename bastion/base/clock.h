/* SPDX-License-Identifier: Apache-2.0 */
/* clock: monotonic time for intervals, wall time for records, durations as people write them. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_TEXT	32	/* room for clock_format and its NUL */

int64_t	clock_mono_ms(void);
int64_t	clock_mono_us(void);
int64_t	clock_wall_ms(void);	/* since 1970, UTC */

/* RFC 3339 in UTC with milliseconds, "2026-11-21T10:15:30.123Z", into out[CLOCK_TEXT]. */
void	clock_format(int64_t wall_ms, char out[CLOCK_TEXT]);
/* The same to the second, without what is zero: "2027-01-04T08:00Z". */
void	clock_format_second(int64_t wall_s, char out[CLOCK_TEXT]);
/* "2027-01-04T08:00Z" or with seconds; UTC alone, so that no zone can be mistaken: seconds since 1970. Or ERR_FORMAT. */
int	clock_parse_time(const char *s, int64_t *wall_sp);
/* "15m", "90s", "2h", "7d", "500ms", or "0": milliseconds. ERR_FORMAT for anything else, ERR_TOOBIG over ten years. */
int	clock_parse_duration(const char *s, int64_t *msp);
/* The shortest exact form of a duration, as above. */
void	clock_format_duration(int64_t ms, char out[CLOCK_TEXT]);

#endif
