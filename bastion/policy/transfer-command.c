/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/transfer-command.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/xmalloc.h"
#include "bastion/policy/shell-lex.h"

#define WORDS_MAX	(TRANSFER_PATHS_MAX + 64)

/* The words of a line that is nothing but words. */
struct line {
	struct word	v[WORDS_MAX];
	size_t		n, at;
};

static void
line_release(struct line *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].text);
}

static bool
line_take(struct line *l, struct lexeme *x)
{
	enum word_kind kind = lexeme_kind(x);

	if (l->n == WORDS_MAX || kind == WORD_UNKNOWN || x->splits || (l->n == 0 && x->assigns > 0))
		return false;
	l->v[l->n++] = (struct word){ .text = x->text, .kind = kind, .tilde = x->tilde };
	x->text = NULL;
	return true;
}

/* Words and blanks to the end: no operator, redirection, comment, substitution or variable, and no second line. */
static bool
line_read(struct line *l, const char *p, size_t n)
{
	struct script s = { 0 };
	struct shell sh = { .script = &s, .p = p, .n = n };
	bool ok = true;
	int c;

	while (ok) {
		while ((c = shell_peek(&sh, 0)) == ' ' || c == '\t')
			shell_skip(&sh, 1);
		if (c == SHELL_EOF)
			break;
		if (c == '#' || shell_is_delimiter(c))
			ok = false;
		else {
			struct lexeme x;

			lexeme_read(&sh, &x);
			ok = sh.bad == NULL && line_take(l, &x);
			lexeme_release(&x);
		}
	}
	ok = ok && sh.bad == NULL && sh.npending == 0 && s.n == 0;
	for (size_t i = 0; i < sh.npending; i++)
		free(sh.pending[i].delimiter);
	script_release(&s);
	return ok;
}

static const struct word *
next_word(struct line *l)
{
	return l->at < l->n ? &l->v[l->at++] : NULL;
}

/* By its own name, or where Debian and its like have it. */
static bool
is_program(const struct word *w, const char *name)
{
	const char *p = w->text;

	if (w->kind != WORD_LITERAL || w->tilde)
		return false;
	if (strncmp(p, "/usr/bin/", 9) == 0)
		p += 9;
	else if (strncmp(p, "/bin/", 5) == 0)
		p += 5;
	return strcmp(p, name) == 0;
}

static bool
take_path(struct transfer_command *t, const struct word *w, bool ended)
{
	if (w == NULL || t->npaths == TRANSFER_PATHS_MAX || *w->text == '\0' || (*w->text == '-' && !ended))
		return false;
	/* Where something is put must be known to the letter. */
	if (t->to_target && w->kind != WORD_LITERAL)
		return false;
	t->paths[t->npaths++] = (struct transfer_path){ .text = xstrdup(w->text), .tilde = w->tilde,
	    .glob = w->kind == WORD_GLOB };
	return true;
}

/* scp [-v] [-q] [-r] [-p] [-d] -t|-f [--] PATH, options apart or together */
static bool
parse_scp(struct transfer_command *t, struct line *l)
{
	bool from = false, ended = false;
	const struct word *w;

	while ((w = next_word(l)) != NULL && w->kind == WORD_LITERAL && w->text[0] == '-') {
		if ((ended = strcmp(w->text, "--") == 0)) {
			w = next_word(l);
			break;
		}
		if (w->text[1] == '\0' || strspn(w->text + 1, "vqrpdtf") != strlen(w->text + 1))
			return false;
		t->to_target = t->to_target || strchr(w->text, 't') != NULL;
		from = from || strchr(w->text, 'f') != NULL;
		t->recursive = t->recursive || strchr(w->text, 'r') != NULL;
		t->folder = t->folder || strchr(w->text, 'd') != NULL;
	}
	return t->to_target != from && take_path(t, w, ended) && next_word(l) == NULL;
}

/*
 * One word of short options, as rsync's own client writes them: -vlogDtpre.iLsfxCIvu. What follows an e is what the client
 * can do, not a program. Left out on purpose: L k K (follow links out of the tree), s (the paths come later, unseen),
 * b f B T (write elsewhere, or take a value); and of the long ones --no-implied-dirs, which follows links to folders.
 */
static bool
rsync_short(struct transfer_command *t, const char *s)
{
	static const char able[] = "0123456789.ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	for (; *s != '\0' && *s != 'e'; s++) {
		if (strchr("vqnuldrtpogDHAXUNcSWxIimCEOJRz", *s) == NULL)
			return false;
		t->recursive = t->recursive || *s == 'r';
		t->links = t->links || *s == 'l';
		t->compressed = t->compressed || *s == 'z';
	}
	return *s == '\0' || strspn(s + 1, able) == strlen(s + 1);
}

/* What a long option may be, and what follows its '='. */
struct rsync_option {
	const char	*name;
	const char	*value;		/* characters that its value may have; NULL = it has none */
	bool		 deletes, compresses;
};

#define DIGITS		"0123456789"
#define SIZES		DIGITS ".KMGkmgbB+-"
#define WORDS		DIGITS ",abcdefghijklmnopqrstuvwxyz"

static const struct rsync_option rsync_options[] = {
	{ "--append", NULL, false, false },
	{ "--append-verify", NULL, false, false },
	{ "--block-size", DIGITS, false, false },
	{ "--bwlimit", SIZES, false, false },
	{ "--checksum-choice", WORDS, false, false },
	{ "--compress", NULL, false, true },
	{ "--compress-choice", WORDS, false, true },
	{ "--compress-level", DIGITS, false, true },
	{ "--delete", NULL, true, false },
	{ "--delete-after", NULL, true, false },
	{ "--delete-before", NULL, true, false },
	{ "--delete-delay", NULL, true, false },
	{ "--delete-during", NULL, true, false },
	{ "--delete-excluded", NULL, true, false },
	{ "--delete-missing-args", NULL, true, false },
	{ "--dirs", NULL, false, false },
	{ "--existing", NULL, false, false },
	{ "--force", NULL, true, false },
	{ "--fsync", NULL, false, false },
	{ "--ignore-errors", NULL, false, false },
	{ "--ignore-existing", NULL, false, false },
	{ "--ignore-missing-args", NULL, false, false },
	{ "--inplace", NULL, false, false },
	{ "--list-only", NULL, false, false },
	{ "--log-format", "%iIXonLlbBC", false, false },
	{ "--max-delete", DIGITS, false, false },
	{ "--max-size", SIZES, false, false },
	{ "--min-size", SIZES, false, false },
	{ "--mkpath", NULL, false, false },
	{ "--modify-window", DIGITS "-", false, false },
	{ "--new-compress", NULL, false, true },
	{ "--no-r", NULL, false, false },
	{ "--numeric-ids", NULL, false, false },
	{ "--old-compress", NULL, false, true },
	{ "--partial", NULL, false, false },
	{ "--preallocate", NULL, false, false },
	{ "--safe-links", NULL, false, false },
	{ "--size-only", NULL, false, false },
	{ "--stats", NULL, false, false },
	{ "--timeout", DIGITS, false, false },
};

static bool
rsync_long(struct transfer_command *t, const char *s)
{
	size_t n = strcspn(s, "=");

	for (size_t i = 0; i < sizeof(rsync_options) / sizeof(rsync_options[0]); i++) {
		const struct rsync_option *o = &rsync_options[i];

		if (strlen(o->name) != n || memcmp(o->name, s, n) != 0 || (o->value != NULL) != (s[n] == '='))
			continue;
		if (o->value != NULL && (s[n + 1] == '\0' || strspn(s + n + 1, o->value) != strlen(s + n + 1)))
			return false;
		t->deletes = t->deletes || o->deletes;
		t->compressed = t->compressed || o->compresses;
		return true;
	}
	return false;
}

/* rsync --server [--sender] OPTIONS . PATH.. */
static bool
parse_rsync(struct transfer_command *t, struct line *l)
{
	const struct word *w = next_word(l);

	if (w == NULL || !word_is(w, "--server"))
		return false;
	t->to_target = true;
	while ((w = next_word(l)) != NULL && !word_is(w, ".")) {
		if (w->kind != WORD_LITERAL || w->text[0] != '-' || w->text[1] == '\0')
			return false;
		if (strcmp(w->text, "--sender") == 0)
			t->to_target = false;
		else if (w->text[1] == '-' ? !rsync_long(t, w->text) : !rsync_short(t, w->text + 1))
			return false;
	}
	if (w == NULL)
		return false;
	while ((w = next_word(l)) != NULL)
		if (!take_path(t, w, false))
			return false;
	return t->npaths == 1 || (t->npaths > 1 && !t->to_target);
}

bool
transfer_command_parse(struct transfer_command *t, const void *command, size_t n)
{
	struct line l = { .n = 0 };
	bool is = false;

	*t = (struct transfer_command){ .npaths = 0 };
	if (n > 0 && n <= SCRIPT_MAX_BYTES && script_malformed(command, n) == NULL && line_read(&l, command, n) && l.n > 0) {
		const struct word *program = next_word(&l);

		if (is_program(program, "scp")) {
			t->program = TRANSFER_SCP;
			is = parse_scp(t, &l);
		} else if (is_program(program, "rsync")) {
			t->program = TRANSFER_RSYNC;
			is = parse_rsync(t, &l);
		}
	}
	line_release(&l);
	if (!is)
		transfer_command_release(t);
	return is;
}

void
transfer_command_release(struct transfer_command *t)
{
	for (size_t i = 0; i < t->npaths; i++)
		free(t->paths[i].text);
	*t = (struct transfer_command){ .npaths = 0 };
}

const char *
transfer_program_word(enum transfer_program p)
{
	return p == TRANSFER_SCP ? "scp" : "rsync";
}
