/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refcmd: one reference update as it stands in a push, "OLD NEW NAME", and the names and ids in it. Also the one place
 * that makes text from a client fit to be echoed.
 */
#ifndef GITFILTER_REFCMD_H
#define GITFILTER_REFCMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gitfilter/push.h"

/* Exactly OID_HEX lower-case hexadecimal digits at p, of n bytes. */
bool	oid_is_hex(const uint8_t *p, size_t n);
bool	oid_is_zero(const char *oid);
void	oid_format(const uint8_t raw[20], char out[OID_HEX + 1]);
/* out gets the 20 bytes of what oid_is_hex said yes to. */
void	oid_parse(const char *oid, uint8_t out[20]);

/*
 * Why a reference may not have this name, or NULL when it may: git-check-ref-format's rules, at least two components
 * under refs/, valid UTF-8 without control characters, shorter than REF_NAME_MAX.
 */
const char	*refname_fault(const uint8_t *p, size_t n);

/*
 * Where a push that is parked as this request leaves the tip meant for name (refs/..), below refs/sallyport/ (shelf.h). 0 or
 * ERR_TOOBIG.
 */
int	refname_review(const char *request, const char *name, char out[REF_NAME_MAX]);

/*
 * Parse a command line's data up to its capabilities. *capsp points at what follows the NUL (*capsnp bytes), NULL without
 * one. 0, or ERR_FORMAT with *whyp a constant sentence.
 */
int	refcmd_parse(const uint8_t *p, size_t n, struct push_command *, const uint8_t **capsp, size_t *capsnp,
	    const char **whyp);

/* n bytes as one printable ASCII line into out: everything else becomes '?'. Cut at size. */
void	text_clean(char *out, size_t size, const void *p, size_t n);

#endif
