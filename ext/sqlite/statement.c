/* SPDX-License-Identifier: MIT */
/* statement.c - prepared statements: compile once, execute many times, drop. */
#include "statement.h"

#include "bind.h"
#include "connection.h"
#include "exec.h"

/* --- preparing --- */

struct prepare_args {
    const char *sql;
    sqlite3_stmt *statement;
};

static int work_prepare_kept(async_sqlite *db, struct sqlite_job *job)
{
    struct prepare_args *a = job->arg;
    const char *rest;
    int r = work_prepare(db, job, a->sql, true, &a->statement, &rest);
    if (r == 0 && !a->statement)
        return work_fail_text(job, SQLITE_MISUSE, -EINVAL, "SQL has no statement: \"%s\"", a->sql);
    return r;
}

/* Allocate the record first: if there is no memory, no statement has to be finalized. */
int await_sqlite_prepare(async_sqlite *db, const char *sql, async_sqlite_stmt **ret)
{
    struct prepare_args args = { .sql = sql };
    struct sqlite_job job = { .work = work_prepare_kept, .arg = &args };
    int r = sqlite_check_use(SQLITE_HOME_OF(db), "connection", "await_sqlite_prepare");
    if (r < 0)
        return r;
    async_sqlite_stmt *s = sqlite3_malloc(sizeof *s);
    if (!s)
        return -ENOMEM;
    r = await_sqlite_call(db, sqlite_current_task(), &job);
    if (r < 0) {
        sqlite3_free(s);
        return r;
    }
    *s = (async_sqlite_stmt){ .db = db, .handle = args.statement, .references = 1 };
    db->references++;
    *ret = s;
    return 0;
}

/* --- executing --- */

struct exec_stmt_args {
    sqlite3_stmt *statement;
    const async_sqlite_value *values;
    size_t n;
};

int work_check_idle(struct sqlite_job *job, sqlite3_stmt *s)
{
    if (!sqlite3_stmt_busy(s))
        return 0;
    return work_fail_text(job, SQLITE_MISUSE, -EBUSY,
                          "statement is in use by a query that reads its rows: %s", sqlite3_sql(s));
}

void work_reset_statement(sqlite3_stmt *s)
{
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
}

static int work_exec_stmt(async_sqlite *db, struct sqlite_job *job)
{
    const struct exec_stmt_args *a = job->arg;
    int r = work_check_idle(job, a->statement);
    if (r < 0)
        return r;
    r = work_bind_values(db, job, a->statement, a->values, a->n, SQLITE_STATIC);
    if (r == 0)
        r = work_step_to_end(db, job, a->statement);
    work_reset_statement(a->statement);
    return work_changes_or(job, r);
}

int await_sqlite_stmt_exec_values(async_sqlite_stmt *s, const async_sqlite_value *values, size_t n)
{
    int r = sqlite_check_use(s ? &s->db->home : NULL, "statement", "await_sqlite_stmt_exec");
    if (r < 0)
        return r;
    struct exec_stmt_args args = { .statement = s->handle, .values = values, .n = n };
    struct sqlite_job job = { .work = work_exec_stmt, .arg = &args };
    s->references++; /* it may be dropped while the call waits */
    r = await_sqlite_call(s->db, sqlite_current_task(), &job);
    sqlite_release_statement(s);
    return r;
}

/* --- dropping --- */

void sqlite_release_statement(async_sqlite_stmt *s)
{
    async_sqlite *db = s->db;
    if (--s->references > 0)
        return;
    if (db->closed) /* which has finalized SQLite's part */
        sqlite3_free(s);
    else
        sqlite_retire_statement(db, s);
    sqlite_release_connection(db);
}

void async_sqlite_stmt_drop(async_sqlite_stmt **stmt)
{
    async_sqlite_stmt *s = *stmt;
    if (!s || sqlite_is_forked(&s->db->home)) /* a child of fork() leaves it to the parent */
        return;
    int r = sqlite_check_home(&s->db->home, "statement");
    if (r < 0) {
        sqlite_warn_not_dropped("async_sqlite_stmt_drop", r);
        return;
    }
    *stmt = NULL;
    sqlite_release_statement(s);
}
