/* SPDX-License-Identifier: Apache-2.0 */
/* What join prints, from words of a stranger and from names and reasons that would like to be commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/conf_tree.h"
#include "bastion/policy/policy.h"
#include "bastion/ssh/client-script.h"

static const char rules[] =
	"rules:\n"
	"  - {id: a, who: [\"agent/*\"], on: [web1, secret], exec: {any: true}, do: allow}\n"
	"  - {id: c, who: [\"agent/*\"], on: [web2, code], fetch: {}, do: allow}\n"
	"  - {id: b, who: [\"agent/*\"], on: [web1], exec: [x], do: deny, because: \"'; END $(x) \\\\ `y`\"}\n";

static char *words_login[] = { (char *)"*", (char *)"deploy", NULL };
static struct conf_target targets[] = {
	{ .name = (char *)"web1", .host = (char *)"h", .port = 22, .logins = { words_login, 2 } },
	{ .name = (char *)"bastion", .host = (char *)"h", .port = 22, .logins = { words_login, 2 } },
	{ .name = (char *)"web2", .host = (char *)"h", .port = 22, .logins = { words_login, 2 } },
};
static struct conf_upstream upstreams[] = { { .name = (char *)"code" }, { .name = (char *)"secret" } };
static char *key_words[] = { (char *)"ssh-ed25519 AAAA1", (char *)"ssh-ed25519 AAAA2", NULL };
static const struct strvec keys = { key_words, 2 };

static struct conf
make_conf(void)
{
	struct conf c = { .listen_host = (char *)"192.0.2.1", .listen_port = 2222, .targets = targets, .ntargets = 3,
	    .upstreams = upstreams, .nupstreams = 2 };
	struct tree_error e = { .file = "test" };

	if (policy_load("test", rules, strlen(rules), &c.policy, &e) != 0)
		fail_msg("%s", e.text);
	return c;
}

/* The text for the agent, with options (a list ended by NULL); NULL and *errorp when they are refused. */
static char *
script(const struct conf *c, enum client_form form, const char *const *options, const char **errorp)
{
	struct subject who = { .identity = "agent/ci" };
	struct client_facts f = { .conf = c, .who = &who, .host_keys = &keys };
	struct strvec words = STRVEC_INIT;
	struct buf *b = buf_new(CLIENT_SCRIPT_MAX);
	char *s = NULL;

	for (; options != NULL && *options != NULL; options++)
		strvec_push(&words, *options);
	*errorp = client_options(&words, 0, &f, &form);
	if (*errorp == NULL && client_script(&f, form, b) == 0)
		s = xstrndup((const char *)buf_ptr(b), buf_len(b));
	strvec_release(&words);
	buf_free(b);
	return s;
}

static void
test_join(void **state)
{
	struct conf c = make_conf();
	const char *error;
	char *s = script(&c, CLIENT_JOIN, NULL, &error);

	(void)state;
	assert_null(error);
	assert_non_null(strstr(s, "[192.0.2.1]:2222,sallyport-bastion ssh-ed25519 AAAA1\n"));
	assert_non_null(strstr(s, "ssh-ed25519 AAAA2\n"));
	assert_non_null(strstr(s, "web1"));
	assert_null(strstr(s, "LOGIN@web2"));		/* a rule on repositories reaches none .. */
	assert_null(strstr(s, "Host web2"));
	assert_null(strstr(s, "LOGIN@bastion@"));	/* it would hide the bastion itself */
	assert_non_null(strstr(s, "insteadOf = code:"));
	assert_null(strstr(s, "insteadOf = secret:"));	/* .. and one on commands no repository */
	assert_non_null(strstr(s, "'; END $(x) \\ `y`"));
	assert_string_equal(s + strlen(s) - 6, "\njoin\n");
	free(s);
	policy_free(c.policy);
}

/* Whatever line a text holds, the end of its here-document is another. */
static void
test_end_cannot_occur(void **state)
{
	struct conf c = make_conf();
	struct conf_upstream odd[] = { { .name = (char *)"x\nEND\nEND_\n\033[31m\xff" } };
	struct client_facts f = { .conf = &c, .host_keys = &keys };	/* for everybody */
	struct buf *b = buf_new(CLIENT_SCRIPT_MAX);
	const char *at;
	char *s;

	(void)state;
	c.upstreams = odd;
	c.nupstreams = 1;
	assert_int_equal(client_script(&f, CLIENT_JOIN, b), 0);
	s = xstrndup((const char *)buf_ptr(b), buf_len(b));
	at = strstr(s, "git_config_text () {\n\tcat <<'END__'\n");
	assert_non_null(at);
	assert_non_null(strstr(at, "\nEND__\n}\n"));
	for (const char *p = s; *p != '\0'; p++)
		assert_true((*p >= ' ' && *p <= '~') || *p == '\n' || *p == '\t');
	free(s);
	buf_free(b);
	policy_free(c.policy);
}

static void
test_options(void **state)
{
	static const char *const bad[][3] = {
		{ "--name", "a b", NULL }, { "--name", "", NULL }, { "--name", "-x", NULL }, { "--name", "x/../y", NULL },
		{ "--address", "a b", NULL }, { "--address", "a:b", NULL }, { "--address", "::1", NULL }, { "--address", "[::1", NULL },
		{ "--address", "x\n", NULL }, { "--address", ":22", NULL }, { "--address", "[::1]x", NULL }, { "--identity", "id", NULL },
		{ "--identity", "/a\"b", NULL }, { "--identity", "/a%h", NULL }, { "--identity", "/a\nb", NULL },
		{ "--identity", "/$HOME", NULL }, { "--frob", NULL, NULL }, { "--name", NULL, NULL }, { "join", "join", NULL },
	};
	static const char *const good[] = { "--name", "b2", "--address", "[2001:db8::1]:22", "--identity", "~/a b", NULL };
	struct conf c = make_conf();
	const char *error;
	char *s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if ((s = script(&c, CLIENT_JOIN, bad[i], &error)) != NULL || error == NULL)
			fail_msg("%s %s was taken", bad[i][0], bad[i][1] == NULL ? "" : bad[i][1]);
		free(s);
	}
	s = script(&c, CLIENT_JOIN, good, &error);
	assert_null(error);
	assert_non_null(strstr(s, "\nname=b2\n"));
	assert_non_null(strstr(s, "\n2001:db8::1,sallyport-b2 ssh-ed25519 AAAA1\n"));
	assert_non_null(strstr(s, "IdentityFile \"~/a b\"\n\tCertificateFile \"~/a b-cert.pub\""));
	free(s);
	policy_free(c.policy);
}

static void
test_print_is_comments(void **state)
{
	struct conf c = make_conf();
	const char *error;
	char *s = script(&c, CLIENT_PRINT, NULL, &error);

	(void)state;
	for (const char *line = s; *line != '\0'; line = strchr(line, '\n') + 1)
		assert_int_equal(*line, '#');
	assert_null(strstr(s, "@HOME@"));
	free(s);
	policy_free(c.policy);
}

static void
test_address(void **state)
{
	struct conf c = make_conf();
	const char *error;
	char *s;

	(void)state;
	c.listen_host = (char *)"::";
	assert_null(script(&c, CLIENT_JOIN, NULL, &error));
	assert_null(error);
	s = script(&c, CLIENT_KEYS, NULL, &error);	/* the keys are known all the same */
	assert_string_equal(s, "sallyport-bastion ssh-ed25519 AAAA1\nsallyport-bastion ssh-ed25519 AAAA2\n");
	free(s);
	c.public_host = (char *)"b.example.org";
	c.public_port = 2200;
	s = script(&c, CLIENT_JOIN, NULL, &error);
	assert_non_null(strstr(s, "HostName b.example.org\n\tPort 2200\n"));
	free(s);
	policy_free(c.policy);
}

static void
test_too_long(void **state)
{
	struct conf c = make_conf();
	struct subject who = { .identity = "agent/ci" };
	struct client_facts f = { .conf = &c, .who = &who, .host_keys = &keys };
	struct buf *b = buf_new(2000);

	(void)state;
	assert_int_equal(client_script(&f, CLIENT_JOIN, b), ERR_TOOBIG);
	buf_free(b);
	policy_free(c.policy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_end_cannot_occur),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_print_is_comments),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_too_long),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
