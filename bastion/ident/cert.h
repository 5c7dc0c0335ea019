/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert: OpenSSH user certificates (PROTOCOL.certkeys): read the blob, verify the CA's signature, judge it. libssh checks
 * only that the user holds the private key; everything else about a certificate is checked here.
 *
 * Sallyport's own extensions, none critical: owner@sallyport, group@sallyport (repeated names are not legal, so a
 * comma-separated list), session@sallyport. An identity always has a '/' in it ("agent/ci", "human/eva") and a login on a
 * target never has: so a certificate for the outer door is no login anywhere, and one minted for a target is no identity.
 */
#ifndef IDENT_CERT_H
#define IDENT_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/base/strvec.h"

#define CERT_BLOB_MAX	(16 * 1024)
#define CERT_IDENTITY_MAX	128	/* an identity */
#define CERT_NAME_MAX	128	/* an owner, a group, a claimed session id */
#define CERT_TYPE_USER	1
#define CERT_FOREVER	UINT64_MAX

struct cert {
	char		*type_name;	/* "ssh-ed25519-cert-v01@openssh.com" */
	uint32_t	 type;		/* CERT_TYPE_USER or host (2) */
	uint64_t	 serial;
	char		*key_id;
	struct strvec	 principals;
	uint64_t	 valid_after, valid_before;	/* seconds since 1970 */
	char		*force_command;		/* NULL = none */
	char		*source_address;	/* NULL = any; comma-separated CIDR list */
	bool		 permit_pty, permit_port_forwarding, permit_agent_forwarding, permit_x11_forwarding;
	char		*owner;			/* NULL = none */
	char		*session;		/* claimed session id, NULL = none */
	struct strvec	 groups;
	uint8_t		*ca_key;		/* blob of the key that signed */
	size_t		 ca_key_len;
	uint8_t		*subject_key;		/* blob of the plain public key inside, as `ssh-keygen -l` hashes it */
	size_t		 subject_key_len;
	char		*unknown_critical;	/* name of the first critical option that we do not know, or NULL */
};

/*
 * Read a certificate blob and verify the CA's signature over it with the CA key inside (Ed25519, ECDSA, RSA with SHA-2;
 * never SHA-1, never a certificate as CA). 0 and *certp; ERR_FORMAT; ERR_CRYPTO; ERR_TOOBIG. The caller frees.
 */
int	cert_parse(const uint8_t *blob, size_t len, struct cert **certp);
void	cert_free(struct cert *);

struct krl;

/* What a certificate is judged against. */
struct cert_check {
	const uint8_t	*ca_key;	/* blob of the one CA that is trusted */
	size_t		 ca_key_len;
	const struct krl *krl;		/* NULL = nothing revoked */
	uint64_t	 now;		/* seconds since 1970 */
	const char	*source;	/* peer's numeric address, NULL = do not check source-address */
};

/*
 * Whether this certificate opens the outer door: right CA, user type, not revoked, valid now (valid_after <= now <
 * valid_before), exactly one principal which is an identity (has a '/', name_is_safe, at most 128 bytes), no unknown
 * critical option, no force-command, source-address holds. 0 or ERR_DENIED/ERR_EXPIRED and *whyp: one static line.
 */
int	cert_judge(const struct cert *, const struct cert_check *, const char **whyp);
/* Only whether it is valid at this time, in seconds since 1970: 0 or ERR_EXPIRED, and *whyp as above, "ok" for 0. */
int	cert_judge_time(const struct cert *, uint64_t now, const char **whyp);

/* The identity, once judged: the one principal. */
const char *cert_identity(const struct cert *);

/* "SHA256:base64" of a key blob, as ssh-keygen prints it; the caller frees. */
char	*key_fingerprint(const uint8_t *blob, size_t len);

#endif
