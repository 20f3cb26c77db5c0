/* SPDX-License-Identifier: MIT */
/* harness.h - a server on the loop, and a client that blocks, in a thread beside it. */
#ifndef HARNESS_H
#define HARNESS_H

#include <asyncio.h>
#include <asyncio/web.h>
#include <check.h>

/* Serve on a port that the kernel chooses, run client(port, arg) in a thread, stop when it returns. */
typedef void client_fn(int port, void *arg);
void serve(const async_web_route *routes, struct async_web_opts opts, client_fn *client, void *arg);

/* The thread alone, for tests that start and stop themselves. await_client: until it has returned. */
struct client {
    client_fn *fn;
    void *arg;
    int port;
    async_loop *loop;
    async_event done;
    unsigned long thread;
};
void client_start(struct client *c, int port, client_fn *fn, void *arg);
int await_client(struct client *c) ASYNC_CHECK;

/* --- the client's side; everything fails the test when it fails, or takes longer than ten seconds --- */

int dial(int port);
int dial_later(void); /* a socket, for... */
void dial_now(int fd, int port);
void put(int fd, const char *fmt, ...) ASYNC_FORMAT(2, 3);
void put_bytes(int fd, const void *bytes, size_t size);
bool at_end(int fd); /* wait for the end of the stream: true; false: something came instead */
double now(void);
void nap(double seconds);

/* An answer, read from fd by its Content-Length, its chunks, or to the end. */
struct answer {
    int status; /* 0: there was none */
    bool whole; /* not cut */
    char head[4096];
    char *body; /* free() it */
    size_t size, room;
};
struct answer answer_read(int fd, bool head_only);
const char *answer_header(const struct answer *a, const char *name); /* or NULL; until the next call */

/* One request on a connection of its own; fmt gives the request line, more header lines with \r\n each. */
struct answer ask(int port, const char *fmt, ...) ASYNC_FORMAT(2, 3);

/* Ask, and compare status and body (NULL: any). */
void expect(int port, int status, const char *body, const char *request_line);

enum { SUITE_SECONDS = 60 };
#include "../suite_frame.h"

#endif
