/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/conf_tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "bastion/base/clock.h"
#include "bastion/base/err.h"
#include "bastion/base/id.h"
#include "bastion/base/xmalloc.h"

/* One parse: libyaml's events in, our tree out. */
struct builder {
	yaml_parser_t		 yaml;
	struct tree_error	*error;
	size_t			 nodes;
};

int
tree_fail(struct tree_error *e, unsigned line, const char *fmt, ...)
{
	va_list ap;
	char *raw = NULL, *text;

	if (e->text != NULL)
		return ERR_FORMAT;
	va_start(ap, fmt);
	if (vasprintf(&raw, fmt, ap) == -1)
		raw = NULL;
	va_end(ap);
	text = raw == NULL ? xstrdup("out of memory") : text_printable(raw, strlen(raw));
	e->text = line == 0 ? xasprintf("%s: %s", e->file, text) : xasprintf("%s:%u: %s", e->file, line, text);
	free(text);
	free(raw);
	return ERR_FORMAT;
}

void
tree_free(struct tree *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++) {
		tree_free(t->items[i]);
		if (t->keys != NULL)
			free(t->keys[i]);
	}
	free(t->items);
	free(t->keys);
	free(t->key_lines);
	free(t->text);
	free(t);
}

static unsigned
mark_line(yaml_mark_t m)
{
	return (unsigned)(m.line < 10000000 ? m.line + 1 : 0);
}

static int
next_event(struct builder *b, yaml_event_t *ev)
{
	const char *problem;

	if (yaml_parser_parse(&b->yaml, ev))
		return 0;
	problem = b->yaml.problem != NULL ? b->yaml.problem : "not YAML";
	return tree_fail(b->error, mark_line(b->yaml.problem_mark), "%s", problem);
}

/* What the schema has no use for is refused by name, so that nobody relies on it. */
static int
check_plain(struct builder *b, const yaml_event_t *ev)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (ev->type) {
	case YAML_ALIAS_EVENT:
		return tree_fail(b->error, mark_line(ev->start_mark), "aliases (*name) are not accepted; put it in quotes");
	case YAML_SCALAR_EVENT:
		anchor = ev->data.scalar.anchor;
		tag = ev->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = ev->data.sequence_start.anchor;
		tag = ev->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = ev->data.mapping_start.anchor;
		tag = ev->data.mapping_start.tag;
		break;
	default:
		break;
	}
	if (anchor != NULL)
		return tree_fail(b->error, mark_line(ev->start_mark), "anchors (&name) are not accepted; put it in quotes");
	if (tag != NULL)
		return tree_fail(b->error, mark_line(ev->start_mark), "tags (!name) are not accepted; put it in quotes");
	return 0;
}

static int
scalar_text(struct builder *b, const yaml_event_t *ev, char **sp)
{
	const char *s = (const char *)ev->data.scalar.value;
	size_t n = ev->data.scalar.length;

	if (n > TREE_MAX_SCALAR)
		return tree_fail(b->error, mark_line(ev->start_mark), "text is longer than %d bytes", TREE_MAX_SCALAR);
	if (memchr(s, '\0', n) != NULL)
		return tree_fail(b->error, mark_line(ev->start_mark), "text holds a NUL byte");
	*sp = xstrndup(s, n);
	return 0;
}

static int
map_key(struct builder *b, const yaml_event_t *ev, struct tree *map, char **keyp)
{
	unsigned line = mark_line(ev->start_mark);
	int r;

	if (ev->type != YAML_SCALAR_EVENT)
		return tree_fail(b->error, line, "a key must be a word");
	if ((r = check_plain(b, ev)) != 0 || (r = scalar_text(b, ev, keyp)) != 0)
		return r;
	if (strcmp(*keyp, "<<") == 0)
		return tree_fail(b->error, line, "merge keys (<<) are not accepted");
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->keys[i], *keyp) == 0)
			return tree_fail(b->error, line, "'%s' is given twice; first in line %u", *keyp, map->key_lines[i]);
	return 0;
}

static void
tree_append(struct tree *t, char *key, unsigned line, struct tree *item)
{
	/* Capacity is doubled at powers of two; n itself tells when. */
	if ((t->n & (t->n - 1)) == 0) {
		size_t cap = t->n == 0 ? 1 : t->n * 2;

		t->items = xreallocarray(t->items, cap, sizeof(*t->items));
		if (t->kind == TREE_MAP) {
			t->keys = xreallocarray(t->keys, cap, sizeof(*t->keys));
			t->key_lines = xreallocarray(t->key_lines, cap, sizeof(*t->key_lines));
		}
	}
	t->items[t->n] = item;
	if (t->kind == TREE_MAP) {
		t->keys[t->n] = key;
		t->key_lines[t->n] = line;
	}
	t->n++;
}

static int build(struct builder *, yaml_event_t *, unsigned, struct tree **);

static int
build_items(struct builder *b, struct tree *t, yaml_event_type_t end, unsigned depth)
{
	yaml_event_t ev;
	struct tree *item;
	char *key = NULL;
	unsigned line = 0;
	int r;

	for (;;) {
		if ((r = next_event(b, &ev)) != 0)
			return r;
		if (ev.type == end) {
			yaml_event_delete(&ev);
			return 0;
		}
		if (t->kind == TREE_MAP) {
			line = mark_line(ev.start_mark);
			r = map_key(b, &ev, t, &key);
			yaml_event_delete(&ev);
			if (r != 0 || (r = next_event(b, &ev)) != 0)
				break;
		}
		item = NULL;
		if ((r = build(b, &ev, depth + 1, &item)) != 0)
			break;
		tree_append(t, key, line, item);
		key = NULL;
	}
	free(key);
	return r;
}

/* The node that this event starts; the event is used up. */
static int
build(struct builder *b, yaml_event_t *ev, unsigned depth, struct tree **tp)
{
	unsigned line = mark_line(ev->start_mark);
	yaml_event_type_t type = ev->type;
	struct tree *t = NULL;
	int r;

	if ((r = check_plain(b, ev)) != 0)
		goto out;
	if (depth > TREE_MAX_DEPTH || ++b->nodes > TREE_MAX_NODES) {
		r = tree_fail(b->error, line, depth > TREE_MAX_DEPTH ? "nested too deeply" : "too many values");
		goto out;
	}
	t = xcalloc(1, sizeof(*t));
	t->line = line;
	if (type == YAML_SCALAR_EVENT) {
		t->kind = TREE_SCALAR;
		r = scalar_text(b, ev, &t->text);
	} else
		t->kind = type == YAML_MAPPING_START_EVENT ? TREE_MAP : TREE_LIST;
out:
	yaml_event_delete(ev);
	if (r == 0 && t->kind != TREE_SCALAR)
		r = build_items(b, t, t->kind == TREE_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT, depth);
	if (r != 0) {
		tree_free(t);
		return r;
	}
	*tp = t;
	return 0;
}

static int
build_stream(struct builder *b, struct tree **tp)
{
	yaml_event_t ev;
	unsigned documents = 0;
	int r;

	for (;;) {
		if ((r = next_event(b, &ev)) != 0)
			return r;
		switch (ev.type) {
		case YAML_STREAM_END_EVENT:
			yaml_event_delete(&ev);
			return 0;
		case YAML_DOCUMENT_START_EVENT:
			if (++documents > 1)
				r = tree_fail(b->error, mark_line(ev.start_mark), "a second document (---) is not accepted");
			yaml_event_delete(&ev);
			break;
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			yaml_event_delete(&ev);
			break;
		default:
			r = build(b, &ev, 0, tp);
		}
		if (r != 0)
			return r;
	}
}

int
tree_parse(const void *p, size_t n, struct tree **tp, struct tree_error *e)
{
	struct builder b = { .error = e };
	struct tree *t = NULL;
	int r;

	if (!yaml_parser_initialize(&b.yaml))
		return tree_fail(e, 0, "out of memory");
	yaml_parser_set_encoding(&b.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.yaml, p, n);
	r = build_stream(&b, &t);
	yaml_parser_delete(&b.yaml);
	if (r != 0) {
		tree_free(t);
		return r;
	}
	if (t == NULL) {
		t = xcalloc(1, sizeof(*t));
		t->kind = TREE_MAP;
		t->line = 1;
	}
	*tp = t;
	return 0;
}

const struct tree *
tree_get(const struct tree *map, const char *key)
{
	for (size_t i = 0; map->kind == TREE_MAP && i < map->n; i++)
		if (strcmp(map->keys[i], key) == 0)
			return map->items[i];
	return NULL;
}

/* Edits to get from a to b, at most 64 bytes each. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[65], la = strlen(a), lb = strlen(b);

	if (la > 64 || lb > 64)
		return 64;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diag = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t up = row[j], best = diag + (a[i - 1] != b[j - 1]);

			best = up + 1 < best ? up + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			row[j] = best;
			diag = up;
		}
	}
	return row[lb];
}

const char *
tree_nearest(const char *word, const char *const *known)
{
	const char *best = NULL;
	size_t least = strlen(word) / 3 + 2;

	for (; *known != NULL; known++) {
		size_t d = distance(word, *known);

		if (d < least) {
			least = d;
			best = *known;
		}
	}
	return best;
}

int
tree_is_map(const struct tree *t, const char *what, struct tree_error *e)
{
	if (t->kind == TREE_MAP)
		return 0;
	if (t->kind == TREE_SCALAR && t->text[0] == '\0')
		return tree_fail(e, t->line, "%s has no value; write {} for none", what);
	return tree_fail(e, t->line, "%s must be a map of 'key: value' lines", what);
}

int
tree_keys(const struct tree *t, const char *what, const char *const *known, struct tree_error *e)
{
	int r;

	if ((r = tree_is_map(t, what, e)) != 0)
		return r;
	for (size_t i = 0; i < t->n; i++) {
		const char *const *k = known, *near;

		while (*k != NULL && strcmp(*k, t->keys[i]) != 0)
			k++;
		if (*k != NULL)
			continue;
		if ((near = tree_nearest(t->keys[i], known)) != NULL)
			return tree_fail(e, t->key_lines[i], "unknown key '%s' in %s; did you mean '%s'?", t->keys[i], what, near);
		return tree_fail(e, t->key_lines[i], "unknown key '%s' in %s", t->keys[i], what);
	}
	return 0;
}

static int
scalar(const struct tree *t, const char *what, const char *kind, struct tree_error *e)
{
	if (t->kind != TREE_SCALAR)
		return tree_fail(e, t->line, "%s must be %s", what, kind);
	if (t->text[0] == '\0')
		return tree_fail(e, t->line, "%s has no value; it must be %s", what, kind);
	return 0;
}

int
tree_string(const struct tree *t, const char *what, char **sp, struct tree_error *e)
{
	int r;

	if ((r = scalar(t, what, "text", e)) != 0)
		return r;
	for (const char *s = t->text; *s != '\0'; s++)
		if (((unsigned char)*s < ' ' && *s != '\n' && *s != '\t') || *s == 0x7f)
			return tree_fail(e, t->line, "%s holds a control character", what);
	*sp = xstrdup(t->text);
	return 0;
}

int
tree_bool(const struct tree *t, const char *what, bool *bp, struct tree_error *e)
{
	int r;

	if ((r = scalar(t, what, "true or false", e)) != 0)
		return r;
	if (strcmp(t->text, "true") != 0 && strcmp(t->text, "false") != 0)
		return tree_fail(e, t->line, "%s must be true or false, not '%s'", what, t->text);
	*bp = t->text[0] == 't';
	return 0;
}

/* Digits alone: no sign, no space, no leading zero that another reader takes for octal. */
static int
digits(const char *s, size_t n, int64_t *np)
{
	int64_t v = 0;

	if (n == 0 || n > 18 || (n > 1 && s[0] == '0'))
		return ERR_FORMAT;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return ERR_FORMAT;
		v = v * 10 + (s[i] - '0');
	}
	*np = v;
	return 0;
}

int
tree_number(const struct tree *t, const char *what, int64_t min, int64_t max, int64_t *np, struct tree_error *e)
{
	int64_t v;
	int r;

	if ((r = scalar(t, what, "a number", e)) != 0)
		return r;
	if (digits(t->text, strlen(t->text), &v) != 0 || v < min || v > max)
		return tree_fail(e, t->line, "%s must be a number from %lld to %lld, not '%s'", what, (long long)min,
		    (long long)max, t->text);
	*np = v;
	return 0;
}

int
tree_duration(const struct tree *t, const char *what, int64_t min, int64_t max, int64_t *msp, struct tree_error *e)
{
	char least[CLOCK_TEXT], most[CLOCK_TEXT];
	int r;

	if ((r = scalar(t, what, "a duration such as 30s or 15m", e)) != 0)
		return r;
	if (clock_parse_duration(t->text, msp) == 0 && *msp >= min && *msp <= max)
		return 0;
	clock_format_duration(min, least);
	clock_format_duration(max, most);
	return tree_fail(e, t->line, "%s must be a duration from %s to %s, such as 30s or 15m, not '%s'", what, least, most,
	    t->text);
}

int
tree_size(const struct tree *t, const char *what, int64_t min, int64_t max, int64_t *np, struct tree_error *e)
{
	static const char units[] = "KMGT";
	const char *unit;
	size_t n;
	int64_t v = 0;
	int r, shift = 0;

	if ((r = scalar(t, what, "a size such as 512M", e)) != 0)
		return r;
	n = strlen(t->text);
	if ((unit = strchr(units, t->text[n - 1])) != NULL) {
		shift = 10 * (int)(unit - units + 1);
		n--;
	}
	if (digits(t->text, n, &v) != 0 || v > (INT64_MAX >> shift) || v << shift < min || v << shift > max)
		return tree_fail(e, t->line, "%s must be a size from %lld to %lld bytes, such as 512M, not '%s'", what,
		    (long long)min, (long long)max, t->text);
	*np = v << shift;
	return 0;
}

int
tree_strings(const struct tree *t, const char *what, size_t max, struct strvec *v, struct tree_error *e)
{
	char *s;
	int r;

	if (t->kind == TREE_SCALAR && (r = scalar(t, what, "a list of words", e)) != 0)
		return r;
	if (t->kind == TREE_MAP)
		return tree_fail(e, t->line, "%s must be a list of words", what);
	for (size_t i = 0; i < (t->kind == TREE_SCALAR ? 1 : t->n); i++) {
		if (v->n >= max)
			return tree_fail(e, t->line, "%s has more than %zu entries", what, max);
		if ((r = tree_string(t->kind == TREE_SCALAR ? t : t->items[i], what, &s, e)) != 0)
			return r;
		strvec_take(v, s);
	}
	return 0;
}
