/* SPDX-License-Identifier: Apache-2.0 */
#include "approvals/webhook.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "approvals/limits.h"
#include "approvals/plain.h"
#include "approvals/show.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"

#define SECRET_PREFIX	"whsec_"
#define KEY_MIN		16

static const char *const event_names[] = {
	[WEBHOOK_REQUESTED] = "requested",
	[WEBHOOK_DECIDED] = "decided",
};

int
webhook_key_parse(const char *secret, struct webhook_key *key)
{
	size_t n = strlen(SECRET_PREFIX);
	const char *end = NULL;

	if (strncmp(secret, SECRET_PREFIX, n) != 0)
		return ERR_FORMAT;
	if (sodium_base642bin(key->bytes, sizeof(key->bytes), secret + n, strlen(secret + n), "\r\n ", &key->len, &end,
	    sodium_base64_VARIANT_ORIGINAL) != 0 || *end != '\0' || key->len < KEY_MIN) {
		sodium_memzero(key, sizeof(*key));
		return ERR_FORMAT;
	}
	return 0;
}

void
webhook_sign(const struct webhook_key *key, const char *id, int64_t timestamp_s, const char *body, size_t len,
    char out[WEBHOOK_SIGNATURE])
{
	crypto_auth_hmacsha256_state st;
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char *head = xasprintf("%s.%lld.", id, (long long)timestamp_s);

	crypto_auth_hmacsha256_init(&st, key->bytes, key->len);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)head, strlen(head));
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)body, len);
	crypto_auth_hmacsha256_final(&st, mac);
	memcpy(out, "v1,", 3);
	(void)sodium_bin2base64(out + 3, WEBHOOK_SIGNATURE - 3, mac, sizeof(mac), sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(&st, sizeof(st));
	free(head);
}

char *
webhook_id(const struct request *r, enum webhook_event event)
{
	return xasprintf("%s.%s", r->id, event_names[event]);
}

static json_t *
webhook_data(const struct request *r, enum webhook_event event)
{
	json_t *data = show_common(r);
	char *by;

	(void)json_object_set_new(data, "identity", show_plain(r->identity));
	(void)json_object_set_new(data, "owner", show_plain(r->owner));
	(void)json_object_set_new(data, "state", json_string(verdict_text(r->state)));
	if (event == WEBHOOK_REQUESTED) {
		show_add_text(data, r, HOOK_TEXT_MAX);
		if (r->text_len > HOOK_TEXT_MAX)
			(void)json_object_set_new(data, "warning", json_sprintf("this is not all that is decided: "
			    "read it with ssh BASTION show %s", r->id));
		(void)json_object_set_new(data, "decide", json_pack("{s:o s:o s:o}", "show", json_sprintf("ssh BASTION "
		    "show %s", r->id), "approve", json_sprintf("ssh BASTION approve %s", r->id), "deny",
		    json_sprintf("ssh BASTION deny %s --reason TEXT", r->id)));
		return data;
	}
	by = request_deciders(r);
	(void)json_object_set_new(data, "by", show_plain(by));
	(void)json_object_set_new(data, "reason", show_plain(r->why));
	free(by);
	return data;
}

char *
webhook_body(const struct request *r, enum webhook_event event, int64_t now_ms)
{
	char at[CLOCK_TEXT], *id = webhook_id(r, event), *type, *body;
	json_t *j;

	clock_format(now_ms, at);
	type = xasprintf("sallyport.approval.%s", event_names[event]);
	j = json_pack("{s:s s:s s:s s:s s:s s:s s:s s:o}", "specversion", "1.0", "id", id, "source",
	    "/sallyport/approvals",
	    "type", type, "subject", r->id, "time", at, "datacontenttype", "application/json", "data",
	    webhook_data(r, event));
	body = j == NULL ? NULL : json_dumps(j, JSON_COMPACT);
	json_decref(j);
	free(type);
	free(id);
	return body;
}
