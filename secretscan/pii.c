/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/pii.h"

#include <arpa/inet.h>
#include <string.h>

#include "secretscan/secretscan.h"

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
pii_is_word(uint8_t c)
{
	return is_digit(c) || is_letter(c) || c == '_' || c >= 0x80;
}

void
pii_digits(const struct pii_text *t, const char *between, size_t most, struct pii_digits *out)
{
	size_t at = 0;

	out->n = 0;
	out->open = false;
	while (at < t->n && is_digit(t->p[at]) && out->n <= most) {
		out->d[out->n] = (uint8_t)(t->p[at++] - '0');
		out->end[out->n++] = at;
		if (at == t->n)
			break;
		if (t->p[at] != '\0' && strchr(between, t->p[at]) != NULL) {
			if (at + 1 < t->n && is_digit(t->p[at + 1]))
				at++;
			else if (at + 1 == t->n && t->more)
				at = t->n;
		}
	}
	out->open = t->more && at == t->n && out->n <= most;
}

bool
pii_luhn(const uint8_t *d, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned v = d[n - 1 - i];

		sum += i % 2 == 0 ? v : v * 2 > 9 ? v * 2 - 9 : v * 2;
	}
	return sum % 10 == 0;
}

/* Lengths that issuers of these first digits use. */
static bool
is_card_length(const uint8_t *d, size_t n)
{
	unsigned two = d[0] * 10u + d[1], three = two * 10 + d[2], four = three * 10 + d[3];

	if (d[0] == 4)
		return n == 13 || n == 16 || n == 19;
	if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720))
		return n == 16;
	if (two == 34 || two == 37)
		return n == 15;
	if ((three >= 300 && three <= 305) || two == 36 || two == 38 || two == 39)
		return n == 14 || n == 16;
	if (four == 6011 || (three >= 644 && three <= 649) || two == 65 || two == 62 || (four >= 3528 && four <= 3589))
		return n >= 16 && n <= 19;
	return false;
}

/* Nothing that the number could go on with follows its first n bytes. */
static enum pii_result
ends_at(const struct pii_text *t, size_t n)
{
	if (n == t->n)
		return t->more ? PII_MORE : PII_YES;
	return pii_is_word(t->p[n]) ? PII_NO : PII_YES;
}

static enum pii_result
look_card(const struct pii_text *t, size_t *np)
{
	struct pii_digits g;

	pii_digits(t, " -", 19, &g);
	if (g.open)
		return PII_MORE;
	for (size_t n = g.n < 19 ? g.n : 19; n >= 13; n--) {
		if (!is_card_length(g.d, n) || !pii_luhn(g.d, n) || ends_at(t, g.end[n - 1]) != PII_YES)
			continue;
		*np = g.end[n - 1];
		return PII_YES;
	}
	return PII_NO;
}

/* Lengths by country: the registry of ISO 13616. */
static size_t
iban_length(const uint8_t *country)
{
	static const char table[] =
	    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27"
	    "GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22"
	    "MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28"
	    "TL23TN24TR26UA29VA22VG24XK20YE30";

	for (const char *c = table; *c != '\0'; c += 4) {
		if (memcmp(c, country, 2) == 0)
			return (size_t)(c[2] - '0') * 10 + (size_t)(c[3] - '0');
	}
	return 0;
}

/* ISO 7064, mod 97-10, with the first four characters last. */
static bool
is_iban_proven(const uint8_t *c, size_t n)
{
	unsigned rest = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t ch = c[(i + 4) % n];

		rest = is_digit(ch) ? rest * 10 + (unsigned)(ch - '0') : rest * 100 + (unsigned)(ch - 'A') + 10;
		rest %= 97;
	}
	return rest == 1;
}

static enum pii_result
look_iban(const struct pii_text *t, size_t *np)
{
	uint8_t c[34];
	size_t want = 34, n = 0, at;

	for (at = 0; at < t->n && n < want; at++) {
		uint8_t ch = t->p[at];

		if (ch == ' ' && n >= 4 && n % 4 == 0 && t->p[at - 1] != ' ')
			continue;
		if (!(n < 2 ? ch >= 'A' && ch <= 'Z' : n < 4 ? is_digit(ch) : is_digit(ch) || (ch >= 'A' && ch <= 'Z')))
			return PII_NO;
		c[n++] = ch;
		if (n == 2 && (want = iban_length(c)) == 0)
			return PII_NO;
	}
	if (n < want)
		return t->more ? PII_MORE : PII_NO;
	*np = at;
	return is_iban_proven(c, n) ? ends_at(t, at) : PII_NO;
}

static bool
is_mail_byte(uint8_t c)
{
	return is_letter(c) || is_digit(c) || (c != '\0' && strchr("._%+-'", c) != NULL);
}

/* RFC 5321, without quoted local parts and address literals. */
static enum pii_result
look_mail(const struct pii_text *t, size_t *np)
{
	size_t at = 0, label, tld = 0;

	while (at < t->n && at <= 64 && is_mail_byte(t->p[at]))
		at++;
	if (at == t->n && at <= 64)
		return t->more ? PII_MORE : PII_NO;
	if (at == 0 || at > 64 || t->p[at] != '@')
		return PII_NO;
	*np = 0;
	for (label = ++at; at < t->n && at < PII_MAX; at++) {
		if (is_letter(t->p[at]) || is_digit(t->p[at]) || (t->p[at] == '-' && at > label))
			continue;
		if (t->p[at] != '.' || at == label)
			break;
		label = at + 1;
		tld++;
	}
	if (at == t->n && t->more && at < PII_MAX)
		return PII_MORE;
	if (at == label && tld > 0) {		/* the full stop of a sentence */
		at--;
		for (label = at; t->p[label - 1] != '.' && t->p[label - 1] != '@'; label--)
			;
		tld--;
	}
	*np = at;
	return tld > 0 && at - label >= 2 && is_letter(t->p[label]) ? PII_YES : PII_NO;
}

/* ITU-T E.164 with a plus, or a number of the North American plan in one of its usual forms. */
static enum pii_result
look_phone(const struct pii_text *t, size_t *np)
{
	static const char *const forms[] = { "(ddd) ddd-dddd", "(ddd)ddd-dddd", "ddd-ddd-dddd", "ddd.ddd.dddd" };
	enum pii_result best = PII_NO;

	if (t->p[0] == '+') {
		struct pii_text rest = { t->p + 1, t->n - 1, t->more };
		struct pii_digits g;

		pii_digits(&rest, " -.()", 15, &g);
		if (g.open)
			return PII_MORE;
		if (g.n < 8 || g.n > 15 || g.d[0] == 0)
			return PII_NO;
		*np = g.end[g.n - 1] + 1;
		return ends_at(t, *np);
	}
	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		const char *form = forms[f];
		size_t len = strlen(form), i, digit = 0;

		for (i = 0; i < len && i < t->n; i++) {
			bool d = form[i] == 'd';

			if (d ? !is_digit(t->p[i]) || (digit % 3 == 0 && digit < 6 && t->p[i] < '2') : t->p[i] != (uint8_t)form[i])
				break;
			digit += d;
		}
		if (i == t->n && i < len && t->more)
			best = PII_MORE;
		if (i < len)
			continue;
		*np = len;
		return ends_at(t, len);
	}
	return best;
}

/* An address that names a machine: not loopback, not unspecified, not a mask. */
static enum pii_result
look_ip(const struct pii_text *t, size_t *np)
{
	char text[INET6_ADDRSTRLEN + 1];
	struct in6_addr six;
	struct in_addr four;
	size_t n = 0, colons = 0;

	while (n < t->n && n < sizeof(text) &&
	    (is_digit(t->p[n]) || t->p[n] == ':' || t->p[n] == '.' || ((t->p[n] | 0x20) >= 'a' && (t->p[n] | 0x20) <= 'f')))
		colons += t->p[n++] == ':';
	if (n == t->n && n < sizeof(text) && t->more)
		return PII_MORE;
	if (n < t->n && pii_is_word(t->p[n]))
		return PII_NO;
	while (n > 0 && (t->p[n - 1] == '.' || (t->p[n - 1] == ':' && (n < 2 || t->p[n - 2] != ':'))))
		n--;
	if (n < 3 || n >= sizeof(text))
		return PII_NO;
	memcpy(text, t->p, n);
	text[n] = '\0';
	*np = n;
	if (inet_pton(AF_INET, text, &four) == 1) {
		uint32_t net = ntohl(four.s_addr) >> 24;

		return net == 0 || net == 127 || net == 255 ? PII_NO : PII_YES;
	}
	if (colons < 2 || inet_pton(AF_INET6, text, &six) != 1)
		return PII_NO;
	return IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_UNSPECIFIED(&six) || n < 5 ? PII_NO : PII_YES;
}

const struct pii_kind pii_kinds[PII_KINDS] = {
	{ "pii-card", "payment card", false, look_card },
	{ "pii-iban", "bank account (IBAN)", false, look_iban },
	{ "pii-email", "address of mail", false, look_mail },
	{ "pii-phone", "telephone number", false, look_phone },
	{ "pii-ip", "IP address", false, look_ip },
	{ "pii-us-ssn", "US social security number", true, pii_us_ssn },
	{ "pii-gb-nhs", "UK NHS number", true, pii_gb_nhs },
	{ "pii-gb-nino", "UK national insurance number", true, pii_gb_nino },
	{ "pii-de-idnr", "German tax identification number", true, pii_de_idnr },
	{ "pii-fr-nir", "French social security number", true, pii_fr_nir },
	{ "pii-es-dni", "Spanish DNI or NIE", true, pii_es_dni },
	{ "pii-it-cf", "Italian codice fiscale", true, pii_it_cf },
	{ "pii-nl-bsn", "Dutch citizen service number", true, pii_nl_bsn },
	{ "pii-be-nrn", "Belgian national register number", true, pii_be_nrn },
	{ "pii-pl-pesel", "Polish PESEL", true, pii_pl_pesel },
	{ "pii-pt-nif", "Portuguese NIF", true, pii_pt_nif },
	{ "pii-se-pnr", "Swedish personal identity number", true, pii_se_pnr },
	{ "pii-fi-hetu", "Finnish personal identity code", true, pii_fi_hetu },
	{ "pii-no-fnr", "Norwegian national identity number", true, pii_no_fnr },
	{ "pii-dk-cpr", "Danish CPR number", true, pii_dk_cpr },
	{ "pii-ch-ahv", "Swiss AHV number", true, pii_ch_ahv },
	{ "pii-br-cpf", "Brazilian CPF", true, pii_br_cpf },
	{ "pii-in-aadhaar", "Indian Aadhaar number", true, pii_in_aadhaar },
	{ "pii-cn-rid", "Chinese resident identity number", true, pii_cn_rid },
	{ "pii-ca-sin", "Canadian social insurance number", true, pii_ca_sin },
	{ "pii-tr-tckn", "Turkish identification number", true, pii_tr_tckn },
};

const char *
secretscan_pii_name(unsigned kind)
{
	return kind < PII_KINDS ? pii_kinds[kind].rule + strlen("pii-") : NULL;
}

uint32_t
secretscan_pii_bit(const char *name)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < PII_KINDS; i++) {
		if (strcmp(name, secretscan_pii_name(i)) == 0 || strcmp(name, "all") == 0 ||
		    (strcmp(name, "national-id") == 0 && pii_kinds[i].national))
			bits |= (uint32_t)1 << i;
	}
	return bits;
}
