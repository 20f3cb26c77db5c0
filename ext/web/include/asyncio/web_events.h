/* SPDX-License-Identifier: MIT */
/* web_events.h - server-sent events: a response that never ends, for pages that show what happens.
 * Included by web.h.
 *
 *   await_web_events_begin  begin a stream of events
 *   await_web_event         send an event
 *
 *   ASYNC_DEF(clock_page, (async_web_request *)rq)
 *   {
 *       char text[20];
 *       ASYNC_TRY(await_web_events_begin(rq));
 *       for (int i = 0;; i++) {
 *           snprintf(text, sizeof text, "%d", i);
 *           ASYNC_TRY(await_web_event(rq, text, .event = "tick"));
 *           ASYNC_TRY(await_sleep(1));
 *       }
 *   }
 *
 * In the page, `new EventSource("/clock").addEventListener("tick", ...)` receives them. A browser
 * connects again when the connection ends, and sends the id of the last event in the header
 * Last-Event-ID: async_web_header(rq, "Last-Event-ID"). The handler is cancelled when the client
 * goes away. A client without a word of the server for some minutes may be disconnected by a proxy;
 * an event that has only a .comment keeps the connection open. */
#ifndef ASYNCIO_WEB_EVENTS_H
#define ASYNCIO_WEB_EVENTS_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

typedef struct async_web_request async_web_request;

/* Begin a stream of events: a streamed response with the type text/event-stream, which is not to be
 * cached or buffered.
 *
 * Returns    0; -EALREADY if the request already has a response; -ENOMEM.
 * Cancelled  the response has not been begun.
 * Suspends   no, but it is a cancellation point.
 * See also   await_web_stream_begin (web.h). */
int await_web_events_begin(async_web_request *rq) ASYNC_CHECK;

/* Options of an event. */
struct async_web_event_opts {
    size_t struct_size;  /* set by the macro */
    const char *event;   /* its name; default: "message", which is what onmessage receives */
    const char *id;      /* the client sends it back when it connects again; default: none */
    double retry;        /* seconds after which the client connects again; default: its own */
    const char *comment; /* a line that clients ignore; default: none */
};

/* Send an event.
 *
 *   ASYNC_TRY(await_web_event(rq, "{\"price\": 12}", .event = "price", .id = "7"));
 *   ASYNC_TRY(await_web_event(rq, NULL, .comment = "still here"));
 *
 * data       text of one line or several; NULL for none, and then the client takes it for no event.
 * ...        members of struct async_web_event_opts.
 * Returns    0 when it is in the server's buffer; -EINVAL if no stream has been begun, or .event,
 *            .id or .comment have a line break; -EPIPE if the client is gone; -EBUSY if another
 *            task is writing; -ENOMEM.
 * Cancelled  a part of the event may be sent.
 * Suspends   while more than 64 KiB wait for the client. */
#define await_web_event(rq, data, ...)                                                             \
    await_web_event_opt((rq), (data),                                                              \
                        ASYNC__OPTS(struct async_web_event_opts,                                   \
                                    .struct_size = sizeof(struct async_web_event_opts),            \
                                    __VA_ARGS__))
int await_web_event_opt(async_web_request *rq, const char *data,
                        const struct async_web_event_opts *opts) ASYNC_CHECK;

ASYNC_END_DECLS

#endif
