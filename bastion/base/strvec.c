/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/strvec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"

void
strvec_init(struct strvec *s)
{
	s->v = NULL;
	s->n = 0;
}

void
strvec_release(struct strvec *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	strvec_init(s);
}

void
strvec_take(struct strvec *s, char *str)
{
	s->v = xreallocarray(s->v, s->n + 2, sizeof(*s->v));
	s->v[s->n++] = str;
	s->v[s->n] = NULL;
}

void
strvec_push(struct strvec *s, const char *str)
{
	strvec_take(s, xstrdup(str));
}

void
strvec_pushf(struct strvec *s, const char *fmt, ...)
{
	char *str = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&str, fmt, ap) == -1)
		fatal("out of memory formatting an argument");
	va_end(ap);
	strvec_take(s, str);
}

bool
strvec_has(const struct strvec *s, const char *str)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i], str) == 0)
			return true;
	return false;
}

char *
strvec_join(const struct strvec *s, const char *sep)
{
	size_t n = 1, seplen = strlen(sep);
	char *out, *p;

	for (size_t i = 0; i < s->n; i++)
		n += strlen(s->v[i]) + seplen;
	p = out = xmalloc(n);
	*p = '\0';
	for (size_t i = 0; i < s->n; i++) {
		size_t len = strlen(s->v[i]);

		if (i > 0) {
			memcpy(p, sep, seplen);
			p += seplen;
		}
		memcpy(p, s->v[i], len);
		p += len;
	}
	*p = '\0';
	return out;
}
