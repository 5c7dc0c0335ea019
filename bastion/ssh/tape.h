/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tape: one channel's recording as the session process sees it. What is written goes to the audit process; tape_kept says
 * how much of it is in the file. Nothing is released to anybody before it is kept.
 */
#ifndef SSH_TAPE_H
#define SSH_TAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "bastion/record/cast.h"

struct link;
struct tape;

/* Asks the audit process for a recording of this channel number. */
struct tape	*tape_new(struct link *audit, uint32_t channel, const struct cast_params *);
/* Closes the recording if it is open. NULL is fine. */
void		 tape_free(struct tape *);

enum tape_state { TAPE_OPENING, TAPE_OPEN, TAPE_CLOSING, TAPE_CLOSED, TAPE_FAILED };

enum tape_state	 tape_state(const struct tape *);
const char	*tape_id(const struct tape *);		/* "S-XXXXXXXXXX.1" once open, else "" */
uint32_t	 tape_channel(const struct tape *);
/* How much is behind us: bytes written, bytes in the file. */
uint64_t	 tape_written(const struct tape *);
uint64_t	 tape_kept(const struct tape *);
/* True when more may be written now: the audit process keeps up. */
bool		 tape_has_room(const struct tape *);

/* 0 or an error code: then the session must stop. now_us as in cast.h. */
int	tape_data(struct tape *, enum cast_stream, const void *p, size_t n, int64_t now_us);
int	tape_resize(struct tape *, unsigned cols, unsigned rows, int64_t now_us);
int	tape_marker(struct tape *, const char *text, int64_t now_us);
/* A marker of now, for nobody to wait for. */
void	tape_notef(struct tape *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The exit event (status, or signal's name) and the seal. State becomes TAPE_CLOSED when it is durable. */
int	tape_close(struct tape *, int status, const char *signal, int64_t now_us);

/* What the audit process answered; the session hands it on. ok = 0: text is the error line. */
void	tape_opened(struct tape *, int ok, const char *text);
void	tape_acked(struct tape *, uint64_t bytes);
void	tape_sealed(struct tape *);
/* Nothing more will be kept, and no answer comes: TAPE_FAILED, unless it is closed already. */
void	tape_fail(struct tape *);

#endif
