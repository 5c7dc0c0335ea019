/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE	2048	/* one line, escaped; longer text is cut and says so */

static const char	*log_name = "sallyport";
static enum log_level	 log_max = LOG_LEVEL_INFO;

void
log_init(const char *name, enum log_level max)
{
	log_name = name;
	log_max = max;
}

/* Copy text with control characters and backslashes made visible. */
static size_t
log_escape(char *dst, size_t room, const char *src)
{
	size_t n = 0;

	for (; *src != '\0'; src++) {
		unsigned char c = (unsigned char)*src;

		if (n + 5 >= room) {
			memcpy(dst + n, "...", 3);
			return n + 3;
		}
		if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(dst + n, room - n, "\\x%02x", c);
		else
			dst[n++] = (char)c;
	}
	return n;
}

static void
log_line(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const words[] = { "error", "warning", "info", "debug" };
	char text[LOG_LINE], line[LOG_LINE + 128];
	struct timespec ts;
	struct tm tm;
	size_t n;
	int saved = errno;

	if (level > log_max)
		return;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vsnprintf(text, sizeof(text), fmt, ap);
#pragma GCC diagnostic pop
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(line, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, 96, ".%03ldZ %s[%d] %s: ", ts.tv_nsec / 1000000, log_name, (int)getpid(),
	    words[level]);
	n += log_escape(line + n, sizeof(line) - n - 1, text);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) == -1)
		errno = saved;	/* nowhere is left to say so */
	errno = saved;
}

#define LOG_BODY(level) do {				\
	va_list ap;					\
	va_start(ap, fmt);				\
	log_line(level, fmt, ap);			\
	va_end(ap);					\
} while (0)

void
log_error(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_ERROR);
}

void
log_warn(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_WARN);
}

void
log_info(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_INFO);
}

void
log_debug(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_DEBUG);
}

void
fatal(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_ERROR);
	exit(1);
}
