/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport.yaml: what loads, what is refused and in which words, and that it prints as it was read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/conf_table.h"
#include "bastion/conf_template.h"

#define HOST_KEY	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGCyKWfWMMaPYo6C7Dsrmh5kHnXtnFPCxWFnTPGNGFLl"

struct place {
	char	dir[32];
	char	*main, *policy, *printed;
};

static int
setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/test-conf-XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	p->main = xasprintf("%s/sallyport.yaml", p->dir);
	p->policy = xasprintf("%s/policy.yaml", p->dir);
	p->printed = xasprintf("%s/printed.yaml", p->dir);
	*state = p;
	return file_write(p->policy, conf_template_policy(), strlen(conf_template_policy()), 0644);
}

static int
teardown(void **state)
{
	struct place *p = *state;

	(void)unlink(p->main);
	(void)unlink(p->policy);
	(void)unlink(p->printed);
	(void)rmdir(p->dir);
	free(p->main);
	free(p->policy);
	free(p->printed);
	free(p);
	return 0;
}

static struct conf *
load(const char *path)
{
	struct conf *c = NULL;
	char *error = NULL;

	if (conf_load(path, &c, &error) != 0)
		fail_msg("%s", error);
	return c;
}

static void
write_main(const struct place *p, const char *text)
{
	assert_int_equal(file_write(p->main, text, strlen(text), 0644), 0);
}

static void
test_template(void **state)
{
	const struct place *p = *state;
	struct conf *c;

	write_main(p, conf_template_main());
	c = load(p->main);
	assert_string_equal(c->listen_host, "127.0.0.1");
	assert_int_equal(c->listen_port, 2222);
	assert_int_equal(c->ntargets, 0);
	assert_non_null(conf_upstream(c, "hosted"));
	assert_null(conf_upstream(c, "web1"));
	assert_string_equal(c->state_dir, p->dir);
	assert_int_equal(c->max_cert_ttl_ms, 12 * 3600 * 1000);
	assert_int_equal(c->max_pack_bytes, 1024 * 1024 * 1024);
	assert_null(c->user);
	conf_free(c);
}

static const char full[] =
	"state_dir: /var/lib/x\nlisten: \"[::1]:22\"\nuser: sallyport\nbanner: \"a \\\"b\\\"\\nc: #d\"\n"
	"accept_env: [LANG, \"LC_*\"]\n"
	"limits: {login_grace: 5s, mint_ttl: 90s, max_sessions: 7}\n"
	"approvals: {wait: 0, webhooks: [{url: http://127.0.0.1:9/hook, secret_file: keys/webhook}]}\n"
	"git: {max_pack: 2M, max_objects: 5}\n"
	"targets: {web1: {address: 127.0.0.1:2201, logins: [deploy], host_keys: [\"" HOST_KEY "\"]}}\n"
	"upstreams: {hosted: {path: repos}}\npolicy: policy.yaml\n";

static void
test_round_trip(void **state)
{
	const struct place *p = *state;
	struct conf *a, *b;
	FILE *f;

	write_main(p, full);
	a = load(p->main);
	assert_int_equal(a->max_sessions, 7);
	assert_int_equal(a->approval_wait_ms, 0);
	assert_int_equal(a->max_pack_bytes, 2 * 1024 * 1024);
	assert_string_equal(a->banner, "a \"b\"\nc: #d");
	assert_int_equal(conf_target(a, "web1")->port, 2201);
	f = fopen(p->printed, "w");
	assert_non_null(f);
	conf_print(a, f);
	fclose(f);
	assert_int_equal(chmod(p->printed, 0644), 0);
	b = load(p->printed);
	assert_string_equal(b->listen_host, "::1");
	assert_string_equal(b->banner, a->banner);
	assert_string_equal(b->upstreams[0].path, a->upstreams[0].path);
	assert_string_equal(b->webhooks[0].secret_file, a->webhooks[0].secret_file);
	assert_string_equal(b->targets[0].host_keys.v[0], HOST_KEY);
	assert_int_equal(b->mint_ttl_ms, 90000);
	assert_memory_not_equal(a->hash, b->hash, CONF_HASH_LEN);
	conf_free(a);
	conf_free(b);
}

/* One changed byte in the policy is another configuration. */
static void
test_hash(void **state)
{
	const struct place *p = *state;
	struct conf *a, *b;
	char *text = xasprintf("%s\n", conf_template_policy());

	write_main(p, full);
	a = load(p->main);
	b = load(p->main);
	assert_memory_equal(a->hash, b->hash, CONF_HASH_LEN);
	conf_free(b);
	assert_int_equal(file_write(p->policy, text, strlen(text), 0644), 0);
	b = load(p->main);
	assert_memory_not_equal(a->hash, b->hash, CONF_HASH_LEN);
	conf_free(a);
	conf_free(b);
	free(text);
}

static const struct { const char *text, *part; } refused[] = {
	{ "policy: policy.yaml\nlitsen: x\n", "sallyport.yaml:2: unknown key 'litsen' in the configuration; did you mean 'listen'?" },
	{ "policy: policy.yaml\nlimits: {max_trys: 1}\n", "sallyport.yaml:2: unknown key 'max_trys' in limits; did you mean 'max_tries'?" },
	{ "policy: policy.yaml\npolicy: policy.yaml\n", ":2: 'policy' is given twice" },
	{ "listen: 127.0.0.1:2222\n", "no policy" },
	{ "policy: missing.yaml\n", "missing.yaml: No such file" },
	{ "policy: policy.yaml\nlisten: 2222\n", ":2: listen must be HOST:PORT" },
	{ "policy: policy.yaml\nlisten: a:65536\n", ":2: listen must be a number from 1 to 65535" },
	{ "policy: policy.yaml\nlisten: ::1:22\n", "IPv6" },
	{ "policy: policy.yaml\nlimits: {max_tries: 0}\n", "from 1 to 100" },
	{ "policy: policy.yaml\nlimits: {max_tries: 0x6}\n", "not '0x6'" },
	{ "policy: policy.yaml\nlimits: {max_tries: 06}\n", "not '06'" },
	{ "policy: policy.yaml\nlimits: {login_grace: 30}\n", "must be a duration" },
	{ "policy: policy.yaml\nlimits: [a]\n", "limits must be a map" },
	{ "policy: policy.yaml\nlimits:\n", "limits has no value" },
	{ "policy: policy.yaml\ngit: {max_pack: 1G5}\n", "must be a size" },
	{ "policy: policy.yaml\ngit: {max_pack: 99999999999999T}\n", "must be a size" },
	{ "policy: policy.yaml\nbanner: [x]\n", "banner must be text" },
	{ "policy: policy.yaml\nbanner: *x\n", "aliases" },
	{ "policy: policy.yaml\n<<: {a: b}\n", "merge keys" },
	{ "policy: policy.yaml\ntargets: {WEB: {}}\n", "a target's name" },
	{ "policy: policy.yaml\ntargets: {web: {address: \"a:1\", logins: [x]}}\n", "needs host_keys" },
	{ "policy: policy.yaml\ntargets: {web: {address: \"a:1\", logins: [x], host_keys: [\"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA\"]}}\n",
	    "host_keys must be" },
	{ "policy: policy.yaml\ntargets: {web: {address: \"a:1\", logins: [x], host_keys: [\"ssh-ed25519 !\"]}}\n", "host_keys must be" },
	{ "policy: policy.yaml\nupstreams: {a: {}}\n", "needs path" },
	{ "policy: policy.yaml\nupstreams: {a: {path: repos, url: ssh://git@h/x}}\n", "not both" },
	{ "policy: policy.yaml\nupstreams: {a: {url: git@h:x}}\n", "url must be ssh://" },
	{ "policy: policy.yaml\nupstreams: {a: {url: http://h/x, auth: {password: x}}}\n", "url must be ssh://" },
	{ "policy: policy.yaml\nupstreams: {a: {url: https://h/x}}\n", "opened by auth: {password: NAME}" },
	{ "policy: policy.yaml\nupstreams: {a: {url: https://h/x, auth: {password: x}, host_keys: []}}\n", "host_keys" },
	{ "policy: policy.yaml\nupstreams: {a: {url: https://h/x, auth: {password: x}, proxy: \"http://u:p@h:1\"}}\n", "without a password" },
	{ "policy: policy.yaml\nupstreams: {a: {url: ssh://h/x}}\n", "url needs a login" },
	{ "policy: policy.yaml\nupstreams: {a: {url: ssh://-oProxyCommand@h/x}}\n", "url needs a login" },
	{ "policy: policy.yaml\nupstreams: {a: {url: ssh://git@-oProxyCommand/x}}\n", "no valid host name" },
	{ "policy: policy.yaml\nupstreams: {a: {url: ssh://git@h/../x}}\n", "url's path" },
	{ "policy: policy.yaml\nupstreams: {a: {url: \"ssh://git@h/x'y\"}}\n", "url's path" },
	{ "policy: policy.yaml\nupstreams: {a: {url: ssh://git@h/x}}\n", "needs host_keys" },
	{ "policy: policy.yaml\napprovals: {webhooks: [{url: ftp://x, secret_file: y}]}\n", "url must start" },
	{ "a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: {m: {n: 1}}}}}}}}}}}}}}\n", "nested too deeply" },
	{ "\t- x\n", "sallyport.yaml:1: " },
};

static void
test_refused(void **state)
{
	const struct place *p = *state;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct conf *c = NULL;
		char *error = NULL;

		write_main(p, refused[i].text);
		assert_int_not_equal(conf_load(p->main, &c, &error), 0);
		assert_null(c);
		if (error == NULL || strstr(error, refused[i].part) == NULL || strchr(error, '\n') != NULL)
			fail_msg("wanted '%s', got '%s'", refused[i].part, error);
		free(error);
	}
}

static void
test_writable(void **state)
{
	const struct place *p = *state;
	struct conf *c = NULL;
	char *error = NULL;

	write_main(p, full);
	assert_int_equal(chmod(p->policy, 0664), 0);
	assert_int_not_equal(conf_load(p->main, &c, &error), 0);
	assert_non_null(strstr(error, "policy.yaml: writable by others"));
	free(error);
	assert_int_equal(chmod(p->policy, 0644), 0);
	assert_int_equal(chmod(p->main, 0646), 0);
	assert_int_not_equal(conf_load(p->main, &c, &error), 0);
	assert_non_null(strstr(error, "sallyport.yaml: writable by others"));
	free(error);
}

/* A setting that the manual does not name is a setting that nobody finds. */
static void
test_manual(void **state)
{
	const char *src = getenv("srcdir");
	char *path = xasprintf("%s/bastion/sallyport.yaml.5", src != NULL ? src : SRCDIR), *text;
	FILE *f = fopen(path, "r");
	size_t n;

	(void)state;
	if (f == NULL)
		fail_msg("%s is not there", path);
	text = xcalloc(1, 256 * 1024);
	n = fread(text, 1, 256 * 1024 - 1, f);
	text[n] = '\0';
	fclose(f);
	for (const struct conf_row *row = conf_table; row->name != NULL; row++) {
		char *item = xasprintf(".It Ic %s%s%s ", row->section != NULL ? row->section : "", row->section != NULL ? "." : "",
		    row->name);

		if (strstr(text, item) == NULL)
			fail_msg("no '%s' in sallyport.yaml.5", item);
		free(item);
	}
	free(text);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_template, setup, teardown),
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writable, setup, teardown),
		cmocka_unit_test(test_manual),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
