/* SPDX-License-Identifier: MIT */
/* query.c - rows by async iteration: a generator that fetches them in batches. */
#include "internal.h"

#include <time.h>

enum {
    BATCH_ROWS = 256,
    BATCH_BYTES = 64 * 1024,
    BATCH_TIME = 10 * 1000 * 1000, /* ns: rows that come slowly do not wait for each other */
};

/* What the generator object holds. The query belongs to the task that made it, known by its number: if that task is in a
 * transaction block, the query runs inside of its transaction. */
struct query_args {
    async_sqlite *db;
    async_sqlite_stmt *stmt; /* or else... */
    const char *sql;
    const async_sqlite_value *values;
    size_t n;
    uint64_t maker;
};

struct query {
    const struct query_args *args;
    sqlite3_stmt *handle; /* the thread's; NULL: not begun, or given back */
    struct sqlite_arena names, batch;
    struct sqlite_columns *columns;
    async_sqlite_row *first, *last;
    bool begun, more;
    int failed; /* behind the rows of this batch */
};

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Give the statement back, at once: what is not at its end holds a lock. */
static void work_end(struct query *q)
{
    if (q->handle && q->args->stmt) {
        sqlite3_reset(q->handle);
        sqlite3_clear_bindings(q->handle);
    } else {
        sqlite3_finalize(q->handle);
    }
    q->handle = NULL;
}

static int begin(async_sqlite *db, struct sqlite_job *job, struct query *q)
{
    const struct query_args *a = q->args;
    sqlite3_stmt *s = NULL;
    const char *rest;
    q->begun = true;
    if (a->stmt && sqlite3_stmt_busy(a->stmt->handle))
        return work_fail_text(job, SQLITE_MISUSE, -EBUSY, "its rows are being read: %s",
                              sqlite3_sql(a->stmt->handle));
    int r = a->stmt ? 0 : work_prepare(db, job, a->sql, true, &s, &rest);
    if (r < 0)
        return r;
    q->handle = a->stmt ? a->stmt->handle : s;
    if (!q->handle)
        return work_fail_text(job, SQLITE_MISUSE, -EINVAL, "no statement: \"%s\"", a->sql);
    return work_bind(db, job, q->handle, a->values, a->n, SQLITE_TRANSIENT);
}

static int add_row(struct query *q)
{
    if (!q->columns) /* not before: the first step may find that the table has changed */
        q->columns = work_columns(&q->names, q->handle);
    async_sqlite_row *row = q->columns ? work_row(&q->batch, q->columns, q->handle) : NULL;
    if (!row)
        return SQLITE_NOMEM;
    if (q->last)
        q->last->next = row;
    else
        q->first = row;
    q->last = row;
    return SQLITE_ROW;
}

/* Fetch rows until the batch is full. A statement that writes (INSERT ... RETURNING) is executed to its end, however many
 * rows it returns: until then it is not committed, so a transaction that another task begins between two batches would
 * include its changes, roll them back, or fail to commit because of it. */
static int fill(struct query *q)
{
    bool writes = !sqlite3_stmt_readonly(q->handle);
    int64_t until = now() + BATCH_TIME;
    int rc, rows = 0;
    do {
        rc = sqlite3_step(q->handle);
        if (rc == SQLITE_ROW)
            rc = add_row(q);
    } while (rc == SQLITE_ROW && (writes || (++rows < BATCH_ROWS && q->batch.total < BATCH_BYTES && now() < until)));
    return rc;
}

/* The rows of a statement that writes could not be copied for lack of memory, but its changes are made, and would be
 * committed when it is finalized. An error should mean that nothing has changed: BEGIN takes the changes into a
 * transaction, which can be rolled back. Inside of a transaction that is for the caller to do. */
static void work_undo_write(async_sqlite *db, struct query *q)
{
    struct sqlite_job ignored = { 0 };
    if (sqlite3_stmt_readonly(q->handle) || !sqlite3_get_autocommit(db->handle))
        return;
    sqlite3_step(db->begin);
    sqlite3_reset(db->begin);
    work_end(q);
    async_ignore(work_rollback_all(db, &ignored));
}

static int work_fetch(async_sqlite *db, struct sqlite_job *job)
{
    struct query *q = job->arg;
    int64_t before = sqlite3_total_changes64(db->handle);
    int r = q->begun ? 0 : begin(db, job, q);
    int rc = r < 0 ? SQLITE_OK : fill(q);
    q->more = rc == SQLITE_ROW;
    if (r == 0 && rc != SQLITE_ROW && rc != SQLITE_DONE)
        r = work_fail(db, job, rc);
    if (r == -ENOMEM && q->handle)
        work_undo_write(db, q);
    if (!q->more)
        work_end(q);
    work_count(db, job, before);
    if (r == -ECANCELED || !q->first)
        return r;
    q->failed = r; /* what came before it comes before it */
    return 0;
}

static int work_give_back(async_sqlite *db, struct sqlite_job *job)
{
    int64_t before = sqlite3_total_changes64(db->handle);
    work_end(job->arg);
    work_count(db, job, before);
    return 0;
}

/* The next batch. A query that has more rows counts as one that reads: see sqlite_interrupt_job(). */
static int await_batch(struct query *q, struct sqlite_job *job)
{
    async_sqlite *db = q->args->db;
    bool was = q->more;
    *job = (struct sqlite_job){ .work = work_fetch, .arg = q };
    q->first = q->last = NULL;
    sqlite_arena_reset(&q->batch);
    int r = await_sqlite_call(db, q->args->maker, job);
    db->reading += (int)q->more - (int)was;
    return r;
}

/* However it was left: the statement is given back by the thread, unless that has closed it. */
static void await_end(struct query *q)
{
    async_sqlite *db = q->args->db;
    struct sqlite_job job = { .work = work_give_back, .arg = q, .must = true };
    int r = 0;
    if (q->handle && !db->closed)
        await_shield (r)
            r = await_sqlite_job(db, &job);
    db->reading -= q->more;
    sqlite_arena_free(&q->batch);
    sqlite_arena_free(&q->names);
}

static int await_rows(struct query *q, struct sqlite_job *job)
{
    do {
        int r = await_batch(q, job);
        for (const async_sqlite_row *row = q->first; r == 0 && row; row = row->next)
            r = await_gen_yield(&row);
        if (r < 0)
            return r;
    } while (q->more);
    return q->failed;
}

static int run(void *frame)
{
    const struct query_args *a = frame;
    struct query q = { .args = a };
    struct sqlite_job job;
    int r = sqlite_check_use(HOME_OF(a->db), "connection", "async_sqlite_query");
    if (r < 0)
        return r;
    a->db->users++;
    if (a->stmt)
        a->stmt->users++;
    r = await_rows(&q, &job);
    await_end(&q);
    r = sqlite_sentence(&job, r);
    if (a->stmt)
        sqlite_stmt_release(a->stmt);
    sqlite_release(a->db);
    return r;
}

static async_sqlite_rows rows(struct query_args args)
{
    async_sqlite_rows rows = { .gen.co = { .run = run, .name = "sqlite query" } };
    _Static_assert(sizeof args <= ASYNC_FRAME_MAX, "in the object");
    args.maker = sqlite_current_task();
    memcpy(rows.gen.co.frame, &args, sizeof args);
    return rows;
}

async_sqlite_rows async_sqlite_query_values(async_sqlite *db, const char *sql,
                                            const async_sqlite_value *values, size_t n)
{
    return rows((struct query_args){ .db = db, .sql = sql, .values = values, .n = n });
}

async_sqlite_rows async_sqlite_stmt_query_values(async_sqlite_stmt *s,
                                                 const async_sqlite_value *values, size_t n)
{
    return rows((struct query_args){ .db = s ? s->db : NULL, .stmt = s, .values = values, .n = n });
}
