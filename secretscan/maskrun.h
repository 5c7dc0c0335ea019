/* SPDX-License-Identifier: Apache-2.0 */
/* maskrun: secretscan --mask, standard input to standard output with what is secret masked. */
#ifndef SECRETSCAN_MASKRUN_H
#define SECRETSCAN_MASKRUN_H

struct options;
struct ruleset;

/* Until the end of the input; the exit status of the program (run.h). */
int	maskrun(const struct ruleset *, const struct options *);

#endif
