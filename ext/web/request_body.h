/* SPDX-License-Identifier: MIT */
/* request_body.h - the body of a request, in memory. */
#ifndef WEB_REQUEST_BODY_H
#define WEB_REQUEST_BODY_H

#include <stdbool.h>
#include <stddef.h>

/* How many bytes of a body are read after it has been refused. A client that is busy sending reads
 * nothing: if the connection were closed at once, most clients would never see the response. */
#define WEB_DISCARD_MAX ((size_t)1 << 20)

struct web_body {
    char *bytes; /* a '\0' follows them; NULL: the body is empty */
    size_t size, capacity;
    size_t read;      /* by await_web_read() */
    size_t discarded; /* bytes read after the body had been refused */
};

/* Append a part of a body that may have up to limit bytes.
 *
 * Returns    0, or a status: 413 if the body is too long, 503 without memory. */
int web_body_append(struct web_body *b, const void *bytes, size_t size, size_t limit);

/* Count size more bytes of a body that has been refused. false: the client has sent so much of it
 * that the connection is to be closed. */
bool web_body_discard(struct web_body *b, size_t size, size_t limit);

void web_body_free(struct web_body *b);

#endif
