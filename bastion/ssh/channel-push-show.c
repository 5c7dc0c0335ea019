/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel-push-show: what a push brings, as a human who is asked reads it: its commits and which files they touch. Every
 * text in it is the pusher's: masked and made printable before it is kept. What does not fit is counted, never left out
 * silently.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/ssh/channel-push.h"
#include "bastion/ssh/session_int.h"
#include "gitfilter/changes.h"
#include "gitfilter/commitfacts.h"
#include "gitfilter/inspect.h"

#define COMMITS_TEXT	(12 * 1024)
#define FILES_TEXT	(8 * 1024)
#define SUBJECT_SHOWN	160

/* The bytes masked and printable, at most max of them; the caller frees. */
static char *
push_inert(struct push_call *p, const uint8_t *text, size_t n, size_t max)
{
	char *masked = session_mask(p->door.channel->session, text, n), *out = text_printable(masked, strlen(masked));

	free(masked);
	if (strlen(out) > max)
		memcpy(out + max - 3, "...", 4);
	return out;
}

static struct buf *
push_list(struct push_list *l, size_t max)
{
	if (l->text == NULL && (l->text = buf_new(max)) == NULL)
		fatal("out of memory");
	return l->text;
}

void
push_list_release(struct push_list *l)
{
	buf_free(l->text);
}

struct heard_person {
	const uint8_t	*name, *email;
	size_t		 nname, nemail;
	uint64_t	 seconds;
	uint8_t		 well_formed;
};

static int
push_read_person(struct buf *b, struct heard_person *who)
{
	int r;

	if ((r = buf_peek_string(b, &who->name, &who->nname)) != 0 || (r = buf_peek_string(b, &who->email, &who->nemail)) != 0 ||
	    (r = buf_get_u64(b, &who->seconds)) != 0)
		return r;
	return buf_get_u8(b, &who->well_formed);
}

static void
push_show_commit(struct push_call *p, const char *oid, uint32_t nparents, const struct heard_person *author,
    uint8_t signature, const uint8_t *subject, size_t nsubject)
{
	static const char *const signatures[] = { "", ", ssh signature", ", openpgp signature", ", x509 signature",
	    ", signature of unknown kind" };
	struct buf *out = push_list(&p->commits, COMMITS_TEXT);
	char *name = push_inert(p, author->name, author->nname, SUBJECT_SHOWN), day[16] = "?";
	char *email = push_inert(p, author->email, author->nemail, SUBJECT_SHOWN);
	char *line = push_inert(p, subject, nsubject, SUBJECT_SHOWN);
	time_t when = (time_t)author->seconds;
	struct tm tm;

	if (author->seconds < UINT32_MAX && gmtime_r(&when, &tm) != NULL)
		(void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	p->commits.n++;
	if (buf_putf(out, "commit: %.12s %s <%s> %s%s%s: %s\n", oid, name, email, day, nparents > 1 ? ", merge" : nparents == 0 ?
	    ", root" : "", signatures[signature < sizeof(signatures) / sizeof(signatures[0]) ? signature : FACT_SIGNED_OTHERWISE],
	    line) != 0)
		p->commits.left_out++;
	free(name);
	free(email);
	free(line);
}

/* INSPECT_COMMITS, see inspect.h and commitfacts.h. */
int
push_on_commits(struct link *l, struct msg *m, void *arg)
{
	struct push_call *p = arg;
	uint32_t n;
	int r;

	(void)l;
	if ((r = buf_get_u32(m->body, &n)) != 0)
		return r;
	for (; r == 0 && n > 0; n--) {
		struct heard_person author, committer;
		const uint8_t *subject, *skip;
		uint8_t signature, cut;
		size_t nsubject, nskip;
		uint32_t nparents;
		char *oid = NULL;

		if ((r = buf_get_cstring(m->body, &oid)) == 0 && (r = buf_get_u32(m->body, &nparents)) == 0 &&
		    (r = push_read_person(m->body, &author)) == 0 && (r = push_read_person(m->body, &committer)) == 0 &&
		    (r = buf_get_u8(m->body, &signature)) == 0 && (r = buf_peek_string(m->body, &subject, &nsubject)) == 0 &&
		    (r = buf_peek_string(m->body, &skip, &nskip)) == 0 && (r = buf_peek_string(m->body, &skip, &nskip)) == 0 &&
		    (r = buf_get_u8(m->body, &cut)) == 0)
			push_show_commit(p, oid, nparents, &author, signature, subject, nsubject);
		free(oid);
	}
	return r != 0 ? r : buf_end(m->body);
}

void
push_show_file(struct push_call *p, enum path_op op, const char *commit, const char *path)
{
	struct buf *out = push_list(&p->files, FILES_TEXT);
	char *shown = push_inert(p, (const uint8_t *)path, strlen(path), 4 * SUBJECT_SHOWN);

	p->files.n++;
	p->files.ops[op]++;
	if (buf_putf(out, "file: %s %s commit=%.12s\n", path_op_word(op), shown, commit) != 0)
		p->files.left_out++;
	free(shown);
}

static int
push_put_list(struct buf *out, const struct push_list *l, const char *what)
{
	int r = l->text == NULL ? 0 : buf_put(out, buf_ptr(l->text), buf_len(l->text));

	if (r == 0 && l->left_out > 0)
		r = buf_putf(out, "and %u more %s that are not listed here\n", l->left_out, what);
	return r;
}

int
push_show_content(struct push_call *p)
{
	int r;

	if ((r = buf_putf(p->text, "%u commits\n", p->commits.n)) != 0 || (r = push_put_list(p->text, &p->commits, "commits")) != 0)
		return r;
	if (p->files.n > 0 && (r = buf_putf(p->text, "%u paths touched: %u created, %u modified, %u deleted\n", p->files.n,
	    p->files.ops[PATH_CREATE], p->files.ops[PATH_MODIFY], p->files.ops[PATH_DELETE])) != 0)
		return r;
	return push_put_list(p->text, &p->files, "paths");
}
