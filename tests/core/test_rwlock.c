/* SPDX-License-Identifier: MIT */
/* Tests of read-write locks: readers together, writers alone, all in order. */
#include "../frame/loop_test.h"

static async_rwlock lock;

ASYNC_DEF(reads, (const char *)name, (double)seconds)
{
    int r = await_rwlock_acquire_read(&lock);
    if (r < 0) {
        log_event("%s:%s", name, result_text(r));
        return r;
    }
    log_event("%s+", name);
    r = await_sleep(seconds);
    log_event("%s-", name);
    expect_ok(async_rwlock_release_read(&lock));
    return r;
}

ASYNC_DEF(writes, (const char *)name, (double)seconds)
{
    int r = await_rwlock_acquire_write(&lock);
    if (r < 0) {
        log_event("%s:%s", name, result_text(r));
        return r;
    }
    log_event("%s+", name);
    r = await_sleep(seconds);
    log_event("%s-", name);
    expect_ok(async_rwlock_release_write(&lock));
    return r;
}

static void expect_free(void)
{
    expect_ok(lock.readers);
    expect_true(!lock.lock.owner && !lock.lock.waiters.head);
}

LOOP_TEST(readers_hold_lock_together)
{
    expect_ok(await_gather(NULL, reads("a", 1), reads("b", 2), reads("c", 1)));
    expect_events("a+ b+ c+ a- c- b-");
    expect_time(2);
    expect_free();
    return 0;
}

LOOP_TEST(writers_hold_lock_alone_in_order)
{
    expect_ok(await_gather(NULL, writes("a", 1), writes("b", 1), reads("c", 1), writes("d", 1)));
    expect_events("a+ a- b+ b- c+ c- d+ d-");
    expect_time(4);
    expect_free();
    return 0;
}

LOOP_TEST(reader_waits_behind_waiting_writer)
{
    expect_ok(await_gather(NULL, reads("a", 2), writes("w", 1), reads("b", 1), reads("c", 1)));
    expect_events("a+ a- w+ w- b+ c+ b- c-");
    expect_free();
    return 0;
}

ASYNC_DEF(keeps_reading, (const bool *)stop)
{
    while (!*stop)
        ASYNC_TRY(await_reads("r", 1));
    return 0;
}

LOOP_TEST(endless_readers_do_not_starve_writer)
{
    bool stop = false;
    int r;
    await_group (r, g) {
        async_spawn(g, keeps_reading(&stop));
        expect_ok(await_sleep(0.5));
        async_spawn(g, keeps_reading(&stop)); /* one of them holds it at any time */
        expect_ok(await_sleep(1));
        expect_ok(await_wait_for(writes("w", 0), 5));
        stop = true;
    }
    expect_contains(event_log, "w+");
    return r;
}

LOOP_TEST(cancelled_writer_admits_readers_behind_it)
{
    await_task_auto a = async_create_task(reads("a", 10));
    await_task_auto w = async_create_task(writes("w", 1));
    await_task_auto b = async_create_task(reads("b", 1));
    expect_ok(await_sleep(1));
    expect_true(async_task_cancel(w));
    expect_ok(await_task(b));
    expect_time(2);
    expect_events("a+ w:-ECANCELED b+ b-");
    expect_ok(await_task(a));
    expect_free();
    return 0;
}

/* In this test and the next one, a task is given the lock and cancelled before it runs. */
LOOP_TEST(reader_cancelled_after_grant_passes_lock_on)
{
    expect_ok(await_rwlock_acquire_write(&lock));
    await_task_auto a = async_create_task(reads("a", 1));
    await_task_auto w = async_create_task(writes("w", 1));
    expect_ok(await_sleep(0));
    expect_ok(async_rwlock_release_write(&lock));
    expect_int(lock.readers, 1);
    expect_true(async_task_cancel(a));
    expect_ok(await_task(w));
    expect_events("a:-ECANCELED w+ w-");
    expect_free();
    return 0;
}

LOOP_TEST(writer_cancelled_after_grant_passes_lock_on)
{
    expect_ok(await_rwlock_acquire_read(&lock));
    await_task_auto w = async_create_task(writes("w", 1));
    await_task_auto a = async_create_task(reads("a", 1));
    expect_ok(await_sleep(0));
    expect_ok(async_rwlock_release_read(&lock));
    expect_true(lock.lock.owner == w);
    expect_true(async_task_cancel(w));
    expect_ok(await_task(a));
    expect_events("w:-ECANCELED a+ a-");
    expect_free();
    return 0;
}

LOOP_TEST(acquiring_lock_while_writing_is_a_deadlock)
{
    expect_ok(await_rwlock_acquire_write(&lock));
    expect_int(await_rwlock_acquire_write(&lock), -EDEADLK);
    expect_int(await_rwlock_acquire_read(&lock), -EDEADLK);
    return async_rwlock_release_write(&lock);
}

LOOP_TEST(releasing_lock_not_held_is_refused_with_message)
{
    expect_int(async_rwlock_release_read(&lock), -EPERM);
    expect_contains(captured_stderr(),
                    "async_rwlock_release_read() of a lock that no task holds for reading");
    expect_int(async_rwlock_release_write(&lock), -EPERM);
    expect_contains(captured_stderr(),
                    "async_rwlock_release_write() and does not hold the lock for writing");
    expect_free();
    return 0;
}

ASYNC_DEF(ends_without_releasing)
{
    return await_rwlock_acquire_write(&lock);
}

LOOP_TEST(writer_that_ends_without_release_fails_all_waiters)
{
    await_task_auto w = async_create_task(ends_without_releasing());
    await_task_auto a = async_create_task(reads("a", 1));
    await_task_auto b = async_create_task(writes("b", 1));
    expect_ok(await_task(w));
    expect_int(await_task(a), -EOWNERDEAD);
    expect_int(await_task(b), -EOWNERDEAD);
    expect_int(await_rwlock_acquire_read(&lock), -EOWNERDEAD);
    expect_contains(async_fail_text(-EOWNERDEAD), "ends_without_releasing-2");
    return 0;
}

LOOP_TEST(context_managers_release_rwlock)
{
    int r;
    await_with (r, async_rwlock_reader(&lock))
        expect_int(lock.readers, 1);
    expect_ok(r);
    await_with (r, async_rwlock_writer(&lock))
        expect_true(lock.lock.owner != NULL);
    expect_ok(r);
    expect_free();
    return 0;
}

LOOP_TEST(task_report_names_rwlock)
{
    await_task_auto a = async_create_task(reads("a", 1));
    await_task_auto w = async_create_task(writes("w", 1));
    expect_ok(await_sleep(0));
    async_print_tasks();
    expect_contains(captured_stderr(), "writes-3: waits for read-write lock ");
    expect_ok(await_task(a));
    return await_task(w);
}

ASYNC_DEF(ends_while_it_reads)
{
    return await_rwlock_acquire_read(&lock);
}

ASYNC_DEF(releases_what_a_closed_loop_held)
{
    expect_int(async_rwlock_release_read(&lock), -EPERM);
    expect_contains(captured_stderr(), "of a lock that no task holds for reading");
    expect_ok(await_rwlock_acquire_write(&lock));
    return async_rwlock_release_write(&lock);
}

TEST(read_lock_left_by_closed_loop_is_free_after_refused_release)
{
    expect_run_ok(ends_while_it_reads());
    expect_int(lock.readers, 1);
    expect_run_ok(releases_what_a_closed_loop_held());
    expect_free();
}

ASYNC_DEF(releases_what_a_closed_loop_held_for_writing)
{
    expect_int(async_rwlock_release_read(&lock), -EPERM);
    return await_rwlock_acquire_write(&lock);
}

TEST(write_lock_left_by_closed_loop_fails_after_refused_release)
{
    expect_run_ok(ends_without_releasing());
    capture_stderr_begin();
    expect_int(async_run(releases_what_a_closed_loop_held_for_writing(), .virtual_clock = true),
               -EOWNERDEAD);
    expect_contains(captured_stderr(), "of a lock that no task holds for reading");
    capture_stderr_end();
}

TEST(thread_without_loop_releases_no_read_lock_of_closed_loop)
{
    expect_run_ok(ends_while_it_reads());
    capture_stderr_begin();
    expect_int(async_rwlock_release_read(&lock), -EPERM);
    expect_contains(captured_stderr(), "of a lock that no task holds for reading");
    capture_stderr_end();
    expect_run_ok(writes("w", 0));
    expect_free();
}

SUITE("core-rwlock", readers_hold_lock_together, writers_hold_lock_alone_in_order,
      reader_waits_behind_waiting_writer, endless_readers_do_not_starve_writer,
      cancelled_writer_admits_readers_behind_it, reader_cancelled_after_grant_passes_lock_on,
      writer_cancelled_after_grant_passes_lock_on, acquiring_lock_while_writing_is_a_deadlock,
      releasing_lock_not_held_is_refused_with_message,
      writer_that_ends_without_release_fails_all_waiters, context_managers_release_rwlock,
      task_report_names_rwlock, read_lock_left_by_closed_loop_is_free_after_refused_release,
      write_lock_left_by_closed_loop_fails_after_refused_release,
      thread_without_loop_releases_no_read_lock_of_closed_loop)
