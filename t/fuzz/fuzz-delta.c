/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "gitfilter/delta.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t base[64];
	uint64_t want, result;
	uint8_t *out;
	size_t used;

	if (delta_sizes(p, n, &want, &result, &used) != 0 || result > 1 << 20)
		return 0;
	out = malloc(result + 1);
	(void)delta_apply(base, sizeof(base), p, n, out, result);
	free(out);
	return 0;
}
