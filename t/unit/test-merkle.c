/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bastion/audit/merkle.h"
#include "bastion/audit/tile.h"
#include "bastion/record/sha256.h"

/* The eight entries and roots that certificate transparency implementations test with. */
static const struct {
	const char	*entry;
	size_t		 n;
	const char	*root;	/* of the tree up to and with it */
} vectors[] = {
	{ "", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
	{ "\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
	{ "\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77" },
	{ "\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
	{ "\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4" },
	{ "\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef" },
	{ "\x50\x51\x52\x53\x54\x55\x56\x57", 8, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c" },
	{ "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
	    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" },
};

static void
assert_root(struct merkle *m, const char *want)
{
	uint8_t root[MERKLE_LEN];
	char hex[SHA256_HEX];

	merkle_root(m, root);
	sha256_hex(root, hex);
	assert_string_equal(hex, want);
}

static void
roots_are_those_of_rfc6962(void **state)
{
	struct merkle *m = merkle_new(NULL, NULL);
	uint8_t leaf[MERKLE_LEN];

	(void)state;
	assert_root(m, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		merkle_leaf(m, vectors[i].entry, vectors[i].n, leaf);
		assert_int_equal(merkle_append(m, leaf), 0);
		assert_root(m, vectors[i].root);
	}
	merkle_free(m);
}

/* The definition in RFC 6962 section 2.1, word for word. */
static void
mth(const uint8_t (*leaf)[MERKLE_LEN], size_t n, uint8_t out[MERKLE_LEN])
{
	struct sha256 *h;
	uint8_t left[MERKLE_LEN], right[MERKLE_LEN];
	size_t k = 1;

	if (n == 1) {
		memcpy(out, leaf[0], MERKLE_LEN);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	mth(leaf, k, left);
	mth(leaf + k, n - k, right);
	h = sha256_new();
	sha256_update(h, "\1", 1);
	sha256_update(h, left, sizeof(left));
	sha256_update(h, right, sizeof(right));
	sha256_final(h, out);
	sha256_free(h);
}

struct tiles {
	const uint8_t	(*leaf)[MERKLE_LEN];
	unsigned	 full[3];
};

static int
tile_is_right(unsigned level, uint64_t index, const uint8_t *hashes, void *arg)
{
	struct tiles *t = arg;
	size_t each = level == 0 ? 1 : 256;
	uint8_t want[MERKLE_LEN];

	assert_true(level < 2);
	assert_int_equal(index, t->full[level]++);
	for (size_t i = 0; i < MERKLE_TILE; i += 37) {
		mth(t->leaf + (index * 256 + i) * each, each, want);
		assert_memory_equal(hashes + i * MERKLE_LEN, want, MERKLE_LEN);
	}
	return 0;
}

static void
tiles_hold_the_hashes_of_their_level(void **state)
{
	enum { N = 65536 + 300 };
	uint8_t (*leaf)[MERKLE_LEN] = calloc(N, MERKLE_LEN), root[MERKLE_LEN], want[MERKLE_LEN];
	struct tiles t = { .leaf = (const uint8_t (*)[MERKLE_LEN])leaf };
	struct merkle *m = merkle_new(tile_is_right, &t);
	unsigned n;

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		merkle_leaf(m, &i, sizeof(i), leaf[i]);
		assert_int_equal(merkle_append(m, leaf[i]), 0);
		if (i != 299 && i != 65535 && i != N - 1)
			continue;
		merkle_root(m, root);
		mth(t.leaf, i + 1, want);
		assert_memory_equal(root, want, MERKLE_LEN);
	}
	assert_int_equal(t.full[0], 257);
	assert_int_equal(t.full[1], 1);
	assert_memory_equal(merkle_edge(m, 0, &n), leaf[257 * 256], MERKLE_LEN);
	assert_int_equal(n, 44);
	(void)merkle_edge(m, 1, &n);
	assert_int_equal(n, 1);
	merkle_free(m);
	free(leaf);
}

static int
refuse(unsigned level, uint64_t index, const uint8_t *hashes, void *arg)
{
	(void)level;
	(void)index;
	(void)hashes;
	(void)arg;
	return -5;
}

static void
a_tile_that_cannot_be_kept_stops_the_append(void **state)
{
	struct merkle *m = merkle_new(refuse, NULL);
	uint8_t leaf[MERKLE_LEN] = { 0 };

	(void)state;
	for (int i = 0; i < 255; i++)
		assert_int_equal(merkle_append(m, leaf), 0);
	assert_int_equal(merkle_append(m, leaf), -5);
	merkle_free(m);
}

static void
tile_names_are_those_of_tlog_tiles(void **state)
{
	static const struct {
		const char	*level;
		uint64_t	 index;
		unsigned	 width;
		const char	*path;
	} names[] = {
		{ "0", 0, 256, "tile/0/000" },
		{ "0", 1234067, 256, "tile/0/x001/x234/067" },
		{ "1", 273, 1, "tile/1/273.p/1" },
		{ "entries", 1000, 255, "tile/entries/x001/000.p/255" },
		{ "0", UINT64_MAX, 0, "tile/0/x018/x446/x744/x073/x709/x551/615" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = tile_path(names[i].level, names[i].index, names[i].width);

		assert_string_equal(path, names[i].path);
		free(path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_are_those_of_rfc6962),
		cmocka_unit_test(tiles_hold_the_hashes_of_their_level),
		cmocka_unit_test(a_tile_that_cannot_be_kept_stops_the_append),
		cmocka_unit_test(tile_names_are_those_of_tlog_tiles),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
