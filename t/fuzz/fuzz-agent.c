/* SPDX-License-Identifier: Apache-2.0 */
/* What a session says to an agent of the key process, and what it wants signed. */
#include <stdint.h>
#include <stdlib.h>

#include "bastion/base/buf.h"
#include "bastion/ident/agent-wire.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf *b = buf_view(p, n);
	char algorithm[AGENT_ALGORITHM_MAX];
	struct agent_request q;

	while (b != NULL && agent_read(b, &q) == 0)
		if (q.what == AGENT_SIGN)
			(void)agent_login_check(q.data, q.datalen, "root", q.key, q.keylen, algorithm);
	buf_free(b);
	(void)agent_login_check(p, n, "root", (const uint8_t *)"", 0, algorithm);
	return 0;
}
