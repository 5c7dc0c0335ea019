/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <event2/event.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"

enum { HELLO = 2, WORK = 4, LATER = 6, BAD = 8, ENDS = 10 };

struct side {
	struct link	*link;
	struct msgio	*peer;
	int		 hello, work, later, gone;
	int		 gone_r;
	int		 free_in_gone;
};

static int
on_hello(struct link *l, struct msg *m, void *arg)
{
	struct side *s = arg;

	(void)l;
	s->hello++;
	return buf_end(m->body);
}

static int
on_work(struct link *l, struct msg *m, void *arg)
{
	struct side *s = arg;
	uint32_t v;

	(void)l;
	s->work++;
	if (buf_get_u32(m->body, &v) != 0)
		return ERR_FORMAT;
	return buf_end(m->body);
}

static int
on_later(struct link *l, struct msg *m, void *arg)
{
	struct side *s = arg;

	(void)l;
	(void)m;
	s->later++;
	return 0;
}

static int
on_ends(struct link *l, struct msg *m, void *arg)
{
	struct side *s = arg;

	(void)m;
	link_free(l);
	s->link = NULL;
	return 0;
}

static const struct link_row rows[] = {
	{ HELLO, "hello", LINK_PERMIT | LINK_ONCE, on_hello },
	{ WORK, "work", LINK_PERMIT, on_work },
	{ LATER, "later", 0, on_later },
	{ ENDS, "ends", LINK_PERMIT, on_ends },
	{ 0, NULL, 0, NULL }
};

static void
on_gone(struct link *l, int r, void *arg)
{
	struct side *s = arg;

	s->gone++;
	s->gone_r = r;
	if (s->free_in_gone) {
		link_free(l);
		s->link = NULL;
	}
}

static void
side_start(struct side *s, struct event_base *base)
{
	struct link_params p = { .base = base, .name = "peer", .rows = rows, .gone = on_gone, .arg = s };
	int sv[2];

	memset(s, 0, sizeof(*s));
	assert_int_equal(msgio_pair(sv), 0);
	p.fd = sv[0];
	s->link = link_new(&p);
	s->peer = msgio_new(sv[1]);
	assert_non_null(s->link);
	assert_non_null(s->peer);
}

static void
side_stop(struct side *s)
{
	link_free(s->link);
	msgio_free(s->peer);
}

static void
send_u32(struct side *s, uint16_t type, int with_value)
{
	struct buf *b = buf_new(16);

	if (with_value)
		assert_int_equal(buf_put_u32(b, 7), 0);
	assert_int_equal(msgio_send(s->peer, type, 1, b, -1), 0);
	buf_free(b);
}

static void
permitted_messages_are_handled(void **state)
{
	struct side s;

	(void)state;
	side_start(&s, NULL);
	send_u32(&s, HELLO, 0);
	send_u32(&s, WORK, 1);
	send_u32(&s, WORK, 1);
	assert_int_equal(link_pump(s.link), 0);
	assert_int_equal(s.hello, 1);
	assert_int_equal(s.work, 2);
	assert_int_equal(s.gone, 0);
	side_stop(&s);
}

/* Each row: one message that must end the link, after a good start. */
static void
what_the_table_does_not_permit_ends_the_link(void **state)
{
	static const struct {
		const char	*what;
		uint16_t	 type;
		int		 with_value;
		int		 r;
	} bad[] = {
		{ "unknown type", 999, 0, ERR_FORMAT },
		{ "not permitted yet", LATER, 0, ERR_DENIED },
		{ "once only", HELLO, 0, ERR_DENIED },
		{ "too short", WORK, 0, ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct side s;

		print_message("# %s\n", bad[i].what);
		side_start(&s, NULL);
		send_u32(&s, HELLO, 0);
		send_u32(&s, bad[i].type, bad[i].with_value);
		send_u32(&s, WORK, 1);
		assert_int_equal(link_pump(s.link), bad[i].r);
		assert_int_equal(s.gone, 1);
		assert_int_equal(s.gone_r, bad[i].r);
		assert_int_equal(s.hello, 1);
		assert_int_equal(s.later, 0);
		/* Nothing after it is looked at, and gone() is not called again. */
		assert_int_equal(link_pump(s.link), ERR_EOF);
		assert_int_equal(s.gone, 1);
		side_stop(&s);
	}
}

static void
permit_and_forbid(void **state)
{
	struct side s;

	(void)state;
	side_start(&s, NULL);
	link_permit(s.link, LATER);
	send_u32(&s, LATER, 0);
	assert_int_equal(link_pump(s.link), 0);
	assert_int_equal(s.later, 1);
	link_forbid(s.link, LATER);
	send_u32(&s, LATER, 0);
	assert_int_equal(link_pump(s.link), ERR_DENIED);
	assert_int_equal(s.later, 1);
	side_stop(&s);
}

static void
freed_inside_a_handler_and_inside_gone(void **state)
{
	struct side s;

	(void)state;
	side_start(&s, NULL);
	send_u32(&s, ENDS, 0);
	send_u32(&s, WORK, 1);
	assert_int_equal(link_pump(s.link), 0);
	assert_null(s.link);
	assert_int_equal(s.work, 0);
	assert_int_equal(s.gone, 0);
	side_stop(&s);

	side_start(&s, NULL);
	s.free_in_gone = 1;
	send_u32(&s, 999, 0);
	assert_int_equal(link_pump(s.link), ERR_FORMAT);
	assert_null(s.link);
	side_stop(&s);
}

static void
last_words_are_heard(void **state)
{
	struct side s;

	(void)state;
	side_start(&s, NULL);
	send_u32(&s, WORK, 1);
	msgio_free(s.peer);
	s.peer = NULL;
	/* Writing to it fails now; what it had said counts all the same. */
	(void)link_send(s.link, 1, 0, NULL, -1);
	assert_int_not_equal(link_pump(s.link), 0);
	assert_int_equal(s.work, 1);
	assert_int_equal(s.gone, 1);
	side_stop(&s);
}

static void
a_failed_send_ends_the_link(void **state)
{
	struct event_base *base = event_base_new();
	struct buf *big = buf_new(MSG_MAX + 1);
	struct side s;
	uint8_t *p;

	(void)state;
	assert_int_equal(buf_reserve(big, MSG_MAX + 1, &p), 0);
	memset(p, 0, MSG_MAX + 1);
	side_start(&s, base);
	assert_int_equal(link_send(s.link, 1, 0, big, -1), ERR_TOOBIG);
	assert_int_equal(s.gone, 0);
	assert_int_not_equal(event_base_loop(base, EVLOOP_NONBLOCK), -1);
	assert_int_equal(s.gone, 1);
	assert_int_equal(s.gone_r, ERR_TOOBIG);
	side_stop(&s);
	event_base_free(base);
	buf_free(big);
}

static void
with_an_event_base_it_runs_by_itself(void **state)
{
	struct event_base *base = event_base_new();
	struct side s;

	(void)state;
	side_start(&s, base);
	send_u32(&s, HELLO, 0);
	assert_int_not_equal(event_base_loop(base, EVLOOP_ONCE), -1);
	assert_int_equal(s.hello, 1);
	msgio_free(s.peer);
	s.peer = NULL;
	s.free_in_gone = 1;
	assert_int_not_equal(event_base_loop(base, EVLOOP_ONCE), -1);
	assert_int_equal(s.gone, 1);
	assert_int_equal(s.gone_r, ERR_EOF);
	side_stop(&s);
	event_base_free(base);
}

static void
ids_are_never_zero(void **state)
{
	struct side s;
	uint32_t a, b;

	(void)state;
	side_start(&s, NULL);
	a = link_next_id(s.link);
	b = link_next_id(s.link);
	assert_int_not_equal(a, 0);
	assert_int_not_equal(a, b);
	side_stop(&s);
	link_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(permitted_messages_are_handled),
		cmocka_unit_test(what_the_table_does_not_permit_ends_the_link),
		cmocka_unit_test(permit_and_forbid),
		cmocka_unit_test(freed_inside_a_handler_and_inside_gone),
		cmocka_unit_test(last_words_are_heard),
		cmocka_unit_test(a_failed_send_ends_the_link),
		cmocka_unit_test(with_an_event_base_it_runs_by_itself),
		cmocka_unit_test(ids_are_never_zero),
	};

	log_init("unit-link", LOG_LEVEL_ERROR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
