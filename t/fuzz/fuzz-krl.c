/* SPDX-License-Identifier: Apache-2.0 */
/* krl_parse; what parses is written again and must parse again. */
#include <stdint.h>
#include <stdlib.h>

#include "bastion/base/buf.h"
#include "bastion/ident/krl.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct krl *k = NULL, *again = NULL;
	struct buf *b;

	if (krl_parse(p, n, &k) == 0) {
		(void)krl_has_serial(k, NULL, 0, 7, "agent/ci:7");
		(void)krl_has_key(k, p, n);
		b = buf_new(KRL_MAX);
		if (b == NULL || krl_write(k, 0, b) != 0 || krl_parse(buf_ptr(b), buf_len(b), &again) != 0)
			abort();
		buf_free(b);
	}
	krl_free(again);
	krl_free(k);
	return 0;
}
