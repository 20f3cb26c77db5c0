/* SPDX-License-Identifier: MIT */
/* resolve.c - names are looked up by getaddrinfo(), which knows everything and can neither wait without a thread nor be
 * cancelled. So each lookup has a thread of its own for as long as it takes, some at a time, and a record that both
 * sides know: a waiter that is cancelled takes itself out of it and goes; nothing of his is touched afterwards. */
#include "net/resolve.h"

#include <asyncio/sync.h>

#include "base/alloc.h"

enum { AT_A_TIME = 16 };

struct lookup {
    struct post *post; /* there in advance: the answer must not be lost for lack of memory */
    async_loop *home;
    async_task *waiter; /* the loop's thread only; NULL: gone */
    struct addresses *found;
    int err, sys_err; /* EAI_..., errno */
    bool done, passive;
    char *port;
    char host[];
};

/* Lookups of this thread's loop that are under way. A thread that outlived its loop counts for nobody. */
static _Thread_local struct {
    async_loop *home;
    async_semaphore free;
} slots;

static async_semaphore *free_slots(const struct loop *l)
{
    if (slots.home != l->gate) {
        slots.home = l->gate;
        slots.free = (async_semaphore)ASYNC_SEMAPHORE(AT_A_TIME);
    }
    return &slots.free;
}

static void free_lookup(struct lookup *k)
{
    async__free(k->post);
    async__free(k->found);
    async__free(k);
    async__alloc_hold(-1);
}

static struct lookup *new_lookup(async_task *t, const char *host, const char *port, bool passive)
{
    size_t host_size = strlen(host) + 1, port_size = strlen(port) + 1;
    struct lookup *k = async__malloc(sizeof *k + host_size + port_size);
    struct post *p = k ? async__malloc(sizeof *p) : NULL;
    if (!p) {
        async__free(k);
        return NULL;
    }
    *k = (struct lookup){ .post = p, .home = t->loop->gate, .waiter = t, .passive = passive };
    memcpy(k->host, host, host_size);
    k->port = memcpy(k->host + host_size, port, port_size);
    async__alloc_hold(1); /* the thread may be the last one to free */
    return k;
}

/* On the loop's thread: the answer has come. */
static void answer(void *arg)
{
    struct lookup *k = arg;
    async_task *t = k->waiter;
    k->done = true;
    if (slots.home == k->home)
        async_semaphore_release(&slots.free);
    if (!t) {
        free_lookup(k);
    } else if (t->node.state == TASK_PARKED) { /* else it was interrupted a moment ago */
        t->value = 0;
        async__wake(t, WOKEN);
    }
}

static void ask(struct lookup *k)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = k->passive ? AI_PASSIVE : 0 };
    struct addrinfo *list = NULL;
    k->err = async__sys.getaddrinfo(k->host[0] ? k->host : NULL, k->port, &hints, &list);
    if (k->err) {
        k->sys_err = errno;
        return;
    }
    k->found = async__addresses_found(list);
    async__sys.freeaddrinfo(list);
}

static void *lookup_thread(void *arg)
{
    struct lookup *k = arg;
    ask(k);
    struct post *p = k->post;
    *p = (struct post){ .fn = answer, .arg = k };
    k->post = NULL;                         /* the loop's from here on, and k too */
    if (async__gate_post(k->home, p) < 0) { /* nobody waits in a loop that has closed */
        k->post = p;
        free_lookup(k);
    }
    return NULL;
}

static int verdict(const struct lookup *k)
{
    static const char unknown[] = "no address";
    const char *why = gai_strerror(k->err);
    switch (k->err) {
    case 0: break;
    case EAI_AGAIN: return async_fail_at(-EAGAIN, NULL, "%s: %s", k->host, why);
    case EAI_MEMORY: return -ENOMEM;
    case EAI_SERVICE: return async_fail_at(-EINVAL, NULL, "%s: %s", k->port, why);
    case EAI_SYSTEM: return async_fail_at(k->sys_err > 0 ? -k->sys_err : -EIO, NULL, "%s", k->host);
    default: return async_fail_at(-EHOSTUNREACH, NULL, "%s: %s", k->host, why);
    }
    if (!k->found)
        return -ENOMEM;
    return k->found->count ? 0 : async_fail_at(-EHOSTUNREACH, NULL, "%s: %s", k->host, unknown);
}

static int await_answer(async_task *t, struct lookup *k, struct addresses **ret)
{
    struct loop *l = t->loop;
    l->fds.waiting++; /* a virtual clock must give it a moment, as it does for descriptors */
    int r = wait_for_news(t, NULL);
    l->fds.waiting--;
    if (r < 0 && !k->done) {
        k->waiter = NULL;
        return r;
    }
    if (r == 0)
        r = verdict(k);
    if (r == 0) {
        *ret = k->found;
        k->found = NULL;
    }
    free_lookup(k);
    return r;
}

static int look_up(async_task *t, const char *host, const char *port, bool passive,
                   struct addresses **ret)
{
    async_semaphore *free = free_slots(t->loop);
    int r = await_semaphore_acquire(free);
    if (r < 0)
        return r;
    struct lookup *k = new_lookup(t, host ? host : "", port, passive);
    int err = k ? async__sys.thread(lookup_thread, k) : ENOMEM;
    if (err == 0)
        return await_answer(t, k, ret);
    async_semaphore_release(free);
    if (k)
        free_lookup(k);
    return async_fail_at(-err, NULL, "no thread to look %s up", host ? host : port);
}

int async__resolve(async_task *t, const char *host, const char *port, bool passive,
                   struct addresses **ret)
{
    int r = async__addresses_known(host, port, passive, ret);
    return r < 0 || *ret ? r : look_up(t, host, port, passive, ret);
}
