/* SPDX-License-Identifier: MIT */
/* stream_ops.h - provide streams of a new kind, for example TLS over a connection.
 *
 *   struct async_stream_ops    the operations of one kind of stream
 *   async_stream_new           make a stream of that kind
 *   async_stream_self          return the data that a stream was made with
 *
 * All functions of stream.h work on such a stream. The library checks the loop and the task, refuses a second reader
 * (-EBUSY), keeps bytes that were read ahead, finds the ends of lines, repeats short writes, and refuses calls on a closed
 * stream (-EPIPE). The operations only move bytes. examples/stream_adapter.c is a complete adapter. */
#ifndef ASYNCIO_STREAM_OPS_H
#define ASYNCIO_STREAM_OPS_H

#include <asyncio/stream.h>

ASYNC_BEGIN_DECLS

/* What read and write return if the call would have to wait. No errno has this value. */
#define ASYNC_STREAM_WOULD_BLOCK (-4096)

/* The two sides of a stream. */
enum async_stream_side { ASYNC_STREAM_READABLE = 1, ASYNC_STREAM_WRITABLE = 2 };

/* The operations of one kind of stream: a constant, and the same for all streams of that kind.
 *
 *   static const struct async_stream_ops upper_ops = {
 *       .read = upper_read, .write = upper_write, .close = upper_close, .free = upper_free
 *   };
 *
 * An operation is called by the task that has called the stream's function. At most one task at a time is in read, or in
 * wait for reading, and at most one in write, or in wait for writing; both may be under way at once. So if reading also
 * writes to something that both share, as in TLS, guard that by an async_lock.
 *
 * Read, write, wait and finish may suspend, by any await_ function. There are two ways to wait:
 *   - in read and write. Then leave wait NULL. Suits a stream on top of another stream, whose await_ functions it calls.
 *   - in wait. Then read and write return ASYNC_STREAM_WOULD_BLOCK instead of suspending, and the library calls wait and
 *     tries again. A stream that waits in this way holds no buffer while it waits for its first byte. Suits a descriptor,
 *     with await_fd_ready(), or an async_event.
 * Close may be called while another task is suspended in one of these. It must wake that task. The stream and its data stay
 * until all tasks have returned; then free is called.
 *
 * The ends have distinct codes. Return 0 from read at the end of the stream, -ECONNRESET if the connection was torn down,
 * -EPIPE from write if the peer does not read any more. A handler of await_serve() that ends with one of these codes, or with
 * -ENODATA, which the library returns for an early end, is not reported. */
struct async_stream_ops {
    /* Read from 1 to size bytes into buf; size is at least 1.
     * Returns    the number of bytes; 0 at the end of the stream; ASYNC_STREAM_WOULD_BLOCK, only if wait is not NULL;
     *            or a negative errno.
     * Cancelled  must consume nothing and return -ECANCELED. */
    ssize_t (*read)(async_stream *s, void *buf, size_t size);

    /* Write from 1 to size bytes of buf; size is at least 1.
     * Returns    the number of bytes; ASYNC_STREAM_WOULD_BLOCK, only if wait is not NULL; or a negative errno.
     * Cancelled  should write nothing and return -ECANCELED. If bytes were accepted already, return their number. */
    ssize_t (*write)(async_stream *s, const void *buf, size_t size);

    /* Wait until read or write, as side says, may succeed. Returns 0, at once if that is so already; or a negative errno.
     * A wait for nothing does no harm. Cancelled: returns -ECANCELED. May be NULL, see above. */
    int (*wait)(async_stream *s, enum async_stream_side side);

    /* End the stream in order, as part of await_stream_close() and at the end of a handler of await_serve(): send what is
     * buffered, say farewell to the peer. Limit it in time. Other calls on the stream are refused from here on, and close
     * follows in any case. Returns 0 or a negative errno, which await_stream_close() returns. NULL: there is nothing to
     * do. */
    int (*finish)(async_stream *s);

    /* Tell the peer that nothing more will be written; reading goes on. Must not suspend. Returns 0, also for a second time,
     * or a negative errno. A later write must return -EPIPE. NULL: -ENOTSUP. */
    int (*write_eof)(async_stream *s);

    /* End the stream now and wake every task that is suspended in an operation; what that operation returns does not matter
     * any more. Must not suspend. Called once, perhaps after the loop has closed. */
    void (*close)(async_stream *s);

    /* Free the data of the stream, which was closed before and is not in use any more. Must not suspend. NULL: there is
     * nothing to free. */
    void (*free)(async_stream *s);

    /* Take the latest n bytes that read has returned back into the stream, as a file does by moving its position. Must not
     * suspend. NULL: the library keeps such bytes in memory. */
    void (*unread)(async_stream *s, size_t n);

    size_t read_ahead; /* bytes to read at once when a line is wanted; 0: 4096 */
    bool exclusive;    /* reading and writing exclude each other (-EBUSY), because they share a position */
};

/* Make a stream.
 *
 *   async_stream *s;
 *   ASYNC_TRY(async_stream_new(&upper_ops, u, &s));
 *
 * ops        its operations; must stay valid as long as the stream.
 * self       data of the adapter, which ops.free frees; may be NULL. After an error it still belongs to the caller.
 * ret        receives the stream, which belongs to the caller: async_stream_drop().
 * Returns    0; -EINVAL if ops has neither read nor write, or no close; -EPERM if no loop runs on this thread; -ENOMEM. */
int async_stream_new(const struct async_stream_ops *ops, void *self, async_stream **ret) ASYNC_CHECK;

/* Return the data that a stream was made with.
 *
 *   struct upper *u = async_stream_self(s, &upper_ops);
 *
 * ops        the operations that s must have.
 * Returns    the self of async_stream_new(); NULL if s is a stream of another kind. */
void *async_stream_self(const async_stream *s, const struct async_stream_ops *ops);

ASYNC_END_DECLS

#endif
