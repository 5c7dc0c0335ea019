/* SPDX-License-Identifier: Apache-2.0 */
/* evidence: what the readers of the audit log share: sallyport sessions, replay, export, audit. */
#ifndef BASTION_EVIDENCE_H
#define BASTION_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>

struct cmd_env;
struct json_t;

#define EVIDENCE_ID	48	/* room for a recording's id and its NUL */

/* The state directory of the configuration. NULL after saying why not. The caller frees. */
char	*evidence_state_dir(const struct cmd_env *env);

/* A record of the log, with its line. Not 0 ends the reading. */
typedef int	(*evidence_fn)(const struct json_t *record, const char *line, size_t n, void *arg);

/*
 * Every record whose event starts with prefix ("" = all), in order. 0, what fn returned, or an error code after saying
 * why on stderr. A line that is no record is passed over: sallyport audit verify is there to judge.
 */
int	evidence_each(const char *state_dir, const char *prefix, evidence_fn fn, void *arg);
/* A member's text, or "" when there is none. */
const char	*evidence_text(const struct json_t *record, const char *name);

enum evidence_seal { EVIDENCE_NONE, EVIDENCE_OPEN, EVIDENCE_SEALED, EVIDENCE_ALTERED };

/*
 * name is a session with one recording, or a recording ("S-....1"): its id, and whether it is what was sealed; what is
 * wrong with it is said on stderr. 0, or -1 after saying why there is none to look at.
 */
int	evidence_recording(const char *state_dir, const char *name, char id[EVIDENCE_ID], enum evidence_seal *sealp);
/* Open a recording's file. -1 after saying why not. */
int	evidence_open(const char *state_dir, const char *id);

#endif
