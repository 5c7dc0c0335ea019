/* SPDX-License-Identifier: Apache-2.0 */
/* show: a request as those see it who decide, wait, are announced to, or read the audit log. All is made plain. */
#ifndef APPROVALS_SHOW_H
#define APPROVALS_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "approvals/request.h"

struct buf;

/* All that is decided, with the whole text. 0, or ERR_TOOBIG when it does not fit: then it must not be decided. */
int	show_request(const struct request *, int64_t now_ms, bool json, struct buf *out);
/* One line, or a small object. */
int	show_status(const struct request *, int64_t now_ms, bool json, struct buf *out);

/* A list: begin, a row each ("you": what this request is to the reader), end. */
struct show_list;
struct show_list	*show_list_new(bool json, int64_t now_ms);
void			 show_list_add(struct show_list *, const struct request *, const char *you);
/* Writes it out, as far as it fits; frees the list. */
int			 show_list_end(struct show_list *, struct buf *out);

/* A JSON string of s made plain. */
json_t	*show_plain(const char *s);
/* The members that every view has: what is asked, under which rule, digests, deadline. The caller owns it. */
json_t	*show_common(const struct request *);
/* Add "text" (at most max bytes of it), "text_bytes", and "text_more" when some are left out. */
void	 show_add_text(json_t *, const struct request *, size_t max);
/* hex of 32 bytes; out has room for 65. */
void	 show_hex(const uint8_t *p, char out[2 * APPROVAL_DIGEST_LEN + 1]);

#endif
