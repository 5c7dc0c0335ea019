/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/git_digest.h"

#include "bastion/base/buf.h"
#include "bastion/base/log.h"
#include "gitfilter/push.h"

#define DIGEST_INPUT_MAX	(1024 * 1024)

void
push_content_digest(const char *identity, const char *upstream, const char *repo, const struct push_command *cmds, size_t n,
    const uint8_t met[DIGEST_LEN], uint8_t out[DIGEST_LEN])
{
	struct buf *b = buf_new(DIGEST_INPUT_MAX);
	int r;

	if (b == NULL)
		fatal("out of memory");
	r = buf_put_cstring(b, "sallyport push 2") | buf_put_cstring(b, identity) | buf_put_cstring(b, upstream) |
	    buf_put_cstring(b, repo) | buf_put_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = buf_put_cstring(b, cmds[i].name) | buf_put_cstring(b, cmds[i].old_oid) | buf_put_cstring(b, cmds[i].new_oid);
	if (r != 0 || buf_put_string(b, met, DIGEST_LEN) != 0)
		fatal("a push does not fit its digest");
	digest_sha256(buf_ptr(b), buf_len(b), out);
	buf_free(b);
}

void
fetch_content_digest(const char *identity, const char *upstream, const char *repo, uint8_t out[DIGEST_LEN])
{
	struct buf *b = buf_new(4096);

	if (b == NULL || buf_put_cstring(b, "sallyport fetch 1") != 0 || buf_put_cstring(b, identity) != 0 ||
	    buf_put_cstring(b, upstream) != 0 || buf_put_cstring(b, repo) != 0)
		fatal("a fetch does not fit its digest");
	digest_sha256(buf_ptr(b), buf_len(b), out);
	buf_free(b);
}
