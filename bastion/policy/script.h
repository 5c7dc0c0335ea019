/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script: what a shell command line would start, as far as its text alone can tell. A script is the flat list of its
 * simple commands, from every branch, loop, substitution and function body alike, each with its words and the files it
 * writes. What cannot be told is said so: script.unresolved for a line that is not understood as a whole, and
 * command.unresolved for a command in it.
 *
 *	struct script s;
 *
 *	script_parse(&s, "make test > log", 15);	shell-parse.c: the grammar
 *	script_resolve(&s);				wrapper.c: sudo, env, xargs, sh -c .. replaced by what they start
 *	script_release(&s);
 */
#ifndef POLICY_SCRIPT_H
#define POLICY_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#define SCRIPT_MAX_BYTES	(32 * 1024)
#define SCRIPT_MAX_COMMANDS	512
#define SCRIPT_MAX_WORDS	4096	/* in the whole script */
#define SCRIPT_MAX_DEPTH	32	/* of nesting, scripts in scripts included */
#define SCRIPT_MAX_CWDS		16

enum word_kind {
	WORD_LITERAL,	/* text is the word */
	WORD_GLOB,	/* text is a pattern; it becomes words of that shape, of the same leading bytes */
	WORD_UNKNOWN,	/* only its leading bytes, text, are known */
};

struct word {
	char		*text;
	enum word_kind	 kind;
	bool		 splits;	/* not literal: may become any number of words, of any shape */
	bool		 tilde;		/* starts with an unquoted ~ or ~/ */
};

struct words {
	struct word	*v;
	size_t		 n;
};

struct command {
	struct words	 words;		/* program first */
	struct words	 writes;	/* files that redirections write */
	struct words	 reads;		/* and read, /dev/null apart; without words these are a group's */
	char		**cwds;		/* where it may run, as far as known; relative to ~ at the start */
	size_t		 ncwds;		/* 0 = anywhere */
	bool		 after_and;	/* starts right after the command before it, and only if that succeeded */
	bool		 wrapped;	/* a wrapper has come off that starts it as a process of its own */
	unsigned	 depth;		/* of the scripts and substitutions that it is in */
	const char	*unresolved;	/* static reason, or NULL */
};

struct script {
	struct command	*v;
	size_t		 n;
	size_t		 nwords;	/* against SCRIPT_MAX_WORDS */
	bool		 loops;		/* text order is not the order of running */
	const char	*unresolved;	/* static reason, or NULL */
};

/* Fill s, whatever the bytes are. Whoever calls it releases it. */
void	script_parse(struct script *s, const char *text, size_t n);
/* The same into a script that has commands already, for scripts in scripts. */
void	script_parse_into(struct script *s, const char *text, size_t n, unsigned depth);
void	script_resolve(struct script *s);
void	script_release(struct script *s);

/* The bytes of NUL, bad UTF-8, controls, or text direction that a reader would not see: a static reason, or NULL. */
const char	*script_malformed(const void *p, size_t n);

/* Building blocks. A new command at the end, or NULL when there are too many (then s->unresolved is set). */
struct command	*script_add(struct script *s);
/* Moves text. False when there are too many words; text is freed then. */
bool	script_add_word(struct script *s, struct words *, char *text, enum word_kind, bool splits, bool tilde);
void	command_unresolved(struct command *, const char *why);	/* keeps the first reason */

bool	word_is(const struct word *, const char *literal);
/* Whether setting this variable can change which programs run, or what they do. */
bool	name_is_dangerous(const char *name, size_t n);
/* Whether it may become a word that starts with '-'. */
bool	word_may_be_option(const struct word *);
/* The command as one printable line; the caller frees. */
char	*command_text(const struct command *);

#endif
