/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a policy file: rules or one error, never a crash. */
#include <stdint.h>
#include <stdlib.h>

#include "bastion/conf_tree.h"
#include "bastion/policy/policy.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tree_error e = { .file = "rules" };
	struct policy *policy = NULL;

	if ((policy_load("rules", p, n, &policy, &e) == 0) != (policy != NULL) || (policy == NULL) != (e.text != NULL))
		abort();
	free(e.text);
	policy_free(policy);
	return 0;
}
