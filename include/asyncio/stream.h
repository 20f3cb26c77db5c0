/* SPDX-License-Identifier: MIT */
/* stream.h - connections and servers: bytes that arrive in order. */
#ifndef ASYNCIO_STREAM_H
#define ASYNCIO_STREAM_H

#include <asyncio/co.h>
#include <asyncio/sync.h>

ASYNC_BEGIN_DECLS

/* One end of a connection, made by await_open_connection(), or given to a handler by await_serve(). It belongs to
 * the loop in which it was made. One task may read it while another one writes. */
typedef struct async_stream async_stream;

struct async_net_opts {
    bool tls;             /* not yet: -ENOTSUP */
    int backlog;          /* serve: connections that the kernel keeps for us; default 128 */
    size_t limit;         /* serve: connections at a time, more must wait; default no limit */
    int *ret_port;        /* serve: the port, for "0" */
    async_event *serving; /* serve: set when it listens */
};

/* Connect to host, a name or a numeric address, at port, a number or the name of a service. All addresses of host are
 * tried, IPv6 and IPv4 by turns: the next one when one has failed, or has not answered for 250 ms. The first
 * to answer wins, the others are closed. TCP_NODELAY is set. host NULL or "": this machine. "/path" or
 * "unix:path": a Unix socket, port is not used.
 * 0, and *ret is yours to drop. An error is that of the attempt that says most, its text names every attempt
 * (async_fail_text()): -ECONNREFUSED, -ETIMEDOUT, ... -EHOSTUNREACH, -EAGAIN: host has no address, or could not be
 * looked up at the moment. -EINVAL: no such port. -EMFILE, -ENOMEM.
 * Suspends: until it is decided. Cancelled: every attempt is closed; a lookup that the system is busy with is left
 * to itself. */
#define await_open_connection(host, port, ret, ...)                                                \
    await_open_connection_opt((host), (port), (ret), ASYNC__OPTS(struct async_net_opts, __VA_ARGS__))
int await_open_connection_opt(const char *host, const char *port, async_stream **ret,
                              const struct async_net_opts *opts) ASYNC_CHECK;

/* Serve until cancelled: listen on all addresses of host (NULL or "": of this machine; "localhost": 127.0.0.1 and
 * ::1), and run handler(s) in a task for each connection. s is the server's: it is closed and gone when the
 * handler has returned. A handler that fails is reported on stderr with its traceback, and ends its own connection
 * only; with -ECONNRESET or -EPIPE, when its peer has gone, silently. Without descriptors or memory for another connection it says so, and goes on when there are some.
 * Never 0; -EADDRINUSE and the like: it could not listen; of the names as above.
 * Suspends: yes. Cancelled: it stops listening, cancels the handlers, awaits them and closes everything. */
#define await_serve(host, port, handler, ...)                                                      \
    await_serve_opt((host), (port), (handler), ASYNC__OPTS(struct async_net_opts, __VA_ARGS__))
int await_serve_opt(const char *host, const char *port, async_co (*handler)(async_stream *s),
                    const struct async_net_opts *opts) ASYNC_CHECK;

/* Reading. All of it: the number of bytes, 0 at the end of the stream, or -EBUSY at once: another task is reading;
 * -EPIPE: the stream is or was closed on our side; -ECONNRESET and what else the connection can die of; -ENOMEM.
 * Suspends: until there is something, and now and then to let others run. Cancelled: nothing is consumed, also when
 * there was something by then. */

/* Some bytes, as soon as there are any, at most size. */
ssize_t await_stream_read(async_stream *s, void *buf, size_t size) ASYNC_CHECK;

/* Up to and with the next "\n" (the next sep), and a '\0' behind it that is not counted; the last line of the
 * stream may lack the separator. -ENOBUFS: that would be more than size, with the '\0'; nothing is consumed.
 * -EINVAL: sep is empty. */
ssize_t await_stream_readline(async_stream *s, char *buf, size_t size) ASYNC_CHECK;
ssize_t await_stream_readuntil(async_stream *s, const char *sep, char *buf, size_t size) ASYNC_CHECK;

/* n bytes: n. -ENODATA: the stream ended before. After this and any other error but -ECANCELED what came before it is
 * consumed and in buf, and *got (may be NULL) says how much. */
ssize_t await_stream_readexactly(async_stream *s, void *buf, size_t n, size_t *got) ASYNC_CHECK;

/* Write all of it, in order: 0 when the kernel has taken it, so there is no drain. -EBUSY at once: another task is
 * writing. -EPIPE: the peer has gone, or the stream was closed on our side; -ECONNRESET. Never a SIGPIPE.
 * Suspends: while the peer is slow, and now and then to let others run. Cancelled: part of it may have gone. */
int await_stream_write(async_stream *s, const void *buf, size_t size) ASYNC_CHECK;

/* Write some bytes of buf, at least one unless size is 0, as soon as the kernel takes any. Returns how many. Cancelled: nothing
 * was written. For whoever has to go on after a cancelled write, as TLS does in the middle of a record. */
ssize_t await_stream_write_some(async_stream *s, const void *buf, size_t size) ASYNC_CHECK;

/* The same with what printf() would print, of any length. Also -ENOMEM. */
int await_stream_printf(async_stream *s, const char *fmt, ...) ASYNC_CHECK ASYNC_FORMAT(2, 3);

/* Tell the peer that nothing more is coming; reading goes on. 0, also again; -EBUSY: a task is writing; -EPIPE: closed;
 * -ENOTCONN: the connection is dead. */
int async_stream_write_eof(async_stream *s);

/* End the connection, now. Whoever waits on s wakes with -EPIPE, and so does every later call. What the kernel has
 * taken is still sent; what we have not read is lost, and the peer may be told so by a reset. Again, or with NULL:
 * nothing happens. s itself stays until it is dropped.
 * await_stream_close() says goodbye first, where the protocol has a word for that (TLS): 0, or -ECANCELED, and then it
 * is closed all the same. */
void async_stream_close(async_stream *s);
int await_stream_close(async_stream *s) ASYNC_CHECK;

/* Close the stream, free it, and set *s to NULL. A task that is still in a call on it gets -EPIPE. *s may be NULL.
 * async_stream_auto s = NULL: done where s's block ends. Not for the stream of a server. */
void async_stream_drop(async_stream **s);
#define async_stream_auto ASYNC_AUTO(async_stream_drop) async_stream *

ASYNC_END_DECLS

#endif
