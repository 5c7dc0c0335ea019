/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/client-script.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/policy/decide.h"
#include "bastion/ssh/client-sh.h"

#define NAME_MAX_LEN	32
#define HOST_MAX_LEN	253
#define FILE_MAX_LEN	1024
#define LINE_TARGETS	12	/* on one Host line */

#define LETTERS		"abcdefghijklmnopqrstuvwxyz"
#define CAPITALS	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS		"0123456789"

/* One text under way: the first error stays. */
struct draft {
	const struct client_facts	*f;
	const char			*name;
	char				*host;	/* NULL = nobody knows it */
	unsigned			 port;
	struct buf			*text;
	int				 r;
};

typedef void	(*text_fn)(struct draft *);

static void	say(struct draft *, const char *, ...) __attribute__((format(printf, 2, 3)));

static void
say(struct draft *d, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) == -1)
		s = NULL;
	va_end(ap);
	if (d->r == 0)
		d->r = s == NULL ? ERR_NOMEM : buf_put(d->text, s, strlen(s));
	free(s);
}

/* Options */

static bool
only(const char *s, const char *letters, size_t max)
{
	size_t n = strlen(s);

	return n > 0 && n <= max && strspn(s, letters) == n && s[0] != '-';
}

static bool
address_ok(const char *s)
{
	const char *port = strrchr(s, ':');

	if (!only(s[0] == '[' ? s + 1 : s, LETTERS CAPITALS DIGITS ".-_:]", HOST_MAX_LEN))
		return false;
	if (s[0] == '[')
		return strchr(s, ']') != NULL && (strchr(s, ']')[1] == '\0' || strchr(s, ']')[1] == ':');
	return strchr(s, ']') == NULL && strchr(s, ':') == port &&
	    (port == NULL || (port != s && only(port + 1, DIGITS, 5)));
}

/* It stands in double quotes in an ssh_config, where % and $ have a meaning of their own. */
static bool
identity_ok(const char *s)
{
	if (strlen(s) > FILE_MAX_LEN || (s[0] != '/' && strncmp(s, "~/", 2) != 0))
		return false;
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~' || strchr("\"\\%$", *s) != NULL)
			return false;
	return true;
}

const char *
client_options(const struct strvec *words, size_t from, struct client_facts *f, enum client_form *form)
{
	for (size_t i = from; i < words->n; i++) {
		const char *word = words->v[i], *value = i + 1 < words->n ? words->v[i + 1] : NULL;

		if (strcmp(word, "--print") == 0 && (*form == CLIENT_JOIN || *form == CLIENT_LEAVE)) {
			*form = *form == CLIENT_JOIN ? CLIENT_PRINT : CLIENT_PRINT_LEAVE;
			continue;
		} else if (strcmp(word, "--refresh") == 0 && *form == CLIENT_JOIN) {
			*form = CLIENT_REFRESH;
			continue;
		} else if (value == NULL)
			return "an option is unknown or has no value";
		else if (strcmp(word, "--name") == 0 && only(value, LETTERS DIGITS "-", NAME_MAX_LEN))
			f->name = value;
		else if (strcmp(word, "--name") == 0)
			return "--name takes 1 to 32 of a-z, 0-9 and -";
		else if (strcmp(word, "--address") == 0 && address_ok(value))
			f->address = value;
		else if (strcmp(word, "--address") == 0)
			return "--address takes HOST, HOST:PORT or [IPV6]:PORT";
		else if (strcmp(word, "--identity") == 0 && identity_ok(value))
			f->identity = value;
		else if (strcmp(word, "--identity") == 0)
			return "--identity takes a path that begins with / or ~/ and holds none of \" \\ % $";
		else
			return "an option is unknown";
		i++;
	}
	return NULL;
}

/* Where the account reaches us: as it says itself, as the configuration says, or where we listen, if that is one place. */
static void
take_address(struct draft *d)
{
	const struct client_facts *f = d->f;
	const struct conf *c = f->conf;
	const char *s = f->address, *host = c->public_host, *end;

	d->port = host != NULL ? c->public_port : c->listen_port;
	if (s != NULL) {
		end = s[0] == '[' ? strchr(s, ']') : strchr(s, ':');
		s += s[0] == '[';
		d->host = end == NULL ? xstrdup(s) : xstrndup(s, (size_t)(end - s));
		if (end != NULL && strrchr(end, ':') != NULL)
			d->port = (unsigned)strtoul(strrchr(end, ':') + 1, NULL, 10);
		return;
	}
	if (host == NULL)
		host = c->listen_host;
	if (strcmp(host, "0.0.0.0") != 0 && strcmp(host, "::") != 0 && strchr(host, '%') == NULL)
		d->host = xstrdup(host);
}

/* The texts */

static bool
has_upstream(const struct draft *d, const struct conf_upstream *u)
{
	return d->f->who == NULL || policy_reaches_upstream(d->f->conf->policy, d->f->who, u->name);
}

/* A target of the bastion's own name cannot be told from it. */
static bool
has_target(const struct draft *d, const struct conf_target *t)
{
	return strcmp(t->name, d->name) != 0 && (d->f->who == NULL || policy_reaches(d->f->conf->policy, d->f->who, t->name, NULL));
}

static void
known_hosts_text(struct draft *d)
{
	for (size_t i = 0; i < d->f->host_keys->n; i++) {
		if (d->host != NULL && d->port == 22)
			say(d, "%s,", d->host);
		else if (d->host != NULL)
			say(d, "[%s]:%u,", d->host, d->port);
		say(d, "sallyport-%s %s\n", d->name, d->f->host_keys->v[i]);
	}
}

static void
ssh_config_common(struct draft *d)
{
	say(d, "\tHostKeyAlias sallyport-%s\n\tUserKnownHostsFile "
	    "\"@HOME@/.ssh/known_hosts\"\n\tStrictHostKeyChecking yes\n\tSendEnv SALLYPORT_*\n",
	    d->name);
	if (d->f->identity != NULL)
		say(d, "\tIdentityFile \"%s\"\n\tCertificateFile \"%s-cert.pub\"\n\tIdentitiesOnly yes\n",
		    d->f->identity, d->f->identity);
}

static void
ssh_config_text(struct draft *d)
{
	const struct conf *c = d->f->conf;

	say(d, "# Written by \"ssh %s join\"; \"ssh %s leave | sh\" takes it away.\n", d->name, d->name);
	say(d, "Host %s\n\tHostName %s\n\tPort %u\n", d->name, d->host, d->port);
	ssh_config_common(d);
	for (size_t i = 0; i < c->ntargets;) {
		size_t n = 0;

		for (; i < c->ntargets && n < LINE_TARGETS; i++)
			if (has_target(d, &c->targets[i]))
				say(d, "%s %s", n++ == 0 ? "\n# The inner connection ends at the bastion too, so its "
				    "key is the same.\nHost" : "",
				    c->targets[i].name);
		if (n == 0)
			break;
		say(d, "\n\tProxyJump %s\n\tPort 22\n", d->name);
		ssh_config_common(d);
	}
}

static void
git_config_text(struct draft *d)
{
	const struct conf *c = d->f->conf;

	for (size_t i = 0; i < c->nupstreams; i++)
		if (has_upstream(d, &c->upstreams[i]))
			say(d, "[url \"ssh://git@%s/%s/\"]\n\tinsteadOf = %s:\n", d->name, c->upstreams[i].name,
			    c->upstreams[i].name);
}

static void
note_places(struct draft *d)
{
	const struct conf *c = d->f->conf;
	size_t n = 0;

	say(d, "## Hosts\n\n");
	for (size_t i = 0; i < c->ntargets; i++)
		if (has_target(d, &c->targets[i])) {
			char *logins = strvec_join(&c->targets[i].logins, ", ");

			say(d, "- `ssh LOGIN@%s 'COMMAND'`, logins: %s\n", c->targets[i].name, logins);
			free(logins);
			n++;
		}
	say(d, n == 0 ? "None is open to you.\n" : "\nOne command, one decision: give the command as an argument, "
	    "there is no need to log in first.\n");
	if (n > 0)
		say(d, "`ssh LOGIN@TARGET@%s 'COMMAND'` is the same with one connection less.\n", d->name);
	say(d, "\n## Repositories\n\n");
	n = 0;
	for (size_t i = 0; i < c->nupstreams; i++)
		if (has_upstream(d, &c->upstreams[i])) {
			say(d, "- `git clone %s:PATH.git`, which is ssh://git@%s/%s/PATH.git\n", c->upstreams[i].name,
			    d->name, c->upstreams[i].name);
			n++;
		}
	if (n == 0)
		say(d, "None is open to you.\n");
}

static void
note_rules(struct draft *d)
{
	char *rules, *rest, *line;

	if (d->f->who == NULL)
		return;
	rules = rest = policy_describe(d->f->conf->policy, d->f->who);
	say(d, "\n## What you may do\n\nThese are the rules for %s as they were when this was written; `ssh %s "
	    "policy` has the present "
	    "ones.\n\n", d->f->who->identity, d->name);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			say(d, "    %s\n", line);
	free(rules);
}

static void
note_text(struct draft *d)
{
	say(d, "# Hosts and repositories behind the bastion %s\n\n", d->name);
	say(d, "You reach them through Sallyport at %s port %u with plain ssh and git. Every command and every pushed "
	    "reference is\n"
	    "decided by rules and recorded. Secrets in what comes back are masked. Do not look for a way around it: "
	    "ask.\n\n",
	    d->host, d->port);
	note_places(d);
	note_rules(d);
	say(d, "\n## When something is not allowed\n\n"
	    "The reason is one line on standard error that begins with `sallyport:`; it says which rule it was and "
	    "what to do next.\n\n"
	    "- Exit status 77: refused. The same command will be refused again. Do what the line says, or tell your "
	    "human.\n"
	    "- Exit status 75: a human is being asked, or try again later. The line has a request id, REQ-XXXXXX.\n"
	    "  `ssh %s wait REQ-XXXXXX` waits: 0 approved, 77 denied, 75 not decided yet. Once it is approved run "
	    "exactly the\n"
	    "  same command again; a changed one is another request.\n"
	    "- Exit status 69: the host or repository cannot be reached.\n"
	    "- Every other exit status is the command's own.\n\n", d->name);
	say(d, "## More\n\n"
	    "- `ssh %s help` lists what the bastion itself can be asked; `whoami` tells who you are and until when.\n"
	    "- Text with `-o SetEnv=SALLYPORT_FORMAT=json` is JSON. `SALLYPORT_WAIT=0 ssh ..` does not wait for a "
	    "human.\n"
	    "- You are known by an SSH certificate that ends soon. When it has, whoever runs the bastion gives a new "
	    "one;\n"
	    "  ssh expects it beside the private key %s, in a file of that name with -cert.pub behind it.\n"
	    "- `ssh %s join | sh` brings all this up to date, `ssh %s leave | sh` takes it away.\n",
	    d->name, d->f->identity == NULL ? "that it uses (such as ~/.ssh/id_ed25519)" : d->f->identity, d->name,
	    d->name);
}

static const struct {
	const char	*function;	/* in the script */
	const char	*before, *after;	/* where it goes, for people; the bastion's name stands between */
	text_fn		 fn;
} texts[] = {
	{ "known_hosts_text", "~/.ssh/known_hosts, first lines, for ", "", known_hosts_text },
	{ "ssh_config_text", "~/.ssh/sallyport/", ".conf, which the first line of ~/.ssh/config includes",
	    ssh_config_text },
	{ "git_config_text", "~/.gitconfig, first lines, for ", "", git_config_text },
	{ "note_text", "~/.config/sallyport/", ".md", note_text },
};

#define NTEXTS	(sizeof(texts) / sizeof(texts[0]))

/* The text that fn writes, with nothing but printable ASCII and line ends; the caller frees. */
static char *
make_text(struct draft *d, text_fn fn)
{
	char *s;

	buf_clear(d->text);
	fn(d);
	s = xstrndup((const char *)buf_ptr(d->text), buf_len(d->text));
	for (char *p = s; *p != '\0'; p++)
		if ((*p < ' ' || *p > '~') && *p != '\n' && *p != '\t')
			*p = '?';
	return s;
}

/* Whether a line of text is word and nothing else. */
static bool
has_line(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, word, n) == 0 && (line[n] == '\n' || line[n] == '\0'))
			return true;
	}
	return false;
}

/* A function of the script that prints the text as it is. */
static int
put_here_document(struct draft *d, const char *function, text_fn fn, struct buf *out)
{
	char *text = make_text(d, fn), *end = xstrdup("END"), *longer;
	int r;

	while (has_line(text, end)) {
		longer = xasprintf("%s_", end);
		free(end);
		end = longer;
	}
	r = buf_putf(out, "%s () {\n\tcat <<'%s'\n", function, end);
	if (r == 0)
		r = buf_put(out, text, strlen(text));
	if (r == 0)
		r = buf_putf(out, "%s\n}\n\n", end);
	free(text);
	free(end);
	return r;
}

static int
put_script(struct draft *d, enum client_form form, struct buf *out)
{
	const char *verb = form == CLIENT_LEAVE ? "leave" : form == CLIENT_REFRESH ? "refresh" : "join";
	int r;

	if (form == CLIENT_LEAVE)
		r = buf_putf(out, "#!/bin/sh\n# Takes this account out from behind the bastion \"%s\": undoes what "
		    "join did, and nothing else.\n", d->name);
	else
		r = buf_putf(out, "#!/bin/sh\n# Puts this account behind the bastion \"%s\" at %s port %u: "
		    "known_hosts, ssh_config, git and a note.\n# Nothing is installed, nothing is changed twice. Undone by: ssh %s leave | sh\n",
		    d->name, d->host, d->port, d->name);
	if (r == 0)
		r = buf_putf(out, "name=%s\n", d->name);
	if (r == 0)
		r = buf_put(out, client_common_sh, strlen(client_common_sh));
	if (r == 0 && form == CLIENT_LEAVE)
		r = buf_put(out, client_leave_sh, strlen(client_leave_sh));
	else if (r == 0)
		r = buf_put(out, client_join_sh, strlen(client_join_sh));
	for (size_t i = 0; r == 0 && form != CLIENT_LEAVE && i < (form == CLIENT_REFRESH ? 1 : NTEXTS); i++)
		r = put_here_document(d, texts[i].function, texts[i].fn, out);
	return r == 0 ? buf_putf(out, "%s\n", verb) : r;
}

/* Every line is a comment: whoever pipes it into a shell by mistake changes nothing. */
static int
put_lines(struct buf *out, char *text)
{
	char *rest = text, *line, *home;
	int r = 0;

	while (r == 0 && (line = strsep(&rest, "\n")) != NULL)
		if (rest == NULL && *line == '\0')
			break;
		else if ((home = strstr(line, "@HOME@")) != NULL)
			r = buf_putf(out, "#     %.*s~%s\n", (int)(home - line), line, home + 6);
		else
			r = buf_putf(out, "#%s%s\n", *line == '\0' ? "" : "     ", line);
	return r;
}

static int
put_print(struct draft *d, struct buf *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < NTEXTS; i++) {
		char *text = make_text(d, texts[i].fn);

		r = buf_putf(out, "%s# %s%s%s:\n", i == 0 ? "" : "#\n", texts[i].before, d->name, texts[i].after);
		if (r == 0)
			r = put_lines(out, text);
		free(text);
	}
	return r;
}

static int
put_print_leave(const struct draft *d, struct buf *out)
{
	return buf_putf(out, "# Taken away would be:\n"
	    "#     in ~/.ssh/known_hosts, ~/.ssh/config and git's own configuration the lines from\n"
	    "#         \"# sallyport %s begin\" to \"# sallyport %s end\"\n"
	    "#     ~/.ssh/sallyport/%s.conf and ~/.config/sallyport/%s.md\n"
	    "#     those files and folders that join made, where nothing else is in them\n", d->name, d->name,
	    d->name, d->name);
}

int
client_script(const struct client_facts *f, enum client_form form, struct buf *out)
{
	struct draft d = { .f = f, .name = f->name == NULL ? "bastion" : f->name, .text = buf_new(CLIENT_SCRIPT_MAX) };
	char *keys;
	int r;

	if (d.text == NULL)
		return ERR_NOMEM;
	take_address(&d);
	if (form == CLIENT_PRINT_LEAVE)
		r = put_print_leave(&d, out);
	else if (d.host == NULL && form != CLIENT_LEAVE && form != CLIENT_KEYS)
		r = ERR_FORMAT;
	else if (form == CLIENT_PRINT)
		r = put_print(&d, out);
	else if (form == CLIENT_KEYS) {
		keys = make_text(&d, known_hosts_text);
		r = buf_put(out, keys, strlen(keys));
		free(keys);
	} else
		r = put_script(&d, form, out);
	if (r == 0)
		r = d.r;
	buf_free(d.text);
	free(d.host);
	return r;
}
