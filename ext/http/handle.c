/* SPDX-License-Identifier: MIT */
/* handle.c - easy handles: made once with what a session's requests have in common, pooled, and
 * given only what differs for each request. A handle that did anything but a plain GET is reset
 * before its next one. */
#include "http_internal.h"

#include <stdlib.h>

/* The first setopt() that fails decides; most can only fail for want of memory. */
#define SET(rc, easy, option, value)                                                               \
    do {                                                                                           \
        if ((rc) == CURLE_OK)                                                                      \
            (rc) = curl_easy_setopt((easy), (option), (value));                                    \
    } while (0)

/* The connection is there, new or old. */
static int on_connected(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct http_transfer *t = arg;
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    http_permit_connected(&t->permit);
    return CURL_PREREQFUNC_OK;
}

static CURLcode set_callbacks(struct http_transfer *t)
{
    CURLcode rc = CURLE_OK;
    SET(rc, t->easy, CURLOPT_PRIVATE, t);
    SET(rc, t->easy, CURLOPT_ERRORBUFFER, t->text);
    SET(rc, t->easy, CURLOPT_HEADERFUNCTION, http_response_on_header);
    SET(rc, t->easy, CURLOPT_HEADERDATA, t);
    SET(rc, t->easy, CURLOPT_WRITEFUNCTION, http_response_on_body);
    SET(rc, t->easy, CURLOPT_WRITEDATA, t);
    SET(rc, t->easy, CURLOPT_PREREQFUNCTION, on_connected);
    SET(rc, t->easy, CURLOPT_PREREQDATA, t);
    SET(rc, t->easy, CURLOPT_OPENSOCKETFUNCTION, http_driver_on_open);
    SET(rc, t->easy, CURLOPT_OPENSOCKETDATA, t);
    /* a connection outlives the handle that made it, hence the session */
    SET(rc, t->easy, CURLOPT_CLOSESOCKETFUNCTION, http_driver_on_close);
    SET(rc, t->easy, CURLOPT_CLOSESOCKETDATA, t->session);
    return rc;
}

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

static CURLcode set_connection(CURL *easy, const async_http_session *s)
{
    CURLcode rc = CURLE_OK;
    SET(rc, easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(rc, easy, CURLOPT_NOSIGNAL, 1L);
    /* A cancelled request must not wait for getaddrinfo(): its thread goes on alone and tidies up. */
    SET(rc, easy, CURLOPT_QUICK_EXIT, 1L);
    SET(rc, easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(rc, easy, CURLOPT_BUFFERSIZE, (long)HTTP_PIECE);
    SET(rc, easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)HTTP_PIECE);
    SET(rc, easy, CURLOPT_SHARE, s->share);
    /* Both are set, so that libcurl looks for neither in the environment with every request. */
    SET(rc, easy, CURLOPT_PROXY, "");
    SET(rc, easy, CURLOPT_NOPROXY, s->o.no_proxy);
    if (s->o.ip)
        SET(rc, easy, CURLOPT_IPRESOLVE, (long)(s->o.ip == 4 ? CURL_IPRESOLVE_V4 : CURL_IPRESOLVE_V6));
    if (s->o.unix_socket)
        SET(rc, easy, CURLOPT_UNIX_SOCKET_PATH, s->o.unix_socket);
    if (s->resolve)
        SET(rc, easy, CURLOPT_RESOLVE, s->resolve);
    return rc;
}

/* Names of cookie files go to a list, "" too, which neither a reset frees nor, where cookies are shared,
 * the end of the handle. */
static void forget_cookie_files(struct http_transfer *t)
{
    if (t->easy && t->session->o.cookies)
        curl_easy_setopt(t->easy, CURLOPT_COOKIEFILE, NULL);
}

static CURLcode set_common(struct http_transfer *t)
{
    const async_http_session *s = t->session;
    CURLcode rc = set_callbacks(t);
    if (s->o.cookies)
        SET(rc, t->easy, CURLOPT_COOKIEFILE, ""); /* reads none, but switches them on */
    if (rc == CURLE_OK)
        rc = set_connection(t->easy, s);
    if (rc == CURLE_OK)
        rc = set_tls(t->easy, &s->o);
    SET(rc, t->easy, CURLOPT_ACCEPT_ENCODING, s->encodings); /* that is: unpack; fields.c asks */
    SET(rc, t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    t->plain = true;
    t->many = false;
    t->http1 = false;
    t->proxy = NULL;
    t->connect_timeout = 0;
    return rc;
}

static struct http_transfer *handle_new(async_http_session *s)
{
    struct http_transfer *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->session = s;
    s->handles++;
    t->easy = curl_easy_init();
    if (t->easy && set_common(t) == CURLE_OK)
        return t;
    http_transfer_destroy(t);
    return NULL;
}

struct http_transfer *http_handle_take(async_http_session *s)
{
    struct http_transfer *t = s->pool;
    if (!t)
        return handle_new(s);
    s->pool = t->next;
    s->pooled--;
    t->next = NULL;
    t->text[0] = '\0';
    t->forbidden = t->broken = false;
    t->socket_error = 0;
    if (t->plain)
        return t;
    forget_cookie_files(t);
    curl_easy_reset(t->easy); /* connections, cookies and the like stay */
    if (set_common(t) == CURLE_OK)
        return t;
    http_transfer_destroy(t);
    return NULL;
}

void http_handle_give(struct http_transfer *t)
{
    async_http_session *s = t->session;
    if (s->closed || s->pooled >= (s->limits.total ? s->limits.total : HTTP_MAX_POOLED)) {
        http_transfer_destroy(t);
        return;
    }
    t->next = s->pool;
    s->pool = t;
    s->pooled++;
}

void http_transfer_destroy(struct http_transfer *t)
{
    forget_cookie_files(t);
    t->session->handles--;
    curl_easy_cleanup(t->easy);
    curl_url_cleanup(t->url);
    free(t);
}

/* --- one request --- */

static CURLcode set_method(struct http_transfer *t, const struct http_call *c)
{
    CURLcode rc = CURLE_OK;
    bool head = strcmp(c->method, "HEAD") == 0;
    if (!c->has_body && !head && strcmp(c->method, "GET") == 0)
        return rc;
    t->plain = false;
    if (head) {
        SET(rc, t->easy, CURLOPT_NOBODY, 1L);
        return rc;
    }
    if (c->has_body) {
        SET(rc, t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_size);
        if (c->stream) /* the caller's bytes need not stay until the end of a stream */
            SET(rc, t->easy, CURLOPT_COPYPOSTFIELDS, c->body);
        else
            SET(rc, t->easy, CURLOPT_POSTFIELDS, c->body);
    }
    SET(rc, t->easy, CURLOPT_CUSTOMREQUEST, c->method);
    return rc;
}

static CURLcode set_proxy(struct http_transfer *t, const char *url)
{
    const async_http_session *s = t->session;
    const char *proxy = http_url_is_https(url) ? s->https_proxy : s->http_proxy;
    if (proxy == t->proxy)
        return CURLE_OK;
    t->proxy = proxy;
    return curl_easy_setopt(t->easy, CURLOPT_PROXY, proxy ? proxy : "");
}

static CURLcode set_connect_timeout(struct http_transfer *t, double seconds)
{
    if (seconds == t->connect_timeout)
        return CURLE_OK;
    t->connect_timeout = seconds;
    long ms = seconds >= 2147483 ? 2147483000 : seconds < 0.001 ? 1 : (long)(seconds * 1000);
    return curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, ms);
}

/* A request holds what it reads at a time until it ends, small answers too: where hundreds are under way
 * at once, the later ones hold less. */
static CURLcode set_buffer(struct http_transfer *t)
{
    const async_http_session *s = t->session;
    bool many = s->handles - s->pooled > HTTP_MANY;
    if (many == t->many)
        return CURLE_OK;
    t->many = many;
    return curl_easy_setopt(t->easy, CURLOPT_BUFFERSIZE, (long)(many ? HTTP_SMALL_PIECE : HTTP_PIECE));
}

/* Of a text alone libcurl composes the URL once more after parsing it, which is a twentieth of all that a
 * small request costs. What the parser refuses is left to libcurl, which then says why. Not on a task's
 * stack: the parser would touch two more pages of each. */
void http_handle_parse(struct http_transfer *t)
{
    const char *url = t->res->pub.url;
    if (!t->url)
        t->url = curl_url();
    bool good = t->url && curl_url_set(t->url, CURLUPART_URL, url, 0) == CURLUE_OK;
    curl_easy_setopt(t->easy, CURLOPT_CURLU, good ? t->url : NULL);
    t->parsed = true;
}

int http_handle_prepare(struct http_transfer *t, const struct http_call *c)
{
    t->parsed = false;
    CURLcode rc = curl_easy_setopt(t->easy, CURLOPT_URL, c->res->pub.url);
    SET(rc, t->easy, CURLOPT_HTTPHEADER, c->headers);
    if (rc == CURLE_OK)
        rc = set_method(t, c);
    if (rc == CURLE_OK)
        rc = set_proxy(t, c->res->pub.url);
    if (rc == CURLE_OK)
        rc = set_connect_timeout(t, c->o.connect_timeout);
    if (rc == CURLE_OK)
        rc = set_buffer(t);
    bool http1 = c->o.http1 || c->stream;
    if (http1 != t->http1) {
        t->http1 = http1;
        SET(rc, t->easy, CURLOPT_HTTP_VERSION,
            (long)(http1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
    }
    if (c->o.no_decompress) {
        t->plain = false;
        SET(rc, t->easy, CURLOPT_ACCEPT_ENCODING, NULL);
    }
    return rc == CURLE_OK ? 0 : -ENOMEM;
}
