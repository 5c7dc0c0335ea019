/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/shell-lex.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/xmalloc.h"

static void read_dollar(struct shell *, struct lexeme *, bool quoted);
static void read_backtick(struct shell *, struct lexeme *, bool quoted);

void
shell_bad(struct shell *sh, const char *why)
{
	if (sh->bad == NULL)
		sh->bad = why;
	sh->at = sh->n;
}

/* A backslash and a newline vanish everywhere but in single quotes and comments. */
int
shell_peek(struct shell *sh, size_t k)
{
	size_t i = sh->at;

	for (;;) {
		while (i + 1 < sh->n && sh->p[i] == '\\' && sh->p[i + 1] == '\n')
			i += 2;
		if (i >= sh->n)
			return SHELL_EOF;
		if (k-- == 0)
			return (unsigned char)sh->p[i];
		i++;
	}
}

/* Step over line continuations, so that at is the character that shell_peek(sh, 0) shows. */
static void
settle(struct shell *sh)
{
	while (sh->at + 1 < sh->n && sh->p[sh->at] == '\\' && sh->p[sh->at + 1] == '\n')
		sh->at += 2;
}

/* What a backslash here stands before, read raw: an escaped backslash does not continue a line. */
static int
escaped(const struct shell *sh)
{
	return sh->at + 1 < sh->n ? (unsigned char)sh->p[sh->at + 1] : SHELL_EOF;
}

void
shell_skip(struct shell *sh, size_t k)
{
	for (; k > 0; k--) {
		settle(sh);
		if (sh->at < sh->n)
			sh->at++;
	}
}

void
shell_blanks(struct shell *sh)
{
	int c;

	while ((c = shell_peek(sh, 0)) == ' ' || c == '\t')
		shell_skip(sh, 1);
	if (c != '#')
		return;
	while (sh->at < sh->n && sh->p[sh->at] != '\n')
		sh->at++;
}

bool
shell_is_delimiter(int c)
{
	return c == SHELL_EOF || strchr(" \t\n;&|<>()", c) != NULL;
}

static bool
is_name_start(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_name_char(int c)
{
	return is_name_start(c) || (c >= '0' && c <= '9');
}

/* The text of one here-document expands as double quotes do. */
static void
expand_heredoc(struct shell *sh, const char *text, size_t n)
{
	struct shell body = { .script = sh->script, .p = text, .n = n, .depth = sh->depth + 1, .inside = sh->inside + 1 };
	struct lexeme w = { .unknown = true };

	while (body.at < body.n && body.bad == NULL) {
		char c = body.p[body.at];

		if (c == '\\' && body.at + 1 < body.n && body.p[body.at + 1] == '\n')
			shell_bad(&body, "a here-document with a continued line");
		else if (c == '\\')
			body.at += body.at + 1 < body.n ? 2 : 1;
		else if (c == '$')
			read_dollar(&body, &w, true);
		else if (c == '`')
			read_backtick(&body, &w, true);
		else
			body.at++;
	}
	if (body.bad != NULL)
		shell_bad(sh, body.bad);
}

static void
read_heredoc(struct shell *sh, const struct heredoc *h)
{
	size_t len = strlen(h->delimiter), start = sh->at;

	while (sh->at < sh->n) {
		size_t line = sh->at, end;
		const char *nl = memchr(sh->p + line, '\n', sh->n - line);

		end = nl == NULL ? sh->n : (size_t)(nl - sh->p);
		sh->at = nl == NULL ? end : end + 1;
		while (h->tabs && line < end && sh->p[line] == '\t')
			line++;
		if (end - line != len || memcmp(sh->p + line, h->delimiter, len) != 0)
			continue;
		if (!h->quoted)
			expand_heredoc(sh, sh->p + start, line - start);
		return;
	}
	shell_bad(sh, "a here-document without its end");
}

void
shell_newline(struct shell *sh)
{
	size_t n = sh->npending;

	shell_skip(sh, 1);
	if (n > 0 && sh->inside > 0)
		shell_bad(sh, "a here-document inside a substitution");
	for (size_t i = 0; i < n && sh->bad == NULL; i++)
		read_heredoc(sh, &sh->pending[i]);
	for (size_t i = 0; i < n; i++)
		free(sh->pending[i].delimiter);
	sh->npending = 0;
}

/* Nothing is added once a part is unknown: text stays what is known for certain from the start. */
static void
put(struct lexeme *w, int c, bool quoted)
{
	if (quoted) {
		w->quoted = true;
		w->quoted_meta = w->quoted_meta || strchr("*?[", c) != NULL;
	}
	if (!w->unknown)
		w->text[w->n++] = (char)c;
}

static void
make_unknown(struct lexeme *w, bool quoted)
{
	w->unknown = true;
	if (quoted)
		w->quoted = true;
	else
		w->splits = true;
}

static void
read_single(struct shell *sh, struct lexeme *w)
{
	w->quoted = true;
	for (sh->at++; sh->at < sh->n && sh->p[sh->at] != '\''; sh->at++)
		put(w, (unsigned char)sh->p[sh->at], true);
	if (sh->at >= sh->n)
		shell_bad(sh, "a quote that does not end");
	else
		sh->at++;
}

static void
read_double(struct shell *sh, struct lexeme *w)
{
	int c, next;

	w->quoted = true;
	for (shell_skip(sh, 1); (c = shell_peek(sh, 0)) != '"';) {
		if (c == SHELL_EOF) {
			shell_bad(sh, "a quote that does not end");
			return;
		}
		if (c == '$')
			read_dollar(sh, w, true);
		else if (c == '`')
			read_backtick(sh, w, true);
		else if (c == '\\') {
			settle(sh);
			next = escaped(sh);
			if (next == SHELL_EOF || strchr("$`\"\\", next) == NULL) {
				put(w, '\\', true);
				sh->at++;
			} else {
				put(w, next, true);
				sh->at += 2;
			}
		} else {
			put(w, c, true);
			shell_skip(sh, 1);
		}
	}
	shell_skip(sh, 1);
}

/* `..`: only without backslashes, whose meaning inside depends on what is outside. */
static void
read_backtick(struct shell *sh, struct lexeme *w, bool quoted)
{
	size_t start;

	settle(sh);
	start = ++sh->at;
	while (sh->at < sh->n && sh->p[sh->at] != '`' && sh->p[sh->at] != '\\')
		sh->at++;
	if (sh->at >= sh->n || sh->p[sh->at] == '\\') {
		shell_bad(sh, "backticks with a backslash or without an end");
		return;
	}
	script_parse_into(sh->script, sh->p + start, sh->at - start, sh->depth + 1);
	sh->at++;
	make_unknown(w, quoted);
}

/*
 * $((..)): numbers and operators alone. A name in it is a value, which bash reads as an expression again, and
 * that can run a command (a[$(..)]).
 */
static void
read_arithmetic(struct shell *sh)
{
	unsigned open = 2;
	int c;

	for (shell_skip(sh, 3); open > 0; shell_skip(sh, 1)) {
		c = shell_peek(sh, 0);
		if (c == SHELL_EOF || strchr("0123456789 \t+-*/%()<>=!&|^~?:,", c) == NULL) {
			shell_bad(sh, "arithmetic on more than numbers");
			return;
		}
		open += c == '(';
		open -= c == ')';
		if (open == 1 && c == ')' && shell_peek(sh, 1) != ')') {
			shell_bad(sh, "arithmetic that does not end");
			return;
		}
	}
}

/* ${..}: a name, or a name with a default, an alternative or a cut pattern of plain parts. */
static void
read_braced(struct shell *sh, struct lexeme *w)
{
	static const char why[] = "an expansion that is more than ${NAME}";
	int c;

	if (++sh->depth > SCRIPT_MAX_DEPTH)
		shell_bad(sh, "it is nested too deeply");
	shell_skip(sh, 2);
	if (shell_peek(sh, 0) == '#' && shell_peek(sh, 1) != '}')
		shell_skip(sh, 1);
	c = shell_peek(sh, 0);
	if (is_name_start(c))
		while (is_name_char(shell_peek(sh, 0)))
			shell_skip(sh, 1);
	else if (c != SHELL_EOF && strchr("0123456789@*#?$-", c) != NULL)
		shell_skip(sh, 1);
	else
		shell_bad(sh, why);
	c = shell_peek(sh, 0);
	if (c == ':' && shell_peek(sh, 1) != SHELL_EOF && strchr("-+?", shell_peek(sh, 1)) != NULL)
		shell_skip(sh, 2);
	else if (c != SHELL_EOF && strchr("-+?%#", c) != NULL)
		shell_skip(sh, 1);
	else if (c != '}')
		shell_bad(sh, why);
	while ((c = shell_peek(sh, 0)) != '}' && sh->bad == NULL) {
		if (c == '$')
			read_dollar(sh, w, true);
		else if (c == '`')
			read_backtick(sh, w, true);
		else if (c == SHELL_EOF || strchr("'\"\\{<>()", c) != NULL)
			shell_bad(sh, why);
		else
			shell_skip(sh, 1);
	}
	shell_skip(sh, 1);
	sh->depth--;
}

static void
read_substitution(struct shell *sh)
{
	size_t pending = sh->npending;

	shell_skip(sh, 2);
	if (++sh->depth > SCRIPT_MAX_DEPTH) {
		shell_bad(sh, "it is nested too deeply");
		return;
	}
	sh->inside++;
	shell_list(sh);
	sh->inside--;
	sh->depth--;
	if (shell_peek(sh, 0) != ')' || sh->npending != pending)
		shell_bad(sh, "a substitution that does not end");
	shell_skip(sh, 1);
}

static void
read_dollar(struct shell *sh, struct lexeme *w, bool quoted)
{
	int c = shell_peek(sh, 1);

	if (c == '(' && shell_peek(sh, 2) == '(') {
		make_unknown(w, quoted);
		read_arithmetic(sh);
	} else if (c == '(') {
		make_unknown(w, quoted);
		read_substitution(sh);
	} else if (c == '{') {
		bool outer = quoted;

		make_unknown(w, outer);
		w->splits = w->splits || shell_peek(sh, 2) == '@';
		read_braced(sh, w);
	} else if (is_name_start(c)) {
		make_unknown(w, quoted);
		for (shell_skip(sh, 1); is_name_char(shell_peek(sh, 0));)
			shell_skip(sh, 1);
		/* zsh and csh read more into what follows; so does nobody who writes for sh. */
		if (shell_peek(sh, 0) == '[' && !quoted)
			shell_bad(sh, "an index after a variable");
	} else if (c != SHELL_EOF && strchr("0123456789@*#?$!-", c) != NULL) {
		make_unknown(w, quoted);
		w->splits = w->splits || c == '@';
		shell_skip(sh, 2);
	} else if ((c == '\'' || c == '"') && !quoted)
		shell_bad(sh, "a $ before a quote, which shells read differently");
	else if (c == '[')
		shell_bad(sh, "old arithmetic, $[..]");
	else {
		put(w, '$', true);
		shell_skip(sh, 1);
	}
}

/* One unquoted character that is not the start of something longer. */
static void
read_plain(struct shell *sh, struct lexeme *w, int c)
{
	int next = shell_peek(sh, 1);

	if (c == '{' && next == '}') {
		put(w, '{', false);
		put(w, '}', false);
		shell_skip(sh, 2);
		return;
	}
	if (c == '{' && !(w->n == 0 && shell_is_delimiter(next)))
		make_unknown(w, false);
	if (strchr("*?[", c) != NULL)
		w->glob = true;
	if (c == '~' && w->n == 0 && !w->quoted && !w->unknown)
		w->tilde = true;
	/* zsh: =name is the path of a program. */
	if (c == '=' && w->n == 0 && !w->quoted && !shell_is_delimiter(next) && next != '=')
		make_unknown(w, false);
	if (c == '=' && w->assigns == 0 && !w->quoted && !w->unknown && w->n > 0 && is_name_start(w->text[0])) {
		size_t n = w->n - (w->text[w->n - 1] == '+'), i = 0;

		while (i < n && is_name_char(w->text[i]))
			i++;
		if (i == n)
			w->assigns = n;
		else if (w->text[i] == '[')
			shell_bad(sh, "an array");
	}
	put(w, c, false);
	shell_skip(sh, 1);
}

void
lexeme_read(struct shell *sh, struct lexeme *w)
{
	int c;

	*w = (struct lexeme){ .text = xmalloc(sh->n - sh->at + 3) };
	while (!shell_is_delimiter(c = shell_peek(sh, 0)) && sh->bad == NULL) {
		settle(sh);
		if (c == '\'')
			read_single(sh, w);
		else if (c == '"')
			read_double(sh, w);
		else if (c == '$')
			read_dollar(sh, w, false);
		else if (c == '`')
			read_backtick(sh, w, false);
		else if (c == '\\' && escaped(sh) == SHELL_EOF)
			shell_bad(sh, "a backslash at the end");
		else if (c == '\\') {
			put(w, escaped(sh), true);
			sh->at += 2;
		} else
			read_plain(sh, w, c);
	}
	w->text[w->n] = '\0';
}

void
lexeme_release(struct lexeme *w)
{
	free(w->text);
	w->text = NULL;
}

enum word_kind
lexeme_kind(const struct lexeme *w)
{
	if (w->unknown || (w->glob && w->quoted_meta))
		return WORD_UNKNOWN;
	/* A lone [ is the name of a command. */
	return w->glob && strcmp(w->text, "[") != 0 ? WORD_GLOB : WORD_LITERAL;
}
