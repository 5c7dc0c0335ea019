/* SPDX-License-Identifier: Apache-2.0 */
/* Keys at rest, serial numbers, what the issuer allows, and checkpoints that only go forward. */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/issuer.h"
#include "bastion/ident/issuer_verbs.h"
#include "bastion/ident/keystore.h"
#include "bastion/ident/ledger.h"
#include "bastion/ident/note.h"
#include "bastion/ident/signer.h"
#include "bastion/ident/sshkey.h"
#include "t/unit/test-cert-keygen.h"

#define NOW_MS	((int64_t)1800000000 * 1000)

static const uint8_t seed[32] = { 5, 6, 7 };

static int
dir_make(void **state)
{
	*state = keygen_dir_make();
	return 0;
}

static int
dir_remove(void **state)
{
	keygen_dir_remove(*state);
	return 0;
}

static void
spoil(const char *dir, const char *name, off_t at)
{
	char *path = file_join(dir, name), c;
	int fd = open(path, O_RDWR);

	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 1;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
	free(path);
}

static void
opens_as(const char *dir, int want)
{
	struct keystore *k = NULL;
	char *why = NULL;

	assert_int_equal(keystore_open(dir, NULL, &k, &why), want);
	assert_true((why == NULL) == (want == 0));
	keystore_free(k);
	free(why);
}

static void
keys_open_with_their_master_alone(void **state)
{
	const char *dir = *state;
	char *master = file_join(dir, "master");

	assert_int_equal(keystore_create(dir, NULL, "host/log"), 0);
	opens_as(dir, 0);
	assert_int_equal(keystore_create(dir, NULL, "host/log"), ERR_EXISTS);
	opens_as(dir, 0);
	spoil(dir, "master", 3);
	opens_as(dir, ERR_CRYPTO);
	spoil(dir, "master", 3);
	assert_int_equal(chmod(master, 0640), 0);
	opens_as(dir, ERR_DENIED);
	assert_int_equal(chmod(master, 0600), 0);
	assert_int_equal(truncate(master, 31), 0);
	opens_as(dir, ERR_FORMAT);
	free(master);
}

static void
altered_keys_do_not_open(void **state)
{
	static const off_t places[] = { 0, 11, 17, 25, 60, 90 };
	const char *dir = *state;
	char *ca = file_join(dir, "user_ca.sealed"), *audit = file_join(dir, "audit.sealed");
	char *tmp = file_join(dir, "tmp");

	assert_int_equal(keystore_create(dir, NULL, "host/log"), 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct keystore *k = NULL;
		char *why = NULL;

		spoil(dir, "user_ca.sealed", places[i]);
		assert_int_not_equal(keystore_open(dir, NULL, &k, &why), 0);
		assert_non_null(strstr(why, "user_ca.sealed"));
		free(why);
		spoil(dir, "user_ca.sealed", places[i]);
	}
	opens_as(dir, 0);
	/* Swapping the two would make the CA sign logs. */
	assert_int_equal(rename(ca, tmp), 0);
	assert_int_equal(rename(audit, ca), 0);
	assert_int_equal(rename(tmp, audit), 0);
	opens_as(dir, ERR_FORMAT);
	free(ca);
	free(audit);
	free(tmp);
}

static void
a_public_half_that_is_not_ours_is_noticed(void **state)
{
	const char *dir = *state;

	assert_int_equal(keystore_create(dir, NULL, "host/log"), 0);
	assert_int_equal(keygen(dir, "-q -t ed25519 -N ~ -f other"), 0);
	assert_int_equal(keygen(dir, "-l -f host_ed25519"), 0);
	assert_int_equal(keygen(dir, "-y -f host_ed25519"), 0);
	char *from = file_join(dir, "other.pub"), *to = file_join(dir, "user_ca.pub");

	assert_int_equal(rename(from, to), 0);
	opens_as(dir, ERR_CRYPTO);
	free(from);
	free(to);
}

static void
serials_never_come_twice(void **state)
{
	const char *dir = *state;
	char *path = file_join(dir, "serial"), *issued = file_join(dir, "issued.jsonl");
	struct ledger *l;
	uint64_t last = 0, s;

	/* Every opening stands for a start after a kill: nothing is written back at the end. */
	for (int start = 0; start < 5; start++) {
		assert_int_equal(ledger_open(dir, &l), 0);
		for (int i = 0; i < 1500; i++) {
			assert_int_equal(ledger_serial(l, &s), 0);
			assert_true(s > last);
			last = s;
		}
		assert_true(ledger_may_have(l, last));
		assert_false(ledger_may_have(l, last + 100000));
		assert_false(ledger_may_have(l, 0));
		ledger_free(l);
	}
	assert_int_equal(file_write(path, "12x\n", 4, 0600), 0);
	assert_int_equal(ledger_open(dir, &l), ERR_FORMAT);
	assert_int_equal(file_write(path, "12", 2, 0600), 0);
	assert_int_equal(ledger_open(dir, &l), ERR_FORMAT);
	/* A list without its counter. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(file_write(issued, "{}\n", 3, 0600), 0);
	assert_int_equal(ledger_open(dir, &l), ERR_FORMAT);
	free(path);
	free(issued);
}

static int
count_line(const struct json_t *line, void *arg)
{
	(void)line;
	++*(int *)arg;
	return 0;
}

static void
a_torn_line_is_passed_over(void **state)
{
	static const char torn[] = "{\"v\":1,\"kind\":\"identity\"}\n{\"v\":1,\"kind\":\"ide";
	const char *dir = *state;
	char *issued = file_join(dir, "issued.jsonl"), *serial = file_join(dir, "serial");
	struct ledger_entry e = { .serial = 9, .key_id = "a/b:9", .principal = "a/b", .fingerprint = "SHA256:x",
		.by = "host/x" };
	struct ledger *l;
	int n = 0;

	assert_int_equal(file_write(issued, torn, strlen(torn), 0600), 0);
	assert_int_equal(file_write(serial, "10\n", 3, 0600), 0);
	assert_int_equal(ledger_open(dir, &l), 0);
	assert_int_equal(ledger_add(l, &e, NOW_MS, LEDGER_DURABLE), 0);
	assert_int_equal(ledger_walk(l, "\"kind\"", count_line, &n), 0);
	assert_int_equal(n, 2);
	ledger_free(l);
	free(issued);
	free(serial);
}

/* Put a verb to the issuer; the status. The texts are the caller's to look at and free. */
static int
verb(struct issuer *i, const char *who, const char *words, const char *in, struct verb_answer *a)
{
	struct strvec argv = STRVEC_INIT;
	char *copy = xstrdup(words), *rest = copy, *word;
	struct verb_request v = { .who = who, .argv = &argv, .in = (const uint8_t *)in, .inlen = strlen(in),
		.now_ms = NOW_MS };

	memset(a, 0, sizeof(*a));
	a->out = buf_new(VERB_OUT_MAX);
	a->err = buf_new(VERB_ERR_MAX);
	while ((word = strsep(&rest, " ")) != NULL)
		strvec_push(&argv, word);
	issuer_verb(i, &v, a);
	buf_put_u8(a->out, 0);
	buf_put_u8(a->err, 0);
	strvec_release(&argv);
	free(copy);
	return a->status;
}

static void
answer_free(struct verb_answer *a)
{
	buf_free(a->out);
	buf_free(a->err);
	free(a->event);
}

#define LINE	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICIvcok9RGSofkyNyOTs8oCgrlMinCH9BxI/oI5kGNKc me\n"

static const struct {
	const char	*who, *words, *in;
	int		 status;
	const char	*err;	/* part of it */
} verb_rows[] = {
	{ "host/root", "cert issue --identity agent/ci --key -", LINE, 0, "issued agent/ci:1" },
	{ "agent/ci", "cert issue --identity agent/ci --key -", LINE, 1, "on the host alone" },
	{ "agent/ci", "cert revoke 1", "", 1, "on the host alone" },
	{ "host/root", "cert issue --identity agent/../x --key -", LINE, 1, "identity must" },
	{ "host/root", "cert issue --identity agent --key -", LINE, 1, "identity must" },
	{ "host/root", "cert issue --identity agent/ --key -", LINE, 1, "identity must" },
	{ "host/root", "cert issue --identity agent/ci --key - --owner eva", LINE, 1, "owner must" },
	{ "host/root", "cert issue --identity agent/ci --key - --ttl 2h", LINE, 1, "ttl is longer" },
	{ "host/root", "cert issue --identity agent/ci --key - --ttl 0", LINE, 2, "--ttl must" },
	{ "host/root", "cert issue --identity agent/ci --key - --ttl", LINE, 2, "needs a value" },
	{ "host/root", "cert issue --identity agent/ci --key - --ttl 5m --ttl 5m", LINE, 2, "twice" },
	{ "host/root", "cert issue --identity agent/ci --key - --serial 5", LINE, 2, "unknown option" },
	{ "host/root", "cert issue --identity agent/ci --key - --source-address 10.0.0.1/8", LINE, 1,
	  "source address" },
	{ "host/root", "cert issue --identity agent/ci --key - --group a,b", LINE, 1, "group" },
	{ "host/root", "cert issue --identity agent/ci --key -", "ssh-rsa AAAA", 1, "not a public key" },
	{ "host/root", "cert issue --identity agent/ci --key /etc/passwd", LINE, 2, "--key -" },
	{ "host/root", "cert revoke 99999999", "", 1, "no such certificate" },
	{ "host/root", "cert revoke nobody", "", 1, "no such certificate" },
	{ "host/root", "cert revoke", "", 2, "needs one" },
	{ "host/root", "cert revoke 1 2", "", 2, "needs one" },
	{ "host/root", "cert revoke -", "rubbish", 1, "not a key" },
	{ "host/root", "cert", "", 2, "unknown verb" },
	{ "host/root", "ca rotate", "", 2, "unknown verb" },
	{ "host/root", "ca show", "", 0, "SHA256:" },
	{ "host/root", "cert revoke agent/ci:1", "", 0, "revoked key_id agent/ci:1" },
	{ "host/root", "cert revoke -", LINE, 0, "revoked key SHA256:" },
	{ "host/root", "cert issue --identity agent/ci --key -", LINE, 1, "revoked" },
};

static void
administrators_get_what_is_allowed(void **state)
{
	struct verb_answer a;
	struct issuer *i;
	char *why;

	assert_int_equal(issuer_open(*state, seed, 3600 * 1000, &i, &why), 0);
	for (size_t n = 0; n < sizeof(verb_rows) / sizeof(verb_rows[0]); n++) {
		int status = verb(i, verb_rows[n].who, verb_rows[n].words, verb_rows[n].in, &a);

		if (status != verb_rows[n].status || strstr((const char *)buf_ptr(a.err), verb_rows[n].err) == NULL)
			fail_msg("%s: %d, %s", verb_rows[n].words, status, (const char *)buf_ptr(a.err));
		/* A refusal prints no certificate and leaves no event; one line of words. */
		assert_true(status == 0 || (buf_len(a.out) == 1 && a.event == NULL && !a.krl_changed));
		assert_ptr_equal(strchr((const char *)buf_ptr(a.err), '\n'), buf_ptr(a.err) + buf_len(a.err) - 2);
		answer_free(&a);
	}
	issuer_free(i);
}

static void
revocations_outlive_a_restart(void **state)
{
	struct verb_answer a;
	struct issuer *i;
	char *why, *krl = file_join(*state, "krl");

	assert_int_equal(issuer_open(*state, seed, 3600 * 1000, &i, &why), 0);
	for (int n = 0; n < 3; n++) {
		assert_int_equal(verb(i, "host/root", "cert issue --identity agent/ci --key -", LINE, &a), 0);
		answer_free(&a);
	}
	assert_int_equal(verb(i, "host/root", "cert revoke 2", "", &a), 0);
	assert_true(a.krl_changed);
	assert_non_null(strstr(a.event, "cert.revoke"));
	answer_free(&a);
	issuer_free(i);
	assert_int_equal(issuer_open(*state, seed, 3600 * 1000, &i, &why), 0);
	assert_int_equal(verb(i, "host/root", "cert list", "", &a), 0);
	assert_non_null(strstr((const char *)buf_ptr(a.out), "revoked  agent/ci:2"));
	assert_non_null(strstr((const char *)buf_ptr(a.out), "valid    agent/ci:3"));
	answer_free(&a);
	issuer_free(i);
	/* A list that was lost or damaged is not an empty one. */
	assert_int_equal(file_write(krl, "x", 1, 0600), 0);
	assert_int_not_equal(issuer_open(*state, seed, 3600 * 1000, &i, &why), 0);
	free(why);
	assert_int_equal(unlink(krl), 0);
	assert_int_not_equal(issuer_open(*state, seed, 3600 * 1000, &i, &why), 0);
	free(why);
	free(krl);
}

static void
a_long_list_keeps_the_newest_and_says_so(void **state)
{
	struct ledger *l;
	struct verb_answer a;
	struct issuer *i;
	char *why, id[32];
	uint64_t serial;

	assert_int_equal(issuer_open(*state, seed, 3600 * 1000, &i, &why), 0);
	l = issuer_ledger(i);
	for (int n = 0; n < 3000; n++) {
		assert_int_equal(ledger_serial(l, &serial), 0);
		(void)snprintf(id, sizeof(id), "a/b:%" PRIu64, serial);
		struct ledger_entry e = { .serial = serial, .key_id = id, .principal = "a/b", .fingerprint = "SHA256:x",
			.before = (uint64_t)NOW_MS, .by = "host/x" };

		assert_int_equal(ledger_add(l, &e, NOW_MS, LEDGER_LAZY), 0);
	}
	assert_int_equal(verb(i, "host/root", "cert list", "", &a), 0);
	assert_non_null(strstr((const char *)buf_ptr(a.out), "a/b:3000\n"));
	assert_null(strstr((const char *)buf_ptr(a.out), "a/b:1\n"));
	assert_non_null(strstr((const char *)buf_ptr(a.err), "older certificates are not shown"));
	answer_free(&a);
	assert_int_equal(verb(i, "host/root", "cert list --json", "", &a), 0);
	assert_non_null(strstr((const char *)buf_ptr(a.out), "\"state\":\"valid\"}\n"));
	answer_free(&a);
	issuer_free(i);
}

static const struct {
	const char	*identity, *session, *target, *login;
	int64_t		 ttl;
	int		 r;
} mint_rows[] = {
	{ "agent/ci", "S-0123456789", "web1", "deploy", 60000, 0 },
	{ "agent", "S-0123456789", "web1", "deploy", 60000, ERR_DENIED },
	{ "agent/ci", "S-1", "web1", "deploy", 60000, ERR_DENIED },
	{ "agent/ci", "S-0123456789", "web 1", "deploy", 60000, ERR_DENIED },
	{ "agent/ci", "S-0123456789", "web1", "agent/ci", 60000, ERR_DENIED },	/* would open the outer door */
	{ "agent/ci", "S-0123456789", "web1", "-oProxyCommand", 60000, ERR_DENIED },
	{ "agent/ci", "S-0123456789", "web1", "deploy", 0, ERR_DENIED },
	{ "agent/ci", "S-0123456789", "web1", "deploy", -1, ERR_DENIED },
	{ "agent/ci", "S-0123456789", "web1", "deploy", (int64_t)2 * 3600 * 1000, ERR_DENIED },
};

static void
a_minted_certificate_is_no_identity(void **state)
{
	struct cert_check k = { .now = NOW_MS / 1000 };
	struct issuer_result res;
	struct issuer *i;
	struct cert *c;
	const char *refused;
	uint8_t *key;
	char *why;
	size_t n;

	assert_int_equal(issuer_open(*state, seed, 3600 * 1000, &i, &why), 0);
	assert_int_equal(sshkey_from_line(LINE, strlen(LINE), &key, &n), 0);
	for (size_t m = 0; m < sizeof(mint_rows) / sizeof(mint_rows[0]); m++) {
		struct buf *out = buf_new(CERT_BLOB_MAX);
		struct issuer_mint q = { .identity = mint_rows[m].identity, .session = mint_rows[m].session,
			.target = mint_rows[m].target, .login = mint_rows[m].login, .key = key, .keylen = n,
			.ttl_ms = mint_rows[m].ttl };

		assert_int_equal(issuer_mint(i, &q, NOW_MS, out, &res, &refused), mint_rows[m].r);
		if (mint_rows[m].r == 0) {
			assert_int_equal(cert_parse(buf_ptr(out), buf_len(out), &c), 0);
			assert_string_equal(c->key_id, "agent/ci S-0123456789 web1");
			assert_true(c->valid_before == (uint64_t)NOW_MS / 1000 + 60 && c->serial == res.serial);
			k.ca_key = issuer_ca_key(i, &k.ca_key_len);
			assert_int_equal(cert_judge(c, &k, &refused), ERR_DENIED);
			cert_free(c);
		}
		free(res.key_id);
		buf_free(out);
	}
	free(key);
	issuer_free(i);
}

static void
it_has_no_right_that_was_not_asked_for(void **state)
{
	struct issuer_result res;
	struct issuer *i;
	const char *refused;
	uint8_t *key;
	char *why;
	size_t n;

	assert_int_equal(issuer_open(*state, seed, 3600 * 1000, &i, &why), 0);
	assert_int_equal(sshkey_from_line(LINE, strlen(LINE), &key, &n), 0);
	for (int rights = 0; rights < 4; rights++) {
		struct issuer_mint q = { .identity = "agent/ci", .session = "S-0123456789", .target = "web1", .login = "deploy",
			.key = key, .keylen = n, .ttl_ms = 60000, .pty = (rights & 1) != 0, .forward = (rights & 2) != 0 };
		struct buf *out = buf_new(CERT_BLOB_MAX);
		struct cert *c;

		assert_int_equal(issuer_mint(i, &q, NOW_MS, out, &res, &refused), 0);
		assert_int_equal(cert_parse(buf_ptr(out), buf_len(out), &c), 0);
		assert_int_equal(c->permit_pty, (rights & 1) != 0);
		assert_int_equal(c->permit_port_forwarding, (rights & 2) != 0);
		assert_true(!c->permit_x11_forwarding && !c->permit_agent_forwarding && c->force_command == NULL);
		cert_free(c);
		free(res.key_id);
		buf_free(out);
	}
	free(key);
	issuer_free(i);
}

static void
what_is_only_on_the_way_runs_nothing(void **state)
{
	struct issuer_result res;
	struct issuer *i;
	const char *refused;
	uint8_t *key;
	char *why;
	size_t n;

	assert_int_equal(issuer_open(*state, seed, 3600 * 1000, &i, &why), 0);
	assert_int_equal(sshkey_from_line(LINE, strlen(LINE), &key, &n), 0);
	for (int way = 0; way < 2; way++) {
		struct issuer_mint q = { .identity = "agent/ci", .session = "S-0123456789", .target = "jump", .login = "deploy",
			.key = key, .keylen = n, .ttl_ms = 60000, .pty = true, .way_only = way };
		struct buf *out = buf_new(CERT_BLOB_MAX);
		struct cert *c;

		assert_int_equal(issuer_mint(i, &q, NOW_MS, out, &res, &refused), 0);
		assert_int_equal(cert_parse(buf_ptr(out), buf_len(out), &c), 0);
		assert_int_equal(c->force_command != NULL, way);
		assert_int_equal(c->permit_port_forwarding, way);
		assert_int_equal(c->permit_pty, !way);
		cert_free(c);
		free(res.key_id);
		buf_free(out);
	}
	free(key);
	issuer_free(i);
}

static char *
checkpoint(const char *origin, unsigned size, uint8_t first)
{
	uint8_t root[32] = { first };
	char b64[64];

	sodium_bin2base64(b64, sizeof(b64), root, sizeof(root), sodium_base64_VARIANT_ORIGINAL);
	return xasprintf("%s\n%u\n%s\n", origin, size, b64);
}

static int
sign(struct signer *s, const char *origin, unsigned size, uint8_t first)
{
	char *text = checkpoint(origin, size, first), *line = NULL;
	const char *why;
	int r = signer_sign(s, text, strlen(text), &line, &why);

	if (r == 0) {
		assert_int_equal(note_verify("host/log", signer_key(s), text, strlen(text), line), 0);
		text[0] ^= 1;
		assert_int_equal(note_verify("host/log", signer_key(s), text, strlen(text), line), ERR_CRYPTO);
	}
	free(line);
	free(text);
	return r;
}

static void
a_log_is_signed_forward_only(void **state)
{
	struct signer *s;

	assert_int_equal(signer_open(*state, "host/log", seed, &s), 0);
	assert_int_equal(sign(s, "host/log", 0, 0), 0);
	assert_int_equal(sign(s, "host/log", 10, 1), 0);
	assert_int_equal(sign(s, "host/log", 10, 1), 0);
	assert_int_equal(sign(s, "host/log", 10, 2), ERR_DENIED);
	assert_int_equal(sign(s, "host/log", 9, 1), ERR_DENIED);
	assert_int_equal(sign(s, "other/log", 11, 1), ERR_DENIED);
	signer_free(s);
	assert_int_equal(signer_open(*state, "host/log", seed, &s), 0);
	assert_int_equal(sign(s, "host/log", 9, 1), ERR_DENIED);
	assert_int_equal(sign(s, "host/log", 10, 2), ERR_DENIED);
	assert_int_equal(sign(s, "host/log", 11, 2), 0);
	signer_free(s);
	spoil(*state, "signed", 9);
	assert_int_equal(signer_open(*state, "other/log", seed, &s), ERR_FORMAT);
}

static void
only_checkpoints_are_signed(void **state)
{
	static const char *const bad[] = {
		"", "\n", "host/log\n1\n", "host/log\n1\nAAAA\n",
		"host/log\n01\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		"host/log\n-1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		"host/log\n99999999999999999999\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		"host/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"host/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nextra\n",
		"host/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n",	/* bits that mean nothing */
	};
	struct note_checkpoint c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(note_checkpoint_parse(bad[i], strlen(bad[i]), &c), ERR_FORMAT);
}

static void
verifier_keys_are_read_back(void **state)
{
	/* The key of the example in the signed-note specification's reference implementation. */
	static const char known[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
	uint8_t key[NOTE_KEY_LEN], again[NOTE_KEY_LEN] = { 1 };
	char *line, *name;

	(void)state;
	assert_int_equal(note_key_parse(known, &name, key), 0);
	assert_string_equal(name, "PeterNeumann");
	free(name);
	line = note_key_line("host/log", again);
	assert_int_equal(note_key_parse(line, &name, key), 0);
	assert_memory_equal(key, again, sizeof(key));
	free(name);
	line[strlen("host/log+")] ^= 1;
	assert_int_equal(note_key_parse(line, &name, key), ERR_FORMAT);
	assert_int_equal(note_key_parse("x", &name, key), ERR_FORMAT);
	assert_int_equal(note_key_parse("x+y", &name, key), ERR_FORMAT);
	assert_int_equal(note_key_parse("x++", &name, key), ERR_FORMAT);
	free(line);
}

#define IN_DIR(f)	cmocka_unit_test_setup_teardown(f, dir_make, dir_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(keys_open_with_their_master_alone),
		IN_DIR(altered_keys_do_not_open),
		IN_DIR(a_public_half_that_is_not_ours_is_noticed),
		IN_DIR(serials_never_come_twice),
		IN_DIR(a_torn_line_is_passed_over),
		IN_DIR(administrators_get_what_is_allowed),
		IN_DIR(revocations_outlive_a_restart),
		IN_DIR(a_long_list_keeps_the_newest_and_says_so),
		IN_DIR(a_minted_certificate_is_no_identity),
		IN_DIR(what_is_only_on_the_way_runs_nothing),
		IN_DIR(it_has_no_right_that_was_not_asked_for),
		IN_DIR(a_log_is_signed_forward_only),
		cmocka_unit_test(only_checkpoints_are_signed),
		cmocka_unit_test(verifier_keys_are_read_back),
	};

	if (sodium_init() == -1)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
