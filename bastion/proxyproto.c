/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/proxyproto.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "bastion/base/err.h"

#define V2_FIXED	16	/* signature, version and command, family, length */
#define WORDS		6	/* PROXY TCP4 SOURCE DESTINATION PORT PORT */

static const uint8_t v2_signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

enum { V2_LOCAL = 0x20, V2_PROXY = 0x21 };
enum { V2_UNSPEC = 0x00, V2_TCP4 = 0x11, V2_TCP6 = 0x21, V2_UNIX = 0x31 };

/* An address, in the one way that inet_ntop writes it. */
static bool
take_address(struct proxyproto *h, int family, const char *text)
{
	struct in6_addr a;

	return inet_pton(family, text, &a) == 1 && inet_ntop(family, &a, h->source, sizeof(h->source)) != NULL;
}

static bool
is_port(const char *s)
{
	size_t n = strlen(s);
	unsigned v = 0;

	if (n == 0 || n > 5 || strspn(s, "0123456789") != n || (n > 1 && s[0] == '0'))
		return false;
	for (; *s != '\0'; s++)
		v = v * 10 + (unsigned)(*s - '0');
	return v <= 65535;
}

/* The whole line, without its CR LF. */
static int
parse_v1(struct proxyproto *h)
{
	char line[PROXYPROTO_V1_MAX + 1], *rest = line, *word[WORDS + 1], other[sizeof(struct in6_addr)];
	size_t n = h->len - 2, i = 0;
	int family;

	if (memchr(h->buf, '\0', n) != NULL)
		return ERR_FORMAT;
	memcpy(line, h->buf, n);
	line[n] = '\0';
	if (strcmp(line, "PROXY UNKNOWN") == 0 || strncmp(line, "PROXY UNKNOWN ", 14) == 0)
		return 0;	/* whatever follows is to be passed over */
	while (i < WORDS + 1 && (word[i] = strsep(&rest, " ")) != NULL)
		i++;
	if (i != WORDS || strcmp(word[0], "PROXY") != 0)
		return ERR_FORMAT;
	if (strcmp(word[1], "TCP4") == 0)
		family = AF_INET;
	else if (strcmp(word[1], "TCP6") == 0)
		family = AF_INET6;
	else
		return ERR_FORMAT;
	if (!take_address(h, family, word[2]) || inet_pton(family, word[3], other) != 1 || !is_port(word[4]) ||
	    !is_port(word[5]))
		return ERR_FORMAT;
	return 0;
}

static int
parse_v2(struct proxyproto *h)
{
	static const struct {
		uint8_t	 family;
		int	 af;
		size_t	 addresses;	/* what they take at least */
	} families[] = {
		{ V2_UNSPEC, AF_UNSPEC, 0 }, { V2_TCP4, AF_INET, 12 }, { V2_TCP6, AF_INET6, 36 }, { V2_UNIX, AF_UNIX, 216 },
	};
	size_t n = h->len - V2_FIXED;

	if (h->buf[12] == V2_LOCAL)	/* the balancer's own look at us: its family and addresses mean nothing */
		return 0;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (families[i].family != h->buf[13])
			continue;
		if (n < families[i].addresses)
			return ERR_FORMAT;
		if (families[i].af != AF_INET && families[i].af != AF_INET6)
			return 0;
		return inet_ntop(families[i].af, h->buf + V2_FIXED, h->source, sizeof(h->source)) == NULL ? ERR_FORMAT : 0;
	}
	return ERR_FORMAT;	/* datagrams, and what nobody has defined */
}

/* How long the header is at least, by what is there of it; 0: it is none. */
static size_t
length_so_far(const struct proxyproto *h)
{
	if (h->len == 0)
		return 1;
	if (h->buf[0] == 'P')
		return h->len < 6 ? (memcmp(h->buf, "PROXY ", h->len) == 0 ? h->len + 1 : 0) :
		    memcmp(h->buf, "PROXY ", 6) != 0 ? 0 :
		    h->buf[h->len - 1] == '\n' ? h->len : h->len + 1;
	if (h->len < sizeof(v2_signature))
		return memcmp(h->buf, v2_signature, h->len) == 0 ? h->len + 1 : 0;
	if (memcmp(h->buf, v2_signature, sizeof(v2_signature)) != 0)
		return 0;
	if (h->len > 12 && h->buf[12] != V2_LOCAL && h->buf[12] != V2_PROXY)
		return 0;
	return h->len < V2_FIXED ? h->len + 1 : V2_FIXED + ((size_t)h->buf[14] << 8 | h->buf[15]);
}

int
proxyproto_feed(struct proxyproto *h, const uint8_t *p, size_t n, size_t *tookp)
{
	size_t need;

	*tookp = 0;
	for (;;) {
		if ((need = length_so_far(h)) == 0)
			return ERR_FORMAT;
		if (need > (h->len > 0 && h->buf[0] == 'P' ? PROXYPROTO_V1_MAX : PROXYPROTO_MAX))
			return ERR_TOOBIG;
		if (need == h->len)
			break;
		while (h->len < need && *tookp < n)
			h->buf[h->len++] = p[(*tookp)++];
		if (h->len < need)
			return ERR_AGAIN;
	}
	if (h->buf[0] != 'P')
		return parse_v2(h);
	return h->buf[h->len - 2] == '\r' ? parse_v1(h) : ERR_FORMAT;
}

const char *
proxyproto_source(const struct proxyproto *h)
{
	return h->source[0] == '\0' ? NULL : h->source;
}
