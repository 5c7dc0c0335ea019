/* SPDX-License-Identifier: Apache-2.0 */
#include "secretscan/scanner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secretscan/begin.h"
#include "secretscan/builtin-pack.h"
#include "secretscan/check.h"
#include "secretscan/finder.h"
#include "secretscan/limits.h"
#include "secretscan/prefilter.h"
#include "secretscan/regex.h"
#include "secretscan/rule.h"
#include "secretscan/rulepack.h"
#include "secretscan/secretscan.h"

/* Part of the hash: a change here, or in what findings are made of the same rules, makes old verdicts void. */
static const char engine_version[] = "secretscan engine 1";

static const struct {
	int		 code;
	const char	*text;
} messages[] = {
	{ SECRETSCAN_OK, "ok" },
	{ SECRETSCAN_NOMEM, "out of memory" },
	{ SECRETSCAN_RULES, "a rule is wrong" },
	{ SECRETSCAN_LIMIT, "a limit was reached: not fully scanned" },
	{ SECRETSCAN_ENGINE, "the matching engine failed" },
};

const char *
secretscan_strerror(int r)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (messages[i].code == r)
			return messages[i].text;
	}
	return "unknown error";
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Where a file lies is no part of the hash. */
static int
add_text(struct secretscan *ss, struct digest_sha256 *hash, const char *path, const void *p, size_t n, char **errorp)
{
	const char *name = base_name(path);

	digest_sha256_update(hash, name, strlen(name) + 1);
	digest_sha256_update(hash, &n, sizeof(n));
	digest_sha256_update(hash, p, n);
	return rulefile_parse(&ss->rules, path, p, n, errorp);
}

static int
load_file(struct secretscan *ss, struct digest_sha256 *hash, const char *path, char **errorp)
{
	struct stat st;
	char *p = NULL;
	ssize_t n;
	int fd, e;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return rule_error(errorp, path, 1, "%s", strerror(errno));
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		e = rule_error(errorp, path, 1, "not a regular file");
		goto out;
	}
	e = SECRETSCAN_NOMEM;
	if ((p = malloc(SS_RULEFILE_MAX + 1)) == NULL)
		goto out;
	if ((n = read(fd, p, SS_RULEFILE_MAX + 1)) == -1)
		e = rule_error(errorp, path, 1, "%s", strerror(errno));
	else
		e = add_text(ss, hash, path, p, (size_t)n, errorp);
out:
	close(fd);
	free(p);
	return e;
}

static int
is_yaml(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".yaml") == 0;
}

static int
load_files(struct secretscan *ss, char *const *paths, size_t n, char **errorp)
{
	struct digest_sha256 *hash;
	int e = 0;

	if ((hash = digest_sha256_new()) == NULL)
		return SECRETSCAN_NOMEM;
	digest_sha256_update(hash, engine_version, sizeof(engine_version));
	for (size_t i = 0; i < n && e == 0; i++)
		e = load_file(ss, hash, paths[i], errorp);
	digest_sha256_end(hash, ss->hash);
	return e;
}

struct sample {
	const char	*id;
	bool		 found;
};

static int
on_sample(const struct secretscan_finding *f, void *arg)
{
	struct sample *s = arg;

	if (strcmp(f->rule, s->id) == 0)
		s->found = true;
	return 0;
}

/* Every rule finds its good samples and none of its bad ones, with all other rules present. */
static int
check_samples(const struct secretscan *ss, const struct rule *r, const struct rule_texts *texts, bool want,
    char **errorp)
{
	for (size_t i = 0; i < texts->n; i++) {
		struct sample s = { r->id, false };
		int e = secretscan_scan(ss, texts->v[i].p, texts->v[i].n, on_sample, &s);

		if (e != 0)
			return e;
		if (s.found != want)
			return rule_error(errorp, r->file, texts->v[i].line, want ? "%s: a good sample is not found" :
			    "%s: a bad sample is found", r->id);
	}
	return 0;
}

static int
check_all_samples(const struct secretscan *ss, char **errorp)
{
	int e;

	for (size_t i = 0; i < ss->rules.n; i++) {
		const struct rule *r = &ss->rules.v[i];

		if ((e = check_samples(ss, r, &r->good, true, errorp)) != 0 ||
		    (e = check_samples(ss, r, &r->bad, false, errorp)) != 0)
			return e;
	}
	return 0;
}

/* With the rules at hand, the rest. */
static int
complete(struct secretscan *ss, const struct rulepack_extra *extra)
{
	int e;

	if ((e = prefilter_new(&ss->rules, extra->db, extra->db_len, &ss->prefilter)) != 0)
		return e;
	if ((ss->begin = begin_new(&ss->rules)) == NULL || (ss->spare = calloc(1, sizeof(*ss->spare))) == NULL)
		return SECRETSCAN_NOMEM;
	return 0;
}

static struct secretscan *
scanner_new(const uint8_t key[DIGEST_KEY])
{
	struct secretscan *ss;

	if (digest_init() != 0 || (ss = calloc(1, sizeof(*ss))) == NULL)
		return NULL;
	memcpy(ss->key, key, sizeof(ss->key));
	return ss;
}

int
scanner_new_files(char *const *paths, size_t n, const uint8_t key[DIGEST_KEY], struct secretscan **ssp, char **errorp)
{
	struct secretscan *ss = scanner_new(key);
	struct rulepack_extra none = { 0 };
	int e = SECRETSCAN_NOMEM;

	*errorp = NULL;
	if (ss == NULL || (e = load_files(ss, paths, n, errorp)) != 0 || (e = complete(ss, &none)) != 0 ||
	    (e = check_all_samples(ss, errorp)) != 0) {
		secretscan_free(ss);
		return e;
	}
	*ssp = ss;
	return 0;
}

static int
new_dir(const char *dir, const uint8_t key[DIGEST_KEY], struct secretscan **ssp, char **errorp)
{
	struct dirent **names = NULL;
	char **paths = NULL;
	int n, e = 0;

	if ((n = scandir(dir, &names, is_yaml, alphasort)) == -1)
		return rule_error(errorp, dir, 0, "%s", strerror(errno));
	if (n == 0)
		e = rule_error(errorp, dir, 0, "no *.yaml here");
	else if ((paths = calloc((size_t)n, sizeof(*paths))) == NULL)
		e = SECRETSCAN_NOMEM;
	for (int i = 0; i < n && e == 0; i++) {
		if (asprintf(&paths[i], "%s/%s", dir, names[i]->d_name) == -1) {
			paths[i] = NULL;
			e = SECRETSCAN_NOMEM;
		}
	}
	if (e == 0)
		e = scanner_new_files(paths, (size_t)n, key, ssp, errorp);
	for (int i = 0; i < n; i++) {
		if (paths != NULL)
			free(paths[i]);
		free(names[i]);
	}
	free(paths);
	free(names);
	return e;
}

static int
new_builtin(const uint8_t key[DIGEST_KEY], struct secretscan **ssp)
{
	struct secretscan *ss = scanner_new(key);
	struct rulepack_extra extra = { 0 };
	const uint8_t *p;
	size_t n;
	int e = SECRETSCAN_NOMEM;

	p = builtin_pack(&n);
	if (ss == NULL || (e = rulepack_read(p, n, &ss->rules, &extra)) != 0 || (e = complete(ss, &extra)) != 0) {
		secretscan_free(ss);
		return e;
	}
	memcpy(ss->hash, extra.hash, sizeof(ss->hash));
	*ssp = ss;
	return 0;
}

int
scanner_pack(const struct secretscan *ss, uint8_t **pp, size_t *np)
{
	struct rulepack_extra extra = { 0 };
	uint8_t *db = NULL;
	int e;

	if ((e = prefilter_save(ss->prefilter, &db, &extra.db_len)) != 0)
		return e;
	memcpy(extra.hash, ss->hash, sizeof(extra.hash));
	extra.db = db;
	e = rulepack_write(&ss->rules, &extra, pp, np);
	free(db);
	return e;
}

struct secretscan *
secretscan_new(const char *dir, const uint8_t key[32], char **errorp)
{
	struct secretscan *ss = NULL;
	int e;

	*errorp = NULL;
	e = dir != NULL ? new_dir(dir, key, &ss, errorp) : new_builtin(key, &ss);
	if (e != 0 && *errorp == NULL && asprintf(errorp, "%s:0: %s", dir != NULL ? dir : "built-in rules",
	    secretscan_strerror(e)) == -1)
		*errorp = NULL;
	return e == 0 ? ss : NULL;
}

int
secretscan_prepare(const struct secretscan *ss)
{
	int e = 0;

	for (size_t i = 0; i < ss->rules.n && e == 0; i++) {
		if (ss->rules.v[i].lead_re != NULL)
			e = regex_compile(ss->rules.v[i].lead_re, NULL);
		if (e == 0)
			e = regex_compile(ss->rules.v[i].secret_re, NULL);
	}
	return e;
}

void
secretscan_free(struct secretscan *ss)
{
	if (ss == NULL)
		return;
	if (ss->spare != NULL)
		finder_free(atomic_exchange(&ss->spare->finder, NULL));
	free(ss->spare);
	begin_free(ss->begin);
	prefilter_free(ss->prefilter);
	rules_release(&ss->rules);
	digest_wipe(ss, sizeof(*ss));
	free(ss);
}

const uint8_t *
secretscan_hash(const struct secretscan *ss)
{
	return ss->hash;
}

int
secretscan_rule(const struct secretscan *ss, size_t i, struct secretscan_rule *rulep)
{
	const struct rule *r;

	if (i >= ss->rules.n)
		return 0;
	r = &ss->rules.v[i];
	*rulep = (struct secretscan_rule){
		.id = r->id, .provider = r->provider, .description = r->description, .file = base_name(r->file),
		.before = r->before, .lead = r->lead, .secret = r->secret, .after = r->after,
		.check = r->check != NULL ? r->check->name : NULL, .entropy = r->entropy, .generic = r->generic,
	};
	return 1;
}

struct finder *
scanner_take(const struct secretscan *ss)
{
	struct finder *f = atomic_exchange(&ss->spare->finder, NULL);

	return f != NULL ? f : finder_new(ss);
}

void
scanner_give(const struct secretscan *ss, struct finder *f)
{
	if (f == NULL)
		return;
	finder_reset(f);
	finder_free(atomic_exchange(&ss->spare->finder, f));
}
