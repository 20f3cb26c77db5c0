/* SPDX-License-Identifier: MIT */
/* connect.c - connect to a host by happy eyeballs (RFC 8305): one task makes several attempts, and
 * waits for any of them or for the moment when the next one may begin. */
#include "net/resolve.h"

#include <netinet/tcp.h>
#include <stdio.h>

#include "base/alloc.h"
#include "io/stream_fd.h"
#include "task/error.h"

#define STAGGER   0.25  /* seconds from one attempt to the next */
#define RETRY_MIN 0.001 /* seconds to the next attempt when the backlog of a Unix socket is full */
#define RETRY_MAX 0.1

struct attempt {
    int fd;
    int target; /* index of its address */
};

struct connecting {
    async_task *task;
    const struct addresses *to;
    int next;  /* the address to try next */
    int count; /* attempts under way */
    struct attempt attempts[ADDRESSES_MAX];
    int errors[ADDRESSES_MAX]; /* of each address whose attempt has failed, otherwise 0 */
    double pause;              /* seconds until the next attempt begins */
    bool due;                  /* the next attempt may begin now */
};

/* --- failures --- */

/* Is it an error of the route to the host? It tells the user less than an answer of the host. */
static bool tells_little(int err)
{
    return err == -ENETUNREACH || err == -EHOSTUNREACH || err == -EADDRNOTAVAIL ||
           err == -EAFNOSUPPORT;
}

/* Choose the error that tells most. Of equal ones it is the latest. */
static int best_error(const struct connecting *c)
{
    int best = 0;
    for (int i = 0; i < c->to->count; i++)
        if (c->errors[i] && (best == 0 || !tells_little(c->errors[i]) || tells_little(best)))
            best = c->errors[i];
    return best;
}

static int attempt_text(const struct connecting *c, int i, char *buf, size_t size)
{
    char name[ADDRESS_TEXT];
    async__address_text(&c->to->at[i], name);
    return snprintf(buf, size, "%s: %s", name, strerror(-c->errors[i]));
}

/* Name as many attempts as a message has room for. */
static void message_of_attempts(const struct connecting *c, char text[static MESSAGE_SIZE])
{
    static const char more[] = "; and 32 more";
    size_t used = 0, room = MESSAGE_SIZE - sizeof more;
    text[0] = '\0';
    for (int i = 0; i < c->to->count; i++) {
        char one[ADDRESS_TEXT + 64];
        size_t length = (size_t)attempt_text(c, i, one, sizeof one);
        bool is_last = i + 1 == c->to->count;
        if (used > 0 && used + length + 2 > (is_last ? MESSAGE_SIZE - 1 : room)) {
            snprintf(text + used, MESSAGE_SIZE - used, "; and %d more", c->to->count - i);
            return;
        }
        used += (size_t)snprintf(text + used, MESSAGE_SIZE - used, "%s%s", used ? "; " : "", one);
        if (used >= MESSAGE_SIZE)
            return;
    }
}

/* Make a record of each attempt the cause of the error, so that a report names them all. Without
 * memory for that the message must do. */
static void set_attempts_as_cause(const struct connecting *c)
{
    async_error *list = NULL;
    for (int i = c->to->count; i-- > 0;) {
        char name[ADDRESS_TEXT];
        async__address_text(&c->to->at[i], name);
        async_error *e = async__error_not_started(name, c->errors[i], "", NULL);
        if (!e)
            break;
        e->retrieved = true; /* the call returns the error, and its message has all of them */
        e->next = list;
        list = e;
    }
    async__error_set_cause(c->task, list);
}

static int all_failed(const struct connecting *c)
{
    char text[MESSAGE_SIZE];
    message_of_attempts(c, text);
    if (c->to->count > 1)
        set_attempts_as_cause(c);
    return async_fail_at(best_error(c), NULL, "%s", text);
}

/* --- attempts --- */

static void attempt_failed(struct connecting *c, int target, int err)
{
    c->errors[target] = err;
    c->due = true;
}

static void remove_attempt(struct connecting *c, int i)
{
    c->attempts[i] = c->attempts[--c->count];
}

/* TCP connects a socket to itself if nothing listens on the port and the kernel has chosen that
 * very port for our side. */
static bool is_connected_to_itself(int fd, const struct address *to)
{
    struct address a = { .len = sizeof a - offsetof(struct address, any) };
    if (to->any.sa_family == AF_UNIX || async__sys.getsockname(fd, &a.any, &a.len) < 0)
        return false;
    if (a.any.sa_family == AF_INET)
        return a.in.sin_port == to->in.sin_port && a.in.sin_addr.s_addr == to->in.sin_addr.s_addr;
    return a.in6.sin6_port == to->in6.sin6_port &&
           memcmp(&a.in6.sin6_addr, &to->in6.sin6_addr, sizeof a.in6.sin6_addr) == 0;
}

/* The attempt has ended: err is 0 or its error. Returns whether it is connected; if not, the
 * descriptor is closed. */
static bool attempt_ended(struct connecting *c, int fd, int target, int err)
{
    if (err == 0 && is_connected_to_itself(fd, &c->to->at[target]))
        err = -ECONNREFUSED;
    if (err == 0)
        return true;
    async__owned_fd_close(c->task->loop, fd);
    attempt_failed(c, target, err);
    return false;
}

static int open_socket(struct loop *l, int family)
{
    int fd = async__sys.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int r = async__poller_add_owned(&l->poller, fd);
    if (r < 0)
        async__sys.close(fd);
    return r < 0 ? r : fd;
}

/* The backlog of a Unix socket is full. The kernel reports no event when there is room again,
 * so try again after a pause. A blocking connect() would wait, too. */
static void try_again_later(struct connecting *c, int fd)
{
    async__owned_fd_close(c->task->loop, fd);
    c->next--;
    c->pause = c->pause >= STAGGER ? RETRY_MIN : c->pause * 2;
    if (c->pause > RETRY_MAX)
        c->pause = RETRY_MAX;
}

/* Begin with the next address. Returns the descriptor if it is connected at once, else -EAGAIN. */
static int begin_attempt(struct connecting *c)
{
    struct loop *l = c->task->loop;
    int target = c->next++;
    const struct address *to = &c->to->at[target];
    c->due = false;
    int fd = open_socket(l, to->any.sa_family);
    if (fd < 0) {
        attempt_failed(c, target, fd);
        return -EAGAIN;
    }
    int err = async__sys.connect(fd, &to->any, to->len) < 0 ? -errno : 0;
    if (err == -EINPROGRESS || err == -EINTR) {
        *owned_fd_ready(l, fd) = 0;
        c->attempts[c->count++] = (struct attempt){ fd, target };
        return -EAGAIN;
    }
    if (err == -EAGAIN && to->any.sa_family == AF_UNIX) {
        try_again_later(c, fd);
        return -EAGAIN;
    }
    return attempt_ended(c, fd, target, err) ? fd : -EAGAIN;
}

/* Look at the attempts of which the poller has reported something. Returns the descriptor of the
 * one that is connected, or -EAGAIN. */
static int check_attempts(struct connecting *c)
{
    for (int i = 0; i < c->count;) {
        int fd = c->attempts[i].fd, target = c->attempts[i].target, err = 0;
        if (!(*owned_fd_ready(c->task->loop, fd) & FD_WRITABLE)) {
            i++;
            continue;
        }
        socklen_t size = sizeof err;
        if (async__sys.getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
            err = errno;
        remove_attempt(c, i);
        if (attempt_ended(c, fd, target, -err))
            return fd;
    }
    return -EAGAIN;
}

static void next_attempt_due(void *arg)
{
    struct connecting *c = arg;
    c->due = true;
    if (c->task->node.state == TASK_PARKED) {
        c->task->value = 0;
        async__wake(c->task, WOKEN);
    }
}

static int wait_for_attempts(struct connecting *c)
{
    async_callback timer;
    int fds[ADDRESSES_MAX];
    bool more = c->next < c->to->count;
    for (int i = 0; i < c->count; i++)
        fds[i] = c->attempts[i].fd;
    if (more)
        async_call_later(&timer, c->pause, next_attempt_due, c);
    int r = async__owned_fd_wait_any(c->task, fds, c->count, FD_WRITABLE);
    if (more)
        async_callback_cancel(&timer);
    return r;
}

/* Returns the descriptor of the first attempt that is connected, or a negative errno. */
static int connect_first(struct connecting *c)
{
    for (;;) {
        int fd = -EAGAIN;
        while (fd < 0 && c->due && c->next < c->to->count)
            fd = begin_attempt(c);
        if (fd >= 0)
            return fd;
        if (c->count == 0 && c->next == c->to->count)
            return all_failed(c);
        int r = wait_for_attempts(c);
        if (r < 0)
            return r;
        fd = check_attempts(c);
        if (fd >= 0)
            return fd;
    }
}

/* --- the stream --- */

static int connect_to_any(async_task *t, const struct addresses *to, async_stream **ret)
{
    struct connecting c = { .task = t, .to = to, .due = true, .pause = STAGGER };
    int one = 1, fd = connect_first(&c);
    for (int i = 0; i < c.count; i++)
        async__owned_fd_close(t->loop, c.attempts[i].fd);
    if (fd < 0)
        return fd;
    bool is_unix = to->at[0].any.sa_family == AF_UNIX;
    if (!is_unix)
        async__sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *owned_fd_ready(t->loop, fd) = FD_READABLE | FD_WRITABLE;
    int r = async__stream_of_fd(is_unix ? &async__socket_ops : &async__tcp_ops, fd, ret);
    if (r < 0)
        async__owned_fd_close(t->loop, fd);
    return r;
}

int await_open_connection_opt(const char *host, const char *port, async_stream **ret,
                              const struct async_net_opts *opts)
{
    async_task *t;
    struct addresses *to;
    async_stream *s;
    int r = await_begin(&t, "await_open_connection");
    if (r == 0)
        r = async__resolve(t, host, port, false, &to);
    if (r < 0)
        return r;
    r = connect_to_any(t, to, &s);
    async__free(to);
    if (r == 0 && opts && opts->layer)
        return opts->layer->open(opts->layer, s, host, ret);
    if (r == 0)
        *ret = s;
    return r;
}
