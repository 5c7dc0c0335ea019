/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel-verb: the bastion's own commands, `ssh BASTION help`. One row a verb. Those about approvals are answered by the
 * approvals process, which knows who asks from the parent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "approvals/approvals_msg.h"
#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ident/cert.h"
#include "bastion/monitor_msg.h"
#include "bastion/policy/freeze.h"
#include "bastion/policy/profile.h"
#include "bastion/ssh/channel-verb.h"
#include "bastion/ssh/session_int.h"

#define VERB_WORDS	64

struct verb_call {
	struct strvec	 words;
	bool		 waiting;	/* for a decision, `wait REQ` */
	int64_t		 wait_until_us, alive_us;
	char		*watched;
	bool		 busy;		/* an answer is on its way */
};

struct verb {
	const char	*name, *usage, *help;
	void		(*run)(struct channel *);
	void		(*run_words)(struct channel *, const struct strvec *);	/* or this one */
};

static void	verb_help(struct channel *);
static void	verb_whoami(struct channel *);
static void	verb_policy(struct channel *);
static void	verb_approvals(struct channel *);
static void	verb_wait(struct channel *);
static void	verb_shelf(struct channel *);

static const struct verb verbs[] = {
	{ "help", "help", "this text", verb_help, NULL },
	{ "whoami", "whoami", "who you are here, by which certificate, until when", verb_whoami, NULL },
	{ "policy", "policy", "what you may do", verb_policy, NULL },
	{ "pending", "pending", "requests that wait for a decision", verb_approvals, NULL },
	{ "show", "show REQ", "everything that a request is about", verb_approvals, NULL },
	{ "approve", "approve REQ [--reason TEXT]", "let it happen, once; --false-positive, --test-value or --rotated before it: and remember its findings", verb_approvals, NULL },
	{ "deny", "deny REQ --reason TEXT", "refuse it", verb_approvals, NULL },
	{ "status", "status REQ", "how a request of yours stands", verb_approvals, NULL },
	{ "wait", "wait REQ", "wait for the decision on a request of yours: 0 approved, 77 denied, 75 not yet", verb_wait, NULL },
	{ "parked", "parked [REQ]", "pushes that wait to be released, or all about one", verb_shelf, NULL },
	{ "release", "release REQ", "let a parked push through", verb_shelf, NULL },
	{ "drop", "drop REQ [--reason TEXT]", "throw a parked push away", verb_shelf, NULL },
	{ "join", "join [--print] | sh", "put your account behind this bastion; --print shows what it would write", NULL, verb_join },
	{ "leave", "leave | sh", "undo that, exactly", NULL, verb_leave },
	{ "host-keys", "host-keys", "this bastion's own keys for known_hosts, the next one too", NULL, verb_host_keys },
	{ NULL, NULL, NULL, NULL, NULL }
};

/* Words by blanks, quotes as the shell has them removed already on the agent's side; only "..." and '...' are joined. */
static void
split_words(const char *s, struct strvec *out)
{
	while (out->n < VERB_WORDS) {
		struct buf *w;
		char quote = 0;

		s += strspn(s, " \t\n");
		if (*s == '\0')
			return;
		if ((w = buf_new(CHANNEL_COMMAND_MAX)) == NULL)
			fatal("out of memory");
		for (; *s != '\0' && (quote != 0 || strchr(" \t\n", *s) == NULL); s++) {
			if (quote == 0 && (*s == '"' || *s == '\''))
				quote = *s;
			else if (quote != 0 && *s == quote)
				quote = 0;
			else if (buf_put_u8(w, (uint8_t)*s) != 0)
				break;
		}
		strvec_take(out, xstrndup((const char *)buf_ptr(w), buf_len(w)));
		buf_free(w);
	}
}

static void
verb_help(struct channel *c)
{
	const unsigned port = c->session->p->port;

	(void)buf_putf(c->out,
	    "This is Sallyport, the way to targets and repositories. Everything is decided and recorded.\n\n"
	    "  ssh -p %u LOGIN@TARGET@BASTION COMMAND              run a command on a target\n"
	    "  ssh -J BASTION:%u LOGIN@TARGET COMMAND              the same\n"
	    "  scp -P %u FILE LOGIN@TARGET@BASTION:PATH            files, each decided by its path; sftp and rsync likewise\n"
	    "  ssh -p %u -L, -D, -W, -R .. LOGIN@TARGET@BASTION    connections to what policy names, from the target\n"
	    "  git clone ssh://git@BASTION:%u/UPSTREAM/REPO.git    clone, fetch, push; git-lfs 3 goes along\n\n"
	    "Commands of the bastion itself (ssh -p %u BASTION COMMAND):\n", port, port, port, port, port, port);
	for (const struct verb *v = verbs; v->name != NULL; v++)
		(void)buf_putf(c->out, "  %-30s %s\n", v->usage, v->help);
	(void)buf_putf(c->out,
	    "\nExit status: 77 refused by policy, 75 pending or try again, 69 target or upstream unreachable; every other\n"
	    "status is the command's own. A refusal says which rule it was and what to do next. -o SetEnv=SALLYPORT_WAIT=0\n"
	    "does not wait for a human, -o SetEnv=SALLYPORT_FORMAT=json prints JSON. ssh passes SetEnv of the first\n"
	    "command alone over a shared connection (ControlMaster): have \"SendEnv SALLYPORT_*\" in ssh_config, as join writes it,\n"
	    "and set the variable: SALLYPORT_WAIT=0 ssh ..\n");
	channel_end(c, 0);
}

/* "8h", or "-" where there is no limit. */
static void
limit_text(int64_t ms, char out[CLOCK_TEXT])
{
	if (ms == 0)
		snprintf(out, CLOCK_TEXT, "-");
	else
		clock_format_duration(ms, out);
}

static void
whoami_json(struct channel *c, const char *groups, const char *until)
{
	const struct session *s = c->session;
	const struct session_limits *l = &s->limits;
	enum profile profile = policy_profile(s->p->conf->policy, &s->who);
	json_t *o = json_pack("{s:s, s:s?, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "identity", s->who.identity,
	    "owner", s->who.owner, "groups", groups, "key_id", s->cert->key_id, "serial", (json_int_t)s->cert->serial,
	    "valid_before", until, "session", s->p->id, "source", s->p->source, "profile", profile_word(profile),
	    "max_session_ms", (json_int_t)l->max_session_ms, "idle_ms", (json_int_t)l->idle_ms, "idle_command_ms",
	    (json_int_t)l->idle_command_ms, "sessions_per_identity", (json_int_t)l->per_identity);
	char *text = json_dumps(o, JSON_COMPACT);

	(void)buf_putf(c->out, "%s\n", text == NULL ? "{}" : text);
	free(text);
	json_decref(o);
}

static void
whoami_text(struct channel *c, const char *groups, const char *until)
{
	const struct session *s = c->session;
	const struct session_limits *l = &s->limits;
	enum profile profile = policy_profile(s->p->conf->policy, &s->who);
	char longest[CLOCK_TEXT], idle[CLOCK_TEXT], silent[CLOCK_TEXT];

	limit_text(l->max_session_ms, longest);
	limit_text(l->idle_ms, idle);
	limit_text(l->idle_command_ms, silent);
	(void)buf_putf(c->out, "identity     %s\nowner        %s\ngroups       %s\ncertificate  %s (serial %llu)\n"
	    "valid until  %s\nsession      %s, recorded\nfrom         %s\nprofile      %s: %s\n", s->who.identity,
	    s->who.owner ? s->who.owner : "-", *groups ? groups : "-", s->cert->key_id, (unsigned long long)s->cert->serial, until,
	    s->p->id, s->p->source, profile_word(profile), profile_text(profile));
	(void)buf_putf(c->out, "limits       session %s, idle %s, silent command %s, sessions at a time ", longest, idle, silent);
	(void)buf_putf(c->out, l->per_identity == 0 ? "-\n" : "%lld\n", (long long)l->per_identity);
}

static void
verb_whoami(struct channel *c)
{
	const struct session *s = c->session;
	char until[CLOCK_TEXT] = "for ever";
	char *groups = strvec_join(&s->cert->groups, ",");

	if (s->cert->valid_before < (uint64_t)INT64_MAX / 1000)
		clock_format((int64_t)s->cert->valid_before * 1000, until);
	if (c->json)
		whoami_json(c, groups, until);
	else
		whoami_text(c, groups, until);
	free(groups);
	channel_end(c, 0);
}

static void
verb_policy(struct channel *c)
{
	const struct policy *p = c->session->p->conf->policy;
	char *text = policy_describe(p, &c->session->who);
	char *freezes = freezes_describe(p, &c->session->who, clock_wall_ms() / 1000);

	(void)buf_putf(c->out, "%s%s", text, freezes);
	free(text);
	free(freezes);
	channel_end(c, 0);
}

/* Lines that others wrote: each made printable. */
static void
verb_print_lines(struct channel *c, const char *text, bool refused)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");
		char *line = text_printable(text, n);

		if (refused)
			channel_sayf(c, "%s", line);
		else
			(void)buf_putf(c->out, "%s\n", line);
		free(line);
		text += n + (text[n] == '\n');
	}
}

/* The approvals process has gone while it was asked. */
static void
verb_lost(struct channel *c)
{
	struct verb_call *v = c->own;

	if (!v->waiting && !v->busy)
		return;
	v->waiting = v->busy = false;
	channel_sayf(c, "the approvals process was interrupted; try again");
	channel_end(c, EXIT_LATER);
}

/* APPROVALS_VERB_DONE: u8 status, s stdout, s stderr. */
static int
approvals_done(struct msg *m, void *arg)
{
	struct channel *c = arg;
	const uint8_t *out, *err;
	size_t nout, nerr;
	uint8_t status;
	int r;

	if (m == NULL) {
		verb_lost(c);
		return 0;
	}
	if ((r = buf_get_u8(m->body, &status)) != 0 || (r = buf_peek_string(m->body, &out, &nout)) != 0 ||
	    (r = buf_peek_string(m->body, &err, &nerr)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	((struct verb_call *)c->own)->busy = false;
	(void)buf_put(c->out, out, nout);
	(void)buf_put(c->say, err, nerr);
	channel_end(c, status);
	return 0;
}

static void
verb_approvals(struct channel *c)
{
	struct verb_call *v = c->own;
	struct buf *b = buf_new(64 * 1024);
	int r;

	if (b == NULL)
		fatal("out of memory");
	r = buf_put_u32(b, (uint32_t)v->words.n);
	for (size_t i = 0; i < v->words.n; i++)
		r |= buf_put_cstring(b, v->words.v[i]);
	r |= buf_put_cstring(b, c->json ? "json" : "text");
	v->busy = r == 0 && session_call(c->session, c->session->approvals, APPROVALS_VERB, b, approvals_done, c);
	if (!v->busy) {
		channel_sayf(c, "the approvals process cannot be asked now; try again");
		channel_end(c, EXIT_LATER);
	}
	buf_free(b);
}

/* MON_SHELVED: u8 status, s lines. */
static int
verb_shelved(struct msg *m, void *arg)
{
	struct channel *c = arg;
	struct verb_call *v = c->own;
	char *text = NULL;
	uint8_t status;
	int r;

	if (m == NULL)
		return 0;	/* the session is over anyway */
	if ((r = buf_get_u8(m->body, &status)) != 0 || (r = buf_get_cstring(m->body, &text)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	v->busy = false;
	verb_print_lines(c, text, status != 0);
	channel_end(c, status);
 out:
	free(text);
	return r;
}

/* parked [REQ], release REQ, drop REQ [--reason WORD..]: the parent decides whether this identity may. */
static void
verb_shelf(struct channel *c)
{
	struct verb_call *v = c->own;
	struct strvec *w = &v->words;
	bool list = strcmp(w->v[0], "parked") == 0, drop = strcmp(w->v[0], "drop") == 0;
	struct strvec words = STRVEC_INIT;
	struct buf *b = buf_new(8192);
	char *reason, *masked;

	for (size_t i = 3; i < w->n; i++)
		strvec_push(&words, w->v[i]);
	reason = strvec_join(&words, " ");
	masked = session_mask(c->session, reason, strlen(reason));
	if (!(list && w->n == 1) && (w->n < 2 || !id_is(w->v[1], "REQ-", REQUEST_ID_LEN) ||
	    (w->n > 2 && (!drop || strcmp(w->v[2], "--reason") != 0)) || strlen(masked) > 1024)) {
		channel_sayf(c, "usage: parked [REQ], release REQ, drop REQ [--reason TEXT]");
		channel_end(c, 2);
	} else if (b == NULL || buf_put_cstring(b, w->v[0]) != 0 || buf_put_cstring(b, w->n > 1 ? w->v[1] : "") != 0 ||
	    buf_put_cstring(b, masked) != 0 || !session_call(c->session, c->session->monitor, MON_SHELF, b, verb_shelved, c)) {
		channel_sayf(c, "the parent cannot be asked now; try again");
		channel_end(c, EXIT_LATER);
	} else
		v->busy = true;
	strvec_release(&words);
	free(reason);
	free(masked);
	buf_free(b);
}

static void
verb_wait(struct channel *c)
{
	struct verb_call *v = c->own;
	struct buf *b = buf_new(256);

	if (v->words.n != 2 || !id_is(v->words.v[1], "REQ-", REQUEST_ID_LEN)) {
		channel_sayf(c, "usage: wait REQ-XXXXXX");
		channel_end(c, 2);
	} else if (b == NULL || buf_put_cstring(b, v->words.v[1]) != 0 || c->session->approvals == NULL ||
	    link_send(c->session->approvals, APPROVALS_WATCH, 0, b, -1) != 0) {
		channel_sayf(c, "the approvals process cannot be asked now; try again");
		channel_end(c, EXIT_LATER);
	} else {
		v->watched = xstrdup(v->words.v[1]);
		v->waiting = true;
	}
	buf_free(b);
}

static void
verb_decided(struct channel *c, const char *request, unsigned verdict, const char *by, const char *reason)
{
	struct verb_call *v = c->own;

	if (!v->waiting || strcmp(request, v->watched) != 0 || verdict == APPROVAL_PENDING)
		return;
	v->waiting = false;
	switch (verdict) {
	case APPROVAL_APPROVED:
		channel_sayf(c, "%s approved by %s%s%s; run the same command again", request, by, *reason ? ": " : "", reason);
		channel_end(c, 0);
		break;
	case APPROVAL_DENIED:
		channel_sayf(c, "%s denied by %s%s%s", request, by, *reason ? ": " : "", reason);
		channel_end(c, EXIT_DENIED);
		break;
	case APPROVAL_USED:
		channel_sayf(c, "%s has been used", request);
		channel_end(c, 0);
		break;
	default:
		channel_sayf(c, "%s: no open request of yours has this id", request);
		channel_end(c, EXIT_LATER);
	}
}

static void
verb_unknown(struct channel *c, const char *word)
{
	struct session *s = c->session;

	if (s->user != NULL && strchr(s->user, '@') != NULL)
		channel_sayf(c, "bad login or target name; the form is LOGIN@TARGET@BASTION with letters, digits, '.', '_', '-'");
	else if (c->subsystem != NULL)
		channel_sayf(c, "the subsystem %s is on targets: use LOGIN@TARGET@BASTION", c->subsystem);
	else if (word == NULL)
		channel_sayf(c, "no shell on the bastion itself; ssh LOGIN@TARGET@BASTION COMMAND, or: ssh BASTION help");
	else
		channel_sayf(c, "no such command of the bastion: %.64s; ssh BASTION help lists them, and a command for a target "
		    "needs LOGIN@TARGET@BASTION", word);
	channel_end(c, s->user != NULL && strchr(s->user, '@') != NULL ? EXIT_UNREACHED : EXIT_DENIED);
}

static void
verb_start(struct channel *c)
{
	struct verb_call *v = xcalloc(1, sizeof(*v));
	const struct verb *verb = verbs;

	c->own = v;
	if (c->command != NULL && strlen(c->command) <= CHANNEL_COMMAND_MAX)
		split_words(c->command, &v->words);
	if (v->words.n == 0) {
		verb_unknown(c, NULL);
		return;
	}
	while (verb->name != NULL && strcmp(verb->name, v->words.v[0]) != 0)
		verb++;
	if (verb->name == NULL)
		verb_unknown(c, v->words.v[0]);
	else if (verb->run_words != NULL)
		verb->run_words(c, &v->words);
	else
		verb->run(c);
}

static void
verb_step(struct channel *c, int64_t now_us)
{
	struct verb_call *v = c->own;

	buf_clear(c->in);	/* no verb reads */
	if (!v->waiting)
		return;
	if (v->wait_until_us == 0) {
		v->wait_until_us = now_us + c->session->p->conf->approval_wait_ms * 1000;
		v->alive_us = now_us + 5000000;
	}
	if (now_us >= v->wait_until_us) {
		v->waiting = false;
		channel_sayf(c, "%s: not decided yet", v->watched);
		channel_end(c, EXIT_LATER);
	} else if (now_us >= v->alive_us) {
		channel_sayf(c, "waiting for %s", v->watched);
		v->alive_us = now_us + 5000000;
	}
}

static void
verb_stop(struct channel *c, const char *why)
{
	struct verb_call *v = c->own;

	v->waiting = v->busy = false;
	channel_sayf(c, "stopped: %s", why);
	channel_end(c, c->session->cut_status);
}

static bool
verb_settled(const struct channel *c)
{
	(void)c;
	return true;
}

static void
verb_free(struct channel *c)
{
	struct verb_call *v = c->own;

	strvec_release(&v->words);
	free(v->watched);
	free(v);
}

const struct channel_type channel_verb_type = {
	.name = "verb",
	.start = verb_start,
	.step = verb_step,
	.stop = verb_stop,
	.settled = verb_settled,
	.free = verb_free,
	.lost = verb_lost,
	.decided = verb_decided,
};
