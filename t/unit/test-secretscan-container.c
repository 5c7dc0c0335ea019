/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One allocation fails while a container is read, each in its turn, on the corpus of the fuzz target: that is an error,
 * or a notice, or it made no difference. What is in a container is never left out in silence. Archives are not among
 * them: libarchive 3.6.2 reads through null pointers, or exits, when it gets no memory for small things.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "secretscan/budget.h"
#include "secretscan/container.h"
#include "secretscan/secretscan.h"

#define CORPUS		"t/fuzz/corpus/secretscan-container"
#define INPUT_MAX	16384
#define MOST		400	/* allocations of one content that fail, spread over all */

#ifndef SALLYPORT_SANITIZE

void	*__libc_malloc(size_t);
void	*__libc_calloc(size_t, size_t);
void	*__libc_realloc(void *, size_t);

static unsigned long left;	/* until the one that fails; 0 = none does */
static unsigned long count;

static int
is_the_one(void)
{
	count++;
	return left > 0 && --left == 0;
}

void *
malloc(size_t n)
{
	return is_the_one() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return is_the_one() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return is_the_one() ? NULL : __libc_realloc(p, n);
}

struct walk {
	struct budget	budget;
	size_t		given;
	size_t		told;
};

static int	descend(struct walk *, const uint8_t *p, size_t n);

static int
on_member(const struct container_member *m, void *arg)
{
	struct walk *w = arg;
	int r = 0;

	w->given += m->n;
	if (m->at == 0 && budget_enter(&w->budget) == 0) {
		r = descend(w, m->p, m->n);
		budget_leave(&w->budget);
	}
	return r;
}

static int
on_notice(enum container_notice what, const char *about, const char *text, void *arg)
{
	(void)what, (void)about, (void)text;
	((struct walk *)arg)->told++;
	return 0;
}

static int
descend(struct walk *w, const uint8_t *p, size_t n)
{
	const struct container_sink sink = { on_member, on_notice, w };
	unsigned kinds = container_guess(p, n) & ~(CONTAINER_ARCHIVE | CONTAINER_COMPRESSED | CONTAINER_TRAILING_ZIP);

	return kinds == 0 ? 0 : container_each(kinds, p, n, &w->budget, &sink);
}

static int
use(const uint8_t *p, size_t n, unsigned long fail, struct walk *w)
{
	int r;

	*w = (struct walk){ .budget = { 8 << 20, 2000, 4 } };
	count = 0;
	left = fail;
	r = descend(w, p, n);
	left = 0;
	return r;
}

static void
starve(const char *name, const uint8_t *p, size_t n)
{
	struct walk whole, w;
	unsigned long all, step;
	int wanted, r;

	/* Twice: libraries keep what they make at first. */
	(void)use(p, n, 0, &whole);
	wanted = use(p, n, 0, &whole);
	all = count;
	step = all / MOST + 1;
	for (unsigned long k = 1; k <= all; k += step) {
		r = use(p, n, k, &w);
		if (r != SECRETSCAN_NOMEM && r != wanted)
			fail_msg("%s: allocation %lu of %lu: %d", name, k, all, r);
		if (r == wanted && w.told <= whole.told && w.given < whole.given)
			fail_msg("%s: allocation %lu of %lu: something is left out, and nobody says so", name, k, all);
	}
}

static void
test_no_memory(void **state)
{
	const char *source = getenv("TEST_SRCDIR");
	static uint8_t p[INPUT_MAX];
	char path[4096];
	struct dirent *e;
	size_t files = 0;
	DIR *d;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/%s", source != NULL ? source : "..", CORPUS);
	assert_non_null(d = opendir(path));
	while ((e = readdir(d)) != NULL) {
		char file[sizeof(path) + sizeof(e->d_name) + 1];
		FILE *f;
		size_t n;

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		assert_non_null(f = fopen(file, "r"));
		n = fread(p, 1, sizeof(p), f);
		fclose(f);
		/* The first byte is for the fuzz target. */
		if (n > 1)
			starve(e->d_name, p + 1, n - 1);
		files++;
	}
	closedir(d);
	assert_true(files > 30);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_no_memory) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* The sanitizers have an allocator of their own. */
int
main(void)
{
	printf("1..0 # SKIP sanitizers\n");
	return CORPUS[0] == '\0' || INPUT_MAX == MOST;
}

#endif
