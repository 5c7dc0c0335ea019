/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes written one by one: in hexadecimal with something between them (67:68, 67 68, \x67\x68, arrays of C), in decimal
 * (arrays of Java, a Buffer in JSON), and in dumps (xxd, hexdump, od, tcpdump, gdb), which count lines and repeat the text
 * at their end. As in decode-digits.c, a run counts where a dozen bytes of it say text.
 */
#include <string.h>

#include "secretscan/decode.h"
#include "secretscan/layer.h"
#include "secretscan/limits.h"
#include "secretscan/marks.h"

#define LEAST		12	/* bytes of text in a row */
#define GAP_MAX		96	/* bytes between two numbers: a line end, indentation */
#define COMMENT_MAX	80	/* bytes of a comment that stands between them */
#define BACK_MAX	256	/* bytes before a place in which its run is looked for */
#define WORD_MAX	34	/* of a number: 0x and 16 bytes */
#define LINE_BYTES	64	/* of a line of a dump */
#define LINES_BACK	8	/* lines of a dump before the place */
#define OFFSET_MIN	4
#define OFFSET_MAX	16

struct byte {
	uint8_t	value;
	size_t	at, n;		/* where it is written */
};

/* Bytes as they come, let through as soon as there is text enough. */
struct run {
	const struct sieve	*s;
	struct layer		*out;
	struct byte		 pending[LEAST];
	size_t			 npending, zeros;
	bool			 open;
	size_t			 begin;		/* of what is read without a break */
	size_t			 end;		/* of the last byte */
	size_t			 done;		/* up to where plain text was used up */
};

static const struct marks_class alnum = { {
	0xa8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf0, 0x50, 0x50, 0x50, 0x50, 0x50,
} };
/* What can stand between numbers in hexadecimal and in decimal: white space, and one of [,:;+\"'&#-], or a comma. */
static const struct marks_class between_hex = { {
	0x04, 0x00, 0x04, 0x04, 0x00, 0x00, 0x04, 0x04, 0x00, 0x01, 0x09, 0x0c, 0x24, 0x05, 0x00, 0x00,
} };
static const struct marks_class between_decimal = { {
	0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x04, 0x01, 0x00, 0x00,
} };

static bool
is_alnum(uint8_t c)
{
	return marks_has(&alnum, c);
}

static void
put_byte(struct run *r, const struct byte *b)
{
	layer_put(r->out, &b->value, 1, b->at, b->n);
	r->end = b->at + b->n;
}

static void
run_break(struct run *r)
{
	size_t end = r->end;

	if (r->open) {
		/* What closes the literal: a rule may ask for it. */
		while (end < r->s->n && end - r->end < 4 && !is_alnum(r->s->p[end]))
			end++;
		layer_copy(r->out, r->s->p + r->end, end - r->end, r->end);
		r->done = end;
	}
	r->open = false;
	r->npending = r->zeros = 0;
	r->begin = SIZE_MAX;
}

static void
run_open(struct run *r)
{
	size_t first = r->pending[0].at, from = first;

	/* The bytes of one number can belong to two runs: then nothing is left before the second. */
	if (first > r->done)
		from = first - r->done > SS_AROUND ? first - SS_AROUND : r->done;
	layer_break(r->out, from);
	/* Not the rest of a run whose first bytes are no text. */
	if (r->begin == first)
		layer_copy(r->out, r->s->p + from, first - from, from);
	for (size_t i = 0; i < r->npending; i++)
		put_byte(r, &r->pending[i]);
	r->open = true;
}

static void
run_add(struct run *r, uint8_t value, size_t at, size_t n)
{
	struct byte b = { value, at, n };

	if (r->begin == SIZE_MAX)
		r->begin = at;
	if (!decode_is_text(value) && value != 0) {
		if (r->open)
			run_break(r);
		r->begin = at;
		r->npending = r->zeros = 0;
		return;
	}
	if (r->open) {
		put_byte(r, &b);
		return;
	}
	r->pending[r->npending++] = b;
	r->zeros += value == 0;
	if (r->npending < LEAST)
		return;
	if (r->zeros * 2 <= LEAST) {
		run_open(r);
		return;
	}
	r->zeros -= r->pending[0].value == 0;
	memmove(r->pending, r->pending + 1, --r->npending * sizeof(r->pending[0]));
}

/* How far back from here a beginning is looked for: not into what was used up. */
static size_t
reach_back(const struct run *r, size_t at)
{
	if (at <= r->done)
		return at;
	return at - r->done > BACK_MAX ? at - BACK_MAX : r->done;
}

static size_t
word_end(const struct sieve *s, size_t at)
{
	size_t end = at;

	while (end < s->n && end - at <= WORD_MAX && is_alnum(s->p[end]))
		end++;
	return end;
}

/* Its bytes; false when it is no number of whole bytes. A word of x41 stands behind a backslash, one of H41 behind a &. */
static bool
take_hex(struct run *r, size_t at, size_t end)
{
	const uint8_t *p = r->s->p;
	uint8_t before = at > 0 ? p[at - 1] : 0;
	size_t from = at;
	uint32_t value;
	bool marked;

	if (end - at > 2 && p[at] == '0' && (p[at + 1] | 0x20) == 'x')
		at += 2;
	else if (((p[at] | 0x20) == 'x' && before == '\\') || (p[at] == 'H' && before == '&')) {
		at++;
		from--;
	}
	marked = at > from;
	if (marked && end - at == 3 && (p[end - 1] | 0x20) == 'u')
		end--;
	if (end - at > WORD_MAX - 2 || end == at || ((end - at) % 2 != 0 && !(marked && end - at == 1)) ||
	    decode_hex_number(p + at, end - at, 1, &value) == 0)
		return false;
	for (size_t i = at; i < end; i++) {
		if (decode_hex_digit(p[i]) < 0)
			return false;
	}
	for (; at < end; at += 2) {
		size_t n = end - at < 2 ? 1 : 2;

		(void)decode_hex_number(p + at, n, n, &value);
		run_add(r, (uint8_t)value, from, at + n - from);
		from = at + n;
	}
	return true;
}

static bool
take_decimal(struct run *r, size_t at, size_t end)
{
	unsigned value = 0;

	if (end - at > 3)
		return false;
	for (size_t i = at; i < end; i++) {
		if (r->s->p[i] < '0' || r->s->p[i] > '9')
			return false;
		value = value * 10 + (unsigned)(r->s->p[i] - '0');
	}
	if (value > 255 || end == at)
		return false;
	run_add(r, (uint8_t)value, at, end - at);
	return true;
}

/* A comment of C that begins here ends there; at when there is none. */
static size_t
comment_end(const struct sieve *s, size_t at)
{
	size_t left = s->n - at;
	const uint8_t *end = NULL;

	if (left < 4 || s->p[at] != '/')
		return at;
	if (left > COMMENT_MAX)
		left = COMMENT_MAX;
	if (s->p[at + 1] == '*')
		end = memmem(s->p + at + 2, left - 2, "*/", 2);
	else if (s->p[at + 1] == '/')
		end = memchr(s->p + at, '\n', left);
	return end == NULL ? at : (size_t)(end - s->p) + (*end == '*' ? 2 : 1);
}

/* How bytes are written. */
struct notation {
	const struct marks_class	*between;	/* what can stand between two numbers */
	bool				 comma;		/* one has to */
	bool				 (*take)(struct run *, size_t at, size_t end);
};

/* What stands between two numbers; SIZE_MAX when they do not belong together. */
static size_t
next_word(const struct sieve *s, const struct notation *no, size_t at)
{
	size_t from = at, after;
	bool comma = false;

	while (at < s->n && at - from < GAP_MAX && !is_alnum(s->p[at])) {
		if ((after = comment_end(s, at)) > at) {
			from += after - at;
			at = after;
			continue;
		}
		if (!marks_has(no->between, s->p[at]))
			return SIZE_MAX;
		comma |= s->p[at++] == ',';
	}
	return at < s->n && is_alnum(s->p[at]) && (comma || !no->comma) ? at : SIZE_MAX;
}

/* The run around a place, and what follows as long as it is numbers; returns where it ends. */
static size_t
read_list(struct run *r, const struct notation *no, size_t at)
{
	const struct sieve *s = r->s;
	size_t place = at, least = reach_back(r, at), end = at, next;

	while (at > least && (is_alnum(s->p[at - 1]) || marks_has(no->between, s->p[at - 1])))
		at--;
	for (; r->out->error == 0; at = next) {
		while (at < s->n && !is_alnum(s->p[at]))
			at++;
		end = word_end(s, at);
		if (end == at)
			break;
		if (!no->take(r, at, end)) {
			run_break(r);
			next = end;
		} else if ((next = next_word(s, no, end)) == SIZE_MAX) {
			run_break(r);
			next = end;
		} else
			continue;
		/* Words are passed up to the place, and then one more. */
		if (next > place)
			break;
	}
	run_break(r);
	return end > place ? end : place + 1;
}

static void
decode_list(const struct sieve *s, const struct notation *no, struct layer *out)
{
	struct run r = { .s = s, .out = out, .begin = SIZE_MAX };
	size_t seen = 0;

	for (size_t i = 0; i < s->nplaces && out->error == 0; i++) {
		size_t at = s->places[i].at;

		if ((s->places[i].kinds & SIEVE_LIST) == 0 || at < seen || !sieve_counts(s, at, at + 1))
			continue;
		seen = read_list(&r, no, at);
	}
}

void
decode_hex_list(const struct sieve *s, struct layer *out)
{
	static const struct notation no = { &between_hex, false, take_hex };

	decode_list(s, &no, out);
}

void
decode_decimal_list(const struct sieve *s, struct layer *out)
{
	static const struct notation no = { &between_decimal, true, take_decimal };

	decode_list(s, &no, out);
}

/* A line of a dump. */
struct dump_line {
	struct byte	v[LINE_BYTES];
	size_t		n;
	size_t		end;		/* of the line, behind its line feed */
};

static size_t
hex_digits(const struct sieve *s, size_t at, size_t most)
{
	size_t n = 0;

	while (at + n < s->n && n < most && decode_hex_digit(s->p[at + n]) >= 0)
		n++;
	return n;
}

static size_t
skip_blanks(const struct sieve *s, size_t at)
{
	while (at < s->n && (s->p[at] == ' ' || s->p[at] == '\t'))
		at++;
	return at;
}

/* The place in the file, or in memory, that a line begins with; 0 when there is none. *colonp: it ends in a colon. */
static size_t
read_offset(const struct sieve *s, size_t at, bool *colonp)
{
	const uint8_t *close;
	size_t n;

	at = skip_blanks(s, at);
	if (at + 1 < s->n && s->p[at] == '0' && s->p[at + 1] == 'x')
		at += 2;
	n = hex_digits(s, at, OFFSET_MAX + 1);
	if (n < OFFSET_MIN || n > OFFSET_MAX)
		return 0;
	at += n;
	if (at + 1 < s->n && s->p[at] == ' ' && s->p[at + 1] == '<') {
		close = memchr(s->p + at, '>', s->n - at < COMMENT_MAX ? s->n - at : COMMENT_MAX);
		at = close != NULL ? (size_t)(close - s->p) + 1 : at;
	}
	*colonp = at < s->n && s->p[at] == ':';
	return *colonp ? at + 1 : at;
}

/*
 * The bytes of a group of digits. Those of a number whose little end comes first stand the other way round: each has the
 * whole number as its place.
 */
static void
add_group(struct dump_line *l, const struct sieve *s, size_t at, size_t digits, bool little)
{
	for (size_t i = 0; i < digits / 2 && l->n < LINE_BYTES; i++) {
		size_t from = little ? at + digits - 2 * (i + 1) : at + 2 * i;
		uint32_t value;

		(void)decode_hex_number(s->p + from, 2, 2, &value);
		l->v[l->n++] = (struct byte){ (uint8_t)value, little ? at : from, little ? digits : 2 };
	}
}

/* Offset, groups of as many digits each, two blanks, text. */
static bool
read_line(const struct sieve *s, size_t at, struct dump_line *l)
{
	size_t width = 0, groups = 0, digits, blanks, from, prefix, first;
	const uint8_t *nl = memchr(s->p + at, '\n', s->n - at);
	bool colon = false, little;

	l->n = 0;
	l->end = nl != NULL ? (size_t)(nl - s->p) + 1 : s->n;
	if ((at = read_offset(s, at, &colon)) == 0)
		return false;
	for (;; at = from + digits, groups++) {
		from = skip_blanks(s, at);
		blanks = from - at;
		/* Two blanks in the middle of sixteen bytes, or the end of them. */
		if (blanks == 0 || (blanks > 1 && groups > 0 && !(width == 2 && groups == 8)))
			break;
		prefix = from + 1 < s->n && s->p[from] == '0' && s->p[from + 1] == 'x' ? 2 : 0;
		from += prefix;
		digits = hex_digits(s, from, 17);
		if (groups == 0)
			width = digits;
		if (l->n == LINE_BYTES || digits == 0 || digits % 2 != 0 || digits > width || digits > 16 ||
		    (from + digits < s->n && s->p[from + digits] > ' '))
			break;
		little = !colon && width > 2;
		first = l->n;
		add_group(l, s, from, digits, little);
		l->v[first].at -= prefix;
		l->v[first].n += prefix;
	}
	return l->n > 0;
}

static size_t
line_start(const struct sieve *s, size_t at, size_t least)
{
	const uint8_t *nl = at > least ? memrchr(s->p + least, '\n', at - least) : NULL;

	return nl != NULL ? (size_t)(nl - s->p) + 1 : least;
}

/* The dump that this place is in; returns where it ends. */
static size_t
read_dump(struct run *r, size_t place)
{
	const struct sieve *s = r->s;
	struct dump_line l;
	size_t at = line_start(s, place, reach_back(r, place)), before;

	if (!read_line(s, at, &l))
		return place + 1;
	for (int i = 0; i < LINES_BACK && at > r->done; i++) {
		before = line_start(s, at - 1, reach_back(r, at - 1));
		if (!read_line(s, before, &l))
			break;
		at = before;
	}
	while (at < s->n && r->out->error == 0 && read_line(s, at, &l)) {
		for (size_t i = 0; i < l.n; i++)
			run_add(r, l.v[i].value, l.v[i].at, l.v[i].n);
		at = l.end;
	}
	run_break(r);
	return at > place ? at : place + 1;
}

void
decode_dump(const struct sieve *s, struct layer *out)
{
	struct run r = { .s = s, .out = out, .begin = SIZE_MAX };
	size_t seen = 0;

	for (size_t i = 0; i < s->nplaces && out->error == 0; i++) {
		size_t at = s->places[i].at;

		if ((s->places[i].kinds & SIEVE_LIST) == 0 || at < seen || !sieve_counts(s, at, at + 1))
			continue;
		seen = read_dump(&r, at);
	}
}
