/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup: asks a target, by its own SFTP, where a name leads: past every link to the file or folder itself. For those who
 * decide on paths without speaking SFTP. A channel of its own on the session's leg; one question at a time.
 *
 *	l = lookup_new(s);				the leg must be up
 *	while (lookup_step(l, now_us) == LOOKUP_BUSY) ..	once a turn
 *	lookup_ask(l, "dir/name");			when LOOKUP_READY; then step again, and read lookup_place()
 */
#ifndef SSH_LOOKUP_H
#define SSH_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

struct lookup;
struct session;

enum lookup_state {
	LOOKUP_BUSY,
	LOOKUP_READY,	/* the last question is answered, or none was asked */
	LOOKUP_DEAD,	/* lookup_why() */
};

struct lookup_place {
	char	*real;		/* absolute, without "." and ".."; NULL: it is in no folder that there is, or may not be seen */
	bool	 exists;
	bool	 is_folder;
};

struct lookup	*lookup_new(struct session *, int64_t now_us);
void		 lookup_free(struct lookup *);	/* NULL is fine */
enum lookup_state lookup_step(struct lookup *, int64_t now_us);
/* READY only. A path as SFTP takes it: absolute, or from the login's home folder. */
void		 lookup_ask(struct lookup *, const char *path, int64_t now_us);
/* What the last question found; borrowed until the next. */
const struct lookup_place *lookup_place(const struct lookup *);
/* The login's home folder; once READY. */
const char	*lookup_home(const struct lookup *);
const char	*lookup_why(const struct lookup *);

#endif
