/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/conf_table.h"

#include "bastion/conf.h"

#define AT(field)	offsetof(struct conf, field)
#define SECOND		1000LL
#define MINUTE		(60 * SECOND)
#define HOUR		(60 * MINUTE)
#define DAY		(24 * HOUR)
#define MIB		(1024LL * 1024)
#define GIB		(1024 * MIB)

const struct conf_row conf_table[] = {
	{ NULL, "state_dir", CONF_PATH, AT(state_dir), ".", 0, 0, "folder that holds keys, logs, recordings and requests" },
	{ NULL, "listen", CONF_LISTEN, AT(listen_host), "127.0.0.1:2222", 0, 0, "address and port to accept SSH on" },
	{ NULL, "public_address", CONF_PUBLIC, AT(public_host), NULL, 0, 0, "address and port under which clients reach it" },
	{ NULL, "user", CONF_TEXT, AT(user), NULL, 0, 0, "user to become when started as root" },
	{ NULL, "host_key", CONF_PATH, AT(host_key), "keys/host_ed25519", 0, 0, "the bastion's own host key" },
	{ NULL, "next_host_key", CONF_PATH, AT(next_host_key), NULL, 0, 0, "the host key that comes after it" },
	{ NULL, "master_key", CONF_PATH, AT(master_key), "keys/master", 0, 0, "key that opens the key store" },
	{ NULL, "banner", CONF_TEXT, AT(banner), NULL, 0, 0, "text shown before authentication; none" },
	{ NULL, "proxy_protocol", CONF_NETWORKS, AT(proxy_protocol), "", 0, 0,
	    "networks of load balancers, whose connections begin with a PROXY header" },
	{ NULL, "penalty_exempt", CONF_NETWORKS, AT(penalty_exempt), "", 0, 0, "networks that penalties do not concern" },
	{ NULL, "accept_env", CONF_WORDS, AT(accept_env), "LANG LC_* TZ TERM", 0, 0,
	    "environment names that clients may pass to targets" },

	{ "limits", "login_grace", CONF_DURATION, AT(login_grace_ms), "30s", SECOND, HOUR, "time to authenticate" },
	{ "limits", "max_tries", CONF_COUNT, AT(max_tries), "6", 1, 100, "failed authentications on one connection" },
	{ "limits", "max_offers", CONF_COUNT, AT(max_offers), "20", 1, 1000, "keys offered on one connection" },
	{ "limits", "max_startups", CONF_COUNT, AT(max_startups), "100", 1, 100000, "connections not yet authenticated" },
	{ "limits", "max_startups_per_source", CONF_COUNT, AT(max_startups_per_source), "20", 1, 100000,
	    "the same, from one address" },
	{ "limits", "penalty_start", CONF_DURATION, AT(penalty_start_ms), "15s", 0, HOUR,
	    "penalties of a source from which it is refused; 0s = never" },
	{ "limits", "penalty_max", CONF_DURATION, AT(penalty_max_ms), "10m", SECOND, DAY, "most that adds up for a source" },
	{ "limits", "max_sessions", CONF_COUNT, AT(max_sessions), "2000", 1, 1000000, "connections, all together" },
	{ "limits", "max_channels", CONF_COUNT, AT(max_channels), "16", 1, 100, "channels on one connection" },
	{ "limits", "max_session", CONF_DURATION, AT(max_session_ms), "24h", 0, 365 * DAY, "longest connection; 0 = no limit" },
	{ "limits", "idle", CONF_DURATION, AT(idle_ms), "30m", 0, 365 * DAY,
	    "end of a connection on which nothing runs; 0 = none" },
	{ "limits", "idle_command", CONF_DURATION, AT(idle_command_ms), "0", 0, 365 * DAY,
	    "end of a running command that is silent both ways; 0 = none" },
	{ "limits", "sessions_per_identity", CONF_COUNT, AT(sessions_per_identity), "200", 0, 1000000,
	    "connections of one identity; 0 = no limit" },
	{ "limits", "recordings_per_identity", CONF_SIZE, AT(recordings_per_identity), "0", 0, 1024 * 1024 * GIB,
	    "bytes of recordings of one identity; 0 = no limit" },
	{ "limits", "stop_grace", CONF_DURATION, AT(stop_grace_ms), "10s", 0, DAY, "time for sessions to end at SIGTERM" },
	{ "limits", "dial_timeout", CONF_DURATION, AT(dial_timeout_ms), "10s", 100, 10 * MINUTE, "time to reach a target" },
	{ "limits", "keepalive_interval", CONF_DURATION, AT(keepalive_interval_ms), "30s", 0, DAY,
	    "silence after which a peer is asked for a sign of life; 0 = never" },
	{ "limits", "keepalive_count", CONF_COUNT, AT(keepalive_count), "4", 1, 1000, "questions without answer until it is gone" },
	{ "limits", "rekey_data", CONF_SIZE, AT(rekey_bytes), "1G", 1024LL * 1024, 64 * GIB, "bytes until new keys are agreed on" },
	{ "limits", "rekey_time", CONF_DURATION, AT(rekey_ms), "1h", 10 * SECOND, DAY, "time until new keys are agreed on" },
	{ "limits", "mint_ttl", CONF_DURATION, AT(mint_ttl_ms), "60s", 5 * SECOND, HOUR,
	    "life of the certificate that opens a target" },
	{ "limits", "max_cert_ttl", CONF_DURATION, AT(max_cert_ttl_ms), "12h", MINUTE, 365 * DAY,
	    "longest certificate that 'sallyport cert issue' grants" },

	{ "approvals", "wait", CONF_DURATION, AT(approval_wait_ms), "100s", 0, DAY,
	    "how long a client is held before it is told to come back" },
	{ "approvals", "request_ttl", CONF_DURATION, AT(approval_ttl_ms), "10m", SECOND, 30 * DAY,
	    "how long a request stays open" },
	{ "approvals", "grant_ttl", CONF_DURATION, AT(grant_ttl_ms), "10m", SECOND, 30 * DAY,
	    "how long an unused approval can be used" },
	{ "approvals", "webhooks", CONF_BLOCK, AT(webhooks), NULL, 0, 16, "where requests are announced" },

	{ "git", "max_pack", CONF_SIZE, AT(max_pack_bytes), "1G", 1024, 1024 * GIB, "one push, as sent" },
	{ "git", "max_object", CONF_SIZE, AT(max_object_bytes), "100M", 1024, 64 * GIB, "one object, unpacked" },
	{ "git", "max_resolved", CONF_SIZE, AT(max_resolved_bytes), "4G", 1024, 4096 * GIB, "one push, unpacked" },
	{ "git", "max_objects", CONF_COUNT, AT(max_push_objects), "2000000", 1, 100000000, "objects in one push" },
	{ "git", "upstream_idle", CONF_DURATION, AT(upstream_idle_ms), "60s", 0, DAY,
	    "how long a connection to an upstream is kept for the next who needs it" },
	{ "git", "max_commands", CONF_COUNT, AT(max_push_commands), "100", 1, 10000, "references changed by one push" },
	{ "git", "undo", CONF_DURATION, AT(undo_ms), "30d", 0, 3650 * DAY,
	    "how long what a push replaced can be put back; 0 = not at all" },
	{ "git", "max_lfs_object", CONF_SIZE, AT(max_lfs_bytes), "2G", 1024, 1024 * GIB, "one LFS object" },
	{ "git", "lfs_held", CONF_SIZE, AT(lfs_held_bytes), "4G", 1024, 1024 * GIB,
	    "LFS objects of one identity for one repository that no push has named yet" },
	{ "git", "lfs_held_for", CONF_DURATION, AT(lfs_held_ms), "24h", MINUTE, 365 * DAY, "how long they are held" },
	{ "git", "park", CONF_DURATION, AT(park_ms), "30d", SECOND, 3650 * DAY, "how long a parked push waits for a human" },

	{ NULL, "targets", CONF_BLOCK, AT(targets), NULL, 0, 10000, "hosts that agents reach by SSH" },
	{ NULL, "upstreams", CONF_BLOCK, AT(upstreams), NULL, 0, 1000, "places where repositories are" },
	{ NULL, "policy", CONF_BLOCK, AT(policy), NULL, 0, 0, "file of rules" },
	{ NULL, NULL, CONF_BLOCK, 0, NULL, 0, 0, NULL },
};
