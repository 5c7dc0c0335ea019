/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled Java and Python keep strings with their length before them, and a length can be a letter: what is before a
 * token is then no border for it. Here each string is a line.
 */
#include "secretscan/container_int.h"
#include "secretscan/secretscan.h"

#define LEAST	6	/* bytes of a string that can hold anything */
#define JAVA_1	45	/* the first version of a class file; a lower number is a Mach-O file for several machines */

/* JVM specification 4.4: how much follows a constant's tag; 0 for what there is not. */
static const uint8_t constant_size[] = {
	[3] = 4, [4] = 4, [5] = 8, [6] = 8, [7] = 2, [8] = 2, [9] = 4, [10] = 4, [11] = 4, [12] = 4, [15] = 3, [16] = 2,
	[17] = 4, [18] = 4, [19] = 2, [20] = 2,
};

static int
add_line(struct pour *m, const uint8_t *p, size_t n)
{
	int e;

	if (n < LEAST)
		return 0;
	if ((e = pour_add(m, p, n)) != 0)
		return e;
	return pour_text(m, "\n");
}

static int
java_strings(struct pour *m, const uint8_t *p, size_t n)
{
	unsigned count = (unsigned)p[8] << 8 | p[9];
	size_t at = 10;
	int e;

	for (unsigned i = 1; i < count && n - at > 3; i++) {
		unsigned tag = p[at++];
		size_t len;

		if (tag == 1) {
			len = (size_t)p[at] << 8 | p[at + 1];
			at += 2;
			if (len > n - at)
				break;
			if ((e = add_line(m, p + at, len)) != 0)
				return e;
			at += len;
			continue;
		}
		if (tag >= sizeof(constant_size) || constant_size[tag] == 0 || constant_size[tag] > n - at)
			break;
		at += constant_size[tag];
		i += tag == 5 || tag == 6;	/* long and double take two numbers */
	}
	return 0;
}

static bool
is_text(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] < ' ' && p[i] != '\n' && p[i] != '\t' && p[i] != '\r')
			return false;
	}
	return true;
}

/* Python's marshal: a tag of which the high bit means nothing here, one or four bytes of length, the string. */
static int
python_strings(struct pour *m, const uint8_t *p, size_t n)
{
	int e;

	for (size_t at = 16; n - at > 5; at++) {
		unsigned tag = p[at] & 0x7f;
		size_t head, len;

		if (tag == 'z' || tag == 'Z') {
			head = 2;
			len = p[at + 1];
		} else if (tag == 'a' || tag == 'A' || tag == 's' || tag == 'u' || tag == 't') {
			head = 5;
			len = (size_t)p[at + 1] | (size_t)p[at + 2] << 8 | (size_t)p[at + 3] << 16 |
			    (size_t)p[at + 4] << 24;
		} else
			continue;
		if (len < LEAST || len > n - at - head || !is_text(p + at + head, len))
			continue;
		if ((e = add_line(m, p + at + head, len)) != 0)
			return e;
		at += head + len - 1;
		if (n - at <= 5)
			break;
	}
	return 0;
}

int
class_each(const struct inside *in, const uint8_t *p, size_t n)
{
	struct pour m = { .in = in };
	int e;

	if (n < 32 || (p[0] == 0xca && p[7] < JAVA_1))
		return 0;
	if ((e = pour_begin(&m, "")) == 0 &&
	    (e = p[0] == 0xca ? java_strings(&m, p, n) : python_strings(&m, p, n)) == 0)
		e = pour_end(&m);
	pour_release(&m);
	return e;
}
