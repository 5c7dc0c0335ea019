/* SPDX-License-Identifier: Apache-2.0 */
/* known: values that are secret because the owner says so, in all the forms in which programs print them. */
#ifndef SECRETSCAN_KNOWN_H
#define SECRETSCAN_KNOWN_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "secretscan/secretscan.h"
#include "secretscan/trie.h"

#define KNOWN_NAME_MAX	64

struct known_value {
	char	name[KNOWN_NAME_MAX + 1];
	char	fingerprint[SECRETSCAN_FINGERPRINT + 1];
};

struct secretscan_known {
	const struct secretscan	*ss;
	struct known_value	*v;
	size_t			 n;
	atomic_uint		 users;		/* the owner and streams */
	/* Texts in which only CR may come between; texts of base64 or hexadecimal, where any white space may. */
	struct trie		*plain, *coded;
};

#endif
