/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "bastion/policy/script.h"
#include "bastion/base/xmalloc.h"
void
script_parse_into(struct script *s, const char *text, size_t n, unsigned depth)
{
	struct command *c = script_add(s);
	(void)depth;
	char *copy = xstrndup(text, n), *rest = copy, *word;
	if (strspn(copy, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,- ") != n)
		s->unresolved = "it is more than plain words";
	while (c != NULL && (word = strsep(&rest, " ")) != NULL)
		if (*word != '\0')
			script_add_word(s, &c->words, xstrdup(word), WORD_LITERAL, false, false);
	free(copy);
}
void
script_resolve(struct script *s)
{
	(void)s;
}
