/* SPDX-License-Identifier: MIT */
/* exec.c - statements that are executed, and those that are kept. */
#include "internal.h"

#include <limits.h>
#include <stdio.h>

struct exec {
    const char *sql;
    async_sqlite_stmt *stmt; /* or this */
    const async_sqlite_value *values;
    size_t n;
};

/* alone: nothing but blanks and comments may follow. */
int work_prepare(async_sqlite *db, struct sqlite_job *job, const char *sql, bool alone,
                 sqlite3_stmt **ret, const char **rest)
{
    sqlite3_stmt *s, *more = NULL;
    const char *tail;
    int rc = sqlite3_prepare_v3(db->handle, sql, -1, 0, &s, &tail);
    if (rc != SQLITE_OK)
        return work_fail(db, job, rc);
    if (alone && *tail && (sqlite3_prepare_v2(db->handle, tail, -1, &more, NULL) != SQLITE_OK || more)) {
        sqlite3_finalize(more);
        sqlite3_finalize(s);
        return work_fail_text(job, SQLITE_MISUSE, -EINVAL, "one statement, not several: %s", sql);
    }
    *ret = s;
    *rest = tail;
    return 0;
}

/* What SQLite says of the latest statement that changed anything; its total says whether that was this one. */
void work_count(async_sqlite *db, struct sqlite_job *job, int64_t total_before)
{
    if (sqlite3_total_changes64(db->handle) != total_before)
        job->report.changes += sqlite3_changes64(db->handle);
}

static int step_through(async_sqlite *db, struct sqlite_job *job, sqlite3_stmt *s)
{
    int64_t before = sqlite3_total_changes64(db->handle);
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW)
        ;
    work_count(db, job, before);
    return rc == SQLITE_DONE ? 0 : work_fail(db, job, rc);
}

static int changes(const struct sqlite_job *job)
{
    return job->report.changes > INT_MAX ? INT_MAX : (int)job->report.changes;
}

/* A cancel between two statements would interrupt none: it is asked for before each. */
static int work_statements(async_sqlite *db, struct sqlite_job *job, const struct exec *e)
{
    const char *sql = e->sql;
    int r;
    do {
        sqlite3_stmt *s = NULL;
        r = work_goes_on(db, job);
        if (r == 0)
            r = work_prepare(db, job, sql, e->n > 0, &s, &sql);
        if (r == 0 && (s || e->n > 0))
            r = work_bind(db, job, s, e->values, e->n, SQLITE_STATIC);
        if (r == 0 && s)
            r = step_through(db, job, s);
        sqlite3_finalize(s);
    } while (r == 0 && *sql && e->n == 0);
    return r;
}

int work_script(async_sqlite *db, struct sqlite_job *job, const char *sql)
{
    return work_statements(db, job, &(const struct exec){ .sql = sql });
}

static int work_exec(async_sqlite *db, struct sqlite_job *job)
{
    int r = work_statements(db, job, job->arg);
    return r < 0 ? r : changes(job);
}

int await_sqlite_exec_values(async_sqlite *db, const char *sql, const async_sqlite_value *values,
                             size_t n)
{
    struct exec e = { .sql = sql, .values = values, .n = n };
    struct sqlite_job job = { .work = work_exec, .arg = &e };
    int r = sqlite_check_use(HOME_OF(db), "connection", "await_sqlite_exec");
    return r < 0 ? r : await_sqlite_call(db, sqlite_current_task(), &job);
}

static int work_exec_stmt(async_sqlite *db, struct sqlite_job *job)
{
    const struct exec *e = job->arg;
    sqlite3_stmt *s = e->stmt->handle;
    if (sqlite3_stmt_busy(s))
        return work_fail_text(job, SQLITE_MISUSE, -EBUSY, "its rows are being read: %s",
                              sqlite3_sql(s));
    int r = work_bind(db, job, s, e->values, e->n, SQLITE_STATIC);
    if (r == 0)
        r = step_through(db, job, s);
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return r < 0 ? r : changes(job);
}

int await_sqlite_stmt_exec_values(async_sqlite_stmt *s, const async_sqlite_value *values, size_t n)
{
    struct exec e = { .stmt = s, .values = values, .n = n };
    struct sqlite_job job = { .work = work_exec_stmt, .arg = &e };
    int r = sqlite_check_use(s ? &s->db->home : NULL, "statement", "await_sqlite_stmt_exec");
    if (r < 0)
        return r;
    s->users++;
    r = await_sqlite_call(s->db, sqlite_current_task(), &job);
    sqlite_stmt_release(s);
    return r;
}

/* --- statements that are kept --- */

static int work_keep(async_sqlite *db, struct sqlite_job *job)
{
    const struct exec *e = job->arg;
    const char *rest;
    int r = work_prepare(db, job, e->sql, true, &e->stmt->handle, &rest);
    if (r == 0 && !e->stmt->handle)
        return work_fail_text(job, SQLITE_MISUSE, -EINVAL, "no statement: \"%s\"", e->sql);
    return r;
}

int await_sqlite_prepare(async_sqlite *db, const char *sql, async_sqlite_stmt **ret)
{
    int r = sqlite_check_use(HOME_OF(db), "connection", "await_sqlite_prepare");
    if (r < 0)
        return r;
    async_sqlite_stmt *s = sqlite3_malloc(sizeof *s);
    struct exec e = { .sql = sql, .stmt = s };
    struct sqlite_job job = { .work = work_keep, .arg = &e };
    if (!s)
        return -ENOMEM;
    *s = (async_sqlite_stmt){ .db = db, .users = 1 };
    r = await_sqlite_call(db, sqlite_current_task(), &job);
    if (r < 0) {
        sqlite3_free(s);
        return r;
    }
    db->users++;
    *ret = s;
    return 0;
}

/* The thread finalizes it before its next job: dropping must not wait, and an idle statement holds nothing but memory. */
void sqlite_stmt_release(async_sqlite_stmt *s)
{
    async_sqlite *db = s->db;
    if (--s->users > 0)
        return;
    if (db->closed) { /* SQLite's part has gone with it */
        sqlite3_free(s);
    } else {
        pthread_mutex_lock(&db->mutex);
        s->next = db->trash;
        db->trash = s;
        pthread_mutex_unlock(&db->mutex);
    }
    sqlite_release(db);
}

void async_sqlite_stmt_drop(async_sqlite_stmt **handle)
{
    async_sqlite_stmt *s = *handle;
    if (!s || sqlite_is_forked(&s->db->home)) /* in a child of fork() it is left to the parent */
        return;
    int r = sqlite_check_home(&s->db->home, "statement");
    if (r < 0) {
        sqlite_warn_not_dropped("async_sqlite_stmt_drop", r);
        return;
    }
    *handle = NULL;
    sqlite_stmt_release(s);
}
