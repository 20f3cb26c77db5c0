/* SPDX-License-Identifier: MIT */
/* server.h - an HTTP server for tests: a thread for each connection, and whatever misbehaviour a path asks
 * for. It counts what clients do. */
#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct server {
    int port, fd;
    pthread_t thread;
    char url[64];                 /* http://127.0.0.1:PORT */
    atomic_int connections, open; /* accepted so far, and not closed yet */
    atomic_int requests;
    atomic_int busy, most_busy; /* requests being answered, now and at most */
    atomic_long sent;           /* bytes of bodies that the kernel has taken */
};

/* Paths, all of any method:
 *   /echo                the request as it came, as text
 *   /bytes/N /chunked/N  N bytes, with a length, in chunks
 *   /close/N             N bytes without a length, ended by closing
 *   /status/CODE         an empty answer
 *   /redirect/N          302 to /redirect/N-1, from 0 on to /echo
 *   /circle              a redirect to itself
 *   /to/CODE?URL         a redirect there
 *   /big/N?URL           a 302 with a body of N bytes
 *   /delay/MS            waits, then "late"
 *   /drop /reset         closes, resets the connection instead of answering
 *   /half/N              announces N bytes, sends half of them, closes
 *   /stall/N             announces N bytes, sends half of them, waits until the client goes
 *   /silent              waits until the client goes
 *   /lengths /same       two content lengths, different and equal
 *   /gzip/N              N zeros, packed
 *   /transfer-gzip/N     the same in the transfer, which nobody asked for; ends by closing
 *   /junk                not HTTP
 *   /headers/N           N bytes of headers
 *   /retry?TEXT          429 and Retry-After: TEXT, where '+' is a space
 *   /info                a 103, then the answer
 *   /cookie              sets one
 *   /idle                answers, and closes the connection 50 ms later
 *   /raw?BYTES           these, percent-decoded, and nothing else
 *   /raw-close?BYTES     the same, then closes the connection
 *   /raw-reset?BYTES     the same, then resets the connection
 *   /fold                a folded header, one without a value, a double one
 */
void server_start(struct server *s);
void server_stop(struct server *s); /* its clients should be gone */

/* n zeros, packed; for free(). In gzip.c. */
unsigned char *gzip_zeros(long n, size_t *ret_size);

#endif
