/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration as a file that conf_load reads back, every default said and every path absolute. */
#include "bastion/conf.h"

#include <stdbool.h>
#include <string.h>

#include "bastion/base/clock.h"
#include "bastion/conf_table.h"
#include "bastion/policy/policy.h"

static const void *
const_field(const struct conf *c, const struct conf_row *row)
{
	return (const char *)c + row->offset;
}

/* Always in double quotes: then no text can be taken for anything else. */
static void
print_text(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s != '\0'; s++) {
		if (*s == '\n')
			fputs("\\n", f);
		else if (*s == '\t')
			fputs("\\t", f);
		else {
			if (*s == '"' || *s == '\\')
				putc('\\', f);
			putc(*s, f);
		}
	}
	putc('"', f);
}

static void
print_words(FILE *f, const struct strvec *v)
{
	putc('[', f);
	for (size_t i = 0; i < v->n; i++) {
		if (i > 0)
			fputs(", ", f);
		print_text(f, v->v[i]);
	}
	putc(']', f);
}

static void
print_address(FILE *f, const char *host, unsigned port)
{
	fprintf(f, strchr(host, ':') != NULL ? "\"[%s]:%u\"" : "\"%s:%u\"", host, port);
}

/* How it is opened, and how it is known. */
static void
print_target_way(FILE *f, const struct conf_target *t)
{
	if (t->auth != CONF_AUTH_CERTIFICATE) {
		fprintf(f, "\n    auth: {%s: ", t->auth == CONF_AUTH_KEY ? "key" : "password");
		print_text(f, t->secret);
		putc('}', f);
	}
	fprintf(f, "\n    %s: ", t->host_ca.n > 0 ? "host_ca" : "host_keys");
	print_words(f, t->host_ca.n > 0 ? &t->host_ca : &t->host_keys);
	if (t->host_principal != NULL) {
		fputs("\n    host_principal: ", f);
		print_text(f, t->host_principal);
	}
	if (t->proxy_command.n > 0) {
		fputs("\n    proxy_command: ", f);
		print_words(f, &t->proxy_command);
	}
	if (t->via != NULL) {
		fputs("\n    via: ", f);
		print_text(f, t->via);
		fputs("\n    via_login: ", f);
		print_text(f, t->via_login);
	}
}

/* What is not as it would be without a word. */
static void
print_fsck(FILE *f, const struct fsck *fsck)
{
	static const char *const words[] = { [FSCK_IGNORE] = "ignore", [FSCK_WARN] = "warn", [FSCK_ERROR] = "error" };
	bool any = false;

	for (int id = 0; id < FSCK_IDS; id++)
		if (fsck->severity[id] != fsck_default((enum fsck_id)id)) {
			fprintf(f, "%s%s: %s", any ? ", " : "\n    fsck: {", fsck_name((enum fsck_id)id), words[fsck->severity[id]]);
			any = true;
		}
	if (any)
		putc('}', f);
}

static void
print_upstream(FILE *f, const struct conf_upstream *u)
{
	bool v6;

	if (u->kind == UPSTREAM_HOSTED) {
		fputs("\n    path: ", f);
		print_text(f, u->path);
		return;
	}
	v6 = strchr(u->host, ':') != NULL;
	fprintf(f, "\n    url: \"%s://%s@%s%s%s:%u/%s\"", u->kind == UPSTREAM_SSH ? "ssh" : "https", u->login, v6 ? "[" : "", u->host,
	    v6 ? "]" : "", u->port, u->base);
	if (u->kind == UPSTREAM_SSH) {
		fputs("\n    host_keys: ", f);
		print_words(f, &u->host_keys);
	}
	if (u->app != NULL) {
		const char *end = strstr(u->app_url, "/app/installations/");

		fprintf(f, "\n    app: {id: %s, installation: %.*s, api: \"%.*s\"}", u->app, (int)strcspn(end + 19, "/"), end + 19,
		    (int)(end - u->app_url), u->app_url);
	}
	if (u->ca != NULL) {
		fputs("\n    ca: ", f);
		print_text(f, u->ca);
	}
	if (u->proxy != NULL) {
		fputs("\n    proxy: ", f);
		print_text(f, u->proxy);
	}
	if (u->secret != NULL) {
		fprintf(f, "\n    auth: {%s: ", u->auth == CONF_AUTH_KEY ? "key" : "password");
		print_text(f, u->secret);
		putc('}', f);
	}
	fputs("\n    refs: ", f);
	print_words(f, &u->refs);
}

static void
print_block(const struct conf *c, const char *name, FILE *f)
{
	if (strcmp(name, "policy") == 0)
		print_text(f, policy_path(c->policy));
	else if (strcmp(name, "targets") == 0) {
		if (c->ntargets == 0)
			fputs("{}", f);
		for (size_t i = 0; i < c->ntargets; i++) {
			fprintf(f, "\n  \"%s\":\n    address: ", c->targets[i].name);
			print_address(f, c->targets[i].host, c->targets[i].port);
			fputs("\n    logins: ", f);
			print_words(f, &c->targets[i].logins);
			print_target_way(f, &c->targets[i]);
		}
	} else if (strcmp(name, "upstreams") == 0) {
		if (c->nupstreams == 0)
			fputs("{}", f);
		for (size_t i = 0; i < c->nupstreams; i++) {
			fprintf(f, "\n  \"%s\":", c->upstreams[i].name);
			print_upstream(f, &c->upstreams[i]);
			print_fsck(f, &c->upstreams[i].fsck);
		}
	} else {
		if (c->nwebhooks == 0)
			fputs("[]", f);
		for (size_t i = 0; i < c->nwebhooks; i++) {
			fputs("\n    - url: ", f);
			print_text(f, c->webhooks[i].url);
			fputs("\n      secret_file: ", f);
			print_text(f, c->webhooks[i].secret_file);
		}
	}
}

static void
print_value(const struct conf *c, const struct conf_row *row, FILE *f)
{
	const void *p = const_field(c, row);
	char text[CLOCK_TEXT];

	switch (row->type) {
	case CONF_TEXT:
	case CONF_PATH:
		print_text(f, *(char *const *)p);
		break;
	case CONF_LISTEN:
		print_address(f, c->listen_host, c->listen_port);
		break;
	case CONF_PUBLIC:
		print_address(f, c->public_host, c->public_port);
		break;
	case CONF_WORDS:
	case CONF_NETWORKS:
		print_words(f, p);
		break;
	case CONF_COUNT:
		fprintf(f, "%u", *(const unsigned *)p);
		break;
	case CONF_DURATION:
		clock_format_duration(*(const int64_t *)p, text);
		fputs(text, f);
		break;
	case CONF_SIZE:
		fprintf(f, "%llu", (unsigned long long)*(const uint64_t *)p);
		break;
	case CONF_BLOCK:
		print_block(c, row->name, f);
		break;
	}
}

void
conf_print(const struct conf *c, FILE *f)
{
	const char *section = NULL;

	for (const struct conf_row *row = conf_table; row->name != NULL; row++) {
		bool text = row->type == CONF_TEXT || row->type == CONF_PATH || row->type == CONF_PUBLIC;

		if (text && *(char *const *)const_field(c, row) == NULL)
			continue;
		if (row->section != NULL && (section == NULL || strcmp(section, row->section) != 0))
			fprintf(f, "%s:\n", row->section);
		section = row->section;
		fprintf(f, "%s%s: ", section == NULL ? "" : "  ", row->name);
		print_value(c, row, f);
		putc('\n', f);
	}
}
