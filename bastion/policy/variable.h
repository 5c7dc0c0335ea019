/* SPDX-License-Identifier: Apache-2.0 */
/*
 * variable: words in braces that stand for something of whoever asks, in patterns of references and of people:
 *
 *	{identity}	agent/ci
 *	{name}		ci: what follows the first '/'
 *	{owner}		human/eva, the human who answers for the agent
 *	{owner-name}	eva
 *	{session}	the session id that the certificate was issued for
 */
#ifndef POLICY_VARIABLE_H
#define POLICY_VARIABLE_H

#include <stdbool.h>

#include "bastion/base/strvec.h"

struct subject;

#define VARIABLES_KNOWN	"there is {identity}, {name}, {owner}, {owner-name} and {session}"

/*
 * The pattern with the values of this subject; NULL when one of them has none, or one that is itself a pattern. who NULL, as
 * in examples: variables stand for themselves. The caller frees.
 */
char	*variables_fill(const char *pattern, const struct subject *who);
/* The first word in braces that is none of the above, or an open brace alone; NULL = all is well. Points into the pattern. */
const char *variables_fault(const char *pattern);

/*
 * Whether any pattern of the list names the text, as fn compares them. unsure: what a pattern whose variable has no value
 * counts as.
 */
typedef bool	(*pattern_fn)(const char *pattern, const char *text);
bool	patterns_name(const struct strvec *patterns, const char *text, const struct subject *who, pattern_fn, bool unsure);

#endif
