/* SPDX-License-Identifier: MIT */
/* stream.h - connections and servers: streams of bytes that arrive in order.
 *
 *   await_open_connection     connect to a host
 *   await_serve               run a handler for each connection
 *   async_serve_arg           return the .arg of await_serve(), in a handler
 *   async_stream_peername     the address of the other side, as text
 *   async_stream_sockname     the address of our side, as text
 *   await_stream_read         read some bytes
 *   await_stream_readline     read a line
 *   await_stream_readuntil    read up to a separator
 *   await_stream_readexactly  read a number of bytes
 *   await_stream_read_all     read to the end
 *   async_lines               iterate over lines
 *   await_stream_write        write bytes
 *   await_stream_printf       write formatted text
 *   await_stream_write_some   write as many bytes as there is room for now
 *   async_stream_write_eof    tell the peer that nothing more will be written
 *   await_stream_close        close in order
 *   async_stream_close        close at once
 *   async_stream_drop         close and free
 *
 * A stream is one end of a connection, an open file (await_open_file(), file.h), one of a pair in
 * memory (async_stream_pair(), testing.h), or what an adapter provides (stream_ops.h). It belongs
 * to the loop in which it was made. One task may read it while another one writes. If several tasks
 * write to one stream, as in a chat, the second one receives -EBUSY: let them put what they have
 * into a queue, and let one task write it (examples/chat.c), or use an async_lock. Each await_
 * function is called from a task and is a cancellation point. A write returns when the kernel has
 * taken all bytes, so there is no drain(). A call that never has to wait lets other tasks run now
 * and then. Common errors:
 *   -ECONNRESET  the peer, or something on the way, has torn down the connection
 *   -EPIPE       the stream was closed on our side, before the call or during it; writing: the peer
 *                does not read any more, or async_stream_write_eof() was called. Never a SIGPIPE
 *   -EBUSY       another task is in a call on the same side of the stream; returned at once
 *   -EPERM       not called from a task, or the stream belongs to another loop; a message is
 *                printed
 *   -ECANCELED   the caller was cancelled
 *   -ENOMEM
 * and other errors of the connection, such as -ETIMEDOUT. async_fail_text() has a message for most
 * of them. */
#ifndef ASYNCIO_STREAM_H
#define ASYNCIO_STREAM_H

#include <asyncio/co.h>
#include <asyncio/gen.h>
#include <asyncio/sync.h>

ASYNC_BEGIN_DECLS

typedef struct async_stream async_stream;

/* A kind of stream that is put on top of connections, for example TLS; see stream_ops.h. */
typedef struct async_stream_layer async_stream_layer;

/* Options of await_open_connection() and await_serve(). */
struct async_net_opts {
    const async_site *site;          /* where the call is; the macro sets this */
    const async_stream_layer *layer; /* put on top of each connection; default: nothing */
    /* The following are for await_serve() only. */
    void *arg;            /* for the handlers: async_serve_arg() */
    size_t limit;         /* connections at a time; default: no limit. See below */
    int backlog;          /* connections that wait in the kernel to be accepted; default 128 */
    int *ret_port;        /* receives the port, if "0" lets the kernel choose one; may be NULL */
    async_event *serving; /* set when the server listens; may be NULL */
};

/* Connect to a host.
 *
 *   async_stream_auto s = NULL;
 *   ASYNC_TRY(await_open_connection("example.org", "80", &s));
 *
 * host       a name, a numeric address, or a Unix socket: "unix:path", or any text with a '/'. NULL
 *            or "" for this machine.
 * port       a number or the name of a service; ignored for a Unix socket.
 * ret        receives the stream, which belongs to the caller: async_stream_drop().
 * ...        options: .layer
 * Returns    0; -EHOSTUNREACH if the host has no address; -EAGAIN if it cannot be looked up at the
 *            moment; -EINVAL if there is no such port; -EMFILE; or the error of the attempt to
 *            connect that tells most: -ECONNREFUSED, -ETIMEDOUT, ... The message names the first
 *            attempts. If there were several, each one is also a cause of the error
 *            (async_error.cause).
 * Cancelled  every attempt is closed. A lookup goes on in its thread, and its result is dropped.
 * Suspends   until the connection is there, or has failed.
 *
 * All addresses are tried, IPv6 and IPv4 by turns: the next one when one has failed or has not
 * answered for 250 ms. The first to answer wins, and the others are closed. TCP_NODELAY is set. If
 * the backlog of a Unix socket is full, the call waits until there is room. */
#define await_open_connection(host, port, ret, ...)                                                \
    await_open_connection_opt((host), (port), (ret),                                               \
                              ASYNC__OPTS(struct async_net_opts, __VA_ARGS__))
int await_open_connection_opt(const char *host, const char *port, async_stream **ret,
                              const struct async_net_opts *opts) ASYNC_CHECK;

/* Serve until cancelled: listen, and run a handler in a task of its own for each connection.
 *
 *   ASYNC_DEF(echo, (async_stream *)s)
 *   {
 *       char buf[4096];
 *       ssize_t n;
 *       while ((n = ASYNC_TRY(await_stream_read(s, buf, sizeof buf))) > 0)
 *           ASYNC_TRY(await_stream_write(s, buf, (size_t)n));
 *       return 0;
 *   }
 *   ...
 *   return await_serve("127.0.0.1", "8080", echo, .limit = 1000);
 *
 * host       as for await_open_connection(). NULL or "" for all addresses of this machine,
 *            "localhost" for 127.0.0.1 and ::1.
 * port       "0" to let the kernel choose, see .ret_port.
 * handler    makes the coroutine for a connection. The stream belongs to the server: it is closed
 *            and freed when the handler has returned.
 * ...        options: all of struct async_net_opts.
 * Returns    never 0. -EADDRINUSE, -EACCES and the like if it cannot listen, with a message; the
 *            errors of await_open_connection() that concern the host and the port; -ECANCELED.
 * Cancelled  stops listening, cancels the handlers, waits for them, and closes all connections.
 * Suspends   until cancelled.
 *
 * A handler that fails ends its own connection only. It is reported on stderr with its traceback,
 * ten of them in a second at most, then one line tells how many were not reported. A handler that
 * ends with -ENODATA, -EPIPE or -ECONNRESET of its own connection is not reported, because that is
 * how connections end. If descriptors or memory run out, the server warns, and accepts again when
 * there are some.
 *
 * When there are .limit connections, the kernel still connects further clients, .backlog of them,
 * but nothing is read from them until another connection ends. To refuse them instead, set no
 * limit, count the connections in the handler, and return from it at once if there are too many,
 * which closes the stream.
 *
 * A Unix socket that a killed server has left behind, on which nothing listens, is removed first;
 * another kind of file never is. At the end the server removes the path if it still is its own. */
#define await_serve(host, port, handler, ...)                                                      \
    await_serve_opt((host), (port), ASYNC__HANDLER(handler),                                       \
                    ASYNC__OPTS(struct async_net_opts, .site = ASYNC_HERE, __VA_ARGS__))
int await_serve_opt(const char *host, const char *port, async_co (*handler)(async_stream *s),
                    const struct async_net_opts *opts) ASYNC_CHECK;

/* Return the .arg of the await_serve() that has accepted a connection.
 *
 *   struct room *room = async_serve_arg(s);
 *
 * s          the stream that the handler was called with.
 * Returns    the pointer; NULL if there is none.
 * Suspends   no. */
void *async_serve_arg(const async_stream *s);

/* Write the address of the peer of a connection, or of our side of it, as text.
 *
 *   char peer[ASYNC_ADDRESS_MAX];
 *   if (async_stream_peername(s, peer, sizeof peer) >= 0)
 *       printf("connection from %s\n", peer);
 *
 * s          a stream over a socket.
 * buf, size  receives "127.0.0.1:8080", "[::1]:8080", or the path of a Unix socket, which is "" if
 *            that side has none, as clients. ASYNC_ADDRESS_MAX bytes suffice.
 * Returns    the length of the text; -ENOTSOCK if the stream is not directly on a socket, as a
 *            file, a pair in memory, or a layer; -EPIPE if it was closed on our side; -ENOTCONN if
 *            the peer has torn the connection down; -ENOBUFS if the text does not fit, and then buf
 *            is not written; -EINVAL if s is NULL; -EPERM, see above.
 * Suspends   no. */
int async_stream_peername(const async_stream *s, char *buf, size_t size) ASYNC_CHECK;
int async_stream_sockname(const async_stream *s, char *buf, size_t size) ASYNC_CHECK;
#define ASYNC_ADDRESS_MAX 128

/* Read some bytes, as soon as there are any.
 *
 *   ssize_t n = ASYNC_TRY(await_stream_read(s, buf, sizeof buf));
 *
 * buf, size  receives up to size bytes.
 * Returns    the number of bytes; 0 at the end of the stream, or if size is 0; or a common error.
 * Cancelled  consumes nothing, also if bytes had come by then.
 * Suspends   until there are bytes. */
ssize_t await_stream_read(async_stream *s, void *buf, size_t size) ASYNC_CHECK;

/* Read a line, with its "\n".
 *
 *   char line[256];
 *   while (ASYNC_TRY(await_stream_readline(s, line, sizeof line)) > 0)
 *       fputs(line, stdout);
 *
 * buf, size  receives the line and a '\0' behind it. The last line of a stream may lack the "\n".
 * Returns    the length without the '\0'; 0 at the end of the stream; -ENOBUFS if the line does not
 *            fit into size bytes, and then nothing is consumed; or a common error.
 * Cancelled  consumes nothing.
 * Suspends   until the line is complete.
 * See also   async_lines(), which makes room for lines by itself. */
ssize_t await_stream_readline(async_stream *s, char *buf, size_t size) ASYNC_CHECK;

/* Read up to the next separator, and with it.
 *
 *   ASYNC_TRY(await_stream_readuntil(s, "\r\n\r\n", head, sizeof head));
 *
 * sep        the separator, at least one character.
 * buf, size  as for await_stream_readline().
 * Returns    as await_stream_readline(); -EINVAL if sep is empty.
 * Cancelled  consumes nothing.
 * Suspends   until the separator has come. */
ssize_t await_stream_readuntil(async_stream *s, const char *sep, char *buf,
                               size_t size) ASYNC_CHECK;

/* Read n bytes, not less.
 *
 *   ASYNC_TRY(await_stream_readexactly(s, &header, sizeof header, NULL));
 *
 * buf, n     receives n bytes.
 * got        receives the number of bytes that are in buf, also after an error; may be NULL.
 * Returns    n; -ENODATA if the stream ends before; or a common error. After an error the bytes in
 *            buf are consumed.
 * Cancelled  consumes nothing, and *got is 0.
 * Suspends   until all bytes have come. */
ssize_t await_stream_readexactly(async_stream *s, void *buf, size_t n, size_t *got) ASYNC_CHECK;

struct async_read_all_opts {
    size_t limit; /* bytes at most; default 64 MiB; SIZE_MAX: no limit */
};

/* Read to the end of the stream (read(-1) in Python).
 *
 *   async_data_auto text = NULL;
 *   size_t size;
 *   ASYNC_TRY(await_stream_read_all(s, &text, &size, .limit = 1 << 20));
 *
 * ret        receives the bytes and a '\0' behind them. They belong to the caller:
 *            async_data_drop() (file.h).
 * ret_size   receives the number of bytes; may be NULL.
 * ...        options: .limit
 * Returns    0; -ENOBUFS if there are more bytes than .limit; or a common error. After an error
 *            nothing is consumed: what has come can still be read.
 * Cancelled  consumes nothing.
 * Suspends   until the end has come.
 * See also   await_read_file() (file.h) for a whole file. */
#define await_stream_read_all(s, ret, ret_size, ...)                                               \
    await_stream_read_all_opt((s), (ret), (ret_size),                                              \
                              ASYNC__OPTS(struct async_read_all_opts, __VA_ARGS__))
int await_stream_read_all_opt(async_stream *s, char **ret, size_t *ret_size,
                              const struct async_read_all_opts *opts) ASYNC_CHECK;

struct async_lines_opts {
    size_t limit; /* bytes of a line at most, with its "\n"; default 1 MiB; SIZE_MAX: no limit */
};

/* The generator that async_lines() returns. Its members are private. */
struct async_line_items {
    async_gen gen;
    char **item;
};

/* Iterate over the lines of a stream.
 *
 *   await_for_each (r, line, async_lines(s))
 *       puts(line);
 *
 * line       a char *, without its "\n", which the last line of the stream may lack. Valid until
 *            the next line.
 * ...        options: .limit, so that a peer that never ends its line cannot use up the memory.
 * Returns    a generator for await_for_each (gen.h), which sets r to 0 at the end of the stream;
 *            -ENOBUFS if a line is longer than .limit, and then the line stays in the stream; or a
 *            common error. Lines that were not asked for stay in the stream.
 * Suspends   no; the loop suspends at each iteration. */
#define async_lines(s, ...) async_lines_opt((s), ASYNC__OPTS(struct async_lines_opts, __VA_ARGS__))
struct async_line_items async_lines_opt(async_stream *s,
                                        const struct async_lines_opts *opts) ASYNC_CHECK;

/* Write bytes, all of them and in order.
 *
 *   ASYNC_TRY(await_stream_write(s, reply, strlen(reply)));
 *
 * buf, size  the bytes.
 * Returns    0 when the kernel has taken them; or a common error.
 * Cancelled  a part may have been written.
 * Suspends   while the peer is slower than we are. */
int await_stream_write(async_stream *s, const void *buf, size_t size) ASYNC_CHECK;

/* Write formatted text, of any length.
 *
 *   ASYNC_TRY(await_stream_printf(s, "HTTP/1.1 %d %s\r\n", status, reason));
 *
 * fmt        as for printf().
 * Returns    as await_stream_write(); -EINVAL if printf() would fail.
 * Cancelled  a part may have been written.
 * Suspends   while the peer is slower than we are. */
int await_stream_printf(async_stream *s, const char *fmt, ...) ASYNC_CHECK ASYNC_FORMAT(2, 3);

/* Write as many bytes as there is room for, at least one.
 *
 *   while (sent < size)
 *       sent += (size_t)ASYNC_TRY(await_stream_write_some(s, buf + sent, size - sent));
 *
 * buf, size  the bytes.
 * Returns    how many were written, at least 1 unless size is 0; or a common error.
 * Cancelled  nothing was written, so that the caller can go on later.
 * Suspends   until there is room for a byte. */
ssize_t await_stream_write_some(async_stream *s, const void *buf, size_t size) ASYNC_CHECK;

/* Tell the peer that nothing more will be written. Reading goes on.
 *
 *   ASYNC_TRY(async_stream_write_eof(s));
 *
 * Returns    0, also for a second time; -EBUSY if a task is writing; -EPIPE if the stream is
 *            closed; -ENOTCONN if the connection has ended; -ENOTSUP if streams of this kind cannot
 *            end in one direction only, as files. */
int async_stream_write_eof(async_stream *s);

/* Close a stream in order: first say farewell to the peer, if the stream has a way to do so (TLS),
 * and wait for what may still fail (files).
 *
 *   ASYNC_TRY(await_stream_close(s));
 *
 * s          may be NULL, or closed already.
 * Returns    0; or the error of the farewell. The stream is closed in any case, and later calls on
 *            it return -EPIPE. It still has to be dropped.
 * Cancelled  closes the stream at once.
 * Suspends   only for such a farewell. */
int await_stream_close(async_stream *s) ASYNC_CHECK;

/* Close a stream now. Tasks that wait for it wake with -EPIPE, and later calls on it return that.
 *
 * s          may be NULL, or closed already. It still has to be dropped.
 *
 * Bytes that the kernel has taken are still sent. Bytes that have come and were not read are lost,
 * and the peer may see a reset because of them. */
void async_stream_close(async_stream *s);

/* Close a stream, free it, and set *s to NULL. async_stream_auto does so at the end of its block.
 *
 *   async_stream_auto s = NULL;
 *
 * s          *s may be NULL. Not for the stream of a handler of await_serve().
 *
 * If another task is in a call on the stream, that call returns -EPIPE, and the stream is freed
 * then. */
void async_stream_drop(async_stream **s);
#define async_stream_auto ASYNC_AUTO(async_stream_drop) __typeof__(async_stream *)

/* --- private --- */

/* The handler of await_serve(). One of another type is an error; compilers would only warn of it.
 * Their message has the name of the type that stands in for it. */
#ifdef __cplusplus
#define ASYNC__HANDLER(handler) (handler)
#else
struct async_serve_expects_a_handler_of_one_async_stream_pointer_ { char none; };
#define ASYNC__HANDLER(handler)                                                                    \
    _Generic((handler),                                                                            \
            async_co (*)(async_stream *): (handler),                                               \
            void *: (handler),                                                                     \
            default: (struct async_serve_expects_a_handler_of_one_async_stream_pointer_){ 0 })
#endif

ASYNC_END_DECLS

#endif
