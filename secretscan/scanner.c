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
add_text(struct rules *rules, struct digest_sha256 *hash, const char *path, const void *p, size_t n, char **errorp)
{
	const char *name = base_name(path);

	digest_sha256_update(hash, name, strlen(name) + 1);
	digest_sha256_update(hash, &n, sizeof(n));
	digest_sha256_update(hash, p, n);
	return rulefile_parse(rules, path, p, n, errorp);
}

static int
load_file(struct rules *rules, struct digest_sha256 *hash, const char *path, char **errorp)
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
		e = add_text(rules, hash, path, p, (size_t)n, errorp);
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

/* All *.yaml of a folder, in the order of their names. */
static int
load_dir(struct rules *rules, struct digest_sha256 *hash, const char *dir, char **errorp)
{
	struct dirent **names = NULL;
	char *path = NULL;
	int n, e = 0;

	if ((n = scandir(dir, &names, is_yaml, alphasort)) == -1)
		return rule_error(errorp, dir, 0, "%s", strerror(errno));
	if (n == 0)
		e = rule_error(errorp, dir, 0, "no *.yaml here");
	for (int i = 0; i < n; i++) {
		if (e == 0 && asprintf(&path, "%s/%s", dir, names[i]->d_name) == -1) {
			path = NULL;
			e = SECRETSCAN_NOMEM;
		}
		if (e == 0)
			e = load_file(rules, hash, path, errorp);
		free(path);
		path = NULL;
		free(names[i]);
	}
	free(names);
	return e;
}

static int
load_path(struct rules *rules, struct digest_sha256 *hash, const char *path, char **errorp)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return load_dir(rules, hash, path, errorp);
	return load_file(rules, hash, path, errorp);
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

static bool
has_rule(const struct rules *rs, const char *id)
{
	for (size_t i = 0; i < rs->n; i++) {
		if (strcmp(rs->v[i].id, id) == 0)
			return true;
	}
	return false;
}

/* Pairs name rules that there are: a slip of the pen would silently join nothing. */
static int
check_pairs(const struct rules *rs, char **errorp)
{
	for (size_t i = 0; i < rs->n; i++) {
		const struct rule *r = &rs->v[i];

		for (size_t k = 0; k < r->pairs.n; k++) {
			if (!has_rule(rs, r->pairs.v[k].p))
				return rule_error(errorp, r->file, r->pairs.v[k].line, "%s: pairs: there is no rule \"%.64s\"",
				    r->id, r->pairs.v[k].p);
		}
	}
	return 0;
}

/* With the rules at hand, the rest. */
static int
complete(struct secretscan *ss, const struct rulepack_extra *extra)
{
	int e;

	if ((e = prefilter_new(&ss->rules, &extra->prefilter, &ss->prefilter)) != 0)
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
	struct digest_sha256 *hash = digest_sha256_new();
	struct rulepack_extra none = { 0 };
	uint8_t sum[DIGEST_HASH];
	int e = ss == NULL || hash == NULL ? SECRETSCAN_NOMEM : 0;

	*errorp = NULL;
	if (e == 0)
		digest_sha256_update(hash, engine_version, sizeof(engine_version));
	for (size_t i = 0; i < n && e == 0; i++)
		e = load_file(&ss->rules, hash, paths[i], errorp);
	if (e == 0)
		e = check_pairs(&ss->rules, errorp);
	if (hash != NULL)
		digest_sha256_end(hash, sum);
	if (e != 0 || (e = complete(ss, &none)) != 0 || (e = check_all_samples(ss, errorp)) != 0) {
		secretscan_free(ss);
		return e;
	}
	memcpy(ss->hash, sum, sizeof(ss->hash));
	*ssp = ss;
	return 0;
}

static void
drop_rule(struct rules *rs, const char *id)
{
	for (size_t i = 0; i < rs->n; i++) {
		if (strcmp(rs->v[i].id, id) != 0)
			continue;
		rule_release(&rs->v[i]);
		memmove(&rs->v[i], &rs->v[i + 1], (--rs->n - i) * sizeof(*rs->v));
		return;
	}
}

/* Rules of one's own take the place of those with their ids; they move, and own is empty afterwards. */
static int
override_rules(struct rules *rs, struct rules *own)
{
	struct rule *grown;

	for (size_t i = 0; i < own->n; i++)
		drop_rule(rs, own->v[i].id);
	if (own->n == 0)
		return 0;
	if (rs->n + own->n > SS_RULES_MAX)
		return SECRETSCAN_LIMIT;
	if ((grown = reallocarray(rs->v, rs->n + own->n, sizeof(*grown))) == NULL)
		return SECRETSCAN_NOMEM;
	rs->v = grown;
	memcpy(rs->v + rs->n, own->v, own->n * sizeof(*own->v));
	rs->n += own->n;
	own->n = 0;
	return 0;
}

/* The built-in rules, and how they are changed. */
static int
load_chosen(struct secretscan *ss, const struct secretscan_rules *chosen, struct digest_sha256 *hash, char **errorp)
{
	struct rulepack_extra extra = { 0 };
	struct rules own = { 0 };
	const uint8_t *p;
	size_t n;
	int e = 0;

	digest_sha256_update(hash, engine_version, sizeof(engine_version));
	p = builtin_pack(&n);
	if (!chosen->no_builtin && (e = rulepack_read(p, n, &ss->rules, &extra)) == 0)
		digest_sha256_update(hash, extra.hash, sizeof(extra.hash));
	for (size_t i = 0; i < chosen->npaths && e == 0; i++) {
		if ((e = load_path(&own, hash, chosen->paths[i], errorp)) == 0)
			e = override_rules(&ss->rules, &own);
		rules_release(&own);
	}
	if (e == 0 && chosen->npaths > 0)
		e = check_pairs(&ss->rules, errorp);
	for (size_t i = 0; i < chosen->nwithout && e == 0; i++) {
		digest_sha256_update(hash, chosen->without[i], strlen(chosen->without[i]) + 1);
		drop_rule(&ss->rules, chosen->without[i]);
	}
	return e;
}

static int
new_chosen(const struct secretscan_rules *chosen, const uint8_t key[DIGEST_KEY], struct secretscan **ssp,
    char **errorp)
{
	struct secretscan *ss = scanner_new(key);
	struct digest_sha256 *hash = digest_sha256_new();
	struct rulepack_extra none = { 0 };
	uint8_t sum[DIGEST_HASH];
	int e = SECRETSCAN_NOMEM;

	if (ss != NULL && hash != NULL)
		e = load_chosen(ss, chosen, hash, errorp);
	if (hash != NULL)
		digest_sha256_end(hash, sum);
	if (e != 0 || (e = complete(ss, &none)) != 0 || (e = check_all_samples(ss, errorp)) != 0) {
		secretscan_free(ss);
		return e;
	}
	memcpy(ss->hash, sum, sizeof(ss->hash));
	*ssp = ss;
	return 0;
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
	struct rulepack_extra extra;
	int e;

	memcpy(extra.hash, ss->hash, sizeof(extra.hash));
	if ((e = prefilter_save(ss->prefilter, &extra.prefilter)) != 0)
		return e;
	e = rulepack_write(&ss->rules, &extra, pp, np);
	prefilter_saved_release(&extra.prefilter);
	return e;
}

struct secretscan *
secretscan_new(const struct secretscan_rules *chosen, const uint8_t key[32], char **errorp)
{
	bool as_built = chosen == NULL || (chosen->npaths == 0 && chosen->nwithout == 0 && !chosen->no_builtin);
	struct secretscan *ss = NULL;
	int e;

	*errorp = NULL;
	e = as_built ? new_builtin(key, &ss) : new_chosen(chosen, key, &ss, errorp);
	if (e != 0 && *errorp == NULL && asprintf(errorp, "%s:0: %s", as_built ? "built-in rules" : "rules",
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
