/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client-script: what puts an account behind the bastion and takes it out again, as `ssh BASTION join | sh` and
 * `sallyport client-config` print it: a shell script with the account's known_hosts, ssh_config, git configuration and
 * a note for whoever works there. Pure text. What is not printable ASCII in it becomes '?'; texts stand in quoted
 * here-documents whose end cannot occur in them, so no name and no word of a policy is ever a command.
 */
#ifndef SSH_CLIENT_SCRIPT_H
#define SSH_CLIENT_SCRIPT_H

#include <stddef.h>

struct buf;
struct conf;
struct strvec;
struct subject;

#define CLIENT_SCRIPT_MAX	(1024 * 1024)

enum client_form {
	CLIENT_JOIN,	/* a script */
	CLIENT_REFRESH,	/* a script: the host keys alone */
	CLIENT_LEAVE,	/* a script */
	CLIENT_PRINT,	/* what join would write, as comments */
	CLIENT_PRINT_LEAVE,	/* what leave would take away, as comments */
	CLIENT_KEYS,	/* lines for known_hosts alone */
};

/* Borrowed pointers. */
struct client_facts {
	const struct conf	*conf;
	const struct subject	*who;		/* NULL: everybody, and what each may do is left out */
	const struct strvec	*host_keys;	/* "TYPE BASE64": the present one, and the next one if it is made */
	const char		*name;		/* of the bastion in the account's configuration; NULL = "bastion" */
	const char		*address;	/* HOST or HOST:PORT of ours; NULL = public_address, or listen */
	const char		*identity;	/* private key file there, or NULL */
};

/*
 * Read options: --name N, --address HOST:PORT, --identity FILE, --print, --refresh. words[from] is the first. They are
 * borrowed by *facts. NULL, or a line that says what is wrong (static).
 */
const char *client_options(const struct strvec *words, size_t from, struct client_facts *facts, enum client_form *form);
/* Append the text. 0; ERR_TOOBIG; ERR_FORMAT when nobody has said under which address the account reaches us. */
int	client_script(const struct client_facts *, enum client_form, struct buf *out);

#endif
