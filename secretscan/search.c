/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "secretscan/search.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "secretscan/alloc.h"

#define STEPS		50000			/* at one place */
/* Places that are tried between two looks at the clock; of characters more, as the rest is checked each time anew. */
#define SLICE		((size_t)4096)
#define SLICE_UTF	((size_t)256 << 10)
#define STACK		((size_t)512 << 10)
#define SMALL_NS	((int64_t)100000000)	/* for a name or a secret */

struct search {
	pcre2_code	*code;
	uint32_t	 groups;
	size_t		 slice;
};

struct search_scratch {
	pcre2_match_data	*data;
	pcre2_match_context	*context;
	pcre2_jit_stack		*stack;
};

struct search *
search_new(const char *pattern, bool utf, char **errorp)
{
	uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT |
	    (utf ? PCRE2_UTF | PCRE2_MATCH_INVALID_UTF : PCRE2_NEVER_UTF);
	struct search *s = xcalloc(1, sizeof(*s));
	PCRE2_SIZE offset = 0;
	PCRE2_UCHAR why[160] = "";
	int error = 0;

	*errorp = NULL;
	s->slice = utf ? SLICE_UTF : SLICE;
	s->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &error, &offset, NULL);
	if (s->code == NULL) {
		(void)pcre2_get_error_message(error, why, sizeof(why));
		*errorp = xasprintf("%s", (const char *)why);
		free(s);
		return NULL;
	}
	/* Where the platform has no JIT the interpreter gives the same answers, more slowly. */
	(void)pcre2_jit_compile(s->code, PCRE2_JIT_COMPLETE);
	(void)pcre2_pattern_info(s->code, PCRE2_INFO_CAPTURECOUNT, &s->groups);
	return s;
}

void
search_free(struct search *s)
{
	if (s == NULL)
		return;
	pcre2_code_free(s->code);
	free(s);
}

struct search_scratch *
search_scratch_new(void)
{
	struct search_scratch *s = xcalloc(1, sizeof(*s));

	s->data = pcre2_match_data_create(SEARCH_GROUPS + 1, NULL);
	s->context = pcre2_match_context_create(NULL);
	s->stack = pcre2_jit_stack_create(32 * 1024, STACK, NULL);
	if (s->data == NULL || s->context == NULL || s->stack == NULL) {
		search_scratch_free(s);
		return NULL;
	}
	pcre2_set_match_limit(s->context, STEPS);
	pcre2_set_heap_limit(s->context, 4096);
	pcre2_jit_stack_assign(s->context, NULL, s->stack);
	return s;
}

void
search_scratch_free(struct search_scratch *s)
{
	if (s == NULL)
		return;
	pcre2_match_data_free(s->data);
	pcre2_match_context_free(s->context);
	pcre2_jit_stack_free(s->stack);
	free(s);
}

int64_t
search_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A slice ends between characters. */
static size_t
slice_end(const uint8_t *p, size_t n, size_t from, size_t slice)
{
	size_t to = n - from > slice ? from + slice : n;

	while (to < n && (p[to] & 0xc0) == 0x80 && to - from < 2 * slice)
		to++;
	return to;
}

static void
tell(const struct search *s, const struct search_scratch *scratch, struct search_match *m)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(scratch->data);
	size_t known = pcre2_get_ovector_count(scratch->data);

	m->n = s->groups + 1 < known ? s->groups + 1 : known;
	for (size_t i = 0; i < m->n; i++) {
		m->start[i] = at[2 * i] == PCRE2_UNSET ? SIZE_MAX : at[2 * i];
		m->end[i] = at[2 * i + 1] == PCRE2_UNSET ? SIZE_MAX : at[2 * i + 1];
	}
}

enum search_result
search_next(const struct search *s, struct search_scratch *scratch, const uint8_t *p, size_t n, size_t from,
    int64_t deadline, struct search_match *m)
{
	size_t to;
	int r;

	for (; from <= n; from = to + 1) {
		to = slice_end(p, n, from, s->slice);
		pcre2_set_offset_limit(scratch->context, to);
		r = pcre2_match(s->code, (PCRE2_SPTR)p, n, from, 0, scratch->data, scratch->context);
		if (r >= 0) {
			tell(s, scratch, m);
			return SEARCH_FOUND;
		}
		if (r != PCRE2_ERROR_NOMATCH || (to < n && search_clock() > deadline))
			return SEARCH_LIMIT;
	}
	return SEARCH_NONE;
}

bool
search_matches(const struct search *s, struct search_scratch *scratch, const void *p, size_t n)
{
	struct search_match m;

	return search_next(s, scratch, p, n, 0, search_clock() + SMALL_NS, &m) == SEARCH_FOUND;
}
