/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ident/hostcert.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/err.h"
#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ident/cert.h"
#include "bastion/ident/krl.h"
#include "bastion/ident/sshkey.h"

#define TYPE_HOST	2

static bool
is_from(const struct cert *c, const struct strvec *ca)
{
	uint8_t *blob = NULL;
	bool is = false;
	size_t n;

	for (size_t i = 0; i < ca->n && !is; i++)
		if (sshkey_from_line(ca->v[i], strlen(ca->v[i]), &blob, &n) == 0) {
			is = n == c->ca_key_len && memcmp(blob, c->ca_key, n) == 0;
			free(blob);
		}
	return is;
}

int
hostcert_judge(const struct cert *c, const struct hostcert_check *k, const char **whyp)
{
	int r = ERR_DENIED;

	if (!is_from(c, k->ca))
		*whyp = "certificate is not from a CA in host_ca";
	else if (c->type != TYPE_HOST)
		*whyp = "certificate is not a host certificate";
	else if (k->krl != NULL && krl_is_revoked(k->krl, c))
		*whyp = "certificate is revoked";
	else if (c->unknown_critical != NULL || c->force_command != NULL || c->source_address != NULL)
		*whyp = "certificate has a critical option, and none is known for hosts";
	else if (c->principals.n == 0)
		*whyp = "certificate is for any host, which is for none here";
	else if (!match_any(&c->principals, k->principal))
		*whyp = "certificate is for another host name (see host_principal)";
	else
		r = cert_judge_time(c, k->now, whyp);
	return r;
}

/* "TYPE BASE64" of a certificate: whether it was one. */
static bool
take_key(const char *line, size_t n, struct strvec *v)
{
	uint8_t *blob = NULL;
	bool is = false;
	char *type;
	size_t len;

	if (sshkey_from_line(line, n, &blob, &len) != 0)
		return false;
	type = xstrndup(line, (size_t)((const char *)memchr(line, ' ', n) - line));
	if (sshkey_type_cert(type) != NULL) {
		strvec_take(v, xstrndup(line, n));
		is = true;
	}
	free(type);
	free(blob);
	return is;
}

/* OpenSSH 9 prints a certificate without the host before it, and a plain key with it. Who knows what others do. */
static void
take_line(const char *line, size_t n, struct strvec *v)
{
	const char *blank = memchr(line, ' ', n);

	if (n == 0 || line[0] == '#' || blank == NULL || v->n >= HOSTCERTS_MAX)
		return;
	if (!take_key(line, n, v))
		(void)take_key(blank + 1, n - (size_t)(blank + 1 - line), v);
}

void
hostcert_lines(const void *text, size_t n, struct strvec *v)
{
	const char *p = text, *end = p + n, *next;

	for (; p < end; p = next + 1) {
		if ((next = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return;	/* cut off */
		take_line(p, (size_t)(next - p), v);
	}
}

int
hostcert_keys(const struct strvec *lines, const struct hostcert_check *k, struct strvec *keys, const char **whyp)
{
	const char *why = "certificate is missing: it shows none";
	int first = ERR_NOTFOUND;
	bool any = false;

	*whyp = why;
	for (size_t i = 0; i < lines->n; i++) {
		struct cert *c = NULL;
		uint8_t *blob = NULL;
		size_t n;
		int r;

		why = "certificate cannot be read, or its CA's signature is bad";
		if ((r = sshkey_from_line(lines->v[i], strlen(lines->v[i]), &blob, &n)) == 0 && (r = cert_parse(blob, n, &c)) == 0)
			r = hostcert_judge(c, k, &why);
		if (r == 0) {
			strvec_take(keys, sshkey_to_line(c->subject_key, c->subject_key_len, NULL));
			any = true;
		} else if (first == ERR_NOTFOUND) {
			first = r;
			*whyp = why;
		}
		cert_free(c);
		free(blob);
	}
	return any ? 0 : first;
}
