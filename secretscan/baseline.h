/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baseline: findings that are known, by rule and fingerprint, never by line or commit. secretscan(1) has the format; the
 * lines are sorted and stand alone, so that versions of a file can be merged line by line.
 */
#ifndef SECRETSCAN_BASELINE_H
#define SECRETSCAN_BASELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct baseline;

#define BASELINE_KEY	32

/* For fingerprints made with this key. NULL when there is no memory for the hash. */
struct baseline	*baseline_new(const uint8_t key[BASELINE_KEY]);
void		 baseline_free(struct baseline *);
/* Add the entries of a file. 0, or -1 and *errorp "FILE:LINE: TEXT" (caller frees). */
int		 baseline_read(struct baseline *, const char *path, char **errorp);
/* path: of the file it was found in; NULL to have it known in every file. */
void		 baseline_add(struct baseline *, const char *rule, const char *fingerprint, const char *path);
bool		 baseline_has(struct baseline *, const char *rule, const char *fingerprint, const char *path);
/* Put a file in the place of path, each entry once; their number in *np. 0, or an errno. */
int		 baseline_write(struct baseline *, const char *path, size_t *np);

#endif
