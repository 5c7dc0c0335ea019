/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/clock.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/copy_int.h"
#include "bastion/ssh/lookup.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/tape.h"

static bool
may_one(struct copy *x, enum file_op op, const char *path, bool tree, struct verdict *v)
{
	const struct session *s = x->s;
	struct request q = { .kind = REQUEST_SFTP, .target = s->target, .login = s->login, .file_op = op, .path = path,
	    .home = x->lookup == NULL ? NULL : lookup_home(x->lookup), .tree = tree, .now = clock_wall_ms() / 1000 };

	decide(s->p->conf->policy, &s->who, &q, v);
	/* In the middle of a copy nobody can be asked: a freeze that asks refuses. */
	if (v->what == DECISION_ASK)
		v->what = DECISION_DENY;
	return v->what == DECISION_ALLOW;
}

bool
copy_may(struct copy *x, enum file_op op, const char *asked, const char *real, bool tree, struct verdict *v)
{
	return may_one(x, op, asked, tree, v) && (real == NULL || strcmp(asked, real) == 0 || may_one(x, op, real, tree, v));
}

/*
 * A permission covers a folder when it covers names that nobody would write into a rule, at every depth that is tried: only
 * patterns for any name at any depth do.
 */
static bool
may_below_one(struct copy *x, enum file_op op, const char *folder, bool deep, struct verdict *v)
{
	static const unsigned depths[] = { 1, 2, 16 };
	char *path = xstrdup(strcmp(folder, "/") == 0 ? "" : folder);
	bool may = true;
	unsigned at = 0;

	for (size_t i = 0; may && i < (deep ? 3 : 1); i++) {
		for (; at < depths[i]; at++) {
			char *longer = xasprintf("%s/\001", path);

			free(path);
			path = longer;
		}
		may = may_one(x, op, path, false, v);
	}
	free(path);
	return may && may_one(x, op, folder, true, v);
}

bool
copy_may_below(struct copy *x, enum file_op op, const char *asked, const char *real, bool deep, struct verdict *v)
{
	return may_below_one(x, op, asked, deep, v) && (real == NULL || strcmp(asked, real) == 0 ||
	    may_below_one(x, op, real, deep, v));
}

void
copy_record(struct copy *x, const char *event, enum file_op op, const char *asked, const char *real,
    const struct verdict *v, int (*fn)(struct msg *, void *), void *arg)
{
	char *path = copy_shown(x, asked);
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "request", x->p.request, "how",
	    transfer_program_word(x->cmd.program), "target", x->s->target, "login", x->s->login, "op", file_op_word(op), "path",
	    path, "verdict", decision_word(v->what), "rule", v->rule);

	if (o == NULL)
		fatal("out of memory for a record");
	if (real != NULL && strcmp(real, asked) != 0) {
		char *shown = copy_shown(x, real);

		(void)json_object_set_new(o, "resolved", json_string(shown));
		free(shown);
	}
	if (v->what != DECISION_ALLOW)
		(void)json_object_set_new(o, "reason", json_string(v->because));
	(void)session_record(x->s, event, o, fn, arg);
	free(path);
}

char *
copy_refuse(struct copy *x, enum file_op op, const char *asked, const char *real, const struct verdict *v)
{
	char *path = copy_shown(x, asked), *to = real == NULL || strcmp(real, asked) == 0 ? NULL : copy_shown(x, real), *line;

	copy_record(x, "file.op", op, asked, real, v, NULL, NULL);
	line = xasprintf("denied %s rule=%s: %s; %s %s%s%s on %s; ssh BASTION policy lists what you may do", x->p.request, v->rule,
	    v->because, file_op_word(op), path, to == NULL ? "" : ", which leads to ", to == NULL ? "" : to, x->s->target);
	tape_notef(x->p.tape, "%s", line);
	if (++x->refusals == COPY_REFUSALS)
		copy_break(x, EXIT_DENIED, "denied %s rule=limit: %d names were refused; ssh BASTION policy lists what you may do",
		    x->p.request, COPY_REFUSALS);
	free(path);
	free(to);
	return line;
}
