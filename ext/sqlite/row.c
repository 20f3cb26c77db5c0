/* SPDX-License-Identifier: MIT */
/* row.c - rows, copied from SQLite by the connection's thread and read by the task. */
#include "row.h"

#include <math.h>
#include <stdio.h>

/* --- on the thread --- */

/* The names are copied, since SQLite's are valid only until the statement is compiled again. */
struct sqlite_columns *work_copy_columns(struct sqlite_arena *a, sqlite3_stmt *s)
{
    int n = sqlite3_column_count(s);
    const char *sql = sqlite3_sql(s);
    struct sqlite_columns *c = sqlite_arena_alloc(a, sizeof *c + (size_t)n * sizeof *c->names);
    if (!c)
        return NULL;
    c->count = n;
    c->sql = sqlite_arena_copy(a, sql, strlen(sql));
    bool all = c->sql;
    for (int i = 0; all && i < n; i++) {
        const char *name = sqlite3_column_name(s, i);
        c->names[i] = name ? sqlite_arena_copy(a, name, strlen(name)) : NULL;
        all = c->names[i];
    }
    return all ? c : NULL;
}

/* Copy a text or a blob. Read the bytes before their number, since reading may convert them. SQLite
 * returns NULL for an empty blob, and for everything else if it has no memory. */
static bool copy_bytes(struct sqlite_arena *a, sqlite3_stmt *s, int i, async_sqlite_value *v)
{
    bool text = v->type == ASYNC_SQLITE_TEXT;
    const void *p = text ? sqlite3_column_text(s, i) : sqlite3_column_blob(s, i);
    v->size = (size_t)sqlite3_column_bytes(s, i);
    if (!p && (text || v->size > 0))
        return false;
    v->u.p = sqlite_arena_copy(a, p, v->size);
    return v->u.p;
}

/* Copy the value of column i of the current row. Returns false if there is no memory. */
static bool copy_value(struct sqlite_arena *a, sqlite3_stmt *s, int i, async_sqlite_value *v)
{
    *v = (async_sqlite_value){ .type = ASYNC_SQLITE_NULL };
    switch (sqlite3_column_type(s, i)) {
    case SQLITE_INTEGER:
        v->type = ASYNC_SQLITE_INT64;
        v->u.i = sqlite3_column_int64(s, i);
        return true;
    case SQLITE_FLOAT:
        v->type = ASYNC_SQLITE_DOUBLE;
        v->u.d = sqlite3_column_double(s, i);
        return true;
    case SQLITE_TEXT:
        v->type = ASYNC_SQLITE_TEXT;
        return copy_bytes(a, s, i, v);
    case SQLITE_BLOB:
        v->type = ASYNC_SQLITE_BLOB;
        return copy_bytes(a, s, i, v);
    default:
        return true;
    }
}

async_sqlite_row *work_copy_row(struct sqlite_arena *a, struct sqlite_columns *c, sqlite3_stmt *s)
{
    async_sqlite_row *row =
            sqlite_arena_alloc(a, sizeof *row + (size_t)c->count * sizeof *row->values);
    if (!row)
        return NULL;
    row->next = NULL;
    row->columns = c;
    for (int i = 0; i < c->count; i++)
        if (!copy_value(a, s, i, &row->values[i]))
            return NULL;
    return row;
}

/* --- in the task --- */

int async_sqlite_columns(const async_sqlite_row *row)
{
    return row->columns->count;
}

static bool has_column(const async_sqlite_row *row, int column)
{
    return column >= 0 && column < row->columns->count;
}

const char *async_sqlite_column_name(const async_sqlite_row *row, int column)
{
    return has_column(row, column) ? row->columns->names[column] : NULL;
}

int async_sqlite_column(const async_sqlite_row *row, const char *name)
{
    for (int i = 0; i < row->columns->count; i++)
        if (sqlite3_stricmp(row->columns->names[i], name) == 0)
            return i;
    return -ENOENT;
}

async_sqlite_value async_sqlite_at(const async_sqlite_row *row, int column)
{
    if (has_column(row, column))
        return row->values[column];
    fprintf(stderr, "asyncio: no such column: %d, in rows of: %s\n", column, row->columns->sql);
    return async_sqlite_null();
}

async_sqlite_value async_sqlite_named(const async_sqlite_row *row, const char *column)
{
    int i = async_sqlite_column(row, column);
    if (i >= 0)
        return row->values[i];
    fprintf(stderr, "asyncio: no such column: \"%s\", in rows of: %s\n", column, row->columns->sql);
    return async_sqlite_null();
}

int64_t async_sqlite_value_int64(async_sqlite_value v)
{
    if (v.type == ASYNC_SQLITE_INT64)
        return v.u.i;
    if (v.type != ASYNC_SQLITE_DOUBLE || isnan(v.u.d))
        return 0;
    if (v.u.d >= 0x1p63)
        return INT64_MAX;
    return v.u.d < -0x1p63 ? INT64_MIN : (int64_t)v.u.d;
}

double async_sqlite_value_double(async_sqlite_value v)
{
    return v.type == ASYNC_SQLITE_DOUBLE ? v.u.d : (double)async_sqlite_value_int64(v);
}

const char *async_sqlite_value_text(async_sqlite_value v)
{
    return v.type == ASYNC_SQLITE_TEXT ? v.u.p : NULL;
}

const void *async_sqlite_value_blob(async_sqlite_value v)
{
    return v.type == ASYNC_SQLITE_BLOB || v.type == ASYNC_SQLITE_TEXT ? v.u.p : NULL;
}
