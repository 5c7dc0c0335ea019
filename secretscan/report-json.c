/* SPDX-License-Identifier: Apache-2.0 */
/* One array of objects, or one object a line: fields in a fixed order, so that lines can be sorted and merged. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/record.h"
#include "secretscan/report_int.h"

/* False when there is no memory. */
static bool
set_bytes(json_t *o, const char *name, const void *p, size_t n)
{
	char *text = report_utf8(p, n);
	int e = json_object_set_new(o, name, json_stringn(text, strlen(text)));

	if (e != 0 || memchr(p, '\0', n) != NULL)
		e = json_object_set_new(o, name, json_stringn_nocheck(p, n));
	free(text);
	return e == 0;
}

static bool
set_text(json_t *o, const char *name, const char *text)
{
	return set_bytes(o, name, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

static json_t *
as_json(const struct report *r, const struct record *f)
{
	json_t *o = json_object();
	bool ok;

	ok = o != NULL && set_text(o, "file", f->file) &&
	    json_object_set_new(o, "line", json_integer((json_int_t)f->line)) == 0 &&
	    json_object_set_new(o, "column", json_integer((json_int_t)f->column)) == 0 &&
	    json_object_set_new(o, "end_line", json_integer((json_int_t)f->end_line)) == 0 &&
	    json_object_set_new(o, "end_column", json_integer((json_int_t)f->end_column)) == 0 &&
	    set_text(o, "rule", f->rule) && set_text(o, "provider", f->provider) &&
	    set_text(o, "description", f->description) && set_text(o, "fingerprint", f->fingerprint) &&
	    set_text(o, "masked", f->masked) && json_object_set_new(o, "entropy", json_real(f->entropy)) == 0 &&
	    set_text(o, "decoded", f->decoded) && set_text(o, "member", f->member);
	if (ok && f->object != NULL)
		ok = set_text(o, "commit", f->commit) && set_text(o, "object", f->object);
	if (ok && f->pair != NULL)
		ok = set_text(o, "pair", f->pair);
	if (ok && r->show_secrets)
		ok = set_bytes(o, "secret", f->secret, f->secret_len);
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

static int
put_object(const struct report *r, const struct record *f)
{
	json_t *o = as_json(r, f);
	int e;

	if (o == NULL)
		return -1;
	e = json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(4));
	json_decref(o);
	return e;
}

static int
json_add(struct report *r, const struct record *f)
{
	printf("%s", r->count > 0 ? ",\n " : "[");
	return put_object(r, f);
}

static int
json_end(struct report *r)
{
	printf("%s]\n", r->count == 0 ? "[" : "");
	return 0;
}

static int
jsonl_add(struct report *r, const struct record *f)
{
	int e = put_object(r, f);

	putchar('\n');
	return e;
}

const struct report_ops report_json = { .name = "json", .add = json_add, .end = json_end };
const struct report_ops report_jsonl = { .name = "jsonl", .add = jsonl_add };
