/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules on what pushes change. Letter case makes no difference: on the systems where it makes none, Agents.MD is read for
 * AGENTS.md. So all is compared in small letters, which the patterns have from the start.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/match.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf_tree.h"
#include "bastion/policy/policy.h"

/*
 * Files that have a say over what is done with all the others: by whom it is read, what runs in which pipeline, what a build
 * takes in, what an agent is told.
 */
static const char *const guarded[] = {
	/* who reviews, and git's own */
	"**/codeowners", "**/.gitattributes", "**/.gitmodules", "**/.lfsconfig", "**/.gitconfig", "**/.mailmap",
	/* hooks */
	"**/.husky/**", "**/.githooks/**", "**/githooks/**", "**/.pre-commit-config.yaml", "**/.pre-commit-hooks.yaml",
	"**/lefthook.yml", "**/lefthook.yaml", "**/.lefthook.yml", "**/.lefthook/**", "**/.overcommit.yml", "**/.lintstagedrc*",
	/* pipelines */
	".github/**", ".gitlab/**", ".gitea/**", ".forgejo/**", "**/.gitlab-ci.yml", "**/*.gitlab-ci.yml", ".circleci/**",
	".buildkite/**", ".woodpecker/**", ".woodpecker.yml", ".woodpecker.yaml", ".drone.yml", ".drone.star", ".travis.yml",
	".appveyor.yml", "appveyor.yml", ".cirrus.yml", ".cirrus.star", "bitbucket-pipelines.yml", "azure-pipelines*.yml",
	".azure-pipelines/**", ".azuredevops/**", "cloudbuild.yaml", "cloudbuild.yml", "buildspec.yml", "**/jenkinsfile*",
	".teamcity/**", ".semaphore/**", "wercker.yml", ".tekton/**", "renovate.json*", ".renovaterc*", "**/.goreleaser.y*ml",
	/* builds */
	"**/makefile", "**/gnumakefile", "**/*.mk", "**/makefile.am", "**/makefile.inc", "**/configure.ac", "**/configure",
	"**/cmakelists.txt", "**/*.cmake", "**/meson.build", "**/build", "**/build.bazel", "**/workspace*", "**/module.bazel",
	"**/*.bzl", "**/.bazelrc", "**/dockerfile*", "**/*.dockerfile", "**/containerfile*", "**/docker-compose*.y*ml",
	"**/compose.y*ml", "**/vagrantfile", "**/justfile", "**/taskfile.y*ml", "**/rakefile", "**/gruntfile.*", "**/gulpfile.*",
	"**/build.gradle*", "**/settings.gradle*", "**/gradlew*", "**/gradle/wrapper/**", "**/mvnw*", "**/.mvn/**", "**/build.rs",
	"**/build.xml", "**/*.csproj", "**/directory.build.*", "**/nuget.config", "**/flake.nix", "**/.envrc", "**/.tool-versions",
	"**/mise.toml", "**/.devcontainer/**", "**/.devcontainer.json", "**/.vscode/**", "**/.idea/**",
	/* what a build takes in, and from where */
	"**/package.json", "**/package-lock.json", "**/npm-shrinkwrap.json", "**/yarn.lock", "**/pnpm-lock.yaml",
	"**/pnpm-workspace.yaml", "**/.pnpmfile.cjs", "**/bun.lock", "**/bun.lockb", "**/deno.json*", "**/deno.lock", "**/.npmrc",
	"**/.yarnrc*", "**/.yarn/**", "**/cargo.toml", "**/cargo.lock", "**/.cargo/**", "**/rust-toolchain*", "**/go.mod",
	"**/go.sum", "**/go.work*", "**/pyproject.toml", "**/poetry.lock", "**/uv.lock", "**/pdm.lock", "**/pipfile*", "**/setup.py",
	"**/setup.cfg", "**/requirements*.txt", "**/constraints*.txt", "**/tox.ini", "**/noxfile.py", "**/conftest.py",
	"**/environment.y*ml", "**/gemfile*", "**/*.gemspec", "**/composer.json", "**/composer.lock", "**/pom.xml",
	"**/gradle.lockfile", "**/gradle.properties", "**/libs.versions.toml", "**/mix.exs", "**/mix.lock", "**/package.swift",
	"**/package.resolved", "**/podfile*", "**/pubspec.*", "**/packages.lock.json", "**/flake.lock", "**/conanfile.*",
	"**/vcpkg.json", "**/*.cabal", "**/stack.yaml*", "**/build.sbt", "**/project/plugins.sbt", "**/deps.edn", "**/project.clj",
	"**/.terraform.lock.hcl", "**/chart.lock",
	/* what instructs agents, and what they may run */
	"**/agents.md", "**/agents.override.md", "**/agent.md", "**/claude.md", "**/claude.local.md", "**/gemini.md", "**/qwen.md",
	"**/conventions.md", "**/.claude/**", "**/.cursor/**", "**/.cursorrules", "**/.cursorignore", "**/.codex/**",
	"**/.gemini/**", "**/.qwen/**", "**/.windsurf/**", "**/.windsurfrules", "**/.clinerules", "**/.clinerules/**", "**/.roo/**",
	"**/.roorules*", "**/.kilocode/**", "**/.amazonq/**", "**/.kiro/**", "**/.junie/**", "**/.aider*", "**/.continue/**",
	"**/.continuerules", "**/.augment/**", "**/.augment-guidelines", "**/.goosehints", "**/.opencode/**", "**/opencode.json*",
	"**/.agents/**", "**/.agent/**", "**/.trae/**", "**/.rules", "**/.mcp.json", "**/mcp.json", "**/llms.txt",
	"**/copilot-instructions.md", "**/*.instructions.md", "**/*.prompt.md", "**/skill.md",
};

static void
fold(char *s)
{
	for (; *s != '\0'; s++)
		*s = (char)tolower((unsigned char)*s);
}

/* Patterns in the form that they are compared in. */
static void
fold_patterns(struct rule *r)
{
	for (size_t i = 0; i < r->paths.n; i++)
		fold(r->paths.v[i]);
	for (size_t i = 0; i < r->not_paths.n; i++)
		fold(r->not_paths.v[i]);
}

/* What is asked about: the path in small letters, and the same as if something stood below it. */
struct changed {
	char	*path, *below;	/* owned */
	bool	 tree;
};

/*
 * A whole folder means what stands in the folder's place too: a link or submodule there brings files that nobody has seen.
 * So does one above what a pattern spells from the root; where it begins with "**" any link would be, and what a link leads
 * to inside the repository has a path of its own.
 */
static bool
pattern_names(const char *pattern, const struct changed *c)
{
	size_t n = strlen(pattern);

	return match_path(pattern, c->path) || (c->tree && pattern[0] != '*' && match_path_below(pattern, c->path)) ||
	    (n > 3 && strcmp(pattern + n - 3, "/**") == 0 && match_path(pattern, c->below));
}

static bool
is_named(const struct rule *r, const struct changed *c)
{
	if (r->paths.n == 0 && !r->guards)
		return true;
	for (size_t i = 0; i < r->paths.n; i++)
		if (pattern_names(r->paths.v[i], c))
			return true;
	for (size_t i = 0; r->guards && i < sizeof(guarded) / sizeof(guarded[0]); i++)
		if (pattern_names(guarded[i], c))
			return true;
	return false;
}

static bool
is_left_out(const struct rule *r, const char *path)
{
	for (size_t i = 0; i < r->not_paths.n; i++)
		if (match_path(r->not_paths.v[i], path))
			return true;
	return false;
}

/* Content that the repository had before is not looked at again: it passed once. */
static bool
is_such_content(const struct rule *r, const struct request *req)
{
	if (r->larger == -1 && r->types == 0)
		return true;
	return req->sized && (r->larger == -1 || req->size > (uint64_t)r->larger) &&
	    (r->types == 0 || (r->types & 1u << req->type) != 0);
}

bool
change_rule_meets(const struct rule *r, const struct request *req)
{
	struct changed c = { .tree = req->tree };
	bool meets;

	if (req->path == NULL)	/* about some path that is not known yet */
		return true;
	if ((r->ops & 1u << req->path_op) == 0 || !is_such_content(r, req))
		return false;
	c.path = xstrdup(req->path);
	fold(c.path);
	c.below = xasprintf("%s/.", c.path);
	meets = is_named(r, &c) && !is_left_out(r, c.path);
	free(c.path);
	free(c.below);
	return meets;
}

/* Reading */

static int
check_repo_paths(const struct strvec *v, unsigned line, struct tree_error *e)
{
	for (size_t i = 0; i < v->n; i++) {
		const char *s = v->v[i];

		if (s[0] == '/' || s[0] == '~' || s[strlen(s) - 1] == '/' || strstr(s, "//") != NULL)
			return tree_fail(e, line, "'%s': a path of a repository begins and ends with no /; a folder is 'FOLDER/**'", s);
	}
	return 0;
}

static int
read_types(const struct tree *t, unsigned *typesp, struct tree_error *e)
{
	struct strvec words = STRVEC_INIT;
	int rc = tree_strings(t, "types", POLICY_MAX_WORDS, &words, e);

	for (size_t i = 0; rc == 0 && i < words.n; i++) {
		unsigned bits = filetype_bits(words.v[i]);

		if (bits == 0)
			rc = tree_fail(e, t->line, "types: there is no '%s'; sallyport.yaml(5) lists them (executable, archive, image ..)",
			    words.v[i]);
		*typesp |= bits;
	}
	if (rc == 0 && words.n == 0)
		rc = tree_fail(e, t->line, "types is empty; leave it out for any");
	strvec_release(&words);
	return rc;
}

int
change_rule_read(const struct tree *t, struct rule *r, struct tree_error *e)
{
	const struct tree *v = tree_get(t, "preset");
	char *name = NULL;
	int rc;

	if ((rc = check_repo_paths(&r->paths, t->line, e)) != 0 || (rc = check_repo_paths(&r->not_paths, t->line, e)) != 0)
		return rc;
	fold_patterns(r);
	if (tree_get(t, "larger") != NULL && (rc = tree_size(tree_get(t, "larger"), "larger", 0, UINT32_MAX - 1, &r->larger, e)) != 0)
		return rc;
	if (tree_get(t, "types") != NULL && (rc = read_types(tree_get(t, "types"), &r->types, e)) != 0)
		return rc;
	if (v == NULL || (rc = tree_string(v, "preset", &name, e)) != 0)
		return rc;
	r->guards = strcmp(name, "protected") == 0;
	if (!r->guards)
		rc = tree_fail(e, v->line, "there is no preset '%s'; there is protected", name);
	free(name);
	return rc;
}
