/* SPDX-License-Identifier: Apache-2.0 */
/* shelf-park: the half of shelf.h about pushes that were parked: put aside whole, until a human releases or drops them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/gitrepo.h"
#include "gitfilter/gitrun.h"
#include "gitfilter/limits.h"
#include "gitfilter/refcmd.h"
#include "gitfilter/shelf.h"
#include "gitfilter/shelf_int.h"

#define HEAD		"sallyport parked push 1\n"
#define PARKED		SHELF_REFS "parked/"

static int
count_parked(const char *name, const char *oid, void *arg)
{
	unsigned *np = arg;

	(void)name;
	(void)oid;
	(*np)++;
	return 0;
}

static int
park_note(struct gitrepo *repo, const char *name, int64_t at, const char *about, const struct push_command *cmds, size_t n,
    const char *text)
{
	struct buf *b = buf_new(SHELF_NOTE_MAX + (size_t)COMMANDS_MAX * (REF_NAME_MAX + 100));
	char oid[OID_HEX + 1];
	int r = b == NULL ? ERR_NOMEM : buf_putf(b, HEAD "at %lld\n%s", (long long)at, about);

	for (size_t i = 0; i < n && r == 0; i++)
		r = buf_putf(b, "update %s %s %s\n", cmds[i].old_oid, cmds[i].new_oid, cmds[i].name);
	if (r == 0 && (r = buf_putf(b, "\n%s", text)) == 0 &&
	    (r = gitrepo_put_blob(repo, buf_ptr(b), buf_len(b), oid)) == 0)
		r = gitrepo_add_ref(repo, name, oid);
	buf_free(b);
	return r;
}

int
shelf_park(struct gitrepo *repo, const char *request, int64_t at, const char *about, const struct push_command *cmds, size_t n,
    const char *text, char *why, size_t size)
{
	char name[REF_NAME_MAX];
	unsigned parked = 0;
	int r;

	(void)snprintf(name, sizeof(name), PARKED "%s", request);
	if ((r = gitrepo_each_ref(repo, PARKED "*", count_parked, &parked)) == 0 && parked >= SHELF_PARKED_MAX) {
		(void)snprintf(why, size, "%u pushes are parked in this repository already; a human must release or drop some",
		    parked);
		return ERR_TOOBIG;
	}
	if (r != 0 || (r = park_note(repo, name, at, about, cmds, n, text)) != 0)
		(void)snprintf(why, size, "the push cannot be parked: %s", err_text(r));
	return r;
}

/* "update OLD NEW NAME" */
static int
note_update(struct shelf_item *item, const uint8_t *p, size_t n)
{
	struct push_command *more;
	const uint8_t *caps;
	const char *why;
	size_t ncaps;

	if (item->n == COMMANDS_MAX || (more = reallocarray(item->cmds, item->n + 1, sizeof(*more))) == NULL)
		return ERR_NOMEM;
	item->cmds = more;
	return refcmd_parse(p, n, &more[item->n++], &caps, &ncaps, &why);
}

static int
note_read(struct shelf_item *item)
{
	const uint8_t *p = buf_ptr(item->note), *end;
	size_t n = buf_len(item->note);
	int r = 0;

	if (n < strlen(HEAD) || memcmp(p, HEAD, strlen(HEAD)) != 0)
		return ERR_FORMAT;
	while (r == 0 && n > 0 && *p != '\n' && (end = memchr(p, '\n', n)) != NULL) {
		size_t len = (size_t)(end - p);

		if (len > 7 && memcmp(p, "update ", 7) == 0)
			r = note_update(item, p + 7, len - 7);
		else if (len > 3 && memcmp(p, "at ", 3) == 0)
			item->at = strtoll((const char *)p + 3, NULL, 10);
		p = end + 1;
		n -= len + 1;
	}
	return r != 0 ? r : item->n == 0 || n == 0 ? ERR_FORMAT : 0;
}

static int
parked_read(struct gitrepo *repo, const char *request, const char *oid, struct shelf_item *item)
{
	int r;

	memset(item, 0, sizeof(*item));
	(void)snprintf(item->request, sizeof(item->request), "%s", request);
	if ((item->note = buf_new(2 * SHELF_NOTE_MAX + (size_t)COMMANDS_MAX * (REF_NAME_MAX + 100))) == NULL)
		return ERR_NOMEM;
	if ((r = gitrepo_get_blob(repo, oid, item->note)) == 0)
		r = note_read(item);
	if (r != 0)
		shelf_release(item);
	return r;
}

int
shelf_parked(struct gitrepo *repo, const char *request, struct shelf_item *item)
{
	char name[REF_NAME_MAX], oid[OID_HEX + 1];
	int r;

	(void)snprintf(name, sizeof(name), PARKED "%s", request);
	if ((r = gitrepo_ref(repo, name, oid)) != 0)
		return r;
	return parked_read(repo, request, oid, item);
}

struct each {
	struct gitrepo	*repo;
	void		(*take)(const struct shelf_item *, void *arg);
	void		*arg;
};

static int
each_take(const char *name, const char *oid, void *arg)
{
	struct each *e = arg;
	struct shelf_item item;

	if (!id_is(name + strlen(PARKED), "REQ-", REQUEST_ID_LEN) ||
	    parked_read(e->repo, name + strlen(PARKED), oid, &item) != 0)
		return 0;
	e->take(&item, e->arg);
	shelf_release(&item);
	return 0;
}

int
shelf_each_parked(struct gitrepo *repo, void (*take)(const struct shelf_item *, void *arg), void *arg)
{
	struct each e = { repo, take, arg };

	return gitrepo_each_ref(repo, PARKED "*", each_take, &e);
}

/* The lines that take a parked push away, whether its tips have arrived or not. */
static int
drop_lines(struct gitrepo *repo, const struct shelf_item *item, struct buf *lines)
{
	char name[REF_NAME_MAX], oid[OID_HEX + 1];
	int r = 0;

	for (size_t i = 0; i < item->n && r == 0; i++)
		if ((r = refname_review(item->request, item->cmds[i].name, name)) == 0 && gitrepo_ref(repo, name, oid) == 0)
			r = buf_putf(lines, "delete %s\n", name);
	return r != 0 ? r : buf_putf(lines, "delete " PARKED "%s\n", item->request);
}

static int
land_line(struct gitrepo *repo, const struct shelf_item *item, const struct push_command *cmd, bool keep, int64_t at,
    struct buf *lines, struct buf *out)
{
	char now[OID_HEX + 1], name[SHELF_NAME_MAX];
	int r;

	if (gitrepo_ref(repo, cmd->name, now) != 0)
		memset(now, '0', OID_HEX);
	now[OID_HEX] = '\0';
	if (strcmp(now, cmd->old_oid) != 0) {
		(void)buf_putf(out, "%s has moved since: it is %.12s, the push was made on %.12s; nothing was released. Drop it, and have "
		    "it pushed again on what is there now\n", cmd->name, oid_is_zero(now) ? "gone" : now,
		    oid_is_zero(cmd->old_oid) ? "nothing" : cmd->old_oid);
		return ERR_DENIED;
	}
	if (oid_is_zero(cmd->new_oid))
		r = buf_putf(lines, "delete %s %s\n", cmd->name, cmd->old_oid);
	else
		r = buf_putf(lines, "update %s %s %s\n", cmd->name, cmd->new_oid, cmd->old_oid);
	if (r == 0 && keep && !oid_is_zero(cmd->old_oid) &&
	    (r = shelf_name(name, SHELF_KEPT, item->request, at, cmd->new_oid, cmd->name)) == 0)
		r = buf_putf(lines, "create %s %s\n", name, cmd->old_oid);
	return r;
}

int
shelf_land(struct gitrepo *repo, const struct shelf_item *item, bool keep, int64_t at, struct buf *out)
{
	struct buf *lines = buf_new(SHELF_LINES_MAX);
	char why[REASON_MAX];
	int r = lines == NULL ? ERR_NOMEM : 0;

	for (size_t i = 0; i < item->n && r == 0; i++)
		r = land_line(repo, item, &item->cmds[i], keep, at, lines, out);
	if (r == 0 && (r = drop_lines(repo, item, lines)) == 0 && (r = gitrun_update_refs(lines, why, sizeof(why))) != 0)
		(void)buf_putf(out, "nothing was released: %s\n", why);
	for (size_t i = 0; i < item->n && r == 0; i++)
		(void)buf_putf(out, "%s is %s now\n", item->cmds[i].name, oid_is_zero(item->cmds[i].new_oid) ? "deleted" :
		    item->cmds[i].new_oid);
	buf_free(lines);
	return r == 0 ? 0 : ERR_DENIED;
}

int
shelf_drop(struct gitrepo *repo, const struct shelf_item *item, struct buf *out)
{
	struct buf *lines = buf_new(SHELF_LINES_MAX);
	char why[REASON_MAX] = "";
	int r = lines == NULL ? ERR_NOMEM : drop_lines(repo, item, lines);

	if (r == 0)
		r = gitrun_update_refs(lines, why, sizeof(why));
	if (r == 0)
		(void)buf_putf(out, "%s is dropped\n", item->request);
	else
		(void)buf_putf(out, "%s is not dropped: %s\n", item->request, why);
	buf_free(lines);
	return r == 0 ? 0 : ERR_DENIED;
}
