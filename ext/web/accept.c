/* SPDX-License-Identifier: MIT */
#include "accept.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPT_BATCH = 16 }; /* connections accepted before others are served */

#define PAUSE      0.1 /* seconds until the next attempt when descriptors or memory have run out */
#define WARN_EVERY 60  /* seconds between two messages about that */

static void on_listener_ready(void *listener, int events);

static bool has_room(const struct web_acceptor *a)
{
    return *a->open < a->limit;
}

static int start_watch(struct web_listener *l)
{
    size_t i = (size_t)(l - l->acceptor->listeners);
    return async_watch_start(&l->watch, l->acceptor->sockets.fds[i], POLLIN, on_listener_ready, l);
}

/* Watch all sockets, or none. A socket that cannot be watched for lack of memory is tried again
 * when a connection is closed. */
static void watch_listeners(struct web_acceptor *a, bool on)
{
    for (size_t i = 0; i < a->sockets.count; i++) {
        struct web_listener *l = &a->listeners[i];
        if (on && !l->watching)
            l->watching = start_watch(l) == 0;
        else if (!on && l->watching)
            async_watch_stop(&l->watch);
        l->watching &= on;
    }
}

static void on_pause_end(void *acceptor)
{
    struct web_acceptor *a = acceptor;
    a->pausing = false;
    web_acceptor_resume(a);
}

static void pause_accepting(struct web_acceptor *a, int shortage)
{
    double now = async_time();
    if (a->warned == 0 || now >= a->warned + WARN_EVERY) {
        fprintf(stderr, "asyncio-web: cannot accept connections at the moment: %s\n",
                strerror(shortage));
        a->warned = now;
    }
    watch_listeners(a, false);
    a->pausing = true;
    async_call_later(&a->pause, PAUSE, on_pause_end, a);
}

static bool is_shortage(int err)
{
    return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

/* Accept one connection. Returns false if none waits, or none can be accepted at the moment. An
 * error of a client that has gone meanwhile does not concern the server: accept(2) lists them. */
static bool accept_connection(struct web_acceptor *a, int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int c = accept4(fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (c >= 0) {
        MHD_add_connection(a->driver->daemon, c, (struct sockaddr *)&address, size);
        return true;
    }
    if (is_shortage(errno))
        pause_accepting(a, errno);
    return errno != EAGAIN && errno != EINVAL && !is_shortage(errno);
}

static void on_listener_ready(void *listener, int events)
{
    struct web_listener *l = listener;
    struct web_acceptor *a = l->acceptor;
    int n = 0, fd = a->sockets.fds[l - a->listeners];
    (void)events;
    a->driver->now = async_time();
    while (has_room(a) && n < ACCEPT_BATCH && accept_connection(a, fd))
        n++;
    if (!has_room(a))
        watch_listeners(a, false);
    if (n > 0)
        web_driver_schedule(a->driver);
}

void web_acceptor_resume(struct web_acceptor *a)
{
    if (!a->pausing && has_room(a))
        watch_listeners(a, true);
}

int web_acceptor_start(struct web_acceptor *a, struct web_driver *driver, size_t limit,
                       const size_t *open)
{
    a->driver = driver;
    a->limit = limit;
    a->open = open;
    for (size_t i = 0; i < a->sockets.count; i++) {
        struct web_listener *l = &a->listeners[i];
        l->acceptor = a;
        int r = start_watch(l);
        if (r < 0)
            return r;
        l->watching = true;
    }
    return 0;
}

void web_acceptor_stop(struct web_acceptor *a)
{
    watch_listeners(a, false);
    web_unlisten(&a->sockets);
    if (a->pausing)
        async_callback_cancel(&a->pause);
    a->pausing = false;
}
