/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd: the sub-commands of the admin program `sallyport`. One file and one row in sallyport.c each. A command gets its
 * arguments as main() does (argv[0] is its own name), prints to stdout and stderr, and returns the exit status: 0 done,
 * 1 failed or refused, CMD_USAGE wrong arguments (sallyport.c then prints the usage line of its row).
 */
#ifndef BASTION_CMD_H
#define BASTION_CMD_H

#define CMD_USAGE	(-1)	/* the program's own status is 2 then, as for `audit` that could not look */

/* What every command is given. */
struct cmd_env {
	const char	*conf_path;	/* sallyport.yaml: -f FILE, or $SALLYPORT_CONF, or CMD_CONF_DEFAULT */
};

#define CMD_CONF_DEFAULT	"/etc/sallyport/sallyport.yaml"

typedef int (*cmd_fn)(int argc, char **argv, const struct cmd_env *env);

/* cmd-init.c: make a state directory. */
int	cmd_init(int argc, char **argv, const struct cmd_env *env);
/* cmd-cert.c: certificates and the CA, asked of the running daemon. */
int	cmd_cert(int argc, char **argv, const struct cmd_env *env);
int	cmd_ca(int argc, char **argv, const struct cmd_env *env);
/* cmd-secret.c: keys and passwords for targets, kept by the key process. */
int	cmd_secret(int argc, char **argv, const struct cmd_env *env);
/* cmd-approvals.c: requests that wait for a decision, from the host. */
int	cmd_approvals(int argc, char **argv, const struct cmd_env *env);
/* cmd-restore.c: undo a push; parked, release and drop: pushes that were parked. */
int	cmd_restore(int argc, char **argv, const struct cmd_env *env);
/* cmd-reload.c: the daemon reads its configuration again. */
int	cmd_reload(int argc, char **argv, const struct cmd_env *env);
/* cmd-host-key.c: the bastion's own host key and the one that comes after it. */
int	cmd_host_key(int argc, char **argv, const struct cmd_env *env);
/* "TYPE BASE64" from private_path.pub; NULL when that is not there or no key. The caller frees. */
char	*cmd_public_key(const char *private_path);
/* cmd-client-config.c: what an agent's machine needs. */
int	cmd_client_config(int argc, char **argv, const struct cmd_env *env);
/* cmd-policy.c: check and explain a policy, without a daemon. */
int	cmd_policy(int argc, char **argv, const struct cmd_env *env);
/* cmd-sessions.c, cmd-replay.c, cmd-export.c, cmd-audit.c: evidence. */
int	cmd_sessions(int argc, char **argv, const struct cmd_env *env);
int	cmd_replay(int argc, char **argv, const struct cmd_env *env);
int	cmd_export(int argc, char **argv, const struct cmd_env *env);
int	cmd_audit(int argc, char **argv, const struct cmd_env *env);

#endif
