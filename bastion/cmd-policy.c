/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/commit-signer.h"
#include "bastion/conf.h"
#include "bastion/conf_tree.h"
#include "bastion/policy/commit-text.h"
#include "bastion/policy/exec.h"
#include "bastion/policy/policy.h"
#include "bastion/policy/profile.h"
#include "bastion/policy/transfer-command.h"

#define EXIT_USAGE	2
#define EXIT_ASK	75
#define EXIT_DENIED	77
#define COMMIT_BYTES_MAX (1024 * 1024)

static int
usage(void)
{
	fputs("usage: sallyport policy check FILE\n"
	    "       sallyport policy test FILE --as IDENTITY [--group G].. [--owner HUMAN] --on TARGET [--login L] -- 'COMMAND'\n"
	    "       sallyport policy test FILE --as IDENTITY .. --on UPSTREAM --push REPO REF create|update|delete|force\n"
	    "              [--commits N] [--files N] [--bytes N]\n"
	    "       sallyport policy test FILE --as IDENTITY .. --on UPSTREAM --fetch REPO [REF]\n"
	    "       sallyport policy test FILE --as IDENTITY .. --on UPSTREAM --change REPO PATH create|modify|delete\n"
	    "              [--size BYTES] [--type TYPE]\n"
	    "       sallyport policy test FILE --as IDENTITY .. --on UPSTREAM --commit REPO COMMIT-FILE|-\n"
	    "       sallyport policy test FILE --as IDENTITY .. --on TARGET --sftp OPERATION PATH\n"
	    "       sallyport policy test FILE --as IDENTITY .. --on TARGET --shell | --subsystem NAME | --forward HOST:PORT\n"
	    "  --pty  with a terminal     --at TIME  as of then (2026-12-20T10:00Z) instead of now, for freezes\n"
	    "FILE is sallyport.yaml or a policy file on its own.\n", stderr);
	return EXIT_USAGE;
}

/* The policy of a main file, or a policy file by itself. Exactly one of *confp and *alonep is set. */
struct source {
	struct conf	*conf;
	struct policy	*alone;
};

static void
source_release(struct source *s)
{
	conf_free(s->conf);
	policy_free(s->alone);
}

static const struct policy *
source_policy(const struct source *s)
{
	return s->conf != NULL ? s->conf->policy : s->alone;
}

static int
source_load(struct source *s, const char *file)
{
	struct buf *b = buf_new(CONF_MAX_BYTES);
	struct tree_error e = { .file = file };
	struct tree *t = NULL;
	int r;

	*s = (struct source){ 0 };
	if (b == NULL || (r = file_read(file, b)) != 0)
		r = tree_fail(&e, 0, "cannot be read");
	else if ((r = tree_parse(buf_ptr(b), buf_len(b), &t, &e)) != 0)
		;
	else if (tree_get(t, "rules") != NULL)
		r = policy_load(file, buf_ptr(b), buf_len(b), &s->alone, &e);
	else
		r = conf_load(file, &s->conf, &e.text);
	if (r != 0)
		fprintf(stderr, "sallyport: %s\n", e.text != NULL ? e.text : "cannot be read");
	free(e.text);
	tree_free(t);
	buf_free(b);
	return r;
}

static int
check(const char *file)
{
	struct source s;
	const struct policy *p;

	if (source_load(&s, file) != 0)
		return EXIT_USAGE;
	p = source_policy(&s);
	printf("%s: %zu rules, all examples hold\n", file, p->nrules);
	source_release(&s);
	return 0;
}

/* What the command line asks for. */
struct question {
	struct subject	 who;
	struct strvec	 groups;
	struct request	 req;
	char		*command;	/* owned */
	struct push_extent extent;	/* of the push that is asked about */
	const char	*commit_file;
	struct buf	*commit_bytes;	/* owned */
	struct commit_text commit;	/* read out of them */
	char		*signer;	/* owned */
	bool		 bad;		/* said what is wrong already */
};

static bool
read_op(const char *word, enum ref_op *op)
{
	for (int i = REF_CREATE; i <= REF_FORCE; i++)
		if (strcmp(word, ref_op_word((enum ref_op)i)) == 0) {
			*op = (enum ref_op)i;
			return true;
		}
	return false;
}

static bool
read_file_op(const char *word, enum file_op *op)
{
	for (int i = 0; i < FILE_OPS; i++)
		if (strcmp(word, file_op_word((enum file_op)i)) == 0) {
			*op = (enum file_op)i;
			return true;
		}
	return false;
}

static bool
read_path_op(const char *word, enum path_op *op)
{
	for (int i = 0; i < PATH_OPS; i++)
		if (strcmp(word, path_op_word((enum path_op)i)) == 0) {
			*op = (enum path_op)i;
			return true;
		}
	return false;
}

static bool
read_size(const char *value, uint64_t *sizep)
{
	char *end;

	errno = 0;
	*sizep = strtoull(value, &end, 10);
	return errno == 0 && *value >= '0' && *value <= '9' && *end == '\0';
}

static bool
read_count(const char *value, uint32_t *np)
{
	uint64_t n;

	if (!read_size(value, &n) || n >= UINT32_MAX)
		return false;
	*np = (uint32_t)n;
	return true;
}

static bool
read_type(const char *value, enum filetype *typep)
{
	for (int i = 0; i < FILETYPES; i++)
		if (strcmp(value, filetype_word((enum filetype)i)) == 0) {
			*typep = (enum filetype)i;
			return true;
		}
	return false;
}

/* The commit's bytes, as git cat-file commit prints them. */
static int
read_commit(struct question *q)
{
	bool in = strcmp(q->commit_file, "-") == 0;
	int r = 0;

	if ((q->commit_bytes = buf_new(COMMIT_BYTES_MAX)) == NULL)
		return ERR_NOMEM;
	if (!in)
		r = file_read(q->commit_file, q->commit_bytes);
	while (in && r == 0)
		r = buf_read(q->commit_bytes, STDIN_FILENO, 64 * 1024);
	if (r != 0 && !(in && r == ERR_EOF)) {
		fprintf(stderr, "sallyport: %s cannot be read: %s\n", q->commit_file, err_text(r));
		return r;
	}
	commit_text_read(buf_ptr(q->commit_bytes), buf_len(q->commit_bytes), &q->commit);
	q->signer = commit_signer(buf_ptr(q->commit_bytes), buf_len(q->commit_bytes), &q->commit);
	q->req.commit = &q->commit;
	q->req.signer = q->signer;
	return 0;
}

/* Options that take one word. */
static bool
read_option(struct question *q, const char *name, const char *value)
{
	if (strcmp(name, "--as") == 0)
		q->who.identity = value;
	else if (strcmp(name, "--owner") == 0)
		q->who.owner = value;
	else if (strcmp(name, "--on") == 0)
		q->req.target = value;
	else if (strcmp(name, "--login") == 0)
		q->req.login = value;
	else if (strcmp(name, "--session") == 0)
		q->who.session = value;
	else if (strcmp(name, "--group") == 0)
		strvec_push(&q->groups, value);
	else if (strcmp(name, "--subsystem") == 0 || strcmp(name, "--forward") == 0 || strcmp(name, "--listen") == 0) {
		q->req.kind = name[2] == 's' ? REQUEST_SUBSYSTEM : name[2] == 'f' ? REQUEST_FORWARD : REQUEST_LISTEN;
		q->req.detail = value;
	} else if (strcmp(name, "--size") == 0 || strcmp(name, "--type") == 0) {
		q->req.sized = true;
		return name[2] == 's' ? read_size(value, &q->req.size) : read_type(value, &q->req.type);
	} else if (strcmp(name, "--commits") == 0 || strcmp(name, "--files") == 0) {
		q->req.extent = &q->extent;
		return read_count(value, name[2] == 'c' ? &q->extent.commits : &q->extent.files);
	} else if (strcmp(name, "--bytes") == 0) {
		q->req.extent = &q->extent;
		return read_size(value, &q->extent.bytes);
	} else if (strcmp(name, "--at") == 0) {
		q->bad = clock_parse_time(value, &q->req.now) != 0;
		if (q->bad)
			fprintf(stderr, "sallyport: --at must be a time in UTC such as 2026-12-20T10:00Z, not '%s'\n", value);
		return !q->bad;
	}
	else
		return false;
	return true;
}

static bool
read_question(struct question *q, int argc, char **argv)
{
	struct strvec words = STRVEC_INIT;
	int i = 0;

	while (i < argc) {
		if (strcmp(argv[i], "--push") == 0 && i + 3 < argc) {
			q->req.kind = REQUEST_PUSH;
			q->req.repo = argv[i + 1];
			q->req.ref = argv[i + 2];
			if (!read_op(argv[i + 3], &q->req.op))
				return false;
			i += 4;
		} else if (strcmp(argv[i], "--fetch") == 0 && i + 1 < argc) {
			q->req.kind = REQUEST_FETCH;
			q->req.repo = argv[i + 1];
			q->req.ref = i + 2 < argc && argv[i + 2][0] != '-' ? argv[i + 2] : "";
			i += q->req.ref[0] == '\0' ? 2 : 3;
		} else if (strcmp(argv[i], "--change") == 0 && i + 3 < argc) {
			q->req.kind = REQUEST_CHANGE;
			q->req.repo = argv[i + 1];
			q->req.path = argv[i + 2];
			if (!read_path_op(argv[i + 3], &q->req.path_op))
				return false;
			i += 4;
		} else if (strcmp(argv[i], "--commit") == 0 && i + 2 < argc) {
			q->req.kind = REQUEST_COMMIT;
			q->req.repo = argv[i + 1];
			q->commit_file = argv[i + 2];
			i += 3;
		} else if (strcmp(argv[i], "--sftp") == 0 && i + 2 < argc) {
			q->req.kind = REQUEST_SFTP;
			q->req.path = argv[i + 2];
			if (!read_file_op(argv[i + 1], &q->req.file_op) || strchr("/~", argv[i + 2][0]) == NULL)
				return false;
			i += 3;
		} else if (strcmp(argv[i], "--shell") == 0 || strcmp(argv[i], "--pty") == 0) {
			if (argv[i][2] == 's')
				q->req.kind = REQUEST_SHELL;
			q->req.pty = true;
			i++;
		} else if (strcmp(argv[i], "--") == 0) {
			for (i++; i < argc; i++)
				strvec_push(&words, argv[i]);
		} else if (i + 1 < argc && read_option(q, argv[i], argv[i + 1]))
			i += 2;
		else
			return false;
	}
	/* As ssh does it: the words of the command line, joined by blanks. */
	q->command = strvec_join(&words, " ");
	q->req.command = (const uint8_t *)q->command;
	q->req.command_len = strlen(q->command);
	i = words.n > 0;
	strvec_release(&words);
	q->who.groups = &q->groups;
	return q->who.identity != NULL && q->req.target != NULL && (q->req.kind == REQUEST_EXEC) == (i != 0);
}

static void
print_step(const struct exec_step *s, void *arg)
{
	(void)arg;
	printf("  %-5s %-24s %s\n", decision_word(s->what), s->rule, s->text);
}

/* The same rules that decide() takes, once more, with each step told. */
static void
print_steps(const struct policy *p, const struct question *q)
{
	const struct rule **rules = xcalloc(p->nrules + 1, sizeof(*rules));
	struct verdict ignored;
	size_t n = 0;

	for (size_t i = 0; i < p->nrules; i++) {
		const struct rule *r = &p->rules[i];

		if (rule_applies(r, &q->who, &q->req))
			rules[n++] = r;
	}
	exec_judge(rules, n, q->req.command, q->req.command_len, print_step, NULL, &ignored);
	free(rules);
}

static int
test(const char *file, int argc, char **argv)
{
	static const int exits[] = { [DECISION_ALLOW] = 0, [DECISION_ASK] = EXIT_ASK, [DECISION_PARK] = EXIT_ASK,
	    [DECISION_DENY] = EXIT_DENIED };
	struct question q = { .req = { .kind = REQUEST_EXEC, .now = clock_wall_ms() / 1000 } };
	struct transfer_command copy;
	struct verdict v;
	struct source s = { 0 };
	int status = EXIT_USAGE;

	if (!read_question(&q, argc, argv)) {
		status = q.bad ? EXIT_USAGE : usage();
		goto out;
	}
	if (source_load(&s, file) != 0 || (q.commit_file != NULL && read_commit(&q) != 0))
		goto out;
	if (s.conf != NULL && conf_target(s.conf, q.req.target) == NULL && conf_upstream(s.conf, q.req.target) == NULL)
		fprintf(stderr, "sallyport: warning: no target or upstream is called '%s'\n", q.req.target);
	if (q.req.kind == REQUEST_EXEC && transfer_command_parse(&copy, q.command, strlen(q.command))) {
		q.req.copies = true;
		transfer_command_release(&copy);
	}
	decide(source_policy(&s), &q.who, &q.req, &v);
	printf("%s rule=%s\n", decision_word(v.what), v.rule);
	printf("profile: %s\n", profile_word(policy_profile(source_policy(&s), &q.who)));
	if (v.because[0] != '\0')
		printf("because: %s\n", v.because);
	if (v.detail[0] != '\0')
		printf("met: %s\n", v.detail);
	if (q.req.copies)
		puts("copy: each file is decided by rules on files; try --sftp read|write|list|mkdir PATH");
	else if (q.req.kind == REQUEST_EXEC) {
		puts("steps:");
		print_steps(source_policy(&s), &q);
	}
	status = exits[v.what];
out:
	source_release(&s);
	strvec_release(&q.groups);
	free(q.command);
	commit_text_release(&q.commit);
	buf_free(q.commit_bytes);
	free(q.signer);
	return status;
}

int
cmd_policy(int argc, char **argv, const struct cmd_env *env)
{
	(void)env;	/* the file is named: a policy is tried before it is put in place */
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return check(argv[2]);
	if (argc >= 4 && strcmp(argv[1], "test") == 0)
		return test(argv[2], argc - 3, argv + 3);
	return usage();
}
