/* SPDX-License-Identifier: MIT */
/* bind.c - bind values to the parameters of a statement. */
#include "bind.h"

#include "error.h"

/* A NULL pointer with size 0 is an empty text or blob; SQL's NULL has a type of its own. */
static int bind_bytes(sqlite3_stmt *s, int i, const async_sqlite_value *v,
                      sqlite3_destructor_type lifetime)
{
    const void *p = v->u.p ? v->u.p : "";
    sqlite3_uint64 size = v->size;
    if (v->type == ASYNC_SQLITE_BLOB)
        return sqlite3_bind_blob64(s, i, p, size, lifetime);
    if (v->size == SIZE_MAX)
        size = strlen(p);
    return sqlite3_bind_text64(s, i, p, size, lifetime, SQLITE_UTF8);
}

/* Bind a value to parameter i, counted from 1. Returns a code of SQLite's. */
static int bind_value(sqlite3_stmt *s, int i, const async_sqlite_value *v,
                      sqlite3_destructor_type lifetime)
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
        return bind_bytes(s, i, v, lifetime);
    }
    return SQLITE_MISUSE;
}

/* Refuse the values that the macros of the header have marked by a size of SIZE_MAX, because they
 * could not refuse them at compile time. Only for texts does this size mean something else. */
static int work_check_value(struct sqlite_job *job, const async_sqlite_value *v, int i)
{
    if (v->size != SIZE_MAX || v->type == ASYNC_SQLITE_TEXT)
        return 0;
    if (v->type == ASYNC_SQLITE_INT64)
        return work_fail_text(job, SQLITE_RANGE, -ERANGE,
                              "value %d does not fit into a signed 64-bit integer", i);
    return work_fail_text(job, SQLITE_MISUSE, -EINVAL,
                          "value %d is a pointer or has no size: use async_sqlite_bytes()", i);
}

/* Values that were bound before an error stay bound; the caller resets or finalizes the
 * statement. */
int work_bind_values(async_sqlite *db, struct sqlite_job *job, sqlite3_stmt *s,
                     const async_sqlite_value *values, size_t n, sqlite3_destructor_type lifetime)
{
    int parameters = sqlite3_bind_parameter_count(s);
    if (n != (size_t)parameters)
        return work_fail_text(job, SQLITE_RANGE, -EINVAL,
                              "statement has %d parameters, but %zu values were given: %s",
                              parameters, n, s ? sqlite3_sql(s) : "");
    for (int i = 0; i < parameters; i++) {
        int r = work_check_value(job, &values[i], i + 1);
        int rc = r < 0 ? SQLITE_OK : bind_value(s, i + 1, &values[i], lifetime);
        if (rc != SQLITE_OK)
            r = work_fail(db, job, rc);
        if (r < 0)
            return r;
    }
    return 0;
}
