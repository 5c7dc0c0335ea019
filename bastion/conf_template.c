/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/conf_template.h"

const char *
conf_template_main(void)
{
	return "# Sallyport's configuration; see sallyport.yaml(5). Relative paths start at this file's folder.\n"
	    "policy: policy.yaml\n";
}

const char *
conf_template_policy(void)
{
	return "# What may be done; see sallyport.yaml(5). What no rule allows is denied.\n"
	    "rules: []\n";
}
