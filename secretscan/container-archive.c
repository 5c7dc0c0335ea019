/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives, by libarchive. Only formats that it reads well are switched on: not RAR, LHA and XAR, whose readers have
 * been its weakest part.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "secretscan/budget.h"
#include "secretscan/container_int.h"
#include "secretscan/secretscan.h"

typedef int	(*support_fn)(struct archive *);

static const support_fn formats[] = {
	archive_read_support_format_7zip, archive_read_support_format_ar, archive_read_support_format_cab,
	archive_read_support_format_cpio, archive_read_support_format_gnutar, archive_read_support_format_iso9660,
	archive_read_support_format_tar, archive_read_support_format_zip,
};

struct reading {
	const struct inside	*in;
	struct archive		*a;
	struct pour		 member;
	struct pour		 names;
	bool			 told;		/* of encryption: once an archive */
	bool			 damaged;
	bool			 ended;		/* by an error that leaves nothing to go on with */
};

static int
tell_encrypted(struct reading *r, const char *about)
{
	int format = archive_format(r->a) & ARCHIVE_FORMAT_BASE_MASK;

	if (r->told)
		return 0;
	r->told = true;
	return inside_tell(r->in, CONTAINER_IS_ENCRYPTED, about, "%s", format == ARCHIVE_FORMAT_ZIP ? "zip archive" :
	    format == ARCHIVE_FORMAT_7ZIP ? "7z archive" : "archive");
}

static int
tell_trouble(struct reading *r, int code, const char *about)
{
	const char *text = archive_error_string(r->a);

	r->ended = code == ARCHIVE_FATAL;
	r->damaged = true;
	/* It looks into the format, which there is none of until one was found. */
	if (archive_format(r->a) != 0 && archive_read_has_encrypted_entries(r->a) == 1)
		return tell_encrypted(r, about);
	if (archive_errno(r->a) == EFBIG)	/* the budget is used up: whoever has it says so */
		return 0;
	if (archive_errno(r->a) == ENOMEM)
		return inside_tell(r->in, CONTAINER_IS_CUT, about, "needs too much memory");
	return inside_tell(r->in, CONTAINER_IS_CUT, about, "damaged: %s", text != NULL ? text : "not readable");
}

static int
note_name(struct reading *r, const char *name)
{
	int e;

	if (name == NULL || *name == '\0')
		return 0;
	if ((e = pour_text(&r->names, name)) != 0)
		return e;
	return pour_text(&r->names, "\n");
}

/* Data in blocks: holes between them are not made, so that a sparse file cannot grow. */
static int
read_data(struct reading *r, const char *name)
{
	la_int64_t at, end = 0;
	const void *p;
	size_t n;
	int e, a;

	if ((e = pour_begin(&r->member, name)) != 0)
		return e;
	while ((a = archive_read_data_block(r->a, &p, &n, &at)) == ARCHIVE_OK || a == ARCHIVE_WARN) {
		if ((at > end && (e = pour_text(&r->member, "\n")) != 0) || (e = pour_add(&r->member, p, n)) != 0)
			return e;
		end = at + (la_int64_t)n;
	}
	if ((e = pour_end(&r->member)) != 0 || a == ARCHIVE_EOF)
		return e;
	return tell_trouble(r, a, name);
}

static int
read_entry(struct reading *r, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);
	int e;

	if (name == NULL && (name = archive_entry_pathname_utf8(entry)) == NULL)
		name = "";
	if (archive_format(r->a) == ARCHIVE_FORMAT_RAW)
		return read_data(r, "");
	if ((e = note_name(r, archive_entry_symlink(entry))) != 0 ||
	    (e = note_name(r, archive_entry_hardlink(entry))) != 0)
		return e;
	if (archive_entry_filetype(entry) == AE_IFREG &&
	    (!archive_entry_size_is_set(entry) || archive_entry_size(entry) != 0) &&
	    !archive_entry_is_encrypted(entry))
		return read_data(r, name);
	/* The names of the others come with what they hold. */
	if ((e = note_name(r, name)) != 0)
		return e;
	if (archive_entry_is_data_encrypted(entry) || archive_entry_is_metadata_encrypted(entry))
		return tell_encrypted(r, name);
	return budget_take_item(r->in->budget);
}

static int
read_all(struct reading *r)
{
	struct archive_entry *entry;
	int a = ARCHIVE_FATAL, e;

	if ((e = pour_begin(&r->names, "(names)")) != 0)
		return e;
	while (!r->ended && ((a = archive_read_next_header(r->a, &entry)) == ARCHIVE_OK || a == ARCHIVE_WARN)) {
		if ((e = read_entry(r, entry)) != 0)
			return e;
	}
	if ((e = pour_end(&r->names)) != 0 || a == ARCHIVE_EOF || r->ended)
		return e;
	return tell_trouble(r, a, "");
}

int
archive_members(const struct inside *in, struct archive *a, bool *damagedp)
{
	struct reading r = { .in = in, .a = a, .member = { .in = in }, .names = { .in = in } };
	int e = read_all(&r);

	*damagedp = r.damaged;
	pour_release(&r.member);
	pour_release(&r.names);
	return e;
}

int
archive_trouble(const struct inside *in, struct archive *a)
{
	struct reading r = { .in = in, .a = a };

	return tell_trouble(&r, ARCHIVE_FATAL, "");
}

static int
each(const struct inside *in, const support_fn *fns, size_t nfns, const uint8_t *p, size_t n)
{
	struct archive *a = archive_read_new();
	bool damaged;
	int e = a == NULL ? SECRETSCAN_NOMEM : 0;

	for (size_t i = 0; i < nfns && e == 0; i++)
		e = fns[i](a) == ARCHIVE_OK ? 0 : SECRETSCAN_NOMEM;
	if (e == 0 && archive_read_open_memory(a, p, n) != ARCHIVE_OK)
		e = archive_trouble(in, a);
	else if (e == 0)
		e = archive_members(in, a, &damaged);
	archive_read_free(a);
	return e;
}

int
archive_each(const struct inside *in, const uint8_t *p, size_t n)
{
	return each(in, formats, sizeof(formats) / sizeof(formats[0]), p, n);
}

int
archive_each_trailing(const struct inside *in, const uint8_t *p, size_t n)
{
	static const support_fn zip[] = { archive_read_support_format_zip };

	return each(in, zip, 1, p, n);
}
