/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lfspointer: what stands in a repository in the place of a file that git-lfs keeps elsewhere (git-lfs, docs/spec.md,
 * "The Pointer"): its SHA-256 and its size. No I/O, nothing allocated.
 */
#ifndef GITFILTER_LFSPOINTER_H
#define GITFILTER_LFSPOINTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LFS_OID_LEN	32
#define LFS_OID_HEX	64

/* An LFS object: its name is the SHA-256 of its content. */
struct lfs_object {
	uint8_t		oid[LFS_OID_LEN];
	uint64_t	size;
};

enum lfs_pointer {
	LFS_POINTER_NONE,	/* a file like any other */
	LFS_POINTER_GOOD,	/* *out is set */
	LFS_POINTER_BAD,	/* meant as one, but what it names cannot be told */
};

/*
 * Read a blob. Wide on purpose: whatever some client takes for a pointer must be one here, so white space around it, other
 * line ends, old versions, and bytes after the first 1024, which clients do not look at, are no way out.
 */
enum lfs_pointer lfs_pointer_read(const uint8_t *p, size_t n, struct lfs_object *out);

/* Exactly 64 lower-case hexadecimal digits at p into out. */
bool	lfs_oid_parse(const uint8_t *p, size_t n, uint8_t out[LFS_OID_LEN]);
void	lfs_oid_format(const uint8_t oid[LFS_OID_LEN], char out[LFS_OID_HEX + 1]);
/* Decimal digits alone, up to INT64_MAX. */
bool	lfs_size_parse(const uint8_t *p, size_t n, uint64_t *out);

#endif
