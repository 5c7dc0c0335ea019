/* SPDX-License-Identifier: Apache-2.0 */
/* gitleg-shelf: the modes of sallyport-gitleg that work on what is kept (shelf.h), over all repositories of a folder. */
#ifndef GITFILTER_GITLEG_SHELF_H
#define GITFILTER_GITLEG_SHELF_H

/* What the process ends with. Lines for a human are on its standard output. */
enum gitleg_shelf_status {
	GITLEG_SHELF_DONE = 0,
	GITLEG_SHELF_REFUSED = 1,	/* nothing was changed; the lines say why */
	GITLEG_SHELF_USAGE = 2,
	GITLEG_SHELF_NOT_HERE = 3,	/* no repository here keeps that */
};

/* argv: the mode, the folder, and the mode's own words; see gitleg_msg.h. The exit status. */
int	gitleg_shelf(int argc, char **argv);

#endif
