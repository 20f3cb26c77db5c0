/* SPDX-License-Identifier: MIT */
/* stream_ops.h - for adapters: provide a stream of a new kind, for example TLS.
 *
 *   struct async_stream_ops    the operations of one kind of stream
 *   async_stream_new           make a stream of that kind
 *   async_stream_self          return the data that a stream was made with
 *   struct async_stream_layer  put a stream of that kind on top of each connection
 *
 * All functions of stream.h work on such a stream. The library checks the loop and the task,
 * refuses a second reader (-EBUSY), keeps bytes that were read ahead, finds the ends of lines,
 * repeats short writes, and refuses calls on a closed stream (-EPIPE). The operations only move
 * bytes. examples/stream_adapter.c is a complete adapter. */
#ifndef ASYNCIO_STREAM_OPS_H
#define ASYNCIO_STREAM_OPS_H

#include <asyncio/stream.h>

ASYNC_BEGIN_DECLS

/* Nothing can be moved now: what read and write return instead of a number of bytes. */
enum { ASYNC_STREAM_WOULD_BLOCK = -4096 };

/* A side of a stream, for wait. */
enum async_stream_side {
    ASYNC_STREAM_READABLE = 1,
    ASYNC_STREAM_WRITABLE = 2
};

/* The operations of one kind of stream: a constant table.
 *
 *   static const struct async_stream_ops upper_ops = {
 *       .read = upper_read, .write = upper_write, .close = upper_close, .free = upper_free
 *   };
 *
 * An operation is called by the task that has called the stream's function, and finds its data by
 * async_stream_self(). At most one task at a time is in read, or in wait for reading, and at most
 * one in write, or in wait for writing; both may be under way at once. So if reading also writes to
 * something that both share, as in TLS, guard that by an async_lock.
 *
 * The operations read, write, wait and finish may suspend, by any await_ function; the others must
 * not. There are two ways to wait:
 *   - in read and write, which then call await_ functions, while wait is NULL. This suits a stream
 *     on top of another stream.
 *   - in wait. Then read and write return ASYNC_STREAM_WOULD_BLOCK instead of suspending, and the
 *     library calls wait and tries again. A stream that waits in this way holds no buffer while it
 *     waits for its first byte. This suits a descriptor, with await_fd_ready(), or an async_event.
 *
 * The ends of a stream have distinct codes. Return 0 from read at the end, -ECONNRESET if the
 * connection was torn down, -EPIPE from write if the peer does not read any more. A handler of
 * await_serve() that ends with one of these codes, or with -ENODATA, which the library returns for
 * an early end, is not reported. */
struct async_stream_ops {
    /* Read from 1 to size bytes.
     *
     * buf, size  receives the bytes; size is at least 1.
     * Returns    the number of bytes; 0 at the end of the stream; ASYNC_STREAM_WOULD_BLOCK, if wait
     *            is not NULL; or a negative errno.
     * Cancelled  must consume nothing and return -ECANCELED.
     *
     * NULL: the stream can only be written; a read is refused with -EBADF. */
    ssize_t (*read)(async_stream *s, void *buf, size_t size);

    /* Write from 1 to size bytes.
     *
     * buf, size  the bytes; size is at least 1.
     * Returns    the number of bytes; ASYNC_STREAM_WOULD_BLOCK, if wait is not NULL; or a negative
     *            errno.
     * Cancelled  writes nothing and returns -ECANCELED; or returns the number of bytes, if some
     *            were accepted already.
     *
     * NULL: the stream can only be read; a write is refused with -EBADF. */
    ssize_t (*write)(async_stream *s, const void *buf, size_t size);

    /* Wait until read or write may succeed. To return too early does no harm.
     *
     * side       which of them.
     * Returns    0, at once if that is so already; or a negative errno.
     * Cancelled  returns -ECANCELED.
     *
     * NULL: read and write wait by themselves. */
    int (*wait)(async_stream *s, enum async_stream_side side);

    /* End the stream in order: send what is buffered, say farewell to the peer. Called by
     * await_stream_close(), and at the end of a handler of await_serve(). Use a timeout: the peer
     * may not answer. Other calls on the stream are refused from here on, and close follows in any
     * case.
     *
     * Returns    0 or a negative errno, which await_stream_close() returns.
     *
     * NULL: there is nothing to do. */
    int (*finish)(async_stream *s);

    /* Tell the peer that nothing more will be written; reading goes on. A later write must return
     * -EPIPE.
     *
     * Returns    0, also for a second time; or a negative errno.
     *
     * NULL: async_stream_write_eof() returns -ENOTSUP. */
    int (*write_eof)(async_stream *s);

    /* End the stream now, and wake every task that is suspended in an operation; what that
     * operation returns does not matter any more. Called once, perhaps after the loop has closed.
     * The stream and its data stay until all tasks have returned; then free is called. */
    void (*close)(async_stream *s);

    /* Free the data of the stream, which was closed before and is not in use any more. NULL: there
     * is nothing to free. */
    void (*free)(async_stream *s);

    /* Take the latest n bytes that read has returned back into the stream, as a file does by moving
     * its position. NULL: the library keeps such bytes in memory. */
    void (*unread)(async_stream *s, size_t n);

    size_t read_ahead; /* bytes to read at once when a line is wanted; 0: 4096 */
    bool exclusive;    /* reading and writing exclude each other, as with the position of a file */
};

/* Make a stream. It belongs to the loop of the calling thread.
 *
 *   async_stream *s;
 *   ASYNC_TRY(async_stream_new(&upper_ops, u, &s));
 *
 * ops        its operations; must stay valid as long as the stream.
 * self       data of the adapter, which ops->free frees; may be NULL. After an error it still
 *            belongs to the caller.
 * ret        receives the stream, which belongs to the caller: async_stream_drop().
 * Returns    0; -EINVAL if ops has neither read nor write, or no close; -EPERM if no loop runs on
 *            this thread; -ENOMEM. */
int async_stream_new(const struct async_stream_ops *ops, void *self,
                     async_stream **ret) ASYNC_CHECK;

/* Return the data that a stream was made with.
 *
 *   struct upper *u = async_stream_self(s, &upper_ops);
 *
 * ops        the operations that s was made with, so that a stream of another kind is told apart.
 * Returns    the self of async_stream_new(); NULL if s is a stream of another kind. */
void *async_stream_self(const async_stream *s, const struct async_stream_ops *ops);

/* Put a stream on top of each connection of await_open_connection() or await_serve() (.layer).
 *
 *   struct tls {
 *       async_stream_layer layer;
 *       SSL_CTX *context;
 *   };
 *   ...
 *   ASYNC_TRY(await_open_connection("example.org", "443", &s, .layer = &tls->layer));
 *
 * On a server, open runs in the task of the connection, so a slow handshake keeps no other
 * connection waiting. If it fails, the task ends as if its handler had failed. */
struct async_stream_layer {
    /* Make a stream on top of a connection, for example by a handshake. May suspend. Use a timeout:
     * the peer may not answer.
     *
     * inner      the connection, which belongs to the new stream from here on. If open fails, it
     *            must drop inner.
     * host       as given to await_open_connection(), for example to verify a certificate; NULL on
     *            a server.
     * ret        receives the stream.
     * Returns    0 or a negative errno. */
    int (*open)(const async_stream_layer *layer, async_stream *inner, const char *host,
                async_stream **ret);
};

ASYNC_END_DECLS

#endif
