/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/file.h"
#include "bastion/base/msgio.h"
#include "bastion/cmd.h"
#include "bastion/conf.h"
#include "bastion/ctl_msg.h"

static int
ctl_connect(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, saved;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		fd = -1;
	}
	return fd;
}

static int
ctl_send(struct msgio *io, const struct strvec *argv, const struct buf *in, int file)
{
	struct buf *b = buf_new(MSG_MAX);
	int r = b == NULL ? ERR_NOMEM : buf_put_u32(b, (uint32_t)argv->n);

	for (size_t i = 0; r == 0 && i < argv->n; i++)
		r = buf_put_cstring(b, argv->v[i]);
	if (r == 0)
		r = in == NULL ? buf_put_string(b, NULL, 0) : buf_put_string(b, buf_ptr(in), buf_len(in));
	if (r == 0)
		r = msgio_send(io, CTL_REQUEST, 1, b, file);
	else if (file != -1)
		close(file);
	buf_free(b);
	return r;
}

static int
ctl_print(struct msg *m)
{
	const uint8_t *p;
	uint8_t stream;
	FILE *f;
	size_t n;
	int r;

	if ((r = buf_get_u8(m->body, &stream)) != 0 || (r = buf_peek_string(m->body, &p, &n)) != 0 ||
	    (r = buf_end(m->body)) != 0)
		return r;
	if (stream != CTL_STDOUT && stream != CTL_STDERR)
		return ERR_FORMAT;
	f = stream == CTL_STDOUT ? stdout : stderr;
	return fwrite(p, 1, n, f) == n && fflush(f) == 0 ? 0 : ERR_SYSTEM;
}

/* Print until the daemon is done, which for a tail is when the user has seen enough. 0 and *statusp. */
static int
ctl_answer(struct msgio *io, int *statusp)
{
	struct msg m;
	uint8_t status;
	int r;

	for (;;) {
		if ((r = msgio_wait(io, &m, -1)) != 0)
			return r;
		if (m.type == CTL_OUTPUT) {
			r = ctl_print(&m);
		} else if (m.type == CTL_DONE) {
			if ((r = buf_get_u8(m.body, &status)) == 0)
				r = buf_end(m.body);
			*statusp = status;
		} else {
			r = ERR_FORMAT;
		}
		msg_release(&m);
		if (r != 0 || m.type == CTL_DONE)
			return r;
	}
}

/* file is used up; -1 = none. */
static int
ctl_run_file(const char *state_dir, const struct strvec *argv, const struct buf *in, int file)
{
	char *path = file_join(state_dir, CTL_SOCKET);
	struct msgio *io = NULL;
	int fd = ctl_connect(path), r, status = 1;

	if (fd == -1) {
		if (file != -1)
			close(file);
		if (errno == ENOENT || errno == ECONNREFUSED)
			fprintf(stderr, "sallyport: no daemon answers at %s; start it: sallyportd -f FILE\n", path);
		else
			fprintf(stderr, "sallyport: %s: %s\n", path, strerror(errno));
	} else if ((io = msgio_new(fd)) == NULL) {
		fprintf(stderr, "sallyport: no memory\n");
		close(fd);
	} else if ((r = ctl_send(io, argv, in, file)) != 0 || (r = ctl_answer(io, &status)) != 0) {
		fprintf(stderr, "sallyport: the daemon at %s went away before it was done: %s\n", path, err_text(r));
		status = 1;
	}
	msgio_free(io);
	free(path);
	return status;
}

int
ctl_run(const char *state_dir, const struct strvec *argv, const struct buf *in)
{
	return ctl_run_file(state_dir, argv, in, -1);
}

static int
ctl_ask_file(const struct cmd_env *env, const struct strvec *argv, const struct buf *in, int file)
{
	struct conf *conf = NULL;
	char *error = NULL;
	int status = 1;

	if (conf_load(env->conf_path, &conf, &error) != 0)
		fprintf(stderr, "sallyport: %s\n", error == NULL ? "the configuration cannot be read" : error);
	else
		status = ctl_run_file(conf->state_dir, argv, in, file);
	conf_free(conf);
	free(error);
	return status;
}

int
ctl_ask(const struct cmd_env *env, const struct strvec *argv, const struct buf *in)
{
	return ctl_ask_file(env, argv, in, -1);
}

int
ctl_ask_hidden(const struct cmd_env *env, const struct strvec *argv, const struct buf *secret)
{
	int fd = memfd_create("secret", MFD_CLOEXEC);

	if (fd == -1 || file_write_all(fd, buf_ptr(secret), buf_len(secret)) != 0) {
		fprintf(stderr, "sallyport: no memory for the secret: %s\n", strerror(errno));
		if (fd != -1)
			close(fd);
		return 1;
	}
	return ctl_ask_file(env, argv, NULL, fd);
}
