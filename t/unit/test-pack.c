/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "bastion/base/err.h"
#include "gitfilter/delta.h"
#include "gitfilter/pack.h"
#include "t/unit/packmake.h"

#define MIB	(1024u * 1024)

struct seen {
	unsigned	n;
	size_t		bytes;
	uint8_t		last[20];
};

static int
see(uint32_t index, enum object_type type, const uint8_t oid[20], const uint8_t *p, size_t n, void *arg)
{
	struct seen *s = arg;

	(void)index;
	(void)type;
	(void)p;
	s->n++;
	s->bytes += n;
	memcpy(s->last, oid, 20);
	return 0;
}

/* Read bytes in steps; the result is pack_finish's or the first failure. *kp is the caller's to free. */
static int
read_pack(const uint8_t *p, size_t n, size_t step, struct seen *s, struct pack **kp)
{
	static const struct pack_params limits = {
		.max_pack_bytes = 64 * MIB, .max_object_bytes = 8 * MIB, .max_resolved_bytes = 64 * MIB,
		.max_objects = 1000, .max_depth = 50,
	};
	struct pack_params params = limits;
	int r = 0, fd = memfd_create("spool", MFD_CLOEXEC);

	assert_int_equal(write(fd, p, n), n);
	memset(s, 0, sizeof(*s));
	params.spool_fd = fd;
	params.object = see;
	params.arg = s;
	*kp = pack_new(&params);
	assert_non_null(*kp);
	for (size_t i = 0; r == 0 && i < n; i += step)
		r = pack_feed(*kp, p + i, n - i < step ? n - i : step);
	if (r == 0)
		r = pack_finish(*kp);
	return r;	/* the memfd lives as long as the test program: a handful */
}

/* Read m in pieces of several sizes; each must say want (0: any failure), with why in the line. Frees m. */
static void
expect(struct packmake *m, int want, const char *why)
{
	static const size_t steps[] = { 4 * MIB, 1000, 1 };
	struct seen s;
	struct pack *k;
	size_t n;
	const uint8_t *p = packmake_bytes(m, &n);
	int r;

	for (size_t i = 0; i < 3; i++) {
		if (n / steps[i] > 20000)
			continue;
		r = read_pack(p, n, steps[i], &s, &k);
		assert_true(want == 0 ? r != 0 : r == want);
		if (why != NULL)
			assert_non_null(strstr(pack_why(k), why));
		pack_free(k);
	}
	packmake_free(m);
}

static void
test_objects_come_out_whole(void **state)
{
	struct packmake *m = packmake_new(4);
	uint8_t delta[64], oid[20];
	size_t base, n;
	struct seen s;
	struct pack *k;
	const uint8_t *p, *c;

	(void)state;
	(void)packmake_object(m, OBJECT_BLOB, "", 0);
	base = packmake_object(m, OBJECT_BLOB, "hello\n", 6);
	base = packmake_ofs(m, base, delta, packmake_delta(6, 2, '!', delta, sizeof(delta)));
	packmake_name("blob", "hello\nhello\n!", 13, oid);
	(void)packmake_ref(m, oid, delta, packmake_delta(13, 1, '?', delta, sizeof(delta)));
	packmake_end(m);
	p = packmake_bytes(m, &n);
	for (size_t step = 1; step <= n; step++) {
		assert_int_equal(read_pack(p, n, step, &s, &k), 0);
		assert_int_equal(s.n, 4);
		assert_int_equal(s.bytes, 0 + 6 + 13 + 14);
		packmake_name("blob", "hello\nhello\n!?", 14, oid);
		assert_memory_equal(s.last, oid, 20);
		assert_int_equal(pack_content(k, pack_find(k, oid), &c, &n), 0);
		assert_int_equal(n, 14);
		p = packmake_bytes(m, &n);
		pack_free(k);
	}
	packmake_free(m);
}

static void
test_base_may_come_later(void **state)
{
	struct packmake *m = packmake_new(3);
	uint8_t delta[64], oid[20];
	size_t at;
	struct seen s;
	struct pack *k;
	size_t n;
	const uint8_t *p;

	(void)state;
	packmake_name("blob", "base", 4, oid);
	at = packmake_ref(m, oid, delta, packmake_delta(4, 1, 'x', delta, sizeof(delta)));
	(void)packmake_ofs(m, at, delta, packmake_delta(5, 1, 'y', delta, sizeof(delta)));
	(void)packmake_object(m, OBJECT_BLOB, "base", 4);
	packmake_end(m);
	p = packmake_bytes(m, &n);
	assert_int_equal(read_pack(p, n, n, &s, &k), 0);
	assert_int_equal(s.n, 3);
	packmake_name("blob", "basexy", 6, oid);
	assert_int_not_equal(pack_find(k, oid), PACK_NONE);
	pack_free(k);
	packmake_free(m);
}

static void
test_evicted_base_is_read_back(void **state)
{
	struct packmake *m = packmake_new(9);
	char *big = calloc(1, 6 * MIB);
	uint8_t delta[64];
	size_t first = 0, at, n;
	struct seen s;
	struct pack *k;
	const uint8_t *p;

	(void)state;
	for (int i = 0; i < 7; i++) {
		big[0] = (char)i;
		at = packmake_object(m, OBJECT_BLOB, big, 6 * MIB);
		first = i == 0 ? at : first;
	}
	at = packmake_ofs(m, first, delta, packmake_delta(6 * MIB, 1, 'x', delta, sizeof(delta)));
	(void)packmake_ofs(m, at, delta, packmake_delta(6 * MIB + 1, 1, 'y', delta, sizeof(delta)));
	packmake_end(m);
	p = packmake_bytes(m, &n);
	assert_int_equal(read_pack(p, n, MIB, &s, &k), 0);
	assert_int_equal(s.n, 9);
	pack_free(k);
	packmake_free(m);
	free(big);
}

static struct packmake *
one_blob(uint32_t count)
{
	struct packmake *m = packmake_new(count);

	(void)packmake_object(m, OBJECT_BLOB, "a", 1);
	return m;
}

static void
test_malformed_packs_are_refused(void **state)
{
	struct packmake *m;
	uint8_t delta[64], oid[20];
	size_t at;

	(void)state;
	expect(one_blob(1), ERR_FORMAT, "ends early");			/* no trailer */
	m = one_blob(2);
	packmake_end(m);
	expect(m, 0, NULL);						/* fewer than announced */
	m = one_blob(1);
	(void)packmake_object(m, OBJECT_BLOB, "b", 1);
	packmake_end(m);
	expect(m, ERR_FORMAT, "checksum");				/* more than announced */
	m = one_blob(1);
	packmake_end(m);
	packmake_end(m);
	expect(m, ERR_FORMAT, "bytes after the end");
	m = one_blob(2);
	(void)packmake_object(m, OBJECT_BLOB, "a", 1);
	packmake_end(m);
	expect(m, ERR_FORMAT, "twice");
	m = packmake_new(1);
	memset(oid, 1, sizeof(oid));
	(void)packmake_ref(m, oid, delta, packmake_delta(4, 1, 'x', delta, sizeof(delta)));
	packmake_end(m);
	expect(m, ERR_FORMAT, "thin");
	m = one_blob(2);
	(void)packmake_lying(m, OBJECT_BLOB, 3, "four", 4);
	packmake_end(m);
	expect(m, ERR_FORMAT, "inflated");
	m = one_blob(2);
	(void)packmake_lying(m, OBJECT_BLOB, 5, "four", 4);
	packmake_end(m);
	expect(m, ERR_FORMAT, "inflated");
	m = one_blob(2);
	(void)packmake_object(m, 5, "x", 1);
	packmake_end(m);
	expect(m, ERR_FORMAT, "no known kind");
	m = packmake_new(2);
	at = packmake_object(m, OBJECT_BLOB, "base", 4);
	(void)packmake_ofs(m, at, delta, packmake_delta(5, 1, 'x', delta, sizeof(delta)));
	packmake_end(m);
	expect(m, ERR_FORMAT, "malformed delta");			/* wrong base size */
	m = packmake_new(2);
	at = packmake_object(m, OBJECT_BLOB, "base", 4);
	(void)packmake_ofs(m, at + 1, delta, packmake_delta(4, 1, 'x', delta, sizeof(delta)));
	packmake_end(m);
	expect(m, ERR_FORMAT, "no base before it");
}

static void
test_bombs_end_quickly(void **state)
{
	struct packmake *m = packmake_new(1);
	static uint8_t delta[4096];
	uint8_t *zeros = calloc(1, 7 * MIB);
	size_t at;

	(void)state;
	(void)packmake_lying(m, OBJECT_BLOB, (uint64_t)2 << 30, "x", 1);
	packmake_end(m);
	expect(m, ERR_TOOBIG, "the limit is");				/* declares 2 GiB */
	m = packmake_new(2000000);
	packmake_end(m);
	expect(m, ERR_TOOBIG, "objects; the limit");
	m = packmake_new(2);
	at = packmake_object(m, OBJECT_BLOB, zeros, 1 * MIB);
	(void)packmake_ofs(m, at, delta, packmake_delta(1 * MIB, 900, 'x', delta, sizeof(delta)));
	packmake_end(m);
	expect(m, ERR_TOOBIG, "the limit is");				/* copies */
	m = packmake_new(20);
	at = packmake_object(m, OBJECT_BLOB, zeros, 6 * MIB);
	for (int i = 1; i < 20; i++)
		at = packmake_ofs(m, at, delta, packmake_delta(6 * MIB + (size_t)i - 1, 1, 'x', delta, sizeof(delta)));
	packmake_end(m);
	expect(m, ERR_TOOBIG, "together");				/* resolved bytes */
	m = packmake_new(60);
	at = packmake_object(m, OBJECT_BLOB, zeros, 4);
	for (int i = 1; i < 60; i++)
		at = packmake_ofs(m, at, delta, packmake_delta(4 + (size_t)i - 1, 1, 'x', delta, sizeof(delta)));
	packmake_end(m);
	expect(m, ERR_TOOBIG, "chain");					/* depth */
	free(zeros);
}

static void
test_delta_stays_inside(void **state)
{
	static const struct { const char *delta; size_t n; } bad[] = {
		{ "", 0 }, { "\x04", 1 }, { "\x04\x04", 2 }, { "\x04\x04\x00", 3 }, { "\x04\x04\x91\x01\x04", 5 },
		{ "\x04\x04\x90\x05", 4 }, { "\x04\x04\x90", 3 }, { "\x04\x04\x05" "abcde", 8 }, { "\x04\x04\x04" "abc", 6 },
		{ "\x04\x02\x90\x04", 4 }, { "\x05\x04\x90\x04", 4 }, { "\x04\x05\x90\x04", 4 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10 },
	};
	uint8_t out[8];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t *exact = malloc(bad[i].n + 1);

		memcpy(exact, bad[i].delta, bad[i].n);
		assert_int_equal(delta_apply((const uint8_t *)"base", 4, exact, bad[i].n, out, 4), ERR_FORMAT);
		free(exact);
	}
	assert_int_equal(delta_apply((const uint8_t *)"base", 4, (const uint8_t *)"\x04\x05\x90\x04\x01!", 6, out, 5), 0);
	assert_memory_equal(out, "base!", 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects_come_out_whole),
		cmocka_unit_test(test_base_may_come_later),
		cmocka_unit_test(test_evicted_base_is_read_back),
		cmocka_unit_test(test_malformed_packs_are_refused),
		cmocka_unit_test(test_bombs_end_quickly),
		cmocka_unit_test(test_delta_stays_inside),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
