/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/audit/quota.h"

#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bastion/base/id.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"

#define LOOK_EVERY_MS	5000	/* at the files of somebody who is over */

/* Small, for there are as many as recordings on the disk. */
struct kept {
	char		session[2 + SESSION_ID_LEN + 1];
	uint32_t	number;
	uint64_t	bytes;
};

struct quota_user {
	struct quota	*quota;
	char		*identity;
	uint64_t	 growing, sealed;	/* bytes */
	struct kept	*kept;
	size_t		 nkept, room;
	bool		 looked;
	int64_t		 looked_ms;
};

struct quota {
	uint64_t	 max;
	void		*users;		/* tree, by identity */
};

static int
user_compare(const void *a, const void *b)
{
	return strcmp(((const struct quota_user *)a)->identity, ((const struct quota_user *)b)->identity);
}

static void
user_free(void *p)
{
	struct quota_user *u = p;

	free(u->identity);
	free(u->kept);
	free(u);
}

struct quota *
quota_new(uint64_t max)
{
	struct quota *q = xcalloc(1, sizeof(*q));

	q->max = max;
	return q;
}

void
quota_free(struct quota *q)
{
	if (q == NULL)
		return;
	tdestroy(q->users, user_free);
	free(q);
}

struct quota_user *
quota_user(struct quota *q, const char *identity)
{
	struct quota_user *u, **at;

	if (q == NULL)
		return NULL;
	u = xcalloc(1, sizeof(*u));
	u->quota = q;
	u->identity = xstrdup(identity);
	if ((at = tsearch(u, &q->users, user_compare)) == NULL)
		fatal("out of memory for a quota");
	if (*at != u)
		user_free(u);
	return *at;
}

void
quota_grow(struct quota_user *u, uint64_t bytes)
{
	if (u != NULL)
		u->growing += bytes;
}

void
quota_keep(struct quota_user *u, const char *recording, uint64_t bytes)
{
	const char *dot = strrchr(recording, '.');
	struct kept *k;

	if (u == NULL || dot == NULL || (size_t)(dot - recording) >= sizeof(k->session))
		return;
	if (u->nkept == u->room) {
		u->room = u->room == 0 ? 16 : 2 * u->room;
		u->kept = xreallocarray(u->kept, u->room, sizeof(*u->kept));
	}
	k = &u->kept[u->nkept++];
	*k = (struct kept){ .number = (uint32_t)strtoul(dot + 1, NULL, 10), .bytes = bytes };
	memcpy(k->session, recording, (size_t)(dot - recording));
	u->sealed += bytes;
}

void
quota_seal(struct quota_user *u, const char *recording, uint64_t bytes)
{
	if (u == NULL)
		return;
	u->growing -= bytes < u->growing ? bytes : u->growing;
	quota_keep(u, recording, bytes);
}

/* Who took recordings away has made room. */
static void
user_look(struct quota_user *u, int dirfd)
{
	char name[sizeof(u->kept->session) + 32];
	struct stat st;
	size_t n = 0;

	u->sealed = 0;
	for (size_t i = 0; i < u->nkept; i++) {
		(void)snprintf(name, sizeof(name), "%s.%u.cast", u->kept[i].session, (unsigned)u->kept[i].number);
		if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		u->sealed += u->kept[i].bytes;
		u->kept[n++] = u->kept[i];
	}
	u->nkept = n;
}

bool
quota_is_over(struct quota_user *u, int dirfd, int64_t now_ms)
{
	if (u == NULL || u->growing + u->sealed <= u->quota->max)
		return false;
	if (!u->looked || now_ms - u->looked_ms >= LOOK_EVERY_MS) {
		u->looked = true;
		u->looked_ms = now_ms;
		user_look(u, dirfd);
	}
	return u->growing + u->sealed > u->quota->max;
}
