/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lfsnames: the LFS objects that the pointers in a push name, and whether all of them are there. Gathered as the pack is read;
 * then the keeper (lfskeep_msg.h) is asked, and those that were held with findings are scanned once more, now that it is
 * known where they stand.
 *
 *	lfsnames_blob() for every blob, lfsnames_begin() once with the link to the keeper, then lfsnames_run() after every pump
 *	of that link until it is over.
 */
#ifndef GITFILTER_LFSNAMES_H
#define GITFILTER_LFSNAMES_H

#include <stddef.h>
#include <stdint.h>

#include "gitfilter/lfspointer.h"

struct link;
struct lfsnames;

struct lfsnames_params {
	/* Scan this content, which the pointer with that number in the pack names. Not 0: stop with it. */
	int	(*scan)(int fd, uint64_t size, uint32_t index, void *arg);
	void	*arg;
};

struct lfsnames	*lfsnames_new(const struct lfsnames_params *);	/* NULL = no memory */
void		 lfsnames_free(struct lfsnames *);

/* A blob of the pack. 0, ERR_TOOBIG (more than LFS_NAMED_MAX pointers), ERR_NOMEM. */
int		 lfsnames_blob(struct lfsnames *, uint32_t index, const uint8_t *p, size_t n);
/* Whether there is a pointer at all. */
size_t		 lfsnames_count(const struct lfsnames *);
/* The link is made of fd, which is taken. 0 or ERR_NOMEM. */
int		 lfsnames_begin(struct lfsnames *, int fd);
/* That link, for the owner to pump; NULL: there is none (any more). */
struct link	*lfsnames_link(const struct lfsnames *);
/*
 * Go on. 0: all are there, and scanned. ERR_AGAIN: wait for the link. ERR_FORMAT: a pointer names nothing that can be told;
 * ERR_NOTFOUND: what it names is not there: both set the fault. Others: the keeper failed, or what scan said.
 */
int		 lfsnames_run(struct lfsnames *);

/* The first pointer that is to blame, and how many there are. */
struct lfsnames_fault {
	uint32_t		 index;
	struct lfs_object	 object;
	size_t			 count;
};
struct lfsnames_fault	lfsnames_fault(const struct lfsnames *);

#endif
