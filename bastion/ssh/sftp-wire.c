/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/sftp-wire.h"

#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"

#define ATTR_EXTENDED	0x80000000u
#define ATTR_KNOWN	(SFTP_ATTR_SIZE | SFTP_ATTR_OWNER | SFTP_ATTR_MODE | SFTP_ATTR_TIMES)

/*
 * Fields in the order of the packet: p path, q second path, h handle, d data, o offset, l length, f flags, a attributes,
 * s status and its words (which some servers leave out), c count, r the rest.
 */
struct layout {
	enum sftp_type	 type;
	const char	*word;
	const char	*fields;
};

static const struct layout layouts[] = {
	{ SFTP_INIT, "init", "r" }, { SFTP_HELLO, "version", "r" }, { SFTP_OPEN, "open", "pfa" }, { SFTP_CLOSE, "close", "h" },
	{ SFTP_READ, "read", "hol" }, { SFTP_WRITE, "write", "hod" }, { SFTP_LSTAT, "lstat", "p" }, { SFTP_FSTAT, "fstat", "h" },
	{ SFTP_SETSTAT, "setstat", "pa" }, { SFTP_FSETSTAT, "fsetstat", "ha" }, { SFTP_OPENDIR, "opendir", "p" },
	{ SFTP_READDIR, "readdir", "h" }, { SFTP_REMOVE, "remove", "p" }, { SFTP_MKDIR, "mkdir", "pa" },
	{ SFTP_RMDIR, "rmdir", "p" }, { SFTP_REALPATH, "realpath", "p" }, { SFTP_STAT, "stat", "p" },
	{ SFTP_RENAME, "rename", "pq" }, { SFTP_READLINK, "readlink", "p" }, { SFTP_SYMLINK, "symlink", "pq" },
	{ SFTP_STATUS, "status", "s" }, { SFTP_HANDLE, "handle", "h" }, { SFTP_DATA, "data", "d" }, { SFTP_NAME, "name", "cr" },
	{ SFTP_ATTRS, "attrs", "a" }, { SFTP_EXTENDED, "extended", "" }, { SFTP_EXTENDED_REPLY, "extended-reply", "r" },
};

struct extension {
	const char	*name, *version, *fields;
};

static const struct extension extensions[] = {
	[SFTP_EXT_POSIX_RENAME] = { "posix-rename@openssh.com", "1", "pq" },
	[SFTP_EXT_HARDLINK] = { "hardlink@openssh.com", "1", "pq" },
	[SFTP_EXT_STATVFS] = { "statvfs@openssh.com", "2", "p" },
	[SFTP_EXT_FSTATVFS] = { "fstatvfs@openssh.com", "2", "h" },
	[SFTP_EXT_FSYNC] = { "fsync@openssh.com", "1", "h" },
	[SFTP_EXT_LSETSTAT] = { "lsetstat@openssh.com", "1", "pa" },
	[SFTP_EXT_LIMITS] = { "limits@openssh.com", "1", "" },
	[SFTP_EXT_EXPAND_PATH] = { "expand-path@openssh.com", "1", "p" },
	[SFTP_EXT_HOME] = { "home-directory", "1", "p" },
	[SFTP_EXT_USERS_GROUPS] = { "users-groups-by-id@openssh.com", "1", "r" },
	[SFTP_EXT_UNKNOWN] = { "", "", "r" },
};

static const struct layout *
layout_of(enum sftp_type type)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].type == type)
			return &layouts[i];
	return NULL;
}

struct sftp_bytes
sftp_text(const char *s)
{
	return (struct sftp_bytes){ (const uint8_t *)s, strlen(s) };
}

bool
sftp_bytes_are(struct sftp_bytes b, const char *s)
{
	return b.n == strlen(s) && memcmp(b.p, s, b.n) == 0;
}

enum sftp_ext
sftp_ext_find(struct sftp_bytes name)
{
	int i = 0;

	while (i < SFTP_EXTS && !sftp_bytes_are(name, extensions[i].name))
		i++;
	return (enum sftp_ext)i;
}

const char *
sftp_ext_name(enum sftp_ext e)
{
	return extensions[e].name;
}

const char *
sftp_ext_version(enum sftp_ext e)
{
	return extensions[e].version;
}

const char *
sftp_type_word(const struct sftp_packet *k)
{
	const struct layout *l = layout_of(k->type);

	if (k->type == SFTP_EXTENDED && k->ext != SFTP_EXT_UNKNOWN)
		return extensions[k->ext].name;
	return l == NULL || k->type == SFTP_EXTENDED ? "request" : l->word;
}

int
sftp_frame(const void *p, size_t n, size_t *lenp)
{
	const uint8_t *s = p;
	size_t len;

	if (n < 4)
		return ERR_SHORT;
	len = (size_t)s[0] << 24 | (size_t)s[1] << 16 | (size_t)s[2] << 8 | s[3];
	if (len > SFTP_PACKET_MAX)
		return ERR_TOOBIG;
	if (len < 5)	/* a type and an id at least */
		return ERR_FORMAT;
	if (n < len + 4)
		return ERR_SHORT;
	*lenp = len + 4;
	return 0;
}

/* Reading */

static int
get_bytes(struct buf *b, struct sftp_bytes *out)
{
	return buf_peek_string(b, &out->p, &out->n);
}

static int
get_attrs(struct buf *b, struct sftp_attrs *a)
{
	struct sftp_bytes name, value;
	uint32_t pairs = 0;
	int r;

	*a = (struct sftp_attrs){ 0 };
	if ((r = buf_get_u32(b, &a->flags)) != 0)
		return r;
	/* What other flags stand for is not known, so neither is where these attributes end. */
	if ((a->flags & ~(ATTR_KNOWN | ATTR_EXTENDED)) != 0)
		return ERR_FORMAT;
	if ((a->flags & SFTP_ATTR_SIZE) != 0 && (r = buf_get_u64(b, &a->size)) != 0)
		return r;
	if ((a->flags & SFTP_ATTR_OWNER) != 0 && ((r = buf_get_u32(b, &a->uid)) != 0 || (r = buf_get_u32(b, &a->gid)) != 0))
		return r;
	if ((a->flags & SFTP_ATTR_MODE) != 0 && (r = buf_get_u32(b, &a->mode)) != 0)
		return r;
	if ((a->flags & SFTP_ATTR_TIMES) != 0 && ((r = buf_get_u32(b, &a->atime)) != 0 || (r = buf_get_u32(b, &a->mtime)) != 0))
		return r;
	if ((a->flags & ATTR_EXTENDED) != 0 && ((r = buf_get_u32(b, &pairs)) != 0 || pairs > SFTP_ATTR_PAIRS))
		return r != 0 ? r : ERR_FORMAT;
	for (uint32_t i = 0; i < pairs; i++)
		if ((r = get_bytes(b, &name)) != 0 || (r = get_bytes(b, &value)) != 0)
			return r;
	a->flags &= ~ATTR_EXTENDED;
	return 0;
}

static int
get_status(struct buf *b, struct sftp_packet *k)
{
	struct sftp_bytes language;
	int r;

	if ((r = buf_get_u32(b, &k->status)) != 0 || buf_len(b) == 0)
		return r;
	if ((r = get_bytes(b, &k->text)) != 0 || buf_len(b) == 0)
		return r;
	return get_bytes(b, &language);
}

static void
take_rest(struct buf *b, struct sftp_bytes *out)
{
	out->p = buf_ptr(b);
	out->n = buf_len(b);
	(void)buf_consume(b, out->n);
}

static int
get_field(struct buf *b, char field, struct sftp_packet *k)
{
	int r;

	switch (field) {
	case 'p':
		return get_bytes(b, &k->path);
	case 'q':
		return get_bytes(b, &k->path2);
	case 'h':
		r = get_bytes(b, &k->handle);
		return r == 0 && k->handle.n > SFTP_HANDLE_MAX ? ERR_FORMAT : r;
	case 'd':
		return get_bytes(b, &k->data);
	case 'o':
		return buf_get_u64(b, &k->offset);
	case 'l':
		return buf_get_u32(b, &k->len);
	case 'f':
		return buf_get_u32(b, &k->flags);
	case 'a':
		return get_attrs(b, &k->attrs);
	case 's':
		return get_status(b, k);
	case 'c':
		return buf_get_u32(b, &k->count);
	default:
		take_rest(b, &k->rest);
		return 0;
	}
}

static int
get_packet(struct buf *b, struct sftp_packet *k)
{
	const struct layout *l;
	const char *fields;
	uint8_t type;
	int r;

	if ((r = buf_get_u8(b, &type)) != 0 || (r = buf_get_u32(b, &k->id)) != 0)
		return r;
	k->type = (enum sftp_type)type;
	if ((l = layout_of(k->type)) == NULL)
		return ERR_NOTFOUND;
	fields = l->fields;
	if (k->type == SFTP_EXTENDED) {
		if ((r = get_bytes(b, &k->ext_name)) != 0)
			return r;
		k->ext = sftp_ext_find(k->ext_name);
		fields = extensions[k->ext].fields;
	}
	for (; r == 0 && *fields != '\0'; fields++)
		r = get_field(b, *fields, k);
	return r != 0 ? r : buf_end(b);
}

int
sftp_parse(const void *p, size_t n, struct sftp_packet *k)
{
	struct buf *b = buf_view(p, n);
	int r;

	*k = (struct sftp_packet){ .ext = SFTP_EXT_UNKNOWN };
	if (b == NULL)
		return ERR_NOMEM;
	r = get_packet(b, k);
	buf_free(b);
	return r == ERR_SHORT ? ERR_FORMAT : r;
}

int
sftp_name_next(struct sftp_bytes *rest, struct sftp_name *name)
{
	struct buf *b = buf_view(rest->p, rest->n);
	int r;

	if (b == NULL)
		return ERR_NOMEM;
	if ((r = get_bytes(b, &name->name)) == 0 && (r = get_bytes(b, &name->longname)) == 0 &&
	    (r = get_attrs(b, &name->attrs)) == 0)
		take_rest(b, rest);
	buf_free(b);
	return r == 0 || r == ERR_NOMEM ? r : ERR_FORMAT;
}

int
sftp_pair_next(struct sftp_bytes *rest, struct sftp_bytes *name, struct sftp_bytes *value)
{
	struct buf *b = buf_view(rest->p, rest->n);
	int r;

	if (b == NULL)
		return ERR_NOMEM;
	if ((r = get_bytes(b, name)) == 0 && (r = get_bytes(b, value)) == 0)
		take_rest(b, rest);
	buf_free(b);
	return r == 0 || r == ERR_NOMEM ? r : ERR_FORMAT;
}

/* Writing */

static int
put_attrs(struct buf *b, const struct sftp_attrs *a)
{
	uint32_t flags = a->flags & ATTR_KNOWN;
	int r;

	if ((r = buf_put_u32(b, flags)) != 0 || ((flags & SFTP_ATTR_SIZE) != 0 && (r = buf_put_u64(b, a->size)) != 0))
		return r;
	if ((flags & SFTP_ATTR_OWNER) != 0 && ((r = buf_put_u32(b, a->uid)) != 0 || (r = buf_put_u32(b, a->gid)) != 0))
		return r;
	if ((flags & SFTP_ATTR_MODE) != 0 && (r = buf_put_u32(b, a->mode)) != 0)
		return r;
	if ((flags & SFTP_ATTR_TIMES) != 0 && (r = buf_put_u32(b, a->atime)) == 0)
		r = buf_put_u32(b, a->mtime);
	return r;
}

static size_t
attrs_size(const struct sftp_attrs *a)
{
	return 4 + ((a->flags & SFTP_ATTR_SIZE) != 0 ? 8 : 0) + ((a->flags & SFTP_ATTR_OWNER) != 0 ? 8 : 0) +
	    ((a->flags & SFTP_ATTR_MODE) != 0 ? 4 : 0) + ((a->flags & SFTP_ATTR_TIMES) != 0 ? 8 : 0);
}

static size_t
field_size(char field, const struct sftp_packet *k)
{
	switch (field) {
	case 'p':
		return 4 + k->path.n;
	case 'q':
		return 4 + k->path2.n;
	case 'h':
		return 4 + k->handle.n;
	case 'd':
		return 4 + k->data.n;
	case 'o':
		return 8;
	case 'l':
	case 'f':
	case 'c':
		return 4;
	case 'a':
		return attrs_size(&k->attrs);
	case 's':
		return 4 + 4 + k->text.n + 4;
	default:
		return k->rest.n;
	}
}

static int
put_field(struct buf *b, char field, const struct sftp_packet *k)
{
	int r;

	switch (field) {
	case 'p':
		return buf_put_string(b, k->path.p, k->path.n);
	case 'q':
		return buf_put_string(b, k->path2.p, k->path2.n);
	case 'h':
		return buf_put_string(b, k->handle.p, k->handle.n);
	case 'd':
		return buf_put_string(b, k->data.p, k->data.n);
	case 'o':
		return buf_put_u64(b, k->offset);
	case 'l':
		return buf_put_u32(b, k->len);
	case 'f':
		return buf_put_u32(b, k->flags);
	case 'a':
		return put_attrs(b, &k->attrs);
	case 'c':
		return buf_put_u32(b, k->count);
	case 's':
		if ((r = buf_put_u32(b, k->status)) != 0 || (r = buf_put_string(b, k->text.p, k->text.n)) != 0)
			return r;
		return buf_put_cstring(b, "");
	default:
		return buf_put(b, k->rest.p, k->rest.n);
	}
}

int
sftp_put(struct buf *b, const struct sftp_packet *k)
{
	const struct layout *l = layout_of(k->type);
	const char *fields;
	size_t len = 5;
	int r;

	if (l == NULL || (k->type == SFTP_EXTENDED && k->ext == SFTP_EXT_UNKNOWN))
		return ERR_FORMAT;
	fields = l->fields;
	if (k->type == SFTP_EXTENDED) {
		fields = extensions[k->ext].fields;
		len += 4 + strlen(extensions[k->ext].name);
	}
	for (const char *f = fields; *f != '\0'; f++)
		len += field_size(*f, k);
	if (len > SFTP_PACKET_MAX || buf_room(b) < len + 4)
		return ERR_TOOBIG;	/* all of it or nothing */
	if ((r = buf_put_u32(b, (uint32_t)len)) != 0 || (r = buf_put_u8(b, (uint8_t)k->type)) != 0 ||
	    (r = buf_put_u32(b, k->id)) != 0)
		return r;
	if (k->type == SFTP_EXTENDED)
		r = buf_put_cstring(b, extensions[k->ext].name);
	for (; r == 0 && *fields != '\0'; fields++)
		r = put_field(b, *fields, k);
	return r;
}

int
sftp_name_put(struct buf *b, const struct sftp_name *n)
{
	int r;

	if (buf_room(b) < 8 + n->name.n + n->longname.n + attrs_size(&n->attrs))
		return ERR_TOOBIG;
	if ((r = buf_put_string(b, n->name.p, n->name.n)) != 0 || (r = buf_put_string(b, n->longname.p, n->longname.n)) != 0)
		return r;
	return put_attrs(b, &n->attrs);
}
