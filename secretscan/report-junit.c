/* SPDX-License-Identifier: Apache-2.0 */
/* JUnit's XML: a failed test case a finding, or one that passed. The counts stand before the cases, so those wait. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/alloc.h"
#include "secretscan/record.h"
#include "secretscan/report_int.h"

struct junit {
	FILE	*out;
	char	*text;
	size_t	 len;
};

/* XML 1.0 has no control characters, not even escaped: they become question marks. */
static void
put_xml(FILE *out, const void *p, size_t n)
{
	char *text = report_utf8(p, n);

	for (const char *s = text; *s != '\0'; s++) {
		switch (*s) {
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '&': fputs("&amp;", out); break;
		case '"': fputs("&quot;", out); break;
		default: putc((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s, out);
		}
	}
	free(text);
}

static int
junit_begin(struct report *r)
{
	struct junit *j = xcalloc(1, sizeof(*j));

	j->out = open_memstream(&j->text, &j->len);
	r->state = j;
	return 0;
}

static int
junit_add(struct report *r, const struct record *f)
{
	struct junit *j = r->state;

	if (j->out == NULL)
		return -1;
	fputs("  <testcase classname=\"", j->out);
	put_xml(j->out, f->rule, strlen(f->rule));
	fputs("\" name=\"", j->out);
	put_xml(j->out, f->file, strlen(f->file));
	fprintf(j->out, ":%zu:%zu\" file=\"", f->line, f->column);
	put_xml(j->out, f->file, strlen(f->file));
	fprintf(j->out, "\" line=\"%zu\"><failure type=\"", f->line);
	put_xml(j->out, f->rule, strlen(f->rule));
	fputs("\" message=\"", j->out);
	put_xml(j->out, f->description, strlen(f->description));
	fputs("\">", j->out);
	if (f->object != NULL)
		fprintf(j->out, "commit %s object %s ", f->commit != NULL ? f->commit : "none", f->object);
	if (r->show_secrets)
		put_xml(j->out, f->secret, f->secret_len);
	else
		put_xml(j->out, f->masked, strlen(f->masked));
	fprintf(j->out, " %s</failure></testcase>\n", f->fingerprint);
	return ferror(j->out) ? -1 : 0;
}

static int
junit_end(struct report *r)
{
	struct junit *j = r->state;
	int e = j->out == NULL || fclose(j->out) != 0 ? -1 : 0;

	printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n <testsuite name=\"secretscan\" "
	    "tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n", r->count > 0 ? r->count : 1, r->count);
	if (r->count == 0)
		printf("  <testcase classname=\"secretscan\" name=\"no secrets\"/>\n");
	else if (e == 0)
		fwrite(j->text, 1, j->len, stdout);
	printf(" </testsuite>\n</testsuites>\n");
	free(j->text);
	free(j);
	return e;
}

const struct report_ops report_junit = { .name = "junit", .begin = junit_begin, .add = junit_add, .end = junit_end };
