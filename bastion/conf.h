/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf: sallyport.yaml and the policy file it names, read once, checked whole, then constant. Every scalar is typed by
 * our schema (conf_table.c: one row a setting), nothing by YAML. An unknown key, a key given twice, a bad value or an
 * unreadable file is one line "FILE:LINE: TEXT" and no configuration at all.
 */
#ifndef BASTION_CONF_H
#define BASTION_CONF_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bastion/base/strvec.h"
#include "gitfilter/fsck.h"

#define CONF_MAX_BYTES	(1024 * 1024)	/* one file */
#define CONF_HASH_LEN	32

struct policy;
struct session_limits;
struct subject;

/* What opens a target for us. */
enum conf_auth { CONF_AUTH_CERTIFICATE, CONF_AUTH_KEY, CONF_AUTH_PASSWORD };

/* A host that agents reach by SSH. */
struct conf_target {
	char		*name;		/* as in LOGIN@NAME@bastion */
	char		*host;		/* name or address to dial */
	uint16_t	 port;
	struct strvec	 logins;	/* patterns of logins that may be asked for at all */
	struct strvec	 host_keys;	/* "ssh-ed25519 AAAA..." pinned; at least one, or */
	struct strvec	 host_ca;	/* the same, of the CAs whose host certificates are believed; at least one */
	struct strvec	 proxy_command;	/* program and words that connect to it; none = by TCP */
	char		*via, *via_login;	/* reached from that target, opened as that login; NULL = directly */
	char		*host_principal;	/* name that must be in the host certificate; NULL without host_ca */
	enum conf_auth	 auth;
	char		*secret;	/* name of the key or password that the key process holds; NULL for certificates */
};

enum conf_upstream_kind { UPSTREAM_HOSTED, UPSTREAM_SSH, UPSTREAM_HTTPS };

/* A place where repositories are, as in ssh://git@bastion/NAME/path/repo.git */
struct conf_upstream {
	char			*name;
	enum conf_upstream_kind	 kind;
	char			*path;	/* absolute folder of bare repositories (hosted) */
	/* elsewhere */
	char			*login, *host;
	uint16_t		 port;
	char			*base;	/* what its repositories' paths begin with, no slash at either end: "", "group", "~/git" */
	struct strvec		 host_keys;	/* pinned */
	enum conf_auth		 auth;
	char			*secret;	/* name of the key, token or password that the key process holds; NULL for certificates */
	char			*ca;	/* by HTTPS: file of the CAs that are believed, NULL = the system's */
	char			*proxy;	/* URL of an HTTP proxy, or NULL */
	char			*app, *app_url;	/* an app's number, and where its statement is exchanged for a token; or NULL */
	struct strvec		 refs;	/* patterns of the references that are mirrored */
	struct fsck		 fsck;	/* which faults of pushed objects count */
};

/* Where approval requests are announced; Standard Webhooks signature. */
struct conf_webhook {
	char		*url;
	char		*secret_file;	/* "whsec_" and base64 in a private file */
};

struct conf {
	char		*path;		/* absolute path of the main file */
	char		*dir;		/* its folder; relative paths start here */
	char		*state_dir;
	char		*listen_host;
	uint16_t	 listen_port;
	char		*public_host;	/* how clients reach us, or NULL: as we listen */
	uint16_t	 public_port;
	char		*user;		/* to become when started as root, or NULL */
	char		*host_key;	/* path */
	char		*next_host_key;	/* path; the file need not be there */
	char		*master_key;	/* path of the key that opens the key store */
	char		*banner;	/* shown to everyone before authentication; "none"; or NULL: the bastion's own words */
	struct strvec	 proxy_protocol;	/* networks whose connections begin with a PROXY header */
	struct strvec	 penalty_exempt;	/* networks that penalties do not concern */
	struct strvec	 accept_env;	/* patterns of environment names passed to targets */

	int64_t		 login_grace_ms;
	int64_t		 stop_grace_ms;	/* SIGTERM: sessions may end by themselves this long */
	int64_t		 dial_timeout_ms;
	int64_t		 keepalive_interval_ms;	/* silence of a peer until it is asked; 0 = never */
	unsigned	 keepalive_count;
	uint64_t	 rekey_bytes;
	int64_t		 rekey_ms;
	int64_t		 mint_ttl_ms;	/* life of a certificate for a target */
	int64_t		 max_cert_ttl_ms;	/* longest that cert issue grants */
	unsigned	 max_tries;	/* failed authentications on one connection */
	unsigned	 max_offers;	/* keys offered on one connection */
	unsigned	 max_startups;	/* connections not yet authenticated, all together */
	unsigned	 max_startups_per_source;
	int64_t		 penalty_start_ms;	/* a source whose penalties reach this is refused; 0 = none is */
	int64_t		 penalty_max_ms;
	unsigned	 max_sessions;	/* connections, all together */
	unsigned	 max_channels;	/* on one connection */
	int64_t		 max_session_ms;	/* these four: defaults of profiles, see policy/profile.h; 0 = no limit */
	int64_t		 idle_ms;
	int64_t		 idle_command_ms;
	unsigned	 sessions_per_identity;
	uint64_t	 recordings_per_identity;	/* bytes; 0: no limit */

	int64_t		 approval_wait_ms;	/* how long a client is held before it is told to come back */
	int64_t		 approval_ttl_ms;	/* how long a request stays open */
	int64_t		 grant_ttl_ms;		/* how long an unused approval can be used */

	uint64_t	 max_pack_bytes;	/* one push, as sent */
	uint64_t	 max_object_bytes;	/* one object, unpacked */
	uint64_t	 max_resolved_bytes;	/* one push, unpacked */
	unsigned	 max_push_objects;
	unsigned	 max_push_commands;
	int64_t		 undo_ms;	/* how long what a push replaced is kept; 0 = not at all */
	uint64_t	 max_lfs_bytes;		/* one LFS object */
	uint64_t	 lfs_held_bytes;	/* LFS objects that no push has named yet, of one identity for one repository */
	int64_t		 lfs_held_ms;		/* how long they are held */
	int64_t		 upstream_idle_ms;	/* an unused connection to an upstream ends after this; 0 = at once */
	int64_t		 park_ms;	/* how long a parked push waits for a human */

	struct conf_target	*targets;
	size_t			 ntargets;
	struct conf_upstream	*upstreams;
	size_t			 nupstreams;
	struct conf_webhook	*webhooks;
	size_t			 nwebhooks;

	struct policy	*policy;
	uint8_t		 hash[CONF_HASH_LEN];	/* SHA-256 over all bytes read; an approval is bound to it */
};

/*
 * Read and check everything. 0 and *confp, or an error code and *errorp: one line for the user, "FILE:LINE: TEXT".
 * The caller frees both.
 */
int	conf_load(const char *path, struct conf **confp, char **errorp);
void	conf_free(struct conf *);
/* The effective configuration as YAML that conf_load reads back (sallyportd -T). */
void	conf_print(const struct conf *, FILE *);

/* How long and how often this subject may be here: its profile's limits, and ours where that says nothing. */
void	conf_limits(const struct conf *, const struct subject *, struct session_limits *);
/* By name; NULL = none. The result belongs to the configuration. */
const struct conf_target	*conf_target(const struct conf *, const char *name);
/* The target that an agent means by this destination: by name with any port, or by the address that we dial. NULL = none. */
const struct conf_target	*conf_target_at(const struct conf *, const char *host, unsigned port);
const struct conf_upstream	*conf_upstream(const struct conf *, const char *name);

#endif
