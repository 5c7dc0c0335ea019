/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is taken for a copy is, to the reader of command lines as well, one simple command that writes nothing else. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/policy/script.h"
#include "bastion/policy/transfer-command.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct transfer_command t;
	struct script s = { .n = 0 };

	if (!transfer_command_parse(&t, p, n))
		return 0;
	script_parse(&s, (const char *)p, n);
	if (s.unresolved != NULL || s.n != 1 || s.v[0].unresolved != NULL || s.v[0].writes.n != 0 || t.npaths == 0)
		abort();
	for (size_t i = 0; i < t.npaths; i++)
		if (t.paths[i].text[0] == '\0' || (t.to_target && (t.paths[i].glob || i > 0)))
			abort();
	script_release(&s);
	transfer_command_release(&t);
	return 0;
}
