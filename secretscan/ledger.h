/* SPDX-License-Identifier: Apache-2.0 */
/* ledger: the findings of a run, kept until they can be sorted, paired and reported. Of one thread. */
#ifndef SECRETSCAN_LEDGER_H
#define SECRETSCAN_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

struct ledger;
struct record;
struct report;
struct secretscan;

/* What is held at most; then this much is sorted, paired and reported, and the next begins. */
#define LEDGER_MAX	100000

struct ledger	*ledger_new(struct report *, const struct secretscan *);
void		 ledger_free(struct ledger *);
/* Takes the record over. 0, or -1 when the report cannot be written. */
int		 ledger_add(struct ledger *, struct record *);
/* Report what is held. */
int		 ledger_flush(struct ledger *);
/* It was full and went on in parts: order and pairs are those within a part. */
bool		 ledger_was_full(const struct ledger *);

#endif
