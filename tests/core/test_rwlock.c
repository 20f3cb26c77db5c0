/* SPDX-License-Identifier: MIT */
/* Tests of read-write locks: readers together, writers alone, all in the order in which they came. */
#include "run.h"

static async_rwlock lock;

ASYNC_DEF(reads, (const char *)name, (double)seconds)
{
    int r = await_rwlock_acquire_read(&lock);
    if (r < 0) {
        note("%s:%s", name, shown(r));
        return r;
    }
    note("%s+", name);
    r = await_sleep(seconds);
    note("%s-", name);
    ok(async_rwlock_release_read(&lock));
    return r;
}

ASYNC_DEF(writes, (const char *)name, (double)seconds)
{
    int r = await_rwlock_acquire_write(&lock);
    if (r < 0) {
        note("%s:%s", name, shown(r));
        return r;
    }
    note("%s+", name);
    r = await_sleep(seconds);
    note("%s-", name);
    ok(async_rwlock_release_write(&lock));
    return r;
}

static void is_free(void)
{
    is(lock.readers, 0);
    is_true(!lock.lock.owner && !lock.lock.waiters.head);
}

CASE(readers_hold_it_together)
{
    ok(await_gather(NULL, reads("a", 1), reads("b", 2), reads("c", 1)));
    is_trail("a+ b+ c+ a- c- b-");
    is_time(2);
    is_free();
    return 0;
}

CASE(writers_hold_it_alone_in_the_order_in_which_they_came)
{
    ok(await_gather(NULL, writes("a", 1), writes("b", 1), reads("c", 1), writes("d", 1)));
    is_trail("a+ a- b+ b- c+ c- d+ d-");
    is_time(4);
    is_free();
    return 0;
}

CASE(reader_that_comes_while_a_writer_waits_waits_behind_it)
{
    ok(await_gather(NULL, reads("a", 2), writes("w", 1), reads("b", 1), reads("c", 1)));
    is_trail("a+ a- w+ w- b+ c+ b- c-");
    is_free();
    return 0;
}

ASYNC_DEF(keeps_reading, (const bool *)stop)
{
    while (!*stop)
        ASYNC_TRY(await_reads("r", 1));
    return 0;
}

CASE(readers_that_keep_coming_do_not_starve_a_writer)
{
    bool stop = false;
    int r;
    await_group (r, g) {
        async_spawn(g, keeps_reading(&stop));
        ok(await_sleep(0.5));
        async_spawn(g, keeps_reading(&stop)); /* one of them holds it at any time */
        ok(await_sleep(1));
        ok(await_wait_for(writes("w", 0), 5));
        stop = true;
    }
    has_text(trail, "w+");
    return r;
}

CASE(cancelled_writer_lets_the_readers_behind_it_in)
{
    await_task_auto a = async_create_task(reads("a", 10));
    await_task_auto w = async_create_task(writes("w", 1));
    await_task_auto b = async_create_task(reads("b", 1));
    ok(await_sleep(1));
    is_true(async_task_cancel(w));
    ok(await_task(b));
    is_time(2);
    is_trail("a+ w:-ECANCELED b+ b-");
    ok(await_task(a));
    is_free();
    return 0;
}

/* In these two a task is given the lock, and is cancelled before it runs. */
CASE(reader_cancelled_after_it_was_chosen_passes_the_lock_on)
{
    ok(await_rwlock_acquire_write(&lock));
    await_task_auto a = async_create_task(reads("a", 1));
    await_task_auto w = async_create_task(writes("w", 1));
    ok(await_sleep(0));
    ok(async_rwlock_release_write(&lock));
    is(lock.readers, 1);
    is_true(async_task_cancel(a));
    ok(await_task(w));
    is_trail("a:-ECANCELED w+ w-");
    is_free();
    return 0;
}

CASE(writer_cancelled_after_it_was_chosen_passes_the_lock_on)
{
    ok(await_rwlock_acquire_read(&lock));
    await_task_auto w = async_create_task(writes("w", 1));
    await_task_auto a = async_create_task(reads("a", 1));
    ok(await_sleep(0));
    ok(async_rwlock_release_read(&lock));
    is_true(lock.lock.owner == w);
    is_true(async_task_cancel(w));
    ok(await_task(a));
    is_trail("w:-ECANCELED a+ a-");
    is_free();
    return 0;
}

CASE(acquiring_it_while_writing_is_a_deadlock)
{
    ok(await_rwlock_acquire_write(&lock));
    is(await_rwlock_acquire_write(&lock), -EDEADLK);
    is(await_rwlock_acquire_read(&lock), -EDEADLK);
    return async_rwlock_release_write(&lock);
}

CASE(releasing_what_is_not_held_is_refused_with_a_message)
{
    is(async_rwlock_release_read(&lock), -EPERM);
    has_text(heard(), "async_rwlock_release_read() of a lock that no task holds for reading");
    is(async_rwlock_release_write(&lock), -EPERM);
    has_text(heard(), "async_rwlock_release_write() and does not hold the lock for writing");
    is_free();
    return 0;
}

ASYNC_DEF(ends_without_releasing)
{
    return await_rwlock_acquire_write(&lock);
}

CASE(writer_that_ends_without_releasing_it_fails_all_that_wait)
{
    await_task_auto w = async_create_task(ends_without_releasing());
    await_task_auto a = async_create_task(reads("a", 1));
    await_task_auto b = async_create_task(writes("b", 1));
    ok(await_task(w));
    is(await_task(a), -EOWNERDEAD);
    is(await_task(b), -EOWNERDEAD);
    is(await_rwlock_acquire_read(&lock), -EOWNERDEAD);
    has_text(async_fail_text(-EOWNERDEAD), "ends_without_releasing-2");
    return 0;
}

CASE(context_managers_release_it)
{
    int r;
    await_with (r, async_rwlock_reader(&lock)) is(lock.readers, 1);
    ok(r);
    await_with (r, async_rwlock_writer(&lock)) is_true(lock.lock.owner != NULL);
    ok(r);
    is_free();
    return 0;
}

CASE(report_of_tasks_names_the_lock)
{
    await_task_auto a = async_create_task(reads("a", 1));
    await_task_auto w = async_create_task(writes("w", 1));
    ok(await_sleep(0));
    async_print_tasks();
    has_text(heard(), "writes-3: waits for read-write lock ");
    ok(await_task(a));
    return await_task(w);
}

SUITE("core-rwlock", readers_hold_it_together, writers_hold_it_alone_in_the_order_in_which_they_came,
      reader_that_comes_while_a_writer_waits_waits_behind_it,
      readers_that_keep_coming_do_not_starve_a_writer,
      cancelled_writer_lets_the_readers_behind_it_in,
      reader_cancelled_after_it_was_chosen_passes_the_lock_on,
      writer_cancelled_after_it_was_chosen_passes_the_lock_on,
      acquiring_it_while_writing_is_a_deadlock,
      releasing_what_is_not_held_is_refused_with_a_message,
      writer_that_ends_without_releasing_it_fails_all_that_wait, context_managers_release_it,
      report_of_tasks_names_the_lock)
