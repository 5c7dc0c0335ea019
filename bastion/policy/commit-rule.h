/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit-rule: rules on the commits of a push: who made them, how they are signed, what their messages say, when they were
 * made and what they stand on. Such a rule restricts: all its conditions met, it asks or denies, and a condition that cannot
 * be told of a commit is met.
 */
#ifndef POLICY_COMMIT_RULE_H
#define POLICY_COMMIT_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include "bastion/base/strvec.h"

struct commit_cond;
struct request;
struct rule;
struct subject;
struct tree;
struct tree_error;

/* Read the map under `commit:`; its list of repositories goes to the rule's names. 0 or ERR_FORMAT. */
int	commit_rule_read(const struct tree *, struct rule *, struct tree_error *);
void	commit_cond_free(struct commit_cond *);		/* NULL is fine */
/* Whether the rule meets a commit; a request without one is about some commit that is not known yet, and met. */
bool	commit_rule_meets(const struct rule *, const struct request *);
/* In words, what of the commit the rule met and what to do. The caller frees. */
char	*commit_rule_explain(const struct rule *, const struct request *);
/* Its conditions in words, for `ssh bastion policy`. */
void	commit_rule_describe(const struct rule *, const struct subject *, struct strvec *line);

#endif
