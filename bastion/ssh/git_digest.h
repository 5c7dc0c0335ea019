/* SPDX-License-Identifier: Apache-2.0 */
/*
 * git_digest: what an approval in Git is bound to. For a push: who, where, every reference with its old and new tip, and what was met. The tips
 * stand for all objects, because a push may hold nothing that its tips do not reach. The session and the parent compute
 * it independently.
 */
#ifndef SSH_GIT_DIGEST_H
#define SSH_GIT_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "bastion/base/digest.h"

struct push_command;

/*
 * What an approval of a push is for: who pushes what where, from and to which tips, and met: the inspector's digest over what policy
 * does not simply allow in it, so that what was not shown is not approved.
 */
void	push_content_digest(const char *identity, const char *upstream, const char *repo, const struct push_command *cmds,
	    size_t n, const uint8_t met[DIGEST_LEN], uint8_t out[DIGEST_LEN]);

/* The same for a fetch of a whole repository. */
void	fetch_content_digest(const char *identity, const char *upstream, const char *repo, uint8_t out[DIGEST_LEN]);

#endif
