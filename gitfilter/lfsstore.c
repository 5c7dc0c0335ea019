/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/lfsstore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "bastion/base/err.h"
#include "gitfilter/limits.h"

#define NAME_SIZE	(LFS_OID_HEX + 1 + LFS_RULES_HEX + 1)
#define PLACE_SIZE	(6 + LFS_OID_HEX + 1)		/* "aa/bb/OID" */
#define FOUND		"found"
#define COPY_SIZE	(256 * 1024)
#define DISK_FLOOR	((uint64_t)256 * 1024 * 1024)	/* free bytes that must be left: the evidence lies on the same disk */
#define PART_TRIES	1000

static void
held_name(const struct lfs_store *s, const struct lfs_object *o, bool clean, char name[NAME_SIZE])
{
	char hex[LFS_OID_HEX + 1];

	lfs_oid_format(o->oid, hex);
	(void)snprintf(name, NAME_SIZE, "%s-%s", hex, clean ? s->rules : FOUND);
}

static void
stored_place(const struct lfs_object *o, char place[PLACE_SIZE])
{
	char hex[LFS_OID_HEX + 1];

	lfs_oid_format(o->oid, hex);
	(void)snprintf(place, PLACE_SIZE, "%.2s/%.2s/%s", hex, hex + 2, hex);
}

static bool
is_there(int dir, const char *name, uint64_t size)
{
	struct stat st;

	return dir != -1 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size == size;
}

enum lfs_state
lfs_store_state(const struct lfs_store *s, const struct lfs_object *o)
{
	char name[NAME_SIZE], place[PLACE_SIZE];

	stored_place(o, place);
	if (is_there(s->objects, place, o->size))
		return LFS_STORED;
	held_name(s, o, true, name);
	if (is_there(s->held, name, o->size))
		return LFS_HELD;
	held_name(s, o, false, name);
	return is_there(s->held, name, o->size) ? LFS_HELD_FOUND : LFS_ABSENT;
}

static int
open_file(int dir, const char *name, struct lfs_object *o)
{
	int fd = dir == -1 ? -1 : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	if (fd != -1)
		o->size = (uint64_t)st.st_size;
	return fd;
}

int
lfs_store_open(const struct lfs_store *s, struct lfs_object *o)
{
	char place[PLACE_SIZE];

	stored_place(o, place);
	return open_file(s->objects, place, o);
}

int
lfs_held_open(const struct lfs_store *s, struct lfs_object *o)
{
	char name[NAME_SIZE];
	int fd;

	held_name(s, o, true, name);
	if ((fd = open_file(s->held, name, o)) != -1)
		return fd;
	held_name(s, o, false, name);
	return open_file(s->held, name, o);
}

/* The two folders that an object lies in. */
static int
make_folders(int dir, const char *place)
{
	char part[6];

	for (size_t n = 2; n <= 5; n += 3) {
		(void)snprintf(part, sizeof(part), "%.*s", (int)n, place);
		if (mkdirat(dir, part, 0777) == -1 && errno != EEXIST)
			return ERR_SYSTEM;
	}
	return 0;
}

static int
copy_all(int from, int to)
{
	uint8_t *piece = malloc(COPY_SIZE);
	ssize_t n = 0;

	if (piece == NULL)
		return ERR_NOMEM;
	while ((n = read(from, piece, COPY_SIZE)) > 0)
		for (ssize_t done = 0; done < n;) {
			ssize_t w = write(to, piece + done, (size_t)(n - done));

			if (w <= 0) {
				free(piece);
				return ERR_SYSTEM;
			}
			done += w;
		}
	free(piece);
	return n == 0 && fsync(to) == 0 ? 0 : ERR_SYSTEM;
}

/* Where the state folder and the repository lie on two file systems. */
static int
copy_into(const struct lfs_store *s, const char *name, const char *place)
{
	char part[LFS_PART_NAME];
	int from = openat(s->held, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), to, r = ERR_SYSTEM;

	(void)snprintf(part, sizeof(part), "part-%ld", (long)getpid());
	to = openat(s->objects, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (from != -1 && to != -1 && (r = copy_all(from, to)) == 0 && renameat(s->objects, part, s->objects, place) == -1)
		r = ERR_SYSTEM;
	if (to != -1 && r != 0)
		(void)unlinkat(s->objects, part, 0);
	if (from != -1)
		close(from);
	if (to != -1)
		close(to);
	return r;
}

/* What was linked must be there after a crash, before any reference that leads to it. */
static int
sync_folder(int dir, const char *place)
{
	char part[6];
	int fd, r;

	(void)snprintf(part, sizeof(part), "%.5s", place);
	if ((fd = openat(dir, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return ERR_SYSTEM;
	r = fsync(fd) == 0 ? 0 : ERR_SYSTEM;
	close(fd);
	return r;
}

int
lfs_store_promote(const struct lfs_store *s, const struct lfs_object *o)
{
	char name[NAME_SIZE], place[PLACE_SIZE];
	enum lfs_state state = lfs_store_state(s, o);
	int r;

	if (state == LFS_STORED)
		return 0;
	if (state == LFS_ABSENT || s->objects == -1)
		return ERR_NOTFOUND;
	held_name(s, o, state == LFS_HELD, name);
	stored_place(o, place);
	if ((r = make_folders(s->objects, place)) != 0)
		return r;
	if (linkat(s->held, name, s->objects, place, 0) == -1 && errno != EEXIST)
		r = errno == EXDEV ? copy_into(s, name, place) : ERR_SYSTEM;
	if (r == 0 && (r = sync_folder(s->objects, place)) == 0)
		(void)unlinkat(s->held, name, 0);
	return r;
}

/* Bytes and files of a folder. */
static int
held_total(int dir, uint64_t *bytesp, unsigned *filesp)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	*bytesp = 0;
	*filesp = 0;
	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return ERR_SYSTEM;
	}
	while ((e = readdir(d)) != NULL)
		if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)) {
			*bytesp += (uint64_t)st.st_size;
			(*filesp)++;
		}
	closedir(d);
	return 0;
}

static bool
disk_has_room(int dir, uint64_t size)
{
	struct statvfs st;

	return fstatvfs(dir, &st) == 0 && (uint64_t)st.f_bavail * st.f_frsize > DISK_FLOOR + size;
}

int
lfs_held_begin(const struct lfs_store *s, uint64_t size, uint64_t max, int *fdp, char name[LFS_PART_NAME])
{
	uint64_t bytes;
	unsigned files;
	int fd = -1, r;

	if (s->held == -1 || size > INT64_MAX || flock(s->held, LOCK_EX) == -1)
		return ERR_SYSTEM;
	if ((r = held_total(s->held, &bytes, &files)) == 0 && (size > max || bytes > max - size || files >= LFS_HELD_FILES))
		r = ERR_TOOBIG;
	else if (r == 0 && !disk_has_room(s->held, size)) {
		errno = ENOSPC;
		r = ERR_SYSTEM;
	}
	for (unsigned i = 0; r == 0 && fd == -1; i++) {
		(void)snprintf(name, LFS_PART_NAME, "part-%ld-%u", (long)getpid(), i);
		fd = openat(s->held, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
		if (fd == -1 && (errno != EEXIST || i == PART_TRIES))
			r = ERR_SYSTEM;
	}
	if (r == 0 && ftruncate(fd, (off_t)size) == -1) {
		lfs_held_drop(s, name);
		close(fd);
		r = ERR_SYSTEM;
	}
	(void)flock(s->held, LOCK_UN);
	if (r == 0)
		*fdp = fd;
	return r;
}

int
lfs_held_keep(const struct lfs_store *s, const char *name, const struct lfs_object *o, bool clean)
{
	char to[NAME_SIZE];

	held_name(s, o, clean, to);
	return renameat(s->held, name, s->held, to) == 0 ? 0 : ERR_SYSTEM;
}

void
lfs_held_drop(const struct lfs_store *s, const char *name)
{
	(void)unlinkat(s->held, name, 0);
}

/* Whether it is a part whose keeper was killed, so that it could not take it away itself. */
static bool
is_left(const char *name)
{
	long pid;

	return sscanf(name, "part-%ld-", &pid) == 1 && pid > 0 && kill((pid_t)pid, 0) == -1 && errno == ESRCH;
}

static void
sweep_folder(int top, const char *name, int64_t before)
{
	int fd = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		    ((int64_t)st.st_mtim.tv_sec < before || is_left(e->d_name)))
			(void)unlinkat(fd, e->d_name, 0);
	closedir(d);
}

void
lfs_held_sweep(const char *path, int64_t before)
{
	DIR *d = opendir(path);
	struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			sweep_folder(dirfd(d), e->d_name, before);
	closedir(d);
}
