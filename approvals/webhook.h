/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook: what is sent to a receiver, and how it is signed: Standard Webhooks headers around a CloudEvents 1.0 event
 * in structured JSON. Pure; approvals/WEBHOOK is the page.
 */
#ifndef APPROVALS_WEBHOOK_H
#define APPROVALS_WEBHOOK_H

#include <stddef.h>
#include <stdint.h>

#include "approvals/request.h"

#define WEBHOOK_SIGNATURE	64	/* "v1," and base64 of 32 bytes, and its NUL */

struct webhook_key {
	uint8_t	bytes[64];
	size_t	len;
};

enum webhook_event { WEBHOOK_REQUESTED, WEBHOOK_DECIDED };

/* "whsec_" and base64 of 16 to 64 bytes. 0 or ERR_FORMAT. Overwrite the key when done. */
int	 webhook_key_parse(const char *secret, struct webhook_key *);
/* HMAC-SHA256 over "ID.TIMESTAMP.BODY". */
void	 webhook_sign(const struct webhook_key *, const char *id, int64_t timestamp_s, const char *body, size_t len,
	    char out[WEBHOOK_SIGNATURE]);
/* The same for every attempt and after a restart: the receiver knows repetitions by it. The caller frees. */
char	*webhook_id(const struct request *, enum webhook_event);
/* The body; NULL = no memory. The caller frees. */
char	*webhook_body(const struct request *, enum webhook_event, int64_t now_ms);

#endif
