/* SPDX-License-Identifier: MIT */
/* web.h - an HTTP/1.1 server whose handlers are coroutines, one task a request. Library libasyncio-web.
 *
 *   ASYNC_DEF(hello, (async_web_request *)rq)
 *   {
 *       ASYNC_TRY(await_sleep(0.1));
 *       return async_web_text(rq, 200, "Hello, %s!\n", async_web_param(rq, "name"));
 *   }
 *
 *   static const async_web_route routes[] = { { "GET", "/hello/{name}", hello }, { 0 } };
 *
 *   ASYNC_DEF(amain) { return await_web_serve(routes, .port = 8080); }
 *
 * A handler is made when its request is complete, body and all, and the answer goes out when it has ended (a
 * streamed one from its begin on). It is cancelled when its client goes away, which is when the client has
 * closed its side of the connection, and when the server stops. A handler that fails, or ends, without an
 * answer gives 500, and a line on stderr. All strings that a request gives are valid until its handler ends.
 * The convention of the names stands at the top of base.h. */
#ifndef ASYNCIO_WEB_H
#define ASYNCIO_WEB_H

#include <asyncio/co.h>
#include <asyncio/sync.h>

ASYNC_BEGIN_DECLS

typedef struct async_web_server async_web_server;
typedef struct async_web_request async_web_request;
typedef struct async_web_page async_web_page;

/* --- routes --- */

/* Which handler answers what. Tables end with { 0 }; the first route that fits wins. Routes are borrowed as long
 * as the server lives. path begins with '/'; "{name}" stands for one segment, not empty, "{name...}" at the end
 * for all that is left, maybe nothing. A path that fits with other methods only: 405 and Allow; none: 404. */
typedef struct async_web_route {
    const char *method; /* "GET" (HEAD too), "POST"...; "*": any */
    const char *path;
    async_co (*handler)(async_web_request *rq);
} async_web_route;

/* --- the server --- */

struct async_web_opts {
    const char *host;       /* a numeric address, or "localhost"; default "127.0.0.1"; all of them: "::" */
    int port;               /* default 0: the kernel chooses */
    int *ret_port;          /* the port that it is */
    async_event *serving;   /* set when clients may connect */
    void *arg;              /* yours: async_web_arg() */
    int limit;              /* connections at a time, more wait for a place; default 10,000 */
    int backlog;            /* of listen(); default 1024 */
    size_t header_limit;    /* bytes of memory for a connection, and so for headers (more is 431); default 16 KiB:
                               it is cleared for each request, which costs */
    size_t body_limit;      /* bytes of a request's body, more is 413; default 1 MiB */
    size_t stack_size;      /* of a handler's task; default as in task.h */
    double idle_timeout;    /* seconds that a connection may be silent; default 60 */
    double request_timeout; /* seconds from a request's first line to its last byte; default 30 */
    double grace;           /* await_web_serve: see await_web_server_stop; default 5, < 0: none */
};

/* Serve until cancelled, then stop as await_web_server_stop() does, with .grace, and return -ECANCELED. Errors:
 * those of async_web_server_start(). await_web_serve(routes, .port = 8080, .ret_port = &port) */
#define await_web_serve(routes, ...)                                                               \
    await_web_serve_opt((routes), ASYNC__OPTS(struct async_web_opts, __VA_ARGS__))
int await_web_serve_opt(const async_web_route *routes, const struct async_web_opts *opts) ASYNC_CHECK;

/* Begin to serve, and go on: async_web_server_start(routes, &server, .port = 8080). The server is yours: end it
 * with await_web_server_stop(). 0; -EADDRINUSE; -EACCES; -EADDRNOTAVAIL; -EINVAL: a host that is not numeric, or
 * a bad route (a sentence says which); -EPERM: no loop runs; -ENOMEM, -EMFILE and the like. */
#define async_web_server_start(routes, ret, ...)                                                   \
    async_web_server_start_opt((routes), (ret), ASYNC__OPTS(struct async_web_opts, __VA_ARGS__))
int async_web_server_start_opt(const async_web_route *routes, async_web_server **ret,
                               const struct async_web_opts *opts) ASYNC_CHECK;

/* Stop accepting, give requests that have begun up to grace seconds (0: none), cancel the handlers that still
 * run, wait for their end, close, free. 0; -EDEADLK: called in one of its handlers. Accepts NULL. Suspends: until all
 * is over. Cancelled: without more grace, but all the same to the end; -ECANCELED. */
int await_web_server_stop(async_web_server *s, double grace) ASYNC_CHECK;

/* await_web_server_auto s = NULL: stopped where its block ends, without grace, shielded. */
typedef async_web_server *async_web_server_ptr;
#define await_web_server_auto ASYNC_AUTO(await_web_server_drop) async_web_server_ptr
void await_web_server_drop(async_web_server **s);

int async_web_server_port(const async_web_server *s);

/* What it has done so far, and does. */
struct async_web_stats {
    uint64_t requests;  /* begun */
    size_t connections; /* open */
    size_t running;     /* handlers that run now */
    size_t most;        /* handlers that ran at a time */
};
struct async_web_stats async_web_server_stats(const async_web_server *s);

/* --- what was asked: without the memory to copy it, a query or a header is as one that is not there --- */

const char *async_web_method(const async_web_request *rq);
const char *async_web_path(const async_web_request *rq);                     /* decoded */
const char *async_web_param(const async_web_request *rq, const char *name);  /* of the route, decoded; or NULL */
const char *async_web_query(async_web_request *rq, const char *name);        /* the first, decoded; or NULL */
const char *async_web_header(async_web_request *rq, const char *name);       /* the first; or NULL */
const char *async_web_peer(async_web_request *rq);                           /* "127.0.0.1:1234", "[::1]:1234" */
void *async_web_arg(const async_web_request *rq);                            /* of the server's options */

/* The query's parts in their order: false when there is none of that index. */
bool async_web_query_at(async_web_request *rq, size_t index, const char **ret_name, const char **ret_value);

/* A route's parameter as a decimal number: 0; -ENOENT: there is none; -EINVAL: no number; -ERANGE. */
int async_web_param_int(const async_web_request *rq, const char *name, int64_t *ret);

/* The body; a '\0' follows it. Never NULL. size may be NULL. */
const void *async_web_body(const async_web_request *rq, size_t *size);

/* --- the answer: one for a request --- */

/* All of them: 0; -EALREADY: it has one; -EINVAL: a status that is not 200 to 599, a type with control
 * characters; -ENOMEM. type NULL: none. A HEAD request gets the headers only. */
int async_web_text(async_web_request *rq, int status, const char *fmt, ...) ASYNC_FORMAT(3, 4);
int async_web_json(async_web_request *rq, int status, const char *json); /* text that is JSON; copied */
int async_web_respond(async_web_request *rq, int status, const char *type, const void *bytes,
                      size_t size); /* copied */
int async_web_respond_static(async_web_request *rq, int status, const char *type, const void *bytes,
                             size_t size); /* not copied, and must stay until the server has stopped */
int async_web_respond_owned(async_web_request *rq, int status, const char *type, void *bytes,
                            size_t size); /* from malloc(); ours from now on, also on an error */
int async_web_redirect(async_web_request *rq, int status, const char *location); /* 301 302 303 307 308 */

/* Add a header (both copied), before or after the answer, but before a stream's begin. 0; -EINVAL: a name that
 * is none, a value with control characters, Content-Length, Transfer-Encoding, or Connection other than
 * "close"; -EALREADY; -ENOMEM. */
int async_web_add_header(async_web_request *rq, const char *name, const char *value);

/* An answer that is made once and given often, by any handler: nothing is allocated or copied for it. bytes is
 * not copied, and must stay until the page is freed; the page until the server has stopped. NULL: -EINVAL or
 * -ENOMEM in errno. Free accepts NULL. */
async_web_page *async_web_page_new(int status, const char *type, const void *bytes, size_t size) ASYNC_CHECK;
void async_web_page_free(async_web_page *p);
int async_web_send(async_web_request *rq, const async_web_page *p);

/* --- an answer in pieces --- */

struct async_web_stream_opts {
    uint64_t size; /* bytes that will be written, if known: then they must be */
};

/* Begin an answer of which the pieces follow; status and headers go out. 0, or as above. The stream ends with
 * the handler, or by await_web_stream_end(); a handler that fails before that cuts the connection, so that the
 * client sees that something is missing. May suspend briefly. */
#define await_web_stream_begin(rq, status, type, ...)                                              \
    await_web_stream_begin_opt((rq), (status), (type),                                             \
                               ASYNC__OPTS(struct async_web_stream_opts, __VA_ARGS__))
int await_web_stream_begin_opt(async_web_request *rq, int status, const char *type,
                               const struct async_web_stream_opts *opts) ASYNC_CHECK;

/* All of it, in order; copied. 0; -EPIPE: the client has gone, or the stream has ended; -EBUSY: another task
 * writes; -EMSGSIZE: more than .size; -EINVAL: no stream. Suspends: while more than 64 KiB wait for the client.
 * Cancelled: part of it may have gone. */
int await_web_write(async_web_request *rq, const void *bytes, size_t size) ASYNC_CHECK;
int await_web_printf(async_web_request *rq, const char *fmt, ...) ASYNC_CHECK ASYNC_FORMAT(2, 3);

/* End it, and wait until the client has been sent all. 0; -EPIPE; -EPROTO: less than .size was written; the
 * connection is cut; -EINVAL: no stream. Suspends: until it is sent. */
int await_web_stream_end(async_web_request *rq) ASYNC_CHECK;

ASYNC_END_DECLS

#endif
