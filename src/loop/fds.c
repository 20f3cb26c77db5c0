/* SPDX-License-Identifier: MIT */
#include "loop/fds.h"

#include <asyncio/loop.h>

#include <poll.h>

#include "base/alloc.h"
#include "loop/loop.h"

enum { BATCH = 256 };

#define GATE_EVENT UINT64_MAX

int async__fds_open(struct fds *f, int event)
{
    struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u64 = GATE_EVENT };
    *f = (struct fds){ .ep = async__sys.epoll_create() };
    if (f->ep < 0)
        return -errno;
    if (async__sys.epoll_ctl(f->ep, EPOLL_CTL_ADD, event, &ev) == 0)
        return 0;
    int err = -errno;
    async__sys.close(f->ep);
    return err;
}

void async__fds_close(struct fds *f)
{
    async__sys.close(f->ep);
    async__free(f->entries);
    *f = (struct fds){ .ep = -1 };
}

struct fd_entry *async__fds_entry(struct fds *f, int fd)
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

int async__fds_register(struct fds *f, int fd, struct fd_entry *e, int events, bool once)
{
    struct epoll_event ev = { .events = (uint32_t)events | (once ? EPOLLONESHOT : 0),
                              .data.u64 = (uint64_t)e->generation << 32 | (uint32_t)fd };
    int op = e->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int r = async__sys.epoll_ctl(f->ep, op, fd, &ev);
    if (r < 0 && errno == (e->known ? ENOENT : EEXIST)) /* the number has a new owner; or was left behind */
        r = async__sys.epoll_ctl(f->ep, e->known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev);
    e->known = r == 0;
    return r < 0 ? -errno : 0;
}

void async__fds_unregister(struct fds *f, int fd, struct fd_entry *e)
{
    struct epoll_event ev = { 0 };
    e->generation++;
    if (e->known)
        async__sys.epoll_ctl(f->ep, EPOLL_CTL_DEL, fd, &ev); /* may be gone: closed by its owner */
    e->known = false;
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

void async__fds_strand(struct fd_entry *e)
{
    wake_waiter(&e->reader, -EPIPE);
    wake_waiter(&e->writer, -EPIPE);
}

/* Whatever a former owner of the number has left behind ends here. */
int async__fds_own(struct fds *f, int fd)
{
    struct fd_entry *e = async__fds_entry(f, fd);
    if (!e)
        return -ENOMEM;
    async__fds_strand(e);
    e->watch = NULL;
    e->generation++;
    e->known = false;
    e->owned = true;
    e->ready = FD_READABLE | FD_WRITABLE;
    f->owned++;
    return 0;
}

/* Closing takes it out of epoll by itself. Should a child process have inherited it, its events come with an old
 * generation. */
void async__fds_disown(struct fds *f, int fd)
{
    struct fd_entry *e = &f->entries[fd];
    e->generation++;
    e->known = e->owned = false;
    async__fds_strand(e);
    f->owned--;
}

int async__fds_attach(struct fds *f, int fd)
{
    static const uint32_t all = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
    struct fd_entry *e = &f->entries[fd];
    return likely(e->known) ? 0 : async__fds_register(f, fd, e, (int)all, false);
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
    struct fd_entry *e = &l->fds.entries[fd];
    if (e->generation != (uint32_t)(data >> 32))
        return;
    if (e->owned) {
        deliver_own(e, events);
        return;
    }
    if (e->watch) {
        struct outside before = outside_lend(async__locals_share(e->watch->locals));
        e->watch->fn(e->watch->arg, events);
        outside_restore(before);
        return;
    }
    int ends = POLLERR | POLLHUP;
    if (e->reader && events & (POLLIN | POLLRDHUP | POLLPRI | ends))
        wake_waiter(&e->reader, events);
    if (e->writer && events & (POLLOUT | ends))
        wake_waiter(&e->writer, events);
    int left = (e->reader ? POLLIN : 0) | (e->writer ? POLLOUT : 0);
    if (left && async__fds_register(&l->fds, fd, e, left, true) < 0) /* cannot be armed again: let them look */
        for (int i = 0; i < 2; i++)
            if (i ? e->writer : e->reader)
                wake_waiter(i ? &e->writer : &e->reader, POLLERR);
}

bool async__fds_poll(struct loop *l, int64_t timeout)
{
    struct epoll_event evs[BATCH];
    int n = async__sys.epoll_wait(l->fds.ep, evs, BATCH, timeout);
    for (int i = 0; i < n; i++)
        if (evs[i].data.u64 != GATE_EVENT)
            deliver(l, evs[i].data.u64, (int)evs[i].events);
    l->fds.heard = n > 0 ? n : 0;
    return n > 0 || (n < 0 && errno == EINTR);
}
