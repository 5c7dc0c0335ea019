/* SPDX-License-Identifier: Apache-2.0 */
/* What a session may open, whatever it says: every pair of target and login, for each pair that it may have begun with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/policy/decide.h"
#include "bastion/way.h"

#define REST	"host_keys: [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGCyKWfWMMaPYo6C7Dsrmh5kHnXtnFPCxWFnTPGNGFLl\"]"

/* deep is reached through mid, and mid through jump; jump and mid are nothing that the agent may reach itself. */
static const char main_text[] =
	"policy: policy.yaml\n"
	"targets:\n"
	"  web1: {address: \"192.0.2.1:22\", logins: [deploy], " REST "}\n"
	"  other: {address: \"192.0.2.2:22\", logins: [deploy, root], " REST "}\n"
	"  jump: {address: \"192.0.2.3:22\", logins: [hop, deploy], " REST "}\n"
	"  mid: {address: \"192.0.2.4:22\", logins: [pass, deploy], " REST ", via: jump, via_login: hop}\n"
	"  deep: {address: \"192.0.2.5:22\", logins: [deploy, root], " REST ", via: mid, via_login: pass}\n";
static const char policy_text[] =
	"rules:\n"
	"  - {id: a, who: [agent/ci], on: [web1, deep], login: [deploy], exec: {any: true}, do: allow}\n"
	"  - {id: b, who: [agent/other], on: [other], exec: {any: true}, do: allow}\n";

static const char *const targets[] = { "web1", "other", "jump", "mid", "deep", "nowhere", "" };
static const char *const logins[] = { "deploy", "root", "hop", "pass", "" };

/* All that may be opened: begun with, then target and login, and whether it is only on the way. All else is refused. */
static const struct {
	const char	*began, *login, *target, *as;
	bool		 hop;
} may[] = {
	{ "web1", "deploy", "web1", "deploy", false },
	{ "deep", "deploy", "deep", "deploy", false },
	{ "deep", "deploy", "mid", "pass", true },
	{ "deep", "deploy", "jump", "hop", true },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static struct conf *
conf_make(void)
{
	char dir[] = "/tmp/test-way-XXXXXX", *main_path, *policy_path, *error = NULL;
	struct conf *c;

	assert_non_null(mkdtemp(dir));
	main_path = xasprintf("%s/sallyport.yaml", dir);
	policy_path = xasprintf("%s/policy.yaml", dir);
	assert_int_equal(file_write(main_path, main_text, strlen(main_text), 0600), 0);
	assert_int_equal(file_write(policy_path, policy_text, strlen(policy_text), 0600), 0);
	if (conf_load(main_path, &c, &error) != 0)
		fail_msg("%s", error);
	(void)unlink(main_path);
	(void)unlink(policy_path);
	(void)rmdir(dir);
	free(main_path);
	free(policy_path);
	return c;
}

static int
listed(const char *began, const char *login, const char *target, const char *as)
{
	for (size_t i = 0; i < COUNT(may); i++)
		if (strcmp(may[i].began, began) == 0 && strcmp(may[i].login, login) == 0 && strcmp(may[i].target, target) == 0 &&
		    strcmp(may[i].as, as) == 0)
			return (int)i;
	return -1;
}

static void
check_one(const struct way *w, const char *target, const char *as, unsigned *openedp)
{
	const struct conf_target *t;
	const char *why = "never set";
	int i = listed(w->target, w->login, target, as);

	t = way_check(w, target, as, &why);
	if ((t != NULL) != (i != -1) || (t != NULL) != (why == NULL))
		fail_msg("%s@%s, then %s@%s: %s", w->login, w->target, as, target, t != NULL ? "opened" : why);
	if (t == NULL)
		return;
	assert_string_equal(t->name, target);
	assert_int_equal(way_is_hop(w, target, as), may[i].hop);
	(*openedp)++;
}

static void
only_what_was_asked_for_and_the_way_there(void **state)
{
	struct strvec none = STRVEC_INIT;
	const struct subject who = { .identity = "agent/ci", .groups = &none };
	struct conf *c = conf_make();
	struct way w = { .conf = c, .who = &who };
	unsigned opened = 0;

	(void)state;
	for (size_t a = 0; a < COUNT(targets); a++)
		for (size_t b = 0; b < COUNT(logins); b++)
			for (size_t t = 0; t < COUNT(targets); t++)
				for (size_t l = 0; l < COUNT(logins); l++) {
					w.target = targets[a];
					w.login = logins[b];
					check_one(&w, targets[t], logins[l], &opened);
				}
	assert_int_equal(opened, COUNT(may));
	conf_free(c);
}

static void
a_session_with_the_bastion_itself_opens_none(void **state)
{
	struct strvec none = STRVEC_INIT;
	const struct subject who = { .identity = "agent/ci", .groups = &none };
	struct conf *c = conf_make();
	const struct way w = { .conf = c, .who = &who };
	const char *why;

	(void)state;
	for (size_t t = 0; t < COUNT(targets); t++)
		for (size_t l = 0; l < COUNT(logins); l++)
			assert_null(way_check(&w, targets[t], logins[l], &why));
	conf_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_was_asked_for_and_the_way_there),
		cmocka_unit_test(a_session_with_the_bastion_itself_opens_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
