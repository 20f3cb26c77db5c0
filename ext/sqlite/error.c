/* SPDX-License-Identifier: MIT */
/* error.c - SQLite's codes as errno values, with its sentences. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>

/* What open() said. Of other system calls SQLite does not keep it. */
static int open_error(async_sqlite *db)
{
    int err = db->handle ? sqlite3_system_errno(db->handle) : 0;
    return err > 0 ? -err : -ENOENT;
}

static int extended_error(async_sqlite *db, int rc)
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
    }
    switch (rc & 0xff) {
    case SQLITE_CANTOPEN:
        return open_error(db);
    case SQLITE_IOERR:
        return -EIO;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return -EDOM;
    default:
        return 0;
    }
}

static int errno_of(async_sqlite *db, int rc)
{
    int r = extended_error(db, rc);
    if (r < 0)
        return r;
    switch (rc & 0xff) {
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
    case SQLITE_INTERNAL:
        return -EIO;
    default:
        return -EINVAL; /* ERROR, MISUSE, RANGE */
    }
}

int work_fail_text(struct sqlite_job *job, int rc, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(job->report.text, sizeof job->report.text, fmt, ap);
    va_end(ap);
    job->report.error = rc;
    return code;
}

int work_fail(async_sqlite *db, struct sqlite_job *job, int rc)
{
    const char *text = db->handle && sqlite3_extended_errcode(db->handle) == rc
                               ? sqlite3_errmsg(db->handle)
                               : sqlite3_errstr(rc);
    int code = errno_of(db, rc), plain = rc & 0xff;
    /* Who was told to stop while he waited for a lock says that he is busy. */
    if ((plain == SQLITE_BUSY || plain == SQLITE_IOERR) && atomic_load(&db->cancelled))
        code = -ECANCELED;
    return work_fail_text(job, rc, code, "%s", text);
}

int async_sqlite_error(const async_sqlite *db)
{
    return db ? db->last.error : 0;
}

const char *async_sqlite_error_text(const async_sqlite *db)
{
    return db ? db->last.text : "";
}

int64_t async_sqlite_last_insert_id(const async_sqlite *db)
{
    return db ? db->last.last_id : 0;
}

int64_t async_sqlite_changes(const async_sqlite *db)
{
    return db ? db->last.changes : 0;
}
