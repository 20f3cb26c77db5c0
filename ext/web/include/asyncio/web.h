/* SPDX-License-Identifier: MIT */
/* web.h - an HTTP/1.1 server whose handlers are coroutines. Link with libasyncio-web.
 *
 *   await_web_serve           serve until cancelled
 *   async_web_server_start    start a server and go on
 *   await_web_server_stop     stop it: let handlers finish, cancel the rest
 *   await_web_server_auto     stop it at the end of a block
 *   async_web_server_port     the port that it listens on
 *   async_web_server_stats    requests, connections and handlers
 *
 *   async_web_method, _path, _target, _param,         what a handler reads
 *   _param_int, _query, _query_at, _header,         of its request
 *   _header_at, _peer, _client, _body, _arg
 *   await_web_next            in a middleware: run the handler behind it
 *
 *   async_web_text, _json     respond with text
 *   async_web_respond,        respond with bytes that are copied, that stay where they are,
 *   _respond_static, _owned   or that the server frees
 *   async_web_redirect        respond with another location
 *   async_web_send            respond with an async_web_page, which is made once and sent often
 *   async_web_add_header      add a header to any of these
 *
 *   async_web_status          the status of the response so far
 *
 * Forms, uploaded files and cookies are in web_form.h, bodies in pieces in web_stream.h,
 * server-sent events in web_events.h, and files of a folder in web_files.h. This header includes
 * all of them.
 *
 * A complete server:
 *
 *   #include <asyncio.h>
 *   #include <asyncio/web.h>
 *
 *   ASYNC_DEF(hello, (async_web_request *)rq)
 *   {
 *       ASYNC_TRY(await_sleep(0.1));
 *       return async_web_text(rq, 200, "Hello, %s!\n", async_web_param(rq, "name"));
 *   }
 *
 *   static const async_web_route routes[] = { { "GET", "/hello/{name}", hello }, { 0 } };
 *
 *   ASYNC_DEF(amain)
 *   {
 *       return await_web_serve(routes, .port = 8080);
 *   }
 *
 *   int main(void)
 *   {
 *       return async_main(amain());
 *   }
 *
 * Each request gets a task of its own, which runs the handler when the request is complete, with
 * its body. The response is sent when the handler has ended; a streamed one while it is written.
 * The handler is cancelled when its client goes away and when the server stops. A client that has
 * only closed its sending side counts as gone after 0.01 seconds.
 *
 * A handler that fails, or that ends without a response, gives a response with status 500, if none
 * has been set, and a line on stderr. At most ten such lines are printed in a second, and then the
 * number of those that were suppressed. What the client causes by going away is not reported:
 * -ECANCELED, -EPIPE, -ECONNRESET and -ENODATA.
 *
 * Requests that other HTTP implementations might understand differently are refused with status
 * 400. With libmicrohttpd 0.9 the connection is closed after a request with a chunked body, and
 * after a streamed response of unknown size to HEAD.
 *
 * A request belongs to the server and is valid until its handler has ended. So are all strings that
 * are read from it. Common errors of functions that take one:
 *   -EALREADY   the request already has a response, or its headers have been sent
 *   -EINVAL     an argument is invalid; the error's message names it
 *   -ENOMEM     no memory */
#ifndef ASYNCIO_WEB_H
#define ASYNCIO_WEB_H

#include <asyncio/co.h>
#include <asyncio/sync.h>

ASYNC_BEGIN_DECLS

/* A server that async_web_server_start() has started. */
typedef struct async_web_server async_web_server;

/* A request, which a handler receives and responds to. */
typedef struct async_web_request async_web_request;

/* A response that is made once and sent often; see async_web_page_new(). */
typedef struct async_web_page async_web_page;

/* --- routes --- */

/* A row of the table of routes. The table ends with { 0 }; the first row that fits a request serves
 * it. The table must stay valid until the server has stopped.
 *
 * A path that is in the table with other methods only gets status 405 and the list of these,
 * another path 404. A row for "GET" serves "HEAD" as well.
 *
 * The value of a parameter is safe to use as a path below a folder: a request in which one of its
 * parts is "." or ".." is refused with status 400, also if that is encoded, and so is an encoded
 * '/' in "{name...}". In "{name}" an encoded '/' is a part of the value. */
typedef struct async_web_route {
    const char *method; /* "GET", "POST", ...; "*" fits any method */
    const char *path;   /* begins with '/'. "{name}" fits one segment that is not empty; "{name...}"
                         * at the end fits the rest, even if nothing is left. At most 8 of these */
    async_co (*handler)(async_web_request *rq);
} async_web_route;

/* A handler, or a middleware: the name of a function that ASYNC_DEF(name, (async_web_request *)rq)
 * defines. */
typedef async_co (*async_web_handler)(async_web_request *rq);

/* A request that is over, for a log. The strings are valid during the call only. */
typedef struct async_web_log {
    const char *client;     /* its address, as async_web_client() returns it */
    const char *method;     /* "" if the request had none that is valid */
    const char *target;     /* the path and the query string as they were sent */
    int status;             /* of the response; 499 if the client went away before there was one */
    uint64_t size;          /* bytes of the response's body */
    double seconds;         /* from the request's first line to its end */
    const char *referer;    /* the header of that name, or NULL */
    const char *user_agent; /* the header User-Agent, or NULL */
} async_web_log;

/* --- the server --- */

/* Options of a server. Zero is the default of each. */
struct async_web_opts {
    size_t struct_size;     /* set by the macros */
    const char *host;       /* a numeric address, or "localhost"; default "127.0.0.1". "::" for all
                             * addresses, those of IPv4 included. A Unix socket is "unix:path", or
                             * any text with a '/' */
    int port;               /* default 0: the kernel chooses a free port */
    int *ret_port;          /* receives the port before the server starts */
    async_event *serving;   /* set when clients can connect */
    void *arg;              /* for async_web_arg() */
    int limit;              /* connections at a time; others wait to be accepted. Default 10,000 */
    int backlog;            /* of listen(); default 1024 */
    size_t header_limit;    /* bytes of memory for the head of a request, at least 4096; a longer
                             * head gets status 431 or 414. It is cleared for each request, which
                             * takes time. Default 16 KiB */
    size_t body_limit;      /* bytes of a request's body; a longer one gets status 413. Default
                             * 1 MiB */
    size_t stack_size;      /* bytes, of a handler's task; default as in task.h */
    double idle_timeout;    /* seconds without a byte in either direction after which a connection
                             * is closed; rounded up to whole seconds. Default 60 */
    double request_timeout; /* seconds that a request may take from its first line to its last byte;
                             * default 30 */
    double grace;           /* await_web_serve: seconds, as in await_web_server_stop(); default 5,
                             * none if negative */
    bool activation;        /* use the sockets that systemd or another service manager has passed
                             * to the process (LISTEN_FDS), and .host and .port only if there are
                             * none */
    int limit_per_address;  /* connections at a time from one address of a client; more are closed
                             * at once. Default: no limit */
    const async_web_route *streamed;     /* further routes, whose handlers begin before the body has
                                          * arrived, and read it by await_web_read(). Its size is
                                          * not limited. Default: none */
    const async_web_handler *middleware; /* handlers around the handler, the outermost first, NULL
                                          * at the end; see await_web_next(). Default: none */
    double handler_timeout; /* seconds until a handler must have ended or begun a stream. It is
                             * cancelled then, and the response is 503. Default: no limit */
    void (*error_page)(async_web_request *rq, int status); /* see below */
    int access_log;         /* a descriptor, such as 2, to which a line is written for each request,
                             * in the combined log format with the seconds it took at the end.
                             * Default 0: none */
    void (*log)(const async_web_log *entry, void *arg); /* called for each request that is over,
                             * with .arg; must not await. Default: none */
    int trusted_proxies;    /* how many proxies in front of the server append the address of their
                             * client to X-Forwarded-For; see async_web_client(). Default 0: the
                             * header is not believed */
    const char *cert_file;  /* serve https, with this certificate and those that lead to its root,
                             * PEM. Default: http */
    const char *key_file;   /* the private key of cert_file, PEM */
};

/* .error_page is called for each response that the server itself makes, such as 404 or 500. It may
 * set another one, by a function that does not await; otherwise the response is a line of text.
 *
 *   static void show_error(async_web_request *rq, int status)
 *   {
 *       async_web_respond(rq, status, "text/html", page, strlen(page));
 *   }
 *
 * There may be no route, no valid path and no body, and the functions that read them return NULL,
 * "" or nothing. A request whose Content-Length is invalid, or whose head is too long, is refused
 * without this call.
 *
 * A middleware is called for each request that has a route, before the handler. Both the table and
 * that of .streamed must stay valid until the server has stopped, as must .middleware. */

#define ASYNC__WEB_OPTS(...)                                                                       \
    ASYNC__OPTS(struct async_web_opts, .struct_size = sizeof(struct async_web_opts), __VA_ARGS__)

/* Serve until the calling task is cancelled, and then stop like await_web_server_stop().
 *
 *   ASYNC_TRY(await_web_serve(routes, .port = 8080, .host = "::"));
 *
 * routes     the table of routes.
 * ...        members of struct async_web_opts.
 * Returns    -ECANCELED, or an error of async_web_server_start().
 * Cancelled  stops the server. Handlers have .grace seconds to end by themselves, and are then
 *            cancelled. Returns when they have ended.
 * Suspends   always, unless it fails to start.
 * See also   async_web_server_start, to do something else meanwhile. */
#define await_web_serve(routes, ...)                                                               \
    await_web_serve_opt((routes), ASYNC__WEB_OPTS(__VA_ARGS__))
int await_web_serve_opt(const async_web_route *routes,
                        const struct async_web_opts *opts) ASYNC_CHECK;

/* Start a server, which serves in the background until it is stopped.
 *
 *   await_web_server_auto server = NULL;
 *   ASYNC_TRY(async_web_server_start(routes, &server, .port = 8080));
 *
 * routes     the table of routes.
 * ret        receives the server. It belongs to the caller: stop it with await_web_server_stop() in
 *            the same loop. If main returns first, its handlers are cancelled after .grace seconds,
 *            and its memory is lost.
 * ...        members of struct async_web_opts.
 * Returns    0; -EINVAL if the host is not a numeric address, the port is out of range, the table
 *            of routes is empty, a route is invalid, or the certificate does not fit its key;
 *            -ENOENT and the like if a file of these cannot be read; -EOPNOTSUPP if libmicrohttpd
 *            was built without TLS; -EADDRINUSE, -EADDRNOTAVAIL, -EACCES and the
 *            like if the server cannot listen; -EPERM if no loop runs on this thread; -EMFILE,
 *            -ENOMEM. */
#define async_web_server_start(routes, ret, ...)                                                   \
    async_web_server_start_opt((routes), (ret), ASYNC__WEB_OPTS(__VA_ARGS__))
int async_web_server_start_opt(const async_web_route *routes, async_web_server **ret,
                               const struct async_web_opts *opts) ASYNC_CHECK;

/* Stop a server and free it. It accepts no further connections or requests and closes idle
 * connections. Handlers have a grace period to end by themselves, and are then cancelled.
 *
 *   ASYNC_TRY(await_web_server_stop(&server, 5));
 *
 * server     a pointer to the server; it is set to NULL when the server has stopped. If it is NULL
 *            already, nothing happens. Several tasks may stop a server at the same time.
 * grace      the grace period in seconds; 0 for none.
 * Returns    0; -EDEADLK if the calling task is a handler of the server: let a task of
 *            async_background() (group.h) stop it; -EPERM if it is not called from a task.
 * Cancelled  ends the grace period, waits for the handlers, and returns -ECANCELED. A task that
 *            works for a handler, and is cancelled because the handler's server stops, does not
 *            wait.
 * Suspends   until all handlers have ended and all connections are closed. */
int await_web_server_stop(async_web_server **server, double grace) ASYNC_CHECK;

/* Declare a server that is stopped at the end of the block, without a grace period, in a shield.
 *
 *   await_web_server_auto a = NULL, b = NULL; */
typedef async_web_server *async_web_server_ptr;
#define await_web_server_auto ASYNC_AUTO(await_web_server_drop) async_web_server_ptr

/* Stop *s in this way, and set it to NULL. *s may be NULL. */
void await_web_server_drop(async_web_server **s);

/* Return the port that the server listens on; that of the first socket if it has several, 0 for a
 * Unix socket. */
int async_web_server_port(const async_web_server *s);

/* Numbers of a server. */
struct async_web_stats {
    uint64_t requests;  /* that have begun, since the start */
    size_t connections; /* that are open */
    size_t running;     /* handlers that run */
    size_t most;        /* handlers that ran at the same time, at most */
};

/* Return the numbers of a server as they are now. */
struct async_web_stats async_web_server_stats(const async_web_server *s);

/* --- the request --- */

/* Return the method, such as "GET". */
const char *async_web_method(const async_web_request *rq);

/* Return the path, decoded, without the query string. */
const char *async_web_path(const async_web_request *rq);

/* Return the path and the query string as they were sent, such as "/a%20b?c=d". */
const char *async_web_target(const async_web_request *rq);

/* Return a parameter of the route's path, decoded, or NULL if the route has none of that name.
 *
 *   { "GET", "/users/{id}", show_user }               // in the table of routes
 *   const char *id = async_web_param(rq, "id");       // in show_user() */
const char *async_web_param(const async_web_request *rq, const char *name);

/* Parse a parameter of the route's path as a decimal number.
 *
 * ret        receives the number; written only on success.
 * Returns    0; -ENOENT if the route has no such parameter; -EINVAL if it is not a number, which
 *            may begin with '-'; -ERANGE if it does not fit into 64 bits. */
int async_web_param_int(const async_web_request *rq, const char *name, int64_t *ret);

/* Return the value of the first item with that name in the query string, decoded, "" for one
 * without '='. Returns NULL if there is none, or no memory. */
const char *async_web_query(async_web_request *rq, const char *name);

/* Read the items of the query string in their order.
 *
 *   const char *name, *value;
 *   for (size_t i = 0; async_web_query_at(rq, i, &name, &value); i++)
 *       printf("%s = %s\n", name, value);
 *
 * ret_name   receives the name, decoded.
 * ret_value  receives the value, decoded.
 * Returns    false if there is no item of that index, or no memory for it. */
bool async_web_query_at(async_web_request *rq, size_t index, const char **ret_name,
                        const char **ret_value);

/* Return the value of the first header with that name, in upper or lower case. Returns NULL if
 * there is none, no memory, or the client is gone. */
const char *async_web_header(async_web_request *rq, const char *name);

/* Read the headers in their order.
 *
 *   const char *name, *value;
 *   for (size_t i = 0; async_web_header_at(rq, i, &name, &value); i++)
 *       printf("%s: %s\n", name, value);
 *
 * ret_name   receives the name, as it was sent.
 * ret_value  receives the value.
 * Returns    false if there is no header of that index, no memory for all of them, or the client
 *            was gone at the first call. */
bool async_web_header_at(async_web_request *rq, size_t index, const char **ret_name,
                         const char **ret_value);

/* Return address and port of the client, as "127.0.0.1:1234" or "[::1]:1234"; "unix" if it has
 * connected to a Unix socket. Returns "" if there is no memory, or the client was gone at the first
 * call. */
const char *async_web_peer(async_web_request *rq);

/* Return the address of the client without a port, such as "127.0.0.1". With .trusted_proxies = n
 * it is the n-th address from the end of X-Forwarded-For, which the outermost of these proxies has
 * added; or the first one, if there are fewer. Otherwise, and if that is no address, it is that of
 * async_web_peer(). */
const char *async_web_client(async_web_request *rq);

/* Return the body, with a '\0' behind it; never NULL. size, if not NULL, receives its size in
 * bytes. */
const void *async_web_body(const async_web_request *rq, size_t *size);

/* In a middleware: run what is behind it, which is the next middleware or, in the last one, the
 * handler.
 *
 *   ASYNC_DEF(require_token, (async_web_request *)rq)
 *   {
 *       const char *token = async_web_header(rq, "Authorization");
 *       if (!token || strcmp(token, "Bearer secret") != 0)
 *           return async_web_text(rq, 401, "No token.\n");
 *       return await_web_next(rq);
 *   }
 *   static const async_web_handler middleware[] = { require_token, NULL };
 *
 * Returns    what the handler has returned; -EINVAL if the caller is no middleware.
 * Cancelled  as the handler.
 * Suspends   as the handler does.
 *
 * When it returns, async_web_status() is the status of the response, and headers can be added. */
int await_web_next(async_web_request *rq) ASYNC_CHECK;

/* Return .arg of the server's options. */
void *async_web_arg(const async_web_request *rq);

/* --- the response --- */

/* A request has one response. To HEAD, its headers are sent without the body. All of these
 * functions take
 *
 * status     the status of the response, 200 to 599.
 * type       its Content-Type, copied; NULL for none.
 * Returns    0; -EALREADY; -EINVAL if the status is out of range or the type has control
 *            characters; -ENOMEM. */

/* Respond with formatted text, in UTF-8.
 *
 *   return async_web_text(rq, 404, "There is no user %s.\n", name); */
int async_web_text(async_web_request *rq, int status, const char *fmt, ...) ASYNC_FORMAT(3, 4);

/* Respond with JSON text, which is copied. */
int async_web_json(async_web_request *rq, int status, const char *json);

/* Respond with bytes, which are copied. bytes may be NULL if size is 0. */
int async_web_respond(async_web_request *rq, int status, const char *type, const void *bytes,
                      size_t size);

/* Respond with bytes that are not copied. They must stay valid and unchanged until the server has
 * stopped. See also async_web_send(), which is faster still. */
int async_web_respond_static(async_web_request *rq, int status, const char *type,
                             const void *bytes, size_t size);

/* Respond with bytes from malloc(). The server owns them from now on and frees them, also if the
 * call fails. */
int async_web_respond_owned(async_web_request *rq, int status, const char *type, void *bytes,
                            size_t size);

/* Send the client to another location.
 *
 *   return async_web_redirect(rq, 303, "/users");
 *
 * status     301, 302, 303, 307 or 308.
 * location   copied; sent as it is, so it must be encoded.
 * Returns    as above; also -EINVAL if location has control characters. */
int async_web_redirect(async_web_request *rq, int status, const char *location);

/* Return the status of the response that has been set or begun, or 0. */
int async_web_status(const async_web_request *rq);

/* Add a header to the response, before or after its body is set, but before a stream is begun. A
 * Date or Content-Type that is added replaces the one of the server; other names may be added
 * several times.
 *
 * name       copied.
 * value      copied.
 * Returns    0; -EINVAL if the name is invalid, the value has control characters, or the header is
 *            Content-Length, Transfer-Encoding, or Connection with another value than "close";
 *            -EALREADY; -ENOMEM. */
int async_web_add_header(async_web_request *rq, const char *name, const char *value);

/* Create a response that is made once and sent often: nothing is allocated or copied for a request.
 *
 *   static async_web_page *front;
 *   front = async_web_page_new(200, "text/html", html, strlen(html)); // before the server starts
 *   return async_web_send(rq, front);                                 // in handlers
 *
 * bytes      not copied; must stay valid until the page is freed.
 * Returns    the page, which belongs to the caller; NULL with EINVAL or ENOMEM in errno. */
async_web_page *async_web_page_new(int status, const char *type, const void *bytes,
                                   size_t size) ASYNC_CHECK;

/* Free a page, when all servers that have sent it have stopped. NULL does nothing. */
void async_web_page_free(async_web_page *p);

/* Respond with a page. Returns 0 or -EALREADY. */
int async_web_send(async_web_request *rq, const async_web_page *p);

ASYNC_END_DECLS

#include "web_events.h"
#include "web_files.h"
#include "web_form.h"
#include "web_stream.h"

#endif
