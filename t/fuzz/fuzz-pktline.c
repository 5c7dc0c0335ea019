/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a push, then of a fetch, cut at a place that the first byte chooses: the cut must not matter. */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "gitfilter/fetch.h"
#include "gitfilter/push.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int
push_once(const uint8_t *p, size_t n, size_t cut, enum push_state *statep)
{
	static const struct push_limits limits = { .max_commands = 8, .max_options = 4, .max_pack_bytes = 1000 };
	struct push *push = push_new(&limits);
	struct buf *out = buf_new(1 << 20);
	size_t used, ncommands;
	int r;

	if ((r = push_feed(push, p, cut, &used)) == 0 && used == cut)
		r = push_feed(push, p + cut, n - cut, &used);
	*statep = push_state(push);
	(void)push_commands(push, &ncommands);
	if (r != 0)
		(void)push_refuse(push, NULL, out);
	else {
		(void)push_order(push, out);
		(void)push_take_report(push, p, n);
		(void)push_report(push, NULL, out);
	}
	buf_free(out);
	push_free(push);
	return r;
}

static void
fetch_once(const uint8_t *p, size_t n)
{
	struct fetch *f = fetch_new(NULL, NULL);
	struct buf *out = buf_new(1 << 20);
	size_t used = 0;

	if (fetch_feed_server(f, p, n, &used, out) == 0 && fetch_is_advertised(f))
		(void)fetch_feed_client(f, p + used, n - used, out);
	buf_free(out);
	fetch_free(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	enum push_state whole, cut;
	int a, b;

	if (n == 0)
		return 0;
	a = push_once(p + 1, n - 1, n - 1, &whole);
	b = push_once(p + 1, n - 1, p[0] % n, &cut);
	if (a != b || whole != cut)
		abort();
	fetch_once(p + 1, n - 1);
	return 0;
}
