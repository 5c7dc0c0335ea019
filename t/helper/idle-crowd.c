/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle-crowd PORT KEY COUNT: COUNT connections that are authenticated with KEY and KEY-cert.pub and then do nothing, all
 * in this one process. Prints "ready COUNT MILLISECONDS", holds them until its standard input ends, and prints how many
 * were still connected then.
 */
#include <libssh/libssh.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bastion/base/clock.h"
#include "bastion/base/xmalloc.h"

static ssh_key
load_key(const char *path)
{
	char *cert_path = xasprintf("%s-cert.pub", path);
	ssh_key key = NULL, cert = NULL;

	if (ssh_pki_import_privkey_file(path, NULL, NULL, NULL, &key) != SSH_OK ||
	    ssh_pki_import_cert_file(cert_path, &cert) != SSH_OK || ssh_pki_copy_cert_to_privkey(cert, key) != SSH_OK) {
		fprintf(stderr, "%s: no usable key and certificate\n", path);
		exit(1);
	}
	ssh_key_free(cert);
	free(cert_path);
	return key;
}

static ssh_session
log_in(unsigned port, ssh_key key)
{
	ssh_session s = ssh_new();
	long timeout = 60;
	int no = 0;

	if (s == NULL || ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &no) != SSH_OK ||
	    ssh_options_set(s, SSH_OPTIONS_HOST, "127.0.0.1") != SSH_OK ||
	    ssh_options_set(s, SSH_OPTIONS_PORT, &port) != SSH_OK || ssh_options_set(s, SSH_OPTIONS_USER, "x") != SSH_OK ||
	    ssh_options_set(s, SSH_OPTIONS_TIMEOUT, &timeout) != SSH_OK || ssh_connect(s) != SSH_OK ||
	    ssh_userauth_publickey(s, NULL, key) != SSH_AUTH_SUCCESS) {
		fprintf(stderr, "no connection: %s\n", s == NULL ? "out of memory" : ssh_get_error(s));
		exit(1);
	}
	return s;
}

static int
on_input(socket_t fd, int revents, void *arg)
{
	char byte;

	(void)revents;
	if (read(fd, &byte, 1) <= 0)
		*(bool *)arg = true;
	return 0;
}

/* Answer what the other side asks (signs of life) until standard input ends. */
static void
hold(ssh_session *all, unsigned count)
{
	ssh_event loop = ssh_event_new();
	bool over = false;

	if (loop == NULL || ssh_event_add_fd(loop, 0, POLLIN, on_input, &over) != SSH_OK)
		exit(1);
	for (unsigned i = 0; i < count; i++)
		if (ssh_event_add_session(loop, all[i]) != SSH_OK)
			exit(1);
	while (!over)
		(void)ssh_event_dopoll(loop, -1);
}

int
main(int argc, char **argv)
{
	struct rlimit rl;
	unsigned count, left = 0;
	int64_t start = clock_mono_ms();
	ssh_session *all;
	ssh_key key;

	if (argc != 4) {
		fprintf(stderr, "usage: idle-crowd PORT KEY COUNT\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	count = (unsigned)strtoul(argv[3], NULL, 10);
	all = xcalloc(count, sizeof(*all));
	key = load_key(argv[2]);
	for (unsigned i = 0; i < count; i++)
		all[i] = log_in((unsigned)strtoul(argv[1], NULL, 10), key);
	printf("ready %u %lld\n", count, (long long)(clock_mono_ms() - start));
	fflush(stdout);
	hold(all, count);
	for (unsigned i = 0; i < count; i++)
		left += ssh_is_connected(all[i]) != 0;
	printf("left %u\n", left);
	fflush(stdout);
	for (unsigned i = 0; i < count; i++)
		ssh_free(all[i]);
	free(all);
	ssh_key_free(key);
	return 0;
}
