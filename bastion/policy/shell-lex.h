/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shell-lex: the characters and words of a shell command line. What dash and bash read alike is read; what they read
 * differently, or what only bash has, is bad: shell_bad() is sticky, and a line with it is unresolved as a whole.
 */
#ifndef POLICY_SHELL_LEX_H
#define POLICY_SHELL_LEX_H

#include "bastion/policy/script.h"

#define SHELL_MAX_HEREDOCS	8

struct heredoc {
	char	*delimiter;
	bool	 quoted;	/* its text is not expanded */
	bool	 tabs;		/* <<- */
};

struct shell {
	struct script	*script;
	const char	*p;
	size_t		 n, at;
	unsigned	 depth;
	unsigned	 inside;	/* how many $( are open */
	const char	*bad;		/* static reason */
	struct heredoc	 pending[SHELL_MAX_HEREDOCS];	/* whose text follows the next newline */
	size_t		 npending;
};

/* One word as it is read. */
struct lexeme {
	char	*text;		/* what is known of it; everything from the start until the first unknown part */
	size_t	 n;
	bool	 unknown, glob, splits, tilde;
	bool	 quoted;	/* some of it was quoted or escaped */
	bool	 quoted_meta;	/* a quoted character that would be special in a pattern */
	size_t	 assigns;	/* length of NAME in NAME=.. or NAME+=.., 0 = no assignment */
};

#define SHELL_EOF	(-1)

void	shell_bad(struct shell *, const char *why);
/* The character k places on, line continuations left out; SHELL_EOF at the end and when bad. */
int	shell_peek(struct shell *, size_t k);
void	shell_skip(struct shell *, size_t k);
/* Blanks and a comment, not newlines. */
void	shell_blanks(struct shell *);
/* A newline, and the here-documents that start after it. */
void	shell_newline(struct shell *);
bool	shell_is_delimiter(int c);

/* Read the word that starts here. The caller releases it, also when the shell is bad then. */
void	lexeme_read(struct shell *, struct lexeme *);
void	lexeme_release(struct lexeme *);
enum word_kind	lexeme_kind(const struct lexeme *);

/* The grammar's part, in shell-parse.c: commands up to a closing ')' or the end. */
void	shell_list(struct shell *);

#endif
