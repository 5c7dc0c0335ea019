/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "secretscan/regex.h"

#include <pcre2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/limits.h"
#include "secretscan/secretscan.h"

struct code {
	pcre2_code	*pcre;
	int		 group;		/* of the secret; 0 = the whole match */
};

/* Where the code appears; the only part that changes, once. */
struct slot {
	_Atomic(struct code *)	code;
};

struct regex {
	const char	*pattern;
	bool		 caseless;
	struct slot	*slot;
};

struct regex_scratch {
	pcre2_match_data	*data;
	pcre2_match_context	*context;
};

static char *
describe(int error, PCRE2_SIZE offset)
{
	PCRE2_UCHAR why[160];
	char *text = NULL;

	if (pcre2_get_error_message(error, why, sizeof(why)) < 0)
		snprintf((char *)why, sizeof(why), "error %d", error);
	if (asprintf(&text, "%s at character %zu of the expression", (const char *)why, (size_t)offset) == -1)
		return NULL;
	return text;
}

struct regex *
regex_new(const char *pattern, bool caseless)
{
	struct regex *re = calloc(1, sizeof(*re));

	if (re == NULL || (re->slot = calloc(1, sizeof(*re->slot))) == NULL) {
		free(re);
		return NULL;
	}
	re->pattern = pattern;
	re->caseless = caseless;
	return re;
}

static void
code_free(struct code *c)
{
	if (c == NULL)
		return;
	pcre2_code_free(c->pcre);
	free(c);
}

void
regex_free(struct regex *re)
{
	if (re == NULL)
		return;
	code_free(atomic_load(&re->slot->code));
	free(re->slot);
	free(re);
}

static int
compile(const struct regex *re, struct code **codep, char **errorp)
{
	/*
	 * Bytes, not characters: content is not always UTF-8. Plain parentheses do not capture, so that the one group
	 * there is, is the secret. The start optimisations would answer before the end of a partial text is looked at.
	 */
	uint32_t options = PCRE2_ANCHORED | PCRE2_NO_AUTO_CAPTURE | PCRE2_NO_START_OPTIMIZE | PCRE2_NEVER_UTF |
	    PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY;
	PCRE2_SIZE offset = 0;
	struct code *c;
	int error = 0;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return SECRETSCAN_NOMEM;
	c->pcre = pcre2_compile((PCRE2_SPTR)re->pattern, PCRE2_ZERO_TERMINATED, options |
	    (re->caseless ? PCRE2_CASELESS : 0), &error, &offset, NULL);
	if (c->pcre == NULL) {
		free(c);
		if (error == PCRE2_ERROR_HEAP_FAILED)
			return SECRETSCAN_NOMEM;
		return errorp != NULL && (*errorp = describe(error, offset)) == NULL ? SECRETSCAN_NOMEM : SECRETSCAN_RULES;
	}
	/* Where the platform has no JIT the interpreter gives the same answers, more slowly. */
	(void)pcre2_jit_compile(c->pcre, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);
	c->group = pcre2_substring_number_from_name(c->pcre, (PCRE2_SPTR)"secret");
	if (c->group < 0)
		c->group = 0;
	*codep = c;
	return 0;
}

int
regex_compile(const struct regex *re, char **errorp)
{
	struct code *c = NULL, *none = NULL;
	int e;

	if (errorp != NULL)
		*errorp = NULL;
	if (atomic_load(&re->slot->code) != NULL)
		return 0;
	if ((e = compile(re, &c, errorp)) != 0)
		return e;
	/* Another thread may have been faster. */
	if (!atomic_compare_exchange_strong(&re->slot->code, &none, c))
		code_free(c);
	return 0;
}

size_t
regex_lookbehind(const struct regex *re)
{
	const struct code *c = atomic_load(&re->slot->code);
	uint32_t n = 0;

	(void)pcre2_pattern_info(c->pcre, PCRE2_INFO_MAXLOOKBEHIND, &n);
	return n;
}

size_t
regex_shortest(const char *pattern)
{
	uint32_t n = 0;
	PCRE2_SIZE offset;
	pcre2_code *code;
	int error;

	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_UTF |
	    PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY, &error, &offset, NULL);
	if (code != NULL)
		(void)pcre2_pattern_info(code, PCRE2_INFO_MINLENGTH, &n);
	pcre2_code_free(code);
	return n;
}

struct regex_scratch *
regex_scratch_new(void)
{
	struct regex_scratch *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->data = pcre2_match_data_create(4, NULL);
	s->context = pcre2_match_context_create(NULL);
	if (s->data == NULL || s->context == NULL) {
		regex_scratch_free(s);
		return NULL;
	}
	pcre2_set_match_limit(s->context, SS_REGEX_STEPS);
	pcre2_set_heap_limit(s->context, 1024);
	return s;
}

void
regex_scratch_free(struct regex_scratch *s)
{
	if (s == NULL)
		return;
	pcre2_match_data_free(s->data);
	pcre2_match_context_free(s->context);
	free(s);
}

enum regex_result
regex_exec(const struct regex *re, struct regex_scratch *s, const uint8_t *p, size_t n, size_t start,
    enum regex_more more, size_t *endp)
{
	const struct code *c = atomic_load_explicit(&re->slot->code, memory_order_acquire);
	const PCRE2_SIZE *at;
	int r;

	if (c == NULL) {
		if (regex_compile(re, NULL) != 0)
			return REGEX_NOMEM;
		c = atomic_load(&re->slot->code);
	}
	r = pcre2_match(c->pcre, (PCRE2_SPTR)p, n, start, more == REGEX_MORE ? PCRE2_PARTIAL_HARD : 0, s->data,
	    s->context);
	if (r == PCRE2_ERROR_NOMATCH)
		return REGEX_NOMATCH;
	if (r == PCRE2_ERROR_PARTIAL)
		return REGEX_PARTIAL;
	if (r < 0)
		return r == PCRE2_ERROR_NOMEMORY ? REGEX_NOMEM : REGEX_LIMIT;
	at = pcre2_get_ovector_pointer(s->data);
	*endp = at[2 * c->group + 1];
	if (*endp == PCRE2_UNSET || *endp < start || *endp > n)
		return REGEX_NOMATCH;
	return REGEX_MATCH;
}
