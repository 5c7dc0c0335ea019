/* SPDX-License-Identifier: Apache-2.0 */
/* The file is taken in by the assembler, as a C array of a megabyte costs seconds to compile. */
#include "secretscan/builtin-pack.h"

__asm__(
    ".pushsection .rodata\n"
    ".balign 16\n"
    "secretscan_builtin_begin:\n"
    ".incbin \"secretscan/builtin.pack\"\n"
    "secretscan_builtin_end:\n"
    ".popsection\n");

extern const uint8_t secretscan_builtin_begin[], secretscan_builtin_end[];

const uint8_t *
builtin_pack(size_t *np)
{
	*np = (size_t)(secretscan_builtin_end - secretscan_builtin_begin);
	return secretscan_builtin_begin;
}
