/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that states give to people. The sources are the laws and registries that define them; where a number has
 * check digits they are computed, and where it begins with a date the date has to exist.
 */
#include <string.h>

#include "secretscan/pii.h"

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static unsigned
number(const uint8_t *d, size_t n)
{
	unsigned v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 10 + d[i];
	return v;
}

static uint64_t
long_number(const uint8_t *d, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 10 + d[i];
	return v;
}

static bool
is_day(unsigned day, unsigned month)
{
	static const uint8_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

static unsigned
weighed(const uint8_t *d, const char *weights)
{
	unsigned sum = 0;

	for (size_t i = 0; weights[i] != '\0'; i++)
		sum += d[i] * (unsigned)(weights[i] <= '9' ? weights[i] - '0' : weights[i] - 'a' + 10);
	return sum;
}

static bool
all_same(const uint8_t *d, size_t n)
{
	size_t i = 1;

	while (i < n && d[i] == d[0])
		i++;
	return i == n;
}

/*
 * Text that has this form exactly and ends there: d a digit, A a capital letter, x either, anything else itself; a
 * character followed by ? may be absent. Digits go to d, all characters other than literals to c.
 */
struct shape {
	uint8_t	d[PII_DIGITS];
	uint8_t	c[PII_DIGITS];
	size_t	nd, nc;
};

static enum pii_result
match_shape(const struct pii_text *t, const char *form, struct shape *s, size_t *np)
{
	size_t at = 0;

	memset(s, 0, sizeof(*s));
	for (const char *f = form; *f != '\0'; f++) {
		bool perhaps = f[1] == '?', fits;
		uint8_t c;

		if (at == t->n)
			return t->more ? PII_MORE : PII_NO;
		c = t->p[at];
		fits = *f == 'd' ? is_digit(c) : *f == 'A' ? c >= 'A' && c <= 'Z' :
		    *f == 'x' ? is_digit(c) || (c >= 'A' && c <= 'Z') : c == (uint8_t)*f;
		if (!fits && !perhaps)
			return PII_NO;
		if (fits && (*f == 'd' || *f == 'A' || *f == 'x')) {
			s->c[s->nc++] = c;
			if (is_digit(c))
				s->d[s->nd++] = (uint8_t)(c - '0');
		}
		at += fits;
		f += perhaps;
	}
	*np = at;
	if (at == t->n)
		return t->more ? PII_MORE : PII_YES;
	if (pii_is_word(t->p[at]) || (t->p[at] == '-' && at + 1 < t->n && is_digit(t->p[at + 1])))
		return PII_NO;
	return t->p[at] == '-' && at + 1 == t->n && t->more ? PII_MORE : PII_YES;
}

enum pii_result
pii_us_ssn(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "ddd-dd-dddd", &s, np);
	unsigned area = number(s.d, 3);

	if (r != PII_YES)
		return r;
	return area == 0 || area == 666 || area >= 900 || number(s.d + 3, 2) == 0 || number(s.d + 5, 4) == 0 ? PII_NO : PII_YES;
}

enum pii_result
pii_gb_nhs(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "ddd ?ddd ?dddd", &s, np);
	unsigned check = 11 - weighed(s.d, "a98765432") % 11;

	if (r != PII_YES)
		return r;
	return !all_same(s.d, 10) && check % 11 == s.d[9] && check != 10 ? PII_YES : PII_NO;
}

enum pii_result
pii_gb_nino(const struct pii_text *t, size_t *np)
{
	static const char *const never[] = { "BG", "GB", "KN", "NK", "NT", "TN", "ZZ" };
	struct shape s;
	enum pii_result r = match_shape(t, "AA ?dd ?dd ?dd ?A", &s, np);

	if (r != PII_YES)
		return r;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		if (memcmp(s.c, never[i], 2) == 0)
			return PII_NO;
	}
	return strchr("DFIQUV", s.c[0]) != NULL || strchr("DFIOQUV", s.c[1]) != NULL || s.c[8] > 'D' ? PII_NO : PII_YES;
}

/* ISO 7064, mod 11,10; among the first ten digits exactly one occurs twice or three times. */
enum pii_result
pii_de_idnr(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "dd ?ddd ?ddd ?ddd", &s, np);
	unsigned product = 10, seen[10] = { 0 }, repeated = 0;

	if (r != PII_YES)
		return r;
	for (size_t i = 0; i < 10; i++) {
		unsigned sum = (s.d[i] + product) % 10;

		product = (sum == 0 ? 10 : sum) * 2 % 11;
		seen[s.d[i]]++;
	}
	for (size_t i = 0; i < 10; i++)
		repeated += seen[i] > 1 ? (seen[i] > 3 ? 2u : 1u) : 0;
	return s.d[0] != 0 && repeated == 1 && (11 - product) % 10 == s.d[10] ? PII_YES : PII_NO;
}

enum pii_result
pii_fr_nir(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "d ?dd ?dd ?dx ?ddd ?ddd ?dd", &s, np);
	uint64_t v;
	unsigned month;

	if (r != PII_YES)
		return r;
	for (size_t i = 0; i < 15; i++) {
		if (is_digit(s.c[i]))
			s.d[i] = (uint8_t)(s.c[i] - '0');
		else if (i == 6 && (s.c[i] == 'A' || s.c[i] == 'B'))	/* Corsica: 2A counts as 19, 2B as 18 */
			s.d[i] = 0;
		else
			return PII_NO;
	}
	v = long_number(s.d, 13);
	if (s.c[6] == 'A')
		v -= UINT64_C(1000000);
	else if (s.c[6] == 'B')
		v -= UINT64_C(2000000);
	month = number(s.d + 3, 2);
	if ((s.d[0] != 1 && s.d[0] != 2 && s.d[0] != 7 && s.d[0] != 8) || month == 0 || (month > 12 && month < 20))
		return PII_NO;
	return 97 - v % 97 == number(s.d + 13, 2) ? PII_YES : PII_NO;
}

enum pii_result
pii_es_dni(const struct pii_text *t, size_t *np)
{
	static const char letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";
	struct shape s;
	enum pii_result r = match_shape(t, "dddddddd-?A", &s, np);
	unsigned v = number(s.d, 8);

	if (r == PII_NO) {		/* NIE: X, Y or Z stand for a first digit */
		r = match_shape(t, "A-?ddddddd-?A", &s, np);
		v = (unsigned)(s.c[0] - 'X') * 10000000 + number(s.d, 7);
		if (r == PII_YES && s.c[0] < 'X')
			r = PII_NO;
	}
	if (r != PII_YES)
		return r;
	return (uint8_t)letters[v % 23] == s.c[8] ? PII_YES : PII_NO;
}

/* Decree of the Italian Ministry of Finance, 23 December 1976: odd places count by a table, even places by order. */
enum pii_result
pii_it_cf(const struct pii_text *t, size_t *np)
{
	static const uint8_t odd[26] = { 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23 };
	struct shape s;
	enum pii_result r = match_shape(t, "AAAAAAxxAxxAxxxA", &s, np);
	unsigned sum = 0;

	if (r != PII_YES)
		return r;
	for (size_t i = 0; i < 15; i++) {
		unsigned v = (unsigned)(is_digit(s.c[i]) ? s.c[i] - '0' : s.c[i] - 'A');

		sum += i % 2 == 0 ? odd[v] : v;
	}
	return sum % 26 == (unsigned)(s.c[15] - 'A') && strchr("ABCDEHLMPRST", s.c[8]) != NULL ? PII_YES : PII_NO;
}

enum pii_result
pii_nl_bsn(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "dddd.?dd.?ddd", &s, np);

	if (r != PII_YES)
		return r;
	return (weighed(s.d, "98765432") + 10u * s.d[8]) % 11 == 0 && !all_same(s.d, 9) ? PII_YES : PII_NO;
}

enum pii_result
pii_be_nrn(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "dd.?dd.?dd-?ddd.?dd", &s, np);
	uint64_t v = long_number(s.d, 9);
	unsigned check = number(s.d + 9, 2);

	if (r != PII_YES)
		return r;
	if (!is_day(number(s.d + 4, 2), number(s.d + 2, 2)))
		return PII_NO;
	return 97 - v % 97 == check || 97 - (v + UINT64_C(2000000000)) % 97 == check ? PII_YES : PII_NO;
}

/* The century is in the month. */
enum pii_result
pii_pl_pesel(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "ddddddddddd", &s, np);

	if (r != PII_YES)
		return r;
	return is_day(number(s.d + 4, 2), number(s.d + 2, 2) % 20) &&
	    (10 - weighed(s.d, "1379137913") % 10) % 10 == s.d[10] ? PII_YES : PII_NO;
}

enum pii_result
pii_pt_nif(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "ddd ?ddd ?ddd", &s, np);
	unsigned check = 11 - weighed(s.d, "98765432") % 11;

	if (r != PII_YES)
		return r;
	return s.d[0] >= 1 && s.d[0] <= 3 && (check > 9 ? 0 : check) == s.d[8] ? PII_YES : PII_NO;
}

/* Coordination numbers add 60 to the day. Ten digits prove little without their separator; twelve begin with a century. */
enum pii_result
pii_se_pnr(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "dddddd-dddd", &s, np);
	const uint8_t *d = s.d;

	if (r == PII_NO)
		r = match_shape(t, "dddddd+dddd", &s, np);
	if (r == PII_NO) {
		r = match_shape(t, "dddddddd-?dddd", &s, np);
		if (r == PII_YES && (number(s.d, 2) < 18 || number(s.d, 2) > 20))
			r = PII_NO;
		d = s.d + 2;
	}
	if (r != PII_YES)
		return r;
	return is_day(number(d + 4, 2) % 60, number(d + 2, 2)) && pii_luhn(d, 10) ? PII_YES : PII_NO;
}

enum pii_result
pii_fi_hetu(const struct pii_text *t, size_t *np)
{
	static const char digits[] = "0123456789ABCDEFHJKLMNPRSTUVWXY";
	struct pii_text rest = { t->p + 7, t->n > 7 ? t->n - 7 : 0, t->more };
	struct shape s, tail;
	enum pii_result r;

	for (size_t i = 0; i < 7; i++) {
		if (i == t->n)
			return t->more ? PII_MORE : PII_NO;
		if (i < 6 ? !is_digit(t->p[i]) : t->p[i] == '\0' || strchr("+-YXWVUABCDEF", t->p[i]) == NULL)
			return PII_NO;
		s.d[i] = (uint8_t)(t->p[i] - '0');
	}
	if ((r = match_shape(&rest, "dddx", &tail, np)) != PII_YES)
		return r;
	*np += 7;
	if (!is_day(number(s.d, 2), number(s.d + 2, 2)))
		return PII_NO;
	return (uint8_t)digits[(number(s.d, 6) * 1000u + number(tail.d, 3)) % 31] == tail.c[3] ? PII_YES : PII_NO;
}

enum pii_result
pii_no_fnr(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "dddddd ?ddddd", &s, np);
	unsigned day = number(s.d, 2), one, two;

	if (r != PII_YES)
		return r;
	one = (11 - weighed(s.d, "376189452") % 11) % 11;
	two = (11 - weighed(s.d, "5432765432") % 11) % 11;
	return is_day(day > 40 ? day - 40 : day, number(s.d + 2, 2)) && one == s.d[9] && two == s.d[10] ? PII_YES : PII_NO;
}

/* Its check digit is not used for people born since 2007: the structure has to do. */
enum pii_result
pii_dk_cpr(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "dddddd-dddd", &s, np);

	if (r != PII_YES)
		return r;
	return is_day(number(s.d, 2), number(s.d + 2, 2)) ? PII_YES : PII_NO;
}

enum pii_result
pii_ch_ahv(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "756.?dddd.?dddd.?dd", &s, np);

	if (r != PII_YES)
		return r;
	/* EAN-13: 7 + 3*5 + 6 of the fixed digits is 28 */
	return (10 - (28 + weighed(s.d, "313131313")) % 10) % 10 == s.d[9] ? PII_YES : PII_NO;
}

enum pii_result
pii_br_cpf(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "ddd.?ddd.?ddd-?dd", &s, np);

	if (r != PII_YES)
		return r;
	return !all_same(s.d, 11) && weighed(s.d, "a98765432") * 10 % 11 % 10 == s.d[9] &&
	    weighed(s.d, "ba98765432") * 10 % 11 % 10 == s.d[10] ? PII_YES : PII_NO;
}

/* Verhoeff's dihedral check (Error Detecting Decimal Codes, 1969). */
enum pii_result
pii_in_aadhaar(const struct pii_text *t, size_t *np)
{
	static const char d[10][11] = { "0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321",
	    "6598710432", "7659821043", "8765932104", "9876543210" };
	static const char p[8][11] = { "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901",
	    "2793806415", "7046913258" };
	struct shape s;
	enum pii_result r = match_shape(t, "dddd ?dddd ?dddd", &s, np);
	unsigned c = 0;

	if (r != PII_YES)
		return r;
	for (size_t i = 0; i < 12; i++)
		c = (unsigned)(d[c][p[i % 8][s.d[11 - i]] - '0'] - '0');
	return s.d[0] >= 2 && c == 0 ? PII_YES : PII_NO;
}

/* GB 11643: ISO 7064, mod 11-2. */
enum pii_result
pii_cn_rid(const struct pii_text *t, size_t *np)
{
	static const char check[] = "10X98765432";
	struct shape s;
	enum pii_result r = match_shape(t, "dddddddddddddddddx", &s, np);
	unsigned year = number(s.d + 6, 4);

	if (r != PII_YES)
		return r;
	return year >= 1880 && year <= 2100 && is_day(number(s.d + 12, 2), number(s.d + 10, 2)) &&
	    (uint8_t)check[weighed(s.d, "79a584216379a5842") % 11] == s.c[17] ? PII_YES : PII_NO;
}

/* Nine digits prove little: only with separators. */
enum pii_result
pii_ca_sin(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "ddd-ddd-ddd", &s, np);

	if (r == PII_NO)
		r = match_shape(t, "ddd ddd ddd", &s, np);
	if (r != PII_YES)
		return r;
	return s.d[0] != 0 && s.d[0] != 8 && pii_luhn(s.d, 9) ? PII_YES : PII_NO;
}

enum pii_result
pii_tr_tckn(const struct pii_text *t, size_t *np)
{
	struct shape s;
	enum pii_result r = match_shape(t, "ddddddddddd", &s, np);
	unsigned odd, even;

	if (r != PII_YES)
		return r;
	odd = weighed(s.d, "101010101");
	even = weighed(s.d, "01010101");
	return s.d[0] != 0 && (odd * 7 + 100 - even) % 10 == s.d[9] && (odd + even + s.d[9]) % 10 == s.d[10] ? PII_YES : PII_NO;
}
