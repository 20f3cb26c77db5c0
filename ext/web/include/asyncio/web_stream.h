/* SPDX-License-Identifier: MIT */
/* web_stream.h - bodies in pieces: read a request while it arrives, and send a response while it is
 * written. Included by web.h.
 *
 *   await_web_read            read the body of a request
 *   await_web_stream_begin    begin a response whose body is written in pieces
 *   await_web_write, _printf  write bytes, or text
 *   await_web_stream_end      wait until all of it has been sent */
#ifndef ASYNCIO_WEB_STREAM_H
#define ASYNCIO_WEB_STREAM_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

typedef struct async_web_request async_web_request;

/* Read the next part of the body.
 *
 *   char buf[16384];
 *   ssize_t n;
 *   while ((n = ASYNC_TRY(await_web_read(rq, buf, sizeof buf))) > 0)
 *       ASYNC_TRY(await_save(file, buf, n));
 *
 * buf        receives up to size bytes, at least 1.
 * Returns    how many bytes were read, 0 at the end of the body; -ECONNRESET if the client went
 *            away before the end; -EBUSY if another task is reading; -EINVAL if size is 0.
 * Cancelled  nothing was read.
 * Suspends   until there are bytes. With a route of .streamed, that is while they arrive; other
 *            handlers begin when all of the body is there.
 *
 * While the handler does not read, the server reads no more than 64 KiB ahead, so a fast client has
 * to wait. A response can be sent when all of the body has arrived; what a handler leaves unread is
 * read and dropped, at most 1 MiB of it beyond .body_limit. Then the connection is closed. */
ssize_t await_web_read(async_web_request *rq, void *buf, size_t size) ASYNC_CHECK;

/* Options of a streamed response. */
struct async_web_stream_opts {
    uint64_t size; /* bytes that will be written, if known: exactly as many must be */
};

/* Begin a response whose body is written in pieces. Status and headers are sent at once.
 *
 *   ASYNC_TRY(await_web_stream_begin(rq, 200, "text/plain"));
 *   for (int i = 0; i < 10; i++)
 *       ASYNC_TRY(await_web_printf(rq, "%d\n", i));
 *   return 0;
 *
 * status     200 to 599. With 204 and 304, as with HEAD, what is written is dropped.
 * type       the Content-Type, copied; NULL for none.
 * ...        members of struct async_web_stream_opts.
 * Returns    0; -EALREADY; -EINVAL if the status is out of range or the type has control
 *            characters; -EBUSY if the body of the request is a stream whose end has not arrived;
 *            -ENOMEM.
 * Cancelled  the response has not been begun.
 * Suspends   no, but it is a cancellation point.
 *
 * The stream ends when the handler ends. If the handler fails, or fewer bytes were written than
 * announced, the connection is closed, so that the client notices that something is missing. Bytes
 * that were written just before may be lost. */
#define await_web_stream_begin(rq, status, type, ...)                                              \
    await_web_stream_begin_opt((rq), (status), (type),                                             \
                               ASYNC__OPTS(struct async_web_stream_opts, __VA_ARGS__))
int await_web_stream_begin_opt(async_web_request *rq, int status, const char *type,
                               const struct async_web_stream_opts *opts) ASYNC_CHECK;

/* Write bytes to a streamed response. They are copied and sent in order.
 *
 * Returns    0 when all of them are in the server's buffer; -EINVAL if no stream has been begun;
 *            -EPIPE if the client is gone or the stream has ended; -EBUSY if another task is
 *            writing; -EMSGSIZE if the body would be longer than announced.
 * Cancelled  some of the bytes may be sent.
 * Suspends   while more than 64 KiB wait for the client. */
int await_web_write(async_web_request *rq, const void *bytes, size_t size) ASYNC_CHECK;

/* Write formatted text to a streamed response.
 *
 * Returns    0, or an error of await_web_write(); -ENOMEM.
 * Cancelled  some of the text may be sent.
 * Suspends   as await_web_write() does. */
int await_web_printf(async_web_request *rq, const char *fmt, ...) ASYNC_CHECK ASYNC_FORMAT(2, 3);

/* End a streamed response before the handler ends, and wait until the client has been sent all of
 * it. A client that goes away afterwards does not cancel the handler.
 *
 * Returns    0; -EPIPE if the connection was lost before all had been sent; -EPROTO if fewer bytes
 *            were written than announced; -EINVAL if no stream has been begun.
 * Cancelled  the stream may have ended.
 * Suspends   until all has been sent, or the connection is lost.
 * See also   await_web_stream_begin; without this call the stream ends with the handler. */
int await_web_stream_end(async_web_request *rq) ASYNC_CHECK;

ASYNC_END_DECLS

#endif
