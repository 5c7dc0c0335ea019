/* SPDX-License-Identifier: Apache-2.0 */
/* keygen: the real ssh-keygen for the tests of this room, in a folder of its own that goes away with the test. */
#ifndef TEST_CERT_KEYGEN_H
#define TEST_CERT_KEYGEN_H

#include <stddef.h>
#include <stdint.h>

/* A fresh folder; the caller hands it to keygen_dir_remove. */
char	*keygen_dir_make(void);
void	 keygen_dir_remove(char *dir);
/* Run "ssh-keygen WORDS" in dir, the words divided by single spaces, '~' an empty word. Its exit status. */
int	 keygen(const char *dir, const char *words);
/* The blob of a public key or certificate file in dir; the caller frees. The test fails when there is none. */
uint8_t	*keygen_blob(const char *dir, const char *name, size_t *lenp);

#endif
