/* SPDX-License-Identifier: Apache-2.0 */
/* A file on its way: no split lets a secret pass, nothing clean is kept for ever, and one record tells what it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <cmocka.h>

#include "bastion/audit/audit_msg.h"
#include "bastion/base/buf.h"
#include "bastion/base/digest.h"
#include "bastion/base/err.h"
#include "bastion/conf.h"
#include "bastion/conf_tree.h"
#include "bastion/policy/policy.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/transfer.h"
#include "secretscan/secretscan.h"

#define TOKEN	"gh" "p_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
#define BEFORE	"first line\nsecond\npassword file: "
#define PEM	"-----BEGIN RSA PRI" "VATE KEY-----\n"
#define LINE	"MIIEpAIBAAKCAQEA7synthetic0Body1Of2A3Key4That5Is6None7xY9zQ2wE4r\n"

/* A session with everything that a transfer touches: rules, scanner, and an audit process that keeps the last record. */
struct world {
	struct session		 s;
	struct session_params	 p;
	struct conf		 conf;
	struct link		*audit;		/* its end */
	json_t			*last;
	unsigned		 records;
};

static int
on_record(struct link *l, struct msg *m, void *arg)
{
	struct world *w = arg;
	char *event = NULL, *text = NULL;

	(void)l;
	assert_int_equal(buf_get_cstring(m->body, &event), 0);
	assert_int_equal(buf_get_cstring(m->body, &text), 0);
	assert_string_equal(event, "file.transfer");
	json_decref(w->last);
	w->last = json_loads(text, 0, NULL);
	assert_non_null(w->last);
	w->records++;
	free(event);
	free(text);
	return 0;
}

static const struct link_row audit_rows[] = { { AUDIT_RECORD, "record", LINK_PERMIT, on_record }, { 0, NULL, 0, NULL } };
static const struct link_row no_rows[] = { { 0, NULL, 0, NULL } };

static void
on_gone(struct link *l, int r, void *arg)
{
	(void)l;
	(void)r;
	(void)arg;
}

static int
setup(void **state)
{
	static const uint8_t key[32] = { 3 };
	static const char rules[] = "rules:\n  - {id: no-tokens, who: ['*'], on: ['*'], finding: {paths: ['**/tokens']}, do: deny, "
	    "because: not this one}\n";
	struct world *w = calloc(1, sizeof(*w));
	struct tree_error e = { 0 };
	struct link_params lp = { .name = "audit", .rows = no_rows, .gone = on_gone, .arg = w };
	char *error;
	int fd[2];

	w->p.conf = &w->conf;
	w->p.id = "S-TEST000000";
	w->p.scanner = secretscan_new(NULL, key, &error);
	assert_non_null(w->p.scanner);
	assert_int_equal(policy_load("policy", rules, strlen(rules), &w->conf.policy, &e), 0);
	w->s.p = &w->p;
	w->s.who.identity = "agent/x";
	w->s.target = strdup("web1");
	w->s.login = strdup("deploy");
	w->s.calls = calls_new(512);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	lp.fd = fd[0];
	w->s.audit = link_new(&lp);
	lp.fd = fd[1];
	lp.rows = audit_rows;
	w->audit = link_new(&lp);
	assert_non_null(w->s.audit);
	assert_non_null(w->audit);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	link_free(w->s.audit);
	link_free(w->audit);
	calls_free(w->s.calls);
	policy_free(w->conf.policy);
	secretscan_free((struct secretscan *)w->p.scanner);
	json_decref(w->last);
	free(w->s.target);
	free(w->s.login);
	free(w);
	return 0;
}

static struct transfer *
begin(struct world *w, const char *path)
{
	struct transfer_params p = { .session = &w->s, .request = "REQ-AAAAAA", .how = "scp", .to_target = true, .path = path };

	return transfer_new(&p);
}

static const char *
ended(struct world *w, struct transfer *t, const char *member)
{
	const json_t *v;

	transfer_end(t, "done");
	assert_int_equal(link_pump(w->s.audit), 0);
	assert_int_equal(link_pump(w->audit), 0);
	v = json_object_get(w->last, member);
	return json_is_string(v) ? json_string_value(v) : "";
}

static void
test_clean_file(void **state)
{
	static const char text[] = BEFORE "nothing here\n";
	struct world *w = *state;
	struct transfer *t = begin(w, "/srv/a b");
	uint8_t sum[DIGEST_LEN];
	char hex[DIGEST_HEX];

	digest_sha256(text, strlen(text), sum);
	digest_to_hex(sum, hex);
	for (size_t i = 0; i < strlen(text); i++)
		assert_int_equal(transfer_feed(t, text + i, 1), 0);
	assert_true(transfer_clean(t) <= strlen(text));
	assert_int_equal(transfer_settle(t), 0);
	assert_int_equal(transfer_clean(t), strlen(text));
	assert_string_equal(transfer_why(t), "");
	assert_string_equal(ended(w, t, "sha256"), hex);
	assert_string_equal(json_string_value(json_object_get(w->last, "result")), "done");
	assert_string_equal(json_string_value(json_object_get(w->last, "direction")), "in");
	assert_string_equal(json_string_value(json_object_get(w->last, "path")), "/srv/a b");
	assert_int_equal(json_integer_value(json_object_get(w->last, "bytes")), (json_int_t)strlen(text));
	assert_null(json_object_get(w->last, "findings"));
	assert_int_equal(w->records, 1);
}

static void
test_empty_file(void **state)
{
	struct world *w = *state;
	struct transfer *t = begin(w, "/srv/empty");

	assert_int_equal(transfer_settle(t), 0);
	assert_string_equal(ended(w, t, "sha256"), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* However it is cut in two: denied at the latest when it is settled, and what was clean before ends before the secret. */
static void
test_every_split(void **state)
{
	static const char text[] = BEFORE TOKEN "\nafter\n";
	struct world *w = *state;

	for (size_t cut = 0; cut <= strlen(text); cut++) {
		struct transfer *t = begin(w, "/srv/x");
		int r = transfer_feed(t, text, cut);

		if (r == 0)
			r = transfer_feed(t, text + cut, strlen(text) - cut);
		if (r == 0)
			r = transfer_settle(t);
		assert_int_equal(r, ERR_DENIED);
		assert_true(transfer_clean(t) <= strlen(BEFORE));
		assert_non_null(strstr(transfer_why(t), "denied REQ-AAAAAA rule=secret-in-file: "));
		assert_non_null(strstr(transfer_why(t), " in /srv/x, line 3 ("));
		assert_null(strstr(transfer_why(t), TOKEN));
		assert_int_equal(transfer_feed(t, "more", 4), ERR_DENIED);
		assert_int_equal(transfer_settle(t), ERR_DENIED);
		assert_string_equal(ended(w, t, "result"), "denied");
		assert_int_equal(json_array_size(json_object_get(w->last, "findings")), 1);
	}
}

/* Settled in its middle, as fsync does: the rest of it does not pass. */
static void
test_settled_inside(void **state)
{
	static const char text[] = BEFORE TOKEN "\nafter\n";
	struct world *w = *state;

	for (size_t cut = 1; cut < strlen(BEFORE) + strlen(TOKEN) - 4; cut++) {
		struct transfer *t = begin(w, "/srv/tokens");
		int r = transfer_feed(t, text, cut);

		assert_int_equal(r, 0);
		if (transfer_settle(t) != 0)
			goto denied;	/* long enough to be one already */
		assert_int_equal(transfer_clean(t), cut);
		r = transfer_feed(t, text + cut, strlen(text) - cut);
		assert_int_equal(r != 0 ? r : transfer_settle(t), ERR_DENIED);
		assert_true(transfer_clean(t) <= (cut > strlen(BEFORE) ? cut : strlen(BEFORE)));
denied:
		assert_non_null(strstr(transfer_why(t), "rule=no-tokens: not this one: "));
		assert_non_null(strstr(transfer_why(t), ", line 3 ("));
		(void)ended(w, t, "result");
	}
}

/* Many settlements, each in the context of the one before, pass text that has no secret whole. */
static void
test_settled_often(void **state)
{
	struct world *w = *state;
	struct transfer *t = begin(w, "/srv/log");
	char line[64];
	uint64_t n = 0;

	for (int i = 0; i < 500; i++) {
		int len = snprintf(line, sizeof(line), "password = word%d and gh" "p_ key AKIA %d\n", i, i * i);

		assert_int_equal(transfer_feed(t, line, (size_t)len), 0);
		assert_int_equal(transfer_settle(t), 0);
		n += (uint64_t)len;
		assert_int_equal(transfer_clean(t), n);
	}
	assert_string_equal(ended(w, t, "result"), "done");
	assert_int_equal(json_integer_value(json_object_get(w->last, "bytes")), (json_int_t)n);
}

static void
test_seek(void **state)
{
	static const char text[] = "x\ny " TOKEN "\n";
	struct world *w = *state;
	struct transfer *t = begin(w, "/srv/x");

	assert_int_equal(transfer_feed(t, TOKEN, 10), 0);
	transfer_seek(t, 1000);
	assert_int_equal(transfer_clean(t), 0);
	assert_int_equal(transfer_feed(t, text, strlen(text)), ERR_DENIED);
	assert_true(transfer_clean(t) <= 4);
	assert_non_null(strstr(transfer_why(t), " in /srv/x, byte 1004 ("));
	assert_string_equal(ended(w, t, "sha256"), "");
	assert_true(json_is_false(json_object_get(w->last, "sequential")));
}

/* A private key is found out only at its end, however long: only its first line, which is no secret, is clean. */
static void
test_private_key(void **state)
{
	struct world *w = *state;
	struct transfer *t = begin(w, "/srv/key");
	int r = transfer_feed(t, "a\n" PEM, strlen("a\n" PEM));

	for (int i = 0; i < 400 && r == 0; i++) {
		r = transfer_feed(t, LINE, strlen(LINE));
		assert_true(transfer_clean(t) <= strlen("a\n" PEM));
	}
	assert_int_equal(r != 0 ? r : transfer_settle(t), ERR_DENIED);
	assert_non_null(strstr(transfer_why(t), ", line 2 ("));
	(void)ended(w, t, "result");
}

/* Not a check but a number: what a large binary file costs. */
static void
test_speed(void **state)
{
	struct world *w = *state;
	struct transfer *t = begin(w, "/srv/image");
	size_t n = 32 * 1024, rounds = 2048;
	uint8_t *p = malloc(n);
	uint32_t x = 1;
	clock_t from;
	double s;

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)((x = x * 1103515245 + 12345) >> 16);
	from = clock();
	for (size_t i = 0; i < rounds; i++)
		assert_int_equal(transfer_feed(t, p, n), 0);
	s = (double)(clock() - from) / CLOCKS_PER_SEC;
	print_message("# %.2f GB/s, hash and scan of random bytes\n", (double)(n * rounds) / 1e9 / (s > 0 ? s : 1));
	assert_int_equal(transfer_settle(t), 0);
	assert_int_equal(transfer_clean(t), n * rounds);
	(void)ended(w, t, "result");
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean_file),
		cmocka_unit_test(test_empty_file),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_settled_inside),
		cmocka_unit_test(test_settled_often),
		cmocka_unit_test(test_seek),
		cmocka_unit_test(test_private_key),
		cmocka_unit_test(test_speed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
