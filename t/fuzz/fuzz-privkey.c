/* SPDX-License-Identifier: Apache-2.0 */
/* A private key file as an administrator gives it. */
#include <stdint.h>
#include <stdlib.h>

#include "bastion/ident/privkey.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct privkey *k = NULL;
	const char *why = NULL;

	(void)privkey_parse(p, n, &k, &why);
	privkey_free(k);
	return 0;
}
