/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane: what a part of a stream says once something is peeled off it, with a finder of its own and a map back to the
 * stream. It is opened where the text differs from the bytes, and shut when nothing is open in it.
 *
 * What to peel off is known by lane-noise.c and lane-base64.c. Whether a lane is open hangs on the bytes around
 * only, never on how they came, so that a split does not change what it finds.
 */
#ifndef SECRETSCAN_LANE_H
#define SECRETSCAN_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secretscan/finder.h"
#include "secretscan/secretscan.h"

/* So many bytes of a stream are kept before what is new: what a lane begins with. */
#define LANE_BACK	4096
#define LANE_FREE	UINT64_MAX	/* nothing is held */

/* Where in the stream a byte of a lane is written. */
struct lane_place {
	uint64_t	start, end;
};

struct lane {
	const struct secretscan	*ss;
	struct finder		*finder;	/* from the first opening on */
	uint8_t			*text;
	struct lane_place	*places;	/* one a byte of text */
	size_t			 len, cap;
	uint64_t		 base;		/* of text in all that the lane said since it was opened */
	size_t			 looked;	/* bytes of text that the finder has seen */
	bool			 open;
	const char		*decoded;	/* of its findings */
	int			 error;		/* the first one; nothing is added after it */
	secretscan_fn		 fn;		/* positions of findings are those of the stream */
	void			*arg;
};

void	 lane_init(struct lane *, const struct secretscan *, const char *decoded, secretscan_fn, void *arg);
/* Wipes. */
void	 lane_release(struct lane *);
void	 lane_open(struct lane *);
void	 lane_shut(struct lane *);
void	 lane_put(struct lane *, uint8_t c, uint64_t start, uint64_t end);
/* n bytes that stand in the stream at pos as they are. */
void	 lane_copy(struct lane *, const uint8_t *p, size_t n, uint64_t pos);
/* What is there already is context: nothing begins in it. */
void	 lane_set_context(struct lane *);
/* What is there says the same as the stream: what is certain already is not found by this lane. 0 or a negative code. */
int	 lane_catch_up(struct lane *);
/* Look at what is new. 0, a negative code, or what the callback returned. eof: nothing follows in this lane. */
int	 lane_settle(struct lane *, bool eof);
/* Nothing is open: what is to come does not hang on what came. */
bool	 lane_is_idle(const struct lane *);
/* The stream is held from here on; LANE_FREE when it is not. */
uint64_t lane_hold(const struct lane *);
/* As finder_may_flush, of the text when it was last looked at. */
bool	 lane_may_flush(const struct lane *, size_t most);

/* The stream's last bytes: [base, base + n) with n - fresh of them seen before. */
struct lane_view {
	const uint8_t	*p;
	size_t		 n;
	uint64_t	 base;
	size_t		 fresh;
};

/* Without control sequences of terminals, overstrikes, and characters of no width. */
struct noise {
	struct lane	 lane;
	int		 state;
	uint8_t		 last;		/* the byte before, of what is seen */
	uint8_t		 lead[2];	/* of a character that may have no width */
	uint64_t	 pending;	/* where what is not decided begins */
	long		 credit;	/* bytes of noise that may still come */
	uint64_t	 until;		/* open until here, or longer if something is open */
};

void	 noise_init(struct noise *, const struct secretscan *, secretscan_fn, void *arg);
/* Where noise begins in p, at or after `at`; n for nowhere. What could become noise if more came counts. */
size_t	 noise_find(const uint8_t *p, size_t n, size_t at);
/* Read on. As lane_settle. */
int	 noise_feed(struct noise *, const struct lane_view *);
/* The stream ends. As lane_settle. */
int	 noise_end(struct noise *);
uint64_t noise_hold(const struct noise *);
/* As finder_may_flush. */
bool	 noise_may_flush(const struct noise *, size_t most);
/* The length of a colour or a character set at p, which has to be said again after a mask; 0 for anything else. */
size_t	 noise_rendition(const uint8_t *p, size_t n);

/* What base64 says that is in the stream. */
struct base64 {
	struct lane	 lane;
	uint32_t	 acc;
	size_t		 ndigits;	/* of this group */
	uint64_t	 first;		/* where its first digit stands */
	size_t		 gap;		/* bytes between two lines that were passed over */
	uint64_t	 hold;		/* the stream is held from here on, or LANE_FREE */
};

void	 base64_init(struct base64 *, const struct secretscan *, secretscan_fn, void *arg);
bool	 base64_is_digit(uint8_t c);
/*
 * Where base64 of text begins in p, at or after `at`, and ends; n for nowhere. What could become base64 if more came
 * counts.
 */
size_t	 base64_find(const uint8_t *p, size_t n, size_t at, size_t *endp);
/* As those of noise. */
int	 base64_feed(struct base64 *, const struct lane_view *);
int	 base64_end(struct base64 *);
bool	 base64_may_flush(const struct base64 *, size_t most);

#endif
