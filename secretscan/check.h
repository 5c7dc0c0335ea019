/* SPDX-License-Identifier: Apache-2.0 */
/* check: structural proofs. Some tokens carry a checksum or a structure that chance does not produce. */
#ifndef SECRETSCAN_CHECK_H
#define SECRETSCAN_CHECK_H

#include <stddef.h>
#include <stdint.h>

enum check_result {
	CHECK_UNKNOWN,		/* nothing can be said: the other conditions decide */
	CHECK_PROVEN,
	CHECK_REFUTED,		/* certainly something else: no finding */
};

struct check {
	const char		*name;
	enum check_result	(*run)(const uint8_t *p, size_t n);
};

/* NULL when there is none of this name. */
const struct check	*check_find(const char *name);

enum check_result	check_crc32_base62(const uint8_t *p, size_t n);
enum check_result	check_crc32_base36(const uint8_t *p, size_t n);
enum check_result	check_crc32_hex(const uint8_t *p, size_t n);
enum check_result	check_jwt(const uint8_t *p, size_t n);
enum check_result	check_key(const uint8_t *p, size_t n);
enum check_result	check_macaroon(const uint8_t *p, size_t n);
enum check_result	check_basic(const uint8_t *p, size_t n);
enum check_result	check_basic_header(const uint8_t *p, size_t n);
enum check_result	check_basic_password(const uint8_t *p, size_t n);

#endif
