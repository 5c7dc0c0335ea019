/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of sh, as far as it takes to find every simple command. Each function leaves at behind what it read. */
#include "bastion/policy/shell-lex.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/xmalloc.h"

static const char not_shell[] = "it is not plain shell syntax";
static const char sets_variable[] = "it sets a variable that changes what programs do";

static void parse_command(struct shell *, bool after_and);

static bool
enter(struct shell *sh)
{
	if (++sh->depth <= SCRIPT_MAX_DEPTH)
		return true;
	shell_bad(sh, "it is nested too deeply");
	return false;
}

/* Whether this reserved word stands here as a word of its own. */
static bool
at_word(struct shell *sh, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i < n; i++)
		if (shell_peek(sh, i) != (unsigned char)word[i])
			return false;
	return shell_is_delimiter(shell_peek(sh, n));
}

static void
skip_newlines(struct shell *sh)
{
	for (shell_blanks(sh); shell_peek(sh, 0) == '\n'; shell_blanks(sh))
		shell_newline(sh);
}

static void
expect(struct shell *sh, const char *word)
{
	skip_newlines(sh);
	if (at_word(sh, word))
		shell_skip(sh, strlen(word));
	else
		shell_bad(sh, not_shell);
}

/* What ends a list from outside it. */
static bool
at_closing(struct shell *sh)
{
	static const char *const words[] = { "then", "elif", "else", "fi", "do", "done", "esac", "}", NULL };
	int c = shell_peek(sh, 0);

	if (c == SHELL_EOF || c == ')' || (c == ';' && shell_peek(sh, 1) == ';'))
		return true;
	for (size_t i = 0; words[i] != NULL; i++)
		if (at_word(sh, words[i]))
			return true;
	return false;
}

/* The word after a redirection or in a list of words; false when there is none. */
static bool
read_word(struct shell *sh, struct lexeme *w)
{
	shell_blanks(sh);
	if (shell_is_delimiter(shell_peek(sh, 0))) {
		shell_bad(sh, not_shell);
		return false;
	}
	lexeme_read(sh, w);
	if (sh->bad == NULL)
		return true;
	lexeme_release(w);
	return false;
}

static void
keep_word(struct shell *sh, struct words *to, const struct lexeme *w)
{
	if (!script_add_word(sh->script, to, xstrdup(w->text), lexeme_kind(w), w->splits || (w->glob && w->unknown),
	    w->tilde))
		shell_bad(sh, sh->script->unresolved);
}

static void
read_heredoc_start(struct shell *sh)
{
	struct heredoc h = { 0 };
	struct lexeme w;

	if (shell_peek(sh, 0) == '<') {
		shell_bad(sh, "<<<, which only some shells know");
		return;
	}
	if (shell_peek(sh, 0) == '-') {
		h.tabs = true;
		shell_skip(sh, 1);
	}
	if (!read_word(sh, &w))
		return;
	if (lexeme_kind(&w) != WORD_LITERAL || w.n == 0 || memchr(w.text, '\n', w.n) != NULL ||
	    sh->npending >= SHELL_MAX_HEREDOCS)
		shell_bad(sh, "a here-document with an end that is no plain word");
	else {
		h.delimiter = xstrdup(w.text);
		h.quoted = w.quoted;
		sh->pending[sh->npending++] = h;
	}
	lexeme_release(&w);
}

/* The file of a redirection. index: the command it belongs to. */
static void
read_file(struct shell *sh, size_t index, bool writes)
{
	struct lexeme w;

	if (!read_word(sh, &w))
		return;
	if (strncmp(w.text, "/dev/tcp", 8) == 0 || strncmp(w.text, "/dev/udp", 8) == 0)
		command_unresolved(&sh->script->v[index], "it opens a network connection by redirection");
	if (writes)
		keep_word(sh, &sh->script->v[index].writes, &w);
	else if (lexeme_kind(&w) != WORD_LITERAL || strcmp(w.text, "/dev/null") != 0)
		keep_word(sh, &sh->script->v[index].reads, &w);
	lexeme_release(&w);
}

/* After >& or <&: a descriptor or '-'. With a file name, shells differ. */
static void
read_descriptor(struct shell *sh)
{
	struct lexeme w;

	if (!read_word(sh, &w))
		return;
	if (lexeme_kind(&w) != WORD_LITERAL || w.quoted || (strcmp(w.text, "-") != 0 && (w.n != 1 || w.text[0] < '0' ||
	    w.text[0] > '9')))
		shell_bad(sh, ">& to something that is no descriptor");
	lexeme_release(&w);
}

/* At < or >. */
static void
read_redirection(struct shell *sh, size_t index)
{
	int c = shell_peek(sh, 0), next = shell_peek(sh, 1);

	if (next == '(') {
		shell_bad(sh, "a process substitution");
	} else if (next == '&') {
		shell_skip(sh, 2);
		read_descriptor(sh);
	} else if (c == '<' && next == '<') {
		shell_skip(sh, 2);
		read_heredoc_start(sh);
	} else if ((c == '<' && next == '>') || (c == '>' && (next == '>' || next == '|'))) {
		shell_skip(sh, 2);
		read_file(sh, index, true);
	} else {
		shell_skip(sh, 1);
		read_file(sh, index, c == '>');
	}
}

static bool
at_redirection(struct shell *sh)
{
	int c = shell_peek(sh, 0), next = shell_peek(sh, 1);

	return c == '<' || c == '>' || (c >= '0' && c <= '9' && (next == '<' || next == '>'));
}

static void
skip_descriptor(struct shell *sh)
{
	int c = shell_peek(sh, 0);

	if (c >= '0' && c <= '9')
		shell_skip(sh, 1);
}

/* "12>": one shell reads a descriptor, another the word 12. */
static bool
is_number(const struct lexeme *w)
{
	return !w->quoted && w->n > 0 && strspn(w->text, "0123456789") == w->n;
}

static bool
add_command(struct shell *sh, bool after_and, size_t *index)
{
	struct command *c = script_add(sh->script);

	if (c == NULL) {
		shell_bad(sh, sh->script->unresolved);
		return false;
	}
	c->after_and = after_and;
	c->depth = sh->depth;
	*index = sh->script->n - 1;
	return true;
}

/* A compound command's redirections: a command without words of its own. */
static void
parse_redirections(struct shell *sh)
{
	size_t index;

	shell_blanks(sh);
	if (!at_redirection(sh) || !add_command(sh, false, &index))
		return;
	for (; at_redirection(sh); shell_blanks(sh)) {
		skip_descriptor(sh);
		read_redirection(sh, index);
	}
}

/* name() { ..}: its body's commands count as if they ran. */
static void
parse_function(struct shell *sh, size_t index)
{
	static const char *const ours[] = { "cd", "command", "builtin", "exec", "test", "[", "true", "false", "export", NULL };
	const char *name = sh->script->v[index].words.v[0].text;

	for (size_t i = 0; ours[i] != NULL; i++)
		if (strcmp(name, ours[i]) == 0)
			shell_bad(sh, "a function that hides a command of the shell");
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] != '\0')
		shell_bad(sh, not_shell);
	shell_skip(sh, 1);
	shell_blanks(sh);
	if (shell_peek(sh, 0) != ')')
		shell_bad(sh, not_shell);
	shell_skip(sh, 1);
	sh->script->loops = true;
	skip_newlines(sh);
	if (shell_peek(sh, 0) != '{' && shell_peek(sh, 0) != '(')
		shell_bad(sh, not_shell);
	else
		parse_command(sh, false);
	/* The command that was opened for the name has done its work. It stays, and needs a rule like any other. */
}

static void
parse_simple(struct shell *sh, bool after_and)
{
	struct lexeme w;
	size_t index, words = 0;

	if (!add_command(sh, after_and, &index))
		return;
	for (shell_blanks(sh); sh->bad == NULL; shell_blanks(sh)) {
		if (at_redirection(sh)) {
			skip_descriptor(sh);
			read_redirection(sh, index);
			continue;
		}
		if (shell_is_delimiter(shell_peek(sh, 0)))
			break;
		if (!read_word(sh, &w))
			return;
		if (is_number(&w) && (shell_peek(sh, 0) == '<' || shell_peek(sh, 0) == '>'))
			shell_bad(sh, "a redirection of a high descriptor");
		else if (words == 0 && w.assigns > 0) {
			if (name_is_dangerous(w.text, w.assigns))
				shell_bad(sh, sets_variable);
		} else {
			keep_word(sh, &sh->script->v[index].words, &w);
			words++;
		}
		lexeme_release(&w);
	}
	if (shell_peek(sh, 0) == '(' && sh->bad == NULL) {
		if (words == 1 && sh->script->v[index].words.v[0].kind == WORD_LITERAL)
			parse_function(sh, index);
		else
			shell_bad(sh, not_shell);
	}
}

static void
parse_if(struct shell *sh)
{
	shell_list(sh);
	expect(sh, "then");
	shell_list(sh);
	while (at_word(sh, "elif")) {
		expect(sh, "elif");
		shell_list(sh);
		expect(sh, "then");
		shell_list(sh);
	}
	if (at_word(sh, "else")) {
		expect(sh, "else");
		shell_list(sh);
	}
	expect(sh, "fi");
}

static void
parse_while(struct shell *sh)
{
	sh->script->loops = true;
	shell_list(sh);
	expect(sh, "do");
	shell_list(sh);
	expect(sh, "done");
}

static void
parse_for(struct shell *sh)
{
	struct lexeme w;

	sh->script->loops = true;
	if (!read_word(sh, &w))
		return;
	if (w.quoted || w.unknown || name_is_dangerous(w.text, w.n))
		shell_bad(sh, sets_variable);
	lexeme_release(&w);
	skip_newlines(sh);
	if (at_word(sh, "in")) {
		shell_skip(sh, 2);
		for (shell_blanks(sh); !shell_is_delimiter(shell_peek(sh, 0)); shell_blanks(sh)) {
			if (!read_word(sh, &w))
				return;
			lexeme_release(&w);
		}
	}
	shell_blanks(sh);
	if (shell_peek(sh, 0) == ';')
		shell_skip(sh, 1);
	expect(sh, "do");
	shell_list(sh);
	expect(sh, "done");
}

static void
parse_case_item(struct shell *sh)
{
	struct lexeme w;

	if (shell_peek(sh, 0) == '(')
		shell_skip(sh, 1);
	for (;;) {
		if (!read_word(sh, &w))
			return;
		lexeme_release(&w);
		shell_blanks(sh);
		if (shell_peek(sh, 0) != '|')
			break;
		shell_skip(sh, 1);
	}
	if (shell_peek(sh, 0) != ')') {
		shell_bad(sh, not_shell);
		return;
	}
	shell_skip(sh, 1);
	shell_list(sh);
	if (shell_peek(sh, 0) == ';' && shell_peek(sh, 1) == ';')
		shell_skip(sh, 2);
	else if (!at_word(sh, "esac"))
		shell_bad(sh, not_shell);
	skip_newlines(sh);
}

static void
parse_case(struct shell *sh)
{
	struct lexeme w;

	if (!read_word(sh, &w))
		return;
	lexeme_release(&w);
	expect(sh, "in");
	for (skip_newlines(sh); sh->bad == NULL && !at_word(sh, "esac");)
		parse_case_item(sh);
	expect(sh, "esac");
}

static void
parse_group(struct shell *sh)
{
	shell_list(sh);
	expect(sh, "}");
}

static const struct {
	const char	*word;
	void		(*fn)(struct shell *);	/* NULL: only some shells know it */
} compounds[] = {
	{ "if", parse_if }, { "while", parse_while }, { "until", parse_while }, { "for", parse_for }, { "case", parse_case },
	{ "{", parse_group }, { "[[", NULL }, { "function", NULL }, { "select", NULL }, { "coproc", NULL },
	{ "foreach", NULL },
	{ "repeat", NULL }, { "nocorrect", NULL }, { "noglob", NULL }, { "-", NULL }, { "in", NULL },
};

static void
parse_subshell(struct shell *sh)
{
	if (shell_peek(sh, 1) == '(') {
		shell_bad(sh, "((, which shells read differently");
		return;
	}
	shell_skip(sh, 1);
	shell_list(sh);
	if (shell_peek(sh, 0) != ')')
		shell_bad(sh, not_shell);
	shell_skip(sh, 1);
	parse_redirections(sh);
}

static void
parse_command(struct shell *sh, bool after_and)
{
	int c;

	shell_blanks(sh);
	c = shell_peek(sh, 0);
	if (c != '<' && c != '>' && c != '(' && shell_is_delimiter(c)) {
		shell_bad(sh, not_shell);
		return;
	}
	if (!enter(sh))
		return;
	if (c == '(')
		parse_subshell(sh);
	else {
		size_t i = 0, n = sizeof(compounds) / sizeof(compounds[0]);

		while (i < n && !at_word(sh, compounds[i].word))
			i++;
		if (i == n)
			parse_simple(sh, after_and);
		else if (compounds[i].fn == NULL)
			shell_bad(sh, "a word that only some shells know");
		else {
			shell_skip(sh, strlen(compounds[i].word));
			compounds[i].fn(sh);
			parse_redirections(sh);
		}
	}
	sh->depth--;
}

/* Whether what was read is one simple command and nothing else. */
static bool
parse_pipeline(struct shell *sh, bool after_and)
{
	size_t before = sh->script->n;
	bool plain = true;

	shell_blanks(sh);
	while (at_word(sh, "!")) {
		shell_skip(sh, 1);
		shell_blanks(sh);
		plain = false;
	}
	plain = plain && shell_peek(sh, 0) != '(' && !at_word(sh, "{");
	parse_command(sh, after_and && plain);
	for (shell_blanks(sh); shell_peek(sh, 0) == '|' && shell_peek(sh, 1) != '|'; shell_blanks(sh)) {
		if (shell_peek(sh, 1) == '&') {
			shell_bad(sh, "|&, which shells read differently");
			return false;
		}
		shell_skip(sh, 1);
		skip_newlines(sh);
		parse_command(sh, false);
		plain = false;
	}
	return plain && sh->script->n == before + 1;
}

static void
parse_and_or(struct shell *sh)
{
	bool plain = parse_pipeline(sh, false), chain = true;

	/* After a ||, "the command before it succeeded" may be said of either side. */
	for (shell_blanks(sh); sh->bad == NULL; shell_blanks(sh)) {
		int c = shell_peek(sh, 0);

		if ((c != '&' && c != '|') || shell_peek(sh, 1) != c)
			return;
		shell_skip(sh, 2);
		skip_newlines(sh);
		chain = chain && c == '&';
		plain = parse_pipeline(sh, plain && chain);
	}
}

void
shell_list(struct shell *sh)
{
	for (skip_newlines(sh); sh->bad == NULL && !at_closing(sh); skip_newlines(sh)) {
		int c;

		parse_and_or(sh);
		shell_blanks(sh);
		c = shell_peek(sh, 0);
		if (c == '&' && shell_peek(sh, 1) == '>')
			shell_bad(sh, "&>, which shells read differently");
		if (c == '&' || (c == ';' && shell_peek(sh, 1) != ';'))
			shell_skip(sh, 1);
		else if (c != '\n' && !at_closing(sh))
			shell_bad(sh, not_shell);
	}
}

void
script_parse_into(struct script *s, const char *text, size_t n, unsigned depth)
{
	struct shell sh = { .script = s, .p = text, .n = n, .depth = depth };

	if (depth > SCRIPT_MAX_DEPTH || n > SCRIPT_MAX_BYTES || memchr(text, '\0', n) != NULL)
		shell_bad(&sh, "it is nested too deeply or too long");
	shell_list(&sh);
	if (sh.bad == NULL && sh.at < sh.n)
		shell_bad(&sh, not_shell);
	if (sh.bad == NULL && sh.npending > 0)
		shell_bad(&sh, "a here-document without its end");
	for (size_t i = 0; i < sh.npending; i++)
		free(sh.pending[i].delimiter);
	if (sh.bad != NULL && s->unresolved == NULL)
		s->unresolved = sh.bad;
}
