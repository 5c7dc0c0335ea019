/* SPDX-License-Identifier: Apache-2.0 */
/* example: the examples of a rule, tried whenever its file is read. */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf_tree.h"
#include "bastion/policy/commit-text.h"
#include "bastion/policy/policy.h"

#define REF_OPS	(REF_FORCE + 1)

/* The number of an operation by its word; one past the last for none. */
static size_t
ref_op_find(const char *word)
{
	size_t i = 0;

	while (i < REF_OPS && strcmp(ref_op_word((enum ref_op)i), word) != 0)
		i++;
	return i;
}

static size_t
path_op_find(const char *word)
{
	size_t i = 0;

	while (i < PATH_OPS && strcmp(path_op_word((enum path_op)i), word) != 0)
		i++;
	return i;
}

static size_t
file_op_find(const char *word)
{
	size_t i = 0;

	while (i < FILE_OPS && strcmp(file_op_word((enum file_op)i), word) != 0)
		i++;
	return i;
}

/* An example becomes the request that it is short for. The copy holds the pieces; commit is what it is if it is one. */
static int
example_request(const struct rule *r, char *copy, const struct commit_text *commit, struct request *req)
{
	char *rest = copy;
	size_t op;

	*req = (struct request){ .kind = r->kind };
	switch (r->kind) {
	case REQUEST_EXEC:
		req->command = (const uint8_t *)copy;
		req->command_len = strlen(copy);
		return 0;
	case REQUEST_SUBSYSTEM:
	case REQUEST_FORWARD:
	case REQUEST_LISTEN:
		req->detail = copy;
		return 0;
	case REQUEST_FETCH:
		req->repo = copy;
		return 0;
	case REQUEST_FINDING:
		req->detail = strsep(&rest, " ");
		req->path = rest;
		return 0;
	case REQUEST_PUSH:
		op = ref_op_find(strsep(&rest, " "));
		if (op == REF_OPS || rest == NULL)
			return ERR_FORMAT;
		req->op = (enum ref_op)op;
		req->ref = strsep(&rest, " ");
		req->repo = rest;
		return 0;
	case REQUEST_COMMIT:
		req->commit = commit;
		return commit->odd ? ERR_FORMAT : 0;
	case REQUEST_CHANGE:
		op = path_op_find(strsep(&rest, " "));
		if (op == PATH_OPS || rest == NULL)
			return ERR_FORMAT;
		req->path_op = (enum path_op)op;
		req->path = rest;
		return 0;
	case REQUEST_SFTP:
		op = file_op_find(strsep(&rest, " "));
		if (op == FILE_OPS || rest == NULL || (rest[0] != '/' && rest[0] != '~'))
			return ERR_FORMAT;
		req->file_op = (enum file_op)op;
		req->path = rest;
		return 0;
	default:
		return ERR_FORMAT;
	}
}

static const char *
example_form(enum request_kind k)
{
	switch (k) {
	case REQUEST_PUSH:
		return "'update refs/heads/x'";
	case REQUEST_COMMIT:
		return "'[merge] [ssh] NAME <EMAIL>: MESSAGE', what is in brackets being optional";
	case REQUEST_CHANGE:
		return "'modify src/x'";
	case REQUEST_SFTP:
		return "'read /srv/x'";
	default:
		return "of this kind";
	}
}

int
rule_try_examples(const struct rule *r, const struct strvec *v, bool want, struct tree_error *e)
{
	struct request req;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < v->n; i++) {
		char *copy = r->kind == REQUEST_COMMIT ? commit_text_example(v->v[i]) : xstrdup(v->v[i]);
		struct commit_text commit;

		commit_text_read((const uint8_t *)copy, copy == NULL ? 0 : strlen(copy), &commit);
		if (example_request(r, copy, &commit, &req) != 0)
			rc = tree_fail(e, r->line, "rule %s: the example '%s' is not %s", r->id, v->v[i], example_form(r->kind));
		else if (rule_meets(r, &req) != want)
			rc = tree_fail(e, r->line, "rule %s: the example '%s' %s", r->id, v->v[i],
			    want ? "does not match" : "matches, and must not");
		commit_text_release(&commit);
		free(copy);
	}
	return rc;
}
