/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/audit/logread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/err.h"

#define READ_SPACE	(4 * AUDIT_LINE_MAX)

struct logread {
	int	 fd;
	size_t	 off, end;	/* the unread bytes in space */
	uint64_t at;		/* file offset of the line last returned */
	uint64_t next;		/* file offset of space[off] */
	char	 space[READ_SPACE];
};

struct logread *
logread_new(int fd)
{
	struct logread *l = malloc(sizeof(*l));

	if (l == NULL) {
		close(fd);
		return NULL;
	}
	l->fd = fd;
	l->off = l->end = 0;
	l->at = l->next = 0;
	return l;
}

void
logread_free(struct logread *l)
{
	if (l == NULL)
		return;
	close(l->fd);
	free(l);
}

static int
logread_fill(struct logread *l)
{
	ssize_t n;

	memmove(l->space, l->space + l->off, l->end - l->off);
	l->end -= l->off;
	l->off = 0;
	do
		n = read(l->fd, l->space + l->end, sizeof(l->space) - l->end);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return n == 0 ? ERR_EOF : ERR_SYSTEM;
	l->end += (size_t)n;
	return 0;
}

int
logread_next(struct logread *l, const char **linep, size_t *np)
{
	size_t seen = 0, have;
	const char *lf;
	int r;

	for (;;) {
		have = l->end - l->off;
		lf = memchr(l->space + l->off + seen, '\n', have - seen);
		if (lf != NULL || have > AUDIT_LINE_MAX)
			break;
		seen = have;
		if ((r = logread_fill(l)) != 0) {
			l->at = l->next;
			*linep = l->space + l->off;
			*np = have;
			return r == ERR_EOF && have > 0 ? ERR_SHORT : r;
		}
	}
	*linep = l->space + l->off;
	*np = lf != NULL ? (size_t)(lf - *linep) : have;
	l->at = l->next;
	if (*np > AUDIT_LINE_MAX)
		return ERR_TOOBIG;
	l->off += *np + 1;
	l->next += *np + 1;
	return 0;
}

uint64_t
logread_offset(const struct logread *l)
{
	return l->at;
}
