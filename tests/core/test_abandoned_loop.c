/* SPDX-License-Identifier: MIT */
/* Tests of the objects that an abandoned loop leaves behind, with tasks in their queues, and of
 * their use in the next loop. */
#include "net.h"

#include <asyncio/testing.h>

typedef async_queue_of(int, 1) int_queue;

static struct {
    async_lock lock, held;
    async_condition condition;
    async_event event;
    async_semaphore semaphore;
    async_future future;
    async_barrier barrier;
    int_queue empty, full;
} left = { .condition = ASYNC_CONDITION(&left.lock),
           .barrier = ASYNC_BARRIER(2),
           .empty = ASYNC_QUEUE(left.empty),
           .full = ASYNC_QUEUE(left.full) };

enum { LINES = 9 };

ASYNC_DEF(stays_in_line, (int)which)
{
    int r = 0, item;
    await_shield (r) {
        switch (which) {
        case 0:
            r = await_event_wait(&left.event);
            break;
        case 1:
            r = await_semaphore_acquire(&left.semaphore);
            break;
        case 2:
            r = await_future(&left.future);
            break;
        case 3:
            r = await_barrier_wait(&left.barrier);
            break;
        case 4:
            r = await_queue_get(&left.empty, &item);
            break;
        case 5:
            while (r == 0)
                r = await_queue_put(&left.full, 5);
            break;
        case 6:
            r = await_queue_join(&left.full);
            break;
        case 7:
            r = await_lock_acquire(&left.lock);
            r = r < 0 ? r : await_condition_wait(&left.condition);
            break;
        default:
            r = await_lock_acquire(&left.held);
            r = r < 0 ? r : await_event_wait(&left.event);
        }
    }
    return r;
}

ASYNC_DEF(leaves_lines)
{
    for (int i = 0; i < LINES; i++)
        async_spawn(async_background(), stays_in_line(i));
    return await_sleep(0);
}

ASYNC_DEF(stands_alone, (int)which)
{
    int item;
    switch (which) {
    case 0:
        return await_event_wait(&left.event);
    case 1:
        return await_semaphore_acquire(&left.semaphore);
    case 2:
        return await_future(&left.future);
    case 3:
        return await_barrier_wait(&left.barrier);
    case 4:
        return await_queue_get(&left.empty, &item);
    case 5:
        return await_queue_put(&left.full, 6);
    case 6:
        return await_queue_join(&left.full);
    default:
        ASYNC_TRY(await_lock_acquire(&left.lock));
        ASYNC_TRY(await_condition_wait(&left.condition));
        return async_lock_release(&left.lock);
    }
}

/* Each object is set or filled once. The tasks of the new loop must receive it, not those that the
 * abandoned loop left in the queue. */
ASYNC_DEF(takes_lines_over)
{
    int r, item;
    await_group (r, g) {
        for (int i = 0; i < LINES - 1; i++)
            async_spawn(g, stands_alone(i));
        ASYNC_TRY(await_sleep(1));
        async_event_set(&left.event);
        expect_ok(async_semaphore_release(&left.semaphore));
        expect_ok(async_future_set_result(&left.future, 0));
        expect_int(async_barrier_waiting(&left.barrier), 1);
        expect_int(await_barrier_wait(&left.barrier), 1);
        expect_ok(await_queue_put(&left.empty, 4));
        while (!async_queue_empty(&left.full)) {
            expect_ok(await_queue_get(&left.full, &item));
            expect_ok(async_queue_task_done(&left.full));
            ASYNC_TRY(await_sleep(0)); /* so that the putter with a free slot puts the next item */
        }
        expect_ok(await_lock_acquire(&left.lock));
        expect_ok(async_condition_notify(&left.condition, 1));
        expect_ok(async_lock_release(&left.lock));
        expect_int(await_lock_acquire(&left.held), -EOWNERDEAD);
        expect_contains(async_fail_text(-EOWNERDEAD),
                        "a loop that is closed has left the lock held");
    }
    return r;
}

TEST(waiters_of_abandoned_loop_receive_nothing_in_next_loop)
{
    capture_stderr_begin();
    expect_int(async_run(leaves_lines(), .virtual_clock = true, .shutdown_timeout = 1), -ETIME);
    expect_contains(captured_stderr(), "abandoned");
    expect_ok(async_run(takes_lines_over(), .virtual_clock = true));
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

TEST(thread_without_loop_wakes_no_waiter_of_abandoned_loop)
{
    capture_stderr_begin();
    expect_int(async_run(leaves_lines(), .virtual_clock = true, .shutdown_timeout = 1), -ETIME);
    async_event_set(&left.event);
    expect_ok(async_semaphore_release(&left.semaphore));
    expect_ok(async_future_set_result(&left.future, 0));
    expect_ok(async_queue_put_nowait(&left.empty, 4));
    expect_ok(async_run(stands_alone(1)));
    expect_ok(async_run(stands_alone(4)));
    capture_stderr_end();
}

/* --- what else the loop has --- */

static async_event never;
static async_callback armed;
static int called;

static void counts(void *arg)
{
    (void)arg;
    called++;
}

ASYNC_DEF(sleeps_in_a_shield)
{
    int r;
    await_shield (r)
        r = await_sleep(1000);
    return r;
}

/* A task that sleeps, a callback that is armed, and the handle of a task that has ended. */
ASYNC_DEF(leaves_timers)
{
    async_spawn(async_background(), sleeps_in_a_shield());
    async_call_later(&armed, 500, counts, NULL);
    expect_not_null(async_create_task(async_sleep(0)));
    return await_sleep(1);
}

TEST(callback_armed_in_abandoned_loop_belongs_to_its_owner_again)
{
    capture_stderr_begin();
    expect_int(async_run(leaves_timers(), .virtual_clock = true, .shutdown_timeout = 1), -ETIME);
    expect_contains(captured_stderr(), "abandoned");
    expect_false(async_callback_cancel(&armed));
    expect_text(captured_stderr(), "");
    expect_ok(called);
    capture_stderr_end();
}

static int listener, port;

ASYNC_DEF(reads_in_a_shield, (async_stream *)s)
{
    int r;
    char c;
    await_shield (r)
        r = (int)await_stream_read(s, &c, 1);
    return r;
}

ASYNC_DEF(leaves_a_connection)
{
    static async_stream *s, *a, *b; /* static, so that leak checkers find them */
    ASYNC_TRY(await_open_connection("127.0.0.1", text_of(port), &s));
    ASYNC_TRY(async_stream_pair(&a, &b, 16));
    async_spawn(async_background(), reads_in_a_shield(s));
    async_spawn(async_background(), reads_in_a_shield(a));
    return await_sleep(0.01);
}

/* The peer learns of the end. No leak is reported: the streams belong to the tasks. */
TEST(abandoned_loop_closes_its_connections)
{
    char c;
    listener = plain_listen(&port, 1);
    capture_stderr_begin();
    expect_int(async_run(leaves_a_connection(), .shutdown_timeout = 0.01), -ETIME);
    expect_lacks(captured_stderr(), "the loop closes with");
    capture_stderr_end();
    int peer = accept(listener, NULL, NULL);
    expect_at_least(peer, 0);
    expect_int(recv(peer, &c, 1, 0), 0);
    close(peer);
    close(listener);
}

ASYNC_GEN(int, waits_for_ever, (int)n)
{
    int r;
    await_shield (r)
        r = await_event_wait(&never);
    return r < 0 ? r : await_yield(n);
}

static waits_for_ever_gen_ generator;

ASYNC_DEF(iterates_in_a_shield)
{
    int r, item;
    await_shield (r)
        r = await_gen_next(&generator.gen, &item, sizeof item);
    return r;
}

ASYNC_DEF(leaves_a_generator)
{
    generator = waits_for_ever(1);
    async_spawn(async_background(), iterates_in_a_shield());
    return await_sleep(1);
}

/* Its consumer will never run again, so the drop must not wait for it. */
TEST(generator_of_abandoned_loop_can_be_dropped)
{
    capture_stderr_begin();
    expect_int(async_run(leaves_a_generator(), .virtual_clock = true, .shutdown_timeout = 1),
               -ETIME);
    captured_stderr();
    await_gen_drop(&generator.gen);
    expect_contains(captured_stderr(), "is dropped where the task cannot be awaited");
    capture_stderr_end();
}

SUITE("core-abandoned_loop", waiters_of_abandoned_loop_receive_nothing_in_next_loop,
      thread_without_loop_wakes_no_waiter_of_abandoned_loop,
      callback_armed_in_abandoned_loop_belongs_to_its_owner_again,
      abandoned_loop_closes_its_connections, generator_of_abandoned_loop_can_be_dropped)
