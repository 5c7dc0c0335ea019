/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/record/inert.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"

#define SEQ_MAX		128	/* a longer sequence than this is nothing that we let pass */

enum inert_state {
	GROUND,
	C2,		/* 0xc2: perhaps a C1 control in UTF-8 */
	E2,		/* 0xe2, and perhaps 0x80 or 0x81: a character that turns the direction of text around */
	ESC,		/* after ESC */
	ESC_MID,	/* ESC and intermediate bytes, as in ESC ( B */
	CSI,
	STRING,		/* OSC, DCS, SOS, PM, APC: up to ST, BEL, CAN or SUB; all of it is left out */
	STRING_ESC,	/* ESC inside a string */
	STRING_C2,	/* 0xc2 inside a string: ST may be c2 9c */
};

struct inert {
	enum inert_mode	 mode;
	enum inert_state state;
	uint8_t		 seq[SEQ_MAX];
	size_t		 n;
};

/*
 * Final bytes of control sequences without a private marker and intermediate bytes that pass: ECMA-48 names in order.
 */
static const char csi_final[] = "@ABCDEFGHIJKLMPSTXZ`abdefghlmrsu";
/* Private modes (ESC [ ? N h or l) that change only what is shown. */
static const char *const csi_modes[] = { "1", "5", "6", "7", "12", "25", "47", "1047", "1048", "1049", "2026" };

struct inert *
inert_new(enum inert_mode mode)
{
	struct inert *i = calloc(1, sizeof(*i));

	if (i != NULL)
		i->mode = mode;
	return i;
}

void
inert_free(struct inert *i)
{
	free(i);
}

static bool
mode_is_harmless(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < sizeof(csi_modes) / sizeof(csi_modes[0]); i++)
		if (strlen(csi_modes[i]) == n && memcmp(csi_modes[i], p, n) == 0)
			return true;
	return false;
}

/* A whole ESC [ ... F: may it pass? */
static bool
csi_is_harmless(const uint8_t *seq, size_t n)
{
	const uint8_t *p = seq + 2;
	uint8_t final = seq[n - 1];

	n -= 3;		/* parameters and intermediates */
	if (n > 0 && p[0] == '?')
		return (final == 'h' || final == 'l') && mode_is_harmless(p + 1, n - 1);
	if (n > 0 && p[n - 1] == ' ' && final == 'q')
		n--;	/* the shape of the cursor */
	else if (strchr(csi_final, final) == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		if (p[i] != ';' && p[i] != ':' && (p[i] < '0' || p[i] > '9'))
			return false;
	return true;
}

static bool
esc_is_harmless(const uint8_t *seq, size_t n)
{
	if (n == 2)
		return strchr("78DEM=>", seq[1]) != NULL;
	return n == 3 && strchr("()*+", seq[1]) != NULL;
}

static int
ground(struct inert *i, uint8_t b, struct buf *out)
{
	if (b == 0x1b || b == 0xc2 || b == 0xe2) {
		i->seq[0] = b;
		i->n = 1;
		i->state = b == 0xc2 ? C2 : b == 0xe2 ? E2 : ESC;
		return 0;
	}
	if (b < 0x20 || b == 0x7f) {
		if (b != '\n' && b != '\t' && (i->mode == INERT_PLAIN || (b != '\r' && b != '\b' && b != 7)))
			return 0;
	}
	return buf_put_u8(out, b);
}

/* The sequence is whole. */
static int
finish(struct inert *i, bool harmless, struct buf *out)
{
	i->state = GROUND;
	if (!harmless || i->mode == INERT_PLAIN)
		return 0;
	return buf_put(out, i->seq, i->n);
}

/* A byte inside an escape sequence. */
static int
escape_byte(struct inert *i, uint8_t b, struct buf *out)
{
	if (b == 0x1b || b == 0x18 || b == 0x1a || b >= 0x7f || i->n == SEQ_MAX) {	/* given up, or started anew */
		i->state = GROUND;
		return b == 0x1b || b >= 0x80 ? ground(i, b, out) : 0;
	}
	if (b < 0x20)		/* a control inside a sequence is carried out by terminals at once */
		return ground(i, b, out);
	i->seq[i->n++] = b;
	if (i->state == ESC && b == '[')
		i->state = CSI;
	else if (i->state == ESC && strchr("]PX^_", b) != NULL)
		i->state = STRING;
	else if (i->state == CSI)
		return b >= 0x40 ? finish(i, csi_is_harmless(i->seq, i->n), out) : 0;
	else if (b < 0x30)
		i->state = ESC_MID;
	else
		return finish(i, esc_is_harmless(i->seq, i->n), out);
	return 0;
}

/* After 0xc2: U+0080..U+009F are controls, the rest are characters. */
static int
c1_byte(struct inert *i, uint8_t b, struct buf *out)
{
	int r;

	i->state = GROUND;
	if (b >= 0x80 && b <= 0x9f) {
		if (strchr("\x90\x98\x9d\x9e\x9f", b) != NULL)
			i->state = STRING;
		else if (b == 0x9b) {	/* CSI: left out with all that belongs to it */
			memcpy(i->seq, "\x1b[!", 3);
			i->n = 3;
			i->state = CSI;
		}
		return 0;
	}
	if ((r = buf_put_u8(out, 0xc2)) != 0)
		return r;
	return ground(i, b, out);
}

/* U+202A..U+202E and U+2066..U+2069 make text read as what it is not; they are left out. */
static int
turn_byte(struct inert *i, uint8_t b, struct buf *out)
{
	int r;

	if (i->n == 1 && (b == 0x80 || b == 0x81)) {
		i->seq[i->n++] = b;
		return 0;
	}
	i->state = GROUND;
	if (i->n == 2 && (i->seq[1] == 0x80 ? b >= 0xaa && b <= 0xae : b >= 0xa6 && b <= 0xa9))
		return 0;
	if ((r = buf_put(out, i->seq, i->n)) != 0)
		return r;
	return ground(i, b, out);
}

static int
string_byte(struct inert *i, uint8_t b, struct buf *out)
{
	enum inert_state was = i->state;

	i->state = STRING;
	if (was == STRING_ESC && b != '\\') {	/* ESC ends a string; what follows it is a sequence of its own */
		i->seq[0] = 0x1b;
		i->n = 1;
		i->state = ESC;
		return escape_byte(i, b, out);
	}
	if (b == 7 || b == 0x18 || b == 0x1a || was == STRING_ESC || (was == STRING_C2 && b == 0x9c))
		i->state = GROUND;
	else if (b == 0x1b)
		i->state = STRING_ESC;
	else if (b == 0xc2)
		i->state = STRING_C2;
	return 0;
}

int
inert_filter(struct inert *i, const void *data, size_t n, struct buf *out)
{
	const uint8_t *p = data;
	int r = 0;

	for (size_t k = 0; k < n && r == 0; k++) {
		switch (i->state) {
		case GROUND:
			r = ground(i, p[k], out);
			break;
		case C2:
			r = c1_byte(i, p[k], out);
			break;
		case E2:
			r = turn_byte(i, p[k], out);
			break;
		case ESC:
		case ESC_MID:
		case CSI:
			r = escape_byte(i, p[k], out);
			break;
		case STRING:
		case STRING_ESC:
		case STRING_C2:
			r = string_byte(i, p[k], out);
			break;
		}
	}
	return r;
}
