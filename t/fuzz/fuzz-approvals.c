/* SPDX-License-Identifier: Apache-2.0 */
/* What sessions and the parent send to the approvals process; the first byte says which message the rest is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "approvals/ask.h"
#include "approvals/limits.h"
#include "approvals/request.h"
#include "approvals/settings.h"
#include "approvals/show.h"
#include "approvals/verb.h"
#include "bastion/base/buf.h"
#include "bastion/base/xmalloc.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A parsed question is shown both ways; nothing but printable UTF-8 and line feeds may come out. */
static void
show_ask(struct ask *a)
{
	struct request *r = request_new();
	struct buf *out = buf_new(SHOWN_MAX);

	request_set(&r->kind, a->kind);
	request_set(&r->target, a->target);
	request_set(&r->rule, a->rule);
	request_set(&r->because, a->because);
	r->text = a->text;
	r->text_len = a->text_len;
	a->text = NULL;
	if (show_request(r, 1, false, out) == 0) {
		const uint8_t *p = buf_ptr(out);

		for (size_t i = 0; i < buf_len(out); i++)
			if ((p[i] < 0x20 && p[i] != '\n') || p[i] == 0x7f)
				abort();
	}
	buf_clear(out);
	(void)show_request(r, 1, true, out);
	buf_free(out);
	request_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf *b;

	if (n == 0 || (b = buf_view(p + 1, n - 1)) == NULL)
		return 0;
	if (p[0] % 3 == 0) {
		struct ask *a = NULL;

		if (ask_parse(b, &a) == 0 && ask_problem(a) == NULL)
			show_ask(a);
		ask_free(a);
	} else if (p[0] % 3 == 1) {
		struct verb *v = NULL;

		if (verb_parse(b, &v) == 0 && (v->kind == VERB_BAD) != (v->problem != NULL))
			abort();
		verb_free(v);
	} else {
		struct settings *s = NULL;

		if (settings_parse(b, &s) == 0)
			(void)settings_rule(s, "one");
		settings_free(s);
	}
	buf_free(b);
	return 0;
}
