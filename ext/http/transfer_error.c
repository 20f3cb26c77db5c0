/* SPDX-License-Identifier: MIT */
/* transfer_error.c - translate error codes of libcurl. */
#include "transfer_error.h"

#include <errno.h>
#include <string.h>

#include "transfer.h"

enum { HEADER_LINE_MAX = 100 * 1024 }; /* bytes; libcurl's limit */

/* Return the kind of error for a code of libcurl. */
static enum async_http_error kind_of_code(CURLcode rc)
{
    switch (rc) {
    case CURLE_URL_MALFORMAT:
        return ASYNC_HTTP_BAD_URL;
    case CURLE_COULDNT_RESOLVE_HOST:
        return ASYNC_HTTP_DNS;
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED:
        return ASYNC_HTTP_CONNECT;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return ASYNC_HTTP_PROXY;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return ASYNC_HTTP_CERTIFICATE;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_USE_SSL_FAILED:
        return ASYNC_HTTP_TLS;
    case CURLE_OPERATION_TIMEDOUT:
        return ASYNC_HTTP_TIMEOUT;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        return ASYNC_HTTP_RESET;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
        return ASYNC_HTTP_RESOURCES;
    /* The scheme of the URL was checked before, so this is a response without headers. */
    case CURLE_UNSUPPORTED_PROTOCOL:
    default:
        return ASYNC_HTTP_PROTOCOL;
    }
}

/* The connection ended too early. RECV_ERROR is also what libcurl reports for broken chunks. Over
 * TLS a connection that is closed without a close_notify is one of the errors of receiving, since
 * it may have been cut by an attacker. */
static int fail_early_end(struct http_transfer *t, CURLcode rc, const char *text)
{
    struct http_error *e = &t->res->error;
    if (rc == CURLE_GOT_NOTHING || rc == CURLE_PARTIAL_FILE)
        return http_fail_errno(e, ASYNC_HTTP_RESET, -ENODATA, "%s", text);
    if (rc == CURLE_RECV_ERROR && strstr(text, "chunk"))
        return http_fail(e, ASYNC_HTTP_PROTOCOL, "%s", text);
    return http_fail(e, ASYNC_HTTP_RESET, "%s", text);
}

/* HTTP/2 has ended this stream, or the connection. It depends on the code of the frame whether the
 * server had a passing problem, or found fault with what it received. libcurl has the code in its
 * message, and no message if the server has ended the connection (GOAWAY) or its side of a stream
 * while a body was being sent. */
static int fail_http2(struct http_transfer *t, CURLcode rc, const char *text)
{
    static const char *const faults[] = { "(err 1)", "(err 3)",  "(err 5)", "(err 6)",
                                          "(err 9)", "(err 12)", "(err 13)" };
    struct http_error *e = &t->res->error;
    bool ended = strcmp(text, curl_easy_strerror(rc)) == 0;
    if (ended)
        return http_fail(e, ASYNC_HTTP_RESET, "HTTP/2: server ended the %s before the response",
                         rc == CURLE_HTTP2 ? "connection" : "stream");
    if (strstr(text, "Send failure") ||
        strstr(text, "Recv failure")) /* the connection was closed */
        return http_fail(e, ASYNC_HTTP_RESET, "%s", text);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (strstr(text, faults[i]))
            return http_fail(e, ASYNC_HTTP_PROTOCOL, "%s", text);
    return http_fail(e, rc == CURLE_HTTP2_STREAM ? ASYNC_HTTP_RESET : ASYNC_HTTP_PROTOCOL, "%s",
                     text);
}

/* libcurl reports a header line above 100 KB as a lack of memory. It is one if fewer bytes than
 * that were received. */
static bool is_long_header(const struct http_transfer *t, CURLcode rc)
{
    return rc == CURLE_OUT_OF_MEMORY && !t->res->headers_done &&
           t->io.driver->closed_received > HEADER_LINE_MAX;
}

static int connect_errno(struct http_transfer *t)
{
    long os = 0;
    curl_easy_getinfo(t->io.easy, CURLINFO_OS_ERRNO, &os);
    return os > 0 && os != EINPROGRESS ? (int)-os : -ECONNREFUSED;
}

/* libcurl reports a failed connection in the same way if the driver refused an address or could not
 * make a socket. */
static int fail_connect(struct http_transfer *t, const char *text)
{
    struct http_error *e = &t->res->error;
    int err = t->io.socket_error;
    if (t->io.refused)
        return http_fail(e, ASYNC_HTTP_FORBIDDEN, "address is private, and .no_private is set");
    if (err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -ENOBUFS)
        return http_fail_errno(e, ASYNC_HTTP_RESOURCES, err, "cannot make a socket: %s",
                               strerror(-err));
    return http_fail_errno(e, t->proxy ? ASYNC_HTTP_PROXY : ASYNC_HTTP_CONNECT, connect_errno(t),
                           "%s", text);
}

int http_transfer_fail(struct http_transfer *t, CURLcode rc)
{
    struct http_error *e = &t->res->error;
    const char *text = t->error_text[0] ? t->error_text : curl_easy_strerror(rc);
    enum async_http_error kind = kind_of_code(rc);
    if (kind == ASYNC_HTTP_CONNECT)
        return fail_connect(t, text);
    long connect = 0; /* the status of a proxy's response to CONNECT */
    curl_easy_getinfo(t->io.easy, CURLINFO_HTTP_CONNECTCODE, &connect);
    if (connect >= 300)
        return http_fail(e, ASYNC_HTTP_PROXY, "%s", text);
    if (rc == CURLE_OUT_OF_MEMORY && t->res->paused) /* see stream.c */
        return http_fail(e, ASYNC_HTTP_TOO_LARGE,
                         "decompression bomb: a few bytes unpack to more than 64 MB");
    if (rc == CURLE_COULDNT_RESOLVE_PROXY)
        return http_fail_errno(e, kind, -EHOSTUNREACH, "%s", text);
    if (kind == ASYNC_HTTP_RESET)
        return fail_early_end(t, rc, text);
    if (rc == CURLE_HTTP2 || rc == CURLE_HTTP2_STREAM)
        return fail_http2(t, rc, text);
    if (is_long_header(t, rc))
        return http_fail(e, ASYNC_HTTP_TOO_LARGE, "line of the response headers exceeds %d bytes",
                         HEADER_LINE_MAX);
    return http_fail(e, kind, "%s", text);
}
