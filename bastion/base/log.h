/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: words for the operator, on stderr. One line a call, "TIME program[pid] level: text", control characters escaped
 * at this one exit. Never a secret, never a whole command line: events for security go to the audit log instead.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Set the program's name (kept by pointer) and what to print. May be called again. */
void	log_init(const char *name, enum log_level max);

void	log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* An error, then exit(1). Belongs to programs; libraries return a code. */
void	fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
