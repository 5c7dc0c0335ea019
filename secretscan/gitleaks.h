/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gitleaks: rules and allow lists in the format of gitleaks' TOML, beside those of the library. Their expressions are
 * looked for in the whole content as soon as one of their keywords stands anywhere in it, which is what the format says,
 * and slow next to the library's anchors. secretscan-rules(5) tells what is taken over and how.
 */
#ifndef SECRETSCAN_GITLEAKS_H
#define SECRETSCAN_GITLEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secretscan/secretscan.h"

struct gitleaks;
struct gitleaks_scratch;	/* of one thread */

/* What allow lists and rules ask of a content besides its bytes. */
struct gitleaks_content {
	const char	*path;
	const char	*commit;	/* NULL for none */
	const uint8_t	*p;
	size_t		 n;
};

struct gitleaks	*gitleaks_new(const uint8_t key[32]);
void		 gitleaks_free(struct gitleaks *);
/* Add a file, and those that it extends. 0, or -1 and *errorp "FILE:LINE: TEXT" (caller frees). */
int		 gitleaks_read(struct gitleaks *, const char *path, char **errorp);
/* After the last file. 0, or a code of secretscan.h. */
int		 gitleaks_compile(struct gitleaks *);
/* Ids of other rules that are not to be used, because these have them or disable them. From 0; NULL past the last. */
const char	*gitleaks_without(const struct gitleaks *, size_t i);
/* The rule of this number, from 0; false past the last. */
bool		 gitleaks_rule(const struct gitleaks *, size_t i, struct secretscan_rule *rulep);

/* NULL when there is no memory. */
struct gitleaks_scratch	*gitleaks_scratch_new(const struct gitleaks *);
void			 gitleaks_scratch_free(struct gitleaks_scratch *);

/* The content is allowed as such, by its path or commit. */
bool	gitleaks_skips(const struct gitleaks *, struct gitleaks_scratch *, const struct gitleaks_content *);
/* A finding of any rule is allowed. */
bool	gitleaks_allows(const struct gitleaks *, struct gitleaks_scratch *, const struct gitleaks_content *,
	    const struct secretscan_finding *);
/* 0, SECRETSCAN_LIMIT when an expression took too long and *slowp has its rule, or what fn returned. */
int	gitleaks_scan(const struct gitleaks *, struct gitleaks_scratch *, const struct gitleaks_content *, secretscan_fn fn,
	    void *arg, const char **slowp);

#endif
