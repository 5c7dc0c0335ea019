/* SPDX-License-Identifier: Apache-2.0 */
/* A recording from anywhere: the reader, and what is shown of it. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/record/castread.h"
#include "bastion/record/inert.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct buf *out = buf_new(32 * 1024 * 1024);
	struct inert *filter = inert_new(INERT_TERMINAL);
	struct castread *r = NULL;
	struct cast_event e;

	if (fd != -1 && write(fd, p, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0 && castread_open(fd, &r) == 0) {
		while (castread_next(r, &e) == 0)
			if (inert_filter(filter, e.data, e.ndata, out) != 0)
				break;
	}
	castread_free(r);
	inert_free(filter);
	buf_free(out);
	return 0;
}
