/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/ssh/pulse.h"

#include "bastion/ssh/sshconn.h"

bool
pulse_step(struct pulse *p, struct sshconn *c, int64_t interval_us, unsigned count, int64_t now_us)
{
	uint64_t packets = sshconn_packets_in(c);

	if (packets != p->packets || p->heard_us == 0) {
		p->packets = packets;
		p->heard_us = now_us;
		p->asked = 0;
	}
	if (interval_us == 0 || now_us - p->heard_us < interval_us)
		return true;
	if (p->asked == count)
		return false;
	p->asked++;
	p->heard_us = now_us;
	sshconn_keepalive(c);
	return true;
}
