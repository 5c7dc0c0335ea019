/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare-shell: commands that are nothing but a shell which reads what to do from standard input, as editors that work
 * remotely start it (`ssh -T HOST bash`). They are the same as asking for a shell without a terminal.
 */
#ifndef POLICY_BARE_SHELL_H
#define POLICY_BARE_SHELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the command is a shell's name, bare or in /bin or /usr/bin, with no word behind it but -l, --login and -s. */
bool	is_bare_shell(const uint8_t *command, size_t n);

#endif
