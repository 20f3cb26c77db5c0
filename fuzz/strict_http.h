/* SPDX-License-Identifier: MIT */
/* strict_http.h - a reader of HTTP/1.1 that accepts only what every reader understands in the same
 * way (RFC 9112 without its concessions to old programs). The web server is compared with it: what
 * the server accepts and this reader does not could be smuggled past a proxy. */
#ifndef STRICT_HTTP_H
#define STRICT_HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum strict_result {
    STRICT_COMPLETE,
    STRICT_INCOMPLETE, /* more bytes are needed */
    STRICT_BAD_HEAD,
    STRICT_BAD_CHUNKS /* the head is valid, and announces chunks, which are not */
};

struct strict_request {
    char *method, *path; /* path: decoded, without the query string */
    bool bad_target;     /* the target has blanks or control characters, so it must be refused */
    char *body;          /* body_size bytes and a NUL */
    size_t body_size;
    size_t size; /* bytes of the whole request */
};

/* Read one request at the front of n bytes. *ret is for strict_request_free(), whatever is
 * returned, and complete after STRICT_COMPLETE only. */
enum strict_result strict_request_read(const char *s, size_t n, struct strict_request *ret);
void strict_request_free(struct strict_request *rq);

struct strict_response {
    int status;
    bool closes; /* it has the header "Connection: close" */
    size_t size; /* bytes of the whole response */
};

/* Read one response at the front of n bytes, which must have a Content-Length if it can have a
 * body. bodiless: it is the response to a HEAD request. */
enum strict_result strict_response_read(const char *s, size_t n, bool bodiless,
                                        struct strict_response *ret);

#endif
