/* SPDX-License-Identifier: MIT */
#include "loop/context.h"

#include <asyncio/local.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "loop/loop.h"

/* One setting, and with those behind it a context. A setting that two contexts share never changes,
 * so threads may share it, too. */
struct context {
    const async_local *key;
    struct context *next;
    atomic_uint refs;
    _Alignas(16) unsigned char value[];
};

_Thread_local struct thread_context async__thread_context;

/* --- the context of a thread goes when the thread ends --- */

static struct {
    pthread_once_t once;
    pthread_key_t key;
    bool made;
} thread_end = { .once = PTHREAD_ONCE_INIT };

static void drop_thread_context(void *context)
{
    struct context **at = context;
    async__context_unref(*at);
    *at = NULL;
    async__alloc_hold(-1);
}

static void make_thread_end_key(void)
{
    thread_end.made = pthread_key_create(&thread_end.key, drop_thread_context) == 0;
}

/* Make sure that the context of this thread is dropped at its end. The first setting of a thread
 * needs this; it also binds the allocator, as an open loop does. */
static bool drop_at_thread_end(void)
{
    pthread_once(&thread_end.once, make_thread_end_key);
    if (thread_end.made && pthread_getspecific(thread_end.key))
        return true;
    if (!thread_end.made ||
        pthread_setspecific(thread_end.key, &async__thread_context.context) != 0)
        return false;
    async__alloc_hold(1);
    return true;
}

/* --- references --- */

static struct context **current_context(void)
{
    const struct loop *l = async__loop;
    async_task *t = l ? l->sched.current : NULL;
    return t ? &t->body->context : &async__thread_context.context;
}

struct context *async__context_ref(struct context *c)
{
    if (c)
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

struct context *async__context_of_caller(void)
{
    return async__context_ref(*current_context());
}

void async__context_unref(struct context *c)
{
    while (c && atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1) {
        struct context *next = c->next;
        async__free(c);
        c = next;
    }
}

/* --- settings --- */

const void *async_local_find(const async_local *key, const void *initial)
{
    for (const struct context *c = *current_context(); c; c = c->next)
        if (c->key == key)
            return c->value;
    return initial;
}

/* Overwrite the setting of key if no other context shares it. */
static bool overwrite(struct context *c, const async_local *key, const void *value)
{
    for (; c && atomic_load_explicit(&c->refs, memory_order_acquire) == 1; c = c->next)
        if (c->key == key) {
            memcpy(c->value, value, key->size);
            return true;
        }
    return false;
}

static struct context *new_setting(const async_local *key, const void *value)
{
    struct context *c = async__malloc(sizeof *c + key->size);
    if (!c)
        return NULL;
    c->key = key;
    c->next = NULL;
    atomic_init(&c->refs, 1);
    memcpy(c->value, value, key->size);
    return c;
}

/* Store in *ret the context c without its setting of key, which it has. What stands before that is
 * copied, what follows is shared. Returns false if there is no memory. */
static bool copy_without(struct context *c, const async_local *key, struct context **ret)
{
    for (; c->key != key; c = c->next) {
        *ret = new_setting(c->key, c->value);
        if (!*ret)
            return false;
        ret = &(*ret)->next;
    }
    *ret = async__context_ref(c->next);
    return true;
}

static bool has_setting(const struct context *c, const async_local *key)
{
    while (c && c->key != key)
        c = c->next;
    return c;
}

/* A shared setting is left out of the new list and not just covered: otherwise a loop that sets a
 * variable before each task that it creates would make the list grow for ever. */
int async_local_store(const async_local *key, const void *value)
{
    struct context **at = current_context();
    bool of_thread = at == &async__thread_context.context && !async__thread_context.lent;
    if (of_thread && !*at && !drop_at_thread_end())
        return -ENOMEM;
    if (overwrite(*at, key, value))
        return 0;
    struct context *c = new_setting(key, value);
    if (!c)
        return -ENOMEM;
    if (!has_setting(*at, key)) {
        c->next = *at; /* with the reference that *at held */
    } else if (copy_without(*at, key, &c->next)) {
        async__context_unref(*at);
    } else {
        async__context_unref(c);
        return -ENOMEM;
    }
    *at = c;
    return 0;
}
