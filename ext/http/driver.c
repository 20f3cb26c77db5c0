/* SPDX-License-Identifier: MIT */
/* driver.c - libcurl's multi socket interface on the event loop. Each socket of libcurl's has a
 * watch, and its timer is a callback.
 *
 * libcurl lets go of a socket after each request and takes it up again for the next. Such a socket
 * stays watched, which saves two system calls a request. Two things follow:
 * - An idle connection that the server has closed stays readable and would be reported in every
 *   iteration of the loop. Its watch is stopped at the first report.
 * - The watch of a socket must stop before the socket is closed. close_socket() sees to that for
 *   the sockets of open_socket(). Others belong to libcurl's resolver, which closes them without
 *   a callback; they are forgotten as soon as libcurl lets go of them. */
#include "driver.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct http_socket {
    async_watch watch;
    struct http_driver *driver;
    struct http_socket *next; /* in the list of spare records */
    bool owned;               /* made by open_socket(), closed by close_socket() */
    bool idle;                /* libcurl has let go of it */
};

static int multi_open(struct http_driver *d);
static void multi_close(struct http_driver *d);

/* --- running libcurl --- */

static void report_unwatched(struct http_driver *d)
{
    for (struct http_attachment *a; (a = d->unwatched);) {
        d->unwatched = a->next_unwatched;
        a->unwatched = false;
        d->ops->unwatched(d->owner, a);
    }
}

/* Finished handles are reported at once, so that their permits serve the requests that wait. */
static void report_done(struct http_driver *d)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(d->multi, &left));) {
        struct http_attachment *a = NULL;
        CURLcode rc = m->data.result; /* removing the handle frees m */
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&a);
        if (m->msg == CURLMSG_DONE && a)
            d->ops->done(d->owner, a, rc);
    }
    report_unwatched(d);
}

/* Without memory libcurl loses track of a socket and does not report of which handle, so that
 * handle would wait for ever; and what libcurl keeps of the socket must not be used again. So all
 * transfers end, and another multi handle takes over. If there is no memory for that one, either,
 * http_driver_add() tries again. */
static void replace_multi(struct http_driver *d)
{
    d->ops->lost(d->owner, d, "libcurl is out of memory");
    multi_close(d);
    d->unusable = false;
    async_ignore(multi_open(d));
}

static void run_libcurl(struct http_driver *d, curl_socket_t fd, int mask)
{
    int running;
    d->closed_received = 0;
    d->ops->prepare(d->owner);
    if (curl_multi_socket_action(d->multi, fd, mask, &running) != CURLM_OK)
        d->unusable = true;
    report_done(d);
    if (d->unusable)
        replace_multi(d);
}

/* --- the timer --- */

static int set_libcurl_timer(CURLM *multi, long ms, void *arg);

/* libcurl passes the time of its next timeout to set_libcurl_timer() only once. It does not pass it
 * again if a run was due anyway at that time, or if it found nothing to do in this run because its
 * clock differs from the loop's. So read that time after each run. */
static void timer_fired(void *arg)
{
    struct http_driver *d = arg;
    long ms = -1;
    d->timer_state = HTTP_TIMER_OFF;
    run_libcurl(d, CURL_SOCKET_TIMEOUT, 0);
    if (d->timer_state == HTTP_TIMER_OFF && d->added &&
        curl_multi_timeout(d->multi, &ms) == CURLM_OK && ms >= 0)
        set_libcurl_timer(d->multi, ms > 0 ? ms : 1, d);
}

static void stop_timer(struct http_driver *d)
{
    if (d->timer_state != HTTP_TIMER_OFF)
        async_callback_cancel(&d->timer);
    d->timer_state = HTTP_TIMER_OFF;
}

static void run_soon(struct http_driver *d)
{
    if (d->timer_state == HTTP_TIMER_SOON)
        return;
    stop_timer(d);
    d->timer_state = HTTP_TIMER_SOON;
    async_call_soon(&d->timer, timer_fired, d);
}

/* Called from inside libcurl, often on a task's stack, where libcurl must not be entered again. A
 * time of 0 becomes a callback in the next iteration, not a sleep of a millisecond. */
static int set_libcurl_timer(CURLM *multi, long ms, void *arg)
{
    (void)multi;
    struct http_driver *d = arg;
    if (ms == 0) {
        run_soon(d);
    } else if (d->timer_state != HTTP_TIMER_SOON) { /* otherwise timer_fired() will read the time */
        stop_timer(d);
        if (ms > 0) {
            d->timer_state = HTTP_TIMER_LATER;
            async_call_later(&d->timer, (double)ms / 1000, timer_fired, d);
        }
    }
    return 0;
}

/* --- the sockets --- */

/* Make the record of a socket, and enter it in the table, which grows as needed. Returns NULL if
 * there is no memory. */
static struct http_socket *socket_new(struct http_driver *d, int fd)
{
    if ((size_t)fd >= d->socket_count) {
        size_t n = (size_t)fd < 32 ? 64 : (size_t)fd * 2;
        struct http_socket **sockets = realloc(d->sockets, n * sizeof *sockets);
        if (!sockets)
            return NULL;
        memset(sockets + d->socket_count, 0, (n - d->socket_count) * sizeof *sockets);
        d->sockets = sockets;
        d->socket_count = n;
    }
    struct http_socket *k = d->spare_sockets;
    if (k)
        d->spare_sockets = k->next;
    else if (!(k = malloc(sizeof *k)))
        return NULL;
    *k = (struct http_socket){ .driver = d };
    return d->sockets[fd] = k;
}

static struct http_socket *socket_find(struct http_driver *d, int fd)
{
    return fd >= 0 && (size_t)fd < d->socket_count ? d->sockets[fd] : NULL;
}

static void socket_forget(struct http_driver *d, int fd)
{
    struct http_socket *k = socket_find(d, fd);
    if (!k)
        return;
    async_watch_stop(&k->watch);
    d->sockets[fd] = NULL;
    k->next = d->spare_sockets;
    d->spare_sockets = k;
}

static void socket_ready(void *arg, int events)
{
    struct http_socket *k = arg;
    if (k->idle) {
        async_watch_stop(&k->watch);
        return;
    }
    int mask = (events & POLLIN ? CURL_CSELECT_IN : 0) | (events & POLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & (POLLERR | POLLHUP) ? CURL_CSELECT_ERR : 0);
    run_libcurl(k->driver, k->watch.fd, mask);
}

/* libcurl needs the socket no more for now. Keep watching it for input, see the top of the file. */
static void socket_idle(struct http_driver *d, struct http_socket *k, int fd)
{
    if (!k)
        return;
    if (!k->owned) {
        socket_forget(d, fd);
        return;
    }
    k->idle = true;
    if (k->watch.active && k->watch.events != POLLIN)
        async_watch_stop(&k->watch);
}

static int socket_watch(struct http_driver *d, struct http_socket *k, int fd, int events)
{
    if (!k && !(k = socket_new(d, fd)))
        return -ENOMEM;
    k->idle = false;
    if (k->watch.active)
        return async_watch_change(&k->watch, events);
    return async_watch_start(&k->watch, fd, events, socket_ready, k);
}

/* An error returned from here would end all transfers of the multi handle. Instead the handle is
 * put into a list, and reported as soon as libcurl has been left. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
    (void)assigned;
    struct http_driver *d = arg;
    struct http_socket *k = socket_find(d, fd);
    if (what == CURL_POLL_REMOVE) {
        socket_idle(d, k, fd);
        return 0;
    }
    int events = (what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0);
    int r = socket_watch(d, k, fd, events);
    struct http_attachment *a = NULL;
    if (r < 0 && curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&a) == CURLE_OK && a) {
        a->socket_error = r;
        if (!a->unwatched) {
            a->unwatched = true;
            a->next_unwatched = d->unwatched;
            d->unwatched = a;
        }
        run_soon(d);
    }
    return 0;
}

/* Open a socket for libcurl, unless the owner refuses the address. libcurl does not pass the reason
 * of a failure on, so it is kept in the attachment. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct http_attachment *a = arg;
    struct http_driver *d = a->driver;
    if (!d->ops->may_connect(d->owner, &address->addr)) {
        a->refused = true;
        return CURL_SOCKET_BAD;
    }
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);
    if (fd < 0) {
        a->socket_error = -errno;
        return CURL_SOCKET_BAD;
    }
    socket_forget(d, fd); /* has no effect unless libcurl has closed such a socket by itself */
    struct http_socket *k = socket_new(d, fd);
    if (!k) {
        a->socket_error = -ENOMEM;
        close(fd);
        return CURL_SOCKET_BAD;
    }
    k->owned = true;
    return fd;
}

/* How much a connection has received tells a header line that was too long from a lack of memory,
 * see transfer_error.c. */
static int close_socket(void *arg, curl_socket_t fd)
{
    struct http_driver *d = arg;
    struct tcp_info info = { 0 };
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &(socklen_t){ sizeof info }) == 0 &&
        info.tcpi_bytes_received > d->closed_received)
        d->closed_received = info.tcpi_bytes_received;
    socket_forget(d, fd);
    return close(fd);
}

static void free_sockets(struct http_driver *d)
{
    for (size_t fd = 0; fd < d->socket_count; fd++)
        socket_forget(d, (int)fd);
    for (struct http_socket *k; (k = d->spare_sockets);) {
        d->spare_sockets = k->next;
        free(k);
    }
    free(d->sockets);
    d->sockets = NULL;
    d->socket_count = 0;
}

/* --- the multi handle --- */

/* Make the multi handle, unless there is one. */
static int multi_open(struct http_driver *d)
{
    if (d->multi)
        return 0;
    d->multi = curl_multi_init();
    if (!d->multi)
        return -ENOMEM;
    CURLMcode rc = curl_multi_setopt(d->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    rc |= curl_multi_setopt(d->multi, CURLMOPT_SOCKETDATA, d);
    rc |= curl_multi_setopt(d->multi, CURLMOPT_TIMERFUNCTION, set_libcurl_timer);
    rc |= curl_multi_setopt(d->multi, CURLMOPT_TIMERDATA, d);
    rc |= curl_multi_setopt(d->multi, CURLMOPT_MAXCONNECTS, d->max_connections);
    if (rc == CURLM_OK)
        return 0;
    multi_close(d);
    return -ENOMEM;
}

static void multi_close(struct http_driver *d)
{
    if (d->multi)
        curl_multi_cleanup(d->multi); /* calls close_socket() for each connection */
    d->multi = NULL;
    stop_timer(d);
    free_sockets(d);
}

void http_driver_init(struct http_driver *d, const struct http_driver_ops *ops, void *owner,
                      long max_connections)
{
    *d = (struct http_driver){ .ops = ops, .owner = owner, .max_connections = max_connections };
}

int http_driver_open(struct http_driver *d)
{
    return multi_open(d);
}

void http_driver_close(struct http_driver *d)
{
    multi_close(d);
}

/* --- easy handles --- */

CURLcode http_driver_attach(struct http_attachment *a)
{
    CURLcode rc = curl_easy_setopt(a->easy, CURLOPT_PRIVATE, a);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(a->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(a->easy, CURLOPT_OPENSOCKETDATA, a);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(a->easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    return rc;
}

/* A connection outlives the handle that made it, so close_socket() gets the driver. */
static bool set_driver(struct http_attachment *a, struct http_driver *d)
{
    if (a->driver == d)
        return true;
    a->driver = d;
    return curl_easy_setopt(a->easy, CURLOPT_CLOSESOCKETDATA, d) == CURLE_OK;
}

CURLMcode http_driver_add(struct http_driver *d, struct http_attachment *a)
{
    a->socket_error = 0;
    a->refused = false;
    CURLMcode rc = multi_open(d) == 0 && set_driver(a, d) ? CURLM_OK : CURLM_OUT_OF_MEMORY;
    if (rc == CURLM_OK)
        rc = curl_multi_add_handle(d->multi, a->easy);
    if (rc == CURLM_OK)
        d->added++;
    return rc;
}

static void remove_unwatched(struct http_driver *d, struct http_attachment *a)
{
    struct http_attachment **at = &d->unwatched;
    while (*at != a)
        at = &(*at)->next_unwatched;
    *at = a->next_unwatched;
    a->unwatched = false;
}

void http_driver_remove(struct http_attachment *a)
{
    struct http_driver *d = a->driver;
    if (a->unwatched)
        remove_unwatched(d, a);
    curl_multi_remove_handle(d->multi, a->easy);
    d->added--;
}

CURLcode http_driver_resume(struct http_attachment *a)
{
    run_soon(a->driver);
    CURLcode rc = curl_easy_pause(a->easy, CURLPAUSE_CONT);
    if (rc == CURLE_ABORTED_BY_CALLBACK) /* libcurl has lost a socket, having no memory */
        a->driver->unusable = true;
    return rc;
}
