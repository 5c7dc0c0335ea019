/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/calls.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/record/sha256.h"
#include "bastion/ssh/session_int.h"
#include "secretscan/secretscan.h"

#define TAIL_MAX	4096	/* of what was settled: read again, so that a secret across that place is seen */
#define COUNT_BLOCK	128	/* of which a byte can count every one */
#define WHOLE_ALL	(4 * 1024 * 1024)	/* copies of files, of one session */
#define WHOLE_WORK	(8 * TRANSFER_WHOLE)	/* scanned of the copy of one file, which may be settled more than once */
#define RECORDS_WAITING	128	/* unanswered calls of this session, beyond which no further file begins */

struct transfer {
	struct session	*session;
	char		*request;
	const char	*how;
	bool		 to_target;
	char		*name;			/* as it came */
	char		*path, *resolved;	/* masked and printable */
	struct sha256	*hash;
	uint64_t	 bytes;			/* fed in all */
	bool		 partial;		/* not all of it went through */
	uint64_t	 passed_bytes;		/* by the owner's count, or UINT64_MAX */
	bool		 sequential;		/* from the first byte on, in order */
	struct secretscan_stream *stream;	/* NULL: the next feed begins one */
	uint64_t	 origin;		/* offset of the first byte since the last seek */
	uint64_t	 fed, clean;		/* since then */
	uint64_t	 base;			/* of the stream's input, in the same measure; it begins with the tail */
	uint64_t	 passed;		/* of the stream's input, by the scanner's word */
	uint64_t	 lines;			/* newlines in what passed */
	bool		 judged;		/* the mask that comes next stands for what was judged before */
	uint8_t		 tail[TAIL_MAX];
	size_t		 ntail;
	bool		 file;
	size_t		 hold;
	struct buf	*whole;			/* the file from its beginning on, or NULL */
	size_t		 whole_scanned;		/* bytes of it, as often as they were */
	uint64_t	 released;		/* clean by all tests, while all is held */
	json_t		*findings;
	char		*why;			/* denied */
};

struct transfer *
transfer_new(const struct transfer_params *p)
{
	struct transfer *t = xcalloc(1, sizeof(*t));

	t->session = p->session;
	t->request = xstrdup(p->request);
	t->how = p->how;
	t->to_target = p->to_target;
	t->name = xstrdup(p->path);
	t->path = session_mask(p->session, p->path, strlen(p->path));
	if (p->resolved != NULL)
		t->resolved = session_mask(p->session, p->resolved, strlen(p->resolved));
	t->hash = sha256_new();
	t->sequential = true;
	t->file = p->file;
	t->hold = p->hold;
	if (t->file && (t->whole = buf_new(TRANSFER_WHOLE)) == NULL)
		fatal("out of memory");
	t->passed_bytes = UINT64_MAX;
	if ((t->findings = json_array()) == NULL)
		fatal("out of memory");
	return t;
}

/* In blocks of a fixed size and in bytes, which compilers turn into vector code. */
static uint64_t
count_newlines(const uint8_t *p, size_t n)
{
	uint64_t total = 0;
	size_t i = 0;

	for (; i + COUNT_BLOCK <= n; i += COUNT_BLOCK) {
		uint8_t some = 0;

		for (size_t k = 0; k < COUNT_BLOCK; k++)
			some = (uint8_t)(some + (p[i + k] == '\n'));
		total += some;
	}
	for (; i < n; i++)
		total += p[i] == '\n';
	return total;
}

/* Clean bytes, in order; or the mask of a finding, which stands for no bytes of ours. */
static int
on_clean(const void *p, size_t n, void *arg)
{
	struct transfer *t = arg;
	const uint8_t *s = p;
	uint64_t at = t->base + t->passed;

	if (t->judged) {
		t->judged = false;
		return 0;
	}
	t->passed += n;
	if (at + n <= t->clean)
		return 0;	/* the tail, once more */
	if (at < t->clean) {
		s += t->clean - at;
		n -= (size_t)(t->clean - at);
	}
	t->lines += count_newlines(s, n);
	t->clean += n;
	return 0;
}

static void
transfer_deny(struct transfer *t, const struct secretscan_finding *f, uint64_t offset)
{
	struct session *s = t->session;
	struct request q = { .kind = REQUEST_FINDING, .target = s->target, .login = s->login, .path = t->name, .detail = f->rule };
	/* Lines are counted from the file's start only, and rsync's stream is no file. */
	bool lines = t->sequential && strcmp(t->how, "rsync") != 0;
	struct verdict v;
	char *place;

	decide(s->p->conf->policy, &s->who, &q, &v);
	place = lines ? xasprintf("line %llu", (unsigned long long)t->lines + 1) :
	    xasprintf("byte %llu", (unsigned long long)offset);
	t->why = xasprintf("denied %s rule=%s: %s: %s in %s, %s (%s); take it out of the file, and replace it wherever it is used",
	    t->request, v.rule, v.because, f->rule, t->path, place, f->masked);
	(void)json_array_append_new(t->findings, json_pack("{s:s, s:s, s:I, s:s}", "rule", f->rule, "decided_by", v.rule,
	    lines ? "line" : "offset", (json_int_t)(lines ? t->lines + 1 : offset), "fingerprint", f->fingerprint));
	free(place);
}

static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	struct transfer *t = arg;

	/* All of it in the tail: it stood there before, with what came before it, and was none then. */
	if (t->base + f->end <= t->clean) {
		t->passed += f->end - f->start;
		t->judged = true;
		return 0;
	}
	transfer_deny(t, f, t->origin + t->base + f->start);
	return ERR_DENIED;
}

/* The scanner's own failures have no line yet: what was not scanned does not pass. */
static int
transfer_scanned(struct transfer *t, int r)
{
	if (r == 0)
		return 0;
	if (t->why == NULL)
		t->why = xasprintf("denied %s rule=not-scanned: %s could not be scanned for secrets to its end (%s); send it in "
		    "another form", t->request, t->path, secretscan_strerror(r));
	return ERR_DENIED;
}

/* Keep the last bytes of what was fed. */
static void
transfer_keep_tail(struct transfer *t, const uint8_t *p, size_t n)
{
	size_t keep;

	if (n >= TAIL_MAX) {
		memcpy(t->tail, p + n - TAIL_MAX, TAIL_MAX);
		t->ntail = TAIL_MAX;
		return;
	}
	keep = t->ntail < TAIL_MAX - n ? t->ntail : TAIL_MAX - n;
	memmove(t->tail, t->tail + t->ntail - keep, keep);
	memcpy(t->tail + keep, p, n);
	t->ntail = keep + n;
}

/* The copy */

static void
whole_drop(struct transfer *t)
{
	if (t->whole == NULL)
		return;
	t->session->gathered -= buf_len(t->whole);
	buf_free(t->whole);	/* overwrites */
	t->whole = NULL;
}

static void
whole_keep(struct transfer *t, const void *p, size_t n)
{
	if (t->whole == NULL)
		return;
	if (t->session->gathered + n > WHOLE_ALL || buf_put(t->whole, p, n) != 0)
		whole_drop(t);
	else
		t->session->gathered += n;
}

/* What the bytes alone did not show. A word about the content (it is encrypted, it is opaque) stops it where a rule says so. */
static int
on_whole(const struct secretscan_finding *f, void *arg)
{
	struct transfer *t = arg;
	struct session *s = t->session;
	struct request q = { .kind = REQUEST_FINDING, .target = s->target, .login = s->login, .path = t->name, .detail = f->rule,
	    .notice = f->notice };
	struct verdict v;
	char *place;

	if (!f->notice && f->decoded[0] == '\0' && f->member[0] == '\0')
		return 0;
	if (strcmp(f->rule, "not-fully-scanned") == 0)
		return SECRETSCAN_LIMIT;
	decide(s->p->conf->policy, &s->who, &q, &v);
	place = f->member[0] != '\0' ? session_mask(s, f->member, strlen(f->member)) : xasprintf("line %zu", f->line);
	(void)json_array_append_new(t->findings, json_pack("{s:s, s:s, s:s, s:s, s:s}", "rule", f->rule, "decided_by", v.rule,
	    "at", place, "decoded", f->decoded, "fingerprint", f->fingerprint));
	if (v.what != DECISION_ALLOW)
		t->why = xasprintf("denied %s rule=%s: %s: %s in %s, %s%s%s (%s); %s", t->request, v.rule, v.because, f->rule, t->path,
		    place, f->decoded[0] != '\0' ? ", in " : "", f->decoded, f->masked, f->notice ? "send it in another form" :
		    "take it out of the file, and replace it wherever it is used");
	free(place);
	return t->why != NULL ? ERR_DENIED : 0;
}

static int
whole_scan(struct transfer *t)
{
	if (t->whole == NULL)
		return 0;
	t->whole_scanned += buf_len(t->whole);
	if (t->whole_scanned > WHOLE_WORK) {
		whole_drop(t);
		return 0;
	}
	return transfer_scanned(t, secretscan_scan(t->session->p->scanner, buf_ptr(t->whole), buf_len(t->whole), on_whole, t));
}

static int
transfer_begin(struct transfer *t)
{
	if (t->stream != NULL)
		return 0;
	t->stream = secretscan_stream_new(t->session->p->scanner, NULL, on_clean, on_finding, t);
	if (t->stream == NULL)
		fatal("out of memory");
	t->base = t->fed - t->ntail;
	t->passed = 0;
	return transfer_scanned(t, secretscan_stream_feed(t->stream, t->tail, t->ntail));
}

int
transfer_feed(struct transfer *t, const void *p, size_t n)
{
	int r;

	if (t->why != NULL)
		return ERR_DENIED;
	if (n == 0)
		return 0;
	if ((r = transfer_begin(t)) != 0)
		return r;
	sha256_update(t->hash, p, n);
	t->bytes += n;
	t->fed += n;
	whole_keep(t, p, n);
	transfer_keep_tail(t, p, n);
	return transfer_scanned(t, secretscan_stream_feed(t->stream, p, n));
}

uint64_t
transfer_clean(const struct transfer *t)
{
	return t->whole != NULL && t->fed <= t->hold ? t->released : t->clean;
}

int
transfer_settle(struct transfer *t)
{
	int r;

	if (t->why != NULL)
		return ERR_DENIED;
	if (t->stream == NULL)
		return 0;
	if ((r = transfer_scanned(t, secretscan_stream_end(t->stream))) != 0)
		return r;
	secretscan_stream_free(t->stream);
	t->stream = NULL;
	t->clean = t->fed;
	if ((r = whole_scan(t)) != 0)
		return r;
	t->released = t->fed;
	return 0;
}

void
transfer_seek(struct transfer *t, uint64_t offset)
{
	secretscan_stream_free(t->stream);
	t->stream = NULL;
	t->sequential = false;
	t->origin = offset;
	t->fed = t->clean = t->released = t->lines = 0;
	whole_drop(t);
	if (t->file && offset == 0 && (t->whole = buf_new(TRANSFER_WHOLE)) == NULL)
		fatal("out of memory");
	t->ntail = 0;
	t->judged = false;
}

void
transfer_passed(struct transfer *t, uint64_t bytes, bool whole)
{
	t->passed_bytes = bytes;
	t->partial = !whole;
}

const char *
transfer_why(const struct transfer *t)
{
	return t->why == NULL ? "" : t->why;
}

static void
transfer_free(struct transfer *t)
{
	secretscan_stream_free(t->stream);
	whole_drop(t);
	sha256_free(t->hash);
	json_decref(t->findings);
	explicit_bzero(t->tail, sizeof(t->tail));
	free(t->request);
	free(t->name);
	free(t->path);
	free(t->resolved);
	free(t->why);
	free(t);
}

void
transfer_end(struct transfer *t, const char *result)
{
	uint8_t sum[SHA256_LEN];
	char hex[SHA256_HEX];
	json_t *o;

	sha256_final(t->hash, sum);
	sha256_hex(sum, hex);
	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:s, s:s}", "request", t->request, "how", t->how, "target",
	    t->session->target, "login", t->session->login, "direction", t->to_target ? "in" : "out", "path", t->path, "bytes",
	    (json_int_t)(t->passed_bytes != UINT64_MAX ? t->passed_bytes : t->bytes), "sequential", (int)t->sequential,
	    "result", t->why != NULL ? "denied" : result, "scanned",
	    t->whole != NULL ? "whole" : "stream");
	if (o == NULL)
		fatal("out of memory for a record");
	if (t->resolved != NULL)
		(void)json_object_set_new(o, "resolved", json_string(t->resolved));
	if (t->partial)
		(void)json_object_set_new(o, "partial", json_true());
	if (t->sequential && !t->partial && t->why == NULL)	/* the hash of a short secret would help to guess it */
		(void)json_object_set_new(o, "sha256", json_string(hex));
	if (json_array_size(t->findings) > 0)
		(void)json_object_set(o, "findings", t->findings);
	(void)session_record(t->session, "file.transfer", o, NULL, NULL);
	transfer_free(t);
}

bool
transfer_may_begin(const struct session *s)
{
	return calls_waiting(s->calls) < RECORDS_WAITING;
}
