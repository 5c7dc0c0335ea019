/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/variable.h"

#include <stdlib.h>
#include <string.h>

#include "bastion/base/xmalloc.h"
#include "bastion/policy/decide.h"

static const char *
after_slash(const char *identity)
{
	const char *slash = identity == NULL ? NULL : strchr(identity, '/');

	return slash == NULL ? identity : slash + 1;
}

enum variable { VAR_IDENTITY, VAR_NAME, VAR_OWNER, VAR_OWNER_NAME, VAR_SESSION, VARIABLES };

static const char *const words[VARIABLES] = { [VAR_IDENTITY] = "{identity}", [VAR_NAME] = "{name}", [VAR_OWNER] = "{owner}",
    [VAR_OWNER_NAME] = "{owner-name}", [VAR_SESSION] = "{session}" };

static const char *
value_of(const struct subject *who, size_t i)
{
	const char *const values[VARIABLES] = { [VAR_IDENTITY] = who->identity, [VAR_NAME] = after_slash(who->identity),
	    [VAR_OWNER] = who->owner, [VAR_OWNER_NAME] = after_slash(who->owner), [VAR_SESSION] = who->session };
	const char *v = values[i];

	/* A value that would match more than itself is none. */
	return v == NULL || *v == '\0' || strpbrk(v, "*?{}") != NULL ? NULL : v;
}

/* Which variable begins here; VARIABLES = none. */
static size_t
variable_at(const char *s)
{
	size_t i = 0;

	while (i < VARIABLES && strncmp(s, words[i], strlen(words[i])) != 0)
		i++;
	return i;
}

const char *
variables_fault(const char *pattern)
{
	for (const char *s = strchr(pattern, '{'); s != NULL; s = strchr(s + 1, '{'))
		if (variable_at(s) == VARIABLES)
			return s;
	return NULL;
}

char *
variables_fill(const char *pattern, const struct subject *who)
{
	char *out = xstrdup("");

	for (const char *s = pattern; *s != '\0';) {
		size_t i = who == NULL ? VARIABLES : variable_at(s), n = 1 + strcspn(s + 1, "{");
		const char *value = i == VARIABLES ? NULL : value_of(who, i);
		char *longer;

		if (i != VARIABLES && value == NULL) {
			free(out);
			return NULL;
		}
		longer = value == NULL ? xasprintf("%s%.*s", out, (int)n, s) : xasprintf("%s%s", out, value);
		s += value == NULL ? n : strlen(words[i]);
		free(out);
		out = longer;
	}
	return out;
}

bool
patterns_name(const struct strvec *patterns, const char *text, const struct subject *who, pattern_fn fn, bool unsure)
{
	for (size_t i = 0; i < patterns->n; i++) {
		char *filled = strchr(patterns->v[i], '{') == NULL ? NULL : variables_fill(patterns->v[i], who);
		bool named;

		if (filled == NULL && strchr(patterns->v[i], '{') != NULL)
			named = unsure;
		else
			named = fn(filled != NULL ? filled : patterns->v[i], text);
		free(filled);
		if (named)
			return true;
	}
	return false;
}
