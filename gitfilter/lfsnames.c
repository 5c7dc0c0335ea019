/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/lfsnames.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "bastion/base/link.h"
#include "gitfilter/lfskeep_msg.h"
#include "gitfilter/lfsstore.h"
#include "gitfilter/limits.h"

#define NAMES_FIRST	16

struct name {
	struct lfs_object	object;
	uint32_t		index;
	uint8_t			state;		/* enum lfs_state */
};

enum step { STEP_ASK, STEP_ASKING, STEP_GET, STEP_GETTING, STEP_DONE };

struct lfsnames {
	struct lfsnames_params	 params;
	struct link		*link;		/* owned */
	struct name		*names;		/* owned */
	size_t			 n, room;
	enum step		 step;
	size_t			 at;		/* asked about up to here, or looked at */
	size_t			 asked;		/* in the question that is under way */
	int			 fd;		/* content that came */
	uint64_t		 size;
	bool			 here, gone;
	struct lfsnames_fault	 fault;
};

struct lfsnames *
lfsnames_new(const struct lfsnames_params *params)
{
	struct lfsnames *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->params = *params;
	l->fd = -1;
	return l;
}

void
lfsnames_free(struct lfsnames *l)
{
	if (l == NULL)
		return;
	link_free(l->link);
	if (l->fd != -1)
		close(l->fd);
	free(l->names);
	free(l);
}

static void
note_fault(struct lfsnames *l, uint32_t index, const struct lfs_object *o)
{
	if (l->fault.count++ == 0) {
		l->fault.index = index;
		l->fault.object = *o;
	}
}

int
lfsnames_blob(struct lfsnames *l, uint32_t index, const uint8_t *p, size_t n)
{
	struct name name = { .index = index, .state = LFS_ABSENT };
	enum lfs_pointer what = lfs_pointer_read(p, n, &name.object);

	if (what == LFS_POINTER_NONE)
		return 0;
	if (l->n == LFS_NAMED_MAX)
		return ERR_TOOBIG;
	if (l->n == l->room) {
		size_t room = l->room == 0 ? NAMES_FIRST : 2 * l->room;
		struct name *names = reallocarray(l->names, room, sizeof(*names));

		if (names == NULL)
			return ERR_NOMEM;
		l->names = names;
		l->room = room;
	}
	l->names[l->n++] = name;
	if (what == LFS_POINTER_BAD)
		note_fault(l, index, &name.object);
	return 0;
}

size_t
lfsnames_count(const struct lfsnames *l)
{
	return l->n;
}

struct link *
lfsnames_link(const struct lfsnames *l)
{
	return l->gone ? NULL : l->link;
}

struct lfsnames_fault
lfsnames_fault(const struct lfsnames *l)
{
	return l->fault;
}

/* LFSKEEP_STATES: u32 n, n * u8. */
static int
on_states(struct link *link, struct msg *m, void *arg)
{
	struct lfsnames *l = arg;
	uint32_t n;
	int r;

	(void)link;
	if ((r = buf_get_u32(m->body, &n)) != 0)
		return r;
	if (l->step != STEP_ASKING || n != l->asked)
		return ERR_DENIED;
	for (uint32_t i = 0; i < n; i++) {
		struct name *name = &l->names[l->at + i];

		if ((r = buf_get_u8(m->body, &name->state)) != 0)
			return r;
		if (name->state != LFS_STORED && name->state != LFS_HELD && name->state != LFS_HELD_FOUND)
			note_fault(l, name->index, &name->object);
	}
	l->at += n;
	l->step = STEP_ASK;
	return buf_end(m->body);
}

/* LFSKEEP_OBJECT: u8 there, u64 size; descriptor. */
static int
on_object(struct link *link, struct msg *m, void *arg)
{
	struct lfsnames *l = arg;
	uint8_t here;
	int r;

	(void)link;
	if (l->step != STEP_GETTING || l->here)
		return ERR_DENIED;
	if ((r = buf_get_u8(m->body, &here)) != 0 || (r = buf_get_u64(m->body, &l->size)) != 0 || (r = buf_end(m->body)) != 0)
		return r;
	l->fd = msg_take_fd(m);
	l->here = true;
	return 0;
}

static void
on_gone(struct link *link, int r, void *arg)
{
	struct lfsnames *l = arg;

	(void)link;
	(void)r;
	l->gone = true;
}

static const struct link_row rows[] = {
	{ LFSKEEP_STATES, "states", LINK_PERMIT, on_states },
	{ LFSKEEP_OBJECT, "object", LINK_PERMIT, on_object },
	{ 0, NULL, 0, NULL }
};

int
lfsnames_begin(struct lfsnames *l, int fd)
{
	const struct link_params p = { .fd = fd, .name = "keeper", .rows = rows, .gone = on_gone, .arg = l };

	l->link = link_new(&p);
	return l->link == NULL ? ERR_NOMEM : 0;
}

static int
put_name(struct buf *b, const struct name *name)
{
	int r = buf_put(b, name->object.oid, sizeof(name->object.oid));

	return r != 0 ? r : buf_put_u64(b, name->object.size);
}

static int
send_ask(struct lfsnames *l)
{
	struct buf *b = buf_new(MSG_MAX);
	int r = b == NULL ? ERR_NOMEM : 0;

	l->asked = l->n - l->at < LFS_ASKED_MAX ? l->n - l->at : LFS_ASKED_MAX;
	if (r == 0)
		r = buf_put_u32(b, (uint32_t)l->asked);
	for (size_t i = 0; r == 0 && i < l->asked; i++)
		r = put_name(b, &l->names[l->at + i]);
	if (r == 0)
		r = link_send(l->link, LFSKEEP_ASK, 0, b, -1);
	l->step = STEP_ASKING;
	buf_free(b);
	return r;
}

static int
send_get(struct lfsnames *l)
{
	struct buf *b = buf_new(64);
	int r = b == NULL ? ERR_NOMEM : put_name(b, &l->names[l->at]);

	l->here = false;
	if (r == 0)
		r = link_send(l->link, LFSKEEP_GET, 0, b, -1);
	l->step = STEP_GETTING;
	buf_free(b);
	return r;
}

static int
scan_got(struct lfsnames *l)
{
	const struct name *name = &l->names[l->at++];
	int r = l->fd == -1 || l->size != name->object.size ? ERR_SYSTEM :
	    l->params.scan(l->fd, l->size, name->index, l->params.arg);

	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
	l->step = STEP_GET;
	return r;
}

static int
lfsnames_step(struct lfsnames *l)
{
	switch (l->step) {
	case STEP_ASK:
		if (l->at < l->n)
			return send_ask(l);
		if (l->fault.count > 0)
			return ERR_NOTFOUND;
		l->at = 0;
		l->step = STEP_GET;
		return 0;
	case STEP_GET:
		while (l->at < l->n && l->names[l->at].state != LFS_HELD_FOUND)
			l->at++;
		if (l->at < l->n)
			return send_get(l);
		l->step = STEP_DONE;
		return 0;
	case STEP_GETTING:
		return l->here ? scan_got(l) : ERR_AGAIN;
	case STEP_ASKING:
	case STEP_DONE:
		break;
	}
	return ERR_AGAIN;
}

int
lfsnames_run(struct lfsnames *l)
{
	int r = 0;

	if (l->step == STEP_ASK && l->at == 0 && l->fault.count > 0)
		return ERR_FORMAT;
	if (l->link == NULL)
		return ERR_AGAIN;
	while (r == 0 && l->step != STEP_DONE)
		r = lfsnames_step(l);
	return r == ERR_AGAIN && l->gone ? ERR_EOF : r;
}
