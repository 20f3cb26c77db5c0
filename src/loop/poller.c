/* SPDX-License-Identifier: MIT */
#include "loop/poller.h"

#include <asyncio/loop.h>

#include <poll.h>

#include "base/alloc.h"
#include "loop/scheduler.h"

enum { EVENTS_MAX = 256, ENTRIES_MIN = 64 };

/* Marks the event of the loop's handle. */
#define HANDLE_EVENT UINT64_MAX

int async__poller_open(struct poller *p, int event)
{
    struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u64 = HANDLE_EVENT };
    *p = (struct poller){ .ep = async__sys.epoll_create() };
    if (p->ep < 0)
        return -errno;
    if (async__sys.epoll_ctl(p->ep, EPOLL_CTL_ADD, event, &ev) == 0)
        return 0;
    int err = -errno;
    async__sys.close(p->ep);
    return err;
}

void async__poller_close(struct poller *p)
{
    async__sys.close(p->ep);
    async__free(p->entries);
    *p = (struct poller){ .ep = -1 };
}

struct fd_entry *async__poller_entry(struct poller *p, int fd)
{
    if (likely(fd < p->count))
        return &p->entries[fd];
    int count = p->count ? p->count : ENTRIES_MIN;
    while (count <= fd)
        count *= 2;
    struct fd_entry *entries = async__realloc(p->entries, (size_t)count * sizeof *entries);
    if (!entries)
        return NULL;
    memset(entries + p->count, 0, (size_t)(count - p->count) * sizeof *entries);
    p->entries = entries;
    p->count = count;
    return &entries[fd];
}

_Static_assert(
        EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR && EPOLLHUP == POLLHUP &&
                EPOLLRDHUP == POLLRDHUP && EPOLLPRI == POLLPRI,
        "on Linux the events of poll() and epoll have the same values and need no translation");

/* An entry may be wrong about its registration, because the user's descriptors are closed behind
 * the library's back and their numbers used again. Then the other operation is the right one. */
int async__poller_register(struct poller *p, int fd, struct fd_entry *e, int events, bool once)
{
    struct epoll_event ev = { .events = (uint32_t)events | (once ? EPOLLONESHOT : 0),
                              .data.u64 = (uint64_t)e->generation << 32 | (uint32_t)fd };
    int op = e->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int r = async__sys.epoll_ctl(p->ep, op, fd, &ev);
    if (r < 0 && errno == (e->registered ? ENOENT : EEXIST))
        r = async__sys.epoll_ctl(p->ep, e->registered ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev);
    e->registered = r == 0;
    return r < 0 ? -errno : 0;
}

/* The call fails if the descriptor was closed by its owner; that does not matter here. */
void async__poller_unregister(struct poller *p, int fd, struct fd_entry *e)
{
    struct epoll_event ev = { 0 };
    e->generation++;
    if (e->registered)
        async__sys.epoll_ctl(p->ep, EPOLL_CTL_DEL, fd, &ev);
    e->registered = false;
}

int async__poller_wanted(const struct fd_entry *e)
{
    int wanted = e->writer ? POLLOUT : 0;
    if (e->reader)
        wanted |= (e->readable_wanted ? POLLIN : 0) | (e->urgent ? POLLPRI : 0);
    return wanted;
}

/* A task that was interrupted a moment ago is not parked any more, and finds out for itself. */
static void wake_waiter(async_task **waiter, int events)
{
    async_task *t = *waiter;
    *waiter = NULL;
    if (!t || t->node.state != TASK_PARKED)
        return;
    t->value = events;
    async__wake(t, WOKEN);
}

void async__poller_fail_waiters(struct fd_entry *e)
{
    wake_waiter(&e->reader, -EPIPE);
    wake_waiter(&e->writer, -EPIPE);
}

/* Whatever a former owner of the number has left in the entry ends here. */
int async__poller_add_owned(struct poller *p, int fd)
{
    struct fd_entry *e = async__poller_entry(p, fd);
    if (!e)
        return -ENOMEM;
    async__poller_fail_waiters(e);
    e->watch = NULL;
    e->generation++;
    e->registered = false;
    e->owned = true;
    e->ready = FD_READABLE | FD_WRITABLE;
    p->owned++;
    return 0;
}

/* Closing the descriptor takes it out of epoll. If a child process has inherited it, events still
 * arrive, with an old generation. */
void async__poller_remove_owned(struct poller *p, int fd)
{
    struct fd_entry *e = &p->entries[fd];
    e->generation++;
    e->registered = e->owned = false;
    async__poller_fail_waiters(e);
    p->owned--;
}

int async__poller_register_owned(struct poller *p, int fd)
{
    static const uint32_t all = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
    struct fd_entry *e = &p->entries[fd];
    return likely(e->registered) ? 0 : async__poller_register(p, fd, e, (int)all, false);
}

/* --- events --- */

enum { ENDS = POLLERR | POLLHUP, INPUT = POLLIN | POLLRDHUP | POLLPRI | ENDS };

static void deliver_owned(struct fd_entry *e, int events)
{
    unsigned ready = e->ready;
    ready |= events & INPUT ? FD_READABLE : 0;
    ready |= events & (POLLOUT | ENDS) ? FD_WRITABLE : 0;
    ready |= events & (INPUT & ~POLLIN) ? FD_ENDING : 0;
    e->ready = (uint8_t)ready;
    if (events & INPUT)
        wake_waiter(&e->reader, events);
    if (events & (POLLOUT | ENDS))
        wake_waiter(&e->writer, events);
}

static void call_watch(struct async_watch *w, int events)
{
    struct thread_context before = context_enter(async__context_ref(w->context));
    w->fn(w->arg, events);
    context_leave(before);
}

/* Wake the tasks whose events have come, and register anew for what the others still want: a
 * registration is for one event. If that fails, these tasks wake, too, and find the error in
 * their own system calls. */
static void deliver_to_tasks(struct loop *l, int fd, struct fd_entry *e, int events)
{
    if (e->reader && events & INPUT)
        wake_waiter(&e->reader, events);
    if (e->writer && events & (POLLOUT | ENDS))
        wake_waiter(&e->writer, events);
    int left = async__poller_wanted(e);
    if (!left || async__poller_register(&l->poller, fd, e, left, true) == 0)
        return;
    if (e->reader)
        wake_waiter(&e->reader, POLLERR);
    if (e->writer)
        wake_waiter(&e->writer, POLLERR);
}

static void deliver(struct loop *l, uint64_t data, int events)
{
    int fd = (int)(uint32_t)data;
    struct fd_entry *e = &l->poller.entries[fd];
    if (e->generation != (uint32_t)(data >> 32))
        return;
    if (e->owned)
        deliver_owned(e, events);
    else if (e->watch)
        call_watch(e->watch, events);
    else
        deliver_to_tasks(l, fd, e, events);
}

bool async__poller_poll(struct loop *l, int64_t timeout)
{
    struct epoll_event evs[EVENTS_MAX] NOT_CLEARED;
    bool woken = timeout != 0 && handle_fall_asleep(l->handle);
    int n = async__sys.epoll_wait(l->poller.ep, evs, EVENTS_MAX, woken ? 0 : timeout);
    handle_set_awake(l->handle, !l->embedded);
    for (int i = 0; i < n && !l->forked; i++) /* a watch may call fork() */
        if (evs[i].data.u64 != HANDLE_EVENT)
            deliver(l, evs[i].data.u64, (int)evs[i].events);
    l->poller.events = n > 0 ? n : 0;
    return woken || n > 0 || (n < 0 && errno == EINTR);
}
