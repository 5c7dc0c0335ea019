/* SPDX-License-Identifier: Apache-2.0 */
/* SFTP packets of either side, one after the other. What is read and written again must read and write the same. */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/ssh/sftp-wire.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
walk_names(const struct sftp_packet *k, struct buf *out)
{
	struct sftp_bytes rest = k->rest, name, value;
	struct sftp_name n;

	while (rest.n > 0 && sftp_name_next(&rest, &n) == 0)
		(void)sftp_name_put(out, &n);
	rest = k->rest;
	while (rest.n > 0 && sftp_pair_next(&rest, &name, &value) == 0)
		(void)sftp_ext_find(name);
}

static void
one(const uint8_t *p, size_t n)
{
	struct buf *a = buf_new(2 * SFTP_PACKET_MAX), *b = buf_new(2 * SFTP_PACKET_MAX), *names = buf_new(SFTP_PACKET_MAX);
	struct sftp_packet k, again;
	size_t len;

	if (sftp_parse(p, n, &k) == 0 && sftp_put(a, &k) == 0) {
		(void)sftp_type_word(&k);
		walk_names(&k, names);
		if (sftp_frame(buf_ptr(a), buf_len(a), &len) != 0 || len != buf_len(a) ||
		    sftp_parse(buf_ptr(a) + 4, len - 4, &again) != 0 || sftp_put(b, &again) != 0 || buf_len(b) != len ||
		    memcmp(buf_ptr(a), buf_ptr(b), len) != 0)
			abort();
	}
	buf_free(a);
	buf_free(b);
	buf_free(names);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	size_t len;

	while (sftp_frame(p, n, &len) == 0) {
		one(p + 4, len - 4);
		p += len;
		n -= len;
	}
	one(p, n);
	return 0;
}
