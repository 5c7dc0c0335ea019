/* SPDX-License-Identifier: Apache-2.0 */
#include "gitfilter/webtalk.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bastion/base/buf.h"
#include "bastion/base/err.h"
#include "bastion/base/xmalloc.h"
#include "gitfilter/limits.h"
#include "gitfilter/refcmd.h"

#define CONNECT_SECONDS	15L
#define SILENT_SECONDS	30L	/* before the advertisement is whole */
#define ANSWER_MAX	(64 * 1024)	/* of an exchange */
#define WORK_SECONDS	600L	/* silence of an upstream that works on a push */

struct webtalk {
	const struct webplace	*place;
	CURL			*easy;
	char			 error[CURL_ERROR_SIZE];
	long			 status;	/* of the answer under way */
	/* what is sent */
	const struct buf	*head;
	off_t			 sent, total, from;
	int			 spool_fd;
	/* who takes the answer */
	webtalk_take		 take;
	void			*arg;
};

static size_t
web_write(char *p, size_t one, size_t n, void *arg)
{
	struct webtalk *w = arg;

	(void)one;
	if (w->status == 0)
		(void)curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &w->status);
	if (w->status != 200 && w->status != 201)
		return n;	/* a page for people: the status says enough */
	return w->take((const unsigned char *)p, n, w->arg) == 0 ? n : 0;
}

static size_t
web_read(char *p, size_t one, size_t n, void *arg)
{
	struct webtalk *w = arg;
	off_t head = w->head == NULL ? 0 : (off_t)buf_len(w->head);
	ssize_t got;

	(void)one;
	if (w->sent >= w->total)
		return 0;
	if (w->sent < head) {
		got = (off_t)n < head - w->sent ? (ssize_t)n : (ssize_t)(head - w->sent);
		memcpy(p, buf_ptr(w->head) + w->sent, (size_t)got);
	} else {
		if ((off_t)n > w->total - w->sent)
			n = (size_t)(w->total - w->sent);
		if ((got = pread(w->spool_fd, p, n, w->from + w->sent - head)) <= 0)
			return CURL_READFUNC_ABORT;
	}
	w->sent += got;
	return (size_t)got;
}

/* libcurl sends again from the beginning where a server closed an idle connection, or asked for the password first. */
static int
web_seek(void *arg, curl_off_t offset, int origin)
{
	struct webtalk *w = arg;

	if (origin != SEEK_SET || offset < 0 || offset > w->total)
		return CURL_SEEKFUNC_CANTSEEK;
	w->sent = (off_t)offset;
	return CURL_SEEKFUNC_OK;
}

struct webtalk *
webtalk_new(const struct webplace *place)
{
	struct webtalk *w = xcalloc(1, sizeof(*w));

	w->place = place;
	w->spool_fd = -1;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && (w->easy = curl_easy_init()) != NULL)
		return w;
	webtalk_free(w);
	return NULL;
}

void
webtalk_free(struct webtalk *w)
{
	if (w == NULL)
		return;
	curl_easy_cleanup(w->easy);
	free(w);
}

static CURLcode
web_options(struct webtalk *w, const char *url, long silent)
{
	const struct webplace *p = w->place;
	CURL *e = w->easy;
	CURLcode r;

	w->error[0] = '\0';
	w->status = 0;
	if ((r = curl_easy_setopt(e, CURLOPT_URL, url)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https")) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_PROXY, p->proxy)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_USERNAME, p->user)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_PASSWORD, p->password)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_USERAGENT, "git/sallyport")) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, silent)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_ERRORBUFFER, w->error)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, web_write)) != CURLE_OK ||
	    (r = curl_easy_setopt(e, CURLOPT_WRITEDATA, w)) != CURLE_OK)
		return r;
	return p->ca[0] == '\0' ? CURLE_OK : curl_easy_setopt(e, CURLOPT_CAINFO, p->ca);
}

/* Run what has been set up. One line for whatever went wrong. */
static int
web_perform(struct webtalk *w, char *why, size_t size)
{
	CURLcode r = curl_easy_perform(w->easy);
	char words[REASON_MAX];

	(void)curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &w->status);
	if (r == CURLE_OK && (w->status == 200 || w->status == 201))
		return 0;
	if (r == CURLE_OK && (w->status == 401 || w->status == 403))
		(void)snprintf(why, size, "the upstream refuses the bastion's token or password (%ld): expired, revoked, or without the right to this",
		    w->status);
	else if (r == CURLE_OK && w->status == 404)
		(void)snprintf(why, size, "the upstream has no such repository, or hides it from the bastion");
	else if (r == CURLE_OK && w->status >= 300 && w->status < 400)
		(void)snprintf(why, size, "the upstream says that it is elsewhere (%ld); the bastion does not go there: correct its url", w->status);
	else if (r == CURLE_OK)
		(void)snprintf(why, size, "the upstream cannot be reached: it answers with HTTP status %ld", w->status);
	else {
		const char *text = w->error[0] != '\0' ? w->error : curl_easy_strerror(r);

		text_clean(words, sizeof(words), text, strlen(text));
		(void)snprintf(why, size, "%s: %.110s", r == CURLE_PEER_FAILED_VERIFICATION || r == CURLE_SSL_CACERT_BADFILE ?
		    "the upstream is not known for the right one; nothing was sent" : "the upstream cannot be reached", words);
		return r == CURLE_WRITE_ERROR ? ERR_FORMAT : ERR_NOTFOUND;
	}
	return w->status >= 500 || w->status == 429 ? ERR_NOTFOUND : ERR_DENIED;
}

int
webtalk_refs(struct webtalk *w, const char *service, webtalk_take take, void *arg, char *why, size_t size)
{
	char *url = xasprintf("%s/info/refs?service=%s", w->place->url, service);
	CURLcode r = web_options(w, url, SILENT_SECONDS);
	int e;

	w->take = take;
	w->arg = arg;
	if (r == CURLE_OK)
		r = curl_easy_setopt(w->easy, CURLOPT_HTTPGET, 1L);
	if (r == CURLE_OK)
		e = web_perform(w, why, size);
	else {
		(void)snprintf(why, size, "HTTP cannot be spoken: %s", curl_easy_strerror(r));
		e = ERR_SYSTEM;
	}
	free(url);
	return e;
}

/* The answer may be a refusal before anything was read; only what was read to its end can have had effect. */
int
webtalk_post(struct webtalk *w, const char *service, const struct buf *head, int spool_fd, off_t from, off_t to, webtalk_take take,
    void *arg, char *why, size_t size)
{
	char *url = xasprintf("%s/%s", w->place->url, service), *type = xasprintf("Content-Type: application/x-%s-request", service),
	    *accept = xasprintf("Accept: application/x-%s-result", service);
	struct curl_slist *headers = NULL, *more;
	CURLcode r = web_options(w, url, WORK_SECONDS);
	int e = ERR_SYSTEM;

	w->take = take;
	w->arg = arg;
	w->head = head;
	w->spool_fd = spool_fd;
	w->from = from;
	w->sent = 0;
	w->total = (off_t)buf_len(head) + (to - from);
	headers = curl_slist_append(NULL, type);
	more = headers == NULL ? NULL : curl_slist_append(headers, accept);
	more = more == NULL ? NULL : curl_slist_append(headers, "Expect:");
	if (more == NULL)
		r = CURLE_OUT_OF_MEMORY;
	if (r == CURLE_OK && (r = curl_easy_setopt(w->easy, CURLOPT_POST, 1L)) == CURLE_OK &&
	    (r = curl_easy_setopt(w->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)w->total)) == CURLE_OK &&
	    (r = curl_easy_setopt(w->easy, CURLOPT_READFUNCTION, web_read)) == CURLE_OK &&
	    (r = curl_easy_setopt(w->easy, CURLOPT_READDATA, w)) == CURLE_OK &&
	    (r = curl_easy_setopt(w->easy, CURLOPT_SEEKFUNCTION, web_seek)) == CURLE_OK &&
	    (r = curl_easy_setopt(w->easy, CURLOPT_SEEKDATA, w)) == CURLE_OK &&
	    (r = curl_easy_setopt(w->easy, CURLOPT_HTTPHEADER, headers)) == CURLE_OK) {
		e = web_perform(w, why, size);
		if (e != 0 && e != ERR_DENIED && w->sent > 0)
			e = ERR_EOF;
	} else
		(void)snprintf(why, size, "HTTP cannot be spoken: %s", curl_easy_strerror(r));
	(void)curl_easy_setopt(w->easy, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	free(url);
	free(type);
	free(accept);
	return e;
}

static int
exchange_take(const unsigned char *p, size_t n, void *arg)
{
	return buf_put(arg, p, n);
}

/* {"token": "..", ..} */
static char *
exchange_read(const struct buf *b)
{
	json_t *o = json_loadb((const char *)buf_ptr(b), buf_len(b), 0, NULL);
	const char *token = json_string_value(json_object_get(o, "token"));
	char *copy = token == NULL || token[0] == '\0' || strpbrk(token, "\r\n") != NULL ? NULL : xstrdup(token);

	json_decref(o);
	return copy;
}

int
webtalk_exchange(struct webplace *p, char *why, size_t size)
{
	struct webtalk *w = webtalk_new(p);
	struct buf *b = buf_new(ANSWER_MAX);
	struct curl_slist *headers = NULL;
	char bad[REASON_MAX] = "out of memory", *bearer = xasprintf("Authorization: Bearer %s", p->password), *token = NULL;
	int e = ERR_NOMEM;

	headers = curl_slist_append(NULL, bearer);
	if (w != NULL && b != NULL && headers != NULL && curl_slist_append(headers, "Accept: application/vnd.github+json") != NULL &&
	    web_options(w, p->app_url, SILENT_SECONDS) == CURLE_OK && curl_easy_setopt(w->easy, CURLOPT_USERNAME, NULL) == CURLE_OK &&
	    curl_easy_setopt(w->easy, CURLOPT_PASSWORD, NULL) == CURLE_OK && curl_easy_setopt(w->easy, CURLOPT_POST, 1L) == CURLE_OK &&
	    curl_easy_setopt(w->easy, CURLOPT_POSTFIELDS, "") == CURLE_OK &&
	    curl_easy_setopt(w->easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK) {
		w->take = exchange_take;
		w->arg = b;
		if ((e = web_perform(w, bad, sizeof(bad))) == 0 && (token = exchange_read(b)) == NULL) {
			(void)snprintf(bad, sizeof(bad), "the answer holds none");
			e = ERR_DENIED;
		}
	}
	if (e != 0)
		(void)snprintf(why, size, "no token for the app: %.120s", bad);
	else {
		freezero(p->password, strlen(p->password));
		p->password = token;
	}
	curl_slist_free_all(headers);
	freezero(bearer, strlen(bearer));
	buf_free(b);
	webtalk_free(w);
	return e;
}
