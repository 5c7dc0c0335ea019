/* SPDX-License-Identifier: Apache-2.0 */
/* source: where the program's contents come from. */
#ifndef SECRETSCAN_SOURCE_H
#define SECRETSCAN_SOURCE_H

#include <stddef.h>
#include <stdint.h>

/* A larger content is an error of the run, not a silent skip. */
#define SOURCE_MAX	((size_t)2 << 30)

/* One content under the name that findings are reported with. Non-zero stops the walk. */
typedef int	(*source_fn)(const char *name, const uint8_t *p, size_t n, void *arg);
/* Something could not be read; the walk goes on, the program fails at its end. */
typedef void	(*source_error_fn)(const char *name, const char *why, void *arg);

struct source_sink {
	source_fn	 content;
	source_error_fn	 error;
	void		*arg;
};

/* A file, a folder with everything below it (links are not followed, .git is left out), or "-": standard input. */
int	source_path(const char *path, const struct source_sink *);
/* Every blob, commit and tag reachable from the range, or from any reference when it is NULL, and their paths. */
int	source_git(const char *repo, const char *range, const struct source_sink *);

#endif
