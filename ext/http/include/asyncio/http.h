/* SPDX-License-Identifier: MIT */
/* http.h - an HTTP client: sessions that share connections, whole responses, bodies piece by piece.
 *
 *   async_http_session_auto session = NULL;
 *   async_http_response_auto page = NULL;
 *   ASYNC_TRY(async_http_session_open(&session, .limit_per_host = 8));
 *   int status = ASYNC_TRY(await_http_get(session, "https://example.org/", &page, .timeout = 5));
 *   printf("%d, %zu bytes\n%s\n", status, page->size, page->body);
 *
 * A response of 400 and above is a response, not an error (.raise_for_status changes that).
 * Certificates are verified; redirects are followed, at most 10, over http and https only, never
 * from https to http, and without the credentials where scheme, host or port change; bodies are
 * decompressed and end at 64 MiB. */
#ifndef ASYNCIO_HTTP_H
#define ASYNCIO_HTTP_H

#include <asyncio/co.h>
#include <asyncio/gen.h>

ASYNC_BEGIN_DECLS

/* What went wrong, in finer parts than the negative errno that a call returns, and which one that
 * is. */
enum async_http_error {
    ASYNC_HTTP_OK,
    ASYNC_HTTP_BAD_URL,     /* -EINVAL: the URL cannot be read */
    ASYNC_HTTP_BAD_REQUEST, /* -EINVAL: a method, header or option; CR, LF and the like in one of them */
    ASYNC_HTTP_SCHEME,      /* -EPROTONOSUPPORT: neither http nor https, also where a redirect leads */
    ASYNC_HTTP_FORBIDDEN,   /* -EACCES: a private address and .no_private; a redirect from https to http */
    ASYNC_HTTP_DNS,         /* -EHOSTUNREACH: no address for that name */
    ASYNC_HTTP_CONNECT,     /* -ECONNREFUSED, -ENETUNREACH...: what connect() said */
    ASYNC_HTTP_PROXY,       /* the same, -EHOSTUNREACH or -EPROTO: of the proxy */
    ASYNC_HTTP_TLS,         /* -EPROTO: no secure connection came about */
    ASYNC_HTTP_CERTIFICATE, /* -EKEYREJECTED: one did, with somebody whom we do not trust */
    ASYNC_HTTP_TIMEOUT,     /* -ETIMEDOUT: of .timeout, .connect_timeout, .stall_timeout */
    ASYNC_HTTP_RESET,       /* the connection ended before the response was complete: -ENODATA if the
                             * server closed it, -ECONNRESET if it was reset */
    ASYNC_HTTP_PROTOCOL,    /* -EPROTO: what came is not HTTP, or contradicts itself */
    ASYNC_HTTP_TOO_LARGE,   /* -ENOBUFS: .max_body after decompression, 256 KiB of headers, a bomb */
    ASYNC_HTTP_REDIRECTS,   /* -ELOOP: more than .max_redirects */
    ASYNC_HTTP_STATUS,      /* -EREMOTEIO: 400 and above, and .raise_for_status */
    ASYNC_HTTP_CLOSED,      /* -EPIPE: the session was closed */
    ASYNC_HTTP_CANCELED,    /* -ECANCELED */
    ASYNC_HTTP_RESOURCES,   /* -ENOMEM, -EMFILE and the like, of this process */
};

/* "bad-url", "dns", "timeout", ...: for logs. Never NULL. */
const char *async_http_error_name(enum async_http_error e);

/* Names and values by turns, for headers, query, form: .headers = ASYNC_HTTP_PAIRS("Accept",
 * "text/html") */
#define ASYNC_HTTP_PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* --- sessions --- */

/* Connections that its requests share, and their defaults. Belongs to the loop that it was opened
 * in. */
typedef struct async_http_session async_http_session;

struct async_http_session_opts { /* all strings are copied */
    size_t struct_size;          /* the macros set it */
    const char *const *headers;  /* pairs, sent with every request that has none of that name */
    const char *user_agent;      /* default "asyncio/VERSION"; "": none */
    int limit;                   /* requests at a time, others queue; default 100; negative: none */
    int limit_per_host;          /* the same for one scheme, host and port; default: none */
    double timeout;              /* these six: defaults for requests, see there */
    double connect_timeout;
    double stall_timeout;
    size_t max_body;
    int max_redirects;
    bool http1;
    const char *proxy;           /* URL, for all requests; "": none; default: http_proxy,
                                  * https_proxy, all_proxy in the environment */
    const char *no_proxy;        /* hosts reached without it, "a.org,.b.org" or "*"; default:
                                  * no_proxy in the environment */
    const char *ca_file;         /* PEM; default: the system's */
    const char *cert_file;       /* of the client, PEM */
    const char *key_file;        /* of the client, PEM */
    const char *unix_socket;     /* connect to this path whatever the URL says */
    const char *const *resolve;  /* "host:port:address", ..., NULL: without asking the resolver */
    int ip;                      /* 4 or 6: only that; default: both */
    bool cookies;                /* keep what servers set and send it back, in memory */
    bool no_private;             /* refuse private, loopback, link-local, multicast addresses, after
                                  * resolution; a proxy's too */
    bool allow_downgrade;        /* follow redirects from https to http */
    bool insecure_no_verify;     /* trust any certificate; a line on stderr says so once */
};

/* The environment is read here, once. 0; -EPERM: no loop runs on this thread; -EINVAL: an option;
 * -ENOMEM. */
#define async_http_session_open(ret, ...)                                                          \
    async_http_session_open_opt(                                                                   \
            (ret), ASYNC__OPTS(struct async_http_session_opts,                                        \
                           .struct_size = sizeof(struct async_http_session_opts), __VA_ARGS__))
int async_http_session_open_opt(async_http_session **ret,
                                const struct async_http_session_opts *opts) ASYNC_CHECK;

/* Closes the connections. Requests still under way fail with -EPIPE, so do reads of their bodies.
 * NULL: nothing to do. In the session's loop. */
void async_http_session_close(async_http_session *session);

/* async_http_session_auto s = NULL: closed where its block ends. */
#define async_http_session_auto                                                                    \
    ASYNC_AUTO(async_http_session_drop) __typeof__(async_http_session *)
void async_http_session_drop(async_http_session **session);

/* await_with (r, async_http_session_hold(&session, .limit = 10)) { } */
#define async_http_session_hold(ret, ...)                                                          \
    async_http_session_hold_opt(                                                                   \
            (ret), ASYNC__OPTS(struct async_http_session_opts,                                        \
                           .struct_size = sizeof(struct async_http_session_opts), __VA_ARGS__))
async_hold async_http_session_hold_opt(async_http_session **ret,
                                       const struct async_http_session_opts *opts);

/* --- responses --- */

typedef struct async_http_field {
    const char *name, *value;
    struct async_http_field *next;
} async_http_field;

typedef struct async_http_redirect {
    int status;
    const char *url; /* that answered with it */
    struct async_http_redirect *next;
} async_http_redirect;

/* Seconds. The first four are sums over the redirects; the last two count from the call. */
typedef struct async_http_times {
    double queued;  /* for the session's limits, or for a connection to share */
    double dns;     /* to find the address */
    double connect; /* TCP */
    double tls;     /* handshake */
    double ttfb;    /* until the first byte of the response; 0: there was none */
    double total;   /* until its end, or the error */
} async_http_times;

/* A response, to be read; the library writes it, and everything in it lives as long as it. */
typedef struct async_http_response {
    int status;                           /* 200; 0: none came, see error */
    int version;                          /* 10, 11, 20: HTTP/1.0, 1.1, 2 */
    const char *reason;                   /* "OK"; "" in HTTP/2 */
    const char *url;                      /* that answered, in the end; never with a user or password */
    const char *remote_ip;                /* of the connection (a proxy's, if there is one), or "" */
    const async_http_field *headers;      /* in their order */
    const async_http_redirect *redirects; /* that led here, in their order */
    int redirect_count;
    const char *body;    /* decompressed; a NUL follows; not NULL. Streams: "" */
    size_t size;         /* of the body; streams: as far as it has come */
    uint64_t wire_size;  /* of the body before decompression, as far as it has come */
    async_http_times times;
    enum async_http_error error; /* ASYNC_HTTP_OK, or why the request failed */
    int code;                    /* the negative errno of that, or 0 */
    const char *error_text;      /* a sentence on it, or "" */
} async_http_response;

/* Frees it; of a stream that is not at its end: aborts the transfer. NULL: nothing to do. */
void async_http_response_free(async_http_response *response);

/* async_http_response_auto r = NULL: freed where its block ends. */
#define async_http_response_auto                                                                   \
    ASYNC_AUTO(async_http_response_drop) __typeof__(async_http_response *)
void async_http_response_drop(async_http_response **response);

/* The value of the first header of that name in any case, or NULL. */
const char *async_http_header(const async_http_response *response, const char *name);

/* What the Retry-After header asks for, in seconds from now, at least 0; -1: it asks for nothing. */
double async_http_retry_after(const async_http_response *response);

/* Take the body away: it is the caller's, for free(). The response's is empty then. Not for
 * streams: NULL. */
char *async_http_take_body(async_http_response *response, size_t *ret_size);

/* --- requests --- */

struct async_http_opts {
    size_t struct_size;         /* the macros set it */
    const char *const *headers; /* pairs; each replaces the session's of that name */
    const char *const *query;   /* pairs, encoded and appended to the URL */
    /* the body, one of these; with POST, PUT and whatever method allows one */
    const char *text;        /* text/plain in UTF-8 */
    const char *json;        /* application/json */
    const char *const *form; /* pairs, application/x-www-form-urlencoded */
    const void *body;        /* bytes, application/octet-stream */
    size_t body_size;
    const char *content_type;    /* another one for it; -EINVAL without a body. A Content-Type among the headers is
                                  * sent as it is, with a body or without, unless this is given */
    const char *user, *password; /* Basic authorization; also from the URL */
    const char *bearer;          /* Bearer authorization */
    /* limits, in seconds and bytes; 0: the session's, or the default; ASYNC_FOREVER, SIZE_MAX: none */
    double timeout;         /* the whole call, redirects and queueing too; default 300. A stream's includes
                             * its body, default none */
    double connect_timeout; /* name, connection and handshake; default 30 */
    double stall_timeout;   /* not a byte in either direction; default 60; noticed up to a quarter late */
    size_t max_body;        /* after decompression; default 64 MiB; streams: none */
    int max_redirects;      /* default 10; negative: the redirect itself is the response */
    bool http1;             /* not HTTP/2; else it is used over https where the server can */
    bool no_decompress;     /* neither ask for compression nor undo it */
    bool raise_for_status;  /* 400 and above are the error -EREMOTEIO */
    async_http_response **failed; /* written if the request fails: what is known, error and times among it
                                   * (NULL: nothing). May be ret. The caller frees it */
};

/* Make a request and read the response. Returns its status; or the errno of an async_http_error,
 * and async_fail_text() has a sentence on it. Nothing is left behind by a cancellation: the
 * transfer is aborted, though the server may have seen the request. -EPERM: the session is not this
 * loop's. Suspends: until the response is complete. body and opts are borrowed until then. */
#define await_http_request(session, method, url, ret, ...)                                         \
    await_http_request_opt((session), (method), (url), ASYNC_HTTP__OPTS(__VA_ARGS__), (ret))
#define await_http_get(session, url, ret, ...)                                                     \
    await_http_request_opt((session), "GET", (url), ASYNC_HTTP__OPTS(__VA_ARGS__), (ret))
#define await_http_head(session, url, ret, ...)                                                    \
    await_http_request_opt((session), "HEAD", (url), ASYNC_HTTP__OPTS(__VA_ARGS__), (ret))
#define await_http_post(session, url, ret, ...)                                                    \
    await_http_request_opt((session), "POST", (url), ASYNC_HTTP__OPTS(__VA_ARGS__), (ret))
#define await_http_put(session, url, ret, ...)                                                     \
    await_http_request_opt((session), "PUT", (url), ASYNC_HTTP__OPTS(__VA_ARGS__), (ret))
int await_http_request_opt(async_http_session *session, const char *method, const char *url,
                           const struct async_http_opts *opts, async_http_response **ret) ASYNC_CHECK;

/* The same up to the end of the headers; the body is for await_http_read(), and waits in the
 * network until it is read. A body to be sent is copied. It counts against the session's limits
 * until its end is read or it is freed. Over HTTP/1.1, so that a slow reader keeps nobody else from
 * a shared connection. */
#define await_http_open(session, method, url, ret, ...)                                            \
    await_http_open_opt((session), (method), (url), ASYNC_HTTP__OPTS(__VA_ARGS__), (ret))
int await_http_open_opt(async_http_session *session, const char *method, const char *url,
                        const struct async_http_opts *opts, async_http_response **ret) ASYNC_CHECK;

/* The next bytes of a stream's body, at most size: how many; 0: at its end (or size is 0). Errors
 * as above, again and again; what came before one is given first. -EBUSY: another task reads it.
 * -EINVAL: not a stream. Cancelled: nothing is lost, read on. Suspends: until there are some. */
ssize_t await_http_read(async_http_response *response, void *buf, size_t size) ASYNC_CHECK;

/* await_for_each (r, chunk, async_http_chunks(response)) fwrite(chunk.data, 1, chunk.size, f);
 * The body of a stream to its end, at most 16 KiB at a time, each until the next round. r: 0, or the error. Left early,
 * the rest can still be read, or the response freed. */
typedef struct async_http_chunk {
    const char *data;
    size_t size;
} async_http_chunk;
struct async_http_chunks {
    async_gen gen;
    async_http_chunk *item;
};
struct async_http_chunks async_http_chunks(async_http_response *response) ASYNC_CHECK;

#define ASYNC_HTTP__OPTS(...)                                                                      \
    ASYNC__OPTS(struct async_http_opts, .struct_size = sizeof(struct async_http_opts), __VA_ARGS__)

ASYNC_END_DECLS

#endif
