/* SPDX-License-Identifier: MIT */
/* response.h - a response while it is received, and afterwards.
 *
 * A response is delivered by its source, which is part of a transfer. The response calls it through
 * struct http_source_ops only, and so depends neither on transfers nor on libcurl's handles. The
 * source calls http_response_header() and http_response_body() as data arrives, and
 * http_response_finish() at the end. */
#ifndef ASYNCIO_HTTP_RESPONSE_H
#define ASYNCIO_HTTP_RESPONSE_H

#include <asyncio/http.h>
#include <asyncio/sync.h>

#include "arena.h"
#include "error.h"

enum { HTTP_READ_SIZE = 16 * 1024 }; /* bytes of one read from the network, at most */

struct http_source;

struct http_source_ops {
    /* Returns the status of the headers that have just ended. */
    int (*status)(struct http_source *s);
    /* Write version, remote_ip and wire_size of the response, as far as they are known. */
    void (*measure)(struct http_source *s);
    /* Deliver again, after http_response_body() has refused data. */
    void (*resume)(struct http_source *s);
    /* Abort. The source leaves the response, and delivers nothing more. */
    void (*stop)(struct http_source *s);
};

struct http_source {
    const struct http_source_ops *ops;
};

struct http_response {
    async_http_response pub;    /* first */
    struct http_source *source; /* NULL: nothing more will come */
    struct http_error error;    /* copied to pub by http_response_finish() */
    bool stream;                /* made by await_http_open() */
    bool head;         /* the request was a HEAD: there is no body, whatever the headers announce */
    bool decompress;   /* undo Content-Encoding */
    bool follow;       /* a redirect is followed, not returned */
    async_event ready; /* set when the headers of a stream are complete, or all is over */
    bool finished;
    int result; /* if finished: 0 or a negative errno */

    /* headers, as they arrive */
    async_http_field *last_field;
    async_http_redirect *last_redirect;
    const char *location;   /* of a redirect, or NULL */
    int64_t content_length; /* -1: unknown */
    size_t header_bytes;    /* received, of all hops */
    size_t discarded;       /* bytes of a redirect's body */
    bool headers_begun, headers_done;
    bool encoded;      /* the body is unpacked, here or by libcurl, and so can grow */
    bool coded;        /* it has a Content-Encoding that is to be undone */
    bool redirect;     /* this hop is a redirect, to be followed */
    bool body_refused; /* the redirect's body is not worth reading; the hop is good all the same */

    /* the body: of a whole response all of it, of a stream what has not been read yet */
    struct http_decoder *decoder; /* of the body, from its first byte on */
    char *store;
    size_t capacity, max_body;
    size_t start, end;        /* of a stream: the bytes in store */
    async_semaphore readable; /* of a stream: 1 when its reader has a reason to look */
    bool opened;  /* a stream was returned to the caller: later errors are returned by reads */
    bool reading; /* a task is in await_http_read() */
    bool paused;  /* the source was refused a piece, because enough is in store */
    char *reader; /* memory of the waiting task for the next bytes; NULL if no task waits */
    size_t reader_size, reader_got;

    double began, hop_began; /* async_time() of the call and of its latest hop; 0: none yet */
    double deadline;         /* of reads of a stream; ASYNC_FOREVER */

    char *secret; /* in the arena: to be wiped */
    size_t secret_size;
    char remote_ip[48];
    struct http_arena arena;
};

struct http_response *http_response_new(void);

/* Forget status and headers of the hop before. What they point to stays valid. */
void http_response_next_hop(struct http_response *res);

/* Nothing more will come. Store the result, copy the error to pub, and wake the tasks that wait for
 * headers, end or bytes. */
void http_response_finish(struct http_response *res, int code);

/* Let the reader of a stream look whether there are bytes, or the end. */
void http_response_wake_reader(struct http_response *res);

/* The body has ended, and the source is still attached. Returns 0; the error of a compressed body
 * that ended too early. */
int http_response_check_end(struct http_response *res);

/* Abort what still delivers the response, if anything does. */
void http_response_stop(struct http_response *res);

#endif
