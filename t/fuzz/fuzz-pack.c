/* SPDX-License-Identifier: Apache-2.0 */
/* A pack in two pieces, with its trailer put right so that what comes after it is reached too. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gitfilter/fsck.h"
#include "gitfilter/pack.h"
#include "gitfilter/walk.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int
on_object(uint32_t index, enum object_type type, const uint8_t oid[20], const uint8_t *p, size_t n, void *arg)
{
	return walk_object(arg, index, type, oid, p, n);
}

static int
on_path(const char *p, size_t n, const char *commit, void *arg)
{
	(void)commit;
	(void)arg;
	if (strlen(p) != n)
		abort();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct pack_params params = {
		.max_pack_bytes = 1 << 20, .max_object_bytes = 1 << 20, .max_resolved_bytes = 4 << 20, .max_objects = 1000,
		.max_depth = 20, .object = on_object,
	};
	struct fsck fsck;
	const struct walk_params wp = { .path = on_path, .fsck = &fsck };
	struct walk *walk = walk_new(&wp);
	struct pack *pack;
	const char *tip = "1111111111111111111111111111111111111111";
	uint8_t *copy = malloc(n + 1), sum[EVP_MAX_MD_SIZE];

	fsck_init(&fsck);
	memcpy(copy, p, n);
	if (n >= 20 && EVP_Digest(copy, n - 20, sum, NULL, EVP_sha1(), NULL) == 1)
		memcpy(copy + n - 20, sum, 20);
	params.spool_fd = memfd_create("spool", MFD_CLOEXEC);
	params.arg = walk;
	if (write(params.spool_fd, copy, n) != (ssize_t)n)
		abort();
	pack = pack_new(&params);
	if (pack_feed(pack, copy, n / 2) == 0 && pack_feed(pack, copy + n / 2, n - n / 2) == 0 && pack_finish(pack) == 0)
		(void)walk_run(walk, pack, &tip, 1);
	walk_free(walk);
	pack_free(pack);
	close(params.spool_fd);
	free(copy);
	return 0;
}
