/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cast: write an asciicast v3 (one recording = one channel). Pure: text goes into a buf, the audit process keeps it.
 * Bytes given to it are already masked. Format and our conventions: bastion/record/FORMAT.
 */
#ifndef RECORD_CAST_H
#define RECORD_CAST_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct cast;

enum cast_stream { CAST_STDOUT, CAST_STDERR, CAST_STDIN };

struct cast_params {
	unsigned	 cols, rows;	/* 80x24 when there is no terminal */
	const char	*term;		/* TERM, or NULL */
	const char	*title;		/* "deploy@web1 as agent/ci" */
	const char	*command;	/* masked, or NULL for a shell */
	const char	*session;	/* session id, goes into env as SALLYPORT_SESSION */
	int64_t		 start_wall_ms;
	int64_t		 start_us;	/* monotonic, the zero of all intervals */
};

/* Appends the header line without LF to out. NULL = no memory or out is full. */
struct cast	*cast_new(const struct cast_params *, struct buf *out);
void		 cast_free(struct cast *);

/*
 * Append event lines for n bytes of one stream at monotonic time now_us. UTF-8 split between calls is carried over;
 * bytes that are not UTF-8 are kept lossless in a way FORMAT describes; a run of binary data becomes a marker with count
 * and SHA-256 (CAST_STDIN always does: typed input is never kept). 0 or the buf's error. What is appended for one call is
 * bounded: at most 6 * n + 512 bytes.
 */
int	cast_data(struct cast *, enum cast_stream, const void *p, size_t n, int64_t now_us, struct buf *out);
int	cast_resize(struct cast *, unsigned cols, unsigned rows, int64_t now_us, struct buf *out);
/* A marker line ("approved REQ-7F3K2Q by human/eva"). */
int	cast_marker(struct cast *, const char *text, int64_t now_us, struct buf *out);
/* Flush what is carried over, pending binary markers, then the exit event: status 0..255, or a signal's name. */
int	cast_exit(struct cast *, int status, const char *signal, int64_t now_us, struct buf *out);

#endif
