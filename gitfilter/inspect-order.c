/* SPDX-License-Identifier: Apache-2.0 */
/* inspect-order: the session may have been taken over, so what git will be told must be what is judged here. */
#include "gitfilter/inspect_int.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "gitfilter/limits.h"
#include "gitfilter/pack.h"
#include "gitfilter/pktline.h"
#include "gitfilter/refcmd.h"
#include "secretscan/secretscan.h"

static int
inspect_take_command(struct buf *body, struct push_command *c)
{
	const struct { char *to; size_t size; } fields[] = {
		{ c->old_oid, sizeof(c->old_oid) }, { c->new_oid, sizeof(c->new_oid) }, { c->name, sizeof(c->name) },
	};
	const uint8_t *p;
	size_t n;
	int r;

	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if ((r = buf_peek_string(body, &p, &n)) != 0)
			return r;
		if (n >= fields[i].size || n == 0 || memchr(p, '\0', n) != NULL)
			return ERR_FORMAT;
		memcpy(fields[i].to, p, n);
	}
	if (!oid_is_hex((const uint8_t *)c->old_oid, strlen(c->old_oid)) ||
	    !oid_is_hex((const uint8_t *)c->new_oid, strlen(c->new_oid)) ||
	    refname_fault((const uint8_t *)c->name, strlen(c->name)) != NULL)
		return ERR_FORMAT;
	return oid_is_zero(c->old_oid) && oid_is_zero(c->new_oid) ? ERR_FORMAT : 0;
}

int
inspect_take_commands(struct inspect *x, struct buf *body)
{
	uint32_t n;
	int r;

	if ((r = buf_get_u32(body, &n)) != 0)
		return r;
	if (n == 0 || n > COMMANDS_MAX)
		return ERR_TOOBIG;
	if ((x->commands = calloc(n, sizeof(*x->commands))) == NULL)
		return ERR_NOMEM;
	for (; x->n < n; x->n++)
		if ((r = inspect_take_command(body, &x->commands[x->n])) != 0)
			return r;
	return 0;
}

static bool
is_order_cap(const uint8_t *p, size_t n)
{
	static const char *const words[] = { "report-status", "atomic", "quiet", "object-format=sha1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == n && memcmp(words[i], p, n) == 0)
			return true;
	return n == 0 || (n >= 6 && memcmp(p, "agent=", 6) == 0);
}

/* One line of the order: it must be one of the commands that are judged here, and its capabilities ours. */
static int
inspect_order_line(const struct inspect *x, const struct pktline *line, bool first)
{
	const uint8_t *caps;
	const char *why;
	struct push_command c;
	size_t n, i;

	if (refcmd_parse(line->data, line->len, &c, &caps, &n, &why) != 0 || (caps != NULL) != first)
		return ERR_FORMAT;
	while (n > 0) {
		const uint8_t *space = memchr(caps, ' ', n);
		size_t len = space == NULL ? n : (size_t)(space - caps);

		if (!is_order_cap(caps, len))
			return ERR_FORMAT;
		len += space != NULL;
		caps += len;
		n -= len;
	}
	for (i = 0; i < x->n; i++)
		if (strcmp(c.name, x->commands[i].name) == 0 && strcmp(c.old_oid, x->commands[i].old_oid) == 0 &&
		    strcmp(c.new_oid, x->commands[i].new_oid) == 0)
			return 0;
	return ERR_DENIED;
}

/* The session may have been taken over: what git will be told must be what is judged here. */
int
inspect_check_order(const struct inspect *x, const uint8_t *p, size_t n)
{
	struct pktline_reader *reader = pktline_reader_new(CLIENT_LINE_MAX);
	struct pktline line;
	bool first = true;
	size_t used;
	int r;

	if (reader == NULL)
		return ERR_NOMEM;
	while ((r = pktline_feed(reader, p, n, &used, &line)) == 0) {
		p += used;
		n -= used;
		if (line.type != PKTLINE_DATA)
			break;
		if ((r = inspect_order_line(x, &line, first)) != 0)
			break;
		first = false;
	}
	if (r == 0 && (line.type != PKTLINE_FLUSH || n != 0 || first))
		r = ERR_FORMAT;
	pktline_reader_free(reader);
	return r == ERR_SHORT ? ERR_FORMAT : r;
}
