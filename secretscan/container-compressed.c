/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed files, by libarchive's filters that start no programs. One archive object makes plain bytes, which are
 * paid for here, and a second one reads them as a tar, a cpio, or just a file. So what the second one skips costs as
 * well (a tar of zeros without end), and what follows the end of a tar is seen.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#include "secretscan/budget.h"
#include "secretscan/container_int.h"
#include "secretscan/secretscan.h"

#define FILTERS_SANE	20	/* over each other */

typedef int	(*support_fn)(struct archive *);

static const support_fn outer[] = {
	archive_read_support_filter_bzip2, archive_read_support_filter_compress, archive_read_support_filter_gzip,
	archive_read_support_filter_lz4, archive_read_support_filter_lzip, archive_read_support_filter_lzma,
	archive_read_support_filter_rpm, archive_read_support_filter_xz, archive_read_support_filter_zstd,
	archive_read_support_format_raw, archive_read_support_format_empty, NULL,
};

static const support_fn inner[] = {
	archive_read_support_format_cpio, archive_read_support_format_gnutar, archive_read_support_format_tar,
	archive_read_support_format_raw, archive_read_support_format_empty, NULL,
};

struct pipe {
	const struct inside	*in;
	struct archive		*from;
	const uint8_t		*block;		/* the last one, until the next is asked for */
	size_t			 n;
	int64_t			 total;
	bool			 ended;
	int			 e;
};

/* The next bytes; n == 0 at the end. ARCHIVE_OK, or an error of `from`; p->e when the budget does not allow them. */
static int
next_block(struct pipe *p)
{
	const void *block = NULL;
	la_int64_t at;
	int a = ARCHIVE_EOF;

	p->n = 0;
	if (p->ended)
		return ARCHIVE_OK;
	do
		a = archive_read_data_block(p->from, &block, &p->n, &at);
	while ((a == ARCHIVE_OK || a == ARCHIVE_WARN) && p->n == 0);
	p->ended = a != ARCHIVE_OK && a != ARCHIVE_WARN;
	if (p->ended) {
		p->n = 0;
		return a == ARCHIVE_EOF ? ARCHIVE_OK : a;
	}
	p->block = block;
	p->total += (int64_t)p->n;
	p->e = budget_take(p->in->budget, p->n);
	return ARCHIVE_OK;
}

static la_ssize_t
on_read(struct archive *to, void *arg, const void **pp)
{
	struct pipe *p = arg;
	int a = next_block(p);
	const char *text;

	if (a != ARCHIVE_OK) {
		text = archive_error_string(p->from);
		archive_set_error(to, archive_errno(p->from), "%s", text != NULL ? text : "not readable");
		return ARCHIVE_FATAL;
	}
	if (p->e != 0) {
		archive_set_error(to, EFBIG, "too large");
		return ARCHIVE_FATAL;
	}
	*pp = p->block;
	return (la_ssize_t)p->n;
}

static struct archive *
make(const support_fn *fns)
{
	struct archive *a = archive_read_new();

	for (size_t i = 0; a != NULL && fns[i] != NULL; i++) {
		if (fns[i](a) != ARCHIVE_OK) {
			archive_read_free(a);
			return NULL;
		}
	}
	return a;
}

/* What the reader of the archive left: after its end, or after an error. Padding is zeros. */
static int
read_rest(struct pipe *p, const struct inside *paid, int64_t used)
{
	struct pour m = { .in = paid };
	size_t skip = p->total - used > (int64_t)p->n ? 0 : p->n - (size_t)(p->total - used);
	bool begun = false;
	int e = 0;

	do {
		while (!begun && skip < p->n && p->block[skip] == 0)
			skip++;
		if (skip < p->n) {
			if (!begun && (e = pour_begin(&m, "(rest)")) != 0)
				break;
			begun = true;
			if ((e = pour_add(&m, p->block + skip, p->n - skip)) != 0)
				break;
		}
		skip = 0;
	} while (next_block(p) == ARCHIVE_OK && p->n > 0 && p->e == 0);
	if (e == 0 && begun)
		e = pour_end(&m);
	pour_release(&m);
	return e;
}

/* libarchive keeps a block back until it is whole, so that the last bytes of a file that ends too early are lost. */
static int
salvage_gzip(const struct inside *in, const uint8_t *p, size_t n)
{
	struct pour m = { .in = in };
	enum inflate_end end;
	size_t used;
	int e;

	if ((e = pour_begin(&m, "(salvaged)")) == 0 && (e = pour_inflate(&m, INFLATE_GZIP, p, n, &used, &end)) == 0)
		e = pour_end(&m);
	pour_release(&m);
	return e;
}

static int
read_plain(struct pipe *p, bool *damagedp)
{
	const struct inside paid = { .budget = p->in->budget, .sink = p->in->sink, .paid = true };
	struct archive *to = make(inner);
	int e;

	if (to == NULL)
		return SECRETSCAN_NOMEM;
	if (archive_read_open(to, p, NULL, on_read, NULL) == ARCHIVE_OK)
		e = archive_members(&paid, to, damagedp);
	else {
		*damagedp = true;
		e = p->e != 0 ? p->e : archive_trouble(&paid, to);
	}
	if (e == 0 && p->e == 0)
		e = read_rest(p, &paid, archive_filter_bytes(to, 0));
	archive_read_free(to);
	return e != 0 ? e : p->e;
}

int
compressed_each(const struct inside *in, const uint8_t *p, size_t n)
{
	struct pipe pipe = { .in = in, .from = make(outer) };
	struct archive_entry *entry;
	bool damaged = false;
	int a, e;

	if (pipe.from == NULL)
		return SECRETSCAN_NOMEM;
	a = archive_read_open_memory(pipe.from, p, n);
	if (a == ARCHIVE_OK)
		a = archive_read_next_header(pipe.from, &entry);
	if (a == ARCHIVE_OK || a == ARCHIVE_WARN)
		e = read_plain(&pipe, &damaged);
	else {
		damaged = a != ARCHIVE_EOF;
		e = damaged ? archive_trouble(in, pipe.from) : 0;
	}
	if (e == 0 && damaged && p[0] == 0x1f && p[1] == 0x8b && archive_filter_count(pipe.from) < FILTERS_SANE)
		e = salvage_gzip(in, p, n);
	archive_read_free(pipe.from);
	return e;
}
