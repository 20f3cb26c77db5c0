/* SPDX-License-Identifier: MIT */
/* sqlite_value.h - values of SQLite: bind them to the parameters of a statement, and read them from
 * the columns of a row. Included by sqlite.h.
 *
 *   async_sqlite_bytes        make a value of a blob
 *   async_sqlite_chars        make a value of a text of known size
 *   async_sqlite_null         make SQL's NULL
 *   ASYNC_SQLITE_VALUE        make a value of a C number or string
 *   async_sqlite_int64        read a column as a number; also async_sqlite_double
 *   async_sqlite_text         read a column as a text; also async_sqlite_blob and _size
 *   async_sqlite_get          read a column as a value; also async_sqlite_type
 *   async_sqlite_columns      the number of columns
 *   async_sqlite_column_name  the name of a column
 *   async_sqlite_column       the number of a column
 *
 * None of them suspends, or needs a task. */
#ifndef ASYNCIO_SQLITE_VALUE_H
#define ASYNCIO_SQLITE_VALUE_H

#include <asyncio/co.h>

ASYNC_BEGIN_DECLS

/* The types of values. */
enum async_sqlite_type {
    ASYNC_SQLITE_NULL,
    ASYNC_SQLITE_INT64,
    ASYNC_SQLITE_DOUBLE, /* NaN is bound as NULL, since SQLite has no NaN */
    ASYNC_SQLITE_TEXT,   /* UTF-8; may contain NUL characters */
    ASYNC_SQLITE_BLOB,
};

/* A value that is bound to a parameter of a statement, or was read from a column. A text or blob to
 * be bound is borrowed for the call; by a query, until its first row has come. A text or blob that
 * was read has a NUL behind it, and is valid as long as its row. */
typedef struct async_sqlite_value {
    enum async_sqlite_type type;
    size_t size; /* of a text or blob, in bytes; SIZE_MAX for a text: up to its NUL */
    union {
        int64_t i;
        double d;
        const void *p;
    } u;
} async_sqlite_value;

/* Make a value of a blob.
 *
 *   ASYNC_TRY(await_sqlite_exec(db, "insert into keys values (?)", async_sqlite_bytes(key, 32)));
 *
 * blob, size  the bytes (borrowed) and their number; NULL and 0 make an empty blob, not SQL's
 *             NULL. */
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_bytes(const void *blob, size_t size)
{
    async_sqlite_value v = { ASYNC_SQLITE_BLOB, size, { 0 } };
    v.u.p = blob;
    return v;
}

/* Make a value of a text of known size, or of a part of a string.
 *
 *   ASYNC_TRY(await_sqlite_exec(db, "insert into words values (?)", async_sqlite_chars(line, 5)));
 *
 * text, size  the characters (borrowed) and their number in bytes; NULL makes SQL's NULL. */
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_chars(const char *text, size_t size)
{
    async_sqlite_value v = { text ? ASYNC_SQLITE_TEXT : ASYNC_SQLITE_NULL, text ? size : 0, { 0 } };
    v.u.p = text;
    return v;
}

/* Make SQL's NULL.
 *
 *   ASYNC_TRY(await_sqlite_exec(db, "insert into words values (?)", async_sqlite_null())); */
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_null(void)
{
    async_sqlite_value v = { ASYNC_SQLITE_NULL, 0, { 0 } };
    return v;
}

/* Make a value of x. The functions of sqlite.h that end with `...` do so with each of their values,
 * up to 16: integers, floating-point numbers, strings (NULL makes SQL's NULL), and values made by
 * the functions above or read from a row. The compiler refuses other pointers.
 *
 * The first value is bound to the first parameter (?) of the statement, and so on. ?3 is the third
 * parameter; a name such as :id stands for a new parameter where it appears first. A statement with
 * more or fewer parameters than values is refused with -EINVAL. */
#define ASYNC_SQLITE_VALUE(x)                                                                      \
    _Generic((x),                                                                                  \
            async_sqlite_value: async_sqlite_of_value,                                             \
            char *: async_sqlite_of_text,                                                          \
            const char *: async_sqlite_of_text,                                                    \
            float: async_sqlite_of_double,                                                         \
            double: async_sqlite_of_double,                                                        \
            long double: async_sqlite_of_long_double,                                              \
            unsigned long: async_sqlite_of_unsigned,                                               \
            unsigned long long: async_sqlite_of_unsigned,                                          \
            void *: async_sqlite_of_null,                                                          \
            default: async_sqlite_of_int)(x)

/* --- reading columns --- */

/* A row of a query. */
typedef struct async_sqlite_row async_sqlite_row;

/* Read a column of a row. The macros differ in what they make of its value.
 *
 *   printf("%s is %d\n", async_sqlite_text(row, "name"), (int)async_sqlite_int64(row, 1));
 *
 * row        the row.
 * column     a number, from 0; or a name, compared as SQL compares names. If there is no such
 *            column, a message is printed to stderr, and the value is SQL's NULL.
 *
 * async_sqlite_int64   a number. A floating-point number is truncated, and limited to the
 *                      range of int64_t. 0 for other types.
 * async_sqlite_double  a number; 0 for other types.
 * async_sqlite_text    a text, with a NUL behind it; NULL for other types.
 * async_sqlite_blob    the bytes of a blob or of a text; NULL for other types.
 * async_sqlite_size    how many bytes a text or blob has; 0 for other types.
 * async_sqlite_type    the type.
 * async_sqlite_get     the value, which can also be bound to a parameter. */
#define async_sqlite_int64(row, column)  async_sqlite_value_int64(async_sqlite_get(row, column))
#define async_sqlite_double(row, column) async_sqlite_value_double(async_sqlite_get(row, column))
#define async_sqlite_text(row, column)   async_sqlite_value_text(async_sqlite_get(row, column))
#define async_sqlite_blob(row, column)   async_sqlite_value_blob(async_sqlite_get(row, column))
#define async_sqlite_size(row, column)   (async_sqlite_get(row, column).size)
#define async_sqlite_type(row, column)   (async_sqlite_get(row, column).type)
#define async_sqlite_get(row, column)                                                              \
    _Generic((column), char *: async_sqlite_named, const char *: async_sqlite_named,               \
             default: async_sqlite_at)((row), (column))
async_sqlite_value async_sqlite_at(const async_sqlite_row *row, int column);
async_sqlite_value async_sqlite_named(const async_sqlite_row *row, const char *column);
int64_t async_sqlite_value_int64(async_sqlite_value v);
double async_sqlite_value_double(async_sqlite_value v);
const char *async_sqlite_value_text(async_sqlite_value v);
const void *async_sqlite_value_blob(async_sqlite_value v);

/* Return the number of columns of a row.
 *
 *   for (int i = 0; i < async_sqlite_columns(row); i++)
 *       printf("%s: %s\n", async_sqlite_column_name(row, i), async_sqlite_text(row, i)); */
int async_sqlite_columns(const async_sqlite_row *row);

/* Return the name of a column.
 *
 * column     the number of the column, from 0.
 * Returns    the name, valid until the loop over the query is left; NULL if there is no such
 *            column. */
const char *async_sqlite_column_name(const async_sqlite_row *row, int column);

/* Return the number of the first column with that name, to look it up once for all rows.
 *
 *   int name = async_sqlite_column(row, "name");
 *
 * name       the name, compared as SQL compares names.
 * Returns    the number, from 0; -ENOENT if there is no such column. */
int async_sqlite_column(const async_sqlite_row *row, const char *name);

/* --- behind the macros --- */

ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_value(async_sqlite_value v)
{
    return v;
}
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_int(int64_t i)
{
    async_sqlite_value v = { ASYNC_SQLITE_INT64, 0, { 0 } };
    v.u.i = i;
    return v;
}
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_double(double d)
{
    async_sqlite_value v = { ASYNC_SQLITE_DOUBLE, 0, { 0 } };
    v.u.d = d;
    return v;
}
/* SQLite has no larger type than double. */
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_long_double(long double d)
{
    return async_sqlite_of_double((double)d);
}
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_text(const char *text)
{
    return async_sqlite_chars(text, SIZE_MAX);
}
/* A size of SIZE_MAX marks a number that does not fit, for the check when it is bound. */
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_unsigned(uint64_t u)
{
    async_sqlite_value v = async_sqlite_of_int((int64_t)u);
    v.size = u > INT64_MAX ? SIZE_MAX : 0;
    return v;
}
/* For NULL itself, which is a void pointer; another void pointer is marked in the same way. */
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_null(const void *p)
{
    async_sqlite_value v = { ASYNC_SQLITE_NULL, p ? SIZE_MAX : 0, { 0 } };
    return v;
}

/* ASYNC_SQLITE__VALUES(a, b) expands to an array of the values of a and b, and their number, 2. One
 * more value stands at the end of the array, since there may be no others. */
#define ASYNC_SQLITE__VALUES(...)                                                                  \
    (const async_sqlite_value[]){                                                                  \
            ASYNC__CAT(ASYNC_SQLITE__MAP_, ASYNC_SQLITE__COUNT(__VA_ARGS__))(__VA_ARGS__){         \
                    ASYNC_SQLITE_NULL, 0, { 0 } } },                                               \
            ASYNC_SQLITE__COUNT(__VA_ARGS__)
#define ASYNC_SQLITE__COUNT(...)                                                                   \
    ASYNC_SQLITE__COUNT_(0, ##__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define ASYNC_SQLITE__COUNT_(z, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, count, ...) count
#define ASYNC_SQLITE__MAP_0()
#define ASYNC_SQLITE__MAP_1(a)       ASYNC_SQLITE_VALUE(a),
#define ASYNC_SQLITE__MAP_2(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_1(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_3(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_2(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_4(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_3(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_5(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_4(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_6(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_5(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_7(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_6(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_8(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_7(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_9(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_8(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_10(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_9(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_11(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_10(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_12(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_11(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_13(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_12(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_14(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_13(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_15(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_14(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_16(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_15(__VA_ARGS__)

ASYNC_END_DECLS

#endif
