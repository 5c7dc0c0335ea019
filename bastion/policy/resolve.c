/* SPDX-License-Identifier: Apache-2.0 */
/* From the commands as written to the commands as run: wrappers off, hazards marked, folders followed. */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/policy/path.h"
#include "bastion/policy/script.h"
#include "bastion/policy/wrapper.h"

/*
 * The folders that a command may run in. cd adds to them, since it may fail, or run in a branch that is not taken; only
 * after "cd X &&" is X the one folder, until that chain ends.
 */
struct folders {
	struct strvec	all;
	struct strvec	now;	/* in a chain after cd; empty outside of one */
	bool		lost;	/* anywhere */
};

static void
add_folder(struct folders *f, struct strvec *to, char *path)
{
	if (path == NULL || to->n >= SCRIPT_MAX_CWDS)
		f->lost = true;
	else if (!strvec_has(to, path)) {
		strvec_take(to, path);
		return;
	}
	free(path);
}

static void
end_chain(struct folders *f)
{
	for (size_t i = 0; i < f->now.n; i++)
		add_folder(f, &f->all, xstrdup(f->now.v[i]));
	strvec_release(&f->now);
}

static bool
is_one_of(const struct command *c, const char *const *names)
{
	for (; c->words.n > 0 && *names != NULL; names++)
		if (word_is(&c->words.v[0], *names))
			return true;
	return false;
}

static void
follow_cd(struct folders *f, const struct command *c)
{
	struct strvec from = f->now.n > 0 ? f->now : f->all, to = STRVEC_INIT;
	const struct word *w = c->words.n == 2 ? &c->words.v[1] : NULL;

	if (c->words.n > 2 || (w != NULL && (w->kind != WORD_LITERAL || w->text[0] == '-' || w->text[0] == '\0'))) {
		f->lost = true;
		return;
	}
	for (size_t i = 0; i < from.n; i++)
		add_folder(f, &to, w == NULL ? xstrdup("~") : path_canon(from.v[i], w->text, w->tilde));
	end_chain(f);
	f->now = to;
}

static void
follow(struct script *s)
{
	static const char *const cds[] = { "cd", "chdir", NULL }, *const others[] = { "pushd", "popd", NULL };
	struct folders f = { STRVEC_INIT, STRVEC_INIT, false };

	strvec_push(&f.all, "~");
	for (size_t i = 0; i < s->n; i++) {
		const struct command *c = &s->v[i];

		/* In a loop the text's order is not the order of running. */
		if (is_one_of(c, others) || (is_one_of(c, cds) && (s->loops || c->wrapped)))
			f.lost = true;
	}
	for (size_t i = 0; i < s->n; i++) {
		struct command *c = &s->v[i];
		const struct strvec *at;

		if (!c->after_and)
			end_chain(&f);
		at = f.now.n > 0 ? &f.now : &f.all;
		if (!f.lost) {
			c->cwds = xcalloc(at->n + 1, sizeof(*c->cwds));
			for (size_t k = 0; k < at->n; k++)
				c->cwds[c->ncwds++] = xstrdup(at->v[k]);
		}
		if (is_one_of(c, cds))
			follow_cd(&f, c);
	}
	strvec_release(&f.all);
	strvec_release(&f.now);
}

void
script_resolve(struct script *s)
{
	/* Commands are added while this runs; each is resolved in its turn. */
	for (size_t i = 0; i < s->n && s->unresolved == NULL; i++) {
		wrapper_peel(s, i);
		hazard_check(s, i);
	}
	follow(s);
}
