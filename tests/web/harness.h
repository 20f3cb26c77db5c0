/* SPDX-License-Identifier: MIT */
/* harness.h - a server in the loop of the test, and clients that use blocking sockets in a thread
 * beside it. The port is always one that the kernel has chosen. */
#ifndef HARNESS_H
#define HARNESS_H

#include <asyncio.h>
#include <asyncio/web.h>
#include <stdatomic.h>

/* --- the server's side --- */

/* Serve, run client(port, arg) in a thread, and stop when it has returned. */
typedef void client_fn(int port, void *arg);
void serve(const async_web_route *routes, struct async_web_opts opts, client_fn *client, void *arg);

/* The client's thread alone, for tests that start and stop their servers themselves. */
struct client {
    client_fn *fn;
    void *arg;
    int port;
    async_loop *loop;
    async_event done;
    unsigned long thread;
};
void client_start(struct client *c, int port, client_fn *fn, void *arg);

/* Wait until the client's function has returned. */
int await_client(struct client *c) ASYNC_CHECK;

/* Do what serve() does, and return what was written to stderr meanwhile, for free(). */
char *serve_and_capture_stderr(const async_web_route *routes, struct async_web_opts opts,
                               client_fn *client, void *arg);

/* How many descriptors below 256 are open. */
int count_descriptors(void);

/* --- the client's side --- */

/* Everything here fails the test if it fails or takes longer than ten seconds. */

int connect_to(int port);
void connect_socket(int fd, int port); /* a socket of open_socket() */
int open_socket(void);
void send_text(int fd, const char *fmt, ...) ASYNC_FORMAT(2, 3);
void send_bytes(int fd, const void *bytes, size_t size);

/* Wait until something arrives. Returns true if it is the end of the stream. */
bool reads_end(int fd);

/* Close with a reset instead of a proper end. */
void reset_connection(int fd);

/* Wait until a counter of the server's side has a value. */
void wait_until(atomic_int *counter, int value);

/* Move the stopped clock of fake_clock.h, and wait until the timers that are due have fired. */
void skip_seconds(double seconds);

struct response {
    int status; /* 0: there was no response */
    bool complete;
    char head[4096];
    char *body; /* for free() */
    size_t size, capacity;
};

/* Read a response: as long as its Content-Length or its chunks say, or to the end of the stream. */
struct response read_response(int fd);
struct response read_head_response(int fd); /* to a HEAD request: without a body */

/* Return the first header of that name, or NULL. Valid until the next call. */
const char *response_header(const struct response *r, const char *name);

/* Make a request on a connection of its own. The text is the request line, and may go on with
 * headers, each after "\r\n"; the host, "Connection: close" and the end of the headers are
 * added. */
struct response request(int port, const char *fmt, ...) ASYNC_FORMAT(2, 3);

/* Make a request and compare status and body; NULL is any body. */
void expect_response(int port, int status, const char *body, const char *request_line);

/* Read a response, compare its status, and free it. */
void expect_status(int fd, int status);

#define SUITE_SECONDS 60
#include "../frame/suite.h"

#endif
