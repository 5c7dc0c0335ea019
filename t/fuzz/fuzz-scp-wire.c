/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of scp from one input: each byte of the first half goes to whose turn it is. No name leads out of its folder,
 * no piece is longer than what was given, and a piece that is given byte by byte is the same piece.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/err.h"
#include "bastion/ssh/scp-wire.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_names(const struct scp_wire *w)
{
	const char *name = scp_name(w), *folder = scp_folder(w);

	if (strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || folder[0] == '/' ||
	    strstr(folder, "//") != NULL || strstr(folder, "/../") != NULL || strncmp(folder, "../", 3) == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct scp_wire *whole = scp_wire_new(true), *bits = scp_wire_new(true);
	struct scp_piece a, b;

	while (n > 0 && scp_turn(whole) != SCP_NOBODY) {
		enum scp_turn turn = scp_turn(whole);
		int r = scp_next(whole, p, n, &a), e = ERR_SHORT;
		size_t some = 0;

		if (r == 0 && (a.n == 0 || a.n > n || (a.text != NULL && (const uint8_t *)a.text + a.text_len > p + n)))
			abort();
		if (turn != scp_turn(bits))
			abort();
		if (r == 0 && a.kind == SCP_DATA) {
			if (scp_next(bits, p, a.n, &b) != 0 || b.n != a.n)
				abort();
		} else {
			while (e == ERR_SHORT && some < n)
				e = scp_next(bits, p, ++some, &b);
			if (e != r || (r == 0 && (some != a.n || b.kind != a.kind || b.size != a.size)))
				abort();
		}
		check_names(whole);
		if (r != 0)
			break;
		if (a.kind == SCP_FILE && a.mode == 0) {
			scp_refuse(whole);
			scp_refuse(bits);
		}
		p += a.n;
		n -= a.n;
	}
	scp_wire_free(whole);
	scp_wire_free(bits);
	return 0;
}
