/* SPDX-License-Identifier: Apache-2.0 */
/* provider-webhook: announces to one URL; the page is approvals/WEBHOOK. */
#ifndef APPROVALS_PROVIDER_WEBHOOK_H
#define APPROVALS_PROVIDER_WEBHOOK_H

struct event_base;
struct http;
struct provider;

/* NULL when the secret or the URL is none. */
struct provider	*provider_webhook_new(struct event_base *, struct http *, const char *url, const char *secret);

#endif
