/* SPDX-License-Identifier: MIT */
/* origins.c - a tree of origins, and a list of those that are only remembered. */
#include "origins.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

void origins_init(struct origins *t, size_t idle_max)
{
    *t = (struct origins){ .idle_max = idle_max };
}

/* The nodes of the tree point to the names. */
static struct origin *origin_of_name(void *name)
{
    return (struct origin *)((char *)name - offsetof(struct origin, name));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void free_origin(void *name)
{
    free(origin_of_name(name));
}

void origins_free(struct origins *t)
{
    tdestroy(t->tree, free_origin);
    *t = (struct origins){ 0 };
}

static void remove_origin(struct origins *t, struct origin *o)
{
    tdelete(o->name, &t->tree, compare_names);
    t->count--;
    free(o);
}

/* ---- origins that are not held ---- */

static void add_idle(struct origins *t, struct origin *o)
{
    o->older = t->newest;
    o->newer = NULL;
    if (o->older)
        o->older->newer = o;
    else
        t->oldest = o;
    t->newest = o;
    t->idle++;
}

static void remove_idle(struct origins *t, struct origin *o)
{
    if (o->newer)
        o->newer->older = o->older;
    else
        t->newest = o->older;
    if (o->older)
        o->older->newer = o->newer;
    else
        t->oldest = o->newer;
    t->idle--;
}

/* Forget the oldest origins as long as there are too many, or their pauses are over. */
static void forget_pauses(struct origins *t, int64_t now)
{
    struct origin *o;
    while ((o = t->oldest) &&
           (t->idle > t->idle_max || (o->paused_until <= now && o->kept_until <= now))) {
        remove_idle(t, o);
        remove_origin(t, o);
    }
}

/* ---- holding ---- */

static struct origin *create_origin(struct origins *t, const char *name)
{
    size_t n = strlen(name) + 1;
    struct origin *o = malloc(sizeof *o + n);
    if (!o)
        return NULL;
    *o = (struct origin){ 0 };
    memcpy(o->name, name, n);
    if (!tsearch(o->name, &t->tree, compare_names)) {
        free(o);
        return NULL;
    }
    t->count++;
    return o;
}

int origins_hold(struct origins *t, const char *name, struct origin **ret)
{
    char **found = tfind(name, &t->tree, compare_names);
    struct origin *o = found ? origin_of_name(*found) : create_origin(t, name);
    if (!o)
        return -ENOMEM;
    if (found && !o->holds)
        remove_idle(t, o);
    o->holds++;
    *ret = o;
    return 0;
}

void origins_release(struct origins *t, struct origin *o, int64_t now)
{
    if (--o->holds)
        return;
    if (o->paused_until <= now && o->kept_until <= now)
        remove_origin(t, o);
    else
        add_idle(t, o);
    forget_pauses(t, now);
}

void origin_pause(struct origin *o, int64_t now, int64_t delay)
{
    int64_t until = delay > INT64_MAX - now ? INT64_MAX : now + delay;
    if (until > o->paused_until)
        o->paused_until = until;
}

int64_t origin_delay(const struct origin *o, int64_t now)
{
    return o->paused_until > now ? o->paused_until - now : 0;
}
