/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/check.h"

#include <string.h>

static const struct check checks[] = {
	{ "crc32-base62", check_crc32_base62 },
	{ "crc32-base36", check_crc32_base36 },
	{ "crc32-hex", check_crc32_hex },
	{ "jwt", check_jwt },
	{ "key", check_key },
	{ "macaroon", check_macaroon },
	{ "basic", check_basic },
	{ "basic-header", check_basic_header },
	{ "basic-password", check_basic_password },
};

const struct check *
check_find(const char *name)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (strcmp(checks[i].name, name) == 0)
			return &checks[i];
	}
	return NULL;
}
