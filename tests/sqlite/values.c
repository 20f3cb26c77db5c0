/* SPDX-License-Identifier: MIT */
/* values.c - bind values of each type, and read them back. */
#include "sqlite_test.h"

#include <math.h>

/* --- each type, bound and read back --- */

static async_sqlite_value back;
static char bytes[64]; /* of back, if it is a text or a blob */

static int await_bind_and_read(async_sqlite *db, async_sqlite_value v)
{
    int r;
    await_for_each (r, row, async_sqlite_query(db, "select ?", v)) {
        back = async_sqlite_get(row, 0);
        if (back.type < ASYNC_SQLITE_TEXT)
            continue;
        expect_ok(((const char *)back.u.p)[back.size]); /* a NUL follows */
        memcpy(bytes, back.u.p, back.size);
    }
    return r;
}

LOOP_TEST(integers_are_read_as_bound)
{
    static const int64_t integers[] = { 0, 1, -1, INT64_MAX, INT64_MIN };
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    for (size_t i = 0; i < countof(integers); i++) {
        expect_ok(await_bind_and_read(db, ASYNC_SQLITE_VALUE(integers[i])));
        expect_int(back.type, ASYNC_SQLITE_INT64);
        expect_true(back.u.i == integers[i]);
    }
    return 0;
}

LOOP_TEST(doubles_are_read_as_bound)
{
    static const double doubles[] = { 0.0, -1.5, 1e308, 5e-324, INFINITY };
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    for (size_t i = 0; i < countof(doubles); i++) {
        expect_ok(await_bind_and_read(db, ASYNC_SQLITE_VALUE(doubles[i])));
        expect_int(back.type, ASYNC_SQLITE_DOUBLE);
        expect_true(memcmp(&back.u.d, &doubles[i], sizeof(double)) == 0);
    }
    return 0;
}

LOOP_TEST(texts_and_blobs_are_read_as_bound)
{
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_ok(await_bind_and_read(db, async_sqlite_chars("a\0b", 3)));
    expect_int(back.type, ASYNC_SQLITE_TEXT);
    expect_int(back.size, 3);
    expect_ok(memcmp(bytes, "a\0b", 3));
    expect_ok(await_bind_and_read(db, async_sqlite_bytes("\0\xff\0", 3)));
    expect_int(back.type, ASYNC_SQLITE_BLOB);
    expect_int(back.size, 3);
    expect_ok(memcmp(bytes, "\0\xff\0", 3));
    return 0;
}

LOOP_TEST(empty_values_differ_from_null)
{
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_ok(await_bind_and_read(db, async_sqlite_bytes(NULL, 0)));
    expect_int(back.type, ASYNC_SQLITE_BLOB);
    expect_ok(back.size);
    expect_ok(await_bind_and_read(db, ASYNC_SQLITE_VALUE("")));
    expect_int(back.type, ASYNC_SQLITE_TEXT);
    expect_ok(back.size);
    expect_ok(await_bind_and_read(db, ASYNC_SQLITE_VALUE((const char *)NULL)));
    expect_int(back.type, ASYNC_SQLITE_NULL);
    expect_ok(await_bind_and_read(db, ASYNC_SQLITE_VALUE(NULL)));
    expect_int(back.type, ASYNC_SQLITE_NULL);
    return 0;
}

/* --- what the macros accept --- */

LOOP_TEST(sixteen_values_of_different_c_types_are_bound)
{
    int r;
    const char *text = "text";
    char buffer[] = "buffer";
    bool yes = true;
    short s = -3;
    unsigned u = 4000000000U;
    unsigned long long big = INT64_MAX;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row,
                    async_sqlite_query(db, "select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?",
                                       text, buffer, yes, s, u, big, 1.5f, 'c', 9, 10, 11, 12, 13,
                                       14, 15, 16)) {
        expect_int(async_sqlite_columns(row), 16);
        expect_text(async_sqlite_text(row, 0), "text");
        expect_text(async_sqlite_text(row, 1), "buffer");
        expect_int(async_sqlite_int64(row, 2), 1);
        expect_int(async_sqlite_int64(row, 3), -3);
        expect_int(async_sqlite_int64(row, 4), 4000000000);
        expect_true(async_sqlite_int64(row, 5) == INT64_MAX);
        expect_true(async_sqlite_double(row, 6) == 1.5);
        expect_int(async_sqlite_int64(row, 7), 'c');
        expect_int(async_sqlite_int64(row, 15), 16);
    }
    return r;
}

LOOP_TEST(numbered_and_named_parameters_can_be_repeated)
{
    int r;
    static const char sql[] = "select ?, ?, ?2, :third, :third";
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row, async_sqlite_query(db, sql, 1, 2, 3))
        for (int i = 0; i < 5; i++)
            log_event("%d", (int)async_sqlite_int64(row, i));
    expect_events("1 2 2 3 3");
    return r;
}

LOOP_TEST(long_double_is_bound_as_double)
{
    long double number = 1.5L;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_ok(await_bind_and_read(db, ASYNC_SQLITE_VALUE(number)));
    expect_int(back.type, ASYNC_SQLITE_DOUBLE);
    expect_true(back.u.d == 1.5);
    return 0;
}

LOOP_TEST(value_that_cannot_be_bound_is_refused)
{
    uint64_t large = (uint64_t)INT64_MAX + 1;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_int(await_sqlite_exec(db, "select ?", large), -ERANGE);
    expect_text(async_fail_text(-ERANGE), "value 1 does not fit into a signed 64-bit integer");
    expect_int(await_sqlite_exec(db, "select ?", (void *)db), -EINVAL);
    expect_contains(async_fail_text(-EINVAL), "value 1 is a pointer or has no size");
    expect_int(await_sqlite_exec(db, "select ?", async_sqlite_bytes("x", SIZE_MAX)), -EINVAL);
    return 0;
}

LOOP_TEST(wrong_number_of_values_is_refused)
{
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_int(await_sqlite_exec(db, "select ?, ?", 1), -EINVAL);
    expect_text(async_fail_text(-EINVAL),
                "statement has 2 parameters, but 1 values were given: select ?, ?");
    expect_int(await_sqlite_exec(db, "select 1", 1), -EINVAL);
    expect_int(await_sqlite_exec(db, "", 1), -EINVAL);
    return 0;
}

LOOP_TEST(number_out_of_range_is_limited_when_read)
{
    expect_true(async_sqlite_value_int64(ASYNC_SQLITE_VALUE(1e300)) == INT64_MAX);
    expect_true(async_sqlite_value_int64(ASYNC_SQLITE_VALUE(-1e300)) == INT64_MIN);
    expect_ok(async_sqlite_value_int64(ASYNC_SQLITE_VALUE((double)NAN)));
    return 0;
}

SUITE("sqlite-values", integers_are_read_as_bound, doubles_are_read_as_bound,
      texts_and_blobs_are_read_as_bound, empty_values_differ_from_null,
      sixteen_values_of_different_c_types_are_bound, numbered_and_named_parameters_can_be_repeated,
      long_double_is_bound_as_double, value_that_cannot_be_bound_is_refused,
      wrong_number_of_values_is_refused, number_out_of_range_is_limited_when_read)
