/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/source.h"

#include <arpa/inet.h>
#include <string.h>

#define NETWORK_BYTES	8	/* whoever has one address of a /64 has them all */

bool
source_parse(const char *address, struct source *s)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	char text[INET6_ADDRSTRLEN];
	size_t n = strcspn(address, "%");
	uint8_t a[16];

	memset(s, 0, sizeof(*s));
	if (n >= sizeof(text))
		return false;
	memcpy(text, address, n);
	text[n] = '\0';
	s->bytes[0] = 4;
	if (inet_pton(AF_INET, text, s->bytes + 1) == 1)
		return true;
	if (inet_pton(AF_INET6, text, a) != 1)
		return false;
	if (memcmp(a, mapped, sizeof(mapped)) == 0) {
		memcpy(s->bytes + 1, a + 12, 4);
		return true;
	}
	s->bytes[0] = 6;
	memcpy(s->bytes + 1, a, NETWORK_BYTES);
	return true;
}

int
source_compare(const struct source *a, const struct source *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool
source_is_equal(const struct source *a, const struct source *b)
{
	return source_compare(a, b) == 0;
}
