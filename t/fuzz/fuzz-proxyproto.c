/* SPDX-License-Identifier: Apache-2.0 */
/* A PROXY header in one piece and in pieces of a byte: both must see the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/err.h"
#include "bastion/proxyproto.h"
#include "bastion/source.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct proxyproto a = { .len = 0 }, b = { .len = 0 };
	size_t took, one, sum = 0;
	int r = proxyproto_feed(&a, p, n, &took), q = ERR_AGAIN;
	struct source s;

	for (size_t i = 0; i < n && q == ERR_AGAIN; i++) {
		q = proxyproto_feed(&b, p + i, 1, &one);
		sum += one;
	}
	if (n > 0 && (q != r || (r == 0 && (sum != took || strcmp(a.source, b.source) != 0))))
		abort();
	if (r == 0 && proxyproto_source(&a) != NULL && !source_parse(proxyproto_source(&a), &s))
		abort();
	return 0;
}
