/* SPDX-License-Identifier: MIT */
/* internal.h - what the files of ext/sqlite share. Who is who:
 *
 *   connection   a handle of SQLite's, a thread that alone uses it, and the line of those who want it
 *   job          what the thread is asked to do, in the frame of the task that waits for it
 *   query        a generator: fetches a batch of rows by a job, yields them one by one
 *
 * A task has a place in `turn` for a call, or for a whole transaction; in `one` for a single job. Functions called
 * work_... run on the thread, all others in the loop; they never run at the same time for one job, so what a job points
 * to needs no lock. */
#ifndef ASYNCIO_SQLITE_INTERNAL_H
#define ASYNCIO_SQLITE_INTERNAL_H

#include "access.h"

#include <asyncio/error.h>
#include <asyncio/loop.h>
#include <asyncio/scope.h>
#include <asyncio/sqlite.h>
#include <asyncio/sync.h>
#include <asyncio/task.h>
#include <asyncio/with.h>

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

/* --- jobs --- */

/* What a job leaves to be asked for. */
struct sqlite_report {
    int error; /* SQLite's code, extended */
    int64_t last_id, changes;
    char text[256];
};

struct sqlite_job {
    int (*work)(async_sqlite *db, struct sqlite_job *job); /* on the thread: >= 0, or a negative errno */
    void *arg;
    bool within; /* in a transaction's block: there must be one */
    bool must;   /* cannot be cancelled, nor fail before it begins */
    bool quits;  /* the thread ends */
    bool done;   /* under the connection's mutex */
    int result;
    struct sqlite_report report;
};

/* What tasks have left behind that were abandoned with their loop (see .shutdown_timeout in run.h). */
struct sqlite_leftovers {
    bool transaction; /* that a block began */
    bool queries;     /* whose rows were being read */
};

struct async_sqlite {
    struct sqlite_home home;
    pthread_t thread;
    sqlite3 *handle; /* the thread's; written under the mutex, read there by who interrupts */
    sqlite3_stmt *begin, *rollback; /* compiled at the beginning, so that they need no memory */
    double busy_timeout;
    double busy_until; /* the thread's */
    bool readonly;

    pthread_mutex_t mutex; /* for job, trash, done */
    pthread_cond_t news;
    struct sqlite_job *job;
    async_sqlite_stmt *trash; /* to be finalized before the next job */
    atomic_bool cancelled;    /* the job at hand */

    int event; /* written by the thread when a job is done */
    async_watch watch;
    async_event finished;
    async_semaphore turn, one;
    uint64_t loop;         /* that used the connection last */
    struct sqlite_leftovers leftovers;
    uint64_t owner;          /* number of the task that is in a transaction block; 0: none */
    int depth;               /* of blocks */
    int reading;             /* queries that have more rows */
    int users;               /* who may still look at this after it was closed */
    bool closing, closed;
    struct sqlite_report last;

    async_sqlite *next; /* in a pool: the next that is idle, or in use */
    uint64_t holder;    /* number of the task that borrowed it from a pool; 0: none */
};

struct async_sqlite_stmt {
    async_sqlite *db;
    sqlite3_stmt *handle;
    int users; /* the handle, and calls */
    async_sqlite_stmt *next;
};

/* call.c: run a job on the connection's thread, when it is our turn. Returns 0 or more, or an error with its message.
 * task is the number of the task that makes the call: if its transaction block has the connection, the turn is its own.
 * It is a number, because the address of a task that has ended may by now be another task's. */
ASYNC_CHECK int await_sqlite_call(async_sqlite *db, uint64_t task, struct sqlite_job *job);

/* Make db ready for the current loop. If it was used in another loop, that one is closed, and its tasks have ended or were
 * abandoned: what these still hold is given back. */
void sqlite_adopt(async_sqlite *db);
/* The same without looking whether the connection is already the task's, or is being closed. */
ASYNC_CHECK int await_sqlite_turn(async_sqlite *db, struct sqlite_job *job);
/* The same when the turn is ours, or need not be. A job that must be done is done, whatever happens here. */
ASYNC_CHECK int await_sqlite_job(async_sqlite *db, struct sqlite_job *job);
/* r, with its sentence if it is the job's error: again, after something else that suspends. */
int sqlite_sentence(const struct sqlite_job *job, int r);
void sqlite_release(async_sqlite *db); /* one user less */

/* thread.c */
int sqlite_thread_start(async_sqlite *db);
void sqlite_thread_join(async_sqlite *db);    /* after its last job */
void sqlite_thread_destroy(async_sqlite *db); /* when no task uses the connection any more */
void sqlite_submit(async_sqlite *db, struct sqlite_job *job);
bool sqlite_is_done(async_sqlite *db, const struct sqlite_job *job);
void sqlite_wait_blocking(async_sqlite *db, const struct sqlite_job *job);
void sqlite_interrupt_job(async_sqlite *db);
int work_goes_on(const async_sqlite *db, struct sqlite_job *job); /* 0, or -ECANCELED */
int work_on_busy(void *arg, int count);
int work_on_progress(void *arg);

/* error.c: the errno of SQLite's code; what there is to say goes into the report. */
int work_fail(async_sqlite *db, struct sqlite_job *job, int rc);
int work_fail_text(struct sqlite_job *job, int rc, int code, const char *fmt, ...) ASYNC_FORMAT(4, 5);

/* bind.c */
int work_bind(async_sqlite *db, struct sqlite_job *job, sqlite3_stmt *s,
              const async_sqlite_value *values, size_t n, sqlite3_destructor_type keep);

/* exec.c: *ret: NULL if sql says nothing; *rest: what follows the statement. */
int work_prepare(async_sqlite *db, struct sqlite_job *job, const char *sql, bool alone,
                 sqlite3_stmt **ret, const char **rest);
int work_script(async_sqlite *db, struct sqlite_job *job, const char *sql); /* any number of statements */
void work_count(async_sqlite *db, struct sqlite_job *job, int64_t total_before); /* rows that were changed */
void work_clean_up(async_sqlite *db); /* end the leftovers */
int work_rollback_all(async_sqlite *db, struct sqlite_job *job); /* if there is a transaction */
int work_simple(async_sqlite *db, struct sqlite_job *job, const char *sql);
void sqlite_stmt_release(async_sqlite_stmt *s);

/* row.c: rows, in memory that goes with their batch */
struct sqlite_block;
struct sqlite_arena {
    struct sqlite_block *blocks;
    size_t used; /* of the latest */
    size_t total;
};
void *sqlite_arena_alloc(struct sqlite_arena *a, size_t size);
void sqlite_arena_reset(struct sqlite_arena *a); /* keeps a block */
void sqlite_arena_free(struct sqlite_arena *a);

struct sqlite_columns {
    const char *sql;
    int count;
    const char *names[];
};
struct async_sqlite_row {
    async_sqlite_row *next;
    const struct sqlite_columns *columns;
    async_sqlite_value values[];
};
struct sqlite_columns *work_columns(struct sqlite_arena *a, sqlite3_stmt *s);
async_sqlite_row *work_row(struct sqlite_arena *a, const struct sqlite_columns *c, sqlite3_stmt *s);

/* open.c */
struct async_sqlite_opts sqlite_opts(const struct async_sqlite_opts *opts);
void await_sqlite_end(async_sqlite *db); /* close it, whoever it belongs to, and release it */

#endif
