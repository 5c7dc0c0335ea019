/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk: where open requests lie and everybody who has to do with them meets: sessions that ask and use, approvers,
 * administrators on the host, the store, the audit log, those to whom requests are announced. It knows nothing of how
 * its process was started.
 */
#ifndef APPROVALS_DESK_H
#define APPROVALS_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include "approvals/judge.h"

struct buf;
struct desk;
struct event_base;
struct http;
struct link;
struct msg;
struct settings;
struct store;

struct desk_params {
	struct event_base	*base;
	struct link		*parent;	/* APPROVALS_GRANTED and APPROVALS_ADMIN_DONE go there */
	struct link		*audit;
	struct store		*store;
	struct http		*http;
};

/* Takes the open requests out of the store. NULL when it cannot be read. Borrows all that is in params. */
struct desk	*desk_new(const struct desk_params *);
void		 desk_free(struct desk *);	/* sessions are cut; NULL is fine */

/* New settings (taken over): what was asked under another policy expires, what is pending is announced. */
void	desk_configure(struct desk *, struct settings *);

/* A session's own link (fd is taken over). 0, or ERR_EXISTS. */
int	desk_add_session(struct desk *, const char *session, int fd);
/* Who that session is, once; from then on it is heard. The person is taken over. ERR_NOTFOUND when it has gone. */
int	desk_set_identity(struct desk *, const char *session, struct person *);

/* APPROVALS_RETURN: what this session used came to nothing. req is taken over. */
void	desk_return(struct desk *, const char *session, char *req, const uint8_t *digest);

/* APPROVALS_ADMIN of message id, with who already read off. 0 or the parser's code. */
int	desk_admin(struct desk *, uint32_t id, const char *who, struct buf *body);
/* The audit process has made durable what was sent under this number. ERR_FORMAT when nothing was. */
int	desk_recorded(struct desk *, uint32_t id);

#endif
