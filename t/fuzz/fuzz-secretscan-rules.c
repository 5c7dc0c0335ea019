/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files are the operator's, but a slip in one must be an error with its line, never a crash. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/rulefile.h"
#include "secretscan/secretscan.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct rules rules = { 0 };
	char *error = NULL;
	int e = rulefile_parse(&rules, "fuzz", p, n, &error);

	if (e == SECRETSCAN_RULES && (error == NULL || strchr(error, ':') == NULL))
		abort();
	free(error);
	rules_release(&rules);
	return 0;
}
