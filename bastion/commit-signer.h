/* SPDX-License-Identifier: Apache-2.0 */
/* commit-signer: who has signed a commit, where the signature is one of OpenSSH's (PROTOCOL.sshsig) and is right. */
#ifndef BASTION_COMMIT_SIGNER_H
#define BASTION_COMMIT_SIGNER_H

#include <stddef.h>
#include <stdint.h>

struct commit_text;

/*
 * "SHA256:.." of the key whose signature over the commit's bytes p is valid in the namespace "git"; NULL when there is no such
 * signature, it does not hold, or is by a kind of key that is not taken here (sshkey.h: no security keys). The caller frees.
 */
char	*commit_signer(const uint8_t *p, size_t n, const struct commit_text *);

#endif
