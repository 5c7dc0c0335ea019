/* SPDX-License-Identifier: Apache-2.0 */
/* Baselines come with the tree that is scanned, when that is allowed: an entry or a slip with its line, never a crash. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "secretscan/baseline.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t key[BASELINE_KEY];
	struct baseline *b = baseline_new(key);
	int fd = memfd_create("baseline", MFD_CLOEXEC);
	char path[64], *error = NULL;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (b == NULL || fd == -1 || write(fd, p, n) != (ssize_t)n)
		abort();
	if ((baseline_read(b, path, &error) == 0) != (error == NULL))
		abort();
	(void)baseline_has(b, "github-token", "0123456789abcdef", "a");
	free(error);
	baseline_free(b);
	close(fd);
	return 0;
}
