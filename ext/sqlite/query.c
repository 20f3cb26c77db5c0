/* SPDX-License-Identifier: MIT */
/* query.c - iterate over the rows of a query: a generator that fetches them in batches.
 *
 * Each batch is a job, so between two batches other tasks can use the connection. The generator
 * runs in a task of its own, but for transactions it counts as the task that has made the query. */
#include "bind.h"
#include "connection.h"
#include "exec.h"
#include "row.h"
#include "statement.h"
#include "transaction.h"

#include <asyncio/scope.h>

#include <time.h>

enum {
    BATCH_ROWS = 256,
    BATCH_BYTES = 64 * 1024,
    BATCH_TIME = 10 * 1000 * 1000, /* ns: a row is not held back for others that come slowly */
};

/* What the generator object holds. */
struct query_args {
    async_sqlite *db;
    async_sqlite_stmt *stmt; /* NULL: sql instead */
    const char *sql;
    const async_sqlite_value *values;
    size_t n;
    uint64_t loop, maker; /* numbers of the task that has made the query, and of its loop */
};

struct query {
    const struct query_args *args;
    uint64_t maker;       /* 0: a task of an earlier loop, whose number may be another task's now */
    sqlite3_stmt *handle; /* used by the thread; NULL: not begun, or ended */
    struct sqlite_arena names, batch;
    struct sqlite_columns *columns;
    async_sqlite_row *first, *last; /* of the batch */
    bool begun, more;
    int failed; /* an error that comes after the rows of this batch */
};

/* --- on the thread --- */

static int64_t monotonic_nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* End the statement as soon as its rows are read or unwanted: until then it holds a lock. */
static void work_end_query(struct query *q)
{
    if (q->handle && q->args->stmt)
        work_reset_statement(q->handle);
    else
        sqlite3_finalize(q->handle);
    q->handle = NULL;
}

/* Compile the statement, or take the prepared one, and bind the values. They are copied, because
 * those of the caller are borrowed only until the first row. */
static int work_begin_query(async_sqlite *db, struct sqlite_job *job, struct query *q)
{
    const struct query_args *a = q->args;
    sqlite3_stmt *s = NULL;
    const char *rest;
    q->begun = true;
    int r = a->stmt ? work_check_idle(job, a->stmt->handle)
                    : work_prepare(db, job, a->sql, true, &s, &rest);
    if (r < 0)
        return r;
    q->handle = a->stmt ? a->stmt->handle : s;
    if (!q->handle)
        return work_fail_text(job, SQLITE_MISUSE, -EINVAL, "SQL has no statement: \"%s\"", a->sql);
    return work_bind_values(db, job, q->handle, a->values, a->n, SQLITE_TRANSIENT);
}

/* Copy the columns together with the first row, not before: the first step may find that the table
 * has changed, and compile the statement again. */
static int work_add_row(struct query *q)
{
    if (!q->columns)
        q->columns = work_copy_columns(&q->names, q->handle);
    async_sqlite_row *row = q->columns ? work_copy_row(&q->batch, q->columns, q->handle) : NULL;
    if (!row)
        return SQLITE_NOMEM;
    if (q->last)
        q->last->next = row;
    else
        q->first = row;
    q->last = row;
    return SQLITE_ROW;
}

/* Fetch rows until the batch is full. A statement that writes (INSERT ... RETURNING) is executed to
 * its end, however many rows it returns. Until its end it is not committed: a transaction that
 * another task began between two batches would include its changes, and roll them back, or fail to
 * commit because of it. */
static int work_fill_batch(struct query *q)
{
    bool writes = !sqlite3_stmt_readonly(q->handle), full = false;
    int64_t until = monotonic_nanoseconds() + BATCH_TIME;
    int rc, rows = 0;
    do {
        rc = sqlite3_step(q->handle);
        if (rc == SQLITE_ROW)
            rc = work_add_row(q);
        if (!writes)
            full = ++rows == BATCH_ROWS || q->batch.total >= BATCH_BYTES ||
                   monotonic_nanoseconds() >= until;
    } while (rc == SQLITE_ROW && !full);
    return rc;
}

/* End a statement whose rows cannot be copied for lack of memory. If it writes, its changes would
 * be committed now, but an error means that nothing has changed; so take them into a transaction,
 * and roll that back. Inside a transaction block this is left to the block. */
static void work_end_without_memory(async_sqlite *db, struct query *q)
{
    struct sqlite_job ignored = { 0 };
    bool undo = !sqlite3_stmt_readonly(q->handle) && sqlite3_get_autocommit(db->handle);
    if (undo)
        work_begin_around_statement(db);
    work_end_query(q);
    if (undo)
        async_ignore(work_rollback_all(db, &ignored));
}

static int work_end_batch(async_sqlite *db, struct sqlite_job *job, struct query *q, int rc)
{
    int r = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : work_fail(db, job, rc);
    if (r == -ENOMEM)
        work_end_without_memory(db, q);
    else if (rc != SQLITE_ROW)
        work_end_query(q);
    q->more = rc == SQLITE_ROW;
    return r;
}

/* Fetch a batch. If an error ends it, the rows that came before are handed out before. */
static int work_fetch(async_sqlite *db, struct sqlite_job *job)
{
    struct query *q = job->arg;
    int64_t before = sqlite3_total_changes64(db->handle);
    int r = q->begun ? 0 : work_begin_query(db, job, q);
    if (r == 0)
        r = work_end_batch(db, job, q, work_fill_batch(q));
    else
        work_end_query(q);
    work_count_changes(db, job, before);
    if (r == -ECANCELED || !q->first)
        return r;
    q->failed = r;
    return 0;
}

static int work_leave_query(async_sqlite *db, struct sqlite_job *job)
{
    (void)db;
    work_end_query(job->arg);
    return 0;
}

/* --- in the generator's task --- */

/* Fetch the next batch, and count the query as reading as long as it has more rows: a cancellation
 * of another task's statement must not interrupt it. */
static int await_fetch_batch(struct query *q, struct sqlite_job *job)
{
    async_sqlite *db = q->args->db;
    bool was_reading = q->more;
    *job = (struct sqlite_job){ .work = work_fetch, .arg = q };
    q->first = q->last = NULL;
    sqlite_arena_reset(&q->batch);
    int r = await_sqlite_call(db, q->maker, job);
    db->reading += (int)q->more - (int)was_reading;
    return r;
}

static int await_yield_rows(struct query *q, struct sqlite_job *job)
{
    do {
        int r = await_fetch_batch(q, job);
        for (const async_sqlite_row *row = q->first; r == 0 && row; row = row->next)
            r = await_gen_yield(&row);
        if (r < 0)
            return r;
    } while (q->more);
    return q->failed;
}

/* End the statement, however the loop was left; closing the connection has ended it already. */
static void await_leave_query(struct query *q)
{
    async_sqlite *db = q->args->db;
    struct sqlite_job job = { .work = work_leave_query, .arg = q, .must_run = true };
    int r = 0;
    if (q->handle && !db->closed)
        await_shield (r)
            r = await_sqlite_job(db, &job);
    db->reading -= q->more;
    sqlite_arena_free(&q->batch);
    sqlite_arena_free(&q->names);
}

/* Run the generator. It holds references, since connection and statement may be closed and dropped
 * between two rows. */
static int await_query(void *frame)
{
    const struct query_args *a = frame;
    struct query q = { .args = a, .maker = a->loop == sqlite_current_loop() ? a->maker : 0 };
    struct sqlite_job job;
    int r = sqlite_check_use(SQLITE_HOME_OF(a->db), a->sql ? "connection" : "statement",
                             "async_sqlite_query");
    if (r < 0)
        return r;
    a->db->references++;
    if (a->stmt)
        a->stmt->references++;
    r = await_yield_rows(&q, &job);
    await_leave_query(&q);
    r = sqlite_fail_again(&job, r);
    if (a->stmt)
        sqlite_release_statement(a->stmt);
    sqlite_release_connection(a->db);
    return r;
}

/* --- making the generator --- */

static async_sqlite_rows make_query(struct query_args args)
{
    async_sqlite_rows rows = { .gen.co = { .run = await_query, .name = "sqlite query" } };
    _Static_assert(sizeof args <= ASYNC_FRAME_MAX, "the arguments fit into the coroutine object");
    args.loop = sqlite_current_loop();
    args.maker = sqlite_current_task();
    memcpy(rows.gen.co.frame, &args, sizeof args);
    return rows;
}

async_sqlite_rows async_sqlite_query_values(async_sqlite *db, const char *sql,
                                            const async_sqlite_value *values, size_t n)
{
    return make_query((struct query_args){ .db = db, .sql = sql, .values = values, .n = n });
}

async_sqlite_rows async_sqlite_stmt_query_values(async_sqlite_stmt *s,
                                                 const async_sqlite_value *values, size_t n)
{
    async_sqlite *db = s ? s->db : NULL;
    return make_query((struct query_args){ .db = db, .stmt = s, .values = values, .n = n });
}
