/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that run other programs, or read a script, in ways of their own. A command that uses such a way is
 * unresolved; the other uses of the program are judged by its name and words like any other.
 */
#include "bastion/policy/wrapper.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/xmalloc.h"

enum hazard_kind {
	HAZARD_ALWAYS,		/* whatever its words */
	HAZARD_OPTION,		/* with one of these options or words */
	HAZARD_SCRIPT,		/* the same, or without a file to run: then its script is standard input */
	HAZARD_NAMES,		/* its operands are names of variables */
};

struct hazard {
	const char		*programs;	/* between blanks; a '*' at the end of one */
	enum hazard_kind	 kind;
	const char		*letters;	/* short options, also inside a cluster */
	const char		*words;		/* long options without dashes (also cut short), and plain words, between blanks */
	bool			 single;	/* long options start with one dash, so there are no clusters */
};

static const struct hazard hazards[] = {
	{ " eval . source trap alias unalias hash enable bind complete compgen mapfile readarray fc let shopt"
	  " suspend jobs fg bg times zmodload autoload emulate sched zstyle noglob ", HAZARD_ALWAYS, "", "", false },
	{ " su runuser chroot unshare nsenter setpriv capsh pkexec systemd-run watch parallel script expect screen tmux at"
	  " batch crontab flock strace ltrace gdb perf valgrind busybox toybox start-stop-daemon daemonize run-parts entr"
	  " inotifywait incrontab ssh slogin sftp ftp telnet nc ncat netcat socat mosh ansible* salt* vi vim vim.* view ex ed"
	  " nvim emacs* nano less more most man info psql mysql mariadb sqlite3 redis-cli mongo mongosh irb chrt taskset"
	  " numactl firejail bwrap fakeroot proxychains* torsocks unbuffer rlwrap csh tcsh fish rbash rksh pwsh ld.so"
	  " ld-linux* dbus-run-session xvfb-run sg newgrp cpulimit prlimit choom ip dc bc m4 gawk-* aria2c w3m lynx ",
	  HAZARD_ALWAYS, "", "", false },
	{ " git ", HAZARD_OPTION, "", "--config-env --exec-path --upload-pack --receive-pack --exec --open-files-in-pager"
	  " --ext-diff --textconv --output --template --extcmd --paginate ", false },
	{ " tar bsdtar ", HAZARD_OPTION, "IF", "checkpoint-action to-command use-compress-program rsh-command info-script"
	  " new-volume-script rmt-command ", false },
	{ " rsync ", HAZARD_OPTION, "eM", "rsh rsync-path remote-option daemon config dparam ", false },
	{ " scp ", HAZARD_OPTION, "SoFJD", "", false },
	{ " docker podman nerdctl crictl ctr ", HAZARD_OPTION, "Hc", "exec run build compose attach plugin buildx host context"
	  " config ", false },
	{ " kubectl oc ", HAZARD_OPTION, "", "exec run debug attach cp edit plugin port-forward proxy raw"
	  " kubeconfig ", false },
	{ " python* pypy* perl* ruby* node nodejs php* lua* deno bun tclsh* wish* Rscript guile* scala groovy ocaml ghci"
	  " jshell julia osascript ", HAZARD_SCRIPT, "ceEirRpnxX", "eval print exec command interactive require import stdin"
	  " repl run code ", false },
	{ " sort ", HAZARD_OPTION, "oT", "output compress-program temporary-directory files0-from ", false },
	{ " rg ", HAZARD_OPTION, "z", "pre pre-glob search-zip hostname-bin ", false },
	{ " curl ", HAZARD_OPTION, "K", "config ", false },
	{ " wget ", HAZARD_OPTION, "e", "execute use-askpass config ", false },
	{ " zip ", HAZARD_OPTION, "TI", "unzip-command test ", false },
	{ " split ", HAZARD_OPTION, "", "filter ", false },
	{ " awk gawk mawk nawk original-awk ", HAZARD_OPTION, "fiElDp", "file include exec load debug profile ", false },
	{ " make gmake ninja ", HAZARD_OPTION, "", "eval ", false },
	{ " dpkg apt apt-get aptitude ", HAZARD_OPTION, "oc", "option config-file pre-invoke ", false },
	{ " openssl ", HAZARD_OPTION, "", "engine provider provider-path config ", true },
	{ " npm npx pnpm yarn ", HAZARD_OPTION, "c", "exec call script-shell dlx x explore edit config set ", false },
	{ " pip pip3 ", HAZARD_OPTION, "", "config editor ", false },
	{ " cargo ", HAZARD_OPTION, "", "config ", false },
	{ " go ", HAZARD_OPTION, "", "exec toolexec run generate vettool env ", true },
	{ " journalctl systemctl ", HAZARD_OPTION, "HM", "edit host machine root image ", false },
	{ " date hostname ", HAZARD_OPTION, "sFb", "set file ", false },
	{ " read export readonly local declare typeset unset getopts printf wait ", HAZARD_NAMES, "", "", false },
};

/* Whether a word is in a list between blanks. */
static bool
in_list(const char *list, const char *word, size_t n)
{
	for (const char *s = list; *s != '\0';) {
		size_t len;

		s += strspn(s, " ");
		len = strcspn(s, " ");
		if (len > 0 && ((len == n && memcmp(s, word, n) == 0) ||
		    (s[len - 1] == '*' && n >= len - 1 && memcmp(s, word, len - 1) == 0)))
			return true;
		s += len;
	}
	return false;
}

/* Whether an option, perhaps cut short, is in the list. */
static bool
is_abbreviation(const char *list, const char *word, size_t n)
{
	for (const char *s = list; n > 0 && *s != '\0';) {
		s += strspn(s, " ");
		if (strncmp(s, word, n) == 0)
			return true;
		s += strcspn(s, " ");
	}
	return false;
}

static bool
word_is_hazard(const struct hazard *h, const struct word *w)
{
	const char *s = w->text;

	if (w->kind != WORD_LITERAL)
		return word_may_be_option(w);
	if (s[0] != '-')
		return in_list(h->words, s, strlen(s));
	/* A list may say that only the option is meant, and not a word of the same name. */
	if (strcmp(s, "--") == 0)
		return false;
	if (s[1] == '-')
		return is_abbreviation(h->words, s + 2, strcspn(s + 2, "=")) || is_abbreviation(h->words, s, strcspn(s, "="));
	if (h->single)
		return in_list(h->words, s + 1, strcspn(s + 1, "="));
	return strpbrk(s + 1, h->letters) != NULL;
}

/* A name that is a plain NAME or NAME=value; a subscript would be evaluated. */
static bool
name_is_hazard(const struct word *w)
{
	size_t n = strspn(w->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	if (w->kind != WORD_LITERAL && w->text[n] != '=')
		return true;
	return (w->text[n] != '\0' && w->text[n] != '=') || name_is_dangerous(w->text, n);
}

static bool
names_are_hazard(const struct command *c)
{
	/* printf is about names only with -v. */
	if (strcmp(c->words.v[0].text, "printf") == 0)
		return c->words.n > 1 && (c->words.v[1].kind == WORD_LITERAL ? strncmp(c->words.v[1].text, "-v", 2) == 0 :
		    word_may_be_option(&c->words.v[1]));
	for (size_t i = 1; i < c->words.n; i++) {
		const struct word *w = &c->words.v[i];

		if (w->kind == WORD_LITERAL && w->text[0] == '-' && strspn(w->text, "-rxp") == strlen(w->text))
			continue;
		if (name_is_hazard(w))
			return true;
	}
	return false;
}

/* Python and the like: a file to run must be there, and be a file. */
static bool
lacks_script(const struct command *c)
{
	for (size_t i = 1; i < c->words.n; i++) {
		const struct word *w = &c->words.v[i];

		if (w->kind != WORD_LITERAL)
			return true;
		if (strcmp(w->text, "-m") == 0 || strcmp(w->text, "--version") == 0 || strcmp(w->text, "-V") == 0)
			return i + 1 >= c->words.n && strcmp(w->text, "-m") == 0;
		if (w->text[0] != '-')
			return strncmp(w->text, "/dev/", 5) == 0 || strncmp(w->text, "/proc/", 6) == 0;
		if (w->text[1] == '\0')
			return true;
	}
	return true;
}

/* test -v and -R evaluate a subscript; so -v, or a word that may be -v, must not stand before a name. */
static bool
test_is_hazard(const struct command *c)
{
	size_t n = c->words.n - 1;

	if (n > 0 && strcmp(c->words.v[0].text, "[") == 0)
		n--;
	for (size_t i = 1; i <= n; i++) {
		const struct word *w = &c->words.v[i];

		if (word_is(w, "-v") || word_is(w, "-R") || (w->kind != WORD_LITERAL && w->splits))
			return true;
		if (w->kind != WORD_LITERAL && (n > 3 || (n == 2 && i == 1)))
			return true;
	}
	return false;
}

/* awk: its program starts others by its "system" and by pipes, reads and writes files by redirection, loads by @. */
static bool
awk_is_hazard(const struct command *c)
{
	for (size_t i = 1; i < c->words.n; i++) {
		const struct word *w = &c->words.v[i];

		if (w->kind == WORD_LITERAL && (w->text[0] == '-' || (i > 1 && word_is(&c->words.v[i - 1], "-F")) ||
		    (i > 1 && word_is(&c->words.v[i - 1], "-v"))))
			continue;
		return w->kind != WORD_LITERAL || strstr(w->text, "system") != NULL || strstr(w->text, "getline") != NULL ||
		    strpbrk(w->text, "|>@") != NULL;
	}
	return true;
}

/* One sed command: addresses of digits and $, then a print, delete, quit, or one s with harmless flags. */
static bool
sed_command_is_plain(const char *s, size_t n)
{
	size_t i = 0;
	char d;
	int seen = 0;

	while (i < n && strchr("0123456789,$ ", s[i]) != NULL)
		i++;
	if (i < n && strchr("pdq=", s[i]) != NULL)
		return i + 1 == n;
	if (i + 1 >= n || s[i] != 's')
		return false;
	d = s[i + 1];
	if (d == '\\' || d == '\n' || (d >= '0' && d <= '9') || (d >= 'A' && d <= 'z'))
		return false;
	for (i++; i < n && seen < 3; i++) {
		if (s[i] == '\\')
			i++;
		else if (s[i] == d)
			seen++;
		else if (s[i] == '[' || s[i] == '\n')
			return false;
	}
	return seen == 3 && i <= n && strspn(s + i, "gpiI0123456789") >= n - i;
}

/* sed: the script may hold w (writes), e (runs), r (reads); -i writes its operands; -f is a script elsewhere. */
static bool
sed_is_hazard(struct script *s, struct command *c)
{
	bool script = false, in_place = false, value = false;

	for (size_t i = 1; i < c->words.n; i++) {
		const struct word *w = &c->words.v[i];
		const char *t = w->text;

		if (w->kind != WORD_LITERAL && (!script || value || word_may_be_option(w)))
			return true;
		if (w->kind == WORD_LITERAL && !value && t[0] == '-' && t[1] != '\0') {
			if (strncmp(t, "-i", 2) == 0 && strpbrk(t, "/*") == NULL)
				in_place = true;
			else if (strcmp(t, "-e") == 0)
				value = true;
			else if (strspn(t + 1, "nErsuz") != strlen(t + 1))
				return true;
			continue;
		}
		if (value || !script) {
			if (!sed_command_is_plain(t, strlen(t)))
				return true;
			script = true;
			value = false;
		} else if (in_place)
			(void)script_add_word(s, &c->writes, xstrdup(t), w->kind, w->splits, w->tilde);
	}
	return !script;
}

/* Options of git itself, before the verb, and verbs and letters that start programs. */
static bool
git_is_hazard(const struct command *c)
{
	static const char verbs[] = " filter-branch difftool mergetool submodule bisect instaweb hook maintenance"
	    " for-each-repo config daemon send-email shell http-backend remote-ext remote-fd web--browse credential"
	    " upload-pack receive-pack ";
	static const struct { const char *verb, *letters; } letters[] = { { "clone", "cu" }, { "grep", "O" },
	    { "rebase", "x" }, { "fetch-pack", "u" } };
	size_t verb = 1;

	while (verb < c->words.n && c->words.v[verb].text[0] == '-') {
		if (word_is(&c->words.v[verb], "-C"))
			verb++;
		else if (!word_is(&c->words.v[verb], "--no-pager") && !word_is(&c->words.v[verb], "--version") &&
		    !word_is(&c->words.v[verb], "-P"))
			return true;
		verb++;
	}
	if (verb >= c->words.n)
		return false;
	if (c->words.v[verb].kind != WORD_LITERAL || in_list(verbs, c->words.v[verb].text, strlen(c->words.v[verb].text)))
		return true;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		for (size_t k = verb + 1; word_is(&c->words.v[verb], letters[i].verb) && k < c->words.n; k++)
			if (c->words.v[k].text[0] == '-' && c->words.v[k].text[1] != '-' &&
			    strpbrk(c->words.v[k].text, letters[i].letters) != NULL)
				return true;
	return false;
}

/* set -eu, set -o pipefail: how the script ends. Everything else changes how it is read. */
static bool
set_is_hazard(const struct command *c)
{
	for (size_t i = 1; i < c->words.n; i++) {
		const char *s = c->words.v[i].text;

		if (c->words.v[i].kind != WORD_LITERAL)
			return true;
		if (strcmp(s, "pipefail") == 0 && i > 1)
			continue;
		if ((s[0] != '-' && s[0] != '+') || s[1] == '\0' || strspn(s + 1, "euofC") != strlen(s + 1))
			return true;
	}
	return c->words.n < 2;
}

/* uniq INPUT OUTPUT writes its second word. */
static bool
uniq_is_hazard(const struct command *c)
{
	size_t operands = 0;

	for (size_t i = 1; i < c->words.n; i++)
		operands += c->words.v[i].kind != WORD_LITERAL || c->words.v[i].text[0] != '-' ? 1 + c->words.v[i].splits : 0;
	return operands > 1;
}

static bool
tar_is_hazard(const struct command *c)
{
	/* tar cIf: the old form without a dash. */
	return c->words.n > 1 && c->words.v[1].kind == WORD_LITERAL && c->words.v[1].text[0] != '-' &&
	    strpbrk(c->words.v[1].text, "IF") != NULL;
}

static bool
table_says(const struct command *c, const char *base)
{
	for (size_t i = 0; i < sizeof(hazards) / sizeof(hazards[0]); i++) {
		const struct hazard *h = &hazards[i];

		if (!in_list(h->programs, base, strlen(base)))
			continue;
		if (h->kind == HAZARD_ALWAYS || (h->kind == HAZARD_NAMES && names_are_hazard(c)) ||
		    (h->kind == HAZARD_SCRIPT && lacks_script(c)))
			return true;
		if (h->kind == HAZARD_NAMES)
			continue;
		for (size_t k = 1; k < c->words.n; k++) {
			/* What follows a script's name is the script's own. */
			if (h->kind == HAZARD_SCRIPT && (c->words.v[k].text[0] != '-' || word_is(&c->words.v[k], "-m")))
				break;
			if (word_is_hazard(h, &c->words.v[k]))
				return true;
		}
	}
	return false;
}

void
hazard_check(struct script *s, size_t i)
{
	struct command *c = &s->v[i];
	const char *base;
	bool bad;

	if (c->words.n == 0 || c->unresolved != NULL || c->words.v[0].kind != WORD_LITERAL)
		return;
	base = strrchr(c->words.v[0].text, '/');
	base = base == NULL ? c->words.v[0].text : base + 1;
	bad = table_says(c, base);
	if (strcmp(base, "test") == 0 || strcmp(base, "[") == 0)
		bad = bad || test_is_hazard(c);
	else if (strstr(base, "awk") != NULL)
		bad = bad || awk_is_hazard(c);
	else if (strcmp(base, "sed") == 0)
		bad = bad || sed_is_hazard(s, c);
	else if (strcmp(base, "git") == 0)
		bad = bad || git_is_hazard(c);
	else if (strcmp(base, "uniq") == 0)
		bad = bad || uniq_is_hazard(c);
	else if (strcmp(base, "set") == 0)
		bad = bad || set_is_hazard(c);
	else if (strcmp(base, "tar") == 0)
		bad = bad || tar_is_hazard(c);
	if (bad)
		command_unresolved(c, "used like this, the program can run what the text does not show");
}
