/* SPDX-License-Identifier: Apache-2.0 */
/* conf_warn: what a configuration says that is allowed and yet hardly meant. sallyportd -t tells it. */
#ifndef BASTION_CONF_WARN_H
#define BASTION_CONF_WARN_H

struct conf;

/* say() gets each warning as one line without its end, borrowed. Looks at the host: users, folders. Returns how many there were. */
unsigned	conf_warn(const struct conf *, void (*say)(const char *line, void *arg), void *arg);

#endif
