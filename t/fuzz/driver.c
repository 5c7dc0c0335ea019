/* SPDX-License-Identifier: Apache-2.0 */
/* Run a fuzz target on files instead of under libFuzzer: corpus replay with any compiler. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define INPUT_MAX	(16 * 1024 * 1024)

static int	replay(const char *path);

static int
replay_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;

	if (d == NULL) {
		perror(path);
		exit(2);
	}
	while ((e = readdir(d)) != NULL) {
		char *sub = NULL;

		if (e->d_name[0] == '.')
			continue;
		if (asprintf(&sub, "%s/%s", path, e->d_name) == -1)
			exit(2);
		n += replay(sub);
		free(sub);
	}
	closedir(d);
	return n;
}

/* Returns how many inputs were run. The input is an exact-size allocation, so that a read past it is seen. */
static int
replay(const char *path)
{
	struct stat st;
	uint8_t *p;
	FILE *f;
	size_t n;

	if (stat(path, &st) == -1 || (!S_ISDIR(st.st_mode) && st.st_size > INPUT_MAX)) {
		perror(path);
		exit(2);
	}
	if (S_ISDIR(st.st_mode))
		return replay_folder(path);
	if ((f = fopen(path, "rb")) == NULL || (p = malloc((size_t)st.st_size + 1)) == NULL) {
		perror(path);
		exit(2);
	}
	n = fread(p, 1, (size_t)st.st_size, f);
	fclose(f);
	p = realloc(p, n > 0 ? n : 1);
	(void)LLVMFuzzerTestOneInput(p, n);
	free(p);
	return 1;
}

int
main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++)
		n += replay(argv[i]);
	printf("%d inputs replayed\n", n);
	return n > 0 ? 0 : 2;
}
