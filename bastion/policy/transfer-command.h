/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer-command: whether a command line is, as a whole, one server side of scp or rsync, and what it copies. Only a line
 * that can be nothing else is one: the program by its own name and options that are known to do nothing but copy to or from
 * the paths that are named. Everything else is an ordinary command.
 */
#ifndef POLICY_TRANSFER_COMMAND_H
#define POLICY_TRANSFER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSFER_PATHS_MAX	64

enum transfer_program { TRANSFER_SCP, TRANSFER_RSYNC };

struct transfer_path {
	char	*text;		/* without quotes; never empty, never starts with '-' unless `--` stood before it */
	bool	 tilde;		/* starts with an unquoted ~ */
	bool	 glob;		/* the target's shell expands it */
};

struct transfer_command {
	enum transfer_program	 program;
	bool			 to_target;
	bool			 recursive;
	bool			 folder;	/* scp -d: the path is a folder, or nothing is copied */
	bool			 compressed;	/* rsync -z: cannot be looked into */
	bool			 deletes;	/* rsync --delete and the like */
	bool			 links;		/* rsync -l: symbolic links come as they are */
	struct transfer_path	 paths[TRANSFER_PATHS_MAX];
	size_t			 npaths;	/* at least 1; 1 for scp and to the target */
};

/* Fills t when it is one; then the caller releases it. */
bool	transfer_command_parse(struct transfer_command *t, const void *command, size_t n);
void	transfer_command_release(struct transfer_command *t);
/* "scp", "rsync" */
const char	*transfer_program_word(enum transfer_program);

#endif
