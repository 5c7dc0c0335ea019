/* SPDX-License-Identifier: Apache-2.0 */
/* tile: the static files of C2SP tlog-tiles below audit/: hash tiles and their names. */
#ifndef AUDIT_TILE_H
#define AUDIT_TILE_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * tile/LEVEL/x001/x234/067, or with ".p/WIDTH" when 0 < width < 256; level is "0".."63" or "entries". The caller
 * frees.
 */
char	*tile_path(const char *level, uint64_t index, unsigned width);
/*
 * Write a hash tile below dir, making folders. width 256 is a full one, and the partial ones before it are removed. Not
 * synced: a tile can always be computed again from the log. 0 or ERR_SYSTEM.
 */
int	 tile_write(const char *dir, unsigned level, uint64_t index, const uint8_t *hashes, unsigned width);
/* Remove an older, narrower partial tile; that it is not there is fine. */
void	 tile_remove(const char *dir, unsigned level, uint64_t index, unsigned width);
/* Read width hashes of a tile. 0, ERR_SYSTEM, ERR_FORMAT (another size). */
int	 tile_read(const char *dir, unsigned level, uint64_t index, unsigned width, uint8_t *hashes);

#endif
