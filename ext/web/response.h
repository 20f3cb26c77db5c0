/* SPDX-License-Identifier: MIT */
/* response.h - the response to a request until MHD takes it over: status, headers and body. */
#ifndef WEB_RESPONSE_H
#define WEB_RESPONSE_H

#include "arena.h"

#include <asyncio/web.h>
#include <microhttpd.h>

struct web_header {
    struct web_header *next;
    const char *name, *value;
};

struct web_response {
    int status;                /* 0: there is no response yet */
    struct MHD_Response *body; /* with its type; owned. NULL: a page, or none */
    const async_web_page *page;
    uint64_t size;              /* bytes of the body; of a stream, those written so far */
    struct web_header *headers; /* added to the above, in this order */
};

/* Returns 0, or -EINVAL and a message if a status is not in 200 to 599 or a type is not valid. */
int web_response_check(int status, const char *type);

/* Make body, which is taken over, the response. type may be NULL.
 *
 * size       bytes of the body, for the log.
 * Returns    0; -ENOMEM, also if body is NULL, because it could not be made. */
int web_response_set(struct web_response *r, int status, const char *type,
                     struct MHD_Response *body, uint64_t size);

/* Make "404 Not Found" and the like, as text, the response. Without memory there is none. */
void web_response_set_error(struct web_response *r, int status);

/* Make a page, which must outlive the request, the response. */
void web_response_set_page(struct web_response *r, const async_web_page *page);

/* Add a header; it is copied to the arena. Returns 0, -EINVAL and a message, or -ENOMEM. */
int web_response_add_header(struct web_response *r, struct web_arena *arena, const char *name,
                            const char *value);

/* Hand the response over to MHD; only inside a callback of MHD. close: the connection ends with it.
 * Returns MHD_NO without memory, or without a response. MHD then closes the connection. */
enum MHD_Result web_response_queue(struct web_response *r, struct MHD_Connection *mhd, bool close);

/* Free a response that MHD has not taken over. */
void web_response_free(struct web_response *r);

#endif
