/* SPDX-License-Identifier: Apache-2.0 */
/* given: small files that the command line names: a key, a baseline. A pipe is one as well, as in <(command). */
#ifndef SECRETSCAN_GIVEN_H
#define SECRETSCAN_GIVEN_H

/*
 * Opened for reading, or -1 and *whyp, a text without an end of its life: not there, neither a file nor a pipe, a pipe
 * to which nobody writes. errno is that of open(2), or 0.
 */
int	given_open(const char *path, const char **whyp);

#endif
