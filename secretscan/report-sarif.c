/* SPDX-License-Identifier: Apache-2.0 */
/* SARIF 2.1.0 (OASIS). Results come first and as they come; the rules that they name follow at the end. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/alloc.h"
#include "secretscan/ascii.h"
#include "secretscan/record.h"
#include "secretscan/report_int.h"

struct sarif_rule {
	char	*id, *description, *provider;
};

struct sarif {
	struct sarif_rule	*rules;		/* that were named */
	size_t			 n;
};

static int
sarif_begin(struct report *r)
{
	r->state = xcalloc(1, sizeof(struct sarif));
	printf("{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{"
	    "\"columnKind\":\"unicodeCodePoints\",\"results\":[");
	return 0;
}

static size_t
rule_index(struct sarif *s, const struct record *f)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(s->rules[i].id, f->rule) == 0)
			return i;
	}
	s->rules = xreallocarray(s->rules, s->n + 1, sizeof(*s->rules));
	s->rules[s->n++] = (struct sarif_rule){ xstrdup(f->rule), xstrdup(f->description), xstrdup(f->provider) };
	return i;
}

/* A path as a relative reference (RFC 3986): its first part must not look like a scheme. Caller frees. */
static char *
as_uri(const char *path)
{
	char *uri = xcalloc(strlen(path) * 3 + 3, 1), *out = uri;

	if (path[0] != '/' && path[0] != '.' && memchr(path, ':', strcspn(path, "/")) != NULL)
		out = stpcpy(out, "./");
	for (const char *p = path; *p != '\0'; p++) {
		if (ascii_is_alnum((uint8_t)*p) || strchr("/-._~", *p) != NULL)
			*out++ = *p;
		else
			out += snprintf(out, 4, "%%%02X", (unsigned char)*p);
	}
	return uri;
}

static json_t *
as_text(const void *p, size_t n)
{
	char *text = report_utf8(p, n);
	json_t *j = json_string(text);

	free(text);
	return j;
}

static json_t *
message_of(const struct report *r, const struct record *f)
{
	char *shown = r->show_secrets ? report_utf8(f->secret, f->secret_len) :
	    report_utf8(f->masked, strlen(f->masked));
	char *text;
	json_t *j;

	text = xasprintf("%s: %s%s%s", f->description, shown, f->member[0] != '\0' ? " in " : "", f->member);
	j = as_text(text, strlen(text));
	free(text);
	free(shown);
	return j;
}

static json_t *
properties_of(const struct record *f)
{
	json_t *o = json_pack("{s:s, s:f, s:o, s:o}", "masked", f->masked, "entropy", f->entropy,
	    "decoded", as_text(f->decoded, strlen(f->decoded)), "member", as_text(f->member, strlen(f->member)));

	if (o != NULL && f->object != NULL) {
		json_object_set_new(o, "commit", json_string(f->commit != NULL ? f->commit : ""));
		json_object_set_new(o, "object", json_string(f->object));
	}
	if (o != NULL && f->pair != NULL)
		json_object_set_new(o, "pair", json_string(f->pair));
	return o;
}

static int
sarif_add(struct report *r, const struct record *f)
{
	size_t index = rule_index(r->state, f);
	char *uri = as_uri(f->file);
	json_t *o;
	int e;

	o = json_pack("{s:s, s:I, s:s, s:{s:o}, s:[{s:{s:{s:s}, s:{s:I, s:I, s:I, s:I}}}], s:{s:s}, s:o}",
	    "ruleId", f->rule, "ruleIndex", (json_int_t)index, "level", "error", "message", "text", message_of(r, f),
	    "locations", "physicalLocation", "artifactLocation", "uri", uri, "region",
	    "startLine", (json_int_t)f->line, "startColumn", (json_int_t)f->char_column,
	    "endLine", (json_int_t)f->end_line, "endColumn", (json_int_t)f->char_end_column,
	    "partialFingerprints", "secretscan/v1", f->fingerprint, "properties", properties_of(f));
	free(uri);
	if (o == NULL)
		return -1;
	printf("%s", r->count > 0 ? ",\n" : "\n");
	e = json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(4));
	json_decref(o);
	return e;
}

/* With what GitHub's code scanning asks for beyond the standard: a longer text, help, a tag and a number to sort by. */
static json_t *
describe(const struct sarif_rule *rule)
{
	char *full = rule->provider[0] != '\0' ? xasprintf("%s (%s)", rule->description, rule->provider) :
	    xstrdup(rule->description);
	json_t *o;

	o = json_pack("{s:s, s:{s:o}, s:{s:o}, s:{s:s}, s:{s:o, s:[s], s:s}, s:{s:s}}", "id", rule->id,
	    "shortDescription", "text", as_text(rule->description, strlen(rule->description)),
	    "fullDescription", "text", as_text(full, strlen(full)),
	    "help", "text", "Take it out, and change it wherever it was in use: who has the history has the secret.",
	    "properties", "provider", as_text(rule->provider, strlen(rule->provider)), "tags", "security",
	    "security-severity", "8.0", "defaultConfiguration", "level", "error");
	free(full);
	return o;
}

static int
sarif_end(struct report *r)
{
	struct sarif *s = r->state;
	int e = 0;

	printf("],\n\"tool\":{\"driver\":{\"name\":\"secretscan\",\"version\":\"%s\",\"rules\":[", PACKAGE_VERSION);
	for (size_t i = 0; i < s->n; i++) {
		struct sarif_rule *rule = &s->rules[i];
		json_t *o = describe(rule);

		printf("%s", i > 0 ? ",\n" : "\n");
		if (o == NULL || json_dumpf(o, stdout, JSON_COMPACT) != 0)
			e = -1;
		json_decref(o);
		free(rule->id);
		free(rule->description);
		free(rule->provider);
	}
	printf("]}}}]}\n");
	free(s->rules);
	free(s);
	return e;
}

const struct report_ops report_sarif = { .name = "sarif", .begin = sarif_begin, .add = sarif_add, .end = sarif_end };
