/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify: is the evidence what was signed? Reads a state directory and changes nothing; a running daemon does not
 * disturb it. Every problem is one line that names the record, or the recording and its bytes.
 */
#ifndef AUDIT_VERIFY_H
#define AUDIT_VERIFY_H

#include <stddef.h>
#include <stdint.h>

struct verify_report {
	uint64_t	records;		/* in the log */
	uint64_t	signed_records;		/* of these, under the checkpoint */
	uint64_t	recordings;		/* sealed ones, all their bytes compared */
	uint64_t	open_recordings;	/* still being written */
	uint64_t	bytes;			/* of recordings */
	uint64_t	problems;
};

typedef void	(*verify_fn)(const char *line, void *arg);

/*
 * 0 nothing is wrong, ERR_CRYPTO something is (problem has been called), or why it could not be judged, with *whyp
 * (to free).
 */
int	audit_verify(const char *state_dir, verify_fn problem, void *arg, struct verify_report *, char **whyp);

#endif
