/* SPDX-License-Identifier: Apache-2.0 */
/* builtin: the rule files of rules/, compiled in by mkbuiltin.awk. */
#ifndef SECRETSCAN_BUILTIN_H
#define SECRETSCAN_BUILTIN_H

#include <stddef.h>

struct builtin {
	const char	*name;
	const char	*text;
	size_t		 len;
};

/* The file of this number, from 0; NULL past the last. */
const struct builtin	*builtin_get(size_t i);

#endif
