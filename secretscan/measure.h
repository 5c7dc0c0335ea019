/* SPDX-License-Identifier: Apache-2.0 */
/* measure: what can be said of the bytes of a secret without knowing its rule. */
#ifndef SECRETSCAN_MEASURE_H
#define SECRETSCAN_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* Shannon entropy in bits per byte, 0 for nothing. */
double	measure_entropy(const uint8_t *p, size_t n);
/*
 * A form that people may see: the first `shown` bytes (the public prefix of a token), stars, and of a long secret its
 * last two. The number of stars does not tell the length.
 */
void	measure_mask(const uint8_t *p, size_t n, size_t shown, char *out, size_t cap);

#endif
