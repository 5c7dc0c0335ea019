/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-keyd: the key process. Holds the key of the user CA, the key that signs checkpoints, and the secrets that
 * open targets without a CA; mints, signs, revokes and lends on request of the parent, and signs for the audit process.
 * It has no network and sees no byte of an agent. It is started with descriptor 3, the link to the parent; after a crash
 * the parent starts it again, and all that it needs is on disk.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pwd.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/calls.h"
#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/link.h"
#include "bastion/base/log.h"
#include "bastion/base/sandbox.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/issuer.h"
#include "bastion/ident/issuer_verbs.h"
#include "bastion/ident/jwt.h"
#include "bastion/ident/keyd_msg.h"
#include "bastion/ident/keystore.h"
#include "bastion/ident/privkey.h"
#include "bastion/ident/secret_verbs.h"
#include "bastion/ident/secrets.h"
#include "bastion/ident/signer.h"
#include "bastion/loan.h"

#define PARENT_FD	3
#define ARGS_MAX	128	/* words of one verb */
#define PATH_BYTES_MAX	4096
#define LENT_MAX	1024	/* secrets at work at once */
#define INPUT_MAX	(64 * 1024)
#define TTL_MAX_MS	((uint64_t)366 * 24 * 3600 * 1000)	/* whatever the configuration says */

struct keyd {
	struct event_base	*base;
	struct link		*parent, *audit;
	struct issuer		*issuer;
	struct signer		*signer;
	struct secrets		*secrets;
	struct calls		*calls;		/* uses that wait for their record */
	unsigned		 nlent;
};

/* What a loan is for, as the record says it. */
struct borrower {
	struct keyd		*keyd;
	char			*session, *target, *login, *name, *fingerprint;
	uint8_t			 kind;		/* enum secret_kind, or KEYD_LEND_CERTIFICATE, KEYD_LEND_APP */
};

static int	on_start(struct link *, struct msg *, void *);
static int	on_mint(struct link *, struct msg *, void *);
static int	on_admin(struct link *, struct msg *, void *);
static int	on_audit_link(struct link *, struct msg *, void *);
static int	on_lend(struct link *, struct msg *, void *);
static int	on_used(struct link *, struct msg *, void *);
static int	on_sign(struct link *, struct msg *, void *);

static const struct link_row parent_rows[] = {
	{ KEYD_START, "start", LINK_PERMIT | LINK_ONCE, on_start },
	{ KEYD_MINT, "mint", 0, on_mint },
	{ KEYD_ADMIN, "admin", 0, on_admin },
	{ KEYD_AUDIT_LINK, "audit-link", 0, on_audit_link },
	{ KEYD_LEND, "lend", 0, on_lend },
	{ KEYD_USED, "used", 0, on_used },
	{ 0, NULL, 0, NULL },
};

static const struct link_row audit_rows[] = {
	{ KEYD_SIGN, "sign", LINK_PERMIT, on_sign },
	{ 0, NULL, 0, NULL },
};

static struct buf *
body_new(void)
{
	struct buf *b = buf_new(MSG_MAX);

	if (b == NULL)
		fatal("out of memory");
	return b;
}

/*
 * Go into ca/ and stay there: after the change of user the folders above are closed to us, and "." is not. As root the
 * folder and what is in it first become that user's.
 */
static void
enter_ca_dir(const char *state_dir, const char *user)
{
	static const char *const ours[] = { ".", "serial", "issued.jsonl", "krl", "signed", "secrets" };
	char *dir = file_join(state_dir, "ca");
	const struct passwd *pw = user[0] == '\0' || geteuid() != 0 ? NULL : getpwnam(user);

	if (chdir(dir) == -1)
		fatal("%s: %s", dir, strerror(errno));
	for (size_t i = 0; pw != NULL && i < sizeof(ours) / sizeof(ours[0]); i++)
		if (fchownat(AT_FDCWD, ours[i], pw->pw_uid, pw->pw_gid, AT_SYMLINK_NOFOLLOW) == -1 && errno != ENOENT)
			fatal("%s/%s: %s", dir, ours[i], strerror(errno));
	free(dir);
}

static void
open_keys(struct keyd *k, const char *state_dir, const char *master, const char *user, int64_t max_ttl_ms)
{
	static const struct sandbox_path here = { ".", SANDBOX_WRITE };	/* state_dir/ca; the keys have been read by then */
	char *dir = file_join(state_dir, "keys"), *why = NULL;
	struct keystore *keys;
	int r;

	if (keystore_open(dir, master, &keys, &why) != 0)
		fatal("%s", why == NULL ? dir : why);
	free(dir);
	enter_ca_dir(state_dir, user);
	if ((r = sandbox_drop(user[0] == '\0' ? NULL : user)) != 0)
		fatal("cannot become user %s: %s", user, err_text(r));
	if (issuer_open(".", keys->user_ca, max_ttl_ms, &k->issuer, &why) != 0)
		fatal("%s/%s", state_dir, why == NULL ? "ca" : why);
	if ((r = signer_open(".", keys->audit_name, keys->audit, &k->signer)) != 0)
		fatal("%s/ca/signed: %s", state_dir, err_text(r));
	if ((r = secrets_open(".", keys->secrets, &k->secrets)) != 0)
		fatal("%s/ca/secrets: %s", state_dir, r == ERR_CRYPTO ? "does not open with this master key, or was altered" :
		    err_text(r));
	keystore_free(keys);
	if ((r = sandbox_paths(&here, 1)) != 0 || (r = sandbox_enter(SANDBOX_STORE)) != 0)
		fatal("sandbox: %s", err_text(r));
}

static int
send_started(struct keyd *k, uint32_t id)
{
	const struct buf *krl = issuer_krl_bytes(k->issuer);
	struct buf *b = body_new();
	const uint8_t *ca;
	size_t n;
	int r;

	ca = issuer_ca_key(k->issuer, &n);
	if ((r = buf_put_string(b, ca, n)) == 0 && (r = buf_put_string(b, signer_key(k->signer), 32)) == 0 &&
	    (r = buf_put_string(b, buf_ptr(krl), buf_len(krl))) == 0)
		r = link_send(k->parent, KEYD_STARTED, id, b, -1);
	buf_free(b);
	return r;
}

static int
on_start(struct link *l, struct msg *m, void *arg)
{
	struct keyd *k = arg;
	char *dir = NULL, *master = NULL, *user = NULL;
	uint64_t ttl;
	int r;

	if ((r = buf_get_cstring(m->body, &dir)) != 0 || (r = buf_get_cstring(m->body, &master)) != 0 ||
	    (r = buf_get_cstring(m->body, &user)) != 0 || (r = buf_get_u64(m->body, &ttl)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		goto out;
	r = ERR_FORMAT;
	if (dir[0] != '/' || strlen(dir) > PATH_BYTES_MAX || ttl < 1000 || ttl > TTL_MAX_MS)
		goto out;
	open_keys(k, dir, master, user, (int64_t)ttl);
	link_permit(l, KEYD_MINT);
	link_permit(l, KEYD_ADMIN);
	link_permit(l, KEYD_AUDIT_LINK);
	link_permit(l, KEYD_LEND);
	link_permit(l, KEYD_USED);
	r = send_started(k, m->id);
out:
	free(dir);
	free(master);
	free(user);
	return r;
}

static int
send_minted(struct keyd *k, uint32_t id, const struct buf *cert, const char *why, uint64_t serial)
{
	struct buf *b = body_new();
	int r;

	r = buf_put_u8(b, why == NULL);
	if (r == 0)
		r = why == NULL ? buf_put_string(b, buf_ptr(cert), buf_len(cert)) : buf_put_cstring(b, why);
	if (r == 0 && (r = buf_put_u64(b, serial)) == 0)
		r = link_send(k->parent, KEYD_MINTED, id, b, -1);
	buf_free(b);
	return r;
}

static int
on_mint(struct link *l, struct msg *m, void *arg)
{
	struct keyd *k = arg;
	char *identity = NULL, *session = NULL, *target = NULL, *login = NULL;
	struct buf *cert = body_new();
	struct issuer_result res = { 0 };
	struct issuer_mint q;
	const char *why = NULL;
	const uint8_t *key;
	size_t n;
	uint64_t ttl;
	uint8_t right;
	int r;

	(void)l;
	if ((r = buf_get_cstring(m->body, &identity)) != 0 || (r = buf_get_cstring(m->body, &session)) != 0 ||
	    (r = buf_get_cstring(m->body, &target)) != 0 || (r = buf_get_cstring(m->body, &login)) != 0 ||
	    (r = buf_peek_string(m->body, &key, &n)) != 0 || (r = buf_get_u64(m->body, &ttl)) != 0 ||
	    (r = buf_get_u8(m->body, &right)) != 0 || (r = buf_end(m->body)) != 0 ||
	    (r = right > KEYD_WAY_ONLY ? ERR_FORMAT : 0) != 0)
		goto out;
	q = (struct issuer_mint){ .identity = identity, .session = session, .target = target, .login = login,
		.key = key, .keylen = n, .ttl_ms = ttl > TTL_MAX_MS ? -1 : (int64_t)ttl, .pty = (right & KEYD_TERMINAL) != 0,
		.forward = (right & KEYD_FORWARDS) != 0, .way_only = right == KEYD_WAY_ONLY };
	if (issuer_mint(k->issuer, &q, clock_wall_ms(), cert, &res, &why) == 0)
		why = NULL;
	else
		log_warn("a certificate was refused: %s", why);
	r = send_minted(k, m->id, cert, why, res.serial);
out:
	free(res.key_id);
	buf_free(cert);
	free(identity);
	free(session);
	free(target);
	free(login);
	return r;
}

static int
argv_read(struct buf *b, struct strvec *argv)
{
	uint32_t n;
	char *word;
	int r;

	if ((r = buf_get_u32(b, &n)) != 0)
		return r;
	if (n > ARGS_MAX)
		return ERR_TOOBIG;
	while (r == 0 && n-- > 0)
		if ((r = buf_get_cstring(b, &word)) == 0)
			strvec_take(argv, word);
	return r;
}

static int
send_answer(struct keyd *k, uint32_t id, const struct verb_answer *a)
{
	const struct buf *krl = issuer_krl_bytes(k->issuer);
	struct buf *b = body_new();
	int r;

	if ((r = buf_put_u8(b, (uint8_t)a->status)) == 0 &&
	    (r = buf_put_string(b, buf_ptr(a->out), buf_len(a->out))) == 0 &&
	    (r = buf_put_string(b, buf_ptr(a->err), buf_len(a->err))) == 0 && (r = buf_put_cstring(b, a->event)) == 0)
		r = link_send(k->parent, KEYD_ADMIN_DONE, id, b, -1);
	buf_clear(b);
	/* After the answer, so that a parent which waits for the one is not handed the other. */
	if (r == 0 && a->krl_changed && (r = buf_put_string(b, buf_ptr(krl), buf_len(krl))) == 0)
		r = link_send(k->parent, KEYD_KRL, 0, b, -1);
	buf_free(b);
	return r;
}

/* Standard input in a file in memory: it never blocks, and has a size. */
static int
input_read(int fd, struct buf *in)
{
	struct stat st;
	uint8_t *p;
	int r;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return ERR_FORMAT;
	if (st.st_size < 0 || st.st_size > INPUT_MAX)
		return ERR_TOOBIG;
	if ((r = buf_reserve(in, (size_t)st.st_size, &p)) != 0)
		return r;
	return pread(fd, p, (size_t)st.st_size, 0) == st.st_size ? 0 : ERR_SYSTEM;
}

static int
on_admin(struct link *l, struct msg *m, void *arg)
{
	struct keyd *k = arg;
	struct verb_answer a = { .out = buf_new(VERB_OUT_MAX), .err = buf_new(VERB_ERR_MAX) };
	struct verb_request v = { .now_ms = clock_wall_ms() };
	struct strvec argv = STRVEC_INIT;
	struct buf *hidden = body_new();
	const uint8_t *in;
	char *who = NULL;
	size_t n;
	int r;

	(void)l;
	if (a.out == NULL || a.err == NULL)
		fatal("out of memory");
	if ((r = buf_get_cstring(m->body, &who)) != 0 || (r = argv_read(m->body, &argv)) != 0 ||
	    (r = buf_peek_string(m->body, &in, &n)) != 0 || (r = buf_end(m->body)) != 0)
		goto out;
	v.who = who;
	v.argv = &argv;
	v.in = in;
	v.inlen = n;
	if (m->fd != -1) {
		if ((r = input_read(m->fd, hidden)) != 0)
			goto out;
		v.in = buf_ptr(hidden);
		v.inlen = buf_len(hidden);
	}
	if (argv.n > 0 && strcmp(argv.v[0], "secret") == 0)
		secret_verb(k->secrets, &v, &a);
	else
		issuer_verb(k->issuer, &v, &a);
	r = send_answer(k, m->id, &a);
out:
	free(a.event);
	buf_free(hidden);
	buf_free(a.out);
	buf_free(a.err);
	strvec_release(&argv);
	free(who);
	return r;
}

static void
audit_gone(struct link *l, int r, void *arg)
{
	struct keyd *k = arg;

	log_info("link to the audit process is over: %s", err_text(r));
	link_free(l);
	if (k->audit == l)
		k->audit = NULL;
}

/* A new audit process, for the first time or after a crash: its link takes the place of the old one. */
static int
on_audit_link(struct link *l, struct msg *m, void *arg)
{
	struct keyd *k = arg;
	struct link_params p = { .base = k->base, .name = "auditd", .rows = audit_rows, .gone = audit_gone, .arg = k };
	uint32_t zero;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &zero)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if (zero != 0 || m->fd == -1)
		return ERR_FORMAT;
	link_free(k->audit);
	p.fd = msg_take_fd(m);
	if ((k->audit = link_new(&p)) == NULL)
		return ERR_NOMEM;
	return 0;
}

static int
on_sign(struct link *l, struct msg *m, void *arg)
{
	struct keyd *k = arg;
	const char *why = NULL;
	char *line = NULL;
	const uint8_t *text;
	struct buf *b;
	size_t n;
	int r;

	if ((r = buf_peek_string(m->body, &text, &n)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	if (signer_sign(k->signer, text, n, &line, &why) != 0)
		log_error("a checkpoint was not signed: %s", why);
	b = body_new();
	if ((r = buf_put_u8(b, line != NULL)) == 0 && (r = buf_put_cstring(b, line == NULL ? why : line)) == 0)
		r = link_send(l, KEYD_SIGNED, m->id, b, -1);
	buf_free(b);
	free(line);
	return r;
}

static void
borrower_free(struct borrower *b)
{
	free(b->session);
	free(b->target);
	free(b->login);
	free(b->name);
	free(b->fingerprint);
	free(b);
}

/* KEYD_USED: u8 ok. */
static int
use_recorded(struct msg *m, void *arg)
{
	uint8_t ok = 0;
	int r = 0;

	if (m != NULL && (r = buf_get_u8(m->body, &ok)) == 0)
		r = buf_end(m->body);
	loan_recorded(arg, r == 0 && ok);
	return r;
}

static bool
loan_use(struct loan *l, void *arg)
{
	struct borrower *b = arg;
	struct call_params p = { .peer = b->keyd->parent, .answer = KEYD_USED, .fn = use_recorded, .arg = l };
	struct buf *body = body_new();
	uint32_t id = calls_add(b->keyd->calls, &p);
	bool ok = id != 0 && buf_put_cstring(body, b->session) == 0 && buf_put_cstring(body, b->target) == 0 &&
	    buf_put_cstring(body, b->login) == 0 && buf_put_cstring(body, b->name) == 0 &&
	    buf_put_cstring(body, b->kind == SECRET_KEY ? "key" : b->kind == SECRET_PASSWORD ? "password" :
	    b->kind == KEYD_LEND_APP ? "app" : "certificate") == 0 &&
	    buf_put_cstring(body, b->fingerprint) == 0 && link_send(b->keyd->parent, KEYD_USE, id, body, -1) == 0;

	if (!ok && id != 0)
		calls_take_back(b->keyd->calls, id);
	buf_free(body);
	return ok;
}

static void
loan_gone(struct loan *l, void *arg)
{
	struct borrower *b = arg;

	calls_cancel(b->keyd->calls, l);
	b->keyd->nlent--;
	borrower_free(b);
}

/* A fresh key and a certificate on it, good for the one login that it is lent for. NULL, or why not. */
static const char *
lend_certificate(struct keyd *k, struct borrower *b, struct loan_params *p)
{
	struct issuer_mint q = { .identity = b->name, .session = b->session, .target = b->target, .login = b->login,
	    .ttl_ms = LOAN_SECONDS * 1000 };
	struct issuer_result res = { 0 };
	const char *why = "no memory";

	p->cert = buf_new(CERT_BLOB_MAX);
	p->key = privkey_new();
	if (p->cert != NULL && p->key != NULL) {
		q.key = privkey_blob(p->key, &q.keylen);
		if (issuer_mint(k->issuer, &q, clock_wall_ms(), p->cert, &res, &why) == 0)
			why = NULL;
	}
	free(res.key_id);
	return why;
}

/* The secret that is held under this name. NULL, or why not. */
static const char *
lend_secret(struct keyd *k, struct borrower *b, struct loan_params *p)
{
	struct buf *secret = buf_new(SECRET_BYTES_MAX);
	const char *why = NULL, *bad;
	enum secret_kind kind;
	int r;

	if (secret == NULL)
		why = "no memory";
	else if ((r = secrets_get(k->secrets, b->name, &kind, secret)) != 0)
		why = r == ERR_NOTFOUND ? "there is no secret of this name; sallyport secret put" : "the secrets cannot be opened";
	else if (kind != (b->kind == KEYD_LEND_APP ? SECRET_KEY : b->kind))
		why = "the secret of this name is of another kind";
	else if (kind == SECRET_PASSWORD) {
		p->password = secret;
		secret = NULL;
	} else if (privkey_parse(buf_ptr(secret), buf_len(secret), &p->key, &bad) != 0)
		why = "the key cannot be read";
	buf_free(secret);
	return why;
}

/* What an app says of itself, in place of the key that it is said with. NULL, or why not. */
static const char *
lend_app(struct keyd *k, struct borrower *b, struct loan_params *p)
{
	const char *why = lend_secret(k, b, p);
	const uint8_t *blob;
	size_t n;

	if (why != NULL)
		return why;
	blob = privkey_blob(p->key, &n);
	b->fingerprint = key_fingerprint(blob, n);
	p->password = buf_new(SECRET_BYTES_MAX);
	if (p->password == NULL || jwt_make(p->key, b->login, clock_wall_ms() / 1000, p->password) != 0)
		why = "an app's key must be RSA";
	privkey_free(p->key);
	p->key = NULL;
	return why;
}

/* NULL, or why there is no loan. The descriptor is used up, and the borrower when there is one. */
static const char *
lend(struct keyd *k, struct borrower *b, int fd)
{
	struct loan_params p = { .base = k->base, .fd = fd, .login = b->login, .name = b->name, .use = loan_use,
		.gone = loan_gone, .arg = b };
	const char *why;
	const uint8_t *blob;
	size_t n;

	if (k->nlent >= LENT_MAX)
		why = "too many secrets are lent at once";
	else
		why = b->kind == KEYD_LEND_CERTIFICATE ? lend_certificate(k, b, &p) : b->kind == KEYD_LEND_APP ? lend_app(k, b, &p) :
		    lend_secret(k, b, &p);
	if (p.key != NULL) {
		blob = privkey_blob(p.key, &n);
		b->fingerprint = key_fingerprint(blob, n);
	}
	if (why != NULL) {
		privkey_free(p.key);
		buf_free(p.cert);
		buf_free(p.password);
		close(fd);
	} else if (loan_new(&p) == NULL)
		why = "no descriptors, or nothing can be recorded";
	return why;
}

static int
on_lend(struct link *l, struct msg *m, void *arg)
{
	struct keyd *k = arg;
	struct borrower *b = xcalloc(1, sizeof(*b));
	struct buf *answer = body_new();
	const char *why;
	uint8_t kind;
	int r;

	b->keyd = k;
	if ((r = buf_get_cstring(m->body, &b->session)) != 0 || (r = buf_get_cstring(m->body, &b->target)) != 0 ||
	    (r = buf_get_cstring(m->body, &b->login)) != 0 || (r = buf_get_cstring(m->body, &b->name)) != 0 ||
	    (r = buf_get_u8(m->body, &kind)) != 0 || (r = buf_end(m->body)) != 0 ||
	    (r = m->fd == -1 || (kind != SECRET_KEY && kind != SECRET_PASSWORD && kind != KEYD_LEND_CERTIFICATE &&
	    kind != KEYD_LEND_APP) ? ERR_FORMAT : 0) != 0)
		goto out;
	b->kind = kind;
	if ((why = lend(k, b, msg_take_fd(m))) == NULL) {
		k->nlent++;
		b = NULL;
	} else
		log_warn("%s was not lent to %s: %s", b->name, b->session, why);
	if ((r = buf_put_u8(answer, why == NULL)) == 0 && (r = buf_put_cstring(answer, why)) == 0)
		r = link_send(l, KEYD_LENT, m->id, answer, -1);
out:
	if (b != NULL)
		borrower_free(b);
	buf_free(answer);
	return r;
}

static int
on_used(struct link *l, struct msg *m, void *arg)
{
	struct keyd *k = arg;
	int r = calls_answer(k->calls, l, m);

	return r == ERR_NOTFOUND ? 0 : r;	/* the loan is over meanwhile */
}

/* Without a parent there is nobody to serve. */
static void
parent_gone(struct link *l, int r, void *arg)
{
	struct keyd *k = arg;

	(void)l;
	if (r != ERR_EOF)
		log_error("link to the parent: %s", err_text(r));
	(void)event_base_loopbreak(k->base);
}

int
main(void)
{
	struct keyd k = { 0 };
	struct link_params p = { .fd = PARENT_FD, .name = "parent", .rows = parent_rows, .gone = parent_gone,
		.arg = &k };
	struct stat st;

	sandbox_prepare();
	log_init("sallyport-keyd", LOG_LEVEL_INFO);
	if (fstat(PARENT_FD, &st) == -1 || !S_ISSOCK(st.st_mode))
		fatal("is started by sallyportd, not by hand");
	if (sodium_init() == -1 || (k.base = event_base_new()) == NULL)
		fatal("out of memory");
	(void)umask(077);
	p.base = k.base;
	k.calls = calls_new(LENT_MAX);
	if ((k.parent = link_new(&p)) == NULL)
		fatal("out of memory");
	(void)event_base_dispatch(k.base);
	link_free(k.audit);
	link_free(k.parent);
	secrets_free(k.secrets);
	issuer_free(k.issuer);
	signer_free(k.signer);
	event_base_free(k.base);
	return 0;
}
