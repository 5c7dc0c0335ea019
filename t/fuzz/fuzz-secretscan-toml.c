/* SPDX-License-Identifier: Apache-2.0 */
/* Files of other scanners: TOML, and each text in it as an expression of RE2, which must be refused or compile. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/re2.h"
#include "secretscan/search.h"
#include "secretscan/toml.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
try_texts(const struct toml *v)
{
	const char *why = NULL;
	char *pattern, *error = NULL;
	bool utf = false;

	for (size_t i = 0; i < v->n; i++)
		try_texts(v->items[i]);
	if (v->type != TOML_STRING)
		return;
	if ((pattern = re2_translate(v->text, &utf, &why)) == NULL && why == NULL)
		abort();
	if (pattern != NULL)
		search_free(search_new(pattern, utf, &error));
	free(pattern);
	free(error);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *error = NULL, *copy = malloc(n + 1);
	struct toml *root;

	if (copy == NULL)
		abort();
	memcpy(copy, p, n);
	copy[n] = '\0';
	root = toml_parse("fuzz", copy, n, &error);
	if (root == NULL && (error == NULL || strncmp(error, "fuzz:", 5) != 0))
		abort();
	if (root != NULL)
		try_texts(root);
	toml_free(root);
	free(error);
	free(copy);
	return 0;
}
