/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/wrapper.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/xmalloc.h"

#define MAX_PEELS	16

static const char unknown_option[] = "an option before the command that is not known";

/* How a wrapper's own words look, up to the program that it starts. */
struct wrapper {
	const char	*name;
	const char	*flags;		/* short options without a value */
	const char	*with_value;	/* short options with one */
	const char	*long_flags;	/* names between blanks, as " foo bar " */
	const char	*long_values;	/* the same, with a value after '=' or in the next word */
	unsigned	 operands;	/* words before the program: timeout's duration */
	bool		 assigns;	/* NAME=value words may come before the program */
	bool		 judged;	/* it changes rights, so it needs a rule of its own, too */
	bool		 appends;	/* it adds words from its input */
};

static const struct wrapper wrappers[] = {
	{ "env", "i0v", "u", " ignore-environment null debug ", " unset ", 0, true, false, false },
	{ "nice", "", "n", " ", " adjustment ", 0, false, false, false },
	{ "nohup", "", "", " ", " ", 0, false, false, false },
	{ "setsid", "cfw", "", " ctty fork wait ", " ", 0, false, false, false },
	{ "stdbuf", "", "ioe", " ", " input output error ", 0, false, false, false },
	{ "timeout", "v", "ks", " foreground preserve-status verbose ", " kill-after signal ", 1, false, false, false },
	{ "time", "pv", "f", " portability verbose ", " format ", 0, true, false, false },
	{ "ionice", "t", "cn", " ignore ", " class classdata ", 0, false, false, false },
	{ "command", "p", "", " ", " ", 0, false, false, false },
	{ "builtin", "", "", " ", " ", 0, false, false, false },
	{ "exec", "cl", "a", " ", " ", 0, false, false, false },
	{ "sudo", "nEHSkbP", "ug", " non-interactive set-home stdin background ", " user group ", 0, true, true, false },
	{ "doas", "n", "u", " ", " ", 0, false, true, false },
	{ "xargs", "0rtx", "dnLPsE", " null no-run-if-empty verbose exit ",
	    " delimiter max-args max-lines max-procs max-chars eof ", 0, false, false, true },
};

static const char *
base_name(const char *s)
{
	const char *slash = strrchr(s, '/');

	return slash == NULL ? s : slash + 1;
}

/* A name, or a name in one of the system's folders: elsewhere anybody may have put a file of that name. */
static bool
is_program(const struct word *w, const char *name)
{
	static const char *const dirs[] = { "", "/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/", "/usr/local/bin/" };
	const char *base = base_name(w->text);

	if (w->kind != WORD_LITERAL || strcmp(base, name) != 0)
		return false;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (strlen(dirs[i]) == (size_t)(base - w->text) && strncmp(w->text, dirs[i], (size_t)(base - w->text)) == 0)
			return true;
	return false;
}

static bool
listed(const char *list, const char *name, size_t n)
{
	for (const char *s = list; (s = strchr(s, ' ')) != NULL; s++)
		if (n > 0 && strncmp(s + 1, name, n) == 0 && s[1 + n] == ' ')
			return true;
	return false;
}

/* Forget the first k words. */
static void
drop_words(struct words *w, size_t k)
{
	struct words fresh = { NULL, 0 };

	for (size_t i = 0; i < k; i++)
		free(w->v[i].text);
	/* The vector's capacity is told from its length, so it is built anew. */
	for (size_t i = k; i < w->n; i++) {
		if ((fresh.n & (fresh.n - 1)) == 0)
			fresh.v = xreallocarray(fresh.v, fresh.n == 0 ? 1 : fresh.n * 2, sizeof(*fresh.v));
		fresh.v[fresh.n++] = w->v[i];
	}
	free(w->v);
	*w = fresh;
}

/* One option word: how many words it takes, 0 when it is not understood. */
static size_t
option_words(const struct wrapper *wr, const char *s)
{
	size_t n;

	if (s[1] == '-') {
		n = strcspn(s + 2, "=");
		if (listed(wr->long_flags, s + 2, n) && s[2 + n] == '\0')
			return 1;
		if (listed(wr->long_values, s + 2, n))
			return s[2 + n] == '=' ? 1 : 2;
		return 0;
	}
	/* xargs -I with any other mark than {} could replace the program's name. */
	if (wr->appends && strcmp(s, "-I{}") == 0)
		return 1;
	/* nice -10 */
	if (strcmp(wr->name, "nice") == 0 && strspn(s + 1, "0123456789") == strlen(s + 1))
		return 1;
	for (s++; *s != '\0'; s++) {
		if (strchr(wr->with_value, *s) != NULL)
			return s[1] != '\0' ? 1 : 2;
		if (strchr(wr->flags, *s) == NULL)
			return 0;
	}
	return 1;
}

static bool
is_assignment(const char *s)
{
	size_t n = strcspn(s, "=");

	return n > 0 && s[n] == '=' && strchr("0123456789", s[0]) == NULL &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == n;
}

/* Where the inner program starts; words.n when there is none; 0 when that cannot be told (then the reason is set). */
static size_t
inner_start(const struct wrapper *wr, struct command *c)
{
	unsigned operands = wr->operands;
	bool options = true;
	size_t i = 1, k;

	while (i < c->words.n) {
		const struct word *w = &c->words.v[i];

		if (w->kind != WORD_LITERAL) {
			/* An operand may be anything that is one word; what may be an option or a program may not. */
			if (operands == 0 || word_may_be_option(w)) {
				command_unresolved(c, "a wrapper starts something that is not known from the text");
				return 0;
			}
			operands--;
			i++;
		} else if (options && strcmp(w->text, "--") == 0) {
			options = false;
			i++;
		} else if (options && w->text[0] == '-') {
			if (wr->appends && strcmp(w->text, "-I") == 0 && i + 1 < c->words.n &&
			    word_is(&c->words.v[i + 1], "{}"))
				k = 2;
			else if (w->text[1] == '\0' || (k = option_words(wr, w->text)) == 0) {
				command_unresolved(c, unknown_option);
				return 0;
			}
			if (k == 2 && i + 1 < c->words.n && c->words.v[i + 1].kind != WORD_LITERAL) {
				command_unresolved(c, unknown_option);
				return 0;
			}
			i += k;
		} else if (wr->assigns && is_assignment(w->text)) {
			if (name_is_dangerous(w->text, strcspn(w->text, "="))) {
				command_unresolved(c, "it sets a variable that changes what programs do");
				return 0;
			}
			options = false;
			i++;
		} else if (operands > 0) {
			operands--;
			i++;
		} else
			break;
	}
	return i < c->words.n ? i : c->words.n;
}

/* sudo -u root ls: besides ls, "sudo -u root" is a command that needs a rule. */
static void
add_judged(struct script *s, size_t i, size_t n)
{
	struct command *extra = script_add(s);

	if (extra == NULL)
		return;
	extra->depth = s->v[i].depth;
	for (size_t k = 0; k < n; k++) {
		const struct word *w = &s->v[i].words.v[k];

		(void)script_add_word(s, &extra->words, xstrdup(w->text), w->kind, w->splits, w->tilde);
	}
}

/* xargs: the inner program gets words that nobody has seen; with -I they are anywhere in it. */
static void
append_unknown(struct script *s, size_t i)
{
	struct words *w = &s->v[i].words;

	for (size_t k = 0; k < w->n; k++)
		if (strstr(w->v[k].text, "{}") != NULL) {
			w->v[k].kind = WORD_UNKNOWN;
			w->v[k].splits = true;
		}
	(void)script_add_word(s, w, xstrdup(""), WORD_UNKNOWN, true, false);
}

/* command -v NAME only asks where a program is. */
static bool
only_looks(const struct command *c)
{
	return is_program(&c->words.v[0], "command") && c->words.n >= 2 &&
	    (word_is(&c->words.v[1], "-v") || word_is(&c->words.v[1], "-V"));
}

/* Whether a wrapper came off. */
static bool
peel_one(struct script *s, size_t i)
{
	const struct wrapper *wr = NULL;
	size_t start;

	for (size_t k = 0; k < sizeof(wrappers) / sizeof(wrappers[0]) && wr == NULL; k++)
		if (is_program(&s->v[i].words.v[0], wrappers[k].name))
			wr = &wrappers[k];
	if (wr == NULL || only_looks(&s->v[i]) || (start = inner_start(wr, &s->v[i])) == 0)
		return false;
	/* Alone, env prints and exec redirects; neither starts anything. */
	if (start == s->v[i].words.n)
		return false;
	s->v[i].wrapped = s->v[i].wrapped || (strcmp(wr->name, "command") != 0 && strcmp(wr->name, "builtin") != 0);
	if (wr->judged)
		add_judged(s, i, start);
	drop_words(&s->v[i].words, start);
	if (wr->appends)
		append_unknown(s, i);
	return true;
}

/* sh -c SCRIPT: the script takes the place of the command. True when it did. */
static bool
peel_shell(struct script *s, size_t i)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ash", "ksh", "mksh", "zsh" };
	struct command *c = &s->v[i];
	bool known = false, script = false;
	char *text;
	size_t k;

	for (k = 0; k < sizeof(shells) / sizeof(shells[0]); k++)
		known = known || strcmp(base_name(c->words.v[0].text), shells[k]) == 0;
	if (!known)
		return false;
	for (k = 1; k < c->words.n && c->words.v[k].kind == WORD_LITERAL && c->words.v[k].text[0] == '-' && !script; k++) {
		const char *flags = c->words.v[k].text + 1;

		if (*flags == '\0' || strspn(flags, "celuxvf") != strlen(flags)) {
			command_unresolved(c, "a shell with options that are not known");
			return false;
		}
		script = strchr(flags, 'c') != NULL;
	}
	if (k >= c->words.n) {
		command_unresolved(c, "a shell that reads its script from standard input");
		return false;
	}
	if (c->words.v[k].kind != WORD_LITERAL || (!script && (strncmp(c->words.v[k].text, "/dev/", 5) == 0 ||
	    strncmp(c->words.v[k].text, "/proc/", 6) == 0))) {
		command_unresolved(c, "a shell runs something that is not known from the text");
		return false;
	}
	if (!script || !is_program(&c->words.v[0], base_name(c->words.v[0].text)))
		return false;
	text = xstrdup(c->words.v[k].text);
	drop_words(&c->words, c->words.n);
	script_parse_into(s, text, strlen(text), c->depth + 1);
	free(text);
	return true;
}

/* The words from one up to another become a command of their own. */
static void
add_inner(struct script *s, size_t i, size_t from, size_t to)
{
	struct command *inner = script_add(s);

	if (inner == NULL)
		return;
	inner->depth = s->v[i].depth + 1;
	if (inner->depth > SCRIPT_MAX_DEPTH)
		s->unresolved = "it is nested too deeply";
	for (size_t k = from; k < to; k++) {
		const struct word *w = &s->v[i].words.v[k];
		bool hole = strstr(w->text, "{}") != NULL;

		(void)script_add_word(s, &inner->words, xstrdup(hole ? "" : w->text), hole ? WORD_UNKNOWN : w->kind,
		    hole || w->splits, w->tilde);
	}
}

/* find -delete is rm -r on the same folders, and needs the same rule. */
static void
add_delete(struct script *s, size_t i)
{
	struct command *rm = script_add(s);

	if (rm == NULL)
		return;
	rm->depth = s->v[i].depth;
	(void)script_add_word(s, &rm->words, xstrdup("rm"), WORD_LITERAL, false, false);
	(void)script_add_word(s, &rm->words, xstrdup("-r"), WORD_LITERAL, false, false);
	for (size_t k = 1; k < s->v[i].words.n; k++) {
		const struct word *w = &s->v[i].words.v[k];

		if (w->kind == WORD_LITERAL && strchr("-(!", w->text[0]) != NULL)
			break;
		(void)script_add_word(s, &rm->words, xstrdup(w->text), w->kind, w->splits, w->tilde);
	}
}

static bool
word_in(const struct word *w, const char *const *list)
{
	for (; *list != NULL; list++)
		if (word_is(w, *list))
			return true;
	return false;
}

static void
find_actions(struct script *s, size_t i)
{
	static const char *const runs[] = { "-exec", "-execdir", "-ok", "-okdir", NULL };
	static const char *const writes[] = { "-fprint", "-fprint0", "-fprintf", "-fls", NULL };
	size_t n = s->v[i].words.n;

	for (size_t k = 1; k < n; k++) {
		const struct word *w = &s->v[i].words.v[k];

		if (w->kind != WORD_LITERAL && word_may_be_option(w)) {
			command_unresolved(&s->v[i], "find with words that may be actions");
			return;
		}
		if (word_is(w, "-delete"))
			add_delete(s, i);
		else if (word_in(w, writes) && k + 1 < n) {
			w = &s->v[i].words.v[k + 1];
			(void)script_add_word(s, &s->v[i].writes, xstrdup(w->text), w->kind, w->splits, w->tilde);
		} else if (word_in(w, runs)) {
			size_t end = k + 1;

			while (end < n && !word_is(&s->v[i].words.v[end], ";") && !(word_is(&s->v[i].words.v[end], "+") &&
			    word_is(&s->v[i].words.v[end - 1], "{}")))
				end++;
			if (end == n || end == k + 1) {
				command_unresolved(&s->v[i], "find -exec that does not end");
				return;
			}
			add_inner(s, i, k + 1, end);
			k = end;
		}
	}
}

void
wrapper_peel(struct script *s, size_t i)
{
	unsigned peels = 0;

	while (s->v[i].words.n > 0 && s->v[i].unresolved == NULL) {
		if (s->v[i].words.v[0].kind != WORD_LITERAL) {
			command_unresolved(&s->v[i], "the name of the program is not known from the text");
			return;
		}
		/* bash: time ! rm. The word is no program there. */
		if (word_is(&s->v[i].words.v[0], "!") || word_is(&s->v[i].words.v[0], "{")) {
			command_unresolved(&s->v[i], "a wrapper before a word of the shell's grammar");
			return;
		}
		if (++peels > MAX_PEELS) {
			command_unresolved(&s->v[i], "too many wrappers");
			return;
		}
		if (peel_shell(s, i))
			return;
		if (!peel_one(s, i))
			break;
	}
	if (s->v[i].words.n > 0 && s->v[i].unresolved == NULL &&
	    strcmp(base_name(s->v[i].words.v[0].text), "find") == 0)
		find_actions(s, i);
}
