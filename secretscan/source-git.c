/* SPDX-License-Identifier: Apache-2.0 */
/*
 * History through git's own programs: rev-list names the objects and one path of each, cat-file hands them out. They
 * run without a shell and without the repository's configuration of hooks, filters or attributes having a say.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "secretscan/source.h"

#define OID_MAX		64
#define ARGS_MAX	12

struct child {
	pid_t	 pid;
	FILE	*in;		/* what it reads, may be NULL */
	FILE	*out;
};

static void
child_exec(const char *const *argv, int in, int out)
{
	char *args[ARGS_MAX + 1] = { NULL };

	for (size_t i = 0; i < ARGS_MAX && argv[i] != NULL; i++)
		args[i] = strdup(argv[i]);
	if (dup2(in, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1)
		_exit(126);
	setenv("GIT_NO_REPLACE_OBJECTS", "1", 1);
	setenv("GIT_OPTIONAL_LOCKS", "0", 1);
	execvp(args[0], args);
	_exit(127);
}

/* 0, or an errno. */
static int
child_start(const char *const *argv, struct child *c)
{
	int to[2] = { -1, -1 }, from[2] = { -1, -1 };
	int e = 0;

	if (pipe2(to, O_CLOEXEC) == -1 || pipe2(from, O_CLOEXEC) == -1 || (c->pid = fork()) == -1) {
		e = errno;
		goto fail;
	}
	if (c->pid == 0)
		child_exec(argv, to[0], from[1]);
	close(to[0]);
	close(from[1]);
	to[0] = from[1] = -1;
	c->in = fdopen(to[1], "w");
	c->out = fdopen(from[0], "r");
	if (c->in != NULL && c->out != NULL)
		return 0;
	e = ENOMEM;
fail:
	for (int i = 0; i < 2; i++) {
		if (to[i] != -1)
			close(to[i]);
		if (from[i] != -1)
			close(from[i]);
	}
	return e;
}

/* True when it ended with 0. */
static int
child_end(struct child *c)
{
	int status = -1;

	if (c->in != NULL)
		fclose(c->in);
	if (c->out != NULL)
		fclose(c->out);
	while (waitpid(c->pid, &status, 0) == -1 && errno == EINTR)
		continue;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* "OID TYPE SIZE": 0, or -1 when it is something else. */
static int
parse_header(const char *line, char *type, size_t cap, size_t *sizep)
{
	const char *sp = strchr(line, ' '), *sp2;
	char *end = NULL;

	if (sp == NULL || (sp2 = strchr(sp + 1, ' ')) == NULL || (size_t)(sp2 - sp) > cap)
		return -1;
	snprintf(type, cap, "%.*s", (int)(sp2 - sp - 1), sp + 1);
	errno = 0;
	*sizep = strtoul(sp2 + 1, &end, 10);
	return errno != 0 || end == sp2 + 1 || *end != '\n' ? -1 : 0;
}

/* Ask for one object; what is not a tree is scanned. -1 when the child does not keep to the protocol. */
static int
scan_object(struct child *c, const char *oid, const char *name, const struct source_sink *sink)
{
	char line[256], type[16];
	uint8_t *p;
	size_t n;
	int e = 0;

	if (fprintf(c->in, "%s\n", oid) < 0 || fflush(c->in) != 0 || fgets(line, sizeof(line), c->out) == NULL)
		return -1;
	if (parse_header(line, type, sizeof(type), &n) != 0 || n > SOURCE_MAX) {
		sink->error(name, "missing, or too large", sink->arg);
		return -1;
	}
	if ((p = malloc(n + 1)) == NULL)
		return -1;
	if (fread(p, 1, n + 1, c->out) != n + 1)
		e = -1;
	else if (strcmp(type, "tree") != 0)
		e = sink->content(name, p, n, sink->arg);
	free(p);
	return e;
}

/* "OID" or "OID PATH"; the path is text of the repository too. */
static int
scan_line(struct child *cat, char *line, const struct source_sink *sink)
{
	size_t hex = strspn(line, "0123456789abcdef");
	char *path, *name = NULL;
	int e;

	line[strcspn(line, "\n")] = '\0';
	if (hex < 40 || hex > OID_MAX || (line[hex] != ' ' && line[hex] != '\0'))
		return -1;
	path = line[hex] == ' ' ? line + hex + 1 : line + hex;
	line[hex] = '\0';
	if (asprintf(&name, "%.12s%s%s", line, path[0] != '\0' ? ":" : "", path) == -1)
		return -1;
	e = scan_object(cat, line, name, sink);
	if (e == 0 && path[0] != '\0')
		e = sink->content(name, (const uint8_t *)path, strlen(path), sink->arg);
	free(name);
	return e;
}

int
source_git(const char *repo, const char *range, const struct source_sink *sink)
{
	const char *what = range != NULL ? range : "--all";
	const char *const list[] = { "git", "-C", repo, "rev-list", "--objects", what, "--", NULL };
	const char *const cat[] = { "git", "-C", repo, "cat-file", "--batch", NULL };
	struct child lister = { .pid = -1 }, catter = { .pid = -1 };
	char *line = NULL;
	size_t cap = 0;
	int e = 0;

	if (range != NULL && range[0] == '-') {
		sink->error(range, "not a range", sink->arg);
		return -1;
	}
	if (child_start(list, &lister) != 0 || child_start(cat, &catter) != 0) {
		sink->error(repo, "cannot run git", sink->arg);
		e = -1;
	}
	while (e == 0 && getline(&line, &cap, lister.out) > 0)
		e = scan_line(&catter, line, sink);
	free(line);
	if (catter.pid > 0 && !child_end(&catter) && e == 0)
		e = -1;
	if (lister.pid > 0 && !child_end(&lister) && e == 0)
		e = -1;
	if (e == -1)
		sink->error(repo, "git failed, or gave an object that cannot be scanned", sink->arg);
	return e;
}
