/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/maskrun.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "secretscan/options.h"
#include "secretscan/ruleset.h"
#include "secretscan/run.h"
#include "secretscan/secretscan.h"

#define PIECE	(64 * 1024)

struct maskrun {
	size_t	found;
	int	write_errno;
};

static int
on_out(const void *p, size_t n, void *arg)
{
	struct maskrun *m = arg;
	const uint8_t *at = p;
	ssize_t len;

	for (; n > 0; at += len, n -= (size_t)len) {
		while ((len = write(STDOUT_FILENO, at, n)) == -1 && errno == EINTR)
			;
		if (len == -1) {
			m->write_errno = errno;
			return 1;
		}
	}
	return 0;
}

static int
on_finding(const struct secretscan_finding *f, void *arg)
{
	struct maskrun *m = arg;

	(void)f;
	m->found++;
	return 0;
}

/* What comes is passed on at once: a log is read while it is written. 0, or -1 when the input cannot be read. */
static int
pour(struct secretscan_stream *st, int *ep)
{
	uint8_t buf[PIECE];
	ssize_t n = 1;

	for (*ep = 0; n != 0 && *ep == 0;) {
		while ((n = read(STDIN_FILENO, buf, sizeof(buf))) == -1 && errno == EINTR)
			;
		if (n == -1)
			break;
		*ep = n > 0 ? secretscan_stream_feed(st, buf, (size_t)n) : secretscan_stream_end(st);
	}
	explicit_bzero(buf, sizeof(buf));
	return n == -1 ? -1 : 0;
}

/* The kinds of a list such as `payment-card,iban`. 0, or -1 after a complaint. */
static int
parse_kinds(const char *list, uint32_t *kindsp)
{
	char word[64];
	uint32_t bit;
	size_t n;

	for (*kindsp = 0; list != NULL && *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		(void)snprintf(word, sizeof(word), "%.*s", (int)(n < sizeof(word) ? n : sizeof(word) - 1), list);
		if ((bit = secretscan_pii_bit(word)) == 0) {
			run_complain(word, "no such kind of personal data");
			return -1;
		}
		*kindsp |= bit;
	}
	return 0;
}

int
maskrun(const struct ruleset *rules, const struct options *o)
{
	struct secretscan_masking masking = { .keep_columns = o->keep_columns };
	struct maskrun m = { 0 };
	struct secretscan_stream *st;
	int e;

	if (parse_kinds(o->pii, &masking.pii) != 0)
		return RUN_TROUBLE;
	if (rules->gitleaks != NULL || rules->ss == NULL) {
		run_complain("--mask", "rules in TOML are not for streams");
		return RUN_TROUBLE;
	}
	if ((st = secretscan_stream_new(rules->ss, &masking, on_out, on_finding, &m)) == NULL)
		e = SECRETSCAN_NOMEM;
	else if (pour(st, &e) != 0) {
		run_complain("standard input", strerror(errno));
		secretscan_stream_free(st);
		return RUN_TROUBLE;
	}
	secretscan_stream_free(st);
	if (e != 0) {
		run_complain(e > 0 ? "standard output" : "--mask", e > 0 ? strerror(m.write_errno) : secretscan_strerror(e));
		return RUN_TROUBLE;
	}
	return m.found > 0 ? RUN_FOUND : RUN_CLEAN;
}
