/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note: C2SP signed notes as far as the audit log needs them: verifier keys "NAME+HASH+BASE64", checkpoint texts (three
 * lines: origin, size, root hash in base64), and signature lines, Ed25519 (algorithm byte 0x01).
 */
#ifndef IDENT_NOTE_H
#define IDENT_NOTE_H

#include <stddef.h>
#include <stdint.h>

#define NOTE_KEY_LEN	32
#define NOTE_ROOT_LEN	32
#define NOTE_NAME_MAX	128
#define NOTE_TEXT_MAX	512	/* a checkpoint text */

struct note_checkpoint {
	char	 origin[NOTE_NAME_MAX + 1];
	uint64_t size;
	uint8_t	 root[NOTE_ROOT_LEN];
};

/* Read a checkpoint text: exactly three lines, each ended by LF, a size without leading zeros. 0 or ERR_FORMAT. */
int	note_checkpoint_parse(const void *p, size_t n, struct note_checkpoint *);

/* "NAME+HASH+BASE64" of a public key; the caller frees. */
char	*note_key_line(const char *name, const uint8_t key[NOTE_KEY_LEN]);
/* Read one such line, a final LF is fine; the hash must fit. 0 and *namep (the caller frees) and key, or ERR_FORMAT. */
int	note_key_parse(const char *line, char **namep, uint8_t key[NOTE_KEY_LEN]);
/* The same from a file, such as keys/audit.pub. Also ERR_SYSTEM, ERR_TOOBIG. */
int	note_key_read(const char *path, char **namep, uint8_t key[NOTE_KEY_LEN]);

/* The signature line over a text, with its LF; the caller frees. secret is libsodium's 64 bytes. */
char	*note_sign(const char *name, const uint8_t secret[64], const void *text, size_t n);
/* Whether line (as note_sign makes it) is this key's signature over the text. 0, ERR_FORMAT, ERR_CRYPTO. */
int	note_verify(const char *name, const uint8_t key[NOTE_KEY_LEN], const void *text, size_t n, const char *line);

#endif
