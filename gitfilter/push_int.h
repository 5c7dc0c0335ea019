/* SPDX-License-Identifier: Apache-2.0 */
/* push_int: what push.c and report.c share. */
#ifndef GITFILTER_PUSH_INT_H
#define GITFILTER_PUSH_INT_H

#include "gitfilter/limits.h"
#include "gitfilter/push.h"

struct pktline_reader;

enum push_cap {
	PUSH_CAP_REPORT = 1,
	PUSH_CAP_REPORT_V2 = 2,
	PUSH_CAP_DELETE = 4,
	PUSH_CAP_BAND = 8,
	PUSH_CAP_QUIET = 16,
	PUSH_CAP_ATOMIC = 32,
	PUSH_CAP_OFS = 64,
	PUSH_CAP_OPTIONS = 128,
	PUSH_CAP_NO_THIN = 256,
};

struct push {
	struct push_limits	 limits;
	enum push_state		 state;
	struct pktline_reader	*reader;	/* owned */
	struct push_command	*commands;	/* owned */
	size_t			 n, cap;
	char			**options;	/* owned, with each string */
	size_t			 noptions;
	unsigned		 shallows;	/* lines that were heard */
	unsigned		 caps;		/* enum push_cap; of the first command line */
	bool			 reported;
	char			 why[REASON_MAX];
};

#define PUSH_AGENT	"sallyport/" PACKAGE_VERSION

#endif
