/* SPDX-License-Identifier: MIT */
#include "task/local.h"

#include <asyncio/local.h>

#include "base/alloc.h"
#include "loop/loop.h"

struct local {
    const async_local *key;
    struct local *next;
    unsigned refs;
    _Alignas(16) unsigned char value[];
};

/* What is set outside of tasks, in callbacks too. */
static _Thread_local struct local *outside;

static struct local **list(void)
{
    struct loop *l = async__loop;
    return l && l->current ? &l->current->body->locals : &outside;
}

struct local *async__locals_of_caller(void)
{
    struct local *n = *list();
    if (n)
        n->refs++;
    return n;
}

void async__locals_drop(struct local *n)
{
    while (n && --n->refs == 0) {
        struct local *next = n->next;
        async__free(n);
        n = next;
    }
}

const void *async_local_find(const async_local *key, const void *initial)
{
    for (const struct local *n = *list(); n; n = n->next)
        if (n->key == key)
            return n->value;
    return initial;
}

/* A setting that nobody shares is replaced, lest a loop that sets a variable makes the list grow for ever. */
static bool replace(struct local **at, const async_local *key, const void *value)
{
    for (; *at && (*at)->refs == 1; at = &(*at)->next)
        if ((*at)->key == key) {
            memcpy((*at)->value, value, key->size);
            return true;
        }
    return false;
}

int async_local_store(const async_local *key, const void *value)
{
    struct local **at = list();
    if (replace(at, key, value))
        return 0;
    struct local *n = async__malloc(sizeof *n + key->size);
    if (!n)
        return -ENOMEM;
    n->key = key;
    n->refs = 1;
    n->next = *at; /* the reference passes on */
    memcpy(n->value, value, key->size);
    *at = n;
    return 0;
}
