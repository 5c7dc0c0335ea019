/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/report.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/alloc.h"
#include "secretscan/report_int.h"

static const struct report_ops *const forms[] = {
	&report_text, &report_json, &report_jsonl, &report_sarif, &report_junit,
};

struct report *
report_new(const char *format, bool show_secrets)
{
	struct report *r;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(forms[i]->name, format) != 0)
			continue;
		r = xcalloc(1, sizeof(*r));
		r->ops = forms[i];
		r->show_secrets = show_secrets;
		if (r->ops->begin != NULL)
			(void)r->ops->begin(r);
		return r;
	}
	return NULL;
}

int
report_add(struct report *r, const struct record *record)
{
	int e = r->ops->add(r, record);

	r->count++;
	return e != 0 || ferror(stdout) ? -1 : 0;
}

int
report_end(struct report *r)
{
	int e = r->ops->end != NULL ? r->ops->end(r) : 0;

	free(r);
	return fflush(stdout) != 0 || ferror(stdout) ? -1 : e;
}

/* The length of the character of UTF-8 at p, and which it is; 0 when there is none. */
static size_t
utf8_at(const uint8_t *p, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 && p[0] < 0xf8 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;

	if (len == 0 || len > n || p[0] >= 0xf8)
		return 0;
	*cp = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	return *cp < least[len] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp < 0xe000) ? 0 : len;
}

static bool
is_safe(uint32_t cp)
{
	return cp >= 0x20 && (cp < 0x7f || cp > 0x9f) && cp != 0x61c && !(cp >= 0x200b && cp <= 0x200f) &&
	    !(cp >= 0x2028 && cp <= 0x202e) && !(cp >= 0x2060 && cp <= 0x206f) && cp != 0xfeff;
}

void
report_put_safe(FILE *out, const void *vp, size_t n)
{
	const uint8_t *p = vp;
	uint32_t cp;
	size_t len;

	for (size_t i = 0; i < n; i += len) {
		if ((len = utf8_at(p + i, n - i, &cp)) > 0 && is_safe(cp)) {
			fwrite(p + i, 1, len, out);
			continue;
		}
		len = len > 0 ? len : 1;
		for (size_t k = 0; k < len; k++)
			fprintf(out, "\\x%02x", p[i + k]);
	}
}

char *
report_utf8(const void *vp, size_t n)
{
	const uint8_t *p = vp;
	char *text = xcalloc(2 * n + 1, 1);
	size_t len = 0, step;
	uint32_t cp;

	for (size_t i = 0; i < n; i += step) {
		if ((step = utf8_at(p + i, n - i, &cp)) == 0)
			break;
		memcpy(text + len, p + i, step);
		len += step;
	}
	if (len == n)
		return text;
	len = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] >= 0x80)
			text[len++] = (char)(0xc0 | p[i] >> 6);
		text[len++] = (char)(p[i] >= 0x80 ? 0x80 | (p[i] & 0x3f) : p[i]);
	}
	text[len] = '\0';
	return text;
}
