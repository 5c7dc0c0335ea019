/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the mirror share; nobody else includes it. */
#ifndef GITFILTER_MIRROR_INT_H
#define GITFILTER_MIRROR_INT_H

#define INCOMING	"incoming-"	/* folders of a push's objects; a process that is at work in one holds a lock on it */

/* Take away such a folder with what is in it. */
void	mirror_remove_incoming(const char *dir);

#endif
