/* SPDX-License-Identifier: Apache-2.0 */
/* run: one run of the program over all its sources: threads, what is known already, the report. */
#ifndef SECRETSCAN_RUN_H
#define SECRETSCAN_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct options;
struct ruleset;

struct run_params {
	const struct ruleset	*rules;
	const struct options	*options;
	const uint8_t		*key;		/* 32 bytes */
	bool			 keyless;	/* nobody chose that key */
};

/* The exit status of the program. */
enum {
	RUN_CLEAN = 0,
	RUN_FOUND = 1,
	RUN_TROUBLE = 2,
};

int	run_all(const struct run_params *);
/* "secretscan: WHAT: WHY" on standard error; what may be any bytes. */
void	run_complain(const char *what, const char *why);

#endif
