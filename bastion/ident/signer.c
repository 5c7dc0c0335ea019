/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/note.h"

#define RECORD_LEN	512	/* ca/signed, always: one write replaces it whole */
#define ROOT_TEXT	sodium_base64_ENCODED_LEN(NOTE_ROOT_LEN, sodium_base64_VARIANT_ORIGINAL)

struct signer {
	char		*name;
	uint8_t		 secret[crypto_sign_SECRETKEYBYTES];
	uint8_t		 public[crypto_sign_PUBLICKEYBYTES];
	int		 fd;
	bool		 has_last;
	struct note_checkpoint last;
};

/* "ORIGIN SIZE ROOT" and padding: the same three fields as a checkpoint text, so its parser judges them. */
static int
record_parse(struct signer *s, const char *record, size_t n)
{
	char text[RECORD_LEN + 1];
	size_t len = 0, spaces = 0;

	for (size_t i = 0; i < n && record[i] != '\n'; i++) {
		if (record[i] == ' ' && ++spaces > 2)
			break;
		text[len++] = record[i] == ' ' ? '\n' : record[i];
	}
	text[len++] = '\n';
	if (n != RECORD_LEN || note_checkpoint_parse(text, len, &s->last) != 0 || strcmp(s->last.origin, s->name) != 0)
		return ERR_FORMAT;
	s->has_last = true;
	return 0;
}

static int
record_read(struct signer *s)
{
	char record[RECORD_LEN];
	ssize_t n = pread(s->fd, record, sizeof(record), 0);

	if (n == -1)
		return ERR_SYSTEM;
	return n == 0 ? 0 : record_parse(s, record, (size_t)n);
}

/* Not synced: it outlives the process, which is all that a restart needs. */
static int
record_write(struct signer *s, const struct note_checkpoint *c)
{
	char record[RECORD_LEN], root[ROOT_TEXT];
	int n;

	sodium_bin2base64(root, sizeof(root), c->root, sizeof(c->root), sodium_base64_VARIANT_ORIGINAL);
	memset(record, ' ', sizeof(record));
	n = snprintf(record, sizeof(record), "%s %" PRIu64 " %s", c->origin, c->size, root);
	if (n < 0 || n >= RECORD_LEN - 1)
		return ERR_TOOBIG;
	record[n] = ' ';
	record[RECORD_LEN - 1] = '\n';
	return pwrite(s->fd, record, sizeof(record), 0) == RECORD_LEN ? 0 : ERR_SYSTEM;
}

int
signer_open(const char *dir, const char *name, const uint8_t seed[32], struct signer **sp)
{
	struct signer *s = xcalloc(1, sizeof(*s));
	char *path = file_join(dir, "signed");
	int r;

	s->name = xstrdup(name);
	(void)crypto_sign_seed_keypair(s->public, s->secret, seed);
	s->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = s->fd == -1 ? ERR_SYSTEM : record_read(s);
	if (r == 0) {
		*sp = s;
		s = NULL;
	}
	signer_free(s);
	free(path);
	return r;
}

void
signer_free(struct signer *s)
{
	int saved = errno;

	if (s == NULL)
		return;
	if (s->fd != -1)
		close(s->fd);
	free(s->name);
	freezero(s, sizeof(*s));
	errno = saved;
}

const uint8_t *
signer_key(const struct signer *s)
{
	return s->public;
}

int
signer_sign(struct signer *s, const void *text, size_t n, char **linep, const char **whyp)
{
	struct note_checkpoint c;
	int r = ERR_DENIED;

	if (note_checkpoint_parse(text, n, &c) != 0) {
		*whyp = "this is no checkpoint";
		return ERR_FORMAT;
	}
	if (strcmp(c.origin, s->name) != 0)
		*whyp = "the checkpoint's origin is not the name in keys/audit.pub";
	else if (s->has_last && c.size < s->last.size)
		*whyp = "the log is smaller than at the last signature: records are missing";
	else if (s->has_last && c.size == s->last.size && memcmp(c.root, s->last.root, sizeof(c.root)) != 0)
		*whyp = "the log differs from what was signed at the same size: records were altered";
	else if ((r = record_write(s, &c)) != 0)
		*whyp = "ca/signed cannot be written";
	if (r != 0)
		return r;
	s->last = c;
	s->has_last = true;
	*linep = note_sign(s->name, s->secret, text, n);
	return 0;
}
