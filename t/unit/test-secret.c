/* SPDX-License-Identifier: Apache-2.0 */
/* Held keys and passwords: the sealed store, private keys of the real ssh-keygen, what an agent with one key is asked. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/agent-wire.h"
#include "bastion/ident/privkey.h"
#include "bastion/ident/sealed.h"
#include "bastion/ident/secrets.h"
#include "bastion/ident/sshkey.h"
#include "t/unit/test-cert-keygen.h"

static const uint8_t key_a[SEALED_KEY_LEN] = { 1 }, key_b[SEALED_KEY_LEN] = { 2 };

static void
sealed_opens_with_its_key_and_name_alone(void **state)
{
	struct buf *b = buf_new(1024), *out = buf_new(1024), *bad;

	(void)state;
	assert_int_equal(sealed_put(b, key_a, "one", "a secret", 8), 0);
	assert_int_equal(sealed_open(b, key_a, "one", out), 0);
	assert_int_equal(buf_len(out), 8);
	assert_memory_equal(buf_ptr(out), "a secret", 8);
	assert_int_equal(sealed_open(b, key_b, "one", out), ERR_CRYPTO);
	assert_int_equal(sealed_open(b, key_a, "two", out), ERR_FORMAT);
	for (size_t i = 0; i < buf_len(b); i++) {
		bad = buf_new(1024);
		assert_int_equal(buf_put(bad, buf_ptr(b), buf_len(b)), 0);
		((uint8_t *)(uintptr_t)buf_ptr(bad))[i] ^= 1;
		assert_int_not_equal(sealed_open(bad, key_a, "one", out), 0);
		buf_free(bad);
	}
	for (size_t i = 0; i < buf_len(b); i++) {
		bad = buf_view(buf_ptr(b), i);
		assert_int_not_equal(sealed_open(bad, key_a, "one", out), 0);
		buf_free(bad);
	}
	assert_int_equal(buf_len(out), 8);	/* nothing was added by what failed */
	buf_free(out);
	buf_free(b);
}

static int
count_one(const char *name, enum secret_kind kind, int64_t since_ms, const uint8_t *p, size_t n, void *arg)
{
	char *seen = arg;

	(void)kind;
	(void)since_ms;
	(void)p;
	(void)n;
	memcpy(seen + strlen(seen), name, strlen(name) + 1);
	return 0;
}

static void
store_keeps_by_name(void **state)
{
	char *dir = keygen_dir_make(), seen[64] = "", *path = file_join(dir, "secrets");
	struct buf *out = buf_new(SECRET_BYTES_MAX);
	enum secret_kind kind;
	struct secrets *s;
	struct stat st;

	(void)state;
	assert_int_equal(secrets_open(dir, key_a, &s), 0);
	assert_int_equal(secrets_get(s, "b", &kind, out), ERR_NOTFOUND);
	assert_int_equal(secrets_remove(s, "b"), ERR_NOTFOUND);
	assert_int_equal(secrets_put(s, "b", SECRET_PASSWORD, "old", 3, 1), 0);
	assert_int_equal(secrets_put(s, "c", SECRET_KEY, "key", 3, 2), 0);
	assert_int_equal(secrets_put(s, "a", SECRET_KEY, "first", 5, 3), 0);
	assert_int_equal(secrets_put(s, "b", SECRET_PASSWORD, "new one", 7, 4), 0);
	assert_int_equal(secrets_walk(s, count_one, seen), 0);
	assert_string_equal(seen, "abc");
	assert_int_equal(secrets_get(s, "b", &kind, out), 0);
	assert_int_equal(kind, SECRET_PASSWORD);
	assert_memory_equal(buf_ptr(out), "new one", 7);
	assert_int_equal(secrets_remove(s, "a"), 0);
	secrets_free(s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(secrets_open(dir, key_b, &s), ERR_CRYPTO);
	assert_null(s);
	assert_int_equal(secrets_open(dir, key_a, &s), 0);
	seen[0] = '\0';
	assert_int_equal(secrets_walk(s, count_one, seen), 0);
	assert_string_equal(seen, "bc");
	secrets_free(s);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(secrets_open(dir, key_a, &s), ERR_DENIED);
	buf_free(out);
	free(path);
	keygen_dir_remove(dir);
}

static void
store_has_ceilings_and_names(void **state)
{
	char *dir = keygen_dir_make(), name[16] = "n000";
	uint8_t *big = xcalloc(1, SECRET_BYTES_MAX + 1);
	struct secrets *s;

	(void)state;
	assert_int_equal(secrets_open(dir, key_a, &s), 0);
	assert_int_equal(secrets_put(s, "x", SECRET_KEY, big, SECRET_BYTES_MAX + 1, 1), ERR_TOOBIG);
	assert_int_equal(secrets_put(s, "x", SECRET_KEY, big, 0, 1), ERR_TOOBIG);
	assert_int_equal(secrets_put(s, "../x", SECRET_KEY, big, 1, 1), ERR_FORMAT);
	assert_int_equal(secrets_put(s, "", SECRET_KEY, big, 1, 1), ERR_FORMAT);
	assert_int_equal(secrets_put(s, "-x", SECRET_KEY, big, 1, 1), ERR_FORMAT);
	for (int i = 0; i < SECRETS_MAX; i++) {
		name[1] = (char)('0' + i / 100);
		name[2] = (char)('0' + i / 10 % 10);
		name[3] = (char)('0' + i % 10);
		assert_int_equal(secrets_put(s, name, SECRET_KEY, big, 1, 1), 0);
	}
	assert_int_equal(secrets_put(s, "one-more", SECRET_KEY, big, 1, 1), ERR_TOOBIG);
	assert_int_equal(secrets_put(s, name, SECRET_KEY, big, 2, 1), 0);
	secrets_free(s);
	free(big);
	keygen_dir_remove(dir);
}

static struct buf *
file_text(const char *dir, const char *name)
{
	char *path = file_join(dir, name);
	struct buf *b = buf_new(PRIVKEY_TEXT_MAX);

	assert_int_equal(file_read(path, b), 0);
	free(path);
	return b;
}

static void
private_keys_of_ssh_keygen_sign(void **state)
{
	static const struct {
		const char *make, *algorithm, *other;
	} t[] = {
		{ "-q -t ed25519 -N ~ -f k", "ssh-ed25519", "ssh-rsa" },
		{ "-q -t ecdsa -b 256 -N ~ -f k", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384" },
		{ "-q -t ecdsa -b 384 -N ~ -f k", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp256" },
		{ "-q -t ecdsa -b 521 -N ~ -f k", "ecdsa-sha2-nistp521", "ssh-ed25519" },
		{ "-q -t rsa -b 2048 -N ~ -f k", "rsa-sha2-256", "ssh-rsa" },
		{ "-q -t rsa -b 3072 -N ~ -f k", "rsa-sha2-512", "rsa-sha2-1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char *dir = keygen_dir_make();
		struct privkey *k = NULL;
		struct buf *text, *sig = buf_new(8192);
		const uint8_t *blob;
		const char *why;
		uint8_t *want;
		size_t n, wantlen;

		assert_int_equal(keygen(dir, t[i].make), 0);
		text = file_text(dir, "k");
		assert_int_equal(privkey_parse(buf_ptr(text), buf_len(text), &k, &why), 0);
		want = keygen_blob(dir, "k.pub", &wantlen);
		blob = privkey_blob(k, &n);
		assert_int_equal(n, wantlen);
		assert_memory_equal(blob, want, n);
		for (int round = 0; round < 8; round++) {	/* numbers with and without a leading zero */
			buf_clear(sig);
			assert_int_equal(privkey_sign(k, t[i].algorithm, "text", 4, sig), 0);
			assert_int_equal(sshkey_verify(blob, n, (const uint8_t *)"text", 4, buf_ptr(sig), buf_len(sig)), 0);
			assert_int_not_equal(sshkey_verify(blob, n, (const uint8_t *)"texx", 4, buf_ptr(sig), buf_len(sig)), 0);
		}
		assert_int_equal(privkey_sign(k, t[i].other, "text", 4, sig), ERR_DENIED);
		free(want);
		privkey_free(k);
		buf_free(text);
		buf_free(sig);
		keygen_dir_remove(dir);
	}
}

static void
damaged_private_keys_are_refused(void **state)
{
	char *dir = keygen_dir_make(), *copy;
	struct privkey *k = NULL;
	struct buf *text;
	const char *why;
	unsigned read = 0;

	(void)state;
	assert_int_equal(keygen(dir, "-q -t ed25519 -N ~ -C c -f k"), 0);
	assert_int_equal(keygen(dir, "-q -t ed25519 -N secret -f locked"), 0);
	text = file_text(dir, "locked");
	assert_int_equal(privkey_parse(buf_ptr(text), buf_len(text), &k, &why), ERR_DENIED);
	assert_non_null(strstr(why, "passphrase"));
	buf_free(text);
	text = file_text(dir, "k");
	for (size_t i = 0; i < buf_len(text) - 2; i++)
		assert_int_not_equal(privkey_parse(buf_ptr(text), i, &k, &why), 0);
	/* One letter changed: still a key only where it was in the comment or the check numbers' equal halves. */
	copy = xmalloc(buf_len(text));
	for (size_t i = 0; i < buf_len(text); i++) {
		memcpy(copy, buf_ptr(text), buf_len(text));
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		if (privkey_parse(copy, buf_len(text), &k, &why) == 0) {
			read++;
			privkey_free(k);
		}
	}
	assert_true(read < 10);
	free(copy);
	buf_free(text);
	keygen_dir_remove(dir);
}

/* What a client signs, with one thing changed. */
struct login {
	size_t		 idlen;
	uint8_t		 type, has;
	const char	*user, *service, *method, *algorithm, *key, *more;
};

static int
check(const struct login *l, char algorithm[AGENT_ALGORITHM_MAX])
{
	static const uint8_t id[80];
	struct buf *b = buf_new(1024);
	int r;

	assert_int_equal(buf_put_string(b, id, l->idlen) | buf_put_u8(b, l->type) | buf_put_cstring(b, l->user) |
	    buf_put_cstring(b, l->service) | buf_put_cstring(b, l->method) | buf_put_u8(b, l->has) |
	    buf_put_cstring(b, l->algorithm) | buf_put_cstring(b, l->key) | buf_put(b, l->more, strlen(l->more)), 0);
	r = agent_login_check(buf_ptr(b), buf_len(b), "deploy", (const uint8_t *)"KEY", 3, algorithm);
	for (size_t i = 0; i < buf_len(b) - strlen(l->more); i++)	/* and never when it is cut */
		assert_int_not_equal(agent_login_check(buf_ptr(b), i, "deploy", (const uint8_t *)"KEY", 3, algorithm), 0);
	if (r == 0)
		assert_int_equal(agent_login_check(buf_ptr(b), buf_len(b), "deploy", (const uint8_t *)"KEY", 3, algorithm), 0);
	buf_free(b);
	return r;
}

static void
only_this_login_is_one(void **state)
{
	static const char long_name[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	const struct login good = { 32, 50, 1, "deploy", "ssh-connection", "publickey", "rsa-sha2-512", "KEY", "" };
	char algorithm[AGENT_ALGORITHM_MAX];
	struct login l = good;

	(void)state;
	assert_int_equal(check(&good, algorithm), 0);
	assert_string_equal(algorithm, "rsa-sha2-512");
#define BAD(field, value, code)	do { l = good; l.field = value; assert_int_equal(check(&l, algorithm), code); } while (0)
	BAD(idlen, 19, ERR_FORMAT);
	BAD(idlen, 65, ERR_FORMAT);
	BAD(idlen, 0, ERR_FORMAT);
	BAD(type, 51, ERR_FORMAT);
	BAD(has, 0, ERR_FORMAT);
	BAD(has, 2, ERR_FORMAT);
	BAD(user, "root", ERR_DENIED);
	BAD(user, "", ERR_DENIED);
	BAD(service, "ssh-userauth", ERR_FORMAT);
	BAD(method, "hostbased", ERR_FORMAT);
	BAD(algorithm, "", ERR_FORMAT);
	BAD(algorithm, long_name, ERR_FORMAT);
	BAD(key, "KEZ", ERR_DENIED);
	BAD(key, "KEYS", ERR_DENIED);
	BAD(more, "x", ERR_FORMAT);
#undef BAD
}

static void
frames_are_whole_or_nothing(void **state)
{
	static const uint8_t list[] = { 0, 0, 0, 1, 11 },
	    sign[] = { 0, 0, 0, 15, 13, 0, 0, 0, 1, 'k', 0, 0, 0, 1, 'd', 0, 0, 0, 4 },
	    other[] = { 0, 0, 0, 2, 17, 9 }, empty[] = { 0, 0, 0, 0 }, huge[] = { 0, 1, 0, 0, 13 },
	    cut[] = { 0, 0, 0, 6, 13, 0, 0, 0, 9, 'k' }, more[] = { 0, 0, 0, 2, 11, 1 };
	struct agent_request q;
	struct buf *b = buf_new(AGENT_FRAME_MAX);

	(void)state;
	for (size_t i = 0; i < sizeof(sign); i++) {
		assert_int_equal(agent_read(b, &q), ERR_AGAIN);
		assert_int_equal(buf_put(b, sign + i, 1), 0);
	}
	assert_int_equal(buf_put(b, list, sizeof(list)), 0);
	assert_int_equal(agent_read(b, &q), 0);
	assert_int_equal(q.what, AGENT_SIGN);
	assert_int_equal(q.keylen, 1);
	assert_int_equal(*q.key, 'k');
	assert_int_equal(*q.data, 'd');
	assert_int_equal(q.flags, 4);
	assert_int_equal(agent_read(b, &q), 0);
	assert_int_equal(q.what, AGENT_LIST);
	assert_int_equal(agent_read(b, &q), ERR_AGAIN);
#define FRAME(bytes, code)	do { buf_clear(b); assert_int_equal(buf_put(b, bytes, sizeof(bytes)), 0); \
	assert_int_equal(agent_read(b, &q), code); } while (0)
	FRAME(other, 0);
	assert_int_equal(q.what, AGENT_OTHER);
	FRAME(empty, ERR_FORMAT);
	FRAME(huge, ERR_TOOBIG);
	FRAME(cut, ERR_FORMAT);
	FRAME(more, ERR_FORMAT);
#undef FRAME
	buf_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealed_opens_with_its_key_and_name_alone),
		cmocka_unit_test(store_keeps_by_name),
		cmocka_unit_test(store_has_ceilings_and_names),
		cmocka_unit_test(private_keys_of_ssh_keygen_sign),
		cmocka_unit_test(damaged_private_keys_are_refused),
		cmocka_unit_test(only_this_login_is_one),
		cmocka_unit_test(frames_are_whole_or_nothing),
	};

	if (sodium_init() == -1)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
