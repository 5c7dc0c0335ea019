/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists: ours are read by ssh-keygen, ssh-keygen's by us, damaged ones by nobody. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/krl.h"
#include "t/unit/test-cert-keygen.h"

#define CERTS	6	/* certificates with serials 1 to 6 */

struct world {
	char		*dir;
	uint8_t		*ca;
	size_t		 calen;
	struct cert	*cert[CERTS];
};

static int
world_make(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	char words[128];
	uint8_t *blob;
	size_t n;

	w->dir = keygen_dir_make();
	if (keygen(w->dir, "-q -t ed25519 -N ~ -f ca") != 0)
		return -1;
	w->ca = keygen_blob(w->dir, "ca.pub", &w->calen);
	for (int i = 0; i < CERTS; i++) {
		(void)snprintf(words, sizeof(words), "-q -t ed25519 -N ~ -f k%d", i + 1);
		assert_int_equal(keygen(w->dir, words), 0);
		(void)snprintf(words, sizeof(words), "-q -s ca -z %d -I agent/ci:%d -n agent/ci k%d.pub", i + 1, i + 1,
		    i + 1);
		assert_int_equal(keygen(w->dir, words), 0);
		(void)snprintf(words, sizeof(words), "k%d-cert.pub", i + 1);
		blob = keygen_blob(w->dir, words, &n);
		assert_int_equal(cert_parse(blob, n, &w->cert[i]), 0);
		free(blob);
	}
	*state = w;
	return 0;
}

static int
world_free(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CERTS; i++)
		cert_free(w->cert[i]);
	free(w->ca);
	keygen_dir_remove(w->dir);
	free(w);
	return 0;
}

/* Which of the certificates are revoked, serial 1 first: "x.x..." */
static void
revoked(const struct world *w, const struct krl *k, char out[CERTS + 1])
{
	for (int i = 0; i < CERTS; i++)
		out[i] = krl_is_revoked(k, w->cert[i]) ? 'x' : '.';
	out[CERTS] = '\0';
}

/* The same as ssh-keygen sees it. */
static void
revoked_by_keygen(const struct world *w, const char *file, char out[CERTS + 1])
{
	char words[128];

	for (int i = 0; i < CERTS; i++) {
		(void)snprintf(words, sizeof(words), "-Q -f %s k%d-cert.pub", file, i + 1);
		out[i] = keygen(w->dir, words) == 0 ? '.' : 'x';
	}
	out[CERTS] = '\0';
}

static struct buf *
written(struct krl *k)
{
	struct buf *b = buf_new(KRL_MAX);

	assert_int_equal(krl_write(k, 1800000000, b), 0);
	return b;
}

static void
ssh_keygen_reads_ours(void **state)
{
	const struct world *w = *state;
	char mine[CERTS + 1], theirs[CERTS + 1], *path = file_join(w->dir, "ours");
	struct krl *k = krl_new(), *again;
	struct buf *b;

	assert_int_equal(krl_revoke_serial(k, w->ca, w->calen, 2, 2), 0);
	assert_int_equal(krl_revoke_serial(k, w->ca, w->calen, 100, 90), ERR_FORMAT);
	assert_int_equal(krl_revoke_serial(k, w->ca, w->calen, 0, 0), ERR_FORMAT);
	assert_int_equal(krl_revoke_serial(k, w->ca, w->calen, 4, 5), 0);
	assert_int_equal(krl_revoke_key_id(k, w->ca, w->calen, "agent/ci:6"), 0);
	assert_int_equal(krl_revoke_key(k, w->cert[0]->subject_key, w->cert[0]->subject_key_len), 0);
	b = written(k);
	assert_int_equal(file_write(path, buf_ptr(b), buf_len(b), 0600), 0);
	revoked(w, k, mine);
	revoked_by_keygen(w, "ours", theirs);
	assert_string_equal(mine, "xx.xxx");
	assert_string_equal(theirs, "xx.xxx");
	assert_int_equal(krl_parse(buf_ptr(b), buf_len(b), &again), 0);
	revoked(w, again, mine);
	assert_string_equal(mine, "xx.xxx");
	assert_true(krl_version(again) == 1);
	krl_free(again);
	krl_free(k);
	buf_free(b);
	free(path);
}

static void
an_empty_list_revokes_nothing(void **state)
{
	const struct world *w = *state;
	char got[CERTS + 1], *path = file_join(w->dir, "empty");
	struct krl *k = krl_new(), *again;
	struct buf *b = written(k);

	assert_int_equal(krl_parse(buf_ptr(b), buf_len(b), &again), 0);
	assert_int_equal(file_write(path, buf_ptr(b), buf_len(b), 0600), 0);
	revoked(w, again, got);
	assert_string_equal(got, "......");
	revoked_by_keygen(w, "empty", got);
	assert_string_equal(got, "......");
	krl_free(again);
	krl_free(k);
	buf_free(b);
	free(path);
}

/* What ssh-keygen makes of a specification. */
static const struct {
	const char	*spec, *want;
} theirs_rows[] = {
	{ "serial: 1\nserial: 3-5\n", "x.xxx." },
	/* a bitmap */
	{ "serial: 1\nserial: 3\nserial: 5\nserial: 7\nserial: 9\nserial: 11\nserial: 13\nserial: 15\n", "x.x.x." },
	{ "id: agent/ci:2\n", ".x...." },
	{ "serial: 6-18446744073709551615\n", ".....x" },
	{ "", "......" },
};

static void
ours_reads_ssh_keygen(void **state)
{
	const struct world *w = *state;
	char got[CERTS + 1], *spec = file_join(w->dir, "spec"), *list = file_join(w->dir, "theirs");
	struct krl *k;

	for (size_t i = 0; i < sizeof(theirs_rows) / sizeof(theirs_rows[0]); i++) {
		struct buf *b = buf_new(KRL_MAX);

		assert_int_equal(file_write(spec, theirs_rows[i].spec, strlen(theirs_rows[i].spec), 0600), 0);
		assert_int_equal(keygen(w->dir, "-q -k -f theirs -s ca.pub spec"), 0);
		assert_int_equal(file_read(list, b), 0);
		assert_int_equal(krl_parse(buf_ptr(b), buf_len(b), &k), 0);
		revoked(w, k, got);
		assert_string_equal(got, theirs_rows[i].want);
		krl_free(k);
		buf_free(b);
	}
	free(spec);
	free(list);
}

/* Keys by themselves, and by both hashes. */
static void
ours_reads_their_keys_and_hashes(void **state)
{
	static const char *const words[] = { "key: ", "sha1: ", "sha256: " };
	const struct world *w = *state;
	char got[CERTS + 1], *pub = file_join(w->dir, "k3.pub"), *spec = file_join(w->dir, "spec");
	char *list = file_join(w->dir, "theirs"), *text;
	struct buf *line = buf_new(4096);
	struct krl *k;

	assert_int_equal(file_read(pub, line), 0);
	for (size_t i = 0; i < 3; i++) {
		struct buf *b = buf_new(KRL_MAX);

		text = xasprintf("%s%.*s", words[i], (int)buf_len(line), (const char *)buf_ptr(line));
		assert_int_equal(file_write(spec, text, strlen(text), 0600), 0);
		assert_int_equal(keygen(w->dir, "-q -k -f theirs spec"), 0);
		assert_int_equal(file_read(list, b), 0);
		assert_int_equal(krl_parse(buf_ptr(b), buf_len(b), &k), 0);
		revoked(w, k, got);
		assert_string_equal(got, "..x...");
		krl_free(k);
		buf_free(b);
		free(text);
	}
	buf_free(line);
	free(pub);
	free(spec);
	free(list);
}

static void
a_revoked_ca_revokes_all(void **state)
{
	const struct world *w = *state;
	char got[CERTS + 1];
	struct krl *k = krl_new();

	assert_int_equal(krl_revoke_key(k, w->ca, w->calen), 0);
	revoked(w, k, got);
	assert_string_equal(got, "xxxxxx");
	krl_free(k);
}

static void
another_ca_s_serials_are_another_s(void **state)
{
	const struct world *w = *state;
	char got[CERTS + 1];
	struct krl *k = krl_new();

	assert_int_equal(krl_revoke_serial(k, w->cert[0]->subject_key, w->cert[0]->subject_key_len, 1, 6), 0);
	revoked(w, k, got);
	assert_string_equal(got, "......");
	krl_free(k);
}

static void
ranges_melt_together(void **state)
{
	const struct world *w = *state;
	struct krl *k = krl_new();
	struct buf *b;
	size_t few;

	for (uint64_t s = 1; s < 2000; s += 2)
		assert_int_equal(krl_revoke_serial(k, w->ca, w->calen, s, s), 0);
	b = written(k);
	assert_true(buf_len(b) > 8000);
	buf_free(b);
	for (uint64_t s = 2; s < 2000; s += 2)
		assert_int_equal(krl_revoke_serial(k, w->ca, w->calen, s, s), 0);
	b = written(k);
	few = buf_len(b);
	assert_true(few < 200);
	assert_true(krl_has_serial(k, w->ca, w->calen, 1999, "x"));
	assert_false(krl_has_serial(k, w->ca, w->calen, 2000, "x"));
	assert_int_equal(krl_revoke_serial(k, w->ca, w->calen, 5, UINT64_MAX), 0);
	assert_true(krl_has_serial(k, w->ca, w->calen, UINT64_MAX, "x"));
	buf_free(b);
	krl_free(k);
}

static void
a_full_list_says_so(void **state)
{
	const struct world *w = *state;
	struct krl *k = krl_new();
	struct buf *b = buf_new(KRL_MAX);
	int r = 0;

	for (uint64_t s = 1; r == 0 && s < 200000; s += 2)
		r = krl_revoke_serial(k, w->ca, w->calen, s, s);
	assert_int_equal(r, ERR_TOOBIG);
	assert_int_equal(krl_write(k, 0, b), 0);
	buf_free(b);
	krl_free(k);
}

static void
damaged_lists_are_refused(void **state)
{
	static const uint8_t critical[] = { 255, 0, 0, 0, 10, 0, 0, 0, 1, 'x', 1, 0, 0, 0, 0 };
	static const uint8_t harmless[] = { 255, 0, 0, 0, 10, 0, 0, 0, 1, 'x', 0, 0, 0, 0, 0 };
	static const uint8_t signature[] = { 4, 0, 0, 0, 0 };
	const struct world *w = *state;
	struct krl *k = krl_new(), *got;
	struct buf *b;
	size_t n, whole = 0;

	krl_revoke_serial(k, w->ca, w->calen, 2, 2);
	krl_revoke_key_id(k, w->ca, w->calen, "agent/ci:6");
	b = written(k);
	n = buf_len(b);
	for (size_t i = 0; i < n; i++) {
		uint8_t *exact = xmalloc(i + (i == 0));

		memcpy(exact, buf_ptr(b), i);
		/* The header alone is a whole list. */
		if (krl_parse(exact, i, &got) == 0) {
			whole++;
			krl_free(got);
		}
		free(exact);
	}
	assert_int_equal(whole, 1);
	buf_put(b, harmless, sizeof(harmless));
	assert_int_equal(krl_parse(buf_ptr(b), buf_len(b), &got), 0);
	krl_free(got);
	buf_put(b, critical, sizeof(critical));
	assert_int_equal(krl_parse(buf_ptr(b), buf_len(b), &got), ERR_FORMAT);
	buf_trim(b, sizeof(critical));
	buf_put(b, signature, sizeof(signature));
	assert_int_equal(krl_parse(buf_ptr(b), buf_len(b), &got), ERR_FORMAT);
	buf_free(b);
	krl_free(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ssh_keygen_reads_ours),
		cmocka_unit_test(an_empty_list_revokes_nothing),
		cmocka_unit_test(ours_reads_ssh_keygen),
		cmocka_unit_test(ours_reads_their_keys_and_hashes),
		cmocka_unit_test(a_revoked_ca_revokes_all),
		cmocka_unit_test(another_ca_s_serials_are_another_s),
		cmocka_unit_test(ranges_melt_together),
		cmocka_unit_test(a_full_list_says_so),
		cmocka_unit_test(damaged_lists_are_refused),
	};

	if (sodium_init() == -1)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, world_make, world_free);
}
