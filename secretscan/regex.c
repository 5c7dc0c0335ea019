/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "secretscan/regex.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/limits.h"

struct regex {
	pcre2_code	*code;
	int		 group;		/* of the secret; 0 = the whole match */
	uint32_t	 lookbehind;
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
regex_new(const char *pattern, bool caseless, char **errorp)
{
	/*
	 * Bytes, not characters: content is not always UTF-8. Plain parentheses do not capture, so that the one group
	 * there is, is the secret. The start optimisations would answer before the end of a partial text is looked at.
	 */
	uint32_t options = PCRE2_ANCHORED | PCRE2_NO_AUTO_CAPTURE | PCRE2_NO_START_OPTIMIZE | PCRE2_NEVER_UTF |
	    PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY;
	struct regex *re;
	PCRE2_SIZE offset = 0;
	int error = 0;

	*errorp = NULL;
	if ((re = calloc(1, sizeof(*re))) == NULL)
		return NULL;
	re->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options | (caseless ? PCRE2_CASELESS : 0),
	    &error, &offset, NULL);
	if (re->code == NULL) {
		*errorp = describe(error, offset);
		free(re);
		return NULL;
	}
	/* Where the platform has no JIT the interpreter gives the same answers, more slowly. */
	(void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);
	(void)pcre2_pattern_info(re->code, PCRE2_INFO_MAXLOOKBEHIND, &re->lookbehind);
	re->group = pcre2_substring_number_from_name(re->code, (PCRE2_SPTR)"secret");
	if (re->group < 0)
		re->group = 0;
	return re;
}

void
regex_free(struct regex *re)
{
	if (re == NULL)
		return;
	pcre2_code_free(re->code);
	free(re);
}

size_t
regex_lookbehind(const struct regex *re)
{
	return re->lookbehind;
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
	const PCRE2_SIZE *at;
	int r;

	r = pcre2_match(re->code, (PCRE2_SPTR)p, n, start, more == REGEX_MORE ? PCRE2_PARTIAL_HARD : 0, s->data,
	    s->context);
	if (r == PCRE2_ERROR_NOMATCH)
		return REGEX_NOMATCH;
	if (r == PCRE2_ERROR_PARTIAL)
		return REGEX_PARTIAL;
	if (r < 0)
		return REGEX_LIMIT;
	at = pcre2_get_ovector_pointer(s->data);
	*endp = at[2 * re->group + 1];
	if (*endp == PCRE2_UNSET || *endp < start || *endp > n)
		return REGEX_NOMATCH;
	return REGEX_MATCH;
}
