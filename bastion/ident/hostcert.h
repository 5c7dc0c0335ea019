/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostcert: host certificates (PROTOCOL.certkeys, type 2) as ssh-keyscan -c prints them, and whether one may be believed.
 * libssh cannot check them; what comes out here are the plain keys inside, which the key exchange must then show.
 */
#ifndef IDENT_HOSTCERT_H
#define IDENT_HOSTCERT_H

#include <stddef.h>
#include <stdint.h>

#include "bastion/base/strvec.h"

#define HOSTCERT_TEXT_MAX	(64 * 1024)	/* of one scan */
#define HOSTCERTS_MAX		8		/* of one host: one for each type of key, and then some */

struct cert;
struct krl;

struct hostcert_check {
	const struct strvec *ca;	/* "ssh-ed25519 AAAA.." of the CAs that are believed */
	const char	*principal;	/* must be among those of the certificate; there * and ? match as in OpenSSH */
	const struct krl *krl;		/* NULL = nothing revoked */
	uint64_t	 now;		/* seconds since 1970 */
};

/*
 * Whether the holder of the key inside is that host: a host certificate, of one of these CAs, for this name, valid now
 * (valid_after <= now < valid_before), not revoked, without any critical option (none is defined for hosts). 0, ERR_DENIED
 * or ERR_EXPIRED, and *whyp: a static text that begins with "certificate".
 */
int	hostcert_judge(const struct cert *, const struct hostcert_check *, const char **whyp);

/* The certificates among the lines "[HOST ]TYPE BASE64" of a scan, as "TYPE BASE64", are added to v; HOSTCERTS_MAX. */
void	hostcert_lines(const void *text, size_t n, struct strvec *v);

/*
 * The plain keys in those that hold, as "TYPE BASE64", are added to keys. 0 when there is one; else why the first did not
 * hold, or ERR_NOTFOUND when there was none; *whyp as above.
 */
int	hostcert_keys(const struct strvec *lines, const struct hostcert_check *, struct strvec *keys, const char **whyp);

#endif
