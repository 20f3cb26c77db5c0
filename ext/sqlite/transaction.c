/* SPDX-License-Identifier: MIT */
/* transaction.c - begin, and commit or roll back, as the block was left. The outermost block keeps its task's turn; blocks
 * inside of it are savepoints. */
#include "internal.h"

#include <stdio.h>

struct step {
    const char *sql;
    const char *undo; /* if that fails, and there still is a transaction; NULL: all of it */
};

int work_simple(async_sqlite *db, struct sqlite_job *job, const char *sql)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : work_fail(db, job, rc);
}

static int work_begin(async_sqlite *db, struct sqlite_job *job)
{
    const struct step *s = job->arg;
    return work_simple(db, job, s->sql);
}

/* The statement was compiled when there was memory. */
int work_rollback_all(async_sqlite *db, struct sqlite_job *job)
{
    if (sqlite3_get_autocommit(db->handle))
        return 0;
    int rc = sqlite3_step(db->rollback);
    int r = rc == SQLITE_DONE ? 0 : work_fail(db, job, rc);
    sqlite3_reset(db->rollback);
    return r;
}

/* A statement whose rows nobody reads any more is reset, not finalized: it may be one that is kept. */
void work_clean_up(async_sqlite *db)
{
    struct sqlite_job ignored = { 0 };
    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(db->handle, s));)
        if (sqlite3_stmt_busy(s))
            sqlite3_reset(s);
    if (db->leftovers.transaction)
        async_ignore(work_rollback_all(db, &ignored));
    db->leftovers = (struct sqlite_leftovers){ 0 };
}

/* What cannot be undone in part is undone as a whole: nothing is committed that was to be rolled back. */
static void undo(async_sqlite *db, const struct step *s)
{
    struct sqlite_job ignored = { 0 };
    if (!sqlite3_get_autocommit(db->handle) && s->undo)
        if (sqlite3_exec(db->handle, s->undo, NULL, NULL, NULL) == SQLITE_OK)
            return;
    async_ignore(work_rollback_all(db, &ignored));
}

static int work_commit(async_sqlite *db, struct sqlite_job *job)
{
    const struct step *s = job->arg;
    if (sqlite3_get_autocommit(db->handle))
        return work_fail_text(job, SQLITE_ABORT, -ESTALE, "the transaction is over before its block");
    int r = work_simple(db, job, s->sql);
    if (r < 0)
        undo(db, s);
    return r;
}

static int work_undo(async_sqlite *db, struct sqlite_job *job)
{
    undo(db, job->arg);
    return 0;
}

static int await_begin_outer(async_sqlite *db, bool deferred)
{
    struct step step = { .sql = deferred || db->readonly ? "begin deferred" : "begin immediate" };
    struct sqlite_job job = { .work = work_begin, .arg = &step };
    int r = await_semaphore_acquire(&db->turn);
    if (r < 0)
        return r;
    r = db->closing ? -EPIPE : await_sqlite_job(db, &job);
    if (r < 0) {
        async_semaphore_release(&db->turn);
        return r;
    }
    db->owner = sqlite_current_task();
    return 0;
}

static int await_begin_inner(async_sqlite *db)
{
    char sql[48];
    struct step step = { .sql = sql };
    struct sqlite_job job = { .work = work_begin, .arg = &step };
    snprintf(sql, sizeof sql, "savepoint asyncio_%d", db->depth);
    return await_sqlite_call(db, sqlite_current_task(), &job);
}

ASYNC_DEF(begin_block, (async_sqlite *)db, (bool)deferred)
{
    int r = sqlite_check_use(HOME_OF(db), "connection", "async_sqlite_transaction");
    if (r < 0)
        return r;
    sqlite_adopt(db);
    db->users++;
    r = db->owner == sqlite_current_task() ? await_begin_inner(db) : await_begin_outer(db, deferred);
    if (r == 0)
        db->depth++;
    else
        sqlite_release(db);
    return r;
}

ASYNC_DEF(end_block, (async_sqlite *)db)
{
    char release[48], back[96];
    int depth = db->depth - 1;
    struct step step = { .sql = depth > 0 ? release : "commit", .undo = depth > 0 ? back : NULL };
    struct sqlite_job job = { .work = work_undo, .arg = &step, .must = true };
    if (async_with_outcome() >= 0)
        job.work = work_commit;
    snprintf(release, sizeof release, "release asyncio_%d", depth);
    snprintf(back, sizeof back, "rollback to asyncio_%d; release asyncio_%d", depth, depth);
    int r = await_sqlite_job(db, &job);
    db->depth = depth;
    if (depth == 0) {
        db->owner = 0;
        async_semaphore_release(&db->turn);
    }
    sqlite_release(db);
    return r;
}

async_hold async_sqlite_transaction_opt(async_sqlite *db,
                                        const struct async_sqlite_transaction_opts *opts)
{
    return (async_hold){ begin_block(db, opts && opts->deferred), end_block(db) };
}
