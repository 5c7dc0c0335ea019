/* SPDX-License-Identifier: Apache-2.0 */
/* maskname: names of files can be secrets as well: how they are written where everybody reads. */
#ifndef SECRETSCAN_MASKNAME_H
#define SECRETSCAN_MASKNAME_H

struct secretscan;

/* A copy (caller frees) with the masked form of each secret in the place of it. Without a scanner nothing is masked. */
char	*maskname(const struct secretscan *, const char *name);

#endif
