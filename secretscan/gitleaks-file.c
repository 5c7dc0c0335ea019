/* SPDX-License-Identifier: Apache-2.0 */
/* The TOML of gitleaks: [[rules]], [allowlist] or [[allowlists]] for all or for one rule, [extend]. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/alloc.h"
#include "secretscan/ascii.h"
#include "secretscan/gitleaks.h"
#include "secretscan/gitleaks_int.h"
#include "secretscan/re2.h"
#include "secretscan/search.h"
#include "secretscan/toml.h"

#define EXTENDS_MAX	4		/* a file extends a file extends .. */
#define ENTRIES_MAX	4096

struct file {
	struct gitleaks	*g;
	const char	*name;
	char		*error;		/* "FILE:LINE: TEXT" */
	unsigned	 depth;
};

static void
wrong(struct file *f, const struct toml *v, const char *what, const char *why)
{
	if (f->error == NULL)
		f->error = xasprintf("%s:%u: %s%s%s", f->name, v->line, what, why[0] != '\0' ? ": " : "", why);
}

void
gitleaks_texts_add(struct gitleaks_texts *t, const char *text)
{
	t->v = xreallocarray(t->v, t->n + 1, sizeof(char *));
	t->v[t->n++] = xstrdup(text);
}

static const char *
get_text(struct file *f, const struct toml *table, const char *key)
{
	const struct toml *v = toml_get(table, key);

	if (v == NULL)
		return NULL;
	if (v->type == TOML_STRING)
		return v->text;
	wrong(f, v, key, "expected a text");
	return NULL;
}

static double
get_number(struct file *f, const struct toml *table, const char *key)
{
	const struct toml *v = toml_get(table, key);

	if (v == NULL)
		return 0;
	if ((v->type != TOML_INTEGER && v->type != TOML_FLOAT) || !(v->number >= 0 && v->number <= 1e6)) {
		wrong(f, v, key, "expected a number");
		return 0;
	}
	return v->number;
}

static bool
get_bool(struct file *f, const struct toml *table, const char *key)
{
	const struct toml *v = toml_get(table, key);

	if (v != NULL && v->type != TOML_BOOL)
		wrong(f, v, key, "expected true or false");
	return v != NULL && v->integer != 0;
}

static struct search *
compile(struct file *f, const struct toml *v, const char *what)
{
	const char *why = NULL;
	char *pattern, *error = NULL;
	struct search *s = NULL;
	bool utf = false;

	if ((pattern = re2_translate(v->text, &utf, &why)) == NULL) {
		wrong(f, v, what, why);
		return NULL;
	}
	if ((s = search_new(pattern, utf, &error)) == NULL)
		wrong(f, v, what, error);
	free(pattern);
	free(error);
	return s;
}

/* Each text of a list. */
static void
each(struct file *f, const struct toml *table, const char *key,
    void (*take)(struct file *, const struct toml *, void *), void *arg)
{
	const struct toml *v = toml_get(table, key);

	if (v != NULL && v->type != TOML_ARRAY) {
		wrong(f, v, key, "expected a list");
		return;
	}
	for (size_t i = 0; v != NULL && i < v->n; i++) {
		if (v->items[i]->type == TOML_STRING)
			take(f, v->items[i], arg);
		else
			wrong(f, v->items[i], key, "expected a text");
	}
}

static void
take_text(struct file *f, const struct toml *v, void *arg)
{
	(void)f;
	gitleaks_texts_add(arg, v->text);
}

static void
take_lower(struct file *f, const struct toml *v, void *arg)
{
	struct gitleaks_texts *t = arg;

	take_text(f, v, t);
	for (char *p = t->v[t->n - 1]; *p != '\0'; p++)
		*p = (char)ascii_lower((uint8_t)*p);
}

static void
take_search(struct file *f, const struct toml *v, void *arg)
{
	struct gitleaks_searches *t = arg;
	struct search *s = compile(f, v, "regex");

	if (s == NULL)
		return;
	t->v = xreallocarray(t->v, t->n + 1, sizeof(struct search *));
	t->v[t->n++] = s;
}

static void
read_allow(struct file *f, const struct toml *table, struct gitleaks_allows *to)
{
	struct gitleaks_allow *a;
	const char *text;

	if (table->type != TOML_TABLE) {
		wrong(f, table, "allowlist", "expected a table");
		return;
	}
	to->v = xreallocarray(to->v, to->n + 1, sizeof(*to->v));
	a = &to->v[to->n++];
	*a = (struct gitleaks_allow){ 0 };
	if ((text = get_text(f, table, "condition")) != NULL) {
		a->all = strcasecmp(text, "and") == 0 || strcmp(text, "&&") == 0;
		if (!a->all && strcasecmp(text, "or") != 0 && strcmp(text, "||") != 0)
			wrong(f, toml_get(table, "condition"), "condition", "expected AND or OR");
	}
	if ((text = get_text(f, table, "regexTarget")) != NULL) {
		a->target = strcmp(text, "match") == 0 ? TARGET_MATCH :
		    strcmp(text, "line") == 0 ? TARGET_LINE : TARGET_SECRET;
		if (a->target == TARGET_SECRET && strcmp(text, "secret") != 0 && text[0] != '\0')
			wrong(f, toml_get(table, "regexTarget"), "regexTarget", "expected secret, match or line");
	}
	each(f, table, "regexes", take_search, &a->regexes);
	each(f, table, "paths", take_search, &a->paths);
	each(f, table, "commits", take_lower, &a->commits);
	each(f, table, "stopwords", take_lower, &a->stopwords);
	each(f, table, "targetRules", take_text, &a->rules);
	if (f->error == NULL && a->regexes.n + a->paths.n + a->commits.n + a->stopwords.n == 0)
		wrong(f, table, "allowlist", "needs regexes, paths, commits or stopwords");
}

/* The older [allowlist], a table, and [[allowlists]]; both names stand for both. */
static void
read_allows(struct file *f, const struct toml *table, struct gitleaks_allows *to)
{
	static const char *const names[] = { "allowlist", "allowlists", "allowList" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct toml *v = toml_get(table, names[i]);

		if (v != NULL && v->type == TOML_TABLE)
			read_allow(f, v, to);
		for (size_t k = 0; v != NULL && v->type == TOML_ARRAY && k < v->n; k++)
			read_allow(f, v->items[k], to);
	}
}

static bool
has_entry(const struct gitleaks *g, const char *id)
{
	for (size_t i = 0; i < g->n; i++) {
		if (strcmp(g->v[i].id, id) == 0)
			return true;
	}
	return false;
}

static bool
is_id(const char *id)
{
	return id[0] != '\0' && strlen(id) <= 128 &&
	    strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(id);
}

static void
read_entry(struct file *f, const struct toml *table, size_t own)
{
	const char *id = get_text(f, table, "id"), *text;
	struct gitleaks *g = f->g;
	struct gitleaks_entry *en;

	if (table->type != TOML_TABLE || id == NULL || !is_id(id)) {
		wrong(f, table, "a rule needs an id, of letters, digits and -_.", "");
		return;
	}
	/* What extends a file goes before it; in one file an id stands once. */
	for (size_t i = own; i < g->n; i++) {
		if (strcmp(g->v[i].id, id) == 0)
			wrong(f, table, id, "a rule with this id exists already");
	}
	if (has_entry(g, id) || g->n >= ENTRIES_MAX || get_bool(f, table, "skipReport"))
		return;
	g->v = xreallocarray(g->v, g->n + 1, sizeof(*g->v));
	en = &g->v[g->n++];
	*en = (struct gitleaks_entry){ .id = xstrdup(id), .file = xstrdup(f->name) };
	en->description = xstrdup((text = get_text(f, table, "description")) != NULL && text[0] != '\0' ? text : id);
	if ((text = get_text(f, table, "regex")) != NULL && text[0] != '\0') {
		en->regex = compile(f, toml_get(table, "regex"), id);
		en->pattern = xstrdup(text);
	}
	if ((text = get_text(f, table, "path")) != NULL && text[0] != '\0')
		en->path = compile(f, toml_get(table, "path"), id);
	en->group = (size_t)get_number(f, table, "secretGroup");
	if (en->group > SEARCH_GROUPS)
		wrong(f, table, id, "secretGroup: too large");
	en->entropy = get_number(f, table, "entropy");
	each(f, table, "keywords", take_lower, &en->keywords);
	read_allows(f, table, &en->allows);
	if (f->error == NULL && en->regex == NULL && en->path == NULL && en->allows.n == 0)
		wrong(f, table, id, "needs a regex, a path, or an allowlist");
}

/* All of a file, ended by a NUL. NULL and f->error. */
static char *
load(struct file *f, size_t *np)
{
	FILE *in = fopen(f->name, "re");
	char *p = NULL;

	*np = 0;
	if (in != NULL) {
		p = xcalloc(TOML_BYTES_MAX + 2, 1);
		*np = fread(p, 1, TOML_BYTES_MAX + 1, in);
	}
	if (in == NULL || ferror(in)) {
		f->error = xasprintf("%s:0: %s", f->name, strerror(errno));
		free(p);
		p = NULL;
	}
	if (in != NULL)
		fclose(in);
	return p;
}

static void
read_extend(struct file *f, const struct toml *extend)
{
	const char *path = get_text(f, extend, "path");
	struct file base = { .g = f->g, .name = path, .depth = f->depth + 1 };
	struct toml *root;
	const struct toml *rules;
	size_t n, own = f->g->n;
	char *p;

	each(f, extend, "disabledRules", take_text, &f->g->disabled);
	if (path == NULL || path[0] == '\0' || f->error != NULL)
		return;
	if (base.depth > EXTENDS_MAX) {
		wrong(f, extend, "extend", "too many files that extend each other");
		return;
	}
	if ((p = load(&base, &n)) != NULL && (root = toml_parse(path, p, n, &base.error)) != NULL) {
		if ((rules = toml_get(root, "rules")) != NULL && rules->type != TOML_ARRAY)
			wrong(&base, rules, "rules", "expected [[rules]]");
		for (size_t i = 0; rules != NULL && i < rules->n && base.error == NULL; i++)
			read_entry(&base, rules->items[i], own);
		read_allows(&base, root, &f->g->allows);
		if (base.error == NULL && toml_get(root, "extend") != NULL)
			read_extend(&base, toml_get(root, "extend"));
		toml_free(root);
	}
	free(p);
	f->error = base.error;
}

int
gitleaks_read(struct gitleaks *g, const char *path, char **errorp)
{
	struct file f = { .g = g, .name = path };
	const struct toml *rules;
	struct toml *root = NULL;
	size_t n, own = g->n;
	char *p;

	if ((p = load(&f, &n)) != NULL && (root = toml_parse(path, p, n, &f.error)) != NULL) {
		rules = toml_get(root, "rules");
		if (rules != NULL && rules->type != TOML_ARRAY)
			wrong(&f, rules, "rules", "expected [[rules]]");
		for (size_t i = 0; rules != NULL && i < rules->n && f.error == NULL; i++)
			read_entry(&f, rules->items[i], own);
		read_allows(&f, root, &g->allows);
		if (f.error == NULL && toml_get(root, "extend") != NULL)
			read_extend(&f, toml_get(root, "extend"));
	}
	toml_free(root);
	free(p);
	*errorp = f.error;
	return f.error == NULL ? 0 : -1;
}
