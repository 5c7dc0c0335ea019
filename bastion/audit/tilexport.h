/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tilexport: the signed part of the log as a C2SP tlog-tiles folder, entries included, for verifiers that are not
 * ours.
 */
#ifndef AUDIT_TILEXPORT_H
#define AUDIT_TILEXPORT_H

/* dir is made when missing. 0, or a code and *whyp (to free). */
int	tilexport(const char *state_dir, const char *dir, char **whyp);

#endif
