/* SPDX-License-Identifier: Apache-2.0 */
#include "bastion/base/err.h"

#include <errno.h>
#include <string.h>

const char *
err_text(int r)
{
	switch (r) {
	case ERR_NONE:
		return "success";
	case ERR_NOMEM:
		return "out of memory";
	case ERR_TOOBIG:
		return "too big";
	case ERR_SHORT:
		return "input ends too early";
	case ERR_FORMAT:
		return "malformed";
	case ERR_SYSTEM:
		return strerror(errno);
	case ERR_EOF:
		return "peer has closed";
	case ERR_AGAIN:
		return "would block";
	case ERR_DENIED:
		return "refused";
	case ERR_NOTFOUND:
		return "not found";
	case ERR_EXISTS:
		return "exists already";
	case ERR_CRYPTO:
		return "bad signature or key";
	case ERR_EXPIRED:
		return "expired or not yet valid";
	}
	return "unknown error";
}
