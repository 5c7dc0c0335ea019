/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport-gitleg: see gitleg_msg.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/id.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"
#include "bastion/base/sandbox.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "gitfilter/gitdir.h"
#include "gitfilter/gitleg_msg.h"
#include "gitfilter/gitrepo.h"
#include "gitfilter/gitrun.h"
#include "gitfilter/gitleg-shelf.h"
#include "gitfilter/limits.h"
#include "gitfilter/master.h"
#include "gitfilter/mirror.h"
#include "gitfilter/order.h"
#include "gitfilter/pktline.h"
#include "gitfilter/refcmd.h"
#include "gitfilter/remote.h"
#include "gitfilter/shelf.h"

#define SESSION_FD	3
#define PARENT_FD	4
#define PLAIN_ARGS	4	/* program, mode, folder, repository */
#define REMOTE_ARGS	9	/* and how, three or four words about where, a pattern of references */
#define LOAN_RECEIVE	5	/* the descriptor of a password */
#define LOAN_UPLOAD	3
#define LOAN_MAX	4096
#define LOAN_MS		10000
#define SAID_MAX	8192	/* of what the upstream's hooks say */
#define RELEASE_MS	20000	/* so long an upstream is kept waiting for a push */

/* Which repository: hosted here, or a mirror of one that is elsewhere. */
struct source {
	const char		*dir, *name;
	bool			 elsewhere;
	struct remote_place	 place;
};

struct gitleg {
	struct link	*session, *parent;	/* owned */
	struct source	*source;
	struct gitrepo	*repo;			/* owned */
	struct buf	*needs;			/* owned: names asked about so far, or NULL */
	struct remote	*remote;		/* owned, or NULL: a conversation with the upstream */
	bool		 gone, over;
};

/* From here on this repository, and the programs and libraries that git is made of. */
static int
gitleg_enter(const struct source *s, char *why, size_t size)
{
	const struct sandbox_path paths[] = {
		{ ".", SANDBOX_WRITE }, { "/usr", SANDBOX_READ }, { "/bin", SANDBOX_READ }, { "/lib", SANDBOX_READ },
		{ "/lib64", SANDBOX_READ }, { "/etc", SANDBOX_READ }, { "/opt", SANDBOX_READ }, { "/dev/null", SANDBOX_WRITE },
		{ "/dev/urandom", SANDBOX_READ }, { "/run/systemd/resolve", SANDBOX_READ },
		{ s->place.web.url != NULL && s->place.web.ca[0] != '\0' ? s->place.web.ca : "/dev/null", SANDBOX_READ },
	};
	int r;

	r = s->elsewhere ? mirror_enter(s->dir, s->name, why, size) : gitdir_enter(s->dir, s->name, why, size);
	if (r == 0 && (r = sandbox_paths(paths, sizeof(paths) / sizeof(paths[0]))) != 0)
		(void)snprintf(why, size, "the repository's process cannot enter its sandbox");
	return r;
}

static void
gitleg_send(struct link *l, uint16_t type, uint32_t id, const struct buf *b)
{
	int r = link_send(l, type, id, b, -1);

	if (r != 0)
		log_warn("%s: %s", link_name(l), err_text(r));
}

/* The first message: the references, or why there are none to be had. */
static void
gitleg_send_refs(struct gitleg *g, const char *why)
{
	struct buf *b = buf_new(MSG_MAX);
	int r = b == NULL ? ERR_NOMEM : 0;

	if (r == 0 && why[0] == '\0' && (r = buf_put_u8(b, 1)) == 0 && (r = buf_put_cstring(b, "")) == 0 &&
	    (r = gitrepo_put_refs(g->repo, b)) != 0) {
		why = r == ERR_TOOBIG ? "the repository has too many references to be pushed to through here" :
		    "the repository's references cannot be read";
		buf_clear(b);
		r = 0;
	}
	if (r == 0 && why[0] != '\0' && (r = buf_put_u8(b, 0)) == 0 && (r = buf_put_cstring(b, why)) == 0)
		r = buf_put_u32(b, 0);
	if (r == 0)
		gitleg_send(g->session, GITLEG_REFS, 0, b);
	g->over = r != 0 || why[0] != '\0';
	buf_free(b);
}

static int
gitleg_get_oid(struct buf *b, char oid[OID_HEX + 1])
{
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = buf_peek_string(b, &p, &n)) != 0)
		return r;
	if (!oid_is_hex(p, n))
		return ERR_FORMAT;
	memcpy(oid, p, n);
	oid[n] = '\0';
	return 0;
}

static int
gitleg_ancestor(struct link *l, struct msg *m, void *arg)
{
	struct gitleg *g = arg;
	char old[OID_HEX + 1], tip[OID_HEX + 1];
	struct buf *b;
	bool yes = false;
	uint32_t n;
	int r;

	if ((r = gitleg_get_oid(m->body, old)) != 0 || (r = buf_get_u32(m->body, &n)) != 0)
		return r;
	if (n > OUTSIDE_MAX)
		return ERR_TOOBIG;
	for (; n > 0; n--) {
		if ((r = gitleg_get_oid(m->body, tip)) != 0)
			return r;
		yes = yes || gitrepo_is_ancestor(g->repo, old, tip);
	}
	if ((r = buf_end(m->body)) != 0)
		return r;
	if ((b = buf_new(8)) == NULL)
		return ERR_NOMEM;
	if ((r = buf_put_u8(b, yes)) == 0)
		gitleg_send(l, GITLEG_ANCESTOR_ANSWER, m->id, b);
	buf_free(b);
	return r;
}

static int
gitleg_object(struct link *l, struct msg *m, void *arg)
{
	struct gitleg *g = arg;
	char oid[OID_HEX + 1];
	uint64_t offset;
	struct buf *b;
	int r;

	if ((r = gitleg_get_oid(m->body, oid)) != 0 || (r = buf_get_u64(m->body, &offset)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if ((b = buf_new(MSG_MAX)) == NULL)
		return ERR_NOMEM;
	if ((r = buf_put_cstring(b, oid)) == 0 && (r = gitrepo_put_object(g->repo, oid, offset, b)) == 0)
		gitleg_send(l, GITLEG_OBJECT_ANSWER, m->id, b);
	buf_free(b);
	return r;
}

/* How it went, to both who wait for it. */
static int
gitleg_answer(struct gitleg *g, uint32_t id, enum gitleg_stored how, const char *why, const struct buf *report, uint32_t kept)
{
	struct buf *b = buf_new(MSG_MAX);
	int r = ERR_NOMEM;

	if (b != NULL && (r = buf_put_u8(b, (uint8_t)how)) == 0 && (r = buf_put_cstring(b, why)) == 0 &&
	    (r = buf_put_string(b, report == NULL ? NULL : buf_ptr(report), report == NULL ? 0 : buf_len(report))) == 0 &&
	    (r = buf_put_u32(b, kept)) == 0) {
		gitleg_send(g->session, GITLEG_STORED, 0, b);
		gitleg_send(g->parent, GITLEG_STORED, id, b);
		g->over = true;
	}
	buf_free(b);
	return r;
}

/* GITLEG_STORE. */
struct store_order {
	struct gitstore_params	 p;
	char			*request;	/* owned */
	char			*socket;	/* owned */
	uint64_t		 at;
	bool			 park;
	char			*about, *text;	/* owned, of a parked push */
	char			*faults;	/* owned */
	struct order		 order;
	uint32_t		 kept;
};

static int
gitleg_read_store(struct msg *m, struct store_order *s)
{
	uint8_t non_ff, deletes, park;
	int r;

	if ((r = buf_get_u64(m->body, &s->p.length)) != 0 || (r = buf_get_u8(m->body, &non_ff)) != 0 ||
	    (r = buf_get_u8(m->body, &deletes)) != 0 || (r = buf_get_cstring(m->body, &s->request)) != 0 ||
	    (r = buf_get_u64(m->body, &s->at)) != 0 || (r = buf_get_cstring(m->body, &s->socket)) != 0 ||
	    (r = buf_get_u8(m->body, &park)) != 0 || (r = buf_get_cstring(m->body, &s->about)) != 0 ||
	    (r = buf_get_cstring(m->body, &s->text)) != 0 ||
	    (r = buf_get_cstring(m->body, &s->faults)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if ((s->p.spool_fd = msg_take_fd(m)) == -1 || s->p.length > INT64_MAX || s->at > INT64_MAX ||
	    ((s->request[0] != '\0' || park) && !id_is(s->request, "REQ-", REQUEST_ID_LEN)))
		return ERR_FORMAT;
	s->p.faults = s->faults;
	s->park = park == 1;
	s->p.allow_non_fast_forward = non_ff == 1;
	s->p.allow_deletes = deletes == 1;
	return 0;
}

/* To the upstream. The connection may be another one than at the beginning: people take their time. */
static int
gitleg_push(struct gitleg *g, struct store_order *s, struct buf *report, char *why, size_t size)
{
	struct remote_talk talk = { .report = report, .said = buf_new(SAID_MAX) };
	struct remote_place *place = &g->source->place;
	struct buf *b = buf_new(SAID_MAX + 16);
	int r = ERR_NOMEM;
	char *said;

	if (place->web.url == NULL && strcmp(place->socket, s->socket) != 0) {
		remote_close(g->remote);
		g->remote = NULL;
		free(place->socket);
		place->socket = s->socket;
		s->socket = NULL;
	}
	if (talk.said != NULL && b != NULL)
		r = mirror_push(g->repo, place, &g->remote, &s->p, &talk, why, size);
	if (r == 0 && buf_len(talk.said) > 0) {
		said = xstrndup((const char *)buf_ptr(talk.said), buf_len(talk.said));
		if (buf_put_cstring(b, said) == 0)
			gitleg_send(g->session, GITLEG_SAID, 0, b);
		free(said);
	}
	buf_free(talk.said);
	buf_free(b);
	return r;
}

/*
 * Old tips are kept before git replaces them, so that there is no moment at which nothing holds them; what git then refused
 * is forgotten. Where its answer is not known both stay: restoring compares with what is there.
 */
static int
gitleg_keep_and_store(struct gitleg *g, struct store_order *s, struct buf *report, char *why, size_t size)
{
	int r;

	if (s->request[0] != '\0' && ((r = order_read(s->p.spool_fd, s->p.length, &s->order)) != 0 ||
	    (r = shelf_put(g->repo, SHELF_KEPT, s->request, (int64_t)s->at, s->order.cmds, s->order.n, why, size)) != 0))
		return r;
	r = g->source->elsewhere ? gitleg_push(g, s, report, why, size) : gitrun_store(&s->p, report, why, size);
	if (r != 0)
		return r;
	for (size_t i = 0; i < s->order.n; i++) {
		const struct push_command *c = &s->order.cmds[i];

		if (!order_is_done(buf_ptr(report), buf_len(report), c->name))
			(void)shelf_forget(g->repo, SHELF_KEPT, s->request, (int64_t)s->at, c);
		else if (!oid_is_zero(c->old_oid))
			s->kept++;
	}
	return 0;
}

/* The commands of a parked push as git hears them: each tip under a name of ours, where nothing is yet. */
static int
park_order(const struct store_order *s, struct buf *out)
{
	char zero[OID_HEX + 1] = "", name[REF_NAME_MAX];
	bool first = true;
	int r = 0;

	memset(zero, '0', OID_HEX);
	for (size_t i = 0; i < s->order.n && r == 0; i++) {
		const struct push_command *c = &s->order.cmds[i];

		if (oid_is_zero(c->new_oid))
			continue;
		if ((r = refname_review(s->request, c->name, name)) == 0)
			r = first ? pktline_putf(out, "%s %s %s%c report-status atomic quiet object-format=sha1", zero, c->new_oid, name,
			    '\0') : pktline_putf(out, "%s %s %s", zero, c->new_oid, name);
		first = false;
	}
	return r != 0 ? r : pktline_flush(out);
}

/* Have git take the pack with those tips, all of them. Where nothing but deletions is meant there is no pack. */
static int
park_objects(struct store_order *s, char *why, size_t size)
{
	struct buf *order = buf_new(REPORT_MAX * 2), *report = buf_new(REPORT_MAX * 2);
	int r = order == NULL || report == NULL ? ERR_NOMEM : park_order(s, order);
	char name[REF_NAME_MAX];

	s->p.order = order;
	s->p.pack_at = s->order.end;
	s->p.parked = true;
	if (r == 0 && s->order.pack)
		r = gitrun_store(&s->p, report, why, size);
	for (size_t i = 0; i < s->order.n && r == 0; i++) {
		const struct push_command *c = &s->order.cmds[i];

		if (oid_is_zero(c->new_oid) || ((r = refname_review(s->request, c->name, name)) == 0 &&
		    order_is_done(buf_ptr(report), buf_len(report), name)))
			continue;
		(void)snprintf(why, size, "the repository did not take it");
		r = ERR_DENIED;
	}
	buf_free(order);
	buf_free(report);
	return r;
}

static int
gitleg_park(struct gitleg *g, struct store_order *s, struct buf *report, char *why, size_t size)
{
	struct shelf_item item;
	struct buf *said;
	int r;

	if ((r = order_read(s->p.spool_fd, s->p.length, &s->order)) != 0)
		return r;
	if ((r = shelf_park(g->repo, s->request, (int64_t)s->at, s->about, s->order.cmds, s->order.n, s->text, why, size)) != 0)
		return r;
	if ((r = park_objects(s, why, size)) != 0) {
		if (shelf_parked(g->repo, s->request, &item) == 0 && (said = buf_new(REASON_MAX)) != NULL) {
			(void)shelf_drop(g->repo, &item, said);
			buf_free(said);
			shelf_release(&item);
		}
		return r;
	}
	r = pktline_putf(report, "unpack ok\n");
	for (size_t i = 0; i < s->order.n && r == 0; i++)
		r = pktline_putf(report, "ok %s\n", s->order.cmds[i].name);
	return r != 0 ? r : pktline_flush(report);
}

/* Store what the parent has seen approved. Blocks: nothing else is left to be done here. */
static int
gitleg_store(struct link *l, struct msg *m, void *arg)
{
	struct gitleg *g = arg;
	struct store_order s = { .p = { .spool_fd = -1 } };
	struct buf *report = NULL;
	char why[REASON_MAX] = "";
	int r;

	(void)l;
	if ((r = gitleg_read_store(m, &s)) != 0)
		goto out;
	if ((report = buf_new(REPORT_MAX)) == NULL) {
		r = ERR_NOMEM;
		goto out;
	}
	r = s.park ? gitleg_park(g, &s, report, why, sizeof(why)) : gitleg_keep_and_store(g, &s, report, why, sizeof(why));
	if (r != 0 && why[0] == '\0')
		(void)snprintf(why, sizeof(why), "the spool cannot be read: %s", err_text(r));
	r = gitleg_answer(g, m->id, r == 0 ? GITLEG_ANSWERED : r == ERR_EOF ? GITLEG_NOT_KNOWN : GITLEG_NOT_STORED, why, report, s.kept);
out:
	if (s.p.spool_fd != -1)
		close(s.p.spool_fd);
	free(s.request);
	free(s.socket);
	free(s.about);
	free(s.text);
	free(s.faults);
	order_release(&s.order);
	buf_free(report);
	return r;
}

static int
gitleg_cannot(struct link *l, struct msg *m, void *arg)
{
	char *why = NULL;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &why)) == 0 && (r = buf_end(m->body)) == 0)
		r = gitleg_answer(arg, m->id, GITLEG_NOT_STORED, why, NULL, 0);
	free(why);
	return r;
}

static void
gitleg_gone(struct link *l, int r, void *arg)
{
	struct gitleg *g = arg;

	(void)l;
	(void)r;
	g->gone = true;
}

/* What all names that were asked about come to. The parent hears it too: it compares the digest with the inspector's. */
static int
gitleg_answer_needs(struct gitleg *g)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	const uint8_t *missing = NULL;
	char hex[OID_HEX + 1] = "";
	struct buf *b = buf_new(128);
	int r = b == NULL ? ERR_NOMEM : gitrepo_reaches(g->repo, buf_ptr(g->needs), buf_len(g->needs) / 20, &missing);

	if (missing != NULL)
		oid_format(missing, hex);
	if (r == 0 && EVP_Digest(buf_ptr(g->needs), buf_len(g->needs), digest, NULL, EVP_sha256(), NULL) != 1)
		r = ERR_CRYPTO;
	if (r == 0 && (r = buf_put_u8(b, missing == NULL)) == 0 && (r = buf_put_cstring(b, hex)) == 0 &&
	    (r = buf_put_string(b, digest, 32)) == 0) {
		gitleg_send(g->session, GITLEG_NEEDS_ANSWER, 0, b);
		gitleg_send(g->parent, GITLEG_NEEDS_ANSWER, 0, b);
	}
	buf_free(b);
	return r;
}

static int
gitleg_needs(struct link *l, struct msg *m, void *arg)
{
	struct gitleg *g = arg;
	const uint8_t *p;
	uint8_t last;
	size_t n;
	int r;

	(void)l;
	if ((r = buf_get_u8(m->body, &last)) != 0 || (r = buf_peek_string(m->body, &p, &n)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if (n == 0 || n % 20 != 0)
		return ERR_FORMAT;
	if (g->needs == NULL && (g->needs = buf_new(NEEDS_MAX * 20)) == NULL)
		return ERR_NOMEM;
	if ((r = buf_put(g->needs, p, n)) != 0 || !last)
		return r;
	r = gitleg_answer_needs(g);
	buf_clear(g->needs);
	return r;
}

static const struct link_row session_rows[] = {
	{ GITLEG_NEEDS, "needs", LINK_PERMIT, gitleg_needs },
	{ GITLEG_ANCESTOR, "ancestor", LINK_PERMIT, gitleg_ancestor },
	{ GITLEG_OBJECT, "object", LINK_PERMIT, gitleg_object },
	{ 0, NULL, 0, NULL }
};

static const struct link_row parent_rows[] = {
	{ GITLEG_STORE, "store", LINK_PERMIT | LINK_ONCE, gitleg_store },
	{ GITLEG_CANNOT, "cannot", LINK_PERMIT | LINK_ONCE, gitleg_cannot },
	{ 0, NULL, 0, NULL }
};

static void
gitleg_turn(struct gitleg *g, int ms)
{
	struct link *links[2] = { g->session, g->parent };
	struct pollfd pfd[2];

	for (int i = 0; i < 2; i++)
		pfd[i] = (struct pollfd){
			.fd = link_fd(links[i]),
			.events = (short)(POLLIN | (link_queued(links[i]) > 0 ? POLLOUT : 0)),
		};
	if (poll(pfd, 2, ms) == -1) {
		g->gone = g->gone || errno != EINTR;
		return;
	}
	for (int i = 0; i < 2 && !g->gone; i++)
		if (pfd[i].revents != 0)
			(void)link_pump(links[i]);
}

/* The mirror as the upstream is now. The conversation stays open: a push goes on in it. */
static int
gitleg_follow(struct gitleg *g, const char *service, char *why, size_t size)
{
	const struct remote_place *place = &g->source->place;
	int r;

	if (place->web.url != NULL && place->web.password == NULL) {
		(void)snprintf(why, size, "the token or password that opens the upstream is not to be had");
		return ERR_DENIED;
	}
	if (place->web.url != NULL && place->web.app_url[0] != '\0' && (r = webtalk_exchange(&g->source->place.web, why, size)) != 0)
		return r;
	/* In this order: of what the upstream does not have, nothing is made here. */
	if ((r = remote_open(place, service, &g->remote, why, size)) == 0 && (r = mirror_open_repo(&g->repo, why, size)) == 0)
		r = mirror_follow(g->repo, place, g->remote, why, size);
	return r;
}

/* While people decide, nobody waits at the upstream for them. */
static void
gitleg_wait(struct gitleg *g)
{
	int64_t left = g->remote == NULL ? 0 : remote_opened_ms(g->remote) + RELEASE_MS - clock_mono_ms();

	if (g->remote != NULL && left <= 0) {
		remote_close(g->remote);
		g->remote = NULL;
		if (g->source->place.web.url == NULL)
			gitleg_send(g->parent, GITLEG_RELEASED, 0, NULL);
	}
	gitleg_turn(g, g->remote == NULL ? -1 : (int)left);
}

static int
gitleg_receive(struct source *s)
{
	struct gitleg g = { .source = s };
	const struct link_params session = {
		.fd = SESSION_FD, .name = "session", .rows = session_rows, .gone = gitleg_gone, .arg = &g,
	};
	const struct link_params parent = {
		.fd = PARENT_FD, .name = "parent", .rows = parent_rows, .gone = gitleg_gone, .arg = &g,
	};
	char why[REASON_MAX] = "";
	int64_t until;

	if ((g.session = link_new(&session)) == NULL || (g.parent = link_new(&parent)) == NULL)
		fatal("descriptors %d and %d are not links", SESSION_FD, PARENT_FD);
	if (gitleg_enter(s, why, sizeof(why)) == 0)
		(void)(s->elsewhere ? gitleg_follow(&g, "git-receive-pack", why, sizeof(why)) : gitrepo_open(&g.repo, why, sizeof(why)));
	gitleg_send_refs(&g, why);
	while (!g.gone && !g.over)
		gitleg_wait(&g);
	until = clock_mono_ms() + FINISH_MS;
	while (!g.gone && (link_queued(g.session) > 0 || link_queued(g.parent) > 0) && clock_mono_ms() < until)
		gitleg_turn(&g, TICK_MS);
	remote_close(g.remote);
	gitrepo_close(g.repo);
	buf_free(g.needs);
	link_free(g.session);
	link_free(g.parent);
	return g.over && why[0] == '\0' ? 0 : 1;
}

/* An error before the advertisement is an ERR line, which the session reads and the client shows. */
static int
gitleg_upload_as(struct source *s, bool reviews)
{
	struct gitleg g = { .source = s };
	int r;

	struct buf *b = buf_new(PKTLINE_MAX);
	char why[REASON_MAX] = "";

	if ((r = gitleg_enter(s, why, sizeof(why))) == 0 && s->elsewhere) {
		r = gitleg_follow(&g, "git-upload-pack", why, sizeof(why));
		remote_close(g.remote);
		gitrepo_close(g.repo);
	}
	if (r == 0) {
		gitrun_become_upload(reviews);
		(void)snprintf(why, sizeof(why), "git upload-pack cannot be started: %s", strerror(errno));
	}
	if (b == NULL || pktline_putf(b, "ERR %s\n", why) != 0 || file_write_all(1, buf_ptr(b), buf_len(b)) != 0)
		log_error("%s", why);
	buf_free(b);
	return 1;
}

static int
gitleg_upload(struct source *s)
{
	return gitleg_upload_as(s, false);
}

static int
gitleg_upload_reviews(struct source *s)
{
	return gitleg_upload_as(s, true);
}

/* A held password comes as u32 length and bytes, once, or not at all. NULL = not at all. */
static char *
take_loan(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct buf *b = buf_new(LOAN_MAX);
	char *password = NULL;
	int r = 0;

	while (b != NULL && (r == 0 || r == ERR_AGAIN) && password == NULL && poll(&pfd, 1, LOAN_MS) == 1) {
		r = buf_read(b, fd, LOAN_MAX - buf_len(b));
		if (r == 0 && buf_len(b) >= 4 && (r = buf_get_cstring(b, &password)) == ERR_SHORT)
			r = 0;
	}
	buf_free(b);
	close(fd);
	return password;
}

/* The words after the repository's name; see gitleg_msg.h. */
static void
source_read_place(struct source *s, char **words, int loan)
{
	struct remote_place *p = &s->place;
	bool web = strcmp(words[0], "https") == 0;

	if (web)
		p->web = (struct webplace){ .url = words[1], .user = words[2], .ca = words[3], .proxy = words[4], .app_url = words[5],
		    .password = take_loan(loan) };
	else {
		p->login = words[1];
		p->path = words[2];
		p->socket = xstrdup(words[3]);
	}
	for (int k = web ? 6 : 4; words[k] != NULL; k++)
		strvec_push(&p->refs, words[k]);
}

static void
source_release(struct source *s)
{
	free(s->place.socket);
	if (s->place.web.password != NULL)
		freezero(s->place.web.password, strlen(s->place.web.password));
	strvec_release(&s->place.refs);
}

static const struct {
	const char	*word;
	int		(*run)(struct source *);
} modes[] = {
	{ "receive", gitleg_receive },
	{ "upload", gitleg_upload },
	{ "upload-reviews", gitleg_upload_reviews },
};

int
main(int argc, char **argv)
{
	struct source s = { .elsewhere = argc > PLAIN_ARGS };
	int status = 2;

	log_init("sallyport-gitleg", LOG_LEVEL_INFO);
	sandbox_prepare();
	if (argc > PLAIN_ARGS && strcmp(argv[1], "master") == 0)
		return master_run(argc, argv);
	for (size_t i = 0; (argc == PLAIN_ARGS || argc >= REMOTE_ARGS) && i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(argv[1], modes[i].word) != 0)
			continue;
		s.dir = argv[2];
		s.name = argv[3];
		if (s.elsewhere)
			source_read_place(&s, argv + PLAIN_ARGS, i == 0 ? LOAN_RECEIVE : LOAN_UPLOAD);
		status = modes[i].run(&s);
		source_release(&s);
		return status;
	}
	if (argc >= PLAIN_ARGS - 1)
		return gitleg_shelf(argc - 1, argv + 1);
	fprintf(stderr, "usage: sallyport-gitleg MODE UPSTREAM_DIR WORD..\n"
	    "sallyportd starts it; there is no use for it by hand.\n");
	return status;
}
