/* SPDX-License-Identifier: MIT */
/* pool.c - connections to one database, lent to one task at a time. */
#include "internal.h"

struct async_sqlite_pool {
    struct sqlite_home home;
    uint64_t loop; /* that used it last */
    int max;
    async_semaphore free; /* places: connections that are idle, or may be opened */
    async_sqlite *idle;   /* the latest first: its cache is warm */
    async_sqlite *lent;
    int users; /* the handle, and those who wait or hold */
    bool closing;
    async_event all_back;
    char *path;
    struct async_sqlite_opts opts;
};

static void release(async_sqlite_pool *p)
{
    if (--p->users > 0)
        return;
    sqlite3_free(p->path);
    sqlite3_free((char *)(uintptr_t)p->opts.init);
    sqlite3_free(p);
}

static bool copy(const char *text, char **ret)
{
    *ret = text ? sqlite3_mprintf("%s", text) : NULL;
    return *ret || !text;
}

int async_sqlite_pool_open_opt(const char *path, unsigned max, const struct async_sqlite_opts *opts,
                               async_sqlite_pool **ret)
{
    char *init = NULL;
    int r = sqlite_check_process();
    if (r < 0)
        return r;
    if (max > 1000 * 1000)
        return async_fail(-EINVAL, "a pool of %u connections", max);
    async_sqlite_pool *p = sqlite3_malloc(sizeof *p);
    if (!p)
        return -ENOMEM;
    *p = (async_sqlite_pool){ .home = sqlite_home_of_caller(),
                              .max = max ? (int)max : 4,
                              .users = 1,
                              .opts = sqlite_opts(opts) };
    p->free = (async_semaphore)ASYNC_SEMAPHORE(p->max);
    bool all = copy(p->opts.init, &init) && copy(path, &p->path);
    p->opts.init = init;
    p->opts.struct_size = sizeof p->opts;
    if (!all) {
        release(p);
        return -ENOMEM;
    }
    *ret = p;
    return 0;
}

/* As sqlite_adopt(): connections that abandoned tasks have borrowed are the pool's again. */
static void adopt(async_sqlite_pool *p)
{
    uint64_t loop = sqlite_current_loop();
    if (p->loop && p->loop != loop) {
        for (async_sqlite *db; (db = p->lent);) {
            p->lent = db->next;
            db->holder = 0;
            db->next = p->idle;
            p->idle = db;
        }
        p->free = (async_semaphore)ASYNC_SEMAPHORE(p->max);
        p->all_back = (async_event){ 0 };
        p->users = 1;
    }
    p->loop = loop;
}

/* --- lending --- */

static int await_connection(async_sqlite_pool *p, async_sqlite **ret)
{
    async_sqlite *db = p->idle;
    if (!db) {
        int r = await_sqlite_open_opt(p->path, &p->opts, &db);
        if (r < 0)
            return r;
    } else {
        p->idle = db->next;
    }
    db->next = p->lent;
    p->lent = db;
    db->holder = sqlite_current_task();
    *ret = db;
    return 0;
}

static void done(async_sqlite_pool *p)
{
    async_semaphore_release(&p->free);
    if (p->users == 2) /* we, and who closes */
        async_event_set(&p->all_back);
    release(p);
}

ASYNC_DEF(pool_enter, (async_sqlite_pool *)p, (async_sqlite **)ret)
{
    int r = sqlite_check_use(HOME_OF(p), "pool", "async_sqlite_pool_hold");
    if (r < 0)
        return r;
    adopt(p);
    p->users++;
    r = await_semaphore_acquire(&p->free);
    bool place = r == 0;
    if (r == 0)
        r = p->closing ? -EPIPE : await_connection(p, ret);
    if (r < 0) {
        if (place)
            async_semaphore_release(&p->free);
        if (p->users == 2 && p->closing)
            async_event_set(&p->all_back);
        release(p);
    }
    return r;
}

static void take_out(async_sqlite **list, const async_sqlite *db)
{
    while (*list != db)
        list = &(*list)->next;
    *list = db->next;
}

/* Wait until transaction blocks of other tasks on this connection have ended: it must not be lent while one has it, nor
 * may this rollback end one. */
ASYNC_DEF(pool_leave, (async_sqlite_pool *)p, (async_sqlite **)lent)
{
    async_sqlite *db = *lent;
    struct sqlite_job job = { .work = work_rollback_all, .must = true }; /* SQL may have begun one */
    *lent = NULL;
    int r = await_sqlite_turn(db, &job);
    take_out(&p->lent, db);
    db->holder = 0;
    if (r < 0) {
        await_sqlite_end(db);
    } else {
        db->next = p->idle;
        p->idle = db;
    }
    done(p);
    return r;
}

async_hold async_sqlite_pool_hold(async_sqlite_pool *pool, async_sqlite **ret)
{
    return (async_hold){ pool_enter(pool, ret), pool_leave(pool, ret) };
}

/* --- closing --- */

static bool has_one(const async_sqlite_pool *p, uint64_t task)
{
    const async_sqlite *db = p->lent;
    while (db && db->holder != task)
        db = db->next;
    return db;
}

static void await_all_back(async_sqlite_pool *p)
{
    int r = 0;
    await_shield (r)
        while (r == 0 && p->users > 1) {
            async_event_clear(&p->all_back); /* it may have been set at any time before */
            r = await_event_wait(&p->all_back);
        }
}

/* As await_close() in open.c: a pool that cannot be closed here stays as it is. */
static int await_pool_close(async_sqlite_pool **pool, const char *function)
{
    async_sqlite_pool *p = pool ? *pool : NULL;
    if (!p)
        return 0;
    int r = sqlite_check_use(&p->home, "pool", function);
    if (r < 0)
        return r;
    adopt(p);
    if (has_one(p, sqlite_current_task()))
        return async_fail(-EBUSY, "a pool cannot be closed by a task that has one of its connections");
    *pool = NULL;
    if (p->closing)
        return async_fail(-EPIPE, "pool is being closed by another task");
    p->closing = true;
    if (p->users > 1)
        await_all_back(p);
    for (async_sqlite *db; (db = p->idle);) {
        p->idle = db->next;
        await_sqlite_end(db);
    }
    release(p);
    return 0;
}

int await_sqlite_pool_close(async_sqlite_pool **pool)
{
    return await_pool_close(pool, "await_sqlite_pool_close");
}

void await_sqlite_pool_drop(async_sqlite_pool **pool)
{
    if (!*pool || sqlite_is_forked(&(*pool)->home)) /* in a child of fork() it is left to the parent */
        return;
    int r = await_pool_close(pool, "await_sqlite_pool_drop");
    if (r < 0)
        sqlite_warn_not_dropped("await_sqlite_pool_drop", r);
}
