/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is closed to us: encrypted content, archives that are not read, and bytes that look random. Encrypted and random
 * bytes are the same to statistics, so a content counts as opaque only when it begins like no known format.
 */
#include <string.h>

#include "secretscan/container_int.h"

#define OPAQUE_LEAST	2048	/* bytes: keys and hashes are shorter, and are no place to hide much in */
#define OPAQUE_SAMPLE	65536
/*
 * Chi-squared over 256 values has a mean of 255 and a deviation of 22.6: random bytes are out of here once in 10,000
 * times. What compressors make is far above it in a sample of this size.
 */
#define OPAQUE_LOW	180
#define OPAQUE_HIGH	345

struct seal {
	const char		*kind;
	enum container_notice	 what;
	uint8_t			 at, n;
	char			 bytes[36];
};

#define SEAL(kind, at, s)	{ kind, CONTAINER_IS_ENCRYPTED, at, sizeof(s) - 1, s }
#define UNREAD(kind, at, s)	{ kind " is not read", CONTAINER_IS_CUT, at, sizeof(s) - 1, s }

static const struct seal seals[] = {
	SEAL("age", 0, "age-encryption.org/v1"),
	SEAL("age", 0, "-----BEGIN AGE ENCRYPTED FILE-----"),
	SEAL("Ansible vault", 0, "$ANSIBLE_VAULT;"),
	SEAL("OpenPGP message", 0, "-----BEGIN PGP MESSAGE-----"),
	SEAL("OpenSSL enc", 0, "Salted__"),
	SEAL("OpenSSL enc", 0, "U2FsdGVkX1"),
	SEAL("git-crypt", 0, "\0GITCRYPT\0"),
	SEAL("KeePass", 0, "\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5"),
	SEAL("KeePass", 0, "\x03\xd9\xa2\x9a\x66\xfb\x4b\xb5"),
	SEAL("KeePass", 0, "\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5"),
	SEAL("LUKS", 0, "LUKS\xba\xbe"),
	SEAL("BitLocker", 3, "-FVE-FS-"),
	SEAL("disk image", 0, "encrcdsa"),
	UNREAD("RAR", 0, "Rar!\x1a\x07"),
	UNREAD("XAR", 0, "xar!\0\x1c"),
	UNREAD("WIM", 0, "MSWIM\0\0\0"),
	UNREAD("SquashFS", 0, "hsqs"),
	UNREAD("lzop", 0, "\x89LZO\0\r\n\x1a\n"),
	UNREAD("lrzip", 0, "LRZI\0"),
	UNREAD("LHA", 2, "-lh5-"),
	UNREAD("ACE", 7, "**ACE**"),
	UNREAD("Snappy", 0, "\xff\x06\0\0sNaPpY"),
};

/* How formats begin whose content is compressed, or dense, by nature. */
struct known {
	uint8_t		at, n;
	char		bytes[10];
};

#define KNOWN(at, s)	{ at, sizeof(s) - 1, s }

static const struct known known[] = {
	KNOWN(0, "\x89PNG"), KNOWN(0, "\x89HDF"), KNOWN(0, "\x93NUMPY"), KNOWN(0, "\xff\xd8\xff"), KNOWN(0, "GIF8"),
	KNOWN(0, "RIFF"), KNOWN(0, "RIFX"), KNOWN(0, "OggS"), KNOWN(0, "fLaC"), KNOWN(0, "ID3"), KNOWN(0, "wOFF"),
	KNOWN(0, "wOF2"), KNOWN(0, "OTTO"), KNOWN(0, "ttcf"), KNOWN(0, "\0\1\0\0"), KNOWN(0, "true"),
	KNOWN(0, "\x7f" "ELF"), KNOWN(0, "MZ"), KNOWN(0, "\0asm"), KNOWN(0, "\xca\xfe\xba\xbe"),
	KNOWN(0, "\xcf\xfa\xed\xfe"), KNOWN(0, "\xce\xfa\xed\xfe"), KNOWN(0, "II*\0"), KNOWN(0, "MM\0*"),
	KNOWN(0, "8BPS"), KNOWN(0, "BM"), KNOWN(0, "\0\0\1\0"), KNOWN(0, "\0\0\2\0"), KNOWN(0, "\0\0\1\xba"),
	KNOWN(0, "\0\0\1\xb3"), KNOWN(0, "\x1a\x45\xdf\xa3"), KNOWN(0, "\xff\x0a"), KNOWN(0, "\0\0\0\x0cjP"),
	KNOWN(0, "\0\0\0\x0cJXL"), KNOWN(4, "ftyp"), KNOWN(4, "moov"), KNOWN(4, "mdat"), KNOWN(4, "free"),
	KNOWN(4, "TFL3"), KNOWN(0, "PAR1"), KNOWN(0, "ARROW1"), KNOWN(0, "GGUF"), KNOWN(0, "DIRC"),
	KNOWN(0, "PACK"), KNOWN(0, "\xfftOc"), KNOWN(0, "TZif"), KNOWN(0, "FWS"), KNOWN(0, "CWS"), KNOWN(0, "ZWS"),
	KNOWN(0, "dex\n"), KNOWN(0, "BC\xc0\xde"), KNOWN(0, "\x1bLua"), KNOWN(0, "\xd0\xcf\x11\xe0"),
	KNOWN(0, "\xd4\xc3\xb2\xa1"), KNOWN(0, "\xa1\xb2\xc3\xd4"), KNOWN(0, "\x0a\x0d\x0d\x0a"),
	KNOWN(0, "\x30\x82"), KNOWN(0, "\x30\x81"), KNOWN(0, "\x30\x80"), KNOWN(0, "\x99\x01"),
	KNOWN(0, "\x99\x02"), KNOWN(0, "\x99\x03"), KNOWN(0, "\x98\x33"), KNOWN(0, "\x9a"), KNOWN(0, "\x88\x75"),
	KNOWN(0, "\x89\x01"), KNOWN(0, "\x89\x02"), KNOWN(0, "MThd"), KNOWN(0, ".snd"), KNOWN(0, "FORM"),
	KNOWN(0, "wvpk"), KNOWN(0, "MAC "), KNOWN(0, "TTA1"), KNOWN(0, "\x0b\x77"), KNOWN(0, "#!AMR"),
	KNOWN(0, "caff"), KNOWN(0, "KTX "), KNOWN(0, "DDS "), KNOWN(0, "\xabKTX"), KNOWN(0, "qoif"),
	KNOWN(0, "farbfeld"), KNOWN(0, "v/1\1"), KNOWN(0, "SIMPLE"), KNOWN(0, "CDF"), KNOWN(0, "Obj\1"),
	KNOWN(0, "ORC"), KNOWN(0, "SQLite"), KNOWN(0, "\x80\2"), KNOWN(0, "\x80\3"), KNOWN(0, "\x80\4"),
	KNOWN(0, "\x80\5"), KNOWN(0, "\x1f\x8b"), KNOWN(0, "7z\xbc"), KNOWN(0, "PK\3\4"), KNOWN(0, "BZh"),
	KNOWN(0, "\xfd" "7zXZ"), KNOWN(0, "Rar!"), KNOWN(0, "MSCF"), KNOWN(0, "ITSF"), KNOWN(0, "\x28\xb5\x2f\xfd"),
};

/* An MPEG audio frame without a tag before it, or a transport stream. */
static bool
is_mpeg(const uint8_t *p, size_t n)
{
	return (p[0] == 0xff && (p[1] & 0xe0) == 0xe0) || (n > 188 && p[0] == 0x47 && p[188] == 0x47);
}

static bool
format_is_known(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct known *k = &known[i];

		if (n >= (size_t)k->at + k->n && memcmp(p + k->at, k->bytes, k->n) == 0)
			return true;
	}
	return is_mpeg(p, n);
}

/* RFC 7292: SEQUENCE { INTEGER 3, SEQUENCE { OID 1.2.840.113549.1.7.1 or .2, which is PKCS#7 data. */
static bool
is_pkcs12(const uint8_t *p, size_t n)
{
	static const uint8_t version[] = { 0x02, 0x01, 0x03, 0x30 };
	static const uint8_t data[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07 };
	size_t look = n < 40 ? n : 40;

	return p[0] == 0x30 && memmem(p, look < 12 ? look : 12, version, sizeof(version)) != NULL &&
	    memmem(p, look, data, sizeof(data)) != NULL;
}

static size_t
number(const uint8_t *p, size_t bytes)
{
	size_t n = 0;

	while (bytes-- > 0)
		n = n << 8 | *p++;
	return n;
}

/*
 * Java keystores: magic, version, a count, then entries of a tag, an alias, a date. One of certificates only (tag 2), a
 * list of whom to trust, holds no secret and is not encrypted.
 */
static bool
is_keystore(const uint8_t *p, size_t n)
{
	size_t at = 12, left, len;

	if (n < 24 || (memcmp(p, "\xfe\xed\xfe\xed\0\0\0", 7) != 0 && memcmp(p, "\xce\xce\xce\xce\0\0\0", 7) != 0))
		return false;
	for (left = number(p + 8, 4); left > 0; left--) {
		if (n - at < 16 || number(p + at, 4) != 2)
			return true;
		at += 4;
		for (size_t part = 0; part < 2; part++) {	/* alias and date; kind and certificate */
			len = number(p + at, 2) + 2;
			len += part == 0 ? 8 : 0;
			if (n - at < len + 4)
				return true;
			at += len;
		}
		len = number(p + at, 4) + 4;
		if (n - at < len)
			return true;
		at += len;
	}
	return false;
}

/*
 * RFC 9580, 4.2 and 5: a packet that holds a session key (1, 3) or a secret key (5), with the version and the algorithm
 * that follow it.
 */
static const char *
openpgp_kind(const uint8_t *p, size_t n)
{
	static const uint8_t length_size[] = { 1, 2, 4, 0 };
	unsigned tag;
	size_t at;

	if ((p[0] & 0x80) == 0 || n < 64)
		return NULL;
	if ((p[0] & 0x40) != 0) {
		tag = p[0] & 0x3f;
		at = 1 + (size_t)(p[1] < 192 ? 1 : p[1] < 224 ? 2 : p[1] == 255 ? 5 : 1);
	} else {
		tag = (p[0] >> 2) & 0xf;
		at = 1 + (size_t)length_size[p[0] & 3];
	}
	if (tag == 1 && p[at] == 3 && p[at + 9] >= 1 && p[at + 9] <= 27 &&
	    (p[0] == 0x84 || p[0] == 0x85 || p[0] == 0xc1))
		return "OpenPGP message";
	if (tag == 3 && (p[at] == 4 || p[at] == 6) && p[at + 1] >= 1 && p[at + 1] <= 13 && p[at + 2] <= 4 && p[1] < 64)
		return "OpenPGP message";
	if (tag == 5 && (p[at] == 4 || p[at] == 6) && p[at + 1] > 0x30 && p[at + 5] >= 1 && p[at + 5] <= 28 &&
	    (p[0] == 0x94 || p[0] == 0x95 || p[0] == 0xc5))
		return "OpenPGP secret key";
	return NULL;
}

/* Office writes an encrypted document as a compound file with a stream of this name, in UTF-16. */
static bool
is_sealed_office(const uint8_t *p, size_t n)
{
	static const char name[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e";

	return memcmp(p, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) == 0 && memmem(p, n, name, sizeof(name)) != NULL;
}

const char *
sealed_kind(const uint8_t *p, size_t n, enum container_notice *whatp)
{
	*whatp = CONTAINER_IS_ENCRYPTED;
	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		const struct seal *s = &seals[i];

		if (n > (size_t)s->at + s->n && memcmp(p + s->at, s->bytes, s->n) == 0) {
			*whatp = s->what;
			return s->kind;
		}
	}
	if (is_pkcs12(p, n))
		return "PKCS#12";
	if (is_keystore(p, n))
		return "Java keystore";
	if (is_sealed_office(p, n))
		return "Office document";
	return openpgp_kind(p, n);
}

static double
chi_squared(const uint8_t *p, size_t n)
{
	size_t count[256] = { 0 };
	double expected = (double)n / 256, sum = 0;

	for (size_t i = 0; i < n; i++)
		count[p[i]]++;
	for (size_t i = 0; i < 256; i++)
		sum += ((double)count[i] - expected) * ((double)count[i] - expected);
	return sum / expected;
}

/* A line of text first is a format too, if not one of ours. */
static bool
begins_as_text(const uint8_t *p)
{
	for (size_t i = 0; i < 12; i++) {
		if (p[i] < ' ' || p[i] > '~')
			return false;
	}
	return true;
}

bool
opaque_is(const uint8_t *p, size_t n)
{
	size_t sample = n < OPAQUE_SAMPLE ? n : OPAQUE_SAMPLE, high = 0;
	double chi;

	if (n < OPAQUE_LEAST)
		return false;
	/* Half of random bytes have their high bit, and texts are told by it at once. */
	for (size_t i = 0; i < 64; i++)
		high += p[n / 2 + i] >> 7;
	if (high < 12 || high > 52 || format_is_known(p, n) || begins_as_text(p))
		return false;
	chi = chi_squared(p + (n - sample) / 2, sample);
	return chi > OPAQUE_LOW && chi < OPAQUE_HIGH;
}
