/* SPDX-License-Identifier: MIT */
#include "loop/poller.h"

#include <asyncio/loop.h>

#include <poll.h>

#include "base/alloc.h"
#include "loop/loop.h"

enum { BATCH = 256 };

#define HANDLE_EVENT UINT64_MAX

int async__poller_open(struct poller *f, int event)
{
    struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u64 = HANDLE_EVENT };
    *f = (struct poller){ .ep = async__sys.epoll_create() };
    if (f->ep < 0)
        return -errno;
    if (async__sys.epoll_ctl(f->ep, EPOLL_CTL_ADD, event, &ev) == 0)
        return 0;
    int err = -errno;
    async__sys.close(f->ep);
    return err;
}

void async__poller_close(struct poller *f)
{
    async__sys.close(f->ep);
    async__free(f->entries);
    *f = (struct poller){ .ep = -1 };
}

struct fd_entry *async__poller_entry(struct poller *f, int fd)
{
    if (likely(fd < f->count))
        return &f->entries[fd];
    int count = f->count ? f->count : 64;
    while (count <= fd)
        count *= 2;
    struct fd_entry *entries = async__realloc(f->entries, (size_t)count * sizeof *entries);
    if (!entries)
        return NULL;
    memset(entries + f->count, 0, (size_t)(count - f->count) * sizeof *entries);
    f->entries = entries;
    f->count = count;
    return &entries[fd];
}

/* poll()'s names and epoll's have the same values on Linux; say so where it would matter. */
_Static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR &&
                       EPOLLHUP == POLLHUP && EPOLLRDHUP == POLLRDHUP && EPOLLPRI == POLLPRI,
               "events need no translation");

int async__poller_register(struct poller *f, int fd, struct fd_entry *e, int events, bool once)
{
    struct epoll_event ev = { .events = (uint32_t)events | (once ? EPOLLONESHOT : 0),
                              .data.u64 = (uint64_t)e->generation << 32 | (uint32_t)fd };
    int op = e->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int r = async__sys.epoll_ctl(f->ep, op, fd, &ev);
    if (r < 0 && errno == (e->registered ? ENOENT : EEXIST)) /* the number has a new owner; or was left behind */
        r = async__sys.epoll_ctl(f->ep, e->registered ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev);
    e->registered = r == 0;
    return r < 0 ? -errno : 0;
}

void async__poller_unregister(struct poller *f, int fd, struct fd_entry *e)
{
    struct epoll_event ev = { 0 };
    e->generation++;
    if (e->registered)
        async__sys.epoll_ctl(f->ep, EPOLL_CTL_DEL, fd, &ev); /* may be gone: closed by its owner */
    e->registered = false;
}

static void wake_waiter(async_task **who, int events)
{
    async_task *t = *who;
    *who = NULL;
    if (!t || t->node.state != TASK_PARKED) /* interrupted a moment ago: it will see for itself */
        return;
    t->value = events;
    async__wake(t, WOKEN);
}

void async__poller_fail_waiters(struct fd_entry *e)
{
    wake_waiter(&e->reader, -EPIPE);
    wake_waiter(&e->writer, -EPIPE);
}

/* Whatever a former owner of the number has left behind ends here. */
int async__poller_add_owned(struct poller *f, int fd)
{
    struct fd_entry *e = async__poller_entry(f, fd);
    if (!e)
        return -ENOMEM;
    async__poller_fail_waiters(e);
    e->watch = NULL;
    e->generation++;
    e->registered = false;
    e->owned = true;
    e->ready = FD_READABLE | FD_WRITABLE;
    f->owned++;
    return 0;
}

/* Closing takes it out of epoll by itself. Should a child process have inherited it, its events come with an old
 * generation. */
void async__poller_remove_owned(struct poller *f, int fd)
{
    struct fd_entry *e = &f->entries[fd];
    e->generation++;
    e->registered = e->owned = false;
    async__poller_fail_waiters(e);
    f->owned--;
}

int async__poller_register_owned(struct poller *f, int fd)
{
    static const uint32_t all = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
    struct fd_entry *e = &f->entries[fd];
    return likely(e->registered) ? 0 : async__poller_register(f, fd, e, (int)all, false);
}

static void deliver_own(struct fd_entry *e, int events)
{
    int ends = POLLERR | POLLHUP, in = POLLIN | POLLRDHUP | POLLPRI | ends;
    unsigned ready = e->ready;
    ready |= events & in ? FD_READABLE : 0;
    ready |= events & (POLLOUT | ends) ? FD_WRITABLE : 0;
    ready |= events & (in & ~POLLIN) ? FD_ENDING : 0;
    e->ready = (uint8_t)ready;
    if (events & in)
        wake_waiter(&e->reader, events);
    if (events & (POLLOUT | ends))
        wake_waiter(&e->writer, events);
}

static void deliver(struct loop *l, uint64_t data, int events)
{
    int fd = (int)(uint32_t)data;
    struct fd_entry *e = &l->poller.entries[fd];
    if (e->generation != (uint32_t)(data >> 32))
        return;
    if (e->owned) {
        deliver_own(e, events);
        return;
    }
    if (e->watch) {
        struct thread_context before = context_enter(async__context_ref(e->watch->context));
        e->watch->fn(e->watch->arg, events);
        context_leave(before);
        return;
    }
    int ends = POLLERR | POLLHUP;
    if (e->reader && events & (POLLIN | POLLRDHUP | POLLPRI | ends))
        wake_waiter(&e->reader, events);
    if (e->writer && events & (POLLOUT | ends))
        wake_waiter(&e->writer, events);
    int left = (e->reader ? POLLIN : 0) | (e->writer ? POLLOUT : 0);
    if (left && async__poller_register(&l->poller, fd, e, left, true) < 0) /* cannot be armed again: let them look */
        for (int i = 0; i < 2; i++)
            if (i ? e->writer : e->reader)
                wake_waiter(i ? &e->writer : &e->reader, POLLERR);
}

bool async__poller_poll(struct loop *l, int64_t timeout)
{
    struct epoll_event evs[BATCH];
    int n = async__sys.epoll_wait(l->poller.ep, evs, BATCH, timeout);
    for (int i = 0; i < n; i++)
        if (evs[i].data.u64 != HANDLE_EVENT)
            deliver(l, evs[i].data.u64, (int)evs[i].events);
    l->poller.events = n > 0 ? n : 0;
    return n > 0 || (n < 0 && errno == EINTR);
}
