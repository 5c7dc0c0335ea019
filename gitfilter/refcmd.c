/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/refcmd.h"

#include <stdio.h>
#include <string.h>

#include "bastion/base/err.h"

#define PREFIX		"refs/"
#define PREFIX_LEN	5

bool
oid_is_hex(const uint8_t *p, size_t n)
{
	if (n != OID_HEX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f')))
			return false;
	return true;
}

bool
oid_is_zero(const char *oid)
{
	return strspn(oid, "0") == OID_HEX;
}

void
oid_format(const uint8_t raw[20], char out[OID_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 20; i++) {
		out[2 * i] = digits[raw[i] >> 4];
		out[2 * i + 1] = digits[raw[i] & 15];
	}
	out[OID_HEX] = '\0';
}

void
oid_parse(const char *oid, uint8_t out[20])
{
	for (int i = 0; i < OID_HEX; i++) {
		uint8_t d = (uint8_t)(oid[i] <= '9' ? oid[i] - '0' : oid[i] - 'a' + 10);

		out[i / 2] = i % 2 == 0 ? (uint8_t)(d << 4) : (uint8_t)(out[i / 2] | d);
	}
}

/* The length of the well-formed UTF-8 character at p, 0 when there is none. C1 controls and bidi marks count as none. */
static size_t
utf8_length(const uint8_t *p, size_t n)
{
	static const struct { uint8_t lead, mask; uint32_t low; } forms[] = {
		{ 0, 0, 0 }, { 0, 0x80, 0 }, { 0xc0, 0xe0, 0x80 }, { 0xe0, 0xf0, 0x800 }, { 0xf0, 0xf8, 0x10000 },
	};
	uint32_t c;

	for (size_t len = 1; len <= 4 && len <= n; len++) {
		if ((p[0] & forms[len].mask) != forms[len].lead)
			continue;
		c = p[0] & (uint32_t)(uint8_t)~forms[len].mask;
		for (size_t i = 1; i < len; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (p[i] & 0x3f);
		}
		if (c < forms[len].low || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || (c >= 0x80 && c < 0xa0) ||
		    (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) ||
		    c == 0xfeff)
			return 0;
		return len;
	}
	return 0;
}

static const char *
component_fault(const uint8_t *p, size_t n)
{
	if (n == 0)
		return "a reference name must not have an empty component";
	if (p[0] == '.')
		return "a component of a reference name must not start with a dot";
	if (n >= 5 && memcmp(p + n - 5, ".lock", 5) == 0)
		return "a component of a reference name must not end in .lock";
	return NULL;
}

static const char *
characters_fault(const uint8_t *p, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		if (p[i] <= 0x20 || p[i] == 0x7f || strchr("~^:?*[\\", p[i]) != NULL)
			return "a reference name must not have spaces, control characters or any of ~^:?*[\\";
		if (p[i] == '.' && i + 1 < n && p[i + 1] == '.')
			return "a reference name must not have two dots in a row";
		if (p[i] == '@' && i + 1 < n && p[i + 1] == '{')
			return "a reference name must not have @{";
		if ((len = utf8_length(p + i, n - i)) == 0)
			return "a reference name must be visible UTF-8 text";
	}
	return p[n - 1] == '.' ? "a reference name must not end with a dot" : NULL;
}

const char *
refname_fault(const uint8_t *p, size_t n)
{
	const char *fault;
	size_t components = 0;

	if (n >= REF_NAME_MAX)
		return "the reference name is too long";
	if (n <= PREFIX_LEN || memcmp(p, PREFIX, PREFIX_LEN) != 0)
		return "only references under refs/ can be pushed";
	if ((fault = characters_fault(p, n)) != NULL)
		return fault;
	for (size_t i = PREFIX_LEN; i <= n; components++) {
		const uint8_t *slash = memchr(p + i, '/', n - i);
		size_t len = slash == NULL ? n - i : (size_t)(slash - (p + i));

		if ((fault = component_fault(p + i, len)) != NULL)
			return fault;
		i += len + 1;
	}
	return components < 2 ? "a reference name needs two components under refs/, as in refs/heads/main" : NULL;
}

int
refcmd_parse(const uint8_t *p, size_t n, struct push_command *c, const uint8_t **capsp, size_t *capsnp,
    const char **whyp)
{
	const uint8_t *nul = memchr(p, '\0', n);
	size_t len = nul == NULL ? n : (size_t)(nul - p);

	*capsp = nul == NULL ? NULL : nul + 1;
	*capsnp = nul == NULL ? 0 : n - len - 1;
	*whyp = "a command is not OLD NEW REFERENCE";
	if (nul == NULL && len > 0 && p[len - 1] == '\n')
		len--;
	if (len < 2 * OID_HEX + 3 || !oid_is_hex(p, OID_HEX) || p[OID_HEX] != ' ' ||
	    !oid_is_hex(p + OID_HEX + 1, OID_HEX) || p[2 * OID_HEX + 1] != ' ')
		return ERR_FORMAT;
	memset(c, 0, sizeof(*c));
	memcpy(c->old_oid, p, OID_HEX);
	memcpy(c->new_oid, p + OID_HEX + 1, OID_HEX);
	p += 2 * OID_HEX + 2;
	len -= 2 * OID_HEX + 2;
	if ((*whyp = refname_fault(p, len)) != NULL)
		return ERR_FORMAT;
	memcpy(c->name, p, len);
	*whyp = "a command has no object on either side";
	if (oid_is_zero(c->old_oid) && oid_is_zero(c->new_oid))
		return ERR_FORMAT;
	*whyp = NULL;
	return 0;
}

void
text_clean(char *out, size_t size, const void *p, size_t n)
{
	const uint8_t *src = p;
	size_t i;

	for (i = 0; i < n && i + 1 < size; i++)
		out[i] = src[i] >= 0x20 && src[i] < 0x7f ? (char)src[i] : '?';
	out[i] = '\0';
}

int
refname_review(const char *request, const char *name, char out[REF_NAME_MAX])
{
	int n = snprintf(out, REF_NAME_MAX, "refs/sallyport/review/%s/%s", request, name + strlen("refs/"));

	return n < 0 || n >= REF_NAME_MAX ? ERR_TOOBIG : 0;
}
