/* SPDX-License-Identifier: MIT */
/* error.c - SQLite's result codes as errno values, and the status of a connection's last call. */
#include "error.h"

#include "connection.h"

#include <stdarg.h>
#include <stdio.h>

/* SQLite keeps the errno value of open(), but not those of other system calls. */
static int errno_of_open(async_sqlite *db)
{
    int err = db->handle ? sqlite3_system_errno(db->handle) : 0;
    return err > 0 ? -err : -ENOENT;
}

/* Extended codes that mean something else than their primary code; 0 for all others. */
static int errno_of_extended(int rc)
{
    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return -EEXIST;
    case SQLITE_IOERR_NOMEM:
        return -ENOMEM;
    case SQLITE_READONLY_DBMOVED:
        return -ENOENT;
    default:
        return 0;
    }
}

/* Map a primary code. What remains are mistakes of the caller (SQLITE_ERROR, SQLITE_MISUSE,
 * SQLITE_RANGE), hence the default. */
static int errno_of_primary(async_sqlite *db, int rc)
{
    switch (rc) {
    case SQLITE_CANTOPEN:
        return errno_of_open(db);
    case SQLITE_IOERR:
    case SQLITE_INTERNAL:
        return -EIO;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return -EDOM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return -EBUSY;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return -EACCES;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return -EBADMSG;
    case SQLITE_INTERRUPT:
        return -ECANCELED;
    case SQLITE_ABORT:
    case SQLITE_SCHEMA:
        return -ESTALE;
    case SQLITE_TOOBIG:
    case SQLITE_NOLFS:
        return -EFBIG;
    case SQLITE_NOTFOUND:
        return -ENOENT;
    default:
        return -EINVAL;
    }
}

static int errno_of_code(async_sqlite *db, int rc)
{
    int primary = rc & 0xff, r = errno_of_extended(rc);
    bool locked = primary == SQLITE_BUSY || primary == SQLITE_IOERR;
    /* A statement that is interrupted while it waits for a lock reports that the lock is busy. */
    if (r == 0 && locked && atomic_load(&db->cancelled))
        return -ECANCELED;
    return r < 0 ? r : errno_of_primary(db, primary);
}

int work_fail_text(struct sqlite_job *job, int rc, int r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(job->status.message, sizeof job->status.message, fmt, ap);
    va_end(ap);
    job->status.error = rc;
    return r;
}

/* The message of the handle is the better one, unless it belongs to another error. */
int work_fail(async_sqlite *db, struct sqlite_job *job, int rc)
{
    bool latest = db->handle && sqlite3_extended_errcode(db->handle) == rc;
    const char *message = latest ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);
    return work_fail_text(job, rc, errno_of_code(db, rc), "%s", message);
}

/* NULL is what a failed open or a close leaves behind. */
int async_sqlite_error(const async_sqlite *db)
{
    return db ? db->last.error : 0;
}

const char *async_sqlite_error_text(const async_sqlite *db)
{
    return db ? db->last.message : "";
}

int64_t async_sqlite_last_insert_id(const async_sqlite *db)
{
    return db ? db->last.last_id : 0;
}

int64_t async_sqlite_changes(const async_sqlite *db)
{
    return db ? db->last.changes : 0;
}
