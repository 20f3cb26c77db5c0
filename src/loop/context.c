/* SPDX-License-Identifier: MIT */

#include <asyncio/local.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "loop/loop.h"

struct context {
    const async_local *key;
    struct context *next;
    atomic_uint refs; /* a thread that does something for a task has one */
    _Alignas(16) unsigned char value[];
};

/* On a thread of a pool: what its job sees. */
_Thread_local struct thread_context async__thread_context;

/* Its destructor frees that when the thread ends. */
static struct {
    pthread_once_t once;
    pthread_key_t key;
    bool made;
} at_end = { .once = PTHREAD_ONCE_INIT };

static void thread_ends(void *list)
{
    struct context **at = list;
    async__context_unref(*at);
    *at = NULL;
    async__alloc_hold(-1);
}

static void make_key(void)
{
    at_end.made = pthread_key_create(&at_end.key, thread_ends) == 0;
}

/* Before a thread that is none of ours sets its first value. That binds the allocator, as an open loop does. */
static bool free_at_end(void)
{
    pthread_once(&at_end.once, make_key);
    if (at_end.made && pthread_getspecific(at_end.key))
        return true;
    if (!at_end.made || pthread_setspecific(at_end.key, &async__thread_context.context) != 0)
        return false;
    async__alloc_hold(1);
    return true;
}

static struct context **list(void)
{
    struct loop *l = async__loop;
    return l && l->current ? &l->current->body->context : &async__thread_context.context;
}

struct context *async__context_ref(struct context *n)
{
    if (n)
        atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
    return n;
}

struct context *async__context_of_caller(void)
{
    return async__context_ref(*list());
}

void async__context_unref(struct context *n)
{
    while (n && atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) == 1) {
        struct context *next = n->next;
        async__free(n);
        n = next;
    }
}

const void *async_local_find(const async_local *key, const void *initial)
{
    for (const struct context *n = *list(); n; n = n->next)
        if (n->key == key)
            return n->value;
    return initial;
}

/* A setting that nobody shares is replaced. One that is shared is left out of the list, not covered: a loop that sets a
 * variable before each task that it starts must not make the list grow for ever. */
static bool replace(struct context **at, const async_local *key, const void *value)
{
    for (; *at && atomic_load_explicit(&(*at)->refs, memory_order_acquire) == 1; at = &(*at)->next)
        if ((*at)->key == key) {
            memcpy((*at)->value, value, key->size);
            return true;
        }
    return false;
}

static struct context *setting(const async_local *key, const void *value)
{
    struct context *n = async__malloc(sizeof *n + key->size);
    if (n) {
        n->key = key;
        n->next = NULL;
        atomic_init(&n->refs, 1);
        memcpy(n->value, value, key->size);
    }
    return n;
}

/* The list from n on without its setting of key, which it has, in *ret: what stands before that is copied, what follows
 * is shared. */
static bool copy_without(struct context *n, const async_local *key, struct context **ret)
{
    for (; n->key != key; n = n->next) {
        *ret = setting(n->key, n->value);
        if (!*ret)
            return false;
        ret = &(*ret)->next;
    }
    if (n->next) {
        *ret = n->next;
        atomic_fetch_add_explicit(&n->next->refs, 1, memory_order_relaxed);
    }
    return true;
}

static bool is_set(const struct context *n, const async_local *key)
{
    while (n && n->key != key)
        n = n->next;
    return n;
}

int async_local_store(const async_local *key, const void *value)
{
    struct context **at = list();
    bool own = at == &async__thread_context.context && !async__thread_context.lent;
    if (own && !*at && !free_at_end())
        return -ENOMEM;
    if (replace(at, key, value))
        return 0;
    struct context *n = setting(key, value);
    if (!n)
        return -ENOMEM;
    if (!is_set(*at, key)) {
        n->next = *at; /* the reference passes on */
    } else if (copy_without(*at, key, &n->next)) {
        async__context_unref(*at);
    } else {
        async__context_unref(n);
        return -ENOMEM;
    }
    *at = n;
    return 0;
}
