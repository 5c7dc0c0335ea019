/* SPDX-License-Identifier: Apache-2.0 */
/* ruleset: all rules of a run: the library's scanner, and what gitleaks' files add. */
#ifndef SECRETSCAN_RULESET_H
#define SECRETSCAN_RULESET_H

#include <stdint.h>

struct gitleaks;
struct options;
struct secretscan;

struct ruleset {
	struct secretscan	*ss;		/* NULL: no rules but those of gitleaks' files */
	struct gitleaks		*gitleaks;	/* NULL: no such file */
};

/* What --rules and --only-rules ask for. 0, or -1 after a complaint; release in both cases. */
int	ruleset_load(struct ruleset *, const struct options *, const uint8_t key[32]);
void	ruleset_release(struct ruleset *);
/* On standard output; the exit status of the program. */
int	ruleset_list(const struct ruleset *);
int	ruleset_explain(const struct ruleset *, const char *id);

#endif
