/* SPDX-License-Identifier: Apache-2.0 */
/* id: random names that a human can read out, and the checks on names that come from outside. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stddef.h>

#define ID_TEXT		24	/* room for any id and its NUL */
#define SESSION_ID_LEN	10	/* characters after "S-" */
#define REQUEST_ID_LEN	6	/* characters after "REQ-" */

/* prefix and n random characters of Crockford's base 32 (no I, L, O, U), 5 bits each: id_make("REQ-", 6, out). */
void	id_make(const char *prefix, size_t n, char out[ID_TEXT]);
/* Whether s is prefix and n such characters. */
bool	id_is(const char *s, const char *prefix, size_t n);

/*
 * A name from outside (login, target, upstream, reference): 1..max bytes of letters, digits and "._-+@/", not starting
 * with '-' or '/', not ending with '/', no "..", no "//", no "." component: one thing has one name. What passes is safe
 * in a file name's component (without '/'), a log and an argv.
 */
bool	name_is_safe(const char *s, size_t max);
/*
 * Text made fit for a terminal line: control characters, DEL, C1, bidi controls, line separators, invisible tags, and
 * whatever is not UTF-8 as \xNN; the caller frees.
 */
char	*text_printable(const void *p, size_t n);

#endif
