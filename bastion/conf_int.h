/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of sallyport.yaml share (conf.c, conf_target.c); nobody else includes it. */
#ifndef BASTION_CONF_INT_H
#define BASTION_CONF_INT_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "bastion/conf.h"
#include "bastion/conf_tree.h"

#define CONF_NAME_MAX	63	/* of a target or upstream */
#define CONF_WORDS_MAX	256	/* in one list */

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

/* A path, made absolute from the file's folder; *pathp is replaced. */
int	conf_read_path(struct loader *, const char *what, const struct tree *, char **pathp);
/* "TYPE BASE64", at least one. */
int	conf_read_host_keys(struct loader *, const char *what, const struct tree *, struct strvec *);
/* auth: certificate, {key: NAME} or {password: NAME}; *secretp is set for the last two. */
int	conf_read_auth(struct loader *, const struct tree *, enum conf_auth *, char **secretp);

/* The block "targets", whole. */
int	conf_read_targets(struct loader *, const struct conf_row *, const struct tree *);
void	conf_free_targets(struct conf *);
/* The block "upstreams", whole. Targets have been read. */
int	conf_read_upstreams(struct loader *, const struct conf_row *, const struct tree *);
void	conf_free_upstreams(struct conf *);

#endif
