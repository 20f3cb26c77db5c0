/* SPDX-License-Identifier: MIT */
/* server.h - an HTTP server for tests. Each connection has a thread. A path decides how a request
 * is answered, correctly or not. The server counts connections, requests and bytes. */
#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct server {
    int port, fd;
    pthread_t thread;
    char url[64];                 /* http://127.0.0.1:PORT */
    atomic_int connections, open; /* accepted so far; of these, not closed yet */
    atomic_int requests;
    atomic_int busy, most_busy; /* requests that are being answered; the highest number of them */
    atomic_long sent;           /* bytes of bodies that were written to sockets */
    atomic_bool released;       /* set by a test: requests for /hold are answered */
};

/* Paths; the method does not matter:
 *   /echo                the request as it was received, as text
 *   http://echo.invalid/ the same; such a path is what a proxy receives
 *   /bytes/N /chunked/N  N bytes, with Content-Length or in chunks
 *   /close/N             N bytes without Content-Length, ended by closing the connection
 *   /status/CODE         an empty response with this status
 *   /redirect/N          302 to /redirect/N-1; 0 leads to /echo
 *   /circle              a redirect to itself
 *   /to/CODE?URL         a redirect with this status and target
 *   /big/N?URL           a 302 with a body of N bytes
 *   /delay/MS            waits, then answers "late"
 *   /hold                waits until the test sets released, then answers "held"
 *   /drop /reset         closes or resets the connection instead of answering
 *   /half/N              announces N bytes, sends half of them, closes the connection
 *   /stall/N             announces N bytes, sends half of them, waits until the client closes
 *   /silent              waits until the client closes
 *   /lengths /same       two Content-Length headers, different or equal
 *   /gzip/N              N zeros, compressed
 *   /transfer-gzip/N     the same as Transfer-Encoding, unasked; ended by closing the connection
 *   /junk                not HTTP
 *   /headers/N           N bytes of headers
 *   /line/N              one header of N bytes
 *   /retry?TEXT          429 with Retry-After: TEXT, where '+' stands for a space
 *   /info                a 103, then the response
 *   /cookie              sets a cookie
 *   /idle                answers, and closes the connection 50 ms later
 *   /raw?BYTES           these bytes, percent-decoded, and nothing else
 *   /raw-close?BYTES     the same, then closes the connection
 *   /raw-reset?BYTES     the same, then resets the connection
 *   /fold                a folded header, one without a value, and one that appears twice
 */
void server_start(struct server *s);

/* Stop the server. Its clients should have closed their connections. */
void server_stop(struct server *s);

/* Returns n zeros as gzip, to be freed by free(). Defined in gzip.c. */
unsigned char *gzip_zeros(long n, size_t *ret_size);

#endif
