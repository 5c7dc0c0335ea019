/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/value.h"

#include <string.h>

#include "secretscan/ascii.h"
#include "secretscan/measure.h"
#include "secretscan/words.h"

/* Of so many characters, that cost less each, no machine drew them. */
#define WORDY_MIN	16
#define WORDY_BITS	4.4
/* Of letters of both cases and few digits: names of programs cost less, all but one in a thousand, and tokens more. */
#define NAME_BITS	6.0

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* What a kind asks for. Bits a character are those of words.h; entropy is that of the characters' frequencies. */
static const struct demand {
	const char	*name;
	size_t		 shortest;
	double		 surprise;
	double		 entropy;
	size_t		 classes;	/* of lower case, upper case, digits, signs */
	bool		 digit;
} demands[] = {
	[VALUE_ANY] = { "any", 0, 0, 0, 0, false },
	[VALUE_PASSWORD] = { "password", 4, 5.8, 1.9, 1, false },
	[VALUE_ARGUMENT] = { "argument", 7, 6.6, 2.3, 2, false },
	[VALUE_LINE] = { "line", 6, 6.2, 2.3, 1, false },
	[VALUE_PLAIN] = { "plain", 6, 6.3, 2.3, 2, true },
	[VALUE_TOKEN] = { "token", 8, 6.2, 2.5, 1, false },
	[VALUE_KEY] = { "key", 20, 6.8, 3.5, 2, true },
};

/* Words that say what should stand there. Six letters or more do not occur in a token by chance. */
static const char *const fillers[] = {
	"example", "changeme", "change_me", "change-me", "placeholder", "redacted", "insert_", "insert-", "replace_",
	"replace-", "replaceme", "your_", "your-", "yourtoken", "yourkey", "yourapi", "yoursecret", "yourpass", "xxxx",
	"****", "....", "????", "####", "<your", "my_token", "my-token", "todo_", "fixme", "dummy_", "fake_", "fake-",
	"sample_", "put_your", "notreal", "not-a-real", "not_a_real", "deadbeef",
};

/* Pieces of the tokens that RFCs, manuals and emulators print for everybody. */
static const char *const published[] = {
	"YotnFZFEjr1z", "Gzv3JOkF0XG5", "F_9.B5f-4.1J", "ZCaGRSa3F0Mz", "dpf43f3p2l4k", "kd94hf93k423", "nch734d00sl2",
	"pfkkdhi9sl3r", "hdhd0244k9j7", "QWxhZGRpbjpv", "GhlIHNhbXBsZ", "Fjfp0ZBr1KtD", "vdM02xNOcqFl", "yDjf5/R+ob0N", "SflKxwRJSMeK", "4eC39HqLyjWD", "GmWKa4JsXZ-H", "h480djs93hd8", "ad180jjd733k", "0685bd9184jf",
};

/* Words that no password of people who care, and no token, holds. */
static const char *const plain_words[] = {
	"password", "passwd", "passphrase", "secret", "token", "credential", "username", "test", "sample", "dummy", "fake",
	"default", "foobar", "string", "change", "invalid", "undefined", "null", "none", "admin", "abcd", "1234", "0123", "qwert",
	"asdf", "http", "://", "sha256", "sha512", "sha1", "md5", "encrypted", "hidden", "mock", "stub", "demo", "unittest",
	"process.env", "environ", "public", "value", "require", "mypass", "localhost", "utf-8", "utf8", "oauth", "api_key", "apikey",
	"api-key", "abc123", "pwd", "passw", "bearer", "basic", "hash", "wrong", "correct", "toor", "letmein", "hello",
};

struct makeup {
	size_t	lower, upper, digits, signs, spaces, hex, high;
};

static struct makeup
measure(const uint8_t *p, size_t n)
{
	struct makeup m = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (p[i] >= 'a' && p[i] <= 'z')
			m.lower++;
		else if (p[i] >= 'A' && p[i] <= 'Z')
			m.upper++;
		else if (p[i] >= '0' && p[i] <= '9')
			m.digits++;
		else if (p[i] == ' ' || p[i] == '\t')
			m.spaces++;
		else if (p[i] >= 0x80)
			m.high++;
		else
			m.signs++;
		if (ascii_is_hex(p[i]))
			m.hex++;
	}
	return m;
}

static bool
holds(const uint8_t *p, size_t n, const char *word)
{
	size_t len = strlen(word);
	uint8_t first = (uint8_t)word[0] | 0x20;

	for (size_t i = 0; i + len <= n; i++) {
		if ((p[i] | 0x20) == first && ascii_same(p + i, word, len))
			return true;
	}
	return false;
}

static bool
holds_any(const uint8_t *p, size_t n, const char *const words[], size_t nwords)
{
	for (size_t w = 0; w < nwords; w++) {
		if (holds(p, n, words[w]))
			return true;
	}
	return false;
}

static bool
is_name_byte(uint8_t c)
{
	return ascii_is_alnum(c) || c == '_' || c == '.' || c == ':' || c == '-' || c == ' ' || c == '/';
}

/* The length of a name with the `close` that it runs to; 0 when something else comes first. */
static size_t
named_until(const uint8_t *p, size_t n, uint8_t close)
{
	size_t i = 0;

	while (i < n && is_name_byte(p[i]))
		i++;
	return i < n && p[i] == close ? i + 1 : 0;
}

/* Something that a program fills in: ${NAME}, {{ name }}, {name}, <name>, %(name)s, #{name}, $(name), %NAME%. */
static bool
is_template_at(const uint8_t *p, size_t n)
{
	static const struct {
		const char	*open;
		uint8_t		 close;
	} forms[] = {
		{ "${", '}' }, { "{{", '}' }, { "#{", '}' }, { "%{", '}' }, { "@{", '}' }, { "$(", ')' }, { "%(", ')' },
		{ "<%", '>' }, { "{", '}' }, { "<", '>' }, { "__", '_' }, { "[", ']' }, { "((", ')' },
	};

	/* ${NAME:-default} and whatever else a shell puts after the name. */
	if (n > 4 && memcmp(p, "${", 2) == 0 && (ascii_is_alpha(p[2]) || p[2] == '_') && (ascii_is_alpha(p[3]) || p[3] == '_'))
		return true;
	for (size_t i = 0; i < COUNT(forms); i++) {
		size_t len = strlen(forms[i].open);

		if (n > len && memcmp(p, forms[i].open, len) == 0 && named_until(p + len, n - len, forms[i].close) > 2)
			return true;
	}
	return n >= 2 && p[0] == '%' && strchr("sdvqx@", p[1]) != NULL && p[1] != '\0' && (n == 2 || !ascii_is_alnum(p[2]));
}

static bool
holds_template(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strchr("$#%{<@_[(", p[i]) != NULL && p[i] != '\0' && is_template_at(p + i, n - i))
			return true;
	}
	/* $NAME, %NAME% and a call's beginning are the whole value. */
	return n > 1 && ((p[0] == '$' && (ascii_is_alpha(p[1]) || p[1] == '_') && !holds(p + 1, n - 1, "$")) ||
	    (p[0] == '%' && p[n - 1] == '%'));
}

bool
value_is_placeholder(const uint8_t *p, size_t n)
{
	return holds_any(p, n, fillers, COUNT(fillers)) || holds_any(p, n, published, COUNT(published));
}

/* A date, a version, an address, a size: digits and the signs that part them. */
static bool
is_number(const uint8_t *p, size_t n, const struct makeup *m)
{
	if (m->signs + m->spaces > 0 && (m->lower + m->upper <= 1 || (m->lower + m->upper == 2 && m->digits >= 8)))
		return true;
	return n > 2 && p[0] == '0' && (p[1] | 0x20) == 'x' && m->hex + 1 == n && n < 18;
}

static bool
is_uuid(const uint8_t *p, size_t n, const struct makeup *m)
{
	return n == 36 && m->hex == 32 && p[8] == '-' && p[13] == '-' && p[18] == '-' && p[23] == '-';
}

static bool
is_counted(const uint8_t *p, size_t n)
{
	size_t steps = 0;

	for (size_t i = 1; i < n; i++)
		steps += p[i] == p[i - 1] || p[i] == p[i - 1] + 1 || p[i] + 1 == p[i - 1];
	return steps * 2 > n;
}

/* An address, an e-mail address, a path, a MIME type. */
static bool
is_place(const uint8_t *p, size_t n, const struct makeup *m)
{
	const uint8_t *at = memchr(p, '@', n);

	if (holds(p, n, "://") || (n > 2 && (memcmp(p, "./", 2) == 0 || memcmp(p, "~/", 2) == 0 || memcmp(p, "//", 2) == 0)))
		return true;
	if (p[0] == '/' && m->digits * 4 < n)
		return true;
	return at != NULL && at > p && memchr(at, '.', (size_t)(p + n - at)) != NULL && m->signs <= 4;
}

/* Expressions of all kinds. What has many signs may hold the less certain ones by chance. */
static bool
is_code(const uint8_t *p, size_t n, const struct makeup *m)
{
	static const char *const surely[] = {
		"[a-z", "a-za-z", "[0-9", "0-9]", "(?:", "(?=", "(?!", "(?<", "\\x2", "\\x0", "\\u00", "&quot", "&amp", "();",
	};
	static const char *const perhaps[] = {
		"->", "=>", "::", "==", "&&", "||", "()", "\\d", "\\w", "\\s", "(?", ".*", ".+", "</", "/>", "&#", "...", "${",
		"{{", "+ ", " +", "= ", " =", "; ", "');", "function", "return ",
	};

	return holds_any(p, n, surely, COUNT(surely)) || (m->signs * 3 < n && holds_any(p, n, perhaps, COUNT(perhaps)));
}

static size_t
count_kinds(const uint8_t *p, size_t n, const char *signs)
{
	size_t kinds = 0;

	for (; *signs != '\0'; signs++)
		kinds += memchr(p, *signs, n) != NULL;
	return kinds;
}

/* Drawn from all signs of the keyboard. */
static bool
is_noisy(const uint8_t *p, size_t n)
{
	return count_kinds(p, n, "!@#$%^&*?~+=|{}()[];<>") >= 5;
}

/* Machines draw from letters, digits and few signs; labels, selectors and patterns have many, constants are upper case. */
static bool
is_drawn(const uint8_t *p, size_t n, const struct makeup *m)
{
	if (is_noisy(p, n))
		return true;
	for (size_t i = 0; i < n; i++) {
		if (!ascii_is_alnum(p[i]) && memchr("+/=_.~:%-", p[i], 9) == NULL)
			return false;
	}
	return m->signs * 5 <= n && (m->lower > 0 || memchr(p, '_', n) == NULL);
}

/* Words of people's passwords are dressed up: hunter2! and the like, or many different signs. */
static bool
is_dressed(const uint8_t *p, size_t n, const struct makeup *m)
{
	if (m->lower + m->upper < 4 || m->spaces > 0 || n < 8)
		return false;
	return is_noisy(p, n) || (m->digits > 0 && n <= 24 && memchr("!@#$%^&*?", p[n - 1], 9) != NULL);
}

/*
 * Or words with a number behind them, and perhaps a sign: blueElephant42. Names of programs end in numbers as well, but
 * are not what a password is set to: in a gigabyte of sources all that look so are passwords. A single digit counts
 * things (version1), unless more than one word stands before it.
 */
static bool
is_numbered(const uint8_t *p, size_t n)
{
	size_t word = 0, digits = 0, signs = 0, inner = 0;

	if (n < 8 || n > 20)
		return false;
	for (; word < n && ascii_is_alpha(p[word]); word++)
		inner += word > 0 && p[word] < 'a' && p[word - 1] >= 'a';
	while (word + digits < n && ascii_is_digit(p[word + digits]))
		digits++;
	while (word + digits + signs < n && p[word + digits + signs] != '\0' &&
	    strchr("!@#$%^&*?", p[word + digits + signs]) != NULL)
		signs++;
	return word >= 4 && digits >= (inner > 0 ? 1 : 2) && digits <= 4 && signs <= 2 && word + digits + signs == n;
}

bool
value_is_wordy(const uint8_t *p, size_t n)
{
	struct makeup m;
	bool name;

	if (n < WORDY_MIN)
		return false;
	m = measure(p, n);
	name = m.lower > 0 && m.upper > 0 && m.lower + m.upper + m.digits == n && m.digits * 8 <= n;
	return words_surprise(p, n) < (name ? NAME_BITS : WORDY_BITS) * (double)n;
}

bool
value_is_credible(enum value_kind kind, const uint8_t *p, size_t n)
{
	const struct demand *d = &demands[kind];
	struct makeup m;
	double surprise;

	if (kind == VALUE_ANY)
		return true;
	if (n < d->shortest || value_is_placeholder(p, n))
		return false;
	/* The padding of base64 is no operator. */
	for (int i = 0; i < 2 && n > 8 && p[n - 1] == '='; i++)
		n--;
	m = measure(p, n);
	if (m.high > 0 || (d->digit && m.digits == 0) ||
	    (size_t)(m.lower > 0) + (m.upper > 0) + (m.digits > 0) + (m.signs > 0) < d->classes)
		return false;
	if (is_number(p, n, &m) || is_counted(p, n) || is_place(p, n, &m) || holds_any(p, n, plain_words, COUNT(plain_words)))
		return false;
	if (m.spaces > 0 && (kind != VALUE_PASSWORD || m.signs < 6 || n < 40))
		return false;
	if (holds_template(p, n) || is_code(p, n, &m))
		return false;
	if (measure_entropy(p, n) < d->entropy)
		return false;
	if ((kind == VALUE_TOKEN || kind == VALUE_KEY) && !is_drawn(p, n, &m))
		return false;
	/* Hexadecimal digits are letters that seldom make words; entropy is enough for them. */
	if (m.hex == n && n >= 16)
		return m.digits > 0 && m.lower + m.upper > 0 && kind != VALUE_KEY && n <= 128;
	if (is_uuid(p, n, &m))
		return kind == VALUE_TOKEN;
	if (m.hex == n && m.digits == n)
		return kind == VALUE_PASSWORD && n >= 6 && n <= 16;
	/* In few letters chance makes what looks like no word of English, such as a word of Czech or an abbreviation. */
	surprise = words_surprise(p, n) / (double)n;
	if (m.digits + m.signs == 0 && n < 8)
		surprise -= (8 - (double)n) / 2;
	if (kind == VALUE_TOKEN && n < 12)
		surprise -= (12 - (double)n) / 4;
	if (kind != VALUE_TOKEN && kind != VALUE_KEY && is_numbered(p, n))
		return true;
	return surprise >= d->surprise || ((kind == VALUE_PASSWORD || kind == VALUE_LINE) && is_dressed(p, n, &m));
}

bool
value_kind_find(const char *name, enum value_kind *kindp)
{
	for (size_t i = 1; i < COUNT(demands); i++) {
		if (strcmp(demands[i].name, name) == 0) {
			*kindp = (enum value_kind)i;
			return true;
		}
	}
	return false;
}

const char *
value_kind_name(enum value_kind kind)
{
	return kind != VALUE_ANY && (size_t)kind < COUNT(demands) ? demands[kind].name : NULL;
}
