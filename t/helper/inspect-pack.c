/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect-pack PACK TIP..: the whole inspection of a pack with all rules, in a process of its own as in the daemon. Prints
 * what came of it and what it took:
 *	status=clean objects=94856 bytes=144600000 resolved=2339000000 findings=0 user=2.100 system=0.100 grown=41000 reason=
 * (user and system in seconds, grown in KiB above what the rules take before the pack begins).
 *
 * inspect-pack --list PACK TIP..: TYPE OID COMMIT PATH of every object, "-" for none.
 * inspect-pack --paths PACK TIP..: COMMIT PATH of each path that is handed out to be scanned.
 * inspect-pack --changes PACK TIP..: A, M or D, COMMIT, PATH of each path that the history changes so, where it does first.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/msgio.h"
#include "gitfilter/changes.h"
#include "gitfilter/contents.h"
#include "gitfilter/fsck.h"
#include "gitfilter/inspect.h"
#include "gitfilter/limits.h"
#include "gitfilter/pack.h"
#include "gitfilter/pktline.h"
#include "gitfilter/refcmd.h"
#include "gitfilter/walk.h"
#include "secretscan/secretscan.h"

#define PIECE		(128 * 1024)
#define WAIT_MS		600000
#define ZERO		"0000000000000000000000000000000000000000"

/* As a daemon's that was told nothing. */
static const struct inspect_params limits = {
	.max_pack_bytes = (uint64_t)2 << 30, .max_object_bytes = 100 << 20, .max_resolved_bytes = (uint64_t)4 << 30,
	.max_objects = 2000000, .max_depth = 250,
};

static const uint8_t	*pack_bytes_in;
static size_t		 pack_size;
static uint64_t		 resolved;

static void
need(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "inspect-pack: %s\n", what);
	exit(2);
}

static int
list_object(uint32_t index, enum object_type type, const uint8_t oid[20], const uint8_t *p, size_t n, void *arg)
{
	resolved += n;
	return walk_object(arg, index, type, oid, p, n);
}

static int
list_path(const char *p, size_t n, const char *commit, void *arg)
{
	if (*(const int *)arg != 0)
		printf("%s %.*s\n", *commit != '\0' ? commit : "-", (int)n, p);
	return 0;
}

static void
print_objects(const struct walk *walk, const struct pack *pack)
{
	static const char *const words[] = { "", "commit", "tree", "blob", "tag" };
	char hex[OID_HEX + 1], commit[OID_HEX + 1], path[PATH_LEN_MAX + 1];

	for (uint32_t i = 0; i < pack_count(pack); i++) {
		oid_format(pack_oid(pack, i), hex);
		walk_commit(walk, i, commit);
		walk_path(walk, i, path, sizeof(path));
		printf("%s %s %s %s\n", words[pack_type(pack, i)], hex, *commit != '\0' ? commit : "-", *path != '\0' ? path : "-");
	}
}

static void
print_changes(const struct walk *walk, struct pack *pack)
{
	struct contents *contents = contents_new();	/* of none is anything known: each path counts once */
	struct changes *c = contents == NULL ? NULL : changes_new(walk, pack, contents);
	char hex[OID_HEX + 1];

	need(c != NULL && changes_run(c) == 0, c == NULL ? "out of memory" : "what it builds on is not in the pack");
	for (size_t i = 0; i < changes_count(c); i++) {
		struct change x = changes_nth(c, i);

		oid_format(x.commit, hex);
		printf("%c %s %s\n", "AMD"[x.op], hex, x.path);
	}
	changes_free(c);
	contents_free(contents);
}

static int
list(int fd, const char *const *tips, size_t n, const char *what)
{
	int paths = strcmp(what, "--paths") == 0;
	struct fsck fsck;
	const struct walk_params wp = { .path = list_path, .arg = &paths, .fsck = &fsck };
	struct walk *walk = walk_new(&wp);
	const struct pack_params pp = {
		.spool_fd = fd, .max_pack_bytes = limits.max_pack_bytes, .max_object_bytes = limits.max_object_bytes,
		.max_resolved_bytes = limits.max_resolved_bytes, .max_objects = limits.max_objects,
		.max_depth = limits.max_depth, .object = list_object, .arg = walk,
	};
	struct pack *pack = pack_new(&pp);
	int r = 0;

	need(walk != NULL && pack != NULL, "out of memory");
	fsck_init(&fsck);
	for (size_t i = 0; r == 0 && i < pack_size; i += PIECE)
		r = pack_feed(pack, pack_bytes_in + i, pack_size - i < PIECE ? pack_size - i : PIECE);
	if (r == 0)
		r = pack_finish(pack);
	need(r == 0, pack_why(pack));
	r = walk_run(walk, pack, tips, n);
	need(r == 0, walk_why(walk));
	if (strcmp(what, "--list") == 0)
		print_objects(walk, pack);
	else if (!paths)
		print_changes(walk, pack);
	walk_free(walk);
	pack_free(pack);
	return 0;
}

static struct buf *
begin(const char *const *tips, size_t n)
{
	struct buf *b = buf_new(MSG_MAX), *order = buf_new(MSG_MAX);
	int r = 0;

	need(b != NULL && order != NULL, "out of memory");
	for (size_t i = 0; i < n && r == 0; i++)
		r = pktline_putf(order, i == 0 ? "%s %s refs/heads/t%zu%c report-status" : "%s %s refs/heads/t%zu", ZERO, tips[i], i,
		    '\0');
	r |= pktline_flush(order) | buf_put_string(b, buf_ptr(order), buf_len(order)) | buf_put_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n && r == 0; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "refs/heads/t%zu", i);
		r = buf_put_cstring(b, ZERO) | buf_put_cstring(b, tips[i]) | buf_put_cstring(b, name);
	}
	r |= buf_put_u8(b, 1) | buf_put_u8(b, 0);
	need(r == 0, "too many tips");
	buf_free(order);
	return b;
}

/* The inspector's answer as soon as there is one; the pack in pieces, as much at once as a session sends. */
static int
converse(struct msgio *session, struct buf *first, struct msg *m)
{
	uint64_t fed = 0, taken = 0;
	struct buf *b = buf_new(PIECE + 16);
	int r;

	need(b != NULL && msgio_send(session, INSPECT_BEGIN, 1, first, -1) == 0, "the inspector is not there");
	for (;;) {
		while (fed < pack_size && fed - taken < INSPECT_WINDOW) {
			size_t n = pack_size - fed < PIECE ? (size_t)(pack_size - fed) : PIECE;

			buf_clear(b);
			fed += n;
			if (buf_put_string(b, pack_bytes_in + fed - n, n) != 0 || msgio_send(session, INSPECT_PACK, 0, b, -1) != 0)
				fed = pack_size;	/* it has ended, and said why */
		}
		if ((r = msgio_wait(session, m, WAIT_MS)) != 0 || m->type == INSPECT_RESULT)
			break;
		if (m->type == INSPECT_TAKEN)
			(void)buf_get_u64(m->body, &taken);
	}
	buf_free(b);
	return r;
}

static void
say(struct msg *m, const struct rusage *u, long before)
{
	static const char *const words[] = { "clean", "found", "bad" };
	uint64_t objects, bytes;
	uint32_t findings;
	uint8_t status;
	char *reason;

	need(buf_get_u8(m->body, &status) == 0 && buf_get_cstring(m->body, &reason) == 0 &&
	    buf_get_u64(m->body, &objects) == 0 && buf_get_u64(m->body, &bytes) == 0 && buf_get_u32(m->body, &findings) == 0 &&
	    status < 3, "not a result");
	printf("status=%s objects=%llu bytes=%llu findings=%u user=%.3f system=%.3f grown=%ld reason=%s\n", words[status],
	    (unsigned long long)objects, (unsigned long long)bytes, findings, (double)u->ru_utime.tv_sec + (double)u->ru_utime.tv_usec / 1e6,
	    (double)u->ru_stime.tv_sec + (double)u->ru_stime.tv_usec / 1e6, u->ru_maxrss - before, reason);
	free(reason);
}

static int
inspect(int fd, const char *const *tips, size_t n)
{
	const uint8_t key[32] = { 0 };
	struct inspect_params params = limits;
	struct fsck fsck;
	struct rusage before, after;
	struct secretscan *scanner;
	int s[2], p[2], status;
	struct msgio *session;
	struct buf *first;
	char *error = NULL;
	struct msg m;
	pid_t pid;

	need(msgio_pair(s) == 0 && msgio_pair(p) == 0, "no sockets");
	scanner = secretscan_new(NULL, key, &error);
	need(scanner != NULL && secretscan_prepare(scanner) == 0, error != NULL ? error : "no scanner");
	fflush(NULL);
	if ((pid = fork()) == 0) {
		close(s[0]);
		close(p[0]);
		fsck_init(&fsck);
		params.fsck = &fsck;
		params.session_fd = s[1];
		params.parent_fd = p[1];
		params.spool_fd = fd;
		params.scanner = scanner;
		_exit(inspect_run(&params));
	}
	(void)getrusage(RUSAGE_SELF, &before);
	close(s[1]);
	close(p[1]);
	session = msgio_new(s[0]);
	first = begin(tips, n);
	need(pid > 0 && session != NULL && converse(session, first, &m) == 0, "the inspector ended without a result");
	(void)shutdown(s[0], SHUT_RDWR);
	need(wait4(pid, &status, 0, &after) == pid && status == 0, "the inspector did not end well");
	say(&m, &after, before.ru_maxrss);
	buf_free(first);
	msgio_free(session);
	secretscan_free(scanner);
	return 0;
}

static int
spool(const char *prefix)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/spool.XXXXXX", prefix);
	need((fd = mkstemp(path)) != -1 && unlink(path) == 0, "no spool");
	return fd;
}

int
main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	int skip = strncmp(mode, "--", 2) == 0, fd;
	struct stat st;

	if (argc < 3 + skip || (skip && strcmp(mode, "--list") != 0 && strcmp(mode, "--paths") != 0 && strcmp(mode, "--changes") != 0)) {
		fprintf(stderr, "usage: inspect-pack [--list|--paths|--changes] PACK TIP..\n");
		return 2;
	}
	need((fd = open(argv[1 + skip], O_RDONLY | O_CLOEXEC)) != -1 && fstat(fd, &st) == 0, "the pack cannot be opened");
	pack_size = (size_t)st.st_size;
	pack_bytes_in = mmap(NULL, pack_size, PROT_READ, MAP_PRIVATE, fd, 0);
	need(pack_bytes_in != MAP_FAILED, "the pack cannot be mapped");
	argv += 2 + skip;
	argc -= 2 + skip;
	if (skip)
		return list(fd, (const char *const *)argv, (size_t)argc, mode);
	return inspect(spool("."), (const char *const *)argv, (size_t)argc);
}
