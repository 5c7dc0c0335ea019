/* SPDX-License-Identifier: Apache-2.0 */
/* inspect: one content of a source, read and scanned; any thread. */
#ifndef SECRETSCAN_INSPECT_H
#define SECRETSCAN_INSPECT_H

#include <stdbool.h>
#include <stddef.h>

struct progress;
struct record;
struct ruleset;
struct source_item;
struct inspect;			/* what all threads share */

/* Findings of one content that are listed; more are an error of the run. */
#define INSPECT_FINDINGS_MAX	100000

struct inspect_params {
	const struct ruleset	*rules;
	struct progress		*progress;
	unsigned		 threads;	/* their numbers go up to this one */
	bool			 show_secrets;
	bool			 allow_inline;	/* comments in the content count */
};

struct inspect_job {
	struct source_item	*item;
	struct record		**records;
	size_t			 nrecords;
	char			*error;		/* why it was not scanned, or not all of it; NULL when it was */
};

struct inspect		*inspect_new(const struct inspect_params *);
void			 inspect_free(struct inspect *);

/* The item is the job's from then on. */
struct inspect_job	*inspect_job_new(struct source_item *);
/* Records that were taken out of it are left alone. */
void			 inspect_job_free(struct inspect_job *);
void			 inspect_run(struct inspect *, struct inspect_job *, unsigned thread);

#endif
