/* SPDX-License-Identifier: Apache-2.0 */
/* keyfile: the key of the fingerprints, 32 bytes in a file. */
#ifndef SECRETSCAN_KEYFILE_H
#define SECRETSCAN_KEYFILE_H

#include <stdbool.h>
#include <stdint.h>

#define KEYFILE_LEN	32

/*
 * From path; without one from $SECRETSCAN_KEY_FILE; without that from secretscan/key in the user's configuration, if it
 * is there; otherwise zeros and *nonep: fingerprints are then the same everywhere, and a weak secret can be guessed from
 * one. 0, or -1 and *errorp (caller frees).
 */
int	keyfile_read(const char *path, uint8_t key[KEYFILE_LEN], bool *nonep, char **errorp);

#endif
