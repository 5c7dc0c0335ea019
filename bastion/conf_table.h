/* SPDX-License-Identifier: Apache-2.0 */
/* conf_table: one row a setting of sallyport.yaml. The reader, the printer and the manual's test all walk it. */
#ifndef BASTION_CONF_TABLE_H
#define BASTION_CONF_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum conf_type {
	CONF_TEXT,	/* char * */
	CONF_PATH,	/* char *, made absolute from the file's folder */
	CONF_LISTEN,	/* HOST:PORT into listen_host and listen_port */
	CONF_PUBLIC,	/* the same into public_host and public_port */
	CONF_WORDS,	/* struct strvec */
	CONF_NETWORKS,	/* struct strvec of ADDRESS/BITS */
	CONF_COUNT,	/* unsigned */
	CONF_DURATION,	/* int64_t milliseconds */
	CONF_SIZE,	/* uint64_t bytes */
	CONF_BLOCK,	/* a list or map of its own, read by conf.c */
};

struct conf_row {
	const char	*section;	/* "limits", or NULL for the top level */
	const char	*name;
	enum conf_type	 type;
	size_t		 offset;	/* in struct conf */
	const char	*def;		/* as it would be written; words are separated by blanks; NULL = not set */
	int64_t		 min, max;	/* in the unit of the type */
	const char	*help;
};

/* Rows in the order they are printed, ended by a row whose name is NULL. A section's rows are together. */
extern const struct conf_row conf_table[];

#endif
