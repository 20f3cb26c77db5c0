/* SPDX-License-Identifier: MIT */
/* transaction.c - transaction blocks: begin, and commit or roll back depending on how the block was
 * left. The outermost block holds the connection's lock; blocks inside it are savepoints. */
#include "transaction.h"

#include "connection.h"
#include "exec.h"

#include <asyncio/with.h>

#include <stdio.h>

struct transaction_args {
    const char *sql;  /* begins the block, or commits it */
    const char *undo; /* if that fails, or the block has failed; NULL: roll back everything */
};

/* --- on the thread --- */

int work_rollback_all(async_sqlite *db, struct sqlite_job *job)
{
    if (sqlite3_get_autocommit(db->handle))
        return 0;
    int rc = sqlite3_step(db->rollback);
    int r = rc == SQLITE_DONE ? 0 : work_fail(db, job, rc);
    sqlite3_reset(db->rollback);
    return r;
}

void work_begin_around_statement(async_sqlite *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        return;
    sqlite3_step(db->begin);
    sqlite3_reset(db->begin);
}

/* Statements of abandoned queries are reset, not finalized: one of them may be a prepared statement
 * that is still in use. */
void work_end_leftovers(async_sqlite *db, const struct sqlite_job *job)
{
    struct sqlite_job ignored = { 0 };
    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(db->handle, s));)
        if (sqlite3_stmt_busy(s))
            sqlite3_reset(s);
    if (job->leftovers.transaction)
        async_ignore(work_rollback_all(db, &ignored));
}

int work_fail_lost_transaction(struct sqlite_job *job)
{
    return work_fail_text(job, SQLITE_ABORT, -ESTALE,
                          "transaction was rolled back or committed before the end of its block");
}

static int work_begin(async_sqlite *db, struct sqlite_job *job)
{
    const struct transaction_args *a = job->arg;
    return work_exec_simple(db, job, a->sql);
}

/* If going back to the savepoint fails, roll back everything: nothing may be committed that was to
 * be rolled back. */
static void work_undo(async_sqlite *db, const struct transaction_args *a)
{
    struct sqlite_job ignored = { 0 };
    if (!sqlite3_get_autocommit(db->handle) && a->undo)
        if (sqlite3_exec(db->handle, a->undo, NULL, NULL, NULL) == SQLITE_OK)
            return;
    async_ignore(work_rollback_all(db, &ignored));
}

static int work_commit(async_sqlite *db, struct sqlite_job *job)
{
    const struct transaction_args *a = job->arg;
    if (sqlite3_get_autocommit(db->handle))
        return work_fail_lost_transaction(job);
    int r = work_exec_simple(db, job, a->sql);
    if (r < 0)
        work_undo(db, a);
    return r;
}

static int work_roll_back(async_sqlite *db, struct sqlite_job *job)
{
    work_undo(db, job->arg);
    return 0;
}

/* --- in the task --- */

/* Keep the lock if the transaction has begun. */
static int await_begin_outer(async_sqlite *db, bool deferred)
{
    struct transaction_args args = { .sql = deferred || db->readonly ? "begin deferred"
                                                                     : "begin immediate" };
    struct sqlite_job job = { .work = work_begin, .arg = &args };
    int r = await_lock_acquire(&db->lock);
    if (r < 0)
        return r;
    if (db->closing)
        r = async_fail(-EPIPE, "connection was closed while a transaction waited for it");
    else
        r = await_sqlite_job(db, &job);
    if (r < 0) {
        async_lock_release(&db->lock);
        return r;
    }
    db->owner = sqlite_current_task();
    return 0;
}

static int await_begin_inner(async_sqlite *db)
{
    char sql[48];
    struct transaction_args args = { .sql = sql };
    struct sqlite_job job = { .work = work_begin, .arg = &args };
    snprintf(sql, sizeof sql, "savepoint asyncio_%d", db->depth);
    return await_sqlite_call(db, sqlite_current_task(), &job);
}

/* Begin a transaction, or a savepoint if the task is in a transaction block of this connection. */
ASYNC_DEF(transaction_enter, (async_sqlite *)db, (bool)deferred)
{
    int r = sqlite_check_use(SQLITE_HOME_OF(db), "connection", "async_sqlite_transaction");
    if (r < 0)
        return r;
    sqlite_adopt_connection(db);
    db->references++;
    bool inner = db->owner == sqlite_current_task();
    r = inner ? await_begin_inner(db) : await_begin_outer(db, deferred);
    if (r == 0)
        db->depth++;
    else
        sqlite_release_connection(db);
    return r;
}

static int await_end_outer(async_sqlite *db, struct sqlite_job *job)
{
    struct transaction_args args = { .sql = "commit" };
    job->arg = &args;
    int r = await_sqlite_job(db, job);
    db->owner = 0;
    async_lock_release(&db->lock);
    return r;
}

static int await_end_inner(async_sqlite *db, struct sqlite_job *job)
{
    char release[48], undo[96];
    struct transaction_args args = { .sql = release, .undo = undo };
    job->arg = &args;
    snprintf(release, sizeof release, "release asyncio_%d", db->depth);
    snprintf(undo, sizeof undo, "rollback to asyncio_%d; release asyncio_%d", db->depth, db->depth);
    return await_sqlite_job(db, job);
}

/* Commit or roll back. The job must run even if the task is cancelled. */
ASYNC_DEF(transaction_leave, (async_sqlite *)db)
{
    struct sqlite_job job = { .must_run = true };
    if (sqlite_is_forked(&db->home)) /* a child of fork() leaves it to the parent */
        return -EPERM;
    job.work = async_with_outcome() >= 0 ? work_commit : work_roll_back;
    db->depth--;
    int r = db->depth == 0 ? await_end_outer(db, &job) : await_end_inner(db, &job);
    sqlite_release_connection(db);
    return r;
}

async_context_manager async_sqlite_transaction_opt(async_sqlite *db,
                                                   const struct async_sqlite_transaction_opts *opts)
{
    return (async_context_manager){ transaction_enter(db, opts && opts->deferred),
                                    transaction_leave(db) };
}
