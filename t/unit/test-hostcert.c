/* SPDX-License-Identifier: Apache-2.0 */
/* Host certificates that the real ssh-keygen made, good and each wrong in one thing. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/hostcert.h"
#include "bastion/ident/krl.h"
#include "bastion/ident/sshkey.h"
#include "t/unit/test-cert-keygen.h"

/* The text of a file as a C string; the caller frees. */
static char *
text_of(const char *dir, const char *name)
{
	char *path = file_join(dir, name), *s;
	struct buf *b = buf_new(65536);

	assert_int_equal(file_read(path, b), 0);
	s = xstrndup((const char *)buf_ptr(b), buf_len(b));
	buf_free(b);
	free(path);
	return s;
}

static void
hosts_make(const char *dir)
{
	assert_int_equal(keygen(dir, "-q -t ed25519 -N ~ -f ca"), 0);
	assert_int_equal(keygen(dir, "-q -t ecdsa -N ~ -f other"), 0);
	assert_int_equal(keygen(dir, "-q -t ed25519 -N ~ -f host"), 0);
}

static int
judged(const char *dir, const char *sign, const struct hostcert_check *check, const char **whyp)
{
	struct cert *c = NULL;
	uint8_t *blob;
	size_t n;
	int r;

	assert_int_equal(keygen(dir, sign), 0);
	blob = keygen_blob(dir, "host-cert.pub", &n);
	assert_int_equal(cert_parse(blob, n, &c), 0);
	r = hostcert_judge(c, check, whyp);
	cert_free(c);
	free(blob);
	return r;
}

static void
only_what_holds_is_believed(void **state)
{
	static const struct {
		const char *sign, *why;
		int r;
	} t[] = {
		{ "-q -s ca -h -I x -n h.example.net -V -1h:+1h host.pub", "ok", 0 },
		{ "-q -s ca -h -I x -n a,h.example.net host.pub", "ok", 0 },
		{ "-q -s ca -h -I x -n *.example.net host.pub", "ok", 0 },
		{ "-q -s ca -I x -n h.example.net host.pub", "not a host", ERR_DENIED },
		{ "-q -s other -h -I x -n h.example.net host.pub", "not from a CA", ERR_DENIED },
		{ "-q -s ca -h -I x -n h.example.ne host.pub", "another host", ERR_DENIED },
		{ "-q -s ca -h -I x -n example.net host.pub", "another host", ERR_DENIED },
		{ "-q -s ca -h -I x host.pub", "any host", ERR_DENIED },
		{ "-q -s ca -h -I x -n h.example.net -O critical:x host.pub", "critical", ERR_DENIED },
		{ "-q -s ca -h -I x -n h.example.net -V -2h:-1h host.pub", "expired", ERR_EXPIRED },
		{ "-q -s ca -h -I x -n h.example.net -V +1h:+2h host.pub", "not valid yet", ERR_EXPIRED },
	};
	char *dir = keygen_dir_make(), *ca;
	struct strvec cas = STRVEC_INIT;
	struct hostcert_check check = { .ca = &cas, .principal = "h.example.net", .now = (uint64_t)time(NULL) };
	const char *why;

	(void)state;
	hosts_make(dir);
	ca = text_of(dir, "ca.pub");
	strvec_push(&cas, ca);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(judged(dir, t[i].sign, &check, &why), t[i].r);
		assert_non_null(strstr(why, t[i].why));
	}
	free(ca);
	strvec_release(&cas);
	keygen_dir_remove(dir);
}

static void
a_revoked_one_is_not(void **state)
{
	char *dir = keygen_dir_make(), *ca;
	struct strvec cas = STRVEC_INIT;
	struct hostcert_check check = { .ca = &cas, .principal = "h", .now = (uint64_t)time(NULL) };
	const char *why;
	struct krl *krl;
	struct buf *text = buf_new(65536);
	char *path;

	(void)state;
	hosts_make(dir);
	ca = text_of(dir, "ca.pub");
	strvec_push(&cas, ca);
	assert_int_equal(judged(dir, "-q -s ca -h -I x -n h -z 7 host.pub", &check, &why), 0);
	assert_int_equal(keygen(dir, "-q -k -f krl host-cert.pub"), 0);
	path = file_join(dir, "krl");
	assert_int_equal(file_read(path, text), 0);
	assert_int_equal(krl_parse(buf_ptr(text), buf_len(text), &krl), 0);
	check.krl = krl;
	assert_int_equal(judged(dir, "-q -s ca -h -I x -n h -z 7 host.pub", &check, &why), ERR_DENIED);
	assert_string_equal(why, "certificate is revoked");
	krl_free(krl);
	buf_free(text);
	free(path);
	free(ca);
	strvec_release(&cas);
	keygen_dir_remove(dir);
}

static void
a_scan_gives_the_keys_inside(void **state)
{
	char *dir = keygen_dir_make(), *ca, *cert, *plain, *scan;
	struct strvec cas = STRVEC_INIT, lines = STRVEC_INIT, keys = STRVEC_INIT;
	struct hostcert_check check = { .ca = &cas, .principal = "h", .now = (uint64_t)time(NULL) };
	const char *why;

	(void)state;
	hosts_make(dir);
	assert_int_equal(keygen(dir, "-q -s ca -h -I x -n h host.pub"), 0);
	ca = text_of(dir, "ca.pub");
	strvec_push(&cas, ca);
	cert = text_of(dir, "host-cert.pub");
	plain = text_of(dir, "host.pub");
	scan = xasprintf("# a comment\n\nh %sx\n[h]:22 %s%sh %s ssh-ed25519\nh ssh-ed25519 %%%%%%\nh %.80s", plain, cert,
	    cert, plain, cert);
	hostcert_lines(scan, strlen(scan), &lines);
	assert_int_equal(lines.n, 2);	/* with the host before it, and without */
	assert_int_equal(hostcert_keys(&lines, &check, &keys, &why), 0);
	assert_int_equal(keys.n, 2);
	assert_int_equal(strncmp(keys.v[0], plain, strlen(keys.v[0])), 0);
	check.principal = "other";
	assert_int_equal(hostcert_keys(&lines, &check, &keys, &why), ERR_DENIED);
	assert_int_equal(keys.n, 2);
	strvec_release(&lines);
	assert_int_equal(hostcert_keys(&lines, &check, &keys, &why), ERR_NOTFOUND);
	assert_non_null(strstr(why, "missing"));
	free(scan);
	scan = xcalloc(1, 1);
	for (int i = 0; i < 2 * HOSTCERTS_MAX; i++) {
		char *more = xasprintf("%s%s", scan, cert);

		free(scan);
		scan = more;
	}
	hostcert_lines(scan, strlen(scan), &lines);
	assert_int_equal(lines.n, HOSTCERTS_MAX);
	free(scan);
	free(ca);
	free(cert);
	free(plain);
	strvec_release(&cas);
	strvec_release(&lines);
	strvec_release(&keys);
	keygen_dir_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_holds_is_believed),
		cmocka_unit_test(a_revoked_one_is_not),
		cmocka_unit_test(a_scan_gives_the_keys_inside),
	};

	if (sodium_init() == -1)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
