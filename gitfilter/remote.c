/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"
#include "gitfilter/gitchild.h"
#include "gitfilter/gitrun.h"
#include "gitfilter/limits.h"
#include "gitfilter/pktline.h"
#include "gitfilter/refcmd.h"

#define OPEN_IDLE_MS	30000		/* silence before the advertisement is whole */
#define SEND_IDLE_MS	600000		/* silence of an upstream that works: its keep-alive comes every five seconds */
#define CAPS_MAX	8192

struct remote {
	struct gitchild		 child;		/* by SSH */
	struct webtalk		*web;		/* by HTTPS; owned */
	bool			 announced;	/* HTTP's own first line and its flush are behind us */
	struct pktline_reader	*lines;		/* owned */
	struct push_ref		*refs;		/* owned */
	size_t			 n, room;
	char			*caps;		/* owned, " a b c " */
	char			*head;		/* owned, or NULL */
	char			 error[REASON_MAX];	/* of an ERR line */
	bool			 over;		/* the advertisement is whole */
	int64_t			 opened_ms;
};

/* A word of a shell's command that holds letters, digits and . _ - + @ / ~ alone, quoted for comfort. */
static char *
remote_command(const char *service, const char *path)
{
	return xasprintf("%s '%s'", service, path);
}

/* No configuration, no other way to the upstream than the connection that is there, no terminal, no questions. */
static const char *const ssh_words[] = { "-F", "none", "-T", "-x", "-a", "-o", "BatchMode=yes", "-o", "ControlMaster=no", "-o",
	"ProxyCommand=exit 1", "-o", "LogLevel=ERROR" };

static int
remote_start(struct remote *r, const struct remote_place *place, const char *service)
{
	char *command = remote_command(service, place->path);
	struct strvec argv = STRVEC_INIT, env = STRVEC_INIT;
	int e;

	strvec_push(&argv, "ssh");
	for (size_t i = 0; i < sizeof(ssh_words) / sizeof(ssh_words[0]); i++)
		strvec_push(&argv, ssh_words[i]);
	strvec_push(&argv, "-S");
	strvec_push(&argv, place->socket);
	strvec_push(&argv, "-l");
	strvec_push(&argv, place->login);
	strvec_push(&argv, "--");
	strvec_push(&argv, "upstream");
	strvec_take(&argv, command);
	gitrun_env(&env, NULL, 0);
	e = gitchild_start(&r->child, SSH_PROGRAM, argv.v, env.v);
	strvec_release(&argv);
	strvec_release(&env);
	return e;
}

char *
remote_ssh_command(const struct remote_place *place)
{
	struct strvec words = STRVEC_INIT;
	char *line;

	strvec_push(&words, SSH_PROGRAM);
	for (size_t i = 0; i < sizeof(ssh_words) / sizeof(ssh_words[0]); i++)
		strvec_pushf(&words, "'%s'", ssh_words[i]);
	strvec_pushf(&words, "-S '%s'", place->socket);
	line = strvec_join(&words, " ");
	strvec_release(&words);
	return line;
}

static void
remote_take_caps(struct remote *r, const uint8_t *p, size_t n)
{
	static const char key[] = "symref=HEAD:";
	const char *at, *end;

	if (n > CAPS_MAX)
		n = CAPS_MAX;
	free(r->caps);
	r->caps = xasprintf(" %.*s ", (int)n, (const char *)p);
	if ((at = strstr(r->caps, key)) == NULL || at[-1] != ' ')
		return;
	at += strlen(key);
	end = strchr(at, ' ');
	if (refname_fault((const uint8_t *)at, (size_t)(end - at)) == NULL) {
		free(r->head);
		r->head = xstrndup(at, (size_t)(end - at));
	}
}

/* "OID NAME", without line end and capabilities. What we do not want to know of is passed over. */
static int
remote_take_ref(struct remote *r, const uint8_t *p, size_t n)
{
	struct push_ref *ref;

	if (n < OID_HEX + 2 || !oid_is_hex(p, OID_HEX) || p[OID_HEX] != ' ')
		return n >= 8 && memcmp(p, "shallow ", 8) == 0 ? 0 : ERR_FORMAT;
	if (refname_fault(p + OID_HEX + 1, n - OID_HEX - 1) != NULL)
		return 0;	/* HEAD, .have, capabilities^{}, peeled tags */
	if (r->n == FETCH_REFS_MAX)
		return ERR_TOOBIG;
	if (r->n == r->room) {
		r->room = r->room == 0 ? 64 : 2 * r->room;
		r->refs = xreallocarray(r->refs, r->room, sizeof(*r->refs));
	}
	ref = &r->refs[r->n++];
	memset(ref, 0, sizeof(*ref));
	memcpy(ref->oid, p, OID_HEX);
	memcpy(ref->name, p + OID_HEX + 1, n - OID_HEX - 1);
	return 0;
}

static int
remote_take_line(struct remote *r, const struct pktline *line)
{
	const uint8_t *p = line->data, *nul;
	size_t n = line->len;

	if (n > 0 && p[n - 1] == '\n')
		n--;
	if (n >= 4 && memcmp(p, "ERR ", 4) == 0) {
		text_clean(r->error, sizeof(r->error), p + 4, n - 4);
		return ERR_DENIED;
	}
	if ((nul = memchr(p, '\0', n)) != NULL && r->caps == NULL) {
		remote_take_caps(r, nul + 1, n - (size_t)(nul - p) - 1);
		n = (size_t)(nul - p);
	}
	return remote_take_ref(r, p, n);
}

static int
remote_take_ads(const uint8_t *p, size_t n, void *arg)
{
	struct remote *r = arg;
	struct pktline line;
	size_t used;
	int e;

	while (n > 0) {
		if (r->over)
			return ERR_FORMAT;	/* it is our turn */
		if ((e = pktline_feed(r->lines, p, n, &used, &line)) != 0)
			return e == ERR_SHORT ? 0 : e;
		p += used;
		n -= used;
		if (r->web != NULL && !r->announced) {
			r->announced = line.type == PKTLINE_FLUSH;	/* "# service=.." */
			continue;
		}
		if (line.type == PKTLINE_FLUSH)
			r->over = true;
		else if (line.type != PKTLINE_DATA)
			return ERR_FORMAT;
		else if ((e = remote_take_line(r, &line)) != 0)
			return e;
	}
	return r->over ? 1 : 0;
}

static int
ref_order(const void *a, const void *b)
{
	return strcmp(((const struct push_ref *)a)->name, ((const struct push_ref *)b)->name);
}

void
remote_explain(const char *words, char *why, size_t size)
{
	static const struct {
		const char *has, *line;
	} known[] = {
		{ "does not appear to be a git repository", "the upstream has no such repository, or hides it from the bastion" },
		{ "Repository not found", "the upstream has no such repository, or hides it from the bastion" },
		{ "Control socket connect", "the upstream cannot be reached: the connection to it has been lost" },
		{ "ession open refused", "the upstream cannot be reached: it takes no more sessions on one connection" },
		{ "Host key verification failed", "the upstream shows another host key than the one that is pinned; nothing was sent" },
		{ "Permission denied (", "the upstream refuses the bastion's key or certificate: expired, revoked or not entered there" },
		{ "Connection closed", "the upstream cannot be reached: it closed the connection" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strstr(words, known[i].has) != NULL) {
			(void)snprintf(why, size, "%s", known[i].line);
			return;
		}
	if (strncmp(words, "ssh: ", 5) == 0) {
		(void)snprintf(why, size, "the upstream cannot be reached: %s", words + 5);
		return;
	}
	(void)snprintf(why, size, "%s%s", words[0] == '\0' ? "the upstream cannot be reached: it ended the conversation without a word" :
	    "the upstream says: ", words);
}

static void
remote_say_why(struct remote *r, int e, char *why, size_t size)
{
	char words[REASON_MAX];

	gitchild_complaint(&r->child, words, sizeof(words));
	if (e == ERR_EXPIRED)
		(void)snprintf(why, size, "the upstream cannot be reached: it said nothing for %d s", OPEN_IDLE_MS / 1000);
	else if (e == ERR_TOOBIG)
		(void)snprintf(why, size, "the upstream has too many references");
	else if (e == ERR_FORMAT)
		(void)snprintf(why, size, "the upstream does not speak as git does");
	else if (r->error[0] != '\0')
		(void)snprintf(why, size, "the upstream says: %s", r->error);
	else
		remote_explain(words, why, size);
}

static int
remote_take_web_ads(const unsigned char *p, size_t n, void *arg)
{
	int e = remote_take_ads(p, n, arg);

	return e == 1 ? 0 : e;
}

/* By HTTPS. 0, or a code with why. */
static int
remote_open_web(struct remote *r, const struct remote_place *place, const char *service, char *why, size_t size)
{
	int e;

	if ((r->web = webtalk_new(&place->web)) == NULL) {
		(void)snprintf(why, size, "HTTP cannot be spoken: no memory");
		return ERR_NOMEM;
	}
	if ((e = webtalk_refs(r->web, service, remote_take_web_ads, r, why, size)) == ERR_FORMAT || (e == 0 && !r->over)) {
		e = ERR_FORMAT;
		remote_say_why(r, r->error[0] != '\0' ? ERR_DENIED : e, why, size);
	}
	return e;
}

/* By SSH. */
static int
remote_open_ssh(struct remote *r, const struct remote_place *place, const char *service, char *why, size_t size)
{
	const struct gitpass pass = { .spool_fd = -1, .keep_in = true, .take = remote_take_ads, .arg = r, .idle_ms = OPEN_IDLE_MS };
	int e;

	if ((e = remote_start(r, place, service)) != 0)
		(void)snprintf(why, size, "ssh cannot be started: %s", err_text(e));
	else if ((e = gitchild_pass(&r->child, &pass)) != 0 || !r->over) {
		if (e == 0)
			e = ERR_NOTFOUND;
		(void)gitchild_end(&r->child, e != ERR_NOTFOUND);
		remote_say_why(r, e, why, size);
	}
	return e;
}

int
remote_open(const struct remote_place *place, const char *service, struct remote **rp, char *why, size_t size)
{
	struct remote *r = xcalloc(1, sizeof(*r));
	int e = ERR_NOMEM;

	*rp = NULL;
	r->child = (struct gitchild)GITCHILD_INIT;
	r->lines = pktline_reader_new(PKTLINE_MAX - 4);
	r->opened_ms = clock_mono_ms();
	if (r->lines == NULL)
		(void)snprintf(why, size, "no memory");
	else if ((e = place->web.url != NULL ? remote_open_web(r, place, service, why, size) :
	    remote_open_ssh(r, place, service, why, size)) == 0) {
		qsort(r->refs, r->n, sizeof(*r->refs), ref_order);
		*rp = r;
		return 0;
	}
	remote_close(r);
	return e;
}

void
remote_close(struct remote *r)
{
	if (r == NULL)
		return;
	gitchild_release(&r->child);
	webtalk_free(r->web);
	pktline_reader_free(r->lines);
	free(r->refs);
	free(r->caps);
	free(r->head);
	free(r);
}

const struct push_ref *
remote_refs(const struct remote *r, size_t *np)
{
	*np = r->n;
	return r->refs;
}

const char *
remote_oid(const struct remote *r, const char *name)
{
	static const char none[] = "0000000000000000000000000000000000000000";
	struct push_ref key;
	const struct push_ref *found;

	(void)snprintf(key.name, sizeof(key.name), "%s", name);
	found = r->n == 0 ? NULL : bsearch(&key, r->refs, r->n, sizeof(*r->refs), ref_order);
	return found == NULL ? none : found->oid;
}

const char *
remote_head(const struct remote *r)
{
	return r->head;
}

bool
remote_offers(const struct remote *r, const char *capability)
{
	size_t n = strlen(capability);

	for (const char *at = r->caps; at != NULL && (at = strstr(at, capability)) != NULL; at += n)
		if (at > r->caps && at[-1] == ' ' && (at[n] == ' ' || at[n] == '='))
			return true;
	return false;
}

int64_t
remote_opened_ms(const struct remote *r)
{
	return r->opened_ms;
}

/* Hearing the answer. */
struct hearing {
	struct remote		*remote;
	struct remote_talk	*talk;
	bool			 banded;
	char			 error[REASON_MAX];	/* of band 3 */
};

static int
hear_band(struct hearing *h, const struct pktline *line)
{
	struct remote_talk *t = h->talk;
	size_t n = line->len == 0 ? 0 : line->len - 1;

	if (line->type != PKTLINE_DATA)
		return 0;
	if (line->len == 0)
		return ERR_FORMAT;
	if (line->data[0] == 1)
		return buf_put(t->report, line->data + 1, n);
	if (line->data[0] == 2)
		return buf_put(t->said, line->data + 1, n < buf_room(t->said) ? n : buf_room(t->said));
	text_clean(h->error, sizeof(h->error), line->data + 1, n);
	return 0;
}

static int
hear_take(const uint8_t *p, size_t n, void *arg)
{
	struct hearing *h = arg;
	struct pktline line;
	size_t used;
	int e;

	if (!h->banded)
		return buf_put(h->talk->report, p, n);
	while (n > 0) {
		if ((e = pktline_feed(h->remote->lines, p, n, &used, &line)) != 0)
			return e == ERR_SHORT ? 0 : e;
		p += used;
		n -= used;
		if ((e = hear_band(h, &line)) != 0)
			return e;
	}
	return 0;
}

int
remote_send(struct remote *r, const struct buf *order, int spool_fd, off_t from, off_t to, struct remote_talk *talk, char *why,
    size_t size)
{
	struct hearing h = { .remote = r, .talk = talk, .banded = remote_offers(r, "side-band-64k") };
	const struct gitpass pass = { .head = order, .spool_fd = from < to ? spool_fd : -1, .offset = from, .end = to,
	    .take = hear_take, .arg = &h, .idle_ms = SEND_IDLE_MS };
	char words[REASON_MAX];
	int e;

	if (r->web != NULL) {
		e = webtalk_post(r->web, "git-receive-pack", order, spool_fd, from, to, hear_take, &h, why, size);
		if (e == 0 && !gitrun_is_whole_report(talk->report)) {
			remote_explain(h.error, why, size);
			e = ERR_EOF;
		}
		return e;
	}
	e = gitchild_pass(&r->child, &pass);
	(void)gitchild_end(&r->child, e != 0);
	if (e == 0 && gitrun_is_whole_report(talk->report))
		return 0;
	gitchild_complaint(&r->child, words, sizeof(words));
	if (h.error[0] != '\0')
		(void)snprintf(why, size, "the upstream says: %s", h.error);
	else
		remote_explain(words, why, size);
	return ERR_EOF;
}
