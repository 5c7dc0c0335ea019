/* SPDX-License-Identifier: Apache-2.0 */
/* mask-speed FILE: mask it as a stream in pieces of 32 KiB, as a session does, and say how many CPU seconds that took. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "secretscan/secretscan.h"

#define PIECE	32768

static int
on_out(const void *p, size_t n, void *arg)
{
	(void)p;
	*(size_t *)arg += n;
	return 0;
}

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	static const unsigned char key[32];
	static char piece[PIECE];
	struct secretscan_stream *st = NULL;
	struct secretscan *ss;
	size_t n, released = 0;
	double taken = 0, start;
	char *error = NULL;
	FILE *f;
	int e = 0;

	if (argc != 2 || (f = fopen(argv[1], "rb")) == NULL) {
		fprintf(stderr, "usage: mask-speed FILE\n");
		return 2;
	}
	if ((ss = secretscan_new(NULL, key, &error)) == NULL || secretscan_prepare(ss) != 0 ||
	    (st = secretscan_stream_new(ss, NULL, on_out, NULL, &released)) == NULL) {
		fprintf(stderr, "mask-speed: %s\n", error != NULL ? error : "out of memory");
		return 1;
	}
	while (e == 0 && (n = fread(piece, 1, sizeof(piece), f)) > 0) {
		start = cpu_seconds();
		e = secretscan_stream_feed(st, piece, n);
		taken += cpu_seconds() - start;
	}
	if (e == 0)
		e = secretscan_stream_end(st);
	printf("%.6f %zu\n", taken, released);
	secretscan_stream_free(st);
	secretscan_free(ss);
	fclose(f);
	return e != 0;
}
