/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/secretscan.h"

struct report {
	enum report_format	 format;
	bool			 show_secrets;
	size_t			 count;
};

static const struct {
	const char		*name;
	enum report_format	 format;
} formats[] = {
	{ "text", REPORT_TEXT },
	{ "json", REPORT_JSON },
	{ "jsonl", REPORT_JSONL },
};

bool
report_format_parse(const char *name, enum report_format *formatp)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i].name, name) == 0) {
			*formatp = formats[i].format;
			return true;
		}
	}
	return false;
}

struct report *
report_new(enum report_format format, bool show_secrets)
{
	struct report *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->format = format;
	r->show_secrets = show_secrets;
	return r;
}

void
report_free(struct report *r)
{
	free(r);
}

/* Where the last byte of the secret stands. */
static void
end_place(const uint8_t *p, const struct secretscan_finding *f, size_t *linep, size_t *columnp)
{
	*linep = f->line;
	*columnp = f->column;
	for (size_t i = f->start; i + 1 < f->end; i++) {
		++*columnp;
		if (p[i] == '\n') {
			++*linep;
			*columnp = 1;
		}
	}
}

/* A name or a secret may be any bytes; what is not UTF-8 is shown byte by byte as Latin-1. */
static json_t *
json_bytes(const void *vp, size_t n)
{
	const uint8_t *p = vp;
	json_t *j = json_stringn(vp, n);
	char *text;
	size_t len = 0;

	if (j != NULL || (text = malloc(2 * n + 1)) == NULL)
		return j;
	for (size_t i = 0; i < n; i++) {
		if (p[i] >= 0x80)
			text[len++] = (char)(0xc0 | p[i] >> 6);
		text[len++] = (char)(p[i] >= 0x80 ? 0x80 | (p[i] & 0x3f) : p[i]);
	}
	j = json_stringn(text, len);
	free(text);
	return j;
}

static json_t *
as_json(const struct report *r, const char *name, const uint8_t *p, const struct secretscan_finding *f)
{
	size_t line, column;
	json_t *o;

	end_place(p, f, &line, &column);
	o = json_pack("{s:o, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:f}",
	    "file", json_bytes(name, strlen(name)), "line", (json_int_t)f->line, "column", (json_int_t)f->column,
	    "end_line", (json_int_t)line, "end_column", (json_int_t)column, "rule", f->rule,
	    "description", f->description, "fingerprint", f->fingerprint, "masked", f->masked, "entropy", f->entropy);
	if (o != NULL && r->show_secrets)
		json_object_set_new(o, "secret", json_bytes(p + f->start, f->end - f->start));
	return o;
}

/* Bytes for a terminal: nothing that could move its cursor. */
static void
put_bytes(const void *vp, size_t n)
{
	const uint8_t *p = vp;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < 0x20 || p[i] == 0x7f)
			printf("\\x%02x", p[i]);
		else
			putchar(p[i]);
	}
}

static int
add_text(const struct report *r, const char *name, const uint8_t *p, const struct secretscan_finding *f)
{
	put_bytes(name, strlen(name));
	printf(":%zu:%zu: %s: %s: ", f->line, f->column, f->rule, f->description);
	if (r->show_secrets)
		put_bytes(p + f->start, f->end - f->start);
	else
		printf("%s", f->masked);
	printf(" (%s)\n", f->fingerprint);
	return ferror(stdout) ? -1 : 0;
}

int
report_add(struct report *r, const char *name, const uint8_t *p, size_t n, const struct secretscan_finding *f)
{
	json_t *o;
	int e;

	if (f->end > n)
		return -1;
	if (r->format == REPORT_TEXT)
		return add_text(r, name, p, f);
	if ((o = as_json(r, name, p, f)) == NULL)
		return -1;
	if (r->format == REPORT_JSON)
		printf("%s", r->count > 0 ? ",\n " : "[");
	r->count++;
	e = json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(4));
	json_decref(o);
	if (r->format == REPORT_JSONL)
		putchar('\n');
	return e != 0 || ferror(stdout) ? -1 : 0;
}

int
report_end(struct report *r)
{
	if (r->format == REPORT_JSON)
		printf("%s]\n", r->count == 0 ? "[" : "");
	return fflush(stdout) != 0 ? -1 : 0;
}
