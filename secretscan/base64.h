/* SPDX-License-Identifier: Apache-2.0 */
/* base64: decode either alphabet, padded or not. */
#ifndef SECRETSCAN_BASE64_H
#define SECRETSCAN_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Decode as much of p as is base64 and fits into out. Returns the number of bytes decoded. */
size_t	base64_decode(const uint8_t *p, size_t n, uint8_t *out, size_t cap);

#endif
