/* SPDX-License-Identifier: Apache-2.0 */
/* conf_template: the files that `sallyport init` writes: they load as they are, and say what to change. */
#ifndef BASTION_CONF_TEMPLATE_H
#define BASTION_CONF_TEMPLATE_H

const char	*conf_template_main(void);	/* sallyport.yaml */
const char	*conf_template_policy(void);	/* policy.yaml, the name that sallyport.yaml gives it */

#endif
