/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of join, one a line, as a stranger types them: what passes leaves the script's frame as it is, so that nothing of
 * it stands outside a here-document but the name.
 */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/strvec.h"
#include "bastion/base/xmalloc.h"
#include "bastion/conf.h"
#include "bastion/ssh/client-script.h"

int	LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static char *key_words[] = { (char *)"ssh-ed25519 AAAA", NULL };

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct conf conf = { .listen_host = (char *)"192.0.2.1", .listen_port = 22 };
	const struct strvec keys = { key_words, 1 };
	struct client_facts f = { .conf = &conf, .host_keys = &keys };
	enum client_form form = CLIENT_JOIN;
	struct strvec words = STRVEC_INIT;
	char *text = xstrndup((const char *)p, n), *rest = text, *line, *end = NULL;
	struct buf *b = buf_new(CLIENT_SCRIPT_MAX);

	while ((line = strsep(&rest, "\n")) != NULL)
		strvec_push(&words, line);
	if (client_options(&words, 0, &f, &form) == NULL && form != CLIENT_PRINT) {
		if (client_script(&f, form, b) != 0 || buf_put_u8(b, '\0') != 0)
			abort();
		/* From the texts on: a function's head, its text, its end; or the call at the end. */
		rest = strstr((char *)(uintptr_t)buf_ptr(b), "known_hosts_text () {");
		while ((line = strsep(&rest, "\n")) != NULL)
			if (end != NULL) {
				if (strcmp(line, end) == 0)
					end = NULL;
			} else if (strncmp(line, "\tcat <<'", 8) == 0) {
				end = line + 8;
				end[strcspn(end, "'")] = '\0';
			} else if (strcmp(line, "}") != 0 && *line != '\0' && strstr(line, "_text () {") == NULL &&
			    strcmp(line, "join") != 0 && strcmp(line, "refresh") != 0)
				abort();
		if (end != NULL)
			abort();
	}
	buf_free(b);
	strvec_release(&words);
	free(text);
	return 0;
}
