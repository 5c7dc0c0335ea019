/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel-push-option: git push -o sallyport.reason=.. and sallyport.session=..: what the pusher claims about a push. It decides
 * nothing: it is scanned with the push, shown to who is asked, and recorded as claimed, masked and printable. Options that are
 * not ours go no further; ours that we do not know are refused, because whoever wrote them expects something of them.
 */
#include <stdlib.h>
#include <string.h>

#include "bastion/base/buf.h"
#include "bastion/base/id.h"
#include "bastion/base/log.h"
#include "bastion/base/xmalloc.h"
#include "bastion/ssh/channel-push.h"
#include "bastion/ssh/session_int.h"
#include "gitfilter/push.h"

#define OWN		"sallyport."

static const char *const known[] = { "reason", "session" };
#define NKNOWN		(sizeof(known) / sizeof(known[0]))

/* What the pusher says under one of our keys, masked and printable; NULL when not given. The caller frees. */
static char *
push_claim(const struct push_call *p, const char *key)
{
	char *full = xasprintf(OWN "%s", key), *masked, *out = NULL;
	const char *value = push_option(p->git, full);

	if (value != NULL) {
		masked = session_mask(p->door.channel->session, value, strlen(value));
		out = text_printable(masked, strlen(masked));
		free(masked);
	}
	free(full);
	return out;
}

static bool
is_known(const char *option)
{
	size_t n = strcspn(option, "=");

	for (size_t i = 0; i < NKNOWN; i++)
		if (strlen(known[i]) == n && strncmp(option, known[i], n) == 0 && option[n] == '=')
			return true;
	return false;
}

bool
push_options_stand(struct push_call *p)
{
	for (size_t i = 0; i < push_noptions(p->git); i++) {
		const char *option = push_option_at(p->git, i);
		char *name, *shown;

		if (strncmp(option, OWN, strlen(OWN)) != 0 || is_known(option + strlen(OWN)))
			continue;
		name = session_mask(p->door.channel->session, option, strcspn(option, "="));
		shown = text_printable(name, strlen(name));
		push_say(p, "sallyport: denied %s rule=malformed: there is no push option %.64s; there are sallyport.reason=TEXT and "
		    "sallyport.session=ID", p->door.request, shown);
		push_refuse_all(p, "denied %s rule=malformed: unknown push option", p->door.request);
		free(name);
		free(shown);
		return false;
	}
	return true;
}

int
push_show_options(struct push_call *p)
{
	int r = 0;

	for (size_t i = 0; i < NKNOWN && r == 0; i++) {
		char *value = push_claim(p, known[i]);

		if (value != NULL)
			r = buf_putf(p->text, "claimed %s: %s\n", known[i], value);
		free(value);
	}
	return r;
}

json_t *
push_claims(const struct push_call *p)
{
	json_t *o = channel_claims(p->door.channel);

	for (size_t i = 0; i < NKNOWN; i++) {
		char *value = push_claim(p, known[i]), *name = xasprintf(OWN "%s", known[i]);

		if (value != NULL && o == NULL)
			o = json_object();
		if (value != NULL)
			(void)json_object_set_new(o, name, json_string(value));
		free(name);
		free(value);
	}
	return o;
}
