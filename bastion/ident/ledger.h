/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger: serial numbers and the list of all certificates ever made, on disk (ca/serial and ca/issued.jsonl, see
 * FORMAT). A serial never comes twice, whatever ends the process.
 */
#ifndef IDENT_LEDGER_H
#define IDENT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bastion/base/strvec.h"

struct json_t;
struct ledger;

enum ledger_kind { LEDGER_IDENTITY, LEDGER_TARGET };

/* One line. Pointers stay the caller's. */
struct ledger_entry {
	enum ledger_kind kind;
	uint64_t	 serial;
	const char	*key_id, *principal, *fingerprint, *by;
	uint64_t	 after, before;
	const char	*owner, *session, *source_address;	/* NULL = none */
	const struct strvec *groups;				/* NULL = none */
};

/* dir is ca/, or "." from inside it. 0 and *lp; ERR_SYSTEM, ERR_FORMAT (ca/serial is damaged), ERR_NOMEM. */
int	ledger_open(const char *dir, struct ledger **lp);
void	ledger_free(struct ledger *);	/* NULL is fine */

/* The next serial, 1 or more. 0, ERR_SYSTEM (it could not be reserved). */
int	ledger_serial(struct ledger *, uint64_t *serialp);
/* Whether a serial can have been given out: it is below the end of what was reserved. */
bool	ledger_may_have(const struct ledger *, uint64_t serial);

enum ledger_sync { LEDGER_LAZY, LEDGER_DURABLE };

/*
 * Append a line, before the certificate leaves. LEDGER_LAZY outlives the process, LEDGER_DURABLE the machine. 0,
 * ERR_SYSTEM.
 */
int	ledger_add(struct ledger *, const struct ledger_entry *, int64_t now_ms, enum ledger_sync);

/*
 * Call fn for each line from the oldest on that holds the text needle (a cheap first sieve), parsed. It stops when fn
 * returns other than 0. 0, what fn returned, ERR_SYSTEM.
 */
typedef int (*ledger_fn)(const struct json_t *line, void *arg);
int	ledger_walk(struct ledger *, const char *needle, ledger_fn fn, void *arg);

#endif
