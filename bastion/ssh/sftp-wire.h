/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp-wire: packets of SFTP version 3 (draft-ietf-secsh-filexfer-02) and of OpenSSH's extensions to it, as bytes and as
 * fields. No I/O, no state. One table says which fields a packet has, for reading and for writing.
 */
#ifndef SSH_SFTP_WIRE_H
#define SSH_SFTP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

#define SFTP_VERSION	3
#define SFTP_PACKET_MAX	(256 * 1024)	/* what the length field may say; OpenSSH's own ceiling */
#define SFTP_HANDLE_MAX	256		/* the draft's */
#define SFTP_ATTR_PAIRS	64		/* extended attributes of one file; they are read over */

enum sftp_type {
	SFTP_INIT = 1, SFTP_HELLO = 2 /* SSH_FXP_VERSION */, SFTP_OPEN = 3, SFTP_CLOSE = 4, SFTP_READ = 5, SFTP_WRITE = 6,
	SFTP_LSTAT = 7, SFTP_FSTAT = 8, SFTP_SETSTAT = 9, SFTP_FSETSTAT = 10, SFTP_OPENDIR = 11, SFTP_READDIR = 12,
	SFTP_REMOVE = 13, SFTP_MKDIR = 14, SFTP_RMDIR = 15, SFTP_REALPATH = 16, SFTP_STAT = 17, SFTP_RENAME = 18,
	SFTP_READLINK = 19, SFTP_SYMLINK = 20,
	SFTP_STATUS = 101, SFTP_HANDLE = 102, SFTP_DATA = 103, SFTP_NAME = 104, SFTP_ATTRS = 105,
	SFTP_EXTENDED = 200, SFTP_EXTENDED_REPLY = 201,
};

enum sftp_status {
	SFTP_OK, SFTP_EOF, SFTP_NO_SUCH_FILE, SFTP_PERMISSION_DENIED, SFTP_FAILURE, SFTP_BAD_MESSAGE, SFTP_NO_CONNECTION,
	SFTP_CONNECTION_LOST, SFTP_OP_UNSUPPORTED,
};

/* Flags of OPEN. */
#define SFTP_FOR_READ	0x01
#define SFTP_FOR_WRITE	0x02
#define SFTP_APPEND	0x04
#define SFTP_CREATE	0x08
#define SFTP_TRUNCATE	0x10
#define SFTP_EXCLUSIVE	0x20
#define SFTP_OPEN_ALL	0x3f

/* Extensions that are understood. Their numbers are bits of sets. */
enum sftp_ext {
	SFTP_EXT_POSIX_RENAME, SFTP_EXT_HARDLINK, SFTP_EXT_STATVFS, SFTP_EXT_FSTATVFS, SFTP_EXT_FSYNC, SFTP_EXT_LSETSTAT,
	SFTP_EXT_LIMITS, SFTP_EXT_EXPAND_PATH, SFTP_EXT_HOME, SFTP_EXT_USERS_GROUPS, SFTP_EXT_UNKNOWN,
};
#define SFTP_EXTS	SFTP_EXT_UNKNOWN

/* Borrowed bytes: of the packet that was read, or of whoever writes one. */
struct sftp_bytes {
	const uint8_t	*p;
	size_t		 n;
};

#define SFTP_ATTR_SIZE	0x01
#define SFTP_ATTR_OWNER	0x02
#define SFTP_ATTR_MODE	0x04
#define SFTP_ATTR_TIMES	0x08

struct sftp_attrs {
	uint32_t	 flags;
	uint64_t	 size;
	uint32_t	 uid, gid, mode, atime, mtime;
};

/* One packet of either direction. Which fields count is the type's affair; a packet to be written names them all. */
struct sftp_packet {
	enum sftp_type	 type;
	uint32_t	 id;		/* INIT and HELLO: the version */
	struct sftp_bytes path, path2;	/* in the order of the packet */
	struct sftp_bytes handle;
	struct sftp_bytes data;		/* WRITE, DATA */
	uint64_t	 offset;
	uint32_t	 len;		/* READ */
	uint32_t	 flags;		/* OPEN */
	struct sftp_attrs attrs;
	uint32_t	 status;	/* STATUS, and its words */
	struct sftp_bytes text;
	uint32_t	 count;		/* NAME: so many names in rest */
	enum sftp_ext	 ext;		/* EXTENDED */
	struct sftp_bytes ext_name;
	struct sftp_bytes rest;		/* NAME; what an extension carries beside; pairs of INIT and HELLO */
};

/* How many bytes the packet at the front takes with its length field: 0 and *lenp, ERR_SHORT, ERR_TOOBIG or ERR_FORMAT. */
int	sftp_frame(const void *p, size_t n, size_t *lenp);
/*
 * Read one packet without its length field. 0; ERR_NOTFOUND: a type that is not known, only type and id are set; ERR_FORMAT.
 * An extension that is not known is read as SFTP_EXT_UNKNOWN, with what it carries in rest.
 */
int	sftp_parse(const void *p, size_t n, struct sftp_packet *);
/* Append one packet with its length field. 0, or the buffer's error; ERR_FORMAT for a type that cannot be written. */
int	sftp_put(struct buf *, const struct sftp_packet *);

/* One entry of a NAME packet. */
struct sftp_name {
	struct sftp_bytes name, longname;
	struct sftp_attrs attrs;
};

/* Take the first name off rest. 0, or ERR_FORMAT. */
int	sftp_name_next(struct sftp_bytes *rest, struct sftp_name *);
int	sftp_name_put(struct buf *, const struct sftp_name *);
/* Take the first pair of INIT's or HELLO's rest. 0, or ERR_FORMAT. */
int	sftp_pair_next(struct sftp_bytes *rest, struct sftp_bytes *name, struct sftp_bytes *value);

enum sftp_ext	 sftp_ext_find(struct sftp_bytes name);
const char	*sftp_ext_name(enum sftp_ext);		/* "posix-rename@openssh.com" */
const char	*sftp_ext_version(enum sftp_ext);	/* as it stands in HELLO */
/* "open", "rename", "posix-rename@openssh.com" ..; "request" for what is not known. */
const char	*sftp_type_word(const struct sftp_packet *);

struct sftp_bytes sftp_text(const char *);
bool	sftp_bytes_are(struct sftp_bytes, const char *);

#endif
