/* SPDX-License-Identifier: MIT */
/* driver.c - libcurl's multi socket interface on our loop: its sockets are watches, its timer is a
 * callback.
 *
 * libcurl lets a socket go after each request and takes it again for the next. Such a socket stays
 * watched: that saves two system calls a request. Two things follow. An idle connection that
 * becomes readable (the server has closed it) would be reported for ever: its watch stops then. And
 * a socket must leave the loop before it is closed: on_close sees to that, for the sockets that
 * on_open has made; others (of libcurl's resolver) are closed behind our back and are dropped as
 * soon as libcurl lets them go. */
#include "http_internal.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_sock {
    async_watch watch;
    async_http_session *session;
    struct http_sock *next; /* spare */
    bool ours;              /* made by on_open, so closed by on_close */
    bool idle;              /* libcurl has let go of it */
};

/* --- progress --- */

static void fail_broken(async_http_session *s)
{
    s->broken = false;
    for (struct http_transfer *t = s->active, *next; t; t = next) {
        next = t->next;
        if (!t->broken)
            continue;
        int code = http_fail_errno(&t->res->error, ASYNC_HTTP_RESOURCES, t->socket_error,
                                  "cannot watch a socket: %s", strerror(-t->socket_error));
        http_transfer_end(t, code);
    }
}

/* What has ended is detached at once, so that its handle and its place serve the next request. */
static void collect(async_http_session *s)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(s->multi, &left));) {
        struct http_transfer *t = NULL;
        CURLcode rc = m->data.result; /* m goes with its handle */
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        if (m->msg == CURLMSG_DONE && t)
            http_transfer_done(t, rc);
    }
    if (s->broken)
        fail_broken(s);
}

/* Without memory libcurl loses track of a socket: it does not say of which transfer, which would wait
 * for ever, and what it keeps of the socket is not fit to be used again. So all end, and another multi
 * handle takes over; if there is no memory for that either, the next request tries again. */
static void start_anew(async_http_session *s)
{
    while (s->active) {
        int code = http_fail(&s->active->res->error, ASYNC_HTTP_RESOURCES, "libcurl is out of memory");
        http_transfer_end(s->active, code);
    }
    http_driver_close(s);
    async_ignore(http_driver_open(s));
    s->poisoned = false;
}

/* New ones are at the front of the list. */
static void parse_new(async_http_session *s)
{
    for (struct http_transfer *t = s->active; t && !t->parsed; t = t->next)
        http_handle_parse(t);
}

static void act(async_http_session *s, curl_socket_t fd, int mask)
{
    int running;
    parse_new(s);
    if (curl_multi_socket_action(s->multi, fd, mask, &running) != CURLM_OK)
        s->poisoned = true;
    collect(s);
    if (s->poisoned)
        start_anew(s);
}

/* --- the timer --- */

static int on_timer(CURLM *multi, long ms, void *arg);

static void timer_fired(void *arg)
{
    async_http_session *s = arg;
    s->timer_state = HTTP_TIMER_OFF;
    act(s, CURL_SOCKET_TIMEOUT, 0);
    /* libcurl names a time once only: not again if it did so while a turn was due anyhow, or if it has
     * found nothing to do now, for its clock reads otherwise than ours. */
    long ms = -1;
    if (!s->closed && s->timer_state == HTTP_TIMER_OFF && s->active &&
        curl_multi_timeout(s->multi, &ms) == CURLM_OK && ms >= 0)
        on_timer(s->multi, ms > 0 ? ms : 1, s);
}

static void timer_off(async_http_session *s)
{
    if (s->timer_state != HTTP_TIMER_OFF)
        async_callback_cancel(&s->timer);
    s->timer_state = HTTP_TIMER_OFF;
}

void http_driver_kick(async_http_session *s)
{
    if (s->timer_state == HTTP_TIMER_SOON || s->closed)
        return;
    timer_off(s);
    s->timer_state = HTTP_TIMER_SOON;
    async_call_soon(&s->timer, timer_fired, s);
}

/* Called from inside libcurl, often on a task's stack: it must not be entered again from here. 0 is
 * now, not a sleep of a millisecond. */
static int on_timer(CURLM *multi, long ms, void *arg)
{
    (void)multi;
    async_http_session *s = arg;
    if (ms == 0) {
        http_driver_kick(s);
    } else if (s->timer_state != HTTP_TIMER_SOON) { /* that one will ask for the next anyhow */
        timer_off(s);
        if (ms > 0) {
            s->timer_state = HTTP_TIMER_LATER;
            async_call_later(&s->timer, (double)ms / 1000, timer_fired, s);
        }
    }
    return 0;
}

/* --- the sockets --- */

static struct http_sock *sock_new(async_http_session *s, int fd)
{
    if ((size_t)fd >= s->sock_count) {
        size_t n = (size_t)fd < 32 ? 64 : (size_t)fd * 2;
        struct http_sock **socks = realloc(s->socks, n * sizeof *socks);
        if (!socks)
            return NULL;
        memset(socks + s->sock_count, 0, (n - s->sock_count) * sizeof *socks);
        s->socks = socks;
        s->sock_count = n;
    }
    struct http_sock *k = s->spare_socks;
    if (k)
        s->spare_socks = k->next;
    else if (!(k = malloc(sizeof *k)))
        return NULL;
    *k = (struct http_sock){ .session = s };
    return s->socks[fd] = k;
}

static struct http_sock *sock_of(async_http_session *s, int fd)
{
    return fd >= 0 && (size_t)fd < s->sock_count ? s->socks[fd] : NULL;
}

static void sock_drop(async_http_session *s, int fd)
{
    struct http_sock *k = sock_of(s, fd);
    if (!k)
        return;
    async_watch_stop(&k->watch);
    s->socks[fd] = NULL;
    k->next = s->spare_socks;
    s->spare_socks = k;
}

static void on_ready(void *arg, int events)
{
    struct http_sock *k = arg;
    if (k->idle) {
        async_watch_stop(&k->watch);
        return;
    }
    int mask = (events & POLLIN ? CURL_CSELECT_IN : 0) | (events & POLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & (POLLERR | POLLHUP) ? CURL_CSELECT_ERR : 0);
    act(k->session, k->watch.fd, mask);
}

static void sock_let_go(async_http_session *s, struct http_sock *k, int fd)
{
    if (!k)
        return;
    if (!k->ours) {
        sock_drop(s, fd);
        return;
    }
    k->idle = true;
    if (k->watch.active && k->watch.events != POLLIN)
        async_watch_stop(&k->watch);
}

static int sock_watch(async_http_session *s, struct http_sock *k, int fd, int events)
{
    if (!k && !(k = sock_new(s, fd)))
        return -ENOMEM;
    k->idle = false;
    if (k->watch.active)
        return async_watch_change(&k->watch, events);
    return async_watch_start(&k->watch, fd, events, on_ready, k);
}

/* An error returned from here would end the whole multi handle, so it is noted in the transfer
 * instead, which ends as soon as libcurl has been left. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
    (void)assigned;
    async_http_session *s = arg;
    struct http_sock *k = sock_of(s, fd);
    if (what == CURL_POLL_REMOVE) {
        sock_let_go(s, k, fd);
        return 0;
    }
    int events = (what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0);
    int r = sock_watch(s, k, fd, events);
    struct http_transfer *t = NULL;
    if (r < 0 && curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t) == CURLE_OK && t) {
        t->broken = s->broken = true;
        t->socket_error = r;
        http_driver_kick(s);
    }
    return 0;
}

/* Here the address is looked at after its resolution, the very one that is connected to. */
curl_socket_t http_driver_on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    (void)purpose;
    struct http_transfer *t = arg;
    if (t->session->o.no_private && http_address_private(&a->addr)) {
        t->forbidden = true;
        return CURL_SOCKET_BAD;
    }
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
    if (fd < 0) {
        t->socket_error = -errno;
        return CURL_SOCKET_BAD;
    }
    sock_drop(t->session, fd); /* nothing, unless libcurl closed one without on_close */
    struct http_sock *k = sock_new(t->session, fd);
    if (!k) {
        t->socket_error = -ENOMEM;
        close(fd);
        return CURL_SOCKET_BAD;
    }
    k->ours = true;
    return fd;
}

int http_driver_on_close(void *arg, curl_socket_t fd)
{
    sock_drop(arg, fd);
    return close(fd);
}

/* --- the multi handle --- */

/* Also again, after start_anew(). */
int http_driver_open(async_http_session *s)
{
    if (s->multi)
        return 0;
    s->multi = curl_multi_init();
    if (!s->multi)
        return -ENOMEM;
    long cached = s->limits.total ? s->limits.total : 1000;
    CURLMcode rc = curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    rc |= curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
    rc |= curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    rc |= curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
    rc |= curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, cached);
    if (rc == CURLM_OK)
        return 0;
    http_driver_close(s);
    return -ENOMEM;
}

void http_driver_close(async_http_session *s)
{
    if (s->multi)
        curl_multi_cleanup(s->multi); /* calls on_close for each connection */
    s->multi = NULL;
    timer_off(s);
    for (size_t fd = 0; fd < s->sock_count; fd++)
        sock_drop(s, (int)fd);
    for (struct http_sock *k; (k = s->spare_socks);) {
        s->spare_socks = k->next;
        free(k);
    }
    free(s->socks);
    s->socks = NULL;
    s->sock_count = 0;
}
