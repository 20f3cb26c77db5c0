/* SPDX-License-Identifier: MIT */
/* exec.c - compile and execute SQL. */
#include "exec.h"

#include "bind.h"
#include "connection.h"
#include "interrupt.h"

#include <limits.h>

/* Does sql have a statement, even a wrong one, and not only blanks and comments? */
static bool work_has_statement(async_sqlite *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    bool found = *sql && (sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL) != SQLITE_OK || s);
    sqlite3_finalize(s);
    return found;
}

/* With alone, a statement that follows is refused, not ignored: its author expects it to run. */
int work_prepare(async_sqlite *db, struct sqlite_job *job, const char *sql, bool alone,
                 sqlite3_stmt **ret, const char **rest)
{
    sqlite3_stmt *s;
    const char *tail;
    int rc = sqlite3_prepare_v3(db->handle, sql, -1, 0, &s, &tail);
    if (rc != SQLITE_OK)
        return work_fail(db, job, rc);
    if (alone && work_has_statement(db, tail)) {
        sqlite3_finalize(s);
        return work_fail_text(job, SQLITE_MISUSE, -EINVAL,
                              "only one statement can be executed at a time here: %s", sql);
    }
    *ret = s;
    *rest = tail;
    return 0;
}

void work_count_changes(async_sqlite *db, struct sqlite_job *job, int64_t total_before)
{
    if (sqlite3_total_changes64(db->handle) != total_before)
        job->status.changes += sqlite3_changes64(db->handle);
}

int work_changes_or(const struct sqlite_job *job, int r)
{
    if (r < 0)
        return r;
    return job->status.changes > INT_MAX ? INT_MAX : (int)job->status.changes;
}

int work_step_to_end(async_sqlite *db, struct sqlite_job *job, sqlite3_stmt *s)
{
    int64_t before = sqlite3_total_changes64(db->handle);
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW)
        ;
    work_count_changes(db, job, before);
    return rc == SQLITE_DONE ? 0 : work_fail(db, job, rc);
}

int work_exec_simple(async_sqlite *db, struct sqlite_job *job, const char *sql)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : work_fail(db, job, rc);
}

struct exec_args {
    const char *sql;
    const async_sqlite_value *values;
    size_t n;
};

/* Execute the statement at *sql, and move *sql behind it. Only a single statement can have values.
 * Check for an interrupt first: a script of many short statements is not interrupted inside one. */
static int work_exec_next(async_sqlite *db, struct sqlite_job *job, const char **sql,
                          const struct exec_args *a)
{
    sqlite3_stmt *s = NULL;
    int r = work_check_interrupt(db, job);
    if (r == 0)
        r = work_prepare(db, job, *sql, a->n > 0, &s, sql);
    if (r == 0 && (s || a->n > 0))
        r = work_bind_values(db, job, s, a->values, a->n, SQLITE_STATIC);
    if (r == 0 && s)
        r = work_step_to_end(db, job, s);
    sqlite3_finalize(s);
    return r;
}

static int work_exec_all(async_sqlite *db, struct sqlite_job *job, const struct exec_args *a)
{
    const char *sql = a->sql;
    int r;
    do
        r = work_exec_next(db, job, &sql, a);
    while (r == 0 && *sql && a->n == 0);
    return r;
}

int work_exec_script(async_sqlite *db, struct sqlite_job *job, const char *sql)
{
    return work_exec_all(db, job, &(const struct exec_args){ .sql = sql });
}

static int work_exec(async_sqlite *db, struct sqlite_job *job)
{
    return work_changes_or(job, work_exec_all(db, job, job->arg));
}

int await_sqlite_exec_values(async_sqlite *db, const char *sql, const async_sqlite_value *values,
                             size_t n)
{
    struct exec_args args = { .sql = sql, .values = values, .n = n };
    struct sqlite_job job = { .work = work_exec, .arg = &args };
    int r = sqlite_check_use(SQLITE_HOME_OF(db), "connection", "await_sqlite_exec");
    return r < 0 ? r : await_sqlite_call(db, sqlite_current_task(), &job);
}
