/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: judge a command line by the exec rules that are given. Every simple command and every file that a redirection
 * writes is a fact of its own; each needs a rule that surely matches it, and the strictest rule that may match it
 * decides. The strictest fact decides for the whole line.
 */
#ifndef POLICY_EXEC_H
#define POLICY_EXEC_H

#include <stdint.h>

#include "bastion/policy/policy.h"

/* One fact and the rule that decided it, for people who write rules. */
struct exec_step {
	const char	*text;		/* the command as understood, printable; borrowed for the call */
	enum decision	 what;
	const char	*rule;
};
typedef void (*exec_step_fn)(const struct exec_step *, void *arg);

/* rules: those whose who, on and login fit, all of kind exec. step may be NULL. */
void	exec_judge(const struct rule *const *rules, size_t n, const uint8_t *command, size_t len, exec_step_fn, void *arg,
	    struct verdict *out);
/* Whether one rule, taken alone, meets any fact of the command. */
bool	exec_meets(const struct rule *, const uint8_t *command, size_t len);

#endif
