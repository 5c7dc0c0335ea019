/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives and compressed files, by libarchive. Only formats and filters that libarchive reads by itself are switched
 * on: those that start programs are not, nor are RAR, LHA and XAR, whose readers have been its weakest part.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "secretscan/budget.h"
#include "secretscan/container_int.h"
#include "secretscan/secretscan.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define FILTERS_SANE	20

typedef int	(*support_fn)(struct archive *);

static const support_fn filters[] = {
	archive_read_support_filter_bzip2, archive_read_support_filter_compress, archive_read_support_filter_gzip,
	archive_read_support_filter_lz4, archive_read_support_filter_lzip, archive_read_support_filter_lzma,
	archive_read_support_filter_rpm, archive_read_support_filter_xz, archive_read_support_filter_zstd,
};

static const support_fn formats[] = {
	archive_read_support_format_7zip, archive_read_support_format_ar, archive_read_support_format_cab,
	archive_read_support_format_cpio, archive_read_support_format_empty, archive_read_support_format_gnutar,
	archive_read_support_format_iso9660, archive_read_support_format_raw, archive_read_support_format_tar,
	archive_read_support_format_zip,
};

static const support_fn zip_alone[] = { archive_read_support_format_zip };
static const support_fn raw_alone[] = { archive_read_support_format_raw };

/* Archives; a zip that may have anything before it; one compressed file, whatever it is. */
enum look { LOOK_ANY, LOOK_ZIP, LOOK_RAW };

struct reading {
	const struct inside	*in;
	struct archive		*a;
	struct pour		 member;
	struct pour		 names;
	bool			 told;		/* of encryption: once an archive */
	size_t			 entries;
	bool			 damaged;
	bool			 ended;		/* by an error that leaves nothing to go on with */
};

static int
support(struct archive *a, const support_fn *fns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fns[i](a) != ARCHIVE_OK)
			return SECRETSCAN_NOMEM;
	}
	return 0;
}

static int
support_look(struct archive *a, enum look look)
{
	int e;

	if (look == LOOK_ZIP)
		return support(a, zip_alone, COUNT(zip_alone));
	if ((e = support(a, filters, COUNT(filters))) != 0 || look == LOOK_RAW)
		return e != 0 ? e : support(a, raw_alone, COUNT(raw_alone));
	if ((e = support(a, formats, COUNT(formats))) != 0)
		return e;
	/* What follows the end of a tar is looked at too, and what it cannot be is an error: nothing hides there. */
	return archive_read_set_format_option(a, "tar", "read_concatenated_archives", "1") == ARCHIVE_OK ? 0 :
	    SECRETSCAN_NOMEM;
}

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

	r->entries++;
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

/* libarchive keeps a block back until it is whole, so that the last ones of a file that ends too early are lost. */
static int
salvage_gzip(struct reading *r, const uint8_t *p, size_t n)
{
	enum inflate_end end;
	size_t used;
	int e;

	if ((e = pour_begin(&r->member, "(salvaged)")) != 0 ||
	    (e = pour_inflate(&r->member, INFLATE_GZIP, p, n, &used, &end)) != 0)
		return e;
	return pour_end(&r->member);
}

/* *againp: no entry in a tar of zeros only, which is how any file can begin. */
static int
each(const struct inside *in, enum look look, const uint8_t *p, size_t n, bool *againp)
{
	struct reading r = { .in = in, .member = { .in = in }, .names = { .in = in } };
	int e;

	if ((r.a = archive_read_new()) == NULL)
		return SECRETSCAN_NOMEM;
	if ((e = support_look(r.a, look)) != 0)
		goto out;
	e = archive_read_open_memory(r.a, p, n) == ARCHIVE_OK ? read_all(&r) : tell_trouble(&r, ARCHIVE_FATAL, "");
	if (e == 0 && r.damaged && n > 2 && p[0] == 0x1f && p[1] == 0x8b && archive_filter_count(r.a) < FILTERS_SANE)
		e = salvage_gzip(&r, p, n);
	*againp = r.entries == 0 && !r.damaged && archive_filter_count(r.a) > 1;
out:
	archive_read_free(r.a);
	pour_release(&r.member);
	pour_release(&r.names);
	return e;
}

int
archive_each(const struct inside *in, const uint8_t *p, size_t n)
{
	bool again = false;
	int e = each(in, LOOK_ANY, p, n, &again);

	return e == 0 && again ? each(in, LOOK_RAW, p, n, &again) : e;
}

int
archive_each_trailing(const struct inside *in, const uint8_t *p, size_t n)
{
	return each(in, LOOK_ZIP, p, n, &(bool){ false });
}
