/* SPDX-License-Identifier: Apache-2.0 */
/* Webhook signatures and bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "approvals/limits.h"
#include "approvals/request.h"
#include "approvals/webhook.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"

/* The example of the Standard Webhooks specification, its signature computed with openssl as well. */
static void
test_signature_of_the_published_example(void **state)
{
	static const char body[] = "{\"test\": 2432232314}";
	struct webhook_key key;
	char signature[WEBHOOK_SIGNATURE];

	(void)state;
	assert_int_equal(webhook_key_parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &key), 0);
	webhook_sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, strlen(body), signature);
	assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void
test_bad_secrets(void **state)
{
	static const char *const bad[] = { "", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw!", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
	    "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
	struct webhook_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(webhook_key_parse(bad[i], &key), ERR_FORMAT);
}

static void
test_a_long_text_is_cut_loudly(void **state)
{
	struct request *r = request_new();
	json_t *j, *data;
	char *body;

	(void)state;
	memcpy(r->id, "REQ-7F3K2Q", 11);
	request_set(&r->identity, "agent/ci\xff");
	r->text_len = HOOK_TEXT_MAX + 10;
	r->text = xmalloc(r->text_len);
	memset(r->text, 'x', r->text_len);
	memcpy(r->text + HOOK_TEXT_MAX - 1, "\xc3\xa9", 2);	/* the cut must not be in the middle of this */
	assert_non_null(body = webhook_body(r, WEBHOOK_REQUESTED, INT64_C(1790000000000)));
	assert_non_null(j = json_loads(body, JSON_REJECT_DUPLICATES, NULL));
	assert_string_equal(json_string_value(json_object_get(j, "specversion")), "1.0");
	assert_string_equal(json_string_value(json_object_get(j, "type")), "sallyport.approval.requested");
	assert_string_equal(json_string_value(json_object_get(j, "id")), "REQ-7F3K2Q.requested");
	data = json_object_get(j, "data");
	assert_string_equal(json_string_value(json_object_get(data, "identity")), "agent/ci\\xff");
	assert_string_equal(json_string_value(json_object_get(data, "text_more")), "11 bytes more");
	assert_int_equal(json_string_length(json_object_get(data, "text")), HOOK_TEXT_MAX - 1);
	assert_non_null(json_object_get(data, "warning"));
	json_decref(j);
	free(body);
	request_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature_of_the_published_example),
		cmocka_unit_test(test_bad_secrets),
		cmocka_unit_test(test_a_long_text_is_cut_loudly),
	};

	if (sodium_init() == -1)
		return 2;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
