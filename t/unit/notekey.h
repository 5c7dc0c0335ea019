/* SPDX-License-Identifier: Apache-2.0 */
/* notekey: a fresh key that signs notes, as the key process does; for tests. */
#ifndef T_UNIT_NOTEKEY_H
#define T_UNIT_NOTEKEY_H

#include <stddef.h>
#include <stdint.h>

struct notekey {
	char	name[64];
	uint8_t	pk[32], sk[64], id[4];
	char	line[256];	/* the verifier key line */
};

void	notekey_make(struct notekey *, const char *name);
/* The signature line for a text, LF included. */
void	notekey_sign(const struct notekey *, const void *text, size_t n, char out[512]);

#endif
