/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: POST without blocking, driven by libevent. The only user of libcurl. Nothing but http and https, no redirects,
 * no proxy from the environment, time and sizes bounded (limits.h).
 */
#ifndef APPROVALS_HTTP_H
#define APPROVALS_HTTP_H

#include <stddef.h>

#include "bastion/base/strvec.h"

struct event_base;
struct http;
struct http_call;

/* status is the HTTP status, or 0 and why there is none. The call is over and freed when this returns. */
typedef void	(*http_done_fn)(long status, const char *why, void *arg);

/* Before the sandbox and before any thread. 0 or ERR_SYSTEM. */
int		 http_init(void);
/* NULL when the library cannot. */
struct http	*http_new(struct event_base *);
void		 http_free(struct http *);	/* calls are cancelled; NULL is fine */

struct http_post {
	const char		*url;
	const struct strvec	*headers;	/* whole lines */
	const void		*body;
	size_t			 len;
	http_done_fn		 done;
	void			*arg;
};

/*
 * Copies all it needs. NULL when it cannot even start. done() is called once, later, from the loop, unless the call is
 * cancelled before.
 */
struct http_call	*http_post(struct http *, const struct http_post *);
void			 http_cancel(struct http_call *);

#endif
