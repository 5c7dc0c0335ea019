/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/policy/script.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bastion/base/id.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"

static void
words_release(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i].text);
	free(w->v);
}

void
script_release(struct script *s)
{
	for (size_t i = 0; i < s->n; i++) {
		words_release(&s->v[i].words);
		words_release(&s->v[i].writes);
		words_release(&s->v[i].reads);
		for (size_t j = 0; j < s->v[i].ncwds; j++)
			free(s->v[i].cwds[j]);
		free(s->v[i].cwds);
	}
	free(s->v);
	*s = (struct script){ 0 };
}

void
script_parse(struct script *s, const char *text, size_t n)
{
	*s = (struct script){ 0 };
	script_parse_into(s, text, n, 0);
}

struct command *
script_add(struct script *s)
{
	if (s->n >= SCRIPT_MAX_COMMANDS) {
		s->unresolved = "it has too many commands";
		return NULL;
	}
	if ((s->n & (s->n - 1)) == 0)
		s->v = xreallocarray(s->v, s->n == 0 ? 1 : s->n * 2, sizeof(*s->v));
	s->v[s->n] = (struct command){ 0 };
	return &s->v[s->n++];
}

bool
script_add_word(struct script *s, struct words *w, char *text, enum word_kind kind, bool splits, bool tilde)
{
	if (++s->nwords > SCRIPT_MAX_WORDS) {
		s->unresolved = "it has too many words";
		free(text);
		return false;
	}
	if ((w->n & (w->n - 1)) == 0)
		w->v = xreallocarray(w->v, w->n == 0 ? 1 : w->n * 2, sizeof(*w->v));
	w->v[w->n++] = (struct word){ .text = text, .kind = kind, .splits = splits, .tilde = tilde };
	return true;
}

void
command_unresolved(struct command *c, const char *why)
{
	if (c->unresolved == NULL)
		c->unresolved = why;
}

bool
word_is(const struct word *w, const char *literal)
{
	return w->kind == WORD_LITERAL && strcmp(w->text, literal) == 0;
}

bool
word_may_be_option(const struct word *w)
{
	if (w->kind == WORD_LITERAL)
		return w->text[0] == '-';
	if (w->splits || w->text[0] == '-')
		return true;
	return w->text[0] == '\0' || (w->kind == WORD_GLOB && strchr("*?[", w->text[0]) != NULL);
}

char *
command_text(const struct command *c)
{
	struct strvec v = STRVEC_INIT;
	char *raw, *out;

	for (size_t i = 0; i < c->words.n; i++)
		strvec_pushf(&v, "%s%s", c->words.v[i].text, c->words.v[i].kind == WORD_UNKNOWN ? "..?" : "");
	for (size_t i = 0; i < c->reads.n; i++)
		strvec_pushf(&v, "<%s", c->reads.v[i].text);
	for (size_t i = 0; i < c->writes.n; i++)
		strvec_pushf(&v, ">%s", c->writes.v[i].text);
	raw = strvec_join(&v, " ");
	out = text_printable(raw, strlen(raw));
	free(raw);
	strvec_release(&v);
	return out;
}

/* One character of UTF-8: its length, or 0 when it is not well formed (RFC 3629). */
static size_t
utf8_char(const uint8_t *p, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 :
	    p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	if (len == 1) {
		*cp = p[0];
		return 1;
	}
	*cp = p[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	return *cp < least[len] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp < 0xe000) ? 0 : len;
}

const char *
script_malformed(const void *bytes, size_t n)
{
	/* Invisible, or changing the direction of text: what an approver reads would not be what runs. */
	static const struct { uint32_t from, to; } hidden[] = { { 0xad, 0xad }, { 0x61c, 0x61c }, { 0x115f, 0x1160 },
	    { 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
	    { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff9, 0xfffb },
	    { 0xe0000, 0xe0fff } };
	const uint8_t *p = bytes;
	uint32_t cp = 0;

	if (n > SCRIPT_MAX_BYTES)
		return "it is longer than 32 KiB";
	for (size_t i = 0, len; i < n; i += len) {
		if ((len = utf8_char(p + i, n - i, &cp)) == 0)
			return "it is not UTF-8";
		if ((cp < 0x20 && cp != '\t' && cp != '\n') || (cp >= 0x7f && cp < 0xa0))
			return "it holds a control character";
		for (size_t j = 0; j < sizeof(hidden) / sizeof(hidden[0]); j++)
			if (cp >= hidden[j].from && cp <= hidden[j].to)
				return "it holds a character that readers do not see";
	}
	return NULL;
}

bool
name_is_dangerous(const char *name, size_t n)
{
	/* A '*' at the end means every name that starts so. Each of these has run code for somebody. */
	static const char *const names[] = { "PATH", "IFS", "ENV", "BASH*", "SHELL*", "HOME", "PS*", "PROMPT_COMMAND",
	    "CDPATH", "GLOBIGNORE", "LD_*", "DYLD_*", "GIT_*", "GCONV_PATH", "LOCPATH", "NLSPATH", "TERMINFO*", "TERMCAP",
	    "PAGER", "*PAGER", "LESS*", "MANOPT", "EDITOR", "VISUAL", "FCEDIT", "BROWSER", "PERL*", "PYTHON*", "RUBY*",
	    "GEM_*", "BUNDLE_*", "NODE_*", "NPM_*", "npm_*", "YARN_*", "JAVA*", "_JAVA*", "JDK_*", "MAVEN_*", "GRADLE_*",
	    "MAKE*", "MFLAGS", "GNUMAKEFLAGS", "CARGO*", "RUSTC*", "RUSTFLAGS", "GOFLAGS", "GOPATH", "GOROOT", "GOPROXY",
	    "GOBIN", "CC", "CXX", "LUA_*", "PHP*", "TAR_OPTIONS", "RSYNC_*", "SSH*", "SUDO_*", "SYSTEMD_*", "XDG_*", "KUBE*",
	    "DOCKER_*", "TF_*", "AWS_*", "OPENSSL_*", "SSL_*", "CURL_*", "WGETRC", "EXINIT", "VIM*", "EMACS*", "GREP_*",
	    "TMPDIR", "ZDOTDIR", "FPATH", "fpath", "path", "cdpath", "HIST*", "INPUTRC", "OPTIND", "RANDOM", "_*", "*_proxy",
	    "*_PROXY", "FUNCNEST", "POSIXLY_CORRECT", "TIMEFORMAT", "MALLOC_*", "GLIBC_*", "LIBC_*",
	    "HOSTALIASES", "RES_OPTIONS", "LOCALDOMAIN", "PKG_*", "ACLOCAL*", "AUTO*", "CONFIG_*", "CMAKE_*", "DEBUGINFOD*",
	    "GDB*", "R_*", "BC_*", "ANSIBLE_*", "PIP_*", "UV_*", "VIRTUAL_*", "CONDA_*" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *s = names[i];
		size_t len = strlen(s);

		if (s[0] == '*') {
			if (n >= len - 1 && memcmp(name + n - (len - 1), s + 1, len - 1) == 0)
				return true;
		} else if (s[len - 1] == '*') {
			if (n >= len - 1 && memcmp(name, s, len - 1) == 0)
				return true;
		} else if (n == len && memcmp(name, s, n) == 0)
			return true;
	}
	return false;
}
