/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ssh/sshconn_int.h"
#include "bastion/ssh/sshread.h"

/*
 * Explicit lists: the defaults of 0.10 end in a stray comma and hold more than is wanted. Group exchange is left out, it
 * would read a moduli file from inside the sandbox.
 */
#define KEX_LIST	"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384"
#ifdef SALLYPORT_NO_GCM
#define CIPHER_LIST	"chacha20-poly1305@openssh.com,aes256-ctr,aes128-ctr"
#else
#define CIPHER_LIST	"aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes128-ctr"
#endif
#define MAC_LIST	"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512"
#define PACKET_EXTRA	20	/* length, padding, tag: no cipher of ours adds less */
#define WARM_TURNS	100
#define WARM_TURN_MS	5
#define QUESTIONS_MAX	4	/* rounds of keyboard-interactive */
#define ASKS_MAX	20	/* requests to authenticate by nothing, or by a method that there is none of */

struct sshserver {
	ssh_bind	 bind;
	struct sshrekey	 rekey;
};

/* Server set-up */

struct sshserver *
sshserver_new(const char *host_key_path, const char **errorp)
{
	struct sshserver *s = xcalloc(1, sizeof(*s));
	int no = 0;

	s->bind = ssh_bind_new();
	if (s->bind == NULL)
		fatal("libssh: no memory for a server");
	*errorp = NULL;
	if (ssh_bind_options_set(s->bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no) != SSH_OK ||
	    ssh_bind_options_set(s->bind, SSH_BIND_OPTIONS_HOSTKEY, host_key_path) != SSH_OK)
		*errorp = "not a usable host key (OpenSSH private key format, without a passphrase)";
	else if (ssh_bind_options_set(s->bind, SSH_BIND_OPTIONS_BANNER, "Sallyport") != SSH_OK ||
	    ssh_bind_options_set(s->bind, SSH_BIND_OPTIONS_KEY_EXCHANGE, KEX_LIST) != SSH_OK ||
	    ssh_bind_options_set(s->bind, SSH_BIND_OPTIONS_CIPHERS_C_S, CIPHER_LIST) != SSH_OK ||
	    ssh_bind_options_set(s->bind, SSH_BIND_OPTIONS_CIPHERS_S_C, CIPHER_LIST) != SSH_OK ||
	    ssh_bind_options_set(s->bind, SSH_BIND_OPTIONS_HMAC_C_S, MAC_LIST) != SSH_OK ||
	    ssh_bind_options_set(s->bind, SSH_BIND_OPTIONS_HMAC_S_C, MAC_LIST) != SSH_OK)
		*errorp = "libssh refuses our algorithms";
	if (*errorp != NULL) {
		sshserver_free(s);
		return NULL;
	}
	return s;
}

char *
sshserver_public_key(const char *path)
{
	ssh_key key = NULL;
	char *b64 = NULL, *line = NULL;

	if (ssh_pki_import_privkey_file(path, NULL, NULL, NULL, &key) == SSH_OK &&
	    ssh_pki_export_pubkey_base64(key, &b64) == SSH_OK)
		line = xasprintf("%s %s", ssh_key_type_to_char(ssh_key_type(key)), b64);
	ssh_string_free_char(b64);
	ssh_key_free(key);
	return line;
}

void
sshserver_free(struct sshserver *s)
{
	if (s == NULL)
		return;
	ssh_bind_free(s->bind);
	free(s);
}

/* Connections */

void
sshconn_die(struct sshconn *c, const char *why)
{
	if (c->state == SSHCONN_DEAD)
		return;
	c->state = SSHCONN_DEAD;
	free(c->why);
	c->why = xstrdup(why);
}

void
sshserver_rekey(struct sshserver *s, const struct sshrekey *r)
{
	s->rekey = *r;
}

static bool
conn_rekey(struct sshconn *c, const struct sshrekey *r)
{
	uint64_t bytes = r->bytes;
	uint32_t seconds = r->seconds;

	return bytes == 0 || (ssh_options_set(c->ssh, SSH_OPTIONS_REKEY_DATA, &bytes) == SSH_OK &&
	    ssh_options_set(c->ssh, SSH_OPTIONS_REKEY_TIME, &seconds) == SSH_OK);
}

/* Guard D: libssh leaves descriptors blocking and would then write its whole buffer at once. */
static int
fd_unblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || ((flags & O_NONBLOCK) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1))
		return ERR_SYSTEM;
	return 0;
}

static int
fd_prepare(int fd)
{
	int one = 1;

	if (fd_unblock(fd) != 0)
		return ERR_SYSTEM;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));	/* a Unix socket has none */
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	return 0;
}

static struct sshconn *
conn_new(struct sshloop *l)
{
	struct sshconn *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->state = SSHCONN_KEX;
	if ((c->ssh = ssh_new()) == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

static int
on_auth_pubkey(ssh_session s, const char *user, struct ssh_key_struct *key, char state, void *arg)
{
	struct sshconn *c = arg;
	bool proven = state == SSH_PUBLICKEY_STATE_VALID, ok = false;
	char *b64 = NULL;
	uint8_t *blob;
	size_t len, room;

	(void)s;
	if ((state != SSH_PUBLICKEY_STATE_NONE && !proven) || ssh_pki_export_pubkey_base64(key, &b64) != SSH_OK)
		return SSH_AUTH_DENIED;
	room = strlen(b64);
	blob = xmalloc(room + 1);
	if (sodium_base642bin(blob, room, b64, room, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) == 0)
		ok = c->ops.auth(user, blob, len, proven, c->arg);
	free(blob);
	ssh_string_free_char(b64);
	if (ok && proven && c->state == SSHCONN_AUTH)
		c->state = SSHCONN_UP;
	return ok ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
}

/* Guard F, for what the owner does not hear of. */
static void
conn_count_ask(struct sshconn *c)
{
	if (++c->asks > ASKS_MAX)
		sshconn_die(c, "too many requests to authenticate by no method of ours");
}

static int
on_auth_none(ssh_session s, const char *user, void *arg)
{
	(void)s;
	(void)user;
	conn_count_ask(arg);
	return SSH_AUTH_DENIED;	/* how clients ask for the list of methods; not a try */
}

static int
on_auth_password(ssh_session s, const char *user, const char *password, void *arg)
{
	struct sshconn *c = arg;

	(void)s;
	(void)password;
	c->ops.auth_other(user, c->arg);
	return SSH_AUTH_DENIED;
}

static ssh_channel
on_open(ssh_session s, void *arg)
{
	struct sshconn *c = arg;
	const struct sshchan_ops *ops = NULL;
	ssh_channel lch;
	struct sshchan *ch;

	if (c->state != SSHCONN_UP || (lch = ssh_channel_new(s)) == NULL)
		return NULL;
	ch = sshchan_offered(c, lch);
	if (!c->ops.open(ch, &ops, &ch->arg, c->arg)) {
		ssh_channel_free(lch);
		free(ch);
		return NULL;
	}
	sshchan_taken(ch, ops);
	return ch->ch;
}

/*
 * Confirm an open with a channel that the owner has taken. Bytes may follow in the same read: the handlers are set before.
 * False: it is to be refused.
 */
static bool
open_confirm(struct sshchan *ch, ssh_message m)
{
	return ssh_message_channel_request_open_reply_accept_channel(m, ch->ch) == SSH_OK;
}

/* 0 = answered, 1 = refuse. */
static int
on_forward(struct sshconn *c, ssh_message m)
{
	const char *host = ssh_message_channel_request_open_destination(m);
	const struct sshchan_ops *ops = NULL;
	ssh_channel lch;
	struct sshchan *ch;

	if (host == NULL || (lch = ssh_channel_new(c->ssh)) == NULL)
		return 1;
	ch = sshchan_offered(c, lch);
	if (!c->ops.forward(ch, host, (unsigned)ssh_message_channel_request_open_destination_port(m), &ops, &ch->arg, c->arg)) {
		ssh_channel_free(lch);
		free(ch);
		return 1;
	}
	sshchan_taken(ch, ops);
	return open_confirm(ch, m) ? 0 : 1;
}

static int
on_global(struct sshconn *c, ssh_message m, int sub)
{
	const char *host = ssh_message_global_request_address(m);
	unsigned port = (unsigned)ssh_message_global_request_port(m);
	bool ok = false;

	if (sub == SSH_GLOBAL_REQUEST_TCPIP_FORWARD && c->ops.listen != NULL && host != NULL)
		ok = c->ops.listen(host, port, c->arg);
	else if (sub == SSH_GLOBAL_REQUEST_CANCEL_TCPIP_FORWARD && c->ops.unlisten != NULL && host != NULL)
		ok = c->ops.unlisten(host, port, c->arg);
	else if (sub != SSH_GLOBAL_REQUEST_KEEPALIVE)
		c->ops.refused("global request", c->arg);
	if (!ok)
		return 1;
	(void)ssh_message_global_request_reply_success(m, (uint16_t)port);
	return 0;
}

/* Whatever no callback took: other channel types, global requests. Returning 1 has libssh refuse it. */
static int
on_message(ssh_session s, ssh_message m, void *arg)
{
	struct sshconn *c = arg;
	int type = ssh_message_type(m), sub = ssh_message_subtype(m);

	(void)s;
	if (type == SSH_REQUEST_AUTH)
		conn_count_ask(c);
	if (c->state != SSHCONN_UP)
		return 1;
	if (type == SSH_REQUEST_CHANNEL_OPEN && sub == SSH_CHANNEL_DIRECT_TCPIP)
		return on_forward(c, m);
	if (type == SSH_REQUEST_CHANNEL_OPEN)
		c->ops.refused(sub == SSH_CHANNEL_X11 ? "X11 channel" : "channel of an unknown type", c->arg);
	else if (type == SSH_REQUEST_GLOBAL)
		return on_global(c, m, sub);
	return 1;
}

/*
 * What a target asks of us. Without a callback libssh would keep it all, for ever. The one thing that may be granted is
 * what came in where the target listens for us.
 */
static int
on_target_message(ssh_session s, ssh_message m, void *arg)
{
	struct sshconn *c = arg;
	const struct sshchan_ops *ops = NULL;
	ssh_channel lch;
	struct sshchan *ch;

	if (ssh_message_type(m) != SSH_REQUEST_CHANNEL_OPEN || ssh_message_subtype(m) != SSH_CHANNEL_FORWARDED_TCPIP ||
	    c->state != SSHCONN_UP || c->incoming == NULL || (lch = ssh_channel_new(s)) == NULL)
		return 1;
	ch = sshchan_offered(c, lch);
	if (!c->incoming(ch, (unsigned)ssh_message_channel_request_open_destination_port(m),
	    ssh_message_channel_request_open_originator(m), (unsigned)ssh_message_channel_request_open_originator_port(m),
	    &ops, &ch->arg, c->arg)) {
		ssh_channel_free(lch);
		free(ch);
		return 1;
	}
	sshchan_taken(ch, ops);
	return open_confirm(ch, m) ? 0 : 1;
}

struct sshconn *
sshconn_serve(struct sshloop *l, struct sshserver *server, int fd, const struct sshserver_ops *ops, void *arg)
{
	struct sshconn *c;

	if (fd_prepare(fd) != 0 || (c = conn_new(l)) == NULL) {
		close(fd);
		return NULL;
	}
	c->is_server = 1;
	c->ops = *ops;
	c->arg = arg;
	c->server_cb.userdata = c;
	c->server_cb.auth_pubkey_function = on_auth_pubkey;
	c->server_cb.auth_none_function = on_auth_none;
	c->server_cb.auth_password_function = on_auth_password;
	c->server_cb.channel_open_request_session_function = on_open;
	ssh_callbacks_init(&c->server_cb);
	if (!conn_rekey(c, &server->rekey) || ssh_bind_accept_fd(server->bind, c->ssh, fd) != SSH_OK) {
		sshconn_free(c);
		return NULL;
	}
	ssh_set_server_callbacks(c->ssh, &c->server_cb);
	ssh_set_counters(c->ssh, &c->wire, &c->in);
	ssh_set_message_callback(c->ssh, on_message, c);
	ssh_set_auth_methods(c->ssh, SSH_AUTH_METHOD_PUBLICKEY);
	ssh_set_blocking(c->ssh, 0);
	return c;
}

void
sshconn_banner(struct sshconn *c, const char *text)
{
	ssh_string s = ssh_string_from_char(text);

	if (s != NULL)
		(void)ssh_send_issue_banner(c->ssh, s);
	ssh_string_free(s);
}

/* The host key types of the pinned keys, so that the target shows one that we can compare. */
static char *
host_key_types(const struct strvec *keys)
{
	struct strvec types = STRVEC_INIT;
	char *out;

	for (size_t i = 0; i < keys->n; i++) {
		char *type = xstrndup(keys->v[i], strcspn(keys->v[i], " "));

		if (strcmp(type, "ssh-rsa") == 0)
			strvec_push(&types, "rsa-sha2-512,rsa-sha2-256");
		else if (!strvec_has(&types, type))
			strvec_push(&types, type);
		free(type);
	}
	out = strvec_join(&types, ",");
	strvec_release(&types);
	return out;
}

struct sshconn *
sshconn_client(struct sshloop *l, const struct sshconn_client *p)
{
	struct sshconn *c;
	char *types;
	int no = 0, one = 1, fd = p->fd;
	bool ok;

	if (fd_prepare(fd) != 0 || (c = conn_new(l)) == NULL) {
		close(fd);
		return NULL;
	}
	c->user = xstrdup(p->user);
	c->host_keys = p->host_keys;
	c->incoming = p->incoming;
	c->arg = p->arg;
	types = host_key_types(p->host_keys);
	ok = ssh_options_set(c->ssh, SSH_OPTIONS_PROCESS_CONFIG, &no) == SSH_OK &&
	    ssh_options_set(c->ssh, SSH_OPTIONS_HOST, "target") == SSH_OK &&
	    ssh_options_set(c->ssh, SSH_OPTIONS_USER, p->user) == SSH_OK &&
	    ssh_options_set(c->ssh, SSH_OPTIONS_SSH_DIR, "/nonexistent") == SSH_OK &&
	    ssh_options_set(c->ssh, SSH_OPTIONS_KNOWNHOSTS, "/dev/null") == SSH_OK &&
	    ssh_options_set(c->ssh, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") == SSH_OK &&
	    ssh_options_set(c->ssh, SSH_OPTIONS_NODELAY, &one) == SSH_OK &&
	    ssh_options_set(c->ssh, SSH_OPTIONS_KEY_EXCHANGE, KEX_LIST) == SSH_OK &&
	    ssh_options_set(c->ssh, SSH_OPTIONS_HOSTKEYS, types) == SSH_OK &&
	    ssh_options_set(c->ssh, SSH_OPTIONS_CIPHERS_C_S, CIPHER_LIST) == SSH_OK &&
	    ssh_options_set(c->ssh, SSH_OPTIONS_CIPHERS_S_C, CIPHER_LIST) == SSH_OK &&
	    ssh_options_set(c->ssh, SSH_OPTIONS_HMAC_C_S, MAC_LIST) == SSH_OK &&
	    ssh_options_set(c->ssh, SSH_OPTIONS_HMAC_S_C, MAC_LIST) == SSH_OK;
	free(types);
	if (!ok || !conn_rekey(c, &p->rekey) || ssh_options_set(c->ssh, SSH_OPTIONS_FD, &fd) != SSH_OK) {
		close(fd);
		sshconn_free(c);
		return NULL;
	}
	ssh_set_message_callback(c->ssh, on_target_message, c);
	ssh_set_counters(c->ssh, &c->wire, &c->in);
	ssh_set_blocking(c->ssh, 0);
	return c;
}

char *
sshconn_new_key(struct sshconn *c)
{
	char *b64 = NULL, *copy;

	if (c->key == NULL && ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &c->key) != SSH_OK)
		fatal("libssh: cannot make a key");
	if (ssh_pki_export_pubkey_base64(c->key, &b64) != SSH_OK)
		fatal("libssh: cannot export a public key");
	copy = xstrdup(b64);
	ssh_string_free_char(b64);
	return copy;
}

int
sshconn_set_cert(struct sshconn *c, const uint8_t *blob, size_t len)
{
	size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	char *b64 = xmalloc(room);
	ssh_key cert = NULL;
	int r = ERR_CRYPTO;

	sodium_bin2base64(b64, room, blob, len, sodium_base64_VARIANT_ORIGINAL);
	if (c->key != NULL && ssh_pki_import_cert_base64(b64, SSH_KEYTYPE_ED25519_CERT01, &cert) == SSH_OK &&
	    ssh_pki_copy_cert_to_privkey(cert, c->key) == SSH_OK) {
		c->proof = PROOF_CERT;
		r = 0;
	}
	ssh_key_free(cert);
	free(b64);
	return r;
}

/* The peer's key is not the one it must have: keep what it is, for whoever has to find out why. */
static void
conn_note_wrong_key(struct sshconn *c)
{
	unsigned char *hash = NULL;
	char *text = NULL;
	ssh_key key = NULL;
	size_t n;

	if (ssh_get_server_publickey(c->ssh, &key) == SSH_OK &&
	    ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &n) == 0)
		text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, n);
	c->wrong_key = xstrdup(text == NULL ? "" : text);
	ssh_string_free_char(text);
	ssh_clean_pubkey_hash(&hash);
	ssh_key_free(key);
}

/* Whether the peer's host key is one of the pinned ones. */
static bool
host_key_is_pinned(struct sshconn *c)
{
	ssh_key key = NULL;
	char *b64 = NULL;
	bool found = false;

	if (ssh_get_server_publickey(c->ssh, &key) == SSH_OK && ssh_pki_export_pubkey_base64(key, &b64) == SSH_OK)
		for (size_t i = 0; i < c->host_keys->n && !found; i++) {
			const char *k = c->host_keys->v[i] + strcspn(c->host_keys->v[i], " ");

			k += strspn(k, " ");
			found = strncmp(k, b64, strlen(b64)) == 0 && strchr(" ", k[strlen(b64)]) != NULL;
		}
	ssh_string_free_char(b64);
	ssh_key_free(key);
	return found;
}

/* libssh's poll objects exist only after the first call that uses them; from then on they belong to our loop. */
static void
conn_join_loop(struct sshconn *c)
{
	if (!c->added && ssh_event_add_session(c->loop->event, c->ssh) == SSH_OK)
		c->added = 1;
}

/* Keys are agreed on: from now on there may be much to read. Before, an error of libssh is the last thing that it should do. */
static void
conn_agreed(struct sshconn *c)
{
	sshread_begin(ssh_get_fd(c->ssh));
	c->state = SSHCONN_AUTH;
}

static void
step_kex(struct sshconn *c)
{
	int r = c->is_server ? ssh_handle_key_exchange(c->ssh) : ssh_connect(c->ssh);

	conn_join_loop(c);
	/* Guard D again: a descriptor that it has found connected libssh makes blocking. */
	if ((r == SSH_AGAIN || r == SSH_OK) && fd_unblock(ssh_get_fd(c->ssh)) != 0) {
		sshconn_die(c, "a descriptor cannot be made non-blocking");
		return;
	}
	if (r == SSH_AGAIN)
		return;
	if (r != SSH_OK) {
		if (!c->is_server && strstr(ssh_get_error(c->ssh), "server host key algo") != NULL)
			c->wrong_key = xstrdup("");
		sshconn_die(c, ssh_get_error(c->ssh));
	} else if (!c->is_server && !host_key_is_pinned(c)) {
		conn_note_wrong_key(c);
		sshconn_die(c, "host key is not the one it must be");
	} else
		conn_agreed(c);
}

int
sshconn_set_agent(struct sshconn *c, int fd)
{
	if (ssh_set_agent_socket(c->ssh, fd) != SSH_OK) {
		close(fd);
		return ERR_SYSTEM;
	}
	c->proof = PROOF_AGENT;
	return 0;
}

static void
conn_wipe_password(struct sshconn *c)
{
	if (c->password != NULL)
		freezero(c->password, strlen(c->password));
	c->password = NULL;
}

void
sshconn_set_password(struct sshconn *c, const char *password)
{
	conn_wipe_password(c);
	c->password = xstrdup(password);
	c->proof = PROOF_PASSWORD;
}

/*
 * Keyboard-interactive (RFC 4256): one question, hidden, gets the password; anything else is no question for a password.
 * Rounds without questions are only words. Returns as ssh_userauth_kbdint does.
 */
static int
auth_answer(struct sshconn *c)
{
	int r = ssh_userauth_kbdint(c->ssh, NULL, NULL), n;
	char echo = 1;

	if (r != SSH_AUTH_INFO)
		return r;
	n = ssh_userauth_kbdint_getnprompts(c->ssh);
	if (++c->questions > QUESTIONS_MAX || n < 0 || n > 1)
		return SSH_AUTH_DENIED;
	if (n == 1 && (c->password == NULL || ssh_userauth_kbdint_getprompt(c->ssh, 0, &echo) == NULL || echo != 0 ||
	    ssh_userauth_kbdint_setanswer(c->ssh, 0, c->password) != 0))
		return SSH_AUTH_DENIED;
	if (n == 1)
		conn_wipe_password(c);	/* libssh has its copy, and overwrites that itself */
	return SSH_AUTH_AGAIN;
}

static int
auth_password(struct sshconn *c)
{
	int r = ssh_userauth_password(c->ssh, NULL, c->password);

	if (r == SSH_AUTH_DENIED && (ssh_userauth_list(c->ssh, NULL) & SSH_AUTH_METHOD_INTERACTIVE) != 0 &&
	    (ssh_userauth_list(c->ssh, NULL) & SSH_AUTH_METHOD_PASSWORD) == 0) {
		c->proof = PROOF_ANSWER;
		return SSH_AUTH_AGAIN;
	}
	return r;
}

static void
step_auth(struct sshconn *c)
{
	static const char *const refused[] = { "", "target refused our certificate for this login",
	    "target refused the held key for this login", "target refused the held password for this login",
	    "target refused the held password for this login, or asked something else" };
	int r;

	if (c->is_server || c->proof == PROOF_NONE)
		return;
	r = c->proof == PROOF_CERT ? ssh_userauth_publickey(c->ssh, NULL, c->key) :
	    c->proof == PROOF_AGENT ? ssh_userauth_agent(c->ssh, NULL) :
	    c->proof == PROOF_PASSWORD ? auth_password(c) : auth_answer(c);
	if (r == SSH_AUTH_AGAIN)
		return;
	conn_wipe_password(c);
	if (r == SSH_AUTH_SUCCESS)
		c->state = SSHCONN_UP;
	else if (r == SSH_AUTH_PARTIAL)
		sshconn_die(c, "target wants another proof besides ours (AuthenticationMethods of its sshd), and there is none");
	else
		sshconn_die(c, refused[c->proof]);
}

/*
 * Guard C, for what libssh answers by itself: pings, keepalives, refusals. Its buffer cannot be asked for its size, so what was
 * given to it, also while keys are exchanged, is compared with what has left by the socket. Encryption only adds to it, so it
 * is never less than what is counted here.
 */
static void
conn_check_backlog(struct sshconn *c)
{
	uint64_t made = c->in.out_bytes + PACKET_EXTRA * c->in.out_packets;

	if ((ssh_get_poll_flags(c->ssh) & SSH_WRITE_PENDING) == 0) {
		c->settled = made;
		c->settled_wire = c->wire.out_bytes;
	} else if (made - c->settled > c->wire.out_bytes - c->settled_wire + SSHCONN_BACKLOG_MAX)
		sshconn_die(c, "peer asks and does not read the answers");
}

enum sshconn_state
sshconn_step(struct sshconn *c)
{
	if (c->state != SSHCONN_DEAD && c->added)
		conn_check_backlog(c);
	if (c->state == SSHCONN_KEX)
		step_kex(c);
	else if (c->state == SSHCONN_AUTH)
		step_auth(c);
	if (c->state != SSHCONN_DEAD && c->added && !ssh_is_connected(c->ssh)) {
		const char *e = ssh_get_error(c->ssh);

		sshconn_die(c, e != NULL && *e != '\0' ? e : "peer has closed the connection");
	}
	return c->state;
}

enum sshconn_state
sshconn_state(const struct sshconn *c)
{
	return c->state;
}

const char *
sshconn_why(const struct sshconn *c)
{
	return c->why == NULL ? "" : c->why;
}

const char *
sshconn_wrong_key(const struct sshconn *c)
{
	return c->wrong_key;
}

void
sshconn_cut(struct sshconn *c, const char *why)
{
	if (c->added && ssh_is_connected(c->ssh))
		ssh_disconnect(c->ssh);
	sshconn_die(c, why);
}

/*
 * libssh keeps the question until it is asked again: the first call takes an answer that has come meanwhile, if there was a
 * question before, and only the second sends one then. With none before, the first sends and the second waits for nothing.
 */
void
sshconn_keepalive(struct sshconn *c)
{
	for (int i = 0; i < 2 && c->state == SSHCONN_UP; i++)
		(void)ssh_send_keepalive(c->ssh);
}

uint64_t
sshconn_packets_in(const struct sshconn *c)
{
	return c->in.in_packets;
}

int
sshconn_listen(struct sshconn *c, const char *host, unsigned port)
{
	int r = c->state == SSHCONN_UP ? ssh_channel_listen_forward(c->ssh, host, (int)port, NULL) : SSH_ERROR;

	return r == SSH_AGAIN ? ERR_AGAIN : r == SSH_OK ? 0 : ERR_DENIED;
}

int
sshconn_unlisten(struct sshconn *c, const char *host, unsigned port)
{
	int r = c->state == SSHCONN_UP ? ssh_channel_cancel_forward(c->ssh, host, (int)port) : SSH_ERROR;

	return r == SSH_AGAIN ? ERR_AGAIN : r == SSH_OK ? 0 : ERR_DENIED;
}

void
sshconn_free(struct sshconn *c)
{
	if (c == NULL)
		return;
	if (c->added)
		(void)ssh_event_remove_session(c->loop->event, c->ssh);
	ssh_free(c->ssh);
	ssh_key_free(c->key);
	conn_wipe_password(c);
	free(c->user);
	free(c->wrong_key);
	free(c->why);
	free(c);
}

static bool
warm_auth(const char *user, const uint8_t *blob, size_t len, bool proven, void *arg)
{
	(void)user;
	(void)blob;
	(void)len;
	(void)proven;
	(void)arg;
	return false;
}

static void
warm_other(const char *user, void *arg)
{
	(void)user;
	(void)arg;
}

void
sshserver_warm(struct sshserver *server)
{
	static const struct sshserver_ops ops = { .auth = warm_auth, .auth_other = warm_other };
	struct strvec none = STRVEC_INIT;
	struct sshconn_client p = { .user = "warm/up", .host_keys = &none };
	struct sshloop *l = sshloop_new();
	struct sshconn *s = NULL, *c = NULL;
	int sv[2];

	if (l == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1) {
		sshloop_free(l);
		return;
	}
	strvec_push(&none, "ssh-ed25519 none");
	p.fd = sv[1];
	s = sshconn_serve(l, server, sv[0], &ops, NULL);
	c = sshconn_client(l, &p);
	/* The client ends it by itself: the key is not the one it wants. */
	for (int i = 0; s != NULL && c != NULL && i < WARM_TURNS && sshconn_step(c) == SSHCONN_KEX; i++) {
		(void)sshconn_step(s);
		(void)sshloop_turn(l, WARM_TURN_MS);
	}
	if (c != NULL)
		free(sshconn_new_key(c));
	sshconn_free(c);
	sshconn_free(s);
	sshloop_free(l);
	strvec_release(&none);
}

