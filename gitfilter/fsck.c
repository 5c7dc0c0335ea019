/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/fsck.h"

#include <string.h>

#include "bastion/base/err.h"
#include "gitfilter/refcmd.h"

enum origin { GITS, OURS, FIXED };	/* git's, to be set there too; unknown to git; never to be set */

static const struct {
	const char		*name, *text;
	enum fsck_severity	 severity;
	enum origin		 origin;
} table[FSCK_IDS] = {
	[FSCK_BAD_DATE] = { "badDate", "a date that is not a number", FSCK_ERROR, GITS },
	[FSCK_BAD_DATE_OVERFLOW] = { "badDateOverflow", "a date beyond all time", FSCK_ERROR, GITS },
	[FSCK_BAD_EMAIL] = { "badEmail", "an e-mail address that does not end with >", FSCK_ERROR, GITS },
	[FSCK_BAD_NAME] = { "badName", "a name with a > in it", FSCK_ERROR, GITS },
	[FSCK_BAD_TAG_NAME] = { "badTagName", "a tag name that is no name of a reference", FSCK_WARN, GITS },
	[FSCK_BAD_TIMEZONE] = { "badTimezone", "a time zone that is not a sign and four digits", FSCK_WARN, GITS },
	[FSCK_EXTRA_HEADER] = { "extraHeaderEntry", "a header that git does not know", FSCK_WARN, GITS },
	[FSCK_MISSING_AUTHOR] = { "missingAuthor", "no author", FSCK_ERROR, GITS },
	[FSCK_MISSING_COMMITTER] = { "missingCommitter", "no committer", FSCK_ERROR, GITS },
	[FSCK_MISSING_EMAIL] = { "missingEmail", "an author, committer or tagger without e-mail address", FSCK_ERROR, GITS },
	[FSCK_MISSING_NAME] = { "missingNameBeforeEmail", "an e-mail address without a name", FSCK_ERROR, GITS },
	[FSCK_MISSING_SPACE_BEFORE_DATE] = { "missingSpaceBeforeDate", "no space before a date", FSCK_ERROR, GITS },
	[FSCK_MISSING_SPACE_BEFORE_EMAIL] = { "missingSpaceBeforeEmail", "no space before an e-mail address", FSCK_ERROR, GITS },
	[FSCK_MISSING_TAGGER] = { "missingTaggerEntry", "no tagger", FSCK_IGNORE, GITS },
	[FSCK_MULTIPLE_AUTHORS] = { "multipleAuthors", "more than one author", FSCK_ERROR, GITS },
	[FSCK_NUL_IN_COMMIT] = { "nulInCommit", "there is a NUL in it; git log shows nothing of what follows", FSCK_ERROR, GITS },
	[FSCK_NUL_IN_HEADER] = { "nulInHeader", "there is a NUL in its headers", FSCK_ERROR, FIXED },
	[FSCK_NUL_IN_TAG] = { "nulInTag", "there is a NUL in it; git show shows nothing of what follows", FSCK_ERROR, OURS },
	[FSCK_UNTERMINATED_HEADER] = { "unterminatedHeader", "its headers have no end", FSCK_ERROR, FIXED },
	[FSCK_ZERO_PADDED_DATE] = { "zeroPaddedDate", "a date that begins with 0", FSCK_WARN, GITS },
	[FSCK_BAD_FILEMODE] = { "badFilemode", "a file mode that git would not write", FSCK_WARN, GITS },
	[FSCK_CONTROL_CHAR_IN_NAME] = { "controlCharInName", "a file name with control characters", FSCK_ERROR, OURS },
	[FSCK_DUPLICATE_ENTRIES] = { "duplicateEntries", "a file name that is there twice", FSCK_ERROR, GITS },
	[FSCK_EMPTY_NAME] = { "emptyName", "a file without a name", FSCK_ERROR, FIXED },
	[FSCK_FULL_PATHNAME] = { "fullPathname", "a file name with a slash", FSCK_ERROR, FIXED },
	[FSCK_HAS_DOT] = { "hasDot", "a file named .", FSCK_ERROR, FIXED },
	[FSCK_HAS_DOTDOT] = { "hasDotdot", "a file named .. or with a part that is", FSCK_ERROR, FIXED },
	[FSCK_HAS_DOTGIT] = { "hasDotgit", "a file that some system reads as .git", FSCK_ERROR, FIXED },
	[FSCK_LONG_NAME] = { "longName", "a file name that is too long", FSCK_ERROR, FIXED },
	[FSCK_NULL_SHA1] = { "nullSha1", "an entry for the object of forty zeros", FSCK_ERROR, GITS },
	[FSCK_TREE_NOT_SORTED] = { "treeNotSorted", "entries that are out of order", FSCK_ERROR, GITS },
	[FSCK_ZERO_PADDED_FILEMODE] = { "zeroPaddedFilemode", "a file mode that begins with 0", FSCK_WARN, GITS },
	[FSCK_GITATTRIBUTES_BLOB] = { "gitattributesBlob", "a .gitattributes that is no file", FSCK_ERROR, GITS },
	[FSCK_GITATTRIBUTES_LARGE] = { "gitattributesLarge", "a .gitattributes that is too large", FSCK_ERROR, GITS },
	[FSCK_GITATTRIBUTES_LINE_LENGTH] = { "gitattributesLineLength", "a .gitattributes with too long a line", FSCK_ERROR, GITS },
	[FSCK_GITATTRIBUTES_SYMLINK] = { "gitattributesSymlink", "a .gitattributes that is a link", FSCK_WARN, GITS },
	[FSCK_GITIGNORE_SYMLINK] = { "gitignoreSymlink", "a .gitignore that is a link", FSCK_WARN, GITS },
	[FSCK_GITMODULES_BLOB] = { "gitmodulesBlob", "a .gitmodules that is no file", FSCK_ERROR, GITS },
	[FSCK_GITMODULES_LARGE] = { "gitmodulesLarge", "a .gitmodules that is too large", FSCK_ERROR, GITS },
	[FSCK_GITMODULES_NAME] = { "gitmodulesName", "a .gitmodules with a submodule name that leads out of its folder", FSCK_ERROR, GITS },
	[FSCK_GITMODULES_PARSE] = { "gitmodulesParse", "a .gitmodules that cannot be read", FSCK_WARN, GITS },
	[FSCK_GITMODULES_PATH] = { "gitmodulesPath", "a .gitmodules with a path that a command would take for an option", FSCK_ERROR, GITS },
	[FSCK_GITMODULES_SYMLINK] = { "gitmodulesSymlink", "a .gitmodules that is a link", FSCK_ERROR, GITS },
	[FSCK_GITMODULES_UPDATE] = { "gitmodulesUpdate", "a .gitmodules whose update is a command", FSCK_ERROR, GITS },
	[FSCK_GITMODULES_URL] = { "gitmodulesUrl", "a .gitmodules with a URL that a command would misread", FSCK_ERROR, GITS },
	[FSCK_MAILMAP_SYMLINK] = { "mailmapSymlink", "a .mailmap that is a link", FSCK_WARN, GITS },
};

/* Headers that git or its relatives write into commits. */
static const char *const known_headers[] = { "encoding", "gpgsig", "gpgsig-sha256", "mergetag", "change-id", "HG:extra",
	"HG:rename", "HG:rename-source" };

void
fsck_init(struct fsck *f)
{
	for (int i = 0; i < FSCK_IDS; i++)
		f->severity[i] = (uint8_t)table[i].severity;
}

int
fsck_set(struct fsck *f, const char *name, enum fsck_severity severity)
{
	for (int i = 0; i < FSCK_IDS; i++)
		if (strcmp(table[i].name, name) == 0) {
			if (table[i].origin == FIXED && severity != FSCK_ERROR)
				return ERR_DENIED;
			f->severity[i] = (uint8_t)severity;
			return 0;
		}
	return ERR_NOTFOUND;
}

const char *
fsck_name(enum fsck_id id)
{
	return table[id].name;
}

const char *
fsck_text(enum fsck_id id)
{
	return table[id].text;
}

enum fsck_severity
fsck_default(enum fsck_id id)
{
	return table[id].severity;
}

bool
fsck_is_gits(enum fsck_id id)
{
	return table[id].origin == GITS;
}

struct line {			/* of the headers, without its end */
	const uint8_t	*p;
	size_t		 n;
};

struct reader {
	const uint8_t	*p;
	size_t		 n;
	fsck_fn		 fn;
	void		*arg;
	int		 r;		/* what the function said; then nothing more is read */
};

static void
say(struct reader *f, enum fsck_id id)
{
	if (f->r == 0)
		f->r = f->fn(id, f->arg);
}

/* The next header line; false at the empty line after them, or at the end. */
static bool
next_line(struct reader *f, struct line *l)
{
	const uint8_t *end;

	if (f->r != 0 || f->n == 0 || f->p[0] == '\n')
		return false;
	if ((end = memchr(f->p, '\n', f->n)) == NULL) {
		say(f, FSCK_UNTERMINATED_HEADER);
		return false;
	}
	*l = (struct line){ f->p, (size_t)(end - f->p) };
	if (memchr(l->p, '\0', l->n) != NULL)
		say(f, FSCK_NUL_IN_HEADER);
	f->n -= l->n + 1;
	f->p += l->n + 1;
	return true;
}

/* "WORD REST": REST becomes the line. */
static bool
is_header(struct line *l, const char *word)
{
	size_t n = strlen(word);

	if (l->n <= n || memcmp(l->p, word, n) != 0 || l->p[n] != ' ')
		return false;
	l->p += n + 1;
	l->n -= n + 1;
	return true;
}

/* "SECONDS ZONE" to the line's end. */
static void
check_date(struct reader *f, const uint8_t *p, size_t n)
{
	uint64_t seconds = 0;
	size_t i = 0;

	if (n > 1 && p[0] == '0' && p[1] != ' ')
		say(f, FSCK_ZERO_PADDED_DATE);
	for (; i < n && p[i] >= '0' && p[i] <= '9'; i++) {
		if (seconds > ((uint64_t)INT64_MAX - 9) / 10) {
			say(f, FSCK_BAD_DATE_OVERFLOW);
			return;
		}
		seconds = seconds * 10 + (uint64_t)(p[i] - '0');
	}
	if (i == 0 || i == n || p[i] != ' ') {
		say(f, FSCK_BAD_DATE);
		return;
	}
	p += i + 1;
	n -= i + 1;
	if (n != 5 || (p[0] != '+' && p[0] != '-') || strspn((const char *)p + 1, "0123456789") < 4)
		say(f, FSCK_BAD_TIMEZONE);
}

/* "NAME <ADDRESS> SECONDS ZONE". The line's end lies behind it, so the functions of strings stop there. */
static void
check_person(struct reader *f, const struct line *l)
{
	const uint8_t *open = memchr(l->p, '<', l->n), *close = memchr(l->p, '>', l->n), *end = l->p + l->n, *again;

	if (l->n > 0 && l->p[0] == '<') {
		say(f, FSCK_MISSING_NAME);
		return;
	}
	if (close != NULL && (open == NULL || close < open)) {
		say(f, FSCK_BAD_NAME);
		return;
	}
	if (open == NULL) {
		say(f, FSCK_MISSING_EMAIL);
		return;
	}
	if (open[-1] != ' ') {
		say(f, FSCK_MISSING_SPACE_BEFORE_EMAIL);
		return;
	}
	again = memchr(open + 1, '<', (size_t)(end - open - 1));
	if (close == NULL || (again != NULL && again < close)) {
		say(f, FSCK_BAD_EMAIL);
		return;
	}
	if (close + 1 == end || close[1] != ' ') {
		say(f, FSCK_MISSING_SPACE_BEFORE_DATE);
		return;
	}
	check_date(f, close + 2, (size_t)(end - close - 2));
}

static bool
is_known(const struct line *l)
{
	for (size_t i = 0; i < sizeof(known_headers) / sizeof(known_headers[0]); i++) {
		size_t n = strlen(known_headers[i]);

		if (l->n > n && memcmp(l->p, known_headers[i], n) == 0 && l->p[n] == ' ')
			return true;
	}
	return l->n > 0 && l->p[0] == ' ';	/* the line before goes on */
}

/* What is left of the headers, and a NUL behind them. */
static void
check_rest(struct reader *f, struct line *l, bool more, enum fsck_id nul)
{
	for (bool said = false; more; more = next_line(f, l))
		if (!said && !is_known(l)) {
			say(f, FSCK_EXTRA_HEADER);
			said = true;
		}
	if (f->r == 0 && f->n > 0 && memchr(f->p, '\0', f->n) != NULL)
		say(f, nul);
}

int
fsck_commit(const uint8_t *p, size_t n, fsck_fn fn, void *arg)
{
	struct reader f = { .p = p, .n = n, .fn = fn, .arg = arg };
	struct line l = { NULL, 0 };
	unsigned authors = 0;
	bool more = next_line(&f, &l);

	for (; more && (is_header(&l, "tree") || is_header(&l, "parent")); more = next_line(&f, &l))
		;
	for (; more && is_header(&l, "author"); more = next_line(&f, &l)) {
		authors++;
		check_person(&f, &l);
	}
	if (authors != 1)
		say(&f, authors == 0 ? FSCK_MISSING_AUTHOR : FSCK_MULTIPLE_AUTHORS);
	if (more && is_header(&l, "committer")) {
		check_person(&f, &l);
		more = next_line(&f, &l);
	} else
		say(&f, FSCK_MISSING_COMMITTER);
	check_rest(&f, &l, more, FSCK_NUL_IN_COMMIT);
	return f.r;
}

static bool
is_tag_name(const struct line *l)
{
	static const char prefix[] = "refs/tags/";
	uint8_t name[REF_NAME_MAX];

	if (l->n + sizeof(prefix) > sizeof(name))
		return false;
	memcpy(name, prefix, sizeof(prefix) - 1);
	memcpy(name + sizeof(prefix) - 1, l->p, l->n);
	return refname_fault(name, sizeof(prefix) - 1 + l->n) == NULL;
}

int
fsck_tag(const uint8_t *p, size_t n, fsck_fn fn, void *arg)
{
	struct reader f = { .p = p, .n = n, .fn = fn, .arg = arg };
	struct line l = { NULL, 0 };
	bool more = next_line(&f, &l);

	for (; more && (is_header(&l, "object") || is_header(&l, "type")); more = next_line(&f, &l))
		;
	if (more && is_header(&l, "tag")) {
		if (!is_tag_name(&l))
			say(&f, FSCK_BAD_TAG_NAME);
		more = next_line(&f, &l);
	}
	if (more && is_header(&l, "tagger")) {
		check_person(&f, &l);
		more = next_line(&f, &l);
	} else
		say(&f, FSCK_MISSING_TAGGER);
	check_rest(&f, &l, more, FSCK_NUL_IN_TAG);
	return f.r;
}
