/* SPDX-License-Identifier: MIT */
/* http.h - an HTTP client: sessions that share connections, whole responses, and streams.
 *
 *   async_http_session_open             open a session: its connections, limits and defaults
 *   async_http_session_close            close it
 *   async_http_session_context_manager  both, for await_with
 *   await_http_get, _head, _post, _put  request a URL and read the whole response
 *   await_http_request                  the same with any method
 *   await_http_open                     request a URL and read the headers; the body is a stream
 *   await_http_read                     read the next bytes of a stream
 *   async_http_chunks                   iterate over a stream
 *   async_http_response_free            free a response
 *   async_http_header                   look up a header of a response
 *   async_http_retry_after              how long the server asks to wait
 *   async_http_can_retry                whether another attempt may succeed
 *   async_http_take_body                take the body out of a response
 *   async_http_error_name               the name of a kind of error, for logs
 *   async_http_url_parse and others     parse, join and print URLs (http_url.h)
 *
 *   ASYNC_DEF(show, (const char *)url)
 *   {
 *       async_http_session_auto session = NULL;
 *       async_http_response_auto page = NULL;
 *       ASYNC_TRY(async_http_session_open(&session, .limit_per_host = 8));
 *       int status = ASYNC_TRY(await_http_get(session, url, &page, .timeout = 5));
 *       printf("%d, %zu bytes\n%s\n", status, page->size, page->body);
 *       return 0;
 *   }
 *
 * A response with a status of 400 and above is a response, not an error; .raise_for_status changes
 * that. Certificates are verified. Redirects are followed, at most 10, to http and https only,
 * never from https to http. As soon as scheme, host or port change, credentials are dropped, and so
 * are the headers of the program, which may be API keys; only those are kept that cannot, such as
 * Accept, Range and User-Agent.
 * Bodies are decompressed and end at 64 MiB. Names are resolved by libcurl, on threads of its own.
 *
 * Each await_ function is called from a task of the session's loop and is a cancellation point.
 * Common errors, each with a message (async_fail_text()) and a kind (enum async_http_error):
 *   -EPERM       not called from a task, or the session is NULL or belongs to another loop
 *   -ECANCELED   the caller was cancelled; the transfer is aborted, though the server may have seen
 *                the request
 *   -ETIMEDOUT   .timeout, .connect_timeout or .stall_timeout has expired
 *   -ENODATA     the server closed the connection before the response was complete, or a compressed
 *                body ends too early
 *   -ECONNRESET  the connection was reset before the response was complete
 *   -EPIPE       the session was closed
 *   -ENOMEM      there is no memory; -EMFILE and the like: the process has run out of something
 *                else
 *
 * The program is linked with libasyncio-http and libcurl (pkg-config asyncio-http). */
#ifndef ASYNCIO_HTTP_H
#define ASYNCIO_HTTP_H

#include <asyncio/co.h>
#include <asyncio/gen.h>

#include "http_url.h"

ASYNC_BEGIN_DECLS

/* --- errors --- */

/* The kind of an error, in finer parts than the negative errno that a call returns with it. */
enum async_http_error {
    ASYNC_HTTP_OK,          /* no error */
    ASYNC_HTTP_BAD_URL,     /* -EINVAL: the URL cannot be parsed */
    ASYNC_HTTP_BAD_REQUEST, /* -EINVAL: a bad method, header or option; a line end in one of them */
    ASYNC_HTTP_SCHEME,      /* -EPROTONOSUPPORT: neither http nor https, also in a redirect */
    ASYNC_HTTP_FORBIDDEN,   /* -EACCES: a private address (.no_private), or from https to http */
    ASYNC_HTTP_DNS,         /* -EHOSTUNREACH: the name was not found */
    ASYNC_HTTP_CONNECT,     /* -ECONNREFUSED, -ENETUNREACH and others: the error of connect() */
    ASYNC_HTTP_PROXY,       /* as DNS and CONNECT, or -EPROTO: the proxy has failed or refused */
    ASYNC_HTTP_TLS,         /* -EPROTO: the TLS handshake has failed */
    ASYNC_HTTP_CERTIFICATE, /* -EKEYREJECTED: the server's certificate could not be verified */
    ASYNC_HTTP_TIMEOUT,     /* -ETIMEDOUT: .timeout, .connect_timeout or .stall_timeout */
    ASYNC_HTTP_RESET,       /* -ENODATA, -ECONNRESET: the connection ended before the response */
    ASYNC_HTTP_PROTOCOL,    /* -EPROTO: what was received is not HTTP, contradicts itself, or is not
                             * what its Content-Encoding says */
    ASYNC_HTTP_TOO_LARGE,   /* -ENOBUFS: more than .max_body, more than 256 KiB of headers, or a
                             * line of more than 100 KiB among them, or a decompression bomb, more
                             * than 100 times what was received */
    ASYNC_HTTP_REDIRECTS,   /* -ELOOP: more than .max_redirects */
    ASYNC_HTTP_STATUS,      /* -EREMOTEIO: a status of 400 and above, with .raise_for_status */
    ASYNC_HTTP_CLOSED,      /* -EPIPE: the session was closed */
    ASYNC_HTTP_CANCELED,    /* -ECANCELED: the task was cancelled */
    ASYNC_HTTP_RESOURCES,   /* -ENOMEM, -EMFILE and the like: the process lacks a resource */
};

/* Return the name of a kind of error, for logs.
 *
 * e          the kind, as in async_http_response.error.
 * Returns    "ok", "bad-url", "dns", "timeout" and so on; "unknown" for any other value. */
const char *async_http_error_name(enum async_http_error e);

/* --- sessions --- */

/* Connections that requests share, and defaults for these requests. A session belongs to the loop
 * in which it was opened. */
typedef struct async_http_session async_http_session;

/* A list of names and values by turns, for .headers, .query and .form:
 *
 *   .headers = ASYNC_HTTP_PAIRS("Accept", "text/html", "X-Trace", id)
 *
 * Expands to an array of strings with NULL behind them. It is valid until its block ends; in C++,
 * until the call ends for which it is written. */
#define ASYNC_HTTP_PAIRS(...) ASYNC__LIST(__typeof__(const char *), __VA_ARGS__, NULL)

/* Options of a session. All strings are copied. Zero stands for the default. */
struct async_http_session_opts {
    size_t struct_size;         /* set by the macros */
    const char *const *headers; /* pairs, sent with every request that does not replace them */
    const char *user_agent;     /* default "asyncio/VERSION"; "": none */
    int limit;                  /* requests at a time; default 100; negative: no limit */
    int limit_per_host;         /* the same for one scheme, host and port; default: no limit */
    /* Defaults of the requests, see struct async_http_opts. Streams ignore .timeout, .max_body. */
    double timeout;
    double connect_timeout;
    double stall_timeout;
    size_t max_body;
    int max_redirects;
    bool http1;
    const char *proxy;       /* its URL, for all requests; "": none; default: http_proxy,
                              * https_proxy and all_proxy in the environment */
    const char *no_proxy;    /* hosts that are reached without a proxy, such as "a.org,.b.org", or
                              * "*"; default: no_proxy in the environment */
    const char *ca_file;     /* trusted certificates, PEM; default: those of the system */
    const char *cert_file;   /* certificate of the client, PEM; default: none */
    const char *key_file;    /* private key of cert_file, PEM */
    const char *unix_socket; /* path of a socket to connect to, whatever host the URL names */
    const char *const *resolve; /* "host:port:address", ..., NULL: names that are not looked up */
    int ip;                  /* 4 or 6: use only addresses of this version; default: both */
    bool cookies;            /* keep the cookies that servers set, in memory, and send them back */
    bool no_private;         /* refuse addresses that are not public, also of a proxy */
    bool allow_downgrade;    /* follow redirects from https to http */
    bool insecure_no_verify; /* accept any certificate; a warning on stderr, once a process */
    bool location_trusted;   /* see struct async_http_opts */
    const char *base_url;    /* URLs of requests may be relative to it, as links to their page, see
                              * async_http_url_join(); default: none */
};

/* Open a session.
 *
 *   async_http_session_auto session = NULL;
 *   ASYNC_TRY(async_http_session_open(&session, .limit_per_host = 8, .cookies = true));
 *
 * ret        receives the session, which the caller closes in the same loop.
 * ...        members of struct async_http_session_opts.
 * Returns    0; -EPERM if no loop runs on this thread; -EINVAL if an option is wrong, with a
 *            message (async_fail_text()); -ENOMEM.
 *
 * The environment is read at this call, and not again. Nothing is connected yet. */
#define async_http_session_open(ret, ...)                                                          \
    async_http_session_open_opt(                                                                   \
            (ret), ASYNC__OPTS(struct async_http_session_opts,                                     \
                               .struct_size = sizeof(struct async_http_session_opts),              \
                               __VA_ARGS__))
int async_http_session_open_opt(async_http_session **ret,
                                const struct async_http_session_opts *opts) ASYNC_CHECK;

/* Close a session with all its connections.
 *
 * session    the session, in its own loop; may be NULL. Requests that are under way or queued fail
 *            with -EPIPE, and so do reads of its streams. Responses stay valid. */
void async_http_session_close(async_http_session *session);

/* Declare a session that is closed where its block ends; several can be declared at once.
 *
 *   async_http_session_auto a = NULL, b = NULL; */
#define async_http_session_auto                                                                    \
    ASYNC_AUTO(async_http_session_drop) __typeof__(async_http_session *)
void async_http_session_drop(async_http_session **session);

/* Return a context manager that opens a session for the length of a block.
 *
 *   async_http_session *session;
 *   await_with (r, async_http_session_context_manager(&session, .limit = 10))
 *       r = await_crawl(session);
 *
 * ret        receives the session, and NULL when the block is left.
 * ...        members of struct async_http_session_opts.
 * Returns    the context manager. r is set as by async_http_session_open() if that fails. */
#define async_http_session_context_manager(ret, ...)                                               \
    async_http_session_context_manager_opt(                                                        \
            (ret), ASYNC__OPTS(struct async_http_session_opts,                                     \
                               .struct_size = sizeof(struct async_http_session_opts),              \
                               __VA_ARGS__))
async_context_manager
async_http_session_context_manager_opt(async_http_session **ret,
                                       const struct async_http_session_opts *opts);
#define async_http_session_hold async_http_session_context_manager /* its name before 0.2 */

/* --- responses --- */

/* A header of a response. */
typedef struct async_http_field {
    const char *name, *value; /* the value without the blanks around it */
    struct async_http_field *next;
} async_http_field;

/* A redirect that led to a response. */
typedef struct async_http_redirect {
    int status;      /* 301, 302, 303, 307 or 308 */
    const char *url; /* the URL that answered with it */
    struct async_http_redirect *next;
} async_http_redirect;

/* Where the time of a request went, in seconds. The first four are sums over its redirects; the
 * last two count from the call. */
typedef struct async_http_times {
    double queued;  /* waiting for a permit of the session, or for a connection to share */
    double dns;     /* looking up the name */
    double connect; /* TCP handshake */
    double tls;     /* TLS handshake */
    double ttfb;    /* until the first byte of the response; 0 if there was none */
    double total;   /* until its end, or the error */
} async_http_times;

/* A response. Its members are for reading only, and valid until it is freed; those of a stream
 * change when it is read. */
typedef struct async_http_response {
    int status;                           /* 200 and so on; 0 until the headers are complete */
    int version;                          /* 10, 11 or 20: HTTP/1.0, 1.1 or 2; 0 if unknown */
    const char *reason;                   /* "OK" and the like; "" in HTTP/2 */
    const char *url;                      /* that answered in the end, without user and password */
    const char *remote_ip;                /* of the connection, perhaps to a proxy; "" if unknown */
    const async_http_field *headers;      /* in their order, or NULL */
    const async_http_redirect *redirects; /* in their order, or NULL */
    int redirect_count;
    const char *body;    /* decompressed, with a NUL behind it; of a stream "". Never NULL */
    size_t size;         /* bytes of the body; of a stream, as far as it was received */
    uint64_t wire_size;  /* the same before decompression */
    async_http_times times;
    enum async_http_error error; /* why the request has failed, or ASYNC_HTTP_OK */
    int code;                    /* the negative errno of that, or 0 */
    const char *error_text;      /* a message about it, or "" */
} async_http_response;

/* Free a response. A stream that is not at its end is aborted, and its connection closed.
 *
 * response   the response; may be NULL. Not while a task reads it. */
void async_http_response_free(async_http_response *response);

/* Declare a response that is freed where its block ends; several can be declared at once.
 *
 *   async_http_response_auto page = NULL, failed = NULL; */
#define async_http_response_auto                                                                   \
    ASYNC_AUTO(async_http_response_drop) __typeof__(async_http_response *)
void async_http_response_drop(async_http_response **response);

/* Look up a header.
 *
 *   const char *type = async_http_header(page, "Content-Type");
 *
 * response   the response.
 * name       the name, in small or capital letters.
 * Returns    the value of the first header of that name, owned by the response; NULL if there is
 *            none. */
const char *async_http_header(const async_http_response *response, const char *name);

/* Return how long the server asks to wait before the next request (Retry-After).
 *
 *   double seconds = async_http_retry_after(page);
 *   if (page->status == 503 && seconds >= 0)
 *       ASYNC_TRY(await_sleep(seconds));
 *
 * response   the response.
 * Returns    seconds from now, at least 0; -1 if there is no such header, or it is malformed. */
double async_http_retry_after(const async_http_response *response);

/* Return whether another attempt of a request may succeed.
 *
 *   int status = await_http_get(session, url, &page, .failed = &page);
 *   if (page && async_http_can_retry(page))
 *       ASYNC_TRY(await_sleep(1)); // and then again
 *
 * response   the response, also one that .failed has received.
 * Returns    true after an error of DNS, of the connection or of its end, a timeout, a proxy that
 *            cannot be reached, and the statuses 408, 425, 429, 500, 502, 503, 504, 522 and 524.
 *            Whether the server may execute the request twice is for the caller to decide. */
bool async_http_can_retry(const async_http_response *response);

/* Take the body out of a whole response, which has an empty one afterwards.
 *
 * response   the response.
 * ret_size   receives the number of bytes; a NUL follows them. It may be NULL.
 * Returns    the body, to be freed by free(); NULL if response is a stream or memory is short. */
char *async_http_take_body(async_http_response *response, size_t *ret_size);

/* --- requests --- */

/* Options of a request. The library borrows all of them until the call returns. */
struct async_http_opts {
    size_t struct_size;         /* set by the macros */
    const char *const *headers; /* pairs; each replaces the session's header of that name */
    const char *const *query;   /* pairs, encoded and appended to the URL */
    /* The body: one of these four. POST, PUT and PATCH without any send an empty body. */
    const char *text;        /* as text/plain in UTF-8 */
    const char *json;        /* as application/json */
    const char *const *form; /* pairs, as application/x-www-form-urlencoded */
    const void *body;        /* body_size bytes, as application/octet-stream */
    size_t body_size;
    const char *content_type; /* type of the body; -EINVAL without a body. Replaces a Content-Type
                               * in .headers, which is also sent without a body */
    const char *user, *password; /* Basic authorization; otherwise taken from the URL */
    const char *bearer;          /* token of Bearer authorization */
    /* Seconds and bytes. 0: as in the session, or the default; ASYNC_FOREVER, SIZE_MAX: none. */
    double timeout;         /* of the whole call with redirects and queues; default 300. Of a stream
                             * with its body; default: none. Negative: expired already */
    double connect_timeout; /* to look up the name, connect and shake hands; default 30 */
    double stall_timeout;   /* without a byte in either direction; default 60; up to 25 % late */
    size_t max_body;        /* of the decompressed body; default 64 MiB; of a stream: no limit */
    int max_redirects;      /* default 10; negative: a redirect is returned as the response */
    bool http1;             /* do not use HTTP/2, which is otherwise used over https if possible */
    bool no_decompress;     /* do not ask for compression, and do not undo it: the body is what the
                             * server has stored, also if that is an archive with the header
                             * Content-Encoding: gzip */
    bool raise_for_status;  /* a status of 400 and above is the error -EREMOTEIO */
    async_http_response **failed; /* receives the response of a request that fails, with the error
                                   * and times, which the caller frees; or NULL. May be ret */
    bool location_trusted;  /* send credentials and all headers also after a redirect to another
                             * scheme, host or port */
};

/* Make a request and read the whole response.
 *
 *   async_http_response_auto page = NULL;
 *   int status = ASYNC_TRY(await_http_post(session, "https://example.org/items", &page,
 *                                          .json = "{\"name\": \"a\"}", .timeout = 5));
 *
 * session    the session.
 * method     "GET", "DELETE" or any other; the macros below have it in their names.
 * url        beginning with http:// or https://, as for async_http_url_parse() (http_url.h). So
 *            spaces and other bytes that a URL cannot have are encoded, and names need not be
 *            ASCII. A user and password are used for Basic authorization. With .base_url of the
 *            session it may be relative, such as "users/7".
 * ret        receives the response, which the caller frees. Written only on success.
 * ...        members of struct async_http_opts.
 * Returns    the status, such as 200 or 404; or the negative errno of an enum async_http_error,
 *            where each has its explanation. With .failed the caller learns more.
 * Cancelled  returns -ECANCELED, unless the response was complete by then.
 * Suspends   until the response is complete.
 * See also   await_http_open(), for bodies that are large or endless. */
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
                           const struct async_http_opts *opts,
                           async_http_response **ret) ASYNC_CHECK;

/* The options of one request, from the arguments of a macro: &(struct async_http_opts){ ... }. */
#define ASYNC_HTTP__OPTS(...)                                                                      \
    ASYNC__OPTS(struct async_http_opts, .struct_size = sizeof(struct async_http_opts), __VA_ARGS__)

/* Make a request, follow redirects, and read the headers of the response. The body is a stream.
 *
 *   async_http_response_auto page = NULL;
 *   char buf[4096];
 *   ssize_t n;
 *   ASYNC_TRY(await_http_open(session, "GET", url, &page, .raise_for_status = true));
 *   while ((n = ASYNC_TRY(await_http_read(page, buf, sizeof buf))) > 0)
 *       ASYNC_TRY(await_stream_write(out, buf, (size_t)n));
 *
 * session, method, url, ret, ...   as above; a body to send is copied.
 * Returns    the status, or an error as above. Errors after the headers are returned by
 *            await_http_read().
 * Cancelled  returns -ECANCELED, unless the headers were complete by then.
 * Suspends   until the headers are complete.
 *
 * What is not read waits in the network: a slow reader holds back the server, and about 32 KiB are
 * kept in memory (256 KiB of a compressed body). The request counts against the session's limits
 * until its end was received or the response is freed. Streams use HTTP/1.1, so that a slow reader
 * does not hold up others on a shared connection. */
#define await_http_open(session, method, url, ret, ...)                                            \
    await_http_open_opt((session), (method), (url), ASYNC_HTTP__OPTS(__VA_ARGS__), (ret))
int await_http_open_opt(async_http_session *session, const char *method, const char *url,
                        const struct async_http_opts *opts, async_http_response **ret) ASYNC_CHECK;

/* Read the next bytes of a stream's body.
 *
 * response   of await_http_open().
 * buf, size  receives at most size bytes.
 * Returns    how many bytes were read; 0 at the end of the body, or if size is 0; an error of the
 *            response. Bytes that were received before an end or an error are returned first; then
 *            every further call returns the same end or error again:
 *              0            the body is complete
 *              -ENODATA     the server closed the connection before the body was complete, or a
 *                           compressed body ends too early
 *              -ECONNRESET  the connection was reset, or TLS was closed without close_notify
 *              -EPIPE       the session was closed
 *              -ETIMEDOUT   .timeout or .stall_timeout has expired
 *              -ENOBUFS     the body is larger than .max_body, or a decompression bomb
 *              -EPROTO      what was received is not HTTP
 *            A body without Content-Length and chunks ends where its connection is closed, so for
 *            it an early close cannot be told from the end. These do not end the stream: -EBUSY if
 *            another task is reading it, -EINVAL if response is not a stream, -ECANCELED.
 * Cancelled  returns -ECANCELED and has consumed nothing: a later read returns the same bytes.
 * Suspends   until there are bytes, or the end. */
ssize_t await_http_read(async_http_response *response, void *buf, size_t size) ASYNC_CHECK;

/* A piece of a body. */
typedef struct async_http_chunk {
    const char *data; /* valid until the next iteration */
    size_t size;      /* 1 to 16 KiB */
} async_http_chunk;

/* The generator that async_http_chunks() returns. Its members are private. */
struct async_http_chunks {
    async_gen gen;
    async_http_chunk *item;
};

/* Iterate over the body of a stream.
 *
 *   await_for_each (r, chunk, async_http_chunks(page))
 *       fwrite(chunk.data, 1, chunk.size, file);
 *
 * response   of await_http_open().
 * Returns    a generator for await_for_each (gen.h), which sets r to 0 at the end of the body, or
 *            to an error of await_http_read(). After an early exit the rest can still be read.
 * Suspends   no; the loop suspends at each iteration. */
struct async_http_chunks async_http_chunks(async_http_response *response) ASYNC_CHECK;

ASYNC_END_DECLS

#endif
