/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/destination.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"

#define HOST_MAX	255

static bool
host_is_name(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= HOST_MAX && s[0] != '-' && s[0] != '.' &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

/* An IPv6 address in brackets; one that carries an IPv4 address becomes that address. NULL = none. */
static char *
host_v6(const char *s)
{
	struct in6_addr a;
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, s, &a) != 1)
		return NULL;
	if (IN6_IS_ADDR_V4MAPPED(&a) || (IN6_IS_ADDR_V4COMPAT(&a) && !IN6_IS_ADDR_LOOPBACK(&a) && !IN6_IS_ADDR_UNSPECIFIED(&a)))
		return inet_ntop(AF_INET, &a.s6_addr[12], text, sizeof(text)) == NULL ? NULL : xstrdup(text);
	return inet_ntop(AF_INET6, &a, text, sizeof(text)) == NULL ? NULL : xasprintf("[%s]", text);
}

char *
destination_make(const char *host, unsigned port)
{
	char *low, *out = NULL, *v6, text[INET_ADDRSTRLEN];
	struct in_addr a;
	size_t n = strlen(host);

	if (port == 0 || port > 65535 || n == 0 || n > HOST_MAX)
		return NULL;
	low = xstrdup(host);
	for (char *p = low; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (n > 1 && low[n - 1] == '.')
		low[n - 1] = '\0';
	if (strchr(low, ':') != NULL) {
		if ((v6 = host_v6(low)) != NULL)
			out = xasprintf("%s:%u", v6, port);
		free(v6);
	} else if (host_is_name(low) && inet_aton(low, &a) != 0 && inet_ntop(AF_INET, &a, text, sizeof(text)) != NULL)
		out = xasprintf("%s:%u", text, port);
	else if (host_is_name(low))
		out = xasprintf("%s:%u", low, port);
	free(low);
	return out;
}

/* Of the machine itself, or of the neighbourhood that hands out credentials. */
static bool
host_is_local(const char *host)
{
	static const char *const names[] = { "localhost", "*.localhost", "localhost.*", "ip6-localhost", "ip6-loopback", "metadata",
	    "metadata.google.internal", "instance-data", "127.*", "0.*", "169.254.*", "100.100.100.200", "[::]", "[::1]",
	    "[fe8?:*", "[fe9?:*", "[fea?:*", "[feb?:*", "[fd00:ec2::254]" };
	struct in_addr a;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* "127.example.org" is a name like any other. */
		if (isdigit((unsigned char)names[i][0]) && inet_pton(AF_INET, host, &a) != 1)
			continue;
		if (match_glob(names[i], host))
			return true;
	}
	return false;
}

bool
destination_matches(const struct strvec *patterns, const char *destination, bool strict)
{
	const char *port = strrchr(destination, ':');
	char *host = xstrndup(destination, port == NULL ? 0 : (size_t)(port - destination));
	bool local = host_is_local(host), ssh = port != NULL && strcmp(port, ":22") == 0, met = false;

	for (size_t i = 0; i < patterns->n && !met; i++) {
		const char *p = patterns->v[i], *pport = strrchr(p, ':');
		size_t nhost = pport == NULL ? strlen(p) : (size_t)(pport - p);

		if (!match_glob(p, destination))
			continue;
		met = !strict || ((!local || strcspn(p, "*?") >= nhost) && (!ssh || (pport != NULL && strcmp(pport, ":22") == 0)));
	}
	if (patterns->n == 0)
		met = !strict || (!local && !ssh);
	free(host);
	return met;
}
