/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/rulefile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "secretscan/ascii.h"
#include "secretscan/check.h"
#include "secretscan/limits.h"
#include "secretscan/rule.h"
#include "secretscan/secretscan.h"

struct parse {
	struct rules	*rules;
	const char	*name;
	yaml_document_t	*doc;
	char		**errorp;
};

static unsigned
line_of(const yaml_node_t *node)
{
	return (unsigned)node->start_mark.line + 1;
}

static int
wrong(const struct parse *ps, const yaml_node_t *node, const char *what)
{
	return rule_error(ps->errorp, ps->name, node != NULL ? line_of(node) : 1, "%s", what);
}

void
rules_release(struct rules *rs)
{
	for (size_t i = 0; i < rs->n; i++)
		rule_release(&rs->v[i]);
	free(rs->v);
	free(rs->texts);
	*rs = (struct rules){ 0 };
}

static bool
is_scalar(const yaml_node_t *node)
{
	/* A NUL would make the text that is compiled another one than the text that is read. */
	return node != NULL && node->type == YAML_SCALAR_NODE &&
	    memchr(node->data.scalar.value, '\0', node->data.scalar.length) == NULL;
}

static const char *
scalar_text(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

/* A scalar, or a list of scalars that are joined. */
static int
read_joined(const struct parse *ps, const yaml_node_t *node, struct rule_text *t)
{
	size_t n = 0;
	char *p = NULL;

	if (is_scalar(node)) {
		if ((t->p = strdup(scalar_text(node))) == NULL)
			return SECRETSCAN_NOMEM;
		t->n = strlen(t->p);
		t->line = line_of(node);
		return 0;
	}
	if (node == NULL || node->type != YAML_SEQUENCE_NODE)
		return wrong(ps, node, "expected a text, or a list of pieces that are joined");
	if ((p = malloc(SS_RULEFILE_MAX + 1)) == NULL)
		return SECRETSCAN_NOMEM;
	for (yaml_node_item_t *it = node->data.sequence.items.start; it < node->data.sequence.items.top; it++) {
		const yaml_node_t *piece = yaml_document_get_node(ps->doc, *it);

		if (!is_scalar(piece) || piece->data.scalar.length > SS_RULEFILE_MAX - n) {
			free(p);
			return wrong(ps, node, "expected pieces of text");
		}
		memcpy(p + n, piece->data.scalar.value, piece->data.scalar.length);
		n += piece->data.scalar.length;
	}
	p[n] = '\0';
	if ((t->p = realloc(p, n + 1)) == NULL) {
		free(p);
		return SECRETSCAN_NOMEM;
	}
	t->n = n;
	t->line = line_of(node);
	return 0;
}

static int
read_texts(const struct parse *ps, const yaml_node_t *node, struct rule_texts *texts)
{
	size_t n;
	int e;

	if (node->type != YAML_SEQUENCE_NODE)
		return wrong(ps, node, "expected a list");
	if (texts->v != NULL)
		return wrong(ps, node, "given twice");
	n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (n > 0 && (texts->v = calloc(n, sizeof(*texts->v))) == NULL)
		return SECRETSCAN_NOMEM;
	for (size_t i = 0; i < n; i++) {
		e = read_joined(ps, yaml_document_get_node(ps->doc, node->data.sequence.items.start[i]), &texts->v[i]);
		if (e != 0)
			return e;
		texts->n = i + 1;
	}
	return 0;
}

static int
read_scalar(const struct parse *ps, const yaml_node_t *node, enum field_type type, void *where)
{
	const char *text, *rest;
	char *end = NULL;

	if (!is_scalar(node))
		return wrong(ps, node, "expected a text");
	text = scalar_text(node);
	errno = 0;
	switch (type) {
	case FIELD_TEXT:
		if (*(char **)where != NULL)
			return wrong(ps, node, "given twice");
		if ((*(char **)where = strdup(text)) == NULL)
			return SECRETSCAN_NOMEM;
		return 0;
	case FIELD_BOOL:
		if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
			return wrong(ps, node, "expected true or false");
		*(bool *)where = text[0] == 't';
		return 0;
	case FIELD_NUMBER:
		*(double *)where = ascii_number(text, &rest);
		if (rest == text || *rest != '\0' || !(*(double *)where >= 0 && *(double *)where <= 8))
			return wrong(ps, node, "expected a number from 0 to 8");
		return 0;
	case FIELD_SIZE:
		if (text[0] < '0' || text[0] > '9')
			return wrong(ps, node, "expected a whole number");
		*(size_t *)where = strtoul(text, &end, 10);
		if (*end != '\0' || errno != 0)
			return wrong(ps, node, "expected a whole number");
		return 0;
	case FIELD_CHECK:
		if ((*(const struct check **)where = check_find(text)) == NULL)
			return wrong(ps, node, "no such check");
		return 0;
	case FIELD_VALUE:
		if (!value_kind_find(text, where))
			return wrong(ps, node, "expected password, argument, line, plain, token or key");
		return 0;
	default:
		return wrong(ps, node, "expected a list");
	}
}

static int
read_field(const struct parse *ps, struct rule *r, const yaml_node_t *key, const yaml_node_t *value)
{
	const struct rule_field *f;

	if (!is_scalar(key))
		return wrong(ps, key, "expected a name");
	for (size_t i = 0; (f = rule_field(i)) != NULL; i++) {
		void *where = (char *)r + f->offset;

		if (f->name == NULL || strcmp(f->name, scalar_text(key)) != 0)
			continue;
		if (f->type == FIELD_TEXTS || f->type == FIELD_SAMPLES)
			return read_texts(ps, value, where);
		return read_scalar(ps, value, f->type, where);
	}
	return rule_error(ps->errorp, ps->name, line_of(key), "unknown field \"%.40s\"", scalar_text(key));
}

static int
read_rule(const struct parse *ps, const yaml_node_t *node, const char *provider)
{
	struct rules *rs = ps->rules;
	struct rule *r, *grown;
	int e;

	if (node == NULL || node->type != YAML_MAPPING_NODE)
		return wrong(ps, node, "a rule is a mapping");
	if (rs->n >= SS_RULES_MAX)
		return wrong(ps, node, "too many rules");
	if ((grown = realloc(rs->v, (rs->n + 1) * sizeof(*rs->v))) == NULL)
		return SECRETSCAN_NOMEM;
	rs->v = grown;
	r = &rs->v[rs->n++];
	memset(r, 0, sizeof(*r));
	r->line = line_of(node);
	if ((r->file = strdup(ps->name)) == NULL || (r->provider = strdup(provider)) == NULL)
		return SECRETSCAN_NOMEM;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		e = read_field(ps, r, yaml_document_get_node(ps->doc, pair->key),
		    yaml_document_get_node(ps->doc, pair->value));
		if (e != 0)
			return e;
	}
	for (size_t i = 0; i < rs->n - 1; i++) {
		if (r->id != NULL && strcmp(rs->v[i].id, r->id) == 0)
			return wrong(ps, node, "a rule with this id exists already");
	}
	return rule_compile(r, ps->errorp);
}

static int
read_file(const struct parse *ps, const yaml_node_t *root)
{
	const yaml_node_t *rules = NULL;
	const yaml_node_item_t *it;
	const char *provider = NULL;
	int e = 0;

	if (root == NULL || root->type != YAML_MAPPING_NODE)
		return wrong(ps, root, "expected provider and rules");
	for (yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(ps->doc, pair->key);
		const yaml_node_t *value = yaml_document_get_node(ps->doc, pair->value);

		if (is_scalar(key) && strcmp(scalar_text(key), "provider") == 0 && is_scalar(value))
			provider = scalar_text(value);
		else if (is_scalar(key) && strcmp(scalar_text(key), "rules") == 0 && value->type == YAML_SEQUENCE_NODE)
			rules = value;
		else
			return wrong(ps, key, "expected `provider: NAME` and `rules:` with a list");
	}
	if (provider == NULL || rules == NULL)
		return wrong(ps, root, "expected `provider: NAME` and `rules:` with a list");
	for (it = rules->data.sequence.items.start; it < rules->data.sequence.items.top && e == 0; it++)
		e = read_rule(ps, yaml_document_get_node(ps->doc, *it), provider);
	return e;
}

int
rulefile_parse(struct rules *rs, const char *name, const void *p, size_t n, char **errorp)
{
	struct parse ps = { .rules = rs, .name = name, .errorp = errorp };
	yaml_document_t doc;
	yaml_parser_t parser;
	int e;

	*errorp = NULL;
	if (n > SS_RULEFILE_MAX)
		return rule_error(errorp, name, 1, "larger than %d bytes", SS_RULEFILE_MAX);
	if (!yaml_parser_initialize(&parser))
		return SECRETSCAN_NOMEM;
	yaml_parser_set_input_string(&parser, p, n);
	if (!yaml_parser_load(&parser, &doc)) {
		e = rule_error(errorp, name, (unsigned)parser.problem_mark.line + 1, "%s",
		    parser.problem != NULL ? parser.problem : "not YAML");
		yaml_parser_delete(&parser);
		return e;
	}
	ps.doc = &doc;
	e = read_file(&ps, yaml_document_get_root_node(&doc));
	yaml_document_delete(&doc);
	yaml_parser_delete(&parser);
	return e;
}
