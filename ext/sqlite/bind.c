/* SPDX-License-Identifier: MIT */
/* bind.c - values for the places of a statement. */
#include "internal.h"

/* A pointer of NULL to no bytes is an empty text or blob, not SQL's NULL. */
static int bind_bytes(sqlite3_stmt *s, int i, const async_sqlite_value *v, sqlite3_destructor_type keep)
{
    const void *p = v->u.p ? v->u.p : "";
    sqlite3_uint64 size = v->size;
    if (v->type == ASYNC_SQLITE_BLOB)
        return sqlite3_bind_blob64(s, i, p, size, keep);
    if (v->size == SIZE_MAX)
        size = strlen(p);
    return sqlite3_bind_text64(s, i, p, size, keep, SQLITE_UTF8);
}

static int bind(sqlite3_stmt *s, int i, const async_sqlite_value *v, sqlite3_destructor_type keep)
{
    switch (v->type) {
    case ASYNC_SQLITE_NULL:
        return sqlite3_bind_null(s, i);
    case ASYNC_SQLITE_INT64:
        return sqlite3_bind_int64(s, i, v->u.i);
    case ASYNC_SQLITE_DOUBLE:
        return sqlite3_bind_double(s, i, v->u.d);
    case ASYNC_SQLITE_TEXT:
    case ASYNC_SQLITE_BLOB:
        return bind_bytes(s, i, v, keep);
    }
    return SQLITE_MISUSE;
}

/* What the macros marked because it is not what it seems. */
static int check(struct sqlite_job *job, const async_sqlite_value *v, int i)
{
    if (v->size != SIZE_MAX || v->type == ASYNC_SQLITE_TEXT)
        return 0;
    if (v->type == ASYNC_SQLITE_INT64)
        return work_fail_text(job, SQLITE_RANGE, -ERANGE, "value %d does not fit into 63 bits", i);
    return work_fail_text(job, SQLITE_MISUSE, -EINVAL, "value %d is a pointer, or has no size", i);
}

int work_bind(async_sqlite *db, struct sqlite_job *job, sqlite3_stmt *s,
              const async_sqlite_value *values, size_t n, sqlite3_destructor_type keep)
{
    int places = sqlite3_bind_parameter_count(s);
    if (n != (size_t)places)
        return work_fail_text(job, SQLITE_RANGE, -EINVAL,
                              "%d places for values, and %zu values: %s", places, n, sqlite3_sql(s));
    for (int i = 0; i < places; i++) {
        int r = check(job, &values[i], i + 1);
        int rc = r < 0 ? SQLITE_OK : bind(s, i + 1, &values[i], keep);
        if (rc != SQLITE_OK)
            r = work_fail(db, job, rc);
        if (r < 0)
            return r;
    }
    return 0;
}
