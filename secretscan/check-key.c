/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first bytes of a private key in its armour: a DER sequence that begins with a version or with an algorithm (RFC 8017
 * A.1.2, RFC 5915, RFC 5958), the magic of OpenSSH (PROTOCOL.key), a secret-key packet of OpenPGP (RFC 9580, 4.2 and 5.5.1),
 * or the length of PuTTY's first number. What is encrypted as a whole begins with anything, but never with so much text,
 * and never looks like words itself.
 */
#include <stdbool.h>
#include <string.h>

#include "secretscan/base64.h"
#include "secretscan/check.h"
#include "secretscan/value.h"

#define BODY_CHARS	24	/* that a rule gives; what stands before them are line ends and headers */
#define BODY_MIN	15	/* bytes that have to be text to be none of a key */

static const uint8_t openssh_magic[] = "openssh-key-v1";

static bool
is_base64(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* The contents of a sequence of private key information, or of what is encrypted. */
static bool
is_der(const uint8_t *b)
{
	size_t at = b[1] < 0x80 ? 2 : b[1] == 0x81 ? 3 : b[1] == 0x82 ? 4 : 0;

	if (b[0] != 0x30 || at == 0)
		return false;
	return (b[at] == 0x02 && b[at + 1] == 1 && b[at + 2] <= 3) || (b[at] == 0x30 && b[at + 2] == 0x06);
}

/* Tag 5 in either format; the version follows the length. */
static bool
is_openpgp(const uint8_t *b)
{
	size_t at = b[0] == 0x94 ? 2 : b[0] == 0x95 ? 3 : b[0] != 0xc5 ? 0 : b[1] < 192 ? 2 : 3;

	return at > 0 && b[at] >= 3 && b[at] <= 6;
}

enum check_result
check_key(const uint8_t *p, size_t n)
{
	uint8_t b[BODY_CHARS];
	size_t run = 0, len, text = 0;

	while (run < BODY_CHARS && run < n && is_base64(p[n - 1 - run]))
		run++;
	len = base64_decode(p + n - run, run - run % 4, b, sizeof(b));
	if (len < BODY_MIN)
		return CHECK_UNKNOWN;
	if (is_der(b) || is_openpgp(b) || memcmp(b, openssh_magic, sizeof(openssh_magic)) == 0 || (b[0] == 0 && b[1] == 0))
		return CHECK_PROVEN;
	if (value_is_wordy(p + n - run, run))
		return CHECK_REFUTED;
	while (text < len && b[text] >= 0x20 && b[text] <= 0x7e)
		text++;
	return text == len ? CHECK_REFUTED : CHECK_UNKNOWN;
}
