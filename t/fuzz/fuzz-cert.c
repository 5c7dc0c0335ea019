/* SPDX-License-Identifier: Apache-2.0 */
/* cert_parse, and all that a parsed certificate is asked. */
#include <stdint.h>
#include <stdlib.h>

#include "bastion/ident/cert.h"
#include "bastion/ident/sshkey.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct cert_check k = { .now = 1800000000, .source = "10.0.0.1" };
	struct cert *c = NULL;
	const char *why;
	uint8_t *blob = NULL;
	size_t len;

	if (cert_parse(p, n, &c) == 0) {
		k.ca_key = c->ca_key;
		k.ca_key_len = c->ca_key_len;
		(void)cert_judge(c, &k, &why);
		free(key_fingerprint(c->subject_key, c->subject_key_len));
	}
	cert_free(c);
	if (sshkey_from_line(p, n, &blob, &len) == 0)
		(void)sshkey_check(blob, len, NULL);
	free(blob);
	return 0;
}
