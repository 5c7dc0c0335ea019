/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: what ssh-keygen and our own CA make is read; everything that is a little wrong is refused. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/ca.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/cidr.h"
#include "bastion/ident/krl.h"
#include "bastion/ident/sshkey.h"
#include "t/unit/test-cert-keygen.h"

#define NOW	1800000000

static const uint8_t seed[CA_SEED_LEN] = { 1, 2, 3 };

/* A certificate written by hand, each part open to mischief. */
struct craft {
	const char	*type;		/* NULL = ssh-ed25519-cert-v01@openssh.com */
	uint32_t	 cert_type;	/* 0 = user */
	const char	*principals[4];
	uint64_t	 after, before;
	const char	*critical[4];	/* name, value pairs; value NULL = no data */
	const char	*extension[8];
	const char	*reserved;
	const uint8_t	*ca;		/* NULL = the key that signs */
	size_t		 calen;
};

static void
put_options(struct buf *b, const char *const *pairs, size_t n)
{
	struct buf *x = buf_new(4096), *v;

	for (size_t i = 0; i + 1 < n && pairs[i] != NULL; i += 2) {
		v = buf_new(1024);
		buf_put_cstring(x, pairs[i]);
		if (pairs[i + 1] != NULL)
			buf_put_cstring(v, pairs[i + 1]);
		buf_put_string(x, buf_ptr(v), buf_len(v));
		buf_free(v);
	}
	buf_put_string(b, buf_ptr(x), buf_len(x));
	buf_free(x);
}

static struct buf *
craft_make(const struct craft *c)
{
	struct buf *b = buf_new(64 * 1024), *x = buf_new(4096), *cab = buf_new(256), *s = buf_new(256);
	uint8_t pk[32], sk[64], sig[64], subject[32] = { 9 };

	crypto_sign_seed_keypair(pk, sk, seed);
	sshkey_put_ed25519(cab, pk);
	buf_put_cstring(b, c->type == NULL ? "ssh-ed25519-cert-v01@openssh.com" : c->type);
	buf_put_string(b, seed, 32);
	buf_put_string(b, subject, 32);
	buf_put_u64(b, 7);
	buf_put_u32(b, c->cert_type == 0 ? CERT_TYPE_USER : c->cert_type);
	buf_put_cstring(b, "agent/ci:7");
	for (int i = 0; i < 4 && c->principals[i] != NULL; i++)
		buf_put_cstring(x, c->principals[i]);
	buf_put_string(b, buf_ptr(x), buf_len(x));
	buf_put_u64(b, c->after);
	buf_put_u64(b, c->before == 0 ? NOW + 60 : c->before);
	put_options(b, c->critical, 4);
	put_options(b, c->extension, 8);
	buf_put_cstring(b, c->reserved);
	if (c->ca != NULL)
		buf_put_string(b, c->ca, c->calen);
	else
		buf_put_string(b, buf_ptr(cab), buf_len(cab));
	crypto_sign_detached(sig, NULL, buf_ptr(b), buf_len(b), sk);
	buf_put_cstring(s, "ssh-ed25519");
	buf_put_string(s, sig, sizeof(sig));
	buf_put_string(b, buf_ptr(s), buf_len(s));
	buf_free(x);
	buf_free(cab);
	buf_free(s);
	return b;
}

/* Parse a crafted certificate: its code, and when it parses the verdict over it. */
static int
craft_try(const struct craft *c, const char *source, const char **whyp)
{
	struct buf *b = craft_make(c);
	struct ca *ca = ca_new(seed);
	struct cert_check k = { .now = NOW, .source = source };
	struct cert *cert = NULL;
	int r;

	k.ca_key = ca_key(ca, &k.ca_key_len);
	*whyp = "parse";
	if ((r = cert_parse(buf_ptr(b), buf_len(b), &cert)) == 0)
		r = cert_judge(cert, &k, whyp);
	cert_free(cert);
	ca_free(ca);
	buf_free(b);
	return r;
}

static void
a_good_certificate_opens_the_door(void **state)
{
	const struct craft c = { .principals = { "agent/ci" }, .critical = { "source-address", "10.0.0.0/8,::1" },
		.extension = { "group@sallyport", "a,b", "owner@sallyport", "human/eva", "permit-pty", NULL,
		"unknown@x", "y" } };
	const char *why;

	(void)state;
	assert_int_equal(craft_try(&c, "10.1.2.3", &why), 0);
	assert_int_equal(craft_try(&c, "::1", &why), 0);
	assert_int_equal(craft_try(&c, "::ffff:10.0.0.1", &why), 0);
	assert_int_equal(craft_try(&c, "11.1.2.3", &why), ERR_DENIED);
	assert_int_equal(craft_try(&c, "nonsense", &why), ERR_DENIED);
}

struct bad {
	const char	*name;
	int		 r;
	const char	*why;	/* part of it; NULL = must not parse */
	struct craft	 c;
};

static const struct bad bads[] = {
	{ "host certificate", ERR_DENIED, "user certificate", { .cert_type = 2, .principals = { "agent/ci" } } },
	{ "type 3", ERR_FORMAT, NULL, { .cert_type = 3, .principals = { "agent/ci" } } },
	{ "no principal", ERR_DENIED, "exactly one", { .before = 0 } },
	{ "two principals", ERR_DENIED, "exactly one", { .principals = { "agent/ci", "agent/cd" } } },
	{ "a login", ERR_DENIED, "identity", { .principals = { "root" } } },
	{ "climbing identity", ERR_DENIED, "identity", { .principals = { "agent/../root" } } },
	{ "identity with a space", ERR_DENIED, "identity", { .principals = { "agent/c i" } } },
	{ "identity ending in slash", ERR_DENIED, "identity", { .principals = { "agent/" } } },
	{ "unknown critical option", ERR_DENIED, "critical",
	  { .principals = { "agent/ci" }, .critical = { "verify-required", NULL } } },
	{ "force-command", ERR_DENIED, "force-command",
	  { .principals = { "agent/ci" }, .critical = { "force-command", "true" } } },
	{ "expired", ERR_EXPIRED, "expired", { .principals = { "agent/ci" }, .before = NOW } },
	{ "not valid yet", ERR_EXPIRED, "not valid yet", { .principals = { "agent/ci" }, .after = NOW + 1 } },
	{ "ends before it begins", ERR_EXPIRED, "expired",
	  { .principals = { "agent/ci" }, .after = NOW, .before = 5 } },
	{ "option twice", ERR_FORMAT, NULL,
	  { .principals = { "agent/ci" }, .extension = { "permit-pty", NULL, "permit-pty", NULL } } },
	{ "critical option twice", ERR_FORMAT, NULL, { .principals = { "agent/ci" },
	  .critical = { "source-address", "10.0.0.0/8", "source-address", "0.0.0.0/0" } } },
	{ "options out of order", ERR_FORMAT, NULL,
	  { .principals = { "agent/ci" }, .extension = { "permit-pty", NULL, "group@sallyport", "a" } } },
	{ "flag with data", ERR_FORMAT, NULL, { .principals = { "agent/ci" }, .extension = { "permit-pty", "yes" } } },
	{ "bad source address", ERR_FORMAT, NULL,
	  { .principals = { "agent/ci" }, .critical = { "source-address", "10.0.0.1/8" } } },
	{ "empty source address", ERR_FORMAT, NULL,
	  { .principals = { "agent/ci" }, .critical = { "source-address", NULL } } },
	{ "bad owner", ERR_FORMAT, NULL, { .principals = { "agent/ci" }, .extension = { "owner@sallyport", "a b" } } },
	{ "empty group", ERR_FORMAT, NULL,
	  { .principals = { "agent/ci" }, .extension = { "group@sallyport", "a,,b" } } },
	{ "reserved field used", ERR_FORMAT, NULL, { .principals = { "agent/ci" }, .reserved = "x" } },
	{ "unknown key type", ERR_FORMAT, NULL,
	  { .principals = { "agent/ci" }, .type = "ssh-dss-cert-v01@openssh.com" } },
	{ "plain type", ERR_FORMAT, NULL, { .principals = { "agent/ci" }, .type = "ssh-ed25519" } },
};

static void
what_is_a_little_wrong_is_refused(void **state)
{
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		int r = craft_try(&bads[i].c, "10.0.0.1", &why);

		if (r != bads[i].r || (bads[i].why == NULL) != (strcmp(why, "parse") == 0) ||
		    (bads[i].why != NULL && strstr(why, bads[i].why) == NULL))
			fail_msg("%s: %d, %s", bads[i].name, r, why);
	}
}

static void
a_certificate_signs_no_certificate(void **state)
{
	const struct craft good = { .principals = { "agent/ci" } };
	struct craft c = { .principals = { "agent/ci" } };
	struct buf *b = craft_make(&good);
	const char *why;

	(void)state;
	c.ca = buf_ptr(b);
	c.calen = buf_len(b);
	assert_int_equal(craft_try(&c, NULL, &why), ERR_CRYPTO);
	buf_free(b);
}

static void
cut_short_or_bent_it_never_parses(void **state)
{
	const struct craft c = { .principals = { "agent/ci" }, .extension = { "permit-pty", NULL } };
	struct buf *b = craft_make(&c);
	size_t n = buf_len(b);
	uint8_t *copy = xmalloc(n + 1);
	struct cert *cert;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		/* Exactly as large as what is given, so that a sanitizer sees one byte too many. */
		uint8_t *exact = xmalloc(i + (i == 0));

		memcpy(exact, buf_ptr(b), i);
		assert_int_not_equal(cert_parse(exact, i, &cert), 0);
		assert_null(cert);
		free(exact);
		memcpy(copy, buf_ptr(b), n);
		copy[i] ^= (uint8_t)(1u << (i % 8));
		assert_int_not_equal(cert_parse(copy, n, &cert), 0);
		assert_null(cert);
	}
	memcpy(copy, buf_ptr(b), n);
	copy[n] = 0;
	assert_int_equal(cert_parse(copy, n, &cert), 0);
	cert_free(cert);
	assert_int_not_equal(cert_parse(copy, n + 1, &cert), 0);
	free(copy);
	buf_free(b);
}

static void
a_megabyte_is_refused_unread(void **state)
{
	uint8_t *big = xcalloc(1, 1024 * 1024);
	struct cert *cert;

	(void)state;
	assert_int_equal(cert_parse(big, 1024 * 1024, &cert), ERR_TOOBIG);
	free(big);
}

static void
what_our_ca_makes_says_what_was_asked(void **state)
{
	uint8_t subject[32] = { 3 };
	struct strvec groups = STRVEC_INIT;
	struct buf *key = buf_new(256), *out = buf_new(CERT_BLOB_MAX);
	struct ca *ca = ca_new(seed);
	struct cert *c;

	(void)state;
	sshkey_put_ed25519(key, subject);
	strvec_push(&groups, "engineers");
	strvec_push(&groups, "oncall");
	struct ca_params p = { .key = buf_ptr(key), .keylen = buf_len(key), .serial = UINT64_MAX,
		.key_id = "agent/ci:1", .principal = "agent/ci", .valid_after = 1, .valid_before = CERT_FOREVER,
		.source_address = "10.0.0.0/8", .permit_pty = true, .owner = "human/eva", .session = "3f-2b",
		.groups = &groups };

	assert_int_equal(ca_sign(ca, &p, out), 0);
	assert_int_equal(cert_parse(buf_ptr(out), buf_len(out), &c), 0);
	assert_true(c->serial == UINT64_MAX && c->valid_before == CERT_FOREVER && c->permit_pty);
	assert_false(c->permit_port_forwarding);
	assert_string_equal(c->owner, "human/eva");
	assert_string_equal(c->session, "3f-2b");
	assert_string_equal(c->source_address, "10.0.0.0/8");
	assert_string_equal(cert_identity(c), "agent/ci");
	assert_int_equal(c->groups.n, 2);
	assert_string_equal(c->groups.v[1], "oncall");
	assert_int_equal(c->subject_key_len, buf_len(key));
	assert_memory_equal(c->subject_key, buf_ptr(key), buf_len(key));
	cert_free(c);
	strvec_release(&groups);
	ca_free(ca);
	buf_free(key);
	buf_free(out);
}

/* Make "NAME" with ssh-keygen, sign it by CA, and parse the certificate. */
static int
keygen_try(const char *dir, const char *make, const char *sign, const uint8_t *ca, size_t calen, uint64_t now)
{
	struct cert_check k = { .ca_key = ca, .ca_key_len = calen, .now = now };
	struct cert *c = NULL;
	const char *why;
	uint8_t *blob;
	size_t n;
	int r;

	if (make != NULL)
		assert_int_equal(keygen(dir, make), 0);
	assert_int_equal(keygen(dir, sign), 0);
	blob = keygen_blob(dir, "k-cert.pub", &n);
	if ((r = cert_parse(blob, n, &c)) == 0)
		r = cert_judge(c, &k, &why);
	cert_free(c);
	free(blob);
	return r;
}

static const struct {
	const char	*ca, *sign;	/* make the CA; sign with it */
	int		 r;
} ca_rows[] = {
	{ "-q -t ed25519 -N ~ -f ca", "-q -s ca -I id -n agent/ci -V 20200101:20991231 k.pub", 0 },
	{ "-q -t ecdsa -b 256 -N ~ -f ca", "-q -s ca -I id -n agent/ci k.pub", 0 },
	{ "-q -t ecdsa -b 384 -N ~ -f ca", "-q -s ca -I id -n agent/ci k.pub", 0 },
	{ "-q -t ecdsa -b 521 -N ~ -f ca", "-q -s ca -I id -n agent/ci k.pub", 0 },
	{ "-q -t rsa -b 2048 -N ~ -f ca", "-q -s ca -I id -n agent/ci k.pub", 0 },
	{ "-q -t rsa -b 2048 -N ~ -f ca", "-q -t rsa-sha2-256 -s ca -I id -n agent/ci k.pub", 0 },
	{ "-q -t rsa -b 2048 -N ~ -f ca", "-q -t ssh-rsa -s ca -I id -n agent/ci k.pub", ERR_CRYPTO },	/* SHA-1 */
	{ "-q -t rsa -b 1024 -N ~ -f ca", "-q -s ca -I id -n agent/ci k.pub", ERR_CRYPTO },
};

static void
every_kind_of_ca_that_ssh_keygen_has(void **state)
{
	uint8_t *ca;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(ca_rows) / sizeof(ca_rows[0]); i++) {
		char *dir = keygen_dir_make();

		assert_int_equal(keygen(dir, ca_rows[i].ca), 0);
		ca = keygen_blob(dir, "ca.pub", &n);
		int r = keygen_try(dir, "-q -t ed25519 -N ~ -f k", ca_rows[i].sign, ca, n, NOW);

		if (r != ca_rows[i].r)
			fail_msg("%s / %s: %d", ca_rows[i].ca, ca_rows[i].sign, r);
		free(ca);
		keygen_dir_remove(dir);
	}
}

static const struct {
	const char	*make, *sign;
	int		 r;
} subject_rows[] = {
	{ "-q -t ed25519 -N ~ -f k", "-q -s ca -I id -n agent/ci k.pub", 0 },
	{ "-q -t ecdsa -b 256 -N ~ -f k", "-q -s ca -I id -n agent/ci k.pub", 0 },
	{ "-q -t ecdsa -b 384 -N ~ -f k", "-q -s ca -I id -n agent/ci k.pub", 0 },
	{ "-q -t ecdsa -b 521 -N ~ -f k", "-q -s ca -I id -n agent/ci k.pub", 0 },
	{ "-q -t rsa -b 3072 -N ~ -f k", "-q -s ca -I id -n agent/ci k.pub", 0 },
	{ "-q -t rsa -b 1024 -N ~ -f k", "-q -s ca -I id -n agent/ci k.pub", ERR_CRYPTO },
	{ "-q -t ed25519 -N ~ -f k", "-q -s ca -I id -h -n agent/ci k.pub", ERR_DENIED },
	{ "-q -t ed25519 -N ~ -f k", "-q -s ca -I id k.pub", ERR_DENIED },
	{ "-q -t ed25519 -N ~ -f k", "-q -s ca -I id -n agent/ci -O force-command=id k.pub", ERR_DENIED },
	{ "-q -t ed25519 -N ~ -f k", "-q -s ca -I id -n agent/ci -O critical:x@y=1 k.pub", ERR_DENIED },
	{ "-q -t ed25519 -N ~ -f k", "-q -s ca -I id -n agent/ci -O extension:x@y=1 -O clear k.pub", 0 },
	{ "-q -t ed25519 -N ~ -f k",
	  "-q -s ca -I id -n agent/ci -O extension:owner@sallyport=human/eva -O source-address=10.0.0.0/8 k.pub", 0 },
	{ "-q -t ed25519 -N ~ -f k", "-q -s ca -I id -n agent/ci -V 20200101:20200102 k.pub", ERR_EXPIRED },
	{ "-q -t ed25519 -N ~ -f k", "-q -s other -I id -n agent/ci k.pub", ERR_DENIED },
};

static void
every_kind_of_subject_that_ssh_keygen_has(void **state)
{
	uint8_t *ca;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(subject_rows) / sizeof(subject_rows[0]); i++) {
		char *dir = keygen_dir_make();

		assert_int_equal(keygen(dir, "-q -t ed25519 -N ~ -f ca"), 0);
		assert_int_equal(keygen(dir, "-q -t ed25519 -N ~ -f other"), 0);
		ca = keygen_blob(dir, "ca.pub", &n);
		int r = keygen_try(dir, subject_rows[i].make, subject_rows[i].sign, ca, n, NOW);

		if (r != subject_rows[i].r)
			fail_msg("%s / %s: %d", subject_rows[i].make, subject_rows[i].sign, r);
		free(ca);
		keygen_dir_remove(dir);
	}
}

static void
for_ever_is_a_time_like_any_other(void **state)
{
	char *dir = keygen_dir_make();
	uint8_t *ca;
	size_t n;

	(void)state;
	assert_int_equal(keygen(dir, "-q -t ed25519 -N ~ -f ca"), 0);
	ca = keygen_blob(dir, "ca.pub", &n);
	assert_int_equal(keygen_try(dir, "-q -t ed25519 -N ~ -f k", "-q -s ca -I id -n agent/ci k.pub", ca, n, NOW), 0);
	assert_int_equal(keygen_try(dir, NULL, "-q -s ca -I id -n agent/ci k.pub", ca, n, UINT64_MAX), ERR_EXPIRED);
	free(ca);
	keygen_dir_remove(dir);
}

static void
networks_are_read_strictly(void **state)
{
	(void)state;
	assert_true(cidr_list_has("10.0.0.0/8", "10.255.255.255"));
	assert_false(cidr_list_has("10.0.0.0/8", "11.0.0.0"));
	assert_true(cidr_list_has("192.0.2.7", "192.0.2.7"));
	assert_true(cidr_list_has("0.0.0.0/0", "1.2.3.4"));
	assert_false(cidr_list_has("0.0.0.0/0", "::1"));
	assert_true(cidr_list_has("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(cidr_list_has("2001:db8::/33", "2001:db8:8000::1"));
	assert_false(cidr_list_is_valid(""));
	assert_false(cidr_list_is_valid("10.0.0.0/8,"));
	assert_false(cidr_list_is_valid("10.0.0.0/33"));
	assert_false(cidr_list_is_valid("10.0.0.0/"));
	assert_false(cidr_list_is_valid("10.0.0.0/ 8"));
	assert_false(cidr_list_is_valid("10.0.0.1/8"));
	assert_false(cidr_list_is_valid("host"));
	assert_false(cidr_list_is_valid("10.0.0.0/99999999999999999999"));
	/* One bad network spoils the list: what it was meant to be is not known. */
	assert_false(cidr_list_has("10.0.0.0/8,x", "10.0.0.1"));
}

#define KEY_TEXT	"AAAAC3NzaC1lZDI1NTE5AAAAICIvcok9RGSofkyNyOTs8oCgrlMinCH9BxI/oI5kGNKc"

static void
a_line_of_text_is_one_key(void **state)
{
	static const char good[] = "ssh-ed25519 " KEY_TEXT " me\nrest", liar[] = "ssh-rsa " KEY_TEXT " me";
	static const char option[] = "no-pty ssh-ed25519 " KEY_TEXT;
	uint8_t *blob;
	size_t n;

	(void)state;
	assert_int_equal(sshkey_from_line(good, strlen(good), &blob, &n), 0);
	assert_int_equal(sshkey_check(blob, n, NULL), 0);
	assert_int_not_equal(sshkey_check(blob, n - 1, NULL), 0);
	free(blob);
	assert_int_equal(sshkey_from_line(liar, strlen(liar), &blob, &n), ERR_FORMAT);
	assert_int_equal(sshkey_from_line(option, strlen(option), &blob, &n), ERR_FORMAT);
	assert_int_equal(sshkey_from_line("", 0, &blob, &n), ERR_FORMAT);
	assert_int_equal(sshkey_from_line("ssh-ed25519 ", 12, &blob, &n), ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_certificate_opens_the_door),
		cmocka_unit_test(what_is_a_little_wrong_is_refused),
		cmocka_unit_test(a_certificate_signs_no_certificate),
		cmocka_unit_test(cut_short_or_bent_it_never_parses),
		cmocka_unit_test(a_megabyte_is_refused_unread),
		cmocka_unit_test(what_our_ca_makes_says_what_was_asked),
		cmocka_unit_test(every_kind_of_ca_that_ssh_keygen_has),
		cmocka_unit_test(every_kind_of_subject_that_ssh_keygen_has),
		cmocka_unit_test(for_ever_is_a_time_like_any_other),
		cmocka_unit_test(networks_are_read_strictly),
		cmocka_unit_test(a_line_of_text_is_one_key),
	};

	if (sodium_init() == -1)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
