/* SPDX-License-Identifier: MIT */
/* easy_handle.c - easy handles. A handle is made once with the options that all requests of a
 * session share, and gets only those that differ with each request. What was set for one request
 * only is undone before the next.
 *
 * curl_easy_reset() is not used. While a connection is shared with other requests (HTTP/2), libcurl
 * keeps the read buffer of a handle that has finished there, and a reset would only change the size
 * that libcurl believes it to have. */
#include "easy_handle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "response_body.h"
#include "response_headers.h"
#include "transfer.h"
#include "url.h"

enum {
    POOL_MAX = 256,             /* idle handles of a session without a limit */
    SMALL_READ_SIZE = 4 * 1024, /* bytes of one read, of requests that start beside many others */
    MANY = 64,                  /* other requests under way */
};

/* Set an option unless an earlier one has failed. */
#define SET(rc, easy, option, value)                                                               \
    do {                                                                                           \
        if ((rc) == CURLE_OK)                                                                      \
            (rc) = curl_easy_setopt((easy), (option), (value));                                    \
    } while (0)

/* --- callbacks of libcurl's --- */

static size_t on_header(char *data, size_t one, size_t n, void *arg)
{
    struct http_transfer *t = arg;
    return http_response_header(t->res, data, one * n);
}

static size_t on_body(char *data, size_t one, size_t n, void *arg)
{
    struct http_transfer *t = arg;
    n *= one;
    enum http_body_result r = http_response_body(t->res, data, n);
    return r == HTTP_BODY_TAKEN ? n : r == HTTP_BODY_PAUSED ? CURL_WRITEFUNC_PAUSE : 0;
}

/* The request has a connection, a new one or an idle one. */
static int on_connected(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct http_transfer *t = arg;
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    http_permit_connected(&t->permit);
    return CURL_PREREQFUNC_OK;
}

/* --- options that all requests of a session share --- */

static CURLcode set_callbacks(struct http_transfer *t)
{
    CURL *easy = t->io.easy;
    CURLcode rc = http_driver_attach(&t->io);
    SET(rc, easy, CURLOPT_ERRORBUFFER, t->error_text);
    SET(rc, easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(rc, easy, CURLOPT_HEADERDATA, t);
    SET(rc, easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(rc, easy, CURLOPT_WRITEDATA, t);
    SET(rc, easy, CURLOPT_PREREQFUNCTION, on_connected);
    SET(rc, easy, CURLOPT_PREREQDATA, t);
    return rc;
}

/* Set the options of TLS: version 1.2 or newer, certificates, and whether to verify the server. */
static CURLcode set_tls(CURL *easy, const struct async_http_session_opts *o)
{
    CURLcode rc = CURLE_OK;
    SET(rc, easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (o->ca_file)
        SET(rc, easy, CURLOPT_CAINFO, o->ca_file);
    if (o->cert_file)
        SET(rc, easy, CURLOPT_SSLCERT, o->cert_file);
    if (o->key_file)
        SET(rc, easy, CURLOPT_SSLKEY, o->key_file);
    if (o->insecure_no_verify) {
        SET(rc, easy, CURLOPT_SSL_VERIFYPEER, 0L);
        SET(rc, easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    return rc;
}

/* QUICK_EXIT is set because a cancelled request must not wait for getaddrinfo(); the resolver's
 * thread goes on alone and frees what it uses. PROXY and NOPROXY are both set, so that libcurl does
 * not read the environment at each request. */
static CURLcode set_connection(CURL *easy, const async_http_session *s)
{
    CURLcode rc = CURLE_OK;
    SET(rc, easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(rc, easy, CURLOPT_NOSIGNAL, 1L);
    SET(rc, easy, CURLOPT_QUICK_EXIT, 1L);
    SET(rc, easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(rc, easy, CURLOPT_BUFFERSIZE, (long)HTTP_READ_SIZE);
    SET(rc, easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)HTTP_READ_SIZE);
    SET(rc, easy, CURLOPT_SHARE, s->share);
    SET(rc, easy, CURLOPT_PROXY, "");
    SET(rc, easy, CURLOPT_NOPROXY, s->proxies.exceptions);
    if (s->o.ip == 4)
        SET(rc, easy, CURLOPT_IPRESOLVE, (long)CURL_IPRESOLVE_V4);
    if (s->o.ip == 6)
        SET(rc, easy, CURLOPT_IPRESOLVE, (long)CURL_IPRESOLVE_V6);
    if (s->o.unix_socket)
        SET(rc, easy, CURLOPT_UNIX_SOCKET_PATH, s->o.unix_socket);
    if (s->resolve)
        SET(rc, easy, CURLOPT_RESOLVE, s->resolve);
    return rc;
}

/* The file name "" reads no cookies, but switches them on. */
static CURLcode set_common(struct http_transfer *t)
{
    const async_http_session *s = t->session;
    CURL *easy = t->io.easy;
    CURLcode rc = set_callbacks(t);
    if (s->o.cookies)
        SET(rc, easy, CURLOPT_COOKIEFILE, "");
    if (rc == CURLE_OK)
        rc = set_connection(easy, s);
    if (rc == CURLE_OK)
        rc = set_tls(easy, &s->o);
    SET(rc, easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    return rc;
}

/* --- the pool --- */

/* libcurl keeps the names of cookie files in a list, also the name "". Where cookies are shared,
 * the list is not freed with the handle. */
static void forget_cookie_files(struct http_transfer *t)
{
    if (t->io.easy && t->session->o.cookies)
        curl_easy_setopt(t->io.easy, CURLOPT_COOKIEFILE, NULL);
}

/* Store why a handle cannot be used, with libcurl's code and message. */
static int fail_setup(struct http_error *e, CURLcode rc)
{
    if (rc == CURLE_OUT_OF_MEMORY)
        return http_fail(e, ASYNC_HTTP_RESOURCES, "out of memory for a request");
    return http_fail(e, ASYNC_HTTP_BAD_REQUEST, "libcurl refused an option: error %d, %s", (int)rc,
                     curl_easy_strerror(rc));
}

static struct http_transfer *handle_new(async_http_session *s, struct http_error *e)
{
    struct http_transfer *t = calloc(1, sizeof *t);
    if (!t) {
        fail_setup(e, CURLE_OUT_OF_MEMORY);
        return NULL;
    }
    t->session = s;
    s->handles++;
    t->io.easy = curl_easy_init();
    CURLcode rc = t->io.easy ? set_common(t) : CURLE_OUT_OF_MEMORY;
    if (rc == CURLE_OK)
        return t;
    fail_setup(e, rc);
    http_handle_free(t);
    return NULL;
}

struct http_transfer *http_handle_take(async_http_session *s, struct http_error *e)
{
    struct http_transfer *t = s->pool;
    if (!t)
        return handle_new(s, e);
    s->pool = t->next;
    s->pooled--;
    t->next = NULL;
    t->error_text[0] = '\0';
    return t;
}

void http_handle_give(struct http_transfer *t)
{
    async_http_session *s = t->session;
    if (s->closed || s->pooled >= (s->limits.total ? s->limits.total : POOL_MAX)) {
        http_handle_free(t);
        return;
    }
    t->next = s->pool;
    s->pool = t;
    s->pooled++;
}

void http_handle_free(struct http_transfer *t)
{
    forget_cookie_files(t);
    t->session->handles--;
    curl_easy_cleanup(t->io.easy);
    curl_url_cleanup(t->url);
    free(t);
}

void http_handles_free(async_http_session *s)
{
    for (struct http_transfer *t; (t = s->pool);) {
        s->pool = t->next;
        http_handle_free(t);
    }
}

/* --- options of one request --- */

/* Make the handle send a GET again. POSTFIELDS also frees a copy of a body. */
static CURLcode undo_method(struct http_transfer *t)
{
    CURLcode rc = CURLE_OK;
    if (!t->method_set)
        return rc;
    SET(rc, t->io.easy, CURLOPT_POSTFIELDS, NULL);
    SET(rc, t->io.easy, CURLOPT_CUSTOMREQUEST, NULL);
    SET(rc, t->io.easy, CURLOPT_HTTPGET, 1L); /* also unsets NOBODY */
    t->method_set = rc != CURLE_OK;
    return rc;
}

/* A stream's body is copied, because the caller's bytes need not stay valid until the stream
 * ends. */
static CURLcode set_body(CURL *easy, const struct http_call *c)
{
    CURLcode rc = CURLE_OK;
    SET(rc, easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_size);
    if (c->stream)
        SET(rc, easy, CURLOPT_COPYPOSTFIELDS, c->body);
    else
        SET(rc, easy, CURLOPT_POSTFIELDS, c->body);
    return rc;
}

static CURLcode set_method(struct http_transfer *t, const struct http_call *c)
{
    bool head = strcmp(c->method, "HEAD") == 0;
    CURLcode rc = undo_method(t);
    if (rc != CURLE_OK || (!c->has_body && strcmp(c->method, "GET") == 0))
        return rc;
    t->method_set = true;
    if (head)
        return curl_easy_setopt(t->io.easy, CURLOPT_NOBODY, 1L);
    if (c->has_body)
        rc = set_body(t->io.easy, c);
    SET(rc, t->io.easy, CURLOPT_CUSTOMREQUEST, c->method);
    return rc;
}

static CURLcode set_proxy(struct http_transfer *t, const char *url)
{
    const async_http_session *s = t->session;
    const struct http_proxy *p = http_url_is_https(url) ? s->proxies.https : s->proxies.http;
    CURLcode rc = CURLE_OK;
    if (p == t->proxy)
        return rc;
    SET(rc, t->io.easy, CURLOPT_PROXY, p ? p->url : "");
    SET(rc, t->io.easy, CURLOPT_PROXYUSERNAME, p ? p->user : NULL);
    SET(rc, t->io.easy, CURLOPT_PROXYPASSWORD, p ? p->password : NULL);
    t->proxy = p;
    return rc;
}

static CURLcode set_connect_timeout(struct http_transfer *t, double seconds)
{
    if (seconds == t->connect_timeout)
        return CURLE_OK;
    t->connect_timeout = seconds;
    long ms = seconds >= 2147483 ? 2147483000 : seconds < 0.001 ? 1 : (long)(seconds * 1000);
    return curl_easy_setopt(t->io.easy, CURLOPT_CONNECTTIMEOUT_MS, ms);
}

/* A request holds its read buffer until it ends, even for a small response. Where hundreds are
 * under way at once, the later ones get a smaller buffer. libcurl refuses to change the size while
 * the handle has a buffer, see the top of the file; then the handle keeps what it has. */
static void choose_buffer(struct http_transfer *t)
{
    const async_http_session *s = t->session;
    bool small = s->handles - s->pooled > MANY;
    if (small != t->small_buffer &&
        curl_easy_setopt(t->io.easy, CURLOPT_BUFFERSIZE,
                         (long)(small ? SMALL_READ_SIZE : HTTP_READ_SIZE)) == CURLE_OK)
        t->small_buffer = small;
}

/* A stream uses HTTP/1.1, so that a slow reader does not hold up others on a shared connection. */
static CURLcode set_version(struct http_transfer *t, bool http1)
{
    if (http1 == t->http1)
        return CURLE_OK;
    t->http1 = http1;
    return curl_easy_setopt(t->io.easy, CURLOPT_HTTP_VERSION,
                            (long)(http1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
}

int http_handle_prepare(struct http_transfer *t, const struct http_call *c)
{
    const char *url = c->res->pub.url;
    t->url_parsed = false;
    choose_buffer(t);
    CURLcode rc = curl_easy_setopt(t->io.easy, CURLOPT_URL, url);
    SET(rc, t->io.easy, CURLOPT_HTTPHEADER, c->headers);
    if (rc == CURLE_OK)
        rc = set_method(t, c);
    if (rc == CURLE_OK)
        rc = set_proxy(t, url);
    if (rc == CURLE_OK)
        rc = set_connect_timeout(t, c->o.connect_timeout);
    if (rc == CURLE_OK)
        rc = set_version(t, c->o.http1 || c->stream);
    return rc == CURLE_OK ? 0 : fail_setup(&c->res->error, rc);
}

/* Given only the text of a URL, libcurl parses it and then composes it once more, which is a
 * twentieth of the cost of a small request. What the parser refuses is left to libcurl, which then
 * reports why. This runs on the loop's stack because the parser would touch two more pages of each
 * task's stack. */
void http_handle_parse_url(struct http_transfer *t)
{
    if (!t->url)
        t->url = curl_url();
    bool parsed = t->url && curl_url_set(t->url, CURLUPART_URL, t->res->pub.url, 0) == CURLUE_OK;
    curl_easy_setopt(t->io.easy, CURLOPT_CURLU, parsed ? t->url : NULL);
    t->url_parsed = true;
}
