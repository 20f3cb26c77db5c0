/* SPDX-License-Identifier: MIT */
/* transfer_error.c - translate error codes of libcurl. */
#include "http_internal.h"

static enum async_http_error error_of(CURLcode rc)
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
    case CURLE_UNSUPPORTED_PROTOCOL: /* of what was asked for we know it is not: an answer without headers */
    default:
        return ASYNC_HTTP_PROTOCOL;
    }
}

static int connect_code(struct http_transfer *t)
{
    long os = 0;
    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os);
    return os > 0 && os != EINPROGRESS ? (int)-os : -ECONNREFUSED;
}

/* The reason may be ours: an address that we refused, a descriptor that we did not get. */
static int fail_connect(struct http_transfer *t, const char *text)
{
    if (t->forbidden)
        return http_fail(&t->res->error, ASYNC_HTTP_FORBIDDEN, "the address is private: %s", t->res->pub.url);
    if (t->socket_error == -EMFILE || t->socket_error == -ENFILE || t->socket_error == -ENOMEM ||
        t->socket_error == -ENOBUFS)
        return http_fail_errno(&t->res->error, ASYNC_HTTP_RESOURCES, t->socket_error, "socket: %s",
                              strerror(-t->socket_error));
    return http_fail_errno(&t->res->error, t->proxy ? ASYNC_HTTP_PROXY : ASYNC_HTTP_CONNECT, connect_code(t),
                          "%s", text);
}

int http_fail_curl(struct http_transfer *t, CURLcode rc)
{
    const char *text = t->text[0] ? t->text : curl_easy_strerror(rc);
    enum async_http_error e = error_of(rc);
    if (e == ASYNC_HTTP_CONNECT)
        return fail_connect(t, text);
    long connect = 0; /* what a proxy said to CONNECT */
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &connect);
    if (connect >= 300)
        return http_fail(&t->res->error, ASYNC_HTTP_PROXY, "%s", text);
    if (rc == CURLE_OUT_OF_MEMORY && t->res->paused)
        return http_fail(&t->res->error, ASYNC_HTTP_TOO_LARGE, "a few bytes unpack to more than 64 MB");
    if (rc == CURLE_COULDNT_RESOLVE_PROXY)
        return http_fail_errno(&t->res->error, e, -EHOSTUNREACH, "%s", text);
    return http_fail(&t->res->error, e, "%s", text);
}
