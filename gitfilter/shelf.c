/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/gitrepo.h"
#include "gitfilter/gitrun.h"
#include "gitfilter/limits.h"
#include "gitfilter/refcmd.h"
#include "gitfilter/shelf_int.h"

static const char *const areas[] = { [SHELF_KEPT] = "kept" };

/* A name on the shelf taken apart. */
struct place {
	char		 request[ID_TEXT];
	int64_t		 at;
	char		 new[OID_HEX + 1];
	const char	*name;		/* "heads/main", in the text that was read */
};

int
shelf_name(char *out, enum shelf_area area, const char *request, int64_t at, const char *new, const char *name)
{
	int n = snprintf(out, SHELF_NAME_MAX, SHELF_REFS "%s/%s/%lld/%s/%s", areas[area], request, (long long)at, new,
	    name + strlen("refs/"));

	return n < 0 || n >= SHELF_NAME_MAX ? ERR_TOOBIG : 0;
}

static bool
shelf_place(const char *ref, enum shelf_area area, struct place *out)
{
	size_t n = strlen(SHELF_REFS), narea = strlen(areas[area]), len;
	const char *p = ref + n;

	if (strncmp(ref, SHELF_REFS, n) != 0 || strncmp(p, areas[area], narea) != 0 || p[narea] != '/')
		return false;
	p += narea + 1;
	len = strcspn(p, "/");
	if (len >= sizeof(out->request) || p[len] != '/')
		return false;
	memcpy(out->request, p, len);
	out->request[len] = '\0';
	p += len + 1;
	for (out->at = 0, len = 0; p[len] >= '0' && p[len] <= '9' && len < 15; len++)
		out->at = out->at * 10 + (p[len] - '0');
	if (len == 0 || p[len] != '/')
		return false;
	p += len + 1;
	if (strlen(p) < OID_HEX + 2 || !oid_is_hex((const uint8_t *)p, OID_HEX) || p[OID_HEX] != '/')
		return false;
	memcpy(out->new, p, OID_HEX);
	out->new[OID_HEX] = '\0';
	out->name = p + OID_HEX + 1;
	return id_is(out->request, "REQ-", REQUEST_ID_LEN) && *out->name != '\0';
}

int
shelf_put(struct gitrepo *repo, enum shelf_area area, const char *request, int64_t at, const struct push_command *cmds, size_t n,
    char *why, size_t size)
{
	char name[SHELF_NAME_MAX], now[OID_HEX + 1];
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		/* git would refuse an update whose old tip is not there; there is nothing to keep then. */
		if (oid_is_zero(cmds[i].old_oid) || gitrepo_ref(repo, cmds[i].name, now) != 0 ||
		    strcmp(now, cmds[i].old_oid) != 0)
			continue;
		if ((r = shelf_name(name, area, request, at, cmds[i].new_oid, cmds[i].name)) == 0)
			r = gitrepo_add_ref(repo, name, cmds[i].old_oid);
	}
	if (r != 0)
		(void)snprintf(why, size, "the old tips cannot be kept: %s", err_text(r));
	return r;
}

int
shelf_forget(struct gitrepo *repo, enum shelf_area area, const char *request, int64_t at, const struct push_command *cmd)
{
	char full[SHELF_NAME_MAX];
	int r = shelf_name(full, area, request, at, cmd->new_oid, cmd->name);

	return r != 0 ? r : gitrepo_drop_ref(repo, full);
}

struct search {
	enum shelf_area		 area;
	const char		*request;
	struct shelf_item	*item;
};

static struct push_command *
item_command(struct shelf_item *item, const char *name)
{
	struct push_command *more;
	char full[SHELF_NAME_MAX];

	if (snprintf(full, sizeof(full), "refs/%s", name) >= REF_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < item->n; i++)
		if (strcmp(item->cmds[i].name, full) == 0)
			return &item->cmds[i];
	if (item->n == COMMANDS_MAX || (more = reallocarray(item->cmds, item->n + 1, sizeof(*more))) == NULL)
		return NULL;
	item->cmds = more;
	more += item->n++;
	memset(more, 0, sizeof(*more));
	memcpy(more->name, full, strlen(full) + 1);
	return more;
}

static int
search_take(const char *ref, const char *oid, void *arg)
{
	struct search *s = arg;
	struct push_command *cmd;
	struct place place;

	if (!shelf_place(ref, s->area, &place) || strcmp(place.request, s->request) != 0 || place.at < s->item->at)
		return 0;
	if (place.at > s->item->at)
		s->item->n = 0;
	s->item->at = place.at;
	if ((cmd = item_command(s->item, place.name)) == NULL)
		return ERR_NOMEM;
	memcpy(cmd->old_oid, oid, OID_HEX);
	memcpy(cmd->new_oid, place.new, OID_HEX);
	return 0;
}

int
shelf_find(struct gitrepo *repo, enum shelf_area area, const char *request, struct shelf_item *item)
{
	struct search s = { .area = area, .request = request, .item = item };
	char glob[128];
	int r;

	memset(item, 0, sizeof(*item));
	(void)snprintf(item->request, sizeof(item->request), "%s", request);
	(void)snprintf(glob, sizeof(glob), SHELF_REFS "%s/%s/*", areas[area], request);
	r = gitrepo_each_ref(repo, glob, search_take, &s);
	if (r == 0 && item->n == 0)
		r = ERR_NOTFOUND;
	if (r != 0)
		shelf_release(item);
	return r;
}

void
shelf_release(struct shelf_item *item)
{
	free(item->cmds);
	buf_free(item->note);
	item->note = NULL;
	item->cmds = NULL;
	item->n = 0;
}

/* Said before it is tried, so that the reader hears which reference it is; the transaction compares again. */
static int
restore_check(struct gitrepo *repo, const struct push_command *cmd, struct buf *out)
{
	char now[OID_HEX + 1];

	if (gitrepo_ref(repo, cmd->name, now) != 0)
		memset(now, '0', OID_HEX);
	now[OID_HEX] = '\0';
	if (strcmp(now, cmd->new_oid) == 0)
		return 0;
	(void)buf_putf(out, "%s has moved since: it is %.12s, the push made it %.12s; nothing was restored. Its old tip is %s\n",
	    cmd->name, oid_is_zero(now) ? "gone" : now, oid_is_zero(cmd->new_oid) ? "gone" : cmd->new_oid, cmd->old_oid);
	return ERR_DENIED;
}

int
shelf_restore(struct gitrepo *repo, const struct shelf_item *item, const char *undo, int64_t at, struct buf *out)
{
	struct buf *lines = buf_new(SHELF_LINES_MAX);
	char why[REASON_MAX], name[SHELF_NAME_MAX];
	int r = lines == NULL ? ERR_NOMEM : 0;

	for (size_t i = 0; i < item->n && r == 0; i++) {
		const struct push_command *cmd = &item->cmds[i];

		if ((r = restore_check(repo, cmd, out)) == 0)
			r = buf_putf(lines, "update %s %s %s\n", cmd->name, cmd->old_oid, cmd->new_oid);
		if (r == 0 && !oid_is_zero(cmd->new_oid) &&
		    (r = shelf_name(name, SHELF_KEPT, undo, at, cmd->old_oid, cmd->name)) == 0)
			r = buf_putf(lines, "create %s %s\n", name, cmd->new_oid);
	}
	if (r == 0 && (r = gitrun_update_refs(lines, why, sizeof(why))) != 0) {
		(void)buf_putf(out, "nothing was restored: %s\n", why);
		r = ERR_DENIED;
	}
	for (size_t i = 0; i < item->n && r == 0; i++)
		(void)buf_putf(out, "%s is %s again (was %.12s)\n", item->cmds[i].name, item->cmds[i].old_oid,
		    oid_is_zero(item->cmds[i].new_oid) ? "deleted" : item->cmds[i].new_oid);
	buf_free(lines);
	return r;
}

struct expiry {
	enum shelf_area	 area;
	int64_t		 before;
	struct buf	*lines;
	int		 n;
};

static int
expiry_take(const char *ref, const char *oid, void *arg)
{
	struct expiry *x = arg;
	struct place place;

	if (!shelf_place(ref, x->area, &place) || place.at >= x->before || buf_room(x->lines) < SHELF_NAME_MAX + OID_HEX + 16)
		return 0;	/* what does not fit goes next time */
	x->n++;
	return buf_putf(x->lines, "delete %s %s\n", ref, oid);
}

int
shelf_expire(struct gitrepo *repo, enum shelf_area area, int64_t before)
{
	struct expiry x = { .area = area, .before = before, .lines = buf_new(SHELF_LINES_MAX) };
	char glob[64], why[REASON_MAX];
	int r = x.lines == NULL ? ERR_NOMEM : 0;

	(void)snprintf(glob, sizeof(glob), SHELF_REFS "%s/*", areas[area]);
	if (r == 0 && (r = gitrepo_each_ref(repo, glob, expiry_take, &x)) == 0 && x.n > 0)
		r = gitrun_update_refs(x.lines, why, sizeof(why));
	buf_free(x.lines);
	return r != 0 ? r : x.n;
}
