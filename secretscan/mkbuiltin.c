/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkbuiltin OUT FILE...: compile the rule files, check their samples, and write them as the pack of built-in rules. Runs
 * while the library is built, so a wrong rule or a sample that is missed ends the build with FILE:LINE.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secretscan/builtin-pack.h"
#include "secretscan/scanner.h"
#include "secretscan/secretscan.h"

/* The program that makes them has none. */
const uint8_t *
builtin_pack(size_t *np)
{
	*np = 0;
	return NULL;
}

static int
write_file(const char *path, const uint8_t *p, size_t n)
{
	FILE *f = fopen(path, "wb");
	int failed = f == NULL || fwrite(p, 1, n, f) != n;

	if (f != NULL && fclose(f) != 0)
		failed = 1;
	if (failed)
		fprintf(stderr, "mkbuiltin: %s: %s\n", path, strerror(errno));
	return failed;
}

int
main(int argc, char **argv)
{
	static const uint8_t key[DIGEST_KEY];
	struct secretscan *ss = NULL;
	uint8_t *p = NULL;
	char *error = NULL;
	size_t n = 0;
	int e, status = 1;

	if (argc < 3) {
		fprintf(stderr, "usage: mkbuiltin OUT FILE...\n");
		return 2;
	}
	if ((e = scanner_new_files(argv + 2, (size_t)argc - 2, key, &ss, &error)) != 0 ||
	    (e = scanner_pack(ss, &p, &n)) != 0)
		fprintf(stderr, "%s\n", error != NULL ? error : secretscan_strerror(e));
	else
		status = write_file(argv[1], p, n);
	free(p);
	free(error);
	secretscan_free(ss);
	return status;
}
