/* SPDX-License-Identifier: Apache-2.0 */
/* conf_template: the texts that `sallyport init` writes. */
#ifndef BASTION_CONF_TEMPLATE_H
#define BASTION_CONF_TEMPLATE_H

const char	*conf_template_main(void);	/* sallyport.yaml */
const char	*conf_template_policy(void);	/* policy.yaml */

#endif
