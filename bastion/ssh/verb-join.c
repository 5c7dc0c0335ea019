/* SPDX-License-Identifier: Apache-2.0 */
/* verb-join: `join`, `leave` and `host-keys`. The texts are client-script's; here is who asks and what went wrong. */
#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/log.h"
#include "bastion/ssh/channel-verb.h"
#include "bastion/ssh/client-script.h"
#include "bastion/ssh/session_int.h"

/* Nothing of a script that cannot be whole is printed: its reader is a shell. */
static void
print_script(struct channel *c, const struct client_facts *f, enum client_form form)
{
	struct buf *b = buf_new(CLIENT_SCRIPT_MAX);
	int r;

	if (b == NULL)
		fatal("out of memory");
	if ((r = client_script(f, form, b)) == 0)
		r = buf_put(c->out, buf_ptr(b), buf_len(b));
	buf_free(b);
	if (r == ERR_FORMAT)
		channel_sayf(c, "the bastion does not know under which address you reach it; add --address HOST:PORT "
		    "as you typed it");
	else if (r != 0)
		channel_sayf(c, "the text would be too long; whoever runs this bastion can give fewer targets to one "
		    "identity");
	channel_end(c, r == 0 ? 0 : EXIT_LATER);
}

static void
run(struct channel *c, const struct strvec *words, enum client_form form, const char *usage)
{
	const struct session *s = c->session;
	struct client_facts f = { .conf = s->p->conf, .who = &s->who, .host_keys = s->p->host_keys };
	const char *wrong = client_options(words, 1, &f, &form);

	if (wrong != NULL) {
		channel_sayf(c, "%s; usage: %s", wrong, usage);
		channel_end(c, 2);
	} else
		print_script(c, &f, form);
}

void
verb_join(struct channel *c, const struct strvec *words)
{
	run(c, words, CLIENT_JOIN, "join [--print | --refresh] [--name N] [--address HOST:PORT] [--identity FILE]");
}

void
verb_leave(struct channel *c, const struct strvec *words)
{
	run(c, words, CLIENT_LEAVE, "leave [--print] [--name N]");
}

void
verb_host_keys(struct channel *c, const struct strvec *words)
{
	run(c, words, CLIENT_KEYS, "host-keys [--name N] [--address HOST:PORT]");
}
