/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/bare-shell.h"

#include <string.h>

/* The next word, divided by blanks; its length. Letters, '/' and '-' are all that is meant: nothing is quoted. */
static size_t
next_word(const uint8_t **p, const uint8_t *end, const char **word)
{
	size_t n = 0;

	while (*p < end && **p == ' ')
		(*p)++;
	*word = (const char *)*p;
	while (*p + n < end && (*p)[n] != ' ')
		n++;
	*p += n;
	return n;
}

static bool
is_one_of(const char *word, size_t n, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strlen(*list) == n && memcmp(*list, word, n) == 0)
			return true;
	return false;
}

bool
is_bare_shell(const uint8_t *command, size_t n)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ksh", "zsh", NULL };
	static const char *const folders[] = { "/bin/", "/usr/bin/", NULL };
	static const char *const options[] = { "-l", "--login", "-s", NULL };
	const uint8_t *p = command, *end = command + n;
	const char *word;
	size_t len = next_word(&p, end, &word);

	for (const char *const *f = folders; *f != NULL; f++)
		if (len > strlen(*f) && memcmp(word, *f, strlen(*f)) == 0) {
			word += strlen(*f);
			len -= strlen(*f);
			break;
		}
	if (!is_one_of(word, len, shells))
		return false;
	while ((len = next_word(&p, end, &word)) > 0)
		if (!is_one_of(word, len, options))
			return false;
	return true;
}
