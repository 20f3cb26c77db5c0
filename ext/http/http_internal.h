/* SPDX-License-Identifier: MIT */
/* http_internal.h - what the files of ext/http share. Who is who:
 *
 *   session     a libcurl multi handle on our loop, with limits, defaults and a pool of easy handles
 *   call        one await_http_request() or _open(), in the frame of its task: hops one after the other
 *   transfer    an easy handle: one hop, from a permit to the last byte
 *   response    what the caller gets; the transfer's callbacks write into it
 *
 * A transfer is attached to a response while libcurl works on it. Whoever ends this, the driver
 * (done), the task (cancelled), the caller (a stream freed early), a timer (stalled) or the session
 * (closed), goes through http_transfer_detach(): afterwards no callback of libcurl can reach the
 * response any more. */
#ifndef ASYNCIO_HTTP_INTERNAL_H
#define ASYNCIO_HTTP_INTERNAL_H

#include <asyncio/error.h>
#include <asyncio/http.h>
#include <asyncio/loop.h>
#include <asyncio/scope.h>
#include <asyncio/sync.h>
#include <asyncio/task.h>

#include <curl/curl.h>

#include "arena.h"
#include "error.h"
#include "limits.h"
#include "private_address.h"
#include "url.h"

/* In bytes, but for the pool and the ratio. */
enum {
    HTTP_MAX_HEADERS = 256 * 1024, /* of one response */
    HTTP_MAX_DISCARD = 64 * 1024,  /* of a redirect's body; beyond it the connection is given up */
    HTTP_MAX_POOLED = 256,         /* idle easy handles, of a session without a limit */
    HTTP_PIECE = 16 * 1024,        /* libcurl reads no more at once */
    HTTP_SMALL_PIECE = 4 * 1024,   /* the same, of requests that begin beside HTTP_MANY others */
    HTTP_MANY = 64,
    HTTP_BUFFERED = 32 * 1024,       /* a stream stops reading beyond it */
    HTTP_OFFERED = 256 * 1024,       /* of a reader's memory is written to at once, at most */
    HTTP_BOMB = 100,                 /* unpacked by received bytes, at most */
    HTTP_FIRST_LENGTH = 1024 * 1024, /* of a Content-Length is believed before it has come */
};

/* --- the session --- */

enum http_timer { HTTP_TIMER_OFF, HTTP_TIMER_SOON, HTTP_TIMER_LATER };

struct async_http_session {
    async_loop *loop;
    CURLM *multi;
    CURLSH *share;
    int users; /* calls under way; the memory goes with the last one after the close */
    bool closed;

    async_callback timer;
    enum http_timer timer_state;
    bool poisoned;            /* libcurl's multi handle is, for want of memory */
    bool broken;              /* some transfer is, see http_transfer.broken */
    struct http_sock **socks; /* by descriptor */
    size_t sock_count;
    struct http_sock *spare_socks;

    struct http_transfer *active, *pool;
    int pooled;
    int handles; /* pooled and at work */

    struct http_limits limits;

    struct async_http_session_opts o; /* with our copies of the strings */
    struct curl_slist *plain;         /* headers of a request that adds none */
    const char *http_proxy, *https_proxy;
    const char *encodings; /* that libcurl can unpack, for Accept-Encoding */
    struct curl_slist *resolve;
    struct http_arena arena;
};
void http_session_unref(async_http_session *s);

/* How much of the caller's options to copy: an older program has fewer. At least struct_size
 * itself. */
static inline size_t http_opts_size(size_t theirs, size_t ours)
{
    return theirs < sizeof theirs ? sizeof theirs : theirs < ours ? theirs : ours;
}

/* --- transfer.c, handle.c --- */

struct http_transfer {
    CURL *easy;
    CURLU *url;  /* of the hop, for libcurl */
    bool parsed; /* url is that of this hop */
    async_http_session *session;
    struct http_response *res; /* attached to; NULL in the pool */
    struct http_transfer *next, *prev;
    struct http_permit permit;
    bool many;      /* reads HTTP_SMALL_PIECE at once */
    bool plain;     /* set up for a GET without anything special; else reset before the next use */
    bool forbidden; /* an address was refused */
    bool broken; /* the loop could not watch its socket: ENOMEM or the like, no callback may say so */
    int socket_error;
    const char *proxy;
    double connect_timeout;
    bool http1;
    char text[CURL_ERROR_SIZE];
};

struct http_call {
    async_http_session *session;
    struct http_response *res;
    const char *method;
    struct async_http_opts o; /* with the session's defaults */
    const void *body;
    size_t body_size;
    const char *content_type;
    bool has_body;
    bool body_dropped; /* by a redirect, and the headers that described it with it */
    bool crossed;      /* a redirect has left the first origin: no credentials any more */
    bool stream;
    char *auth; /* "Authorization: ..." or NULL */
    struct curl_slist *headers;
};

int http_transfer_begin(struct http_call *c, struct http_permit *permit); /* takes it if it is 0 */
void http_transfer_done(struct http_transfer *t, CURLcode rc);
void http_transfer_end(struct http_transfer *t, int code); /* from outside, with the response told already */
void http_transfer_detach(struct http_transfer *t);
void http_transfer_note(struct http_transfer *t);
void http_transfer_destroy(struct http_transfer *t);
struct http_transfer *http_handle_take(async_http_session *s);
void http_handle_parse(struct http_transfer *t); /* after prepare, on the loop's stack */
void http_handle_give(struct http_transfer *t);
int http_handle_prepare(struct http_transfer *t, const struct http_call *c);

/* --- driver.c: libcurl's sockets and timer on the loop --- */

int http_driver_open(async_http_session *s);
void http_driver_close(async_http_session *s);
void http_driver_kick(async_http_session *s); /* run libcurl soon */
curl_socket_t http_driver_on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a);
int http_driver_on_close(void *arg, curl_socket_t fd);

/* --- response.c, stream.c --- */

struct http_response {
    async_http_response pub;        /* first */
    struct http_transfer *transfer; /* attached to, or NULL */
    bool stream, head, decompress, follow;
    async_event turn; /* the task may go on: the headers of a stream are complete, or all is over */
    bool over;
    int result;

    /* headers as they come */
    async_http_field *last_field;
    async_http_redirect *last_redirect;
    const char *location;
    int64_t content_length; /* -1: unknown */
    size_t header_bytes, discarded;
    bool headers_begun, headers_done, encoded, redirect;

    /* the body */
    char *store;
    size_t capacity, max_body;
    size_t start, end;        /* of a stream: what is in store */
    async_semaphore readable; /* a stream: a unit for its reader, there may be bytes, or it is over */
    bool opened; /* a stream: its headers were fine, errors from now on are for its reader */
    bool reading, paused;
    char *want; /* where its reader waits for bytes */
    size_t want_size, want_got;

    double began, hop_began, deadline;
    double stall, moved; /* .stall_timeout; when something last moved */
    uint64_t progress;
    async_callback stall_timer;

    char *secret; /* to be wiped */
    size_t secret_size;
    struct http_error error; /* copied to pub by http_response_over() */
    char remote_ip[48];
    struct http_arena arena;
};

struct http_response *http_response_new(void);
void http_response_next_hop(struct http_response *res);
size_t http_response_on_header(char *data, size_t one, size_t n, void *arg);
size_t http_response_on_body(char *data, size_t one, size_t n, void *arg);
size_t http_stream_put(struct http_response *res, const char *data, size_t n);
void http_stream_tell(struct http_response *res);
bool http_stream_refuses(struct http_response *res);
void http_response_over(struct http_response *res, int code);

/* --- transfer_error.c --- */

int http_fail_curl(struct http_transfer *t, CURLcode rc);

/* --- body.c, fields.c, redirect.c --- */

int http_body_choose(struct http_call *c);
int http_auth_choose(struct http_call *c, const char *user, const char *password);
int http_fields_check(struct http_error *e, const char *const *pairs);
int http_fields_build(struct http_call *c);
bool http_token(const char *s);
int http_fields_plain(async_http_session *s);

int http_redirect_follow(struct http_call *c); /* prepare the next hop */

#endif
