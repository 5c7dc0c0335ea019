/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/agent-wire.h"

#include <stdbool.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"

/* Numbers of draft-miller-ssh-agent section 5. */
#define AGENT_FAILURE		5
#define ASK_IDENTITIES		11
#define IDENTITIES_ANSWER	12
#define ASK_SIGN		13
#define SIGN_ANSWER		14
/* RFC 4252 */
#define USERAUTH_REQUEST	50
/* A session identifier is the hash of the key exchange: SHA-1 (never with us) to SHA-512. */
#define SESSION_ID_MIN		20
#define SESSION_ID_MAX		64

static int
read_sign(struct buf *b, struct agent_request *q)
{
	int r;

	if ((r = buf_peek_string(b, &q->key, &q->keylen)) != 0 || (r = buf_peek_string(b, &q->data, &q->datalen)) != 0 ||
	    (r = buf_get_u32(b, &q->flags)) != 0)
		return r;
	q->what = AGENT_SIGN;
	return buf_end(b);
}

static int
read_message(const uint8_t *p, size_t n, struct agent_request *q)
{
	struct buf *b = buf_view(p, n);
	uint8_t type;
	int r = ERR_NOMEM;

	memset(q, 0, sizeof(*q));
	q->what = AGENT_OTHER;
	if (b != NULL && (r = buf_get_u8(b, &type)) == 0) {
		if (type == ASK_SIGN)
			r = read_sign(b, q);
		else if (type == ASK_IDENTITIES && (r = buf_end(b)) == 0)
			q->what = AGENT_LIST;
	}
	buf_free(b);
	return r == ERR_SHORT ? ERR_FORMAT : r;
}

int
agent_read(struct buf *in, struct agent_request *q)
{
	const uint8_t *p = buf_ptr(in);
	size_t n;
	int r;

	if (buf_len(in) < 4)
		return ERR_AGAIN;
	n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (n > AGENT_FRAME_MAX - 4)
		return ERR_TOOBIG;
	if (n == 0)
		return ERR_FORMAT;
	if (buf_len(in) < 4 + n)
		return ERR_AGAIN;
	if ((r = read_message(p + 4, n, q)) != 0)
		return r;
	return buf_consume(in, 4 + n);	/* what was read stays where it is until the next put */
}

static bool
is_text(struct buf *b, const char *text)
{
	const uint8_t *p;
	size_t n;

	return buf_peek_string(b, &p, &n) == 0 && n == strlen(text) && memcmp(p, text, n) == 0;
}

static int
login_read(struct buf *b, const char *login, const uint8_t *key, size_t keylen, char algorithm[AGENT_ALGORITHM_MAX])
{
	const uint8_t *id, *name, *blob;
	size_t nid, nname, nblob;
	uint8_t type, has_signature;
	bool ours;

	if (buf_peek_string(b, &id, &nid) != 0 || nid < SESSION_ID_MIN || nid > SESSION_ID_MAX ||
	    buf_get_u8(b, &type) != 0 || type != USERAUTH_REQUEST)
		return ERR_FORMAT;
	ours = is_text(b, login);
	if (!is_text(b, "ssh-connection") || !is_text(b, "publickey") || buf_get_u8(b, &has_signature) != 0 ||
	    has_signature != 1)
		return ERR_FORMAT;
	if (buf_peek_string(b, &name, &nname) != 0 || nname == 0 || nname >= AGENT_ALGORITHM_MAX ||
	    memchr(name, '\0', nname) != NULL || buf_peek_string(b, &blob, &nblob) != 0 || buf_end(b) != 0)
		return ERR_FORMAT;
	if (!ours || nblob != keylen || memcmp(blob, key, keylen) != 0)
		return ERR_DENIED;
	memcpy(algorithm, name, nname);
	algorithm[nname] = '\0';
	return 0;
}

int
agent_login_check(const uint8_t *data, size_t n, const char *login, const uint8_t *key, size_t keylen,
    char algorithm[AGENT_ALGORITHM_MAX])
{
	struct buf *b = buf_view(data, n);
	int r = b == NULL ? ERR_NOMEM : login_read(b, login, key, keylen, algorithm);

	buf_free(b);
	return r;
}

int
agent_put_failure(struct buf *out)
{
	int r = buf_put_u32(out, 1);

	return r != 0 ? r : buf_put_u8(out, AGENT_FAILURE);
}

int
agent_put_list(struct buf *out, const uint8_t *key, size_t keylen, const char *comment)
{
	int r;

	if ((r = buf_put_u32(out, (uint32_t)(1 + 4 + 4 + keylen + 4 + strlen(comment)))) != 0 ||
	    (r = buf_put_u8(out, IDENTITIES_ANSWER)) != 0 || (r = buf_put_u32(out, 1)) != 0 ||
	    (r = buf_put_string(out, key, keylen)) != 0)
		return r;
	return buf_put_cstring(out, comment);
}

int
agent_put_signature(struct buf *out, const uint8_t *sig, size_t siglen)
{
	int r;

	if ((r = buf_put_u32(out, (uint32_t)(1 + 4 + siglen))) != 0 || (r = buf_put_u8(out, SIGN_ANSWER)) != 0)
		return r;
	return buf_put_string(out, sig, siglen);
}
