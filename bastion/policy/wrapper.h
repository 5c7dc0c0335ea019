/* SPDX-License-Identifier: Apache-2.0 */
/* wrapper: programs that start other programs: what they start is judged, or the command is unresolved. */
#ifndef POLICY_WRAPPER_H
#define POLICY_WRAPPER_H

#include "bastion/policy/script.h"

/*
 * Take wrappers off command i of the script until its own program is left; scripts inside (sh -c) and programs beside
 * (find -exec) are added at the end of the script.
 */
void	wrapper_peel(struct script *, size_t i);

/* hazard.c: mark a command that can run something that its text does not show. */
void	hazard_check(struct script *, size_t i);

#endif
