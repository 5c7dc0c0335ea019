/* SPDX-License-Identifier: Apache-2.0 */
/* What may be done to a name: decided for the name as asked for and for the one that it leads to. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/clock.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/session_int.h"
#include "bastion/ssh/sftp_int.h"

static bool
name_may(struct sftp *x, const char *path, enum file_op op, bool tree, struct verdict *v)
{
	struct session *s = x->s;
	struct request q = { .kind = REQUEST_SFTP, .target = s->target, .login = s->login, .file_op = op, .path = path,
	    .home = x->home, .tree = tree, .now = clock_wall_ms() / 1000 };

	decide(s->p->conf->policy, &s->who, &q, v);
	return v->what == DECISION_ALLOW;
}

bool
sftp_may(struct sftp *x, const struct sftp_place *pl, unsigned ops, bool tree, struct verdict *v)
{
	for (int op = 0; op < FILE_OPS; op++) {
		if ((ops & 1u << op) == 0)
			continue;
		if (!name_may(x, pl->asked, (enum file_op)op, tree, v))
			return false;
		if (pl->real != NULL && strcmp(pl->real, pl->asked) != 0 && !name_may(x, pl->real, (enum file_op)op, tree, v))
			return false;
	}
	return true;
}

bool
sftp_may_rename(struct sftp *x, const struct sftp_place *a, const struct sftp_place *b, bool tree, bool both_stay,
    struct verdict *v)
{
	unsigned in = 1u << FILE_WRITE, out = 1u << FILE_READ;
	struct verdict other;

	/* What may not be read must not get a name under which it may. */
	if (sftp_may(x, b, out, tree, &other) && !sftp_may(x, a, out, tree, v))
		return false;
	/* A name that may not be written must not get content that could be written elsewhere. */
	if (sftp_may(x, a, in, tree, &other) && !sftp_may(x, b, in, tree, v))
		return false;
	/* A second name for a file that may not be written must not be one that may. */
	return !both_stay || !sftp_may(x, b, in, tree, &other) || sftp_may(x, a, in, tree, v);
}

void
sftp_refuse(struct sftp *x, uint32_t id, const char *op, const struct sftp_place *pl, const struct verdict *v)
{
	char *path = sftp_shown(x, pl->asked), *line, *shown;
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "request", x->p.request, "op", op, "target", x->s->target,
	    "login", x->s->login, "path", path, "verdict", "deny", "rule", v->rule, "reason", v->because);

	if (o == NULL)
		fatal("out of memory for a record");
	if (pl->real != NULL && strcmp(pl->real, pl->asked) != 0) {
		char *real = sftp_shown(x, pl->real);

		(void)json_object_set_new(o, "resolved", json_string(real));
		free(real);
	}
	(void)session_record(x->s, "file.op", o, NULL, NULL);
	line = xasprintf("denied %s rule=%s: %s%s%s", x->p.request, v->rule, v->because, *v->because != '\0' ? "; " : "", v->detail);
	shown = sftp_shown(x, line);	/* the path is in it */
	sftp_tell_refusal(x, shown);
	sftp_reply_status(x, id, SFTP_PERMISSION_DENIED, shown);
	free(shown);
	free(line);
	free(path);
}
