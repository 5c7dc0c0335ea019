/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/cidr.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/xmalloc.h"

#define NETWORK_TEXT	(INET6_ADDRSTRLEN + 4)	/* the longest network and its "/128" */

struct addr {
	uint8_t	 bytes[16];
	unsigned bits;		/* 32 or 128 */
};

static bool
addr_parse(const char *s, struct addr *a)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	memset(a, 0, sizeof(*a));
	a->bits = 32;
	if (inet_pton(AF_INET, s, a->bytes) == 1)
		return true;
	a->bits = 128;
	if (inet_pton(AF_INET6, s, a->bytes) != 1)
		return false;
	if (memcmp(a->bytes, mapped, sizeof(mapped)) == 0) {
		memmove(a->bytes, a->bytes + 12, 4);
		a->bits = 32;
	}
	return true;
}

/* The first n bits are those of both. */
static bool
prefix_is_equal(const struct addr *net, const struct addr *a, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (((net->bytes[i / 8] ^ a->bytes[i / 8]) >> (7 - i % 8) & 1) != 0)
			return false;
	return true;
}

static bool
host_bits_are_clear(const struct addr *net, unsigned n)
{
	for (unsigned i = n; i < net->bits; i++)
		if ((net->bytes[i / 8] >> (7 - i % 8) & 1) != 0)
			return false;
	return true;
}

/* One network "ADDRESS[/BITS]". */
static bool
network_parse(char *s, struct addr *net, unsigned *bitsp)
{
	char *slash = strchr(s, '/'), *p;
	unsigned bits = 0;

	if (slash != NULL)
		*slash = '\0';
	if (!addr_parse(s, net))
		return false;
	if (slash == NULL) {
		*bitsp = net->bits;
		return true;
	}
	for (p = slash + 1; *p >= '0' && *p <= '9' && bits <= 128; p++)
		bits = bits * 10 + (unsigned)(*p - '0');
	if (p == slash + 1 || *p != '\0' || bits > net->bits || !host_bits_are_clear(net, bits))
		return false;
	*bitsp = bits;
	return true;
}

/* Walk the list; every network must be well-formed. *foundp when a is in one. */
static bool
list_walk(const char *list, const struct addr *a, bool *foundp)
{
	char *copy = xstrdup(list), *rest = copy, *one;
	struct addr net;
	unsigned bits;
	bool ok = true;

	while (ok && (one = strsep(&rest, ",")) != NULL) {
		ok = strlen(one) <= NETWORK_TEXT && network_parse(one, &net, &bits);
		if (ok && a != NULL && a->bits == net.bits && prefix_is_equal(&net, a, bits))
			*foundp = true;
	}
	free(copy);
	return ok;
}

bool
cidr_list_is_valid(const char *list)
{
	bool found = false;

	return list_walk(list, NULL, &found);
}

bool
cidr_list_has(const char *list, const char *address)
{
	struct addr a;
	bool found = false;

	return addr_parse(address, &a) && list_walk(list, &a, &found) && found;
}
