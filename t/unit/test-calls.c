/* SPDX-License-Identifier: Apache-2.0 */
/* calls: an answer is taken once, from the peer and of the type that was asked for; a lost peer is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bastion/base/calls.h"
#include "bastion/base/err.h"
#include "bastion/base/msgio.h"

struct heard {
	unsigned	answers, lost;
};

static int
hear(struct msg *m, void *arg)
{
	struct heard *h = arg;

	if (m == NULL)
		h->lost++;
	else
		h->answers++;
	return 0;
}

static const char peer_a[] = "a", peer_b[] = "b";

static void
an_answer_is_taken_once(void **state)
{
	struct calls *c = calls_new(4);
	struct heard h = { 0, 0 };
	struct call_params p = { .peer = peer_a, .answer = 7, .fn = hear, .arg = &h };
	struct msg m = { .type = 7, .fd = -1 };

	(void)state;
	m.id = calls_add(c, &p);
	assert_int_not_equal(m.id, 0);
	assert_int_equal(calls_answer(c, peer_a, &m), 0);
	assert_int_equal(calls_answer(c, peer_a, &m), ERR_NOTFOUND);
	assert_int_equal(h.answers, 1);
	calls_free(c);
}

static void
not_from_another_peer_nor_of_another_type(void **state)
{
	struct calls *c = calls_new(4);
	struct heard h = { 0, 0 };
	struct call_params p = { .peer = peer_a, .answer = 7, .fn = hear, .arg = &h };
	struct msg m = { .type = 7, .fd = -1 };

	(void)state;
	m.id = calls_add(c, &p);
	assert_int_equal(calls_answer(c, peer_b, &m), ERR_FORMAT);
	m.type = 9;
	assert_int_equal(calls_answer(c, peer_a, &m), ERR_FORMAT);
	assert_int_equal(h.answers, 0);
	assert_int_equal(calls_waiting(c), 1);
	calls_free(c);
}

static void
a_lost_peer_is_told_and_others_wait_on(void **state)
{
	struct calls *c = calls_new(4);
	struct heard a = { 0, 0 }, b = { 0, 0 };
	struct call_params pa = { .peer = peer_a, .answer = 7, .fn = hear, .arg = &a };
	struct call_params pb = { .peer = peer_b, .answer = 7, .fn = hear, .arg = &b };

	(void)state;
	(void)calls_add(c, &pa);
	(void)calls_add(c, &pb);
	calls_lost(c, peer_a);
	assert_int_equal(a.lost, 1);
	assert_int_equal(b.lost, 0);
	calls_cancel(c, &b);
	calls_lost(c, peer_b);
	assert_int_equal(b.lost, 0);
	assert_int_equal(calls_waiting(c), 0);
	calls_free(c);
}

static void
no_more_than_the_ceiling(void **state)
{
	struct calls *c = calls_new(2);
	struct call_params p = { .peer = peer_a, .answer = 7 };
	uint32_t id;

	(void)state;
	assert_int_not_equal(calls_add(c, &p), 0);
	id = calls_add(c, &p);
	assert_int_not_equal(id, 0);
	assert_int_equal(calls_add(c, &p), 0);
	calls_take_back(c, id);
	assert_int_not_equal(calls_add(c, &p), 0);
	calls_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_taken_once),
		cmocka_unit_test(not_from_another_peer_nor_of_another_type),
		cmocka_unit_test(a_lost_peer_is_told_and_others_wait_on),
		cmocka_unit_test(no_more_than_the_ceiling),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
