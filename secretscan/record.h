/* SPDX-License-Identifier: Apache-2.0 */
/* record: a finding that is kept, with where it was found; owns its texts. */
#ifndef SECRETSCAN_RECORD_H
#define SECRETSCAN_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secretscan/secretscan.h"

struct record {
	char		*file;
	char		*commit;	/* of a repository, in hexadecimal; NULL outside of one */
	char		*object;
	char		*member;	/* "" when it is not in a container */
	char		*decoded;	/* encodings peeled; "" for none */
	const char	*rule, *description, *provider;		/* belong to the rules */
	const char	*pair;		/* fingerprint of the other half, belongs to its record; NULL for none */
	size_t		 content;	/* which of the run's contents, for pairs */
	uint64_t	 start;		/* byte of the content */
	size_t		 line, column, end_line, end_column;
	size_t		 char_column, char_end_column;	/* in characters of UTF-8, the end exclusive: what SARIF wants */
	char		 fingerprint[SECRETSCAN_FINGERPRINT + 1];
	char		 masked[SECRETSCAN_MASKED];
	double		 entropy;
	uint8_t		*secret;	/* NULL unless it is to be shown */
	size_t		 secret_len;
};

void	record_free(struct record *);
/* Order of a report: by file, commit, object, place and rule. For qsort over pointers. */
int	record_compare(const void *, const void *);

#endif
