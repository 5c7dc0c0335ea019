/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recfile: one recording on disk while it is written: appended straight from the sender's bytes, hashed once as it
 * goes.
 * Every RECFILE_CHUNK bytes the digest of all bytes so far is reported, so that a later change can be placed.
 */
#ifndef AUDIT_RECFILE_H
#define AUDIT_RECFILE_H

#include <stddef.h>
#include <stdint.h>

#include "bastion/record/sha256.h"

#define RECFILE_CHUNK	(1024 * 1024)
#define RECFILE_FLOOR	(64 * 1024 * 1024)	/* free bytes below which no new recording starts */
#define RECFILE_RESERVE	(16 * 1024 * 1024)	/* free bytes below which running ones stop: the log needs the rest */

struct recfile;

/* bytes is a multiple of RECFILE_CHUNK, digest that of the file's first so many bytes. */
typedef void	(*recfile_chunk_fn)(void *arg, uint64_t bytes, const uint8_t digest[SHA256_LEN]);

/* 0 when the folder's file system has room, ERR_TOOBIG when it has less than floor bytes free, ERR_SYSTEM. */
int	recfile_room(int dirfd, uint64_t floor_bytes);
/* A new file; one that exists is never touched (ERR_EXISTS). 0, ERR_EXISTS, ERR_SYSTEM. */
int	recfile_create(int dirfd, const char *name, recfile_chunk_fn, void *arg, struct recfile **rp);
void	recfile_free(struct recfile *);	/* closes; NULL is fine */
/*
 * 0, ERR_SYSTEM, ERR_TOOBIG (the disk is nearly full). After a failure the file is as long as recfile_bytes says, or
 * longer.
 */
int	recfile_append(struct recfile *, const void *p, size_t n);
uint64_t recfile_bytes(const struct recfile *);
/* Make it durable and tell the digest of the whole. 0 or ERR_SYSTEM (the digest is told anyway). */
int	recfile_seal(struct recfile *, uint8_t digest[SHA256_LEN]);
/* The digest of a file that is there. 0, ERR_NOTFOUND, ERR_SYSTEM, ERR_FORMAT (not a regular file). */
int	recfile_digest(int dirfd, const char *name, uint64_t *bytesp, uint8_t digest[SHA256_LEN]);

#endif
