/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a log or of a checkpoint: lines, sequence numbers, event names, notes, keys; and a sender's record. */
#include <jansson.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bastion/audit/checkpoint.h"
#include "bastion/audit/logread.h"
#include "bastion/audit/record.h"
#include "bastion/base/buf.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
one_line(const char *line, size_t n)
{
	struct record_stamp st = { .event = "exec.start", .session = "S-0123456789" };
	struct buf *out = buf_new(AUDIT_LINE_MAX * 2);
	json_t *members = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
	uint64_t seq;

	(void)record_seq(line, n, &seq);
	(void)record_event_starts(line, n, "recording.");
	if (members != NULL && record_line(&st, RECORD_DAEMON, members, out) == 0 &&
	    record_seq((const char *)buf_ptr(out), buf_len(out), &seq) != 0)
		__builtin_trap();
	json_decref(members);
	buf_free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct logread *lr = NULL;
	struct checkpoint c;
	struct audit_key k;
	const char *line;
	size_t len;

	(void)checkpoint_parse(p, n, &c, &len);
	(void)audit_key_parse(p, n, &k);
	if (fd != -1 && write(fd, p, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0 && (lr = logread_new(fd)) != NULL)
		while (logread_next(lr, &line, &len) == 0)
			one_line(line, len);
	logread_free(lr);
	return 0;
}
