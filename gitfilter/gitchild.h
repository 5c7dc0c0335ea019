/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gitchild: a program (git, ssh) at work for the git leg: its three streams, and how long its silence is borne. It dies
 * with us. What it says on standard error is kept, its beginning dropped first, and one line of it made fit to be shown.
 *
 *	if ((r = gitchild_start(&c, path, argv, envp)) == 0)
 *		r = gitchild_pass(&c, &pass);
 *	status = gitchild_end(&c);
 */
#ifndef GITFILTER_GITCHILD_H
#define GITFILTER_GITCHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;

struct gitchild {
	pid_t		 pid;		/* 0 = none */
	int		 in, out, err;	/* our ends; -1 = closed */
	struct buf	*text;		/* owned: its standard error */
};

#define GITCHILD_INIT	{ 0, -1, -1, -1, NULL }

/* What passes in one go. */
struct gitpass {
	const struct buf *head;		/* to its standard input first; NULL = nothing */
	int		 spool_fd;	/* then this file from offset to end; -1 = nothing */
	off_t		 offset, end;
	bool		 keep_in;	/* its standard input stays open afterwards */
	/* Its standard output, all that came at once. 0 = go on, 1 = enough for now, else an error code. NULL = not read here. */
	int		(*take)(const uint8_t *p, size_t n, void *arg);
	void		*arg;
	int		 idle_ms;	/* longest time in which nothing moves; -1 = for ever */
	bool		*stopped_reading;	/* set when it no longer reads its input; NULL = not asked for */
};

/* Absolute path, vectors ended by NULL; in the current folder. 0, ERR_NOMEM, ERR_SYSTEM. */
int	gitchild_start(struct gitchild *, const char *path, char *const *argv, char *const *envp);
/* The same, and this descriptor, which stays ours, is its number 3. */
int	gitchild_start_with(struct gitchild *, const char *path, char *const *argv, char *const *envp, int extra);
/*
 * Until take has enough, or, when it never has, both outputs are closed. 0; ERR_EXPIRED (silent too long); ERR_SYSTEM (or
 * the spool is shorter than end); what take returned. Standard input that is not wanted any more is no error: the
 * program's answer says why.
 */
int	gitchild_pass(struct gitchild *, const struct gitpass *);
/* Close what is open, kill it if it is still needed no more, wait. Its exit status, 128 and more for a signal. -1 = there was none. */
int	gitchild_end(struct gitchild *, bool kill_it);
void	gitchild_release(struct gitchild *);
/* The last line of its standard error, clean; "" when it said nothing. */
void	gitchild_last_words(const struct gitchild *, char *out, size_t size);
/* The first line that calls itself an error (fatal:, FATAL:, ERROR:), clean; without one, the last. */
void	gitchild_complaint(const struct gitchild *, char *out, size_t size);

#endif
