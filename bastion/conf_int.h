/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of sallyport.yaml share (conf.c, conf_target.c); nobody else includes it. */
#ifndef BASTION_CONF_INT_H
#define BASTION_CONF_INT_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "bastion/conf_tree.h"

#define CONF_NAME_MAX	63	/* of a target or upstream */
#define CONF_WORDS_MAX	256	/* in one list */

struct conf;
struct conf_row;

/* What carries from one block reader to the next. */
struct loader {
	struct conf		*c;
	struct tree_error	 error;
	EVP_MD_CTX		*md;
};

/* "HOST:PORT" or "[V6]:PORT". 0 or ERR_FORMAT with the error noted; *hostp is replaced. */
int	conf_read_address(struct loader *, const char *what, const struct tree *, char **hostp, uint16_t *portp);
/* 1 to CONF_NAME_MAX of a-z 0-9 . _ -, not starting with a mark. */
bool	conf_name_ok(const char *);

/* The block "targets", whole. */
int	conf_read_targets(struct loader *, const struct conf_row *, const struct tree *);
void	conf_free_targets(struct conf *);

#endif
