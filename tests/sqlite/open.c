/* SPDX-License-Identifier: MIT */
/* open.c - open connections: options, files that cannot be used, the context manager, and
 * connections that outlive their loop. */
#include "sqlite_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

/* --- options --- */

LOOP_TEST(missing_file_is_enoent_with_its_path)
{
    await_sqlite_auto db = NULL;
    expect_int(await_sqlite_open(new_file(), &db, .must_exist = true), -ENOENT);
    expect_contains(async_fail_text(-ENOENT), "unable to open database file: /");
    expect_contains(async_fail_text(-ENOENT), strrchr(file, '/'));
    expect_int(await_sqlite_open(file, &db, .readonly = true), -ENOENT);
    expect_true(!db);
    return 0;
}

LOOP_TEST(mistake_in_init_is_einval_and_closes_connection)
{
    await_sqlite_auto db = NULL;
    expect_int(await_sqlite_open(NULL, &db, .init = "create tabel t (x)"), -EINVAL);
    expect_contains(async_fail_text(-EINVAL), "near \"tabel\": syntax error");
    expect_true(!db);
    return 0;
}

LOOP_TEST(wal_and_foreign_keys_take_effect)
{
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(new_file(), &db, .wal = true, .foreign_keys = true));
    expect_number(db, "select journal_mode = 'wal' from pragma_journal_mode", 1);
    expect_number(db, "select foreign_keys from pragma_foreign_keys", 1);
    return 0;
}

LOOP_TEST(readonly_connection_cannot_write)
{
    int r;
    await_sqlite_auto db = NULL, reader = NULL;
    expect_ok(await_sqlite_open(new_file(), &db, .init = "create table t (x)"));
    expect_ok(await_sqlite_open(file, &reader, .readonly = true));
    expect_int(await_sqlite_exec(reader, "insert into t values (1)"), -EROFS);
    await_with (r, async_sqlite_transaction(reader))
        expect_number(reader, "select count(*) from t", 0);
    return r;
}

/* --- files that cannot be used --- */

LOOP_TEST(file_that_is_not_a_database_is_ebadmsg)
{
    await_sqlite_auto db = NULL;
    int fd = open(new_file(), O_CREAT | O_WRONLY, 0600);
    for (int i = 0; i < 1000; i++)
        expect_int(write(fd, "this is no database", 20), 20);
    close(fd);
    expect_int(await_sqlite_open(file, &db, .wal = true), -EBADMSG);
    expect_ok(await_sqlite_open(file, &db));
    expect_int(await_sqlite_exec(db, "select * from t"), -EBADMSG);
    expect_text(async_fail_text(-EBADMSG), "file is not a database");
    return 0;
}

/* Rows from undamaged pages come first. */
LOOP_TEST(damaged_file_ends_query_with_ebadmsg)
{
    int r, n = 0;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(new_file(), &db, .init = "create table t (x)"));
    expect_int(await_sqlite_exec(db, FOR_EVER
                                 "insert into t select printf('%0500d', i) from n limit 5000"),
               5000);
    expect_ok(await_sqlite_close(&db));
    int fd = open(file, O_WRONLY);
    for (off_t page = 100; page < 200; page++)
        expect_int(pwrite(fd, "damaged damaged damaged", 24, page * 4096), 24);
    close(fd);
    expect_ok(await_sqlite_open(file, &db));
    await_for_each (r, row, async_sqlite_query(db, "select x from t"))
        n++;
    expect_int(r, -EBADMSG);
    expect_true(n > 0 && n < 5000);
    return 0;
}

LOOP_TEST(write_to_full_disk_fails_and_changes_nothing)
{
    static const char ten_pages[] = "pragma max_page_count = 10; create table t (x)";
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(new_file(), &db, .init = ten_pages));
    expect_int(await_sqlite_exec(db, "insert into t values (zeroblob(100000))"), -ENOSPC);
    expect_text(async_fail_text(-ENOSPC), "database or disk is full");
    expect_int(await_sqlite_exec(db, "insert into t values (1)"), 1);
    expect_ok(await_sqlite_close(&db));
    signal(SIGXFSZ, SIG_IGN);
    expect_ok(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 65536, RLIM_INFINITY }));
    expect_ok(await_sqlite_open(file, &db));
    int r = await_sqlite_exec(db, "insert into t values (zeroblob(200000))");
    expect_int(r, -EIO);
    expect_contains(async_fail_text(r), "disk I/O error");
    expect_number(db, "select count(*) from t", 1);
    return 0;
}

LOOP_TEST(status_of_connection_that_failed_to_open_is_empty)
{
    async_sqlite *db = NULL;
    expect_int(await_sqlite_open("/nowhere/at/all", &db, .must_exist = true), -ENOENT);
    expect_ok(async_sqlite_error(db));
    expect_text(async_sqlite_error_text(db), "");
    expect_ok(async_sqlite_last_insert_id(db));
    expect_ok(async_sqlite_changes(db));
    return 0;
}

/* --- the context manager --- */

LOOP_TEST(context_manager_opens_and_closes)
{
    int r;
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_context_manager(&db, new_file(), .init = "create table t (x)"))
        expect_number(db, "select count(*) from t", 0);
    expect_ok(r);
    expect_true(!db);
    await_with (r, async_sqlite_context_manager(&db, "/nowhere/at/all", .must_exist = true))
        log_event("entered");
    expect_int(r, -ENOENT);
    expect_events("");
    return 0;
}

/* An idle connection does not keep a loop waiting: the deadlock is detected. */
ASYNC_DEF(wait_for_ever)
{
    async_event never = { 0 };
    await_sqlite_auto db = NULL;
    ASYNC_TRY(await_sqlite_open(NULL, &db));
    return await_event_wait(&never);
}

TEST(deadlock_is_detected_with_open_connection)
{
    capture_stderr_begin();
    int r = async_run(wait_for_ever());
    capture_stderr_end();
    expect_int(r, -EDEADLK);
}

/* --- in one loop after another --- */

static async_sqlite *kept;

ASYNC_DEF(open_kept)
{
    return await_sqlite_open(NULL, &kept, .init = "create table t (x)");
}

ASYNC_DEF(close_kept)
{
    expect_number(kept, "select count(*) from t", 0);
    return await_sqlite_close(&kept);
}

TEST(connection_is_usable_in_next_loop)
{
    expect_run_ok(open_kept());
    expect_run_ok(close_kept());
}

SUITE("sqlite-open", missing_file_is_enoent_with_its_path,
      mistake_in_init_is_einval_and_closes_connection, wal_and_foreign_keys_take_effect,
      readonly_connection_cannot_write, file_that_is_not_a_database_is_ebadmsg,
      damaged_file_ends_query_with_ebadmsg, write_to_full_disk_fails_and_changes_nothing,
      status_of_connection_that_failed_to_open_is_empty, context_manager_opens_and_closes,
      deadlock_is_detected_with_open_connection, connection_is_usable_in_next_loop)
