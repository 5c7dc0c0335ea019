/* SPDX-License-Identifier: Apache-2.0 */
/* Jupyter notebooks: a cell's text is an array of its lines. The lines are joined; pictures are left out. */
#include <jansson.h>
#include <string.h>

#include "secretscan/container_int.h"
#include "secretscan/limits.h"
#include "secretscan/secretscan.h"

#define DEEPEST	32

static int	walk(struct pour *, json_t *, unsigned depth);

static int
add_string(struct pour *m, json_t *s)
{
	return pour_add(m, json_string_value(s), json_string_length(s));
}

static int
walk_array(struct pour *m, json_t *array, unsigned depth)
{
	json_t *value;
	size_t i;
	int e;

	json_array_foreach(array, i, value) {
		if ((e = json_is_string(value) ? add_string(m, value) : walk(m, value, depth)) != 0)
			return e;
	}
	return pour_text(m, "\n");
}

static int
walk_object(struct pour *m, json_t *object, unsigned depth)
{
	const char *key;
	json_t *value;
	int e;

	json_object_foreach(object, key, value) {
		if (strncmp(key, "image/", 6) == 0)
			continue;
		if ((e = walk(m, value, depth)) != 0)
			return e;
	}
	return 0;
}

static int
walk(struct pour *m, json_t *value, unsigned depth)
{
	int e;

	if (depth == DEEPEST)
		return 0;
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return walk_object(m, value, depth + 1);
	case JSON_ARRAY:
		return walk_array(m, value, depth + 1);
	case JSON_STRING:
		if ((e = add_string(m, value)) != 0)
			return e;
		return pour_text(m, "\n");
	default:
		return 0;
	}
}

int
notebook_each(const struct inside *in, const uint8_t *p, size_t n)
{
	struct pour m = { .in = in };
	json_t *root = NULL;
	json_error_t error;
	int e;

	/* Parsed, it takes several times its size. What is not read here is still text. */
	if (n > SS_NOTEBOOK_MAX)
		return inside_tell(in, CONTAINER_IS_CUT, "", "notebook of %zu bytes", n);
	if ((root = json_loadb((const char *)p, n, JSON_ALLOW_NUL, &error)) == NULL)
		return json_error_code(&error) == json_error_out_of_memory ? SECRETSCAN_NOMEM : 0;
	if ((e = pour_begin(&m, "(text)")) == 0 && (e = walk(&m, root, 0)) == 0)
		e = pour_end(&m);
	pour_release(&m);
	json_decref(root);
	return e;
}
