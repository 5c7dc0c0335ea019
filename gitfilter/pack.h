/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack: reads a git pack (gitformat-pack, version 2) in one pass while it arrives. Every object is rebuilt, named and
 * handed out once; a base that is needed again and no longer in the cache is read back from the spool, where the owner
 * has put the same bytes before. Everything that git would have to trust is refused: thin packs, duplicates, bytes after
 * the trailer, sizes that do not match, anything over the limits. Nothing is allocated on the word of the pack alone.
 */
#ifndef GITFILTER_PACK_H
#define GITFILTER_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum object_type { OBJECT_COMMIT = 1, OBJECT_TREE = 2, OBJECT_BLOB = 3, OBJECT_TAG = 4 };

#define PACK_NONE	UINT32_MAX

struct pack;

/* One object, whole; p is valid during the call. Anything but 0 ends the reading and becomes its result. */
typedef int	(*pack_object_fn)(uint32_t index, enum object_type, const uint8_t oid[20], const uint8_t *p, size_t n,
		    void *arg);

struct pack_params {
	int		 spool_fd;		/* read with pread; stays the owner's */
	uint64_t	 spool_offset;		/* where the pack begins in it */
	uint64_t	 max_pack_bytes, max_object_bytes, max_resolved_bytes;
	unsigned	 max_objects, max_depth;
	pack_object_fn	 object;
	void		*arg;
};

struct pack	*pack_new(const struct pack_params *);		/* NULL = no memory */
void		 pack_free(struct pack *);

/*
 * The next bytes, already in the spool. All are taken. 0, or ERR_FORMAT, ERR_TOOBIG (a limit), ERR_NOMEM, ERR_SYSTEM, or
 * what the object function said; pack_why() has a line. After a failure only pack_free is left.
 */
int	pack_feed(struct pack *, const uint8_t *p, size_t n);
/* Whether the trailer has been seen (and was right). Call pack_finish then. */
bool	pack_is_whole(const struct pack *);
/* Hand out the objects whose base came after them. As pack_feed; ERR_FORMAT also when the pack is not whole. */
int	pack_finish(struct pack *);
const char	*pack_why(const struct pack *);

uint64_t	pack_bytes(const struct pack *);	/* fed so far */
uint32_t	pack_count(const struct pack *);	/* as its head says; 0 before */
uint32_t	pack_read_count(const struct pack *);	/* handed out so far */

/* After pack_finish, for every index below pack_count. */
enum object_type pack_type(const struct pack *, uint32_t index);
const uint8_t	*pack_oid(const struct pack *, uint32_t index);
uint32_t	 pack_find(const struct pack *, const uint8_t oid[20]);	/* PACK_NONE = not in this pack */
/* The object's content again, valid until the next pack_content. As pack_feed. */
int		 pack_content(struct pack *, uint32_t index, const uint8_t **pp, size_t *np);

#endif
