/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webtalk: git's smart HTTP (gitprotocol-http) as far as an upstream needs it: what a service advertises, and one push. In
 * the git leg alone meets libcurl. HTTPS only (and HTTP where the place says so), certificates checked, no redirects, nothing
 * read from the environment or a home; all that comes back is bounded by whoever takes it.
 */
#ifndef GITFILTER_WEBTALK_H
#define GITFILTER_WEBTALK_H

#include <stddef.h>
#include <sys/types.h>

struct buf;
struct webtalk;

struct webplace {
	const char	*url;		/* of the repository */
	const char	*user;
	char		*password;	/* token or password; owned by whoever made the place */
	const char	*app_url;	/* the password is an app's statement, to be exchanged here first; "" = it is not */
	const char	*ca, *proxy;	/* file of CA certificates; URL of a proxy; "" = the system's, none */
};

/* A body comes in pieces; not 0 ends the transfer. */
typedef int (*webtalk_take)(const unsigned char *p, size_t n, void *arg);

/*
 * Give an app's statement for an installation token, which takes its place as the password. 0, or as for webtalk_refs, with why.
 */
int	webtalk_exchange(struct webplace *, char *why, size_t size);

/* NULL = no memory. The place must outlive it. */
struct webtalk	*webtalk_new(const struct webplace *);
void		 webtalk_free(struct webtalk *);	/* NULL is fine */

/* GET info/refs of this service. 0, or ERR_DENIED (the upstream refuses), ERR_NOTFOUND (cannot be reached), with one line in why. */
int	webtalk_refs(struct webtalk *, const char *service, webtalk_take, void *arg, char *why, size_t size);
/* POST head and the spool's bytes from..to to this service. The same, and ERR_EOF: it may have had effect. */
int	webtalk_post(struct webtalk *, const char *service, const struct buf *head, int spool_fd, off_t from, off_t to, webtalk_take,
	    void *arg, char *why, size_t size);

#endif
