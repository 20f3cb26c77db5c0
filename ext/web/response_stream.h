/* SPDX-License-Identifier: MIT */
/* response_stream.h - streamed responses, as the rest of the server sees them. */
#ifndef WEB_RESPONSE_STREAM_H
#define WEB_RESPONSE_STREAM_H

#include <asyncio/web.h>

/* Has the handler announced more bytes than it has written? */
bool web_stream_is_short(const async_web_request *rq);

/* The handler has ended with that result, and the stream with it. A failure cuts the stream. */
void web_stream_end_with_handler(async_web_request *rq, int result);

/* The client is gone or MHD has completed the request: nothing reads the stream any more. Wakes the
 * handler if it waits. */
void web_stream_cut(async_web_request *rq);

#endif
