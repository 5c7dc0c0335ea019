/* SPDX-License-Identifier: Apache-2.0 */
/* What a key scan printed, and the certificates in it. */
#include <stdint.h>
#include <stdlib.h>

#include "bastion/ident/hostcert.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct strvec lines = STRVEC_INIT, keys = STRVEC_INIT, ca = STRVEC_INIT;
	struct hostcert_check check = { .ca = &ca, .principal = "127.0.0.1", .now = 1800000000 };
	const char *why;

	strvec_push(&ca, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJwu86WocN1Awf+xN4A09WTyKev9NVb6Gfi92wlMeH4h");
	hostcert_lines(p, n, &lines);
	(void)hostcert_keys(&lines, &check, &keys, &why);
	strvec_release(&lines);
	strvec_release(&keys);
	strvec_release(&ca);
	return 0;
}
