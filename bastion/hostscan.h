/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostscan: the host certificates of targets that are known by a CA. libssh cannot ask for one, so ssh-keyscan does, bounded
 * in time and output; what it found is kept for some minutes and judged anew at each use.
 */
#ifndef BASTION_HOSTSCAN_H
#define BASTION_HOSTSCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct conf_target;
struct daemon;
struct strvec;

#define HOSTSCAN_KEEP_MS	(5 * 60 * 1000)

/* The certificates as "TYPE BASE64", borrowed; none, and why, when the scan brought nothing. */
typedef void (*hostscan_fn)(const struct strvec *lines, const char *why, void *arg);
/*
 * fresh: what is kept will not do (the host may have a new key). fn is called once, perhaps before this returns. Those who
 * ask for the same host at the same time share one scan.
 */
void	hostscan_start(struct daemon *, const struct conf_target *, int64_t timeout_ms, bool fresh, hostscan_fn, void *arg);
/* A child has ended; true when it was one of these. */
bool	hostscan_ended(struct daemon *, pid_t);

#endif
