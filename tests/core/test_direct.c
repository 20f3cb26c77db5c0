/* SPDX-License-Identifier: MIT */
/* Tasks that are nothing but a call on a thread: what can be seen of them is what is seen of a task that awaits it. */
#include "held.h"

#include <sys/resource.h>

static atomic_int ran;

ASYNC_THREAD(runs, (int)result)
{
    ran++;
    return result;
}

ASYNC_THREAD(fails, (const char *)why)
{
    return async_fail(-EPROTO, "%s on a thread", why);
}

struct large {
    char text[60];
};

/* Its arguments leave no room for more. */
ASYNC_THREAD(measures, (struct large)l)
{
    return (int)strlen(l.text);
}

/* --- results --- */

CASE(a_task_of_it_has_its_result)
{
    int n[3];
    await_task_auto t = async_create_task(runs(21), .name = "called");
    is_text(async_task_name(t), "called");
    is(async_task_result(t), -EINPROGRESS);
    is(await_task(t), 21);
    is(async_task_result(t), 21);
    ok(await_gather(n, runs(1), measures((struct large){ "four" }), runs(3)));
    is(n[0], 1);
    is(n[1], 4);
    is(n[2], 3);
    is(await_co(runs(5)), 5);
    is(await_race(n, runs(6)), 0);
    is(n[0], 6);
    is(await_wait_for(runs(7), 60), 7);
    return 0;
}

static int done_with;

static void is_done(async_task *t, void *arg)
{
    (void)arg;
    done_with = async_task_result(t);
}

CASE(its_end_is_heard_of)
{
    async_task *two[2];
    await_task_auto a = two[0] = async_create_task(held(1));
    await_task_auto b = two[1] = async_create_task(runs(2));
    ok(async_task_add_done_callback(b, is_done, NULL));
    is(await_wait(two, 2, ASYNC_FIRST_COMPLETED, 60), 1);
    is_true(two[0] == b);
    ok(await_sleep(0));
    is(done_with, 2);
    is_false(async_task_done(a));
    open_door(true);
    is(await_wait(two, 2, ASYNC_ALL_COMPLETED, 60), 2);
    return 0;
}

CASE(a_crowd_of_them_needs_no_memory_for_stacks)
{
    int r;
    unsigned n = (unsigned)at_most(20000);
    struct rusage before, after;
    await_task_auto full = async_create_task(fills_the_pool());
    ok(await_until_inside((int)most_threads()));
    getrusage(RUSAGE_SELF, &before);
    await_group (r, g) {
        for (unsigned i = 0; i < n; i++)
            ok(async_spawn(g, runs(0)));
        for (struct async_pool_stats s = { 0 }; s.queued < n;) {
            ok(await_sleep(0));
            ok(async_pool_stats(ASYNC_POOL_THREADS, &s));
        }
        getrusage(RUSAGE_SELF, &after);
        open_door(true);
    }
    is(ran, n);
    ok(await_task(full));
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    is_true(after.ru_maxrss - before.ru_maxrss < (long)n + 8192); /* KiB: a stack would have four */
#endif
    return r;
}

/* --- order --- */

ASYNC_DEF(says, (int)n)
{
    note("%d", n);
    return 0;
}

static bool argument;

ASYNC_THREAD(sees_argument)
{
    return argument;
}

CASE(it_begins_when_its_task_would)
{
    await_task_auto before = async_create_task(says(1));
    await_task_auto t = async_create_task(sees_argument());
    await_task_auto after = async_create_task(says(2));
    usleep(2000);
    argument = true; /* nothing runs before we let others run */
    is(await_task(t), 1);
    is_trail("1 2");
    ok(await_task(after));
    return await_task(before);
}

ASYNC_DEF(several)
{
    int n[4];
    ok(await_gather(n, runs(1), runs(2), says(0), runs(3)));
    is(n[0] + n[1] + n[3], 6);
    return 0;
}

START_TEST(loops_of_all_kinds)
{
    for (uint64_t seed = 1; seed < 20; seed++)
        RUN(several(), .seed = seed);
    RUN(several(), .debug = true);
    is(run_heard(several(), NULL), 0);
}
END_TEST

/* --- errors --- */

CASE(what_it_failed_of_is_told)
{
    int r;
    is(await_gather(NULL, runs(1), fails("it broke")), -EPROTO);
    is_text(async_fail_text(-EPROTO), "it broke on a thread");
    await_task_auto t = async_create_task(fails("this too"));
    is(await_task(t), -EPROTO);
    is_text(async_fail_text(-EPROTO), "this too on a thread");
    await_group (r, g) {
        async_spawn(g, fails("a child"));
    }
    is(r, -EPROTO);
    const async_error *e = async_group_errors(g);
    is_text(e->task, "fails-5");
    is_text(e->text, "a child on a thread");
    is_true(e->site != NULL && e->created != NULL);
    return 0;
}

/* --- cancelled --- */

CASE(cancelled_before_its_turn_it_never_begins)
{
    int r;
    await_task_auto t = async_create_task(runs(1));
    is_true(async_task_cancel(t));
    is(await_task(t), -ECANCELED);
    is_true(async_task_cancelled(t));
    await_group (r, g) {
        async_spawn(g, runs(1));
        async_group_cancel(g);
    }
    ok(r);
    is(ran, 0);
    return 0;
}

ASYNC_DEF(is_late)
{
    int r;
    await_timeout (r, 0.001) {
        await_group (r, g) {
            async_spawn(g, runs(1));
            usleep(5000);
        }
    }
    is(r, -ETIMEDOUT);
    return 0;
}

START_TEST(after_its_limit_it_never_begins)
{
    is(run_heard(is_late(), NULL), 0);
    is(ran, 0);
}
END_TEST

ASYNC_DEF(fails_at_once)
{
    return -EIO;
}

CASE(cancelled_in_the_line_it_never_begins)
{
    int r;
    await_task_auto full = async_create_task(fills_the_pool());
    ok(await_until_inside((int)most_threads()));
    await_task_auto t = async_create_task(runs(1));
    ok(await_sleep(0));
    is_true(async_task_cancel(t));
    is(await_task(t), -ECANCELED);
    await_timeout (r, 1) {
        int n[2];
        r = await_gather(n, runs(1), runs(2));
    }
    is(r, -ETIMEDOUT);
    is(await_gather(NULL, runs(1), runs(2), says(3), fails_at_once()), -EIO);
    int which;
    is(await_race(&which, says(4), runs(1)), 0);
    is(ran, 0);
    open_door(true);
    return await_task(full);
}

ASYNC_DEF(opens_in_a_second)
{
    ok(await_sleep(1));
    open_door(true);
    return 0;
}

CASE(cancelled_after_it_has_begun_its_result_counts)
{
    int r;
    await_task_auto t = async_create_task(held(5));
    await_task_auto dropped = async_create_task(opens_in_a_second());
    ok(await_until_inside(1));
    is_true(async_task_cancel(t));
    ok(await_sleep(0));
    is_true(async_task_cancel(t));
    is(await_task(t), 5);
    open_door(false);
    inside = 0;
    await_task_auto again = async_create_task(opens_in_a_second());
    await_timeout (r, 0.5) {
        int n;
        r = await_gather(&n, held(6));
    }
    is(r, -ETIMEDOUT);
    is(left_room, 2);
    ok(await_task(again));
    return await_task(dropped);
}

CASE(a_shield_keeps_it)
{
    int r, n = 0;
    await_timeout (r, 0.1) {
        await_task_auto opens = async_create_task(opens_in_a_second());
        await_shield (r)
            r = await_gather(&n, held(7));
    }
    is(n, 7);
    return 0;
}

/* --- looked at --- */

CASE(it_is_in_the_tree)
{
    await_task_auto t = async_create_task(held(0));
    async_print_tasks();
    has_text(heard(), "held-2: has not started; created in ");
    ok(await_until_inside(1));
    async_task_cancel(t);
    ok(await_sleep(0));
    async_print_tasks();
    has_text(heard(), "held-2: waits for \"held\" on a thread; it was cancelled; created in ");
    async_task *all[4];
    is(async_all_tasks(all, 4), 2);
    open_door(true);
    return await_task(t);
}

/* --- the end of the loop --- */

ASYNC_DEF(leaves_some)
{
    for (int i = 0; i < 100; i++)
        ok(async_spawn(async_background(), runs(i)));
    async_task *lost = async_create_task(runs(1));
    (void)lost;
    return 0;
}

START_TEST(main_returns_before_they_begin)
{
    RUN(leaves_some());
    is(ran, 0);
}
END_TEST

ASYNC_DEF(leaves_a_failure)
{
    ok(async_spawn(async_background(), fails("in the background")));
    async_task *lost = async_create_task(fails("lost"));
    while (!async_task_done(lost))
        ok(await_sleep(0.001));
    return 0;
}

START_TEST(a_failure_that_nobody_awaits_is_said)
{
    ears_open();
    ok(async_run(leaves_a_failure()));
    const char *said = heard();
    ears_close();
    has_text(said, "fails-2: Protocol error: in the background on a thread");
    has_text(said, "lost on a thread");
}
END_TEST

ASYNC_DEF(returns_at_some_moment, (unsigned)seed)
{
    for (unsigned i = 0; i < 50; i++)
        ok(async_spawn(async_background(), i % 3 ? runs(1) : fails(NULL)));
    for (unsigned i = 0; i < seed % 7; i++)
        ok(await_sleep(seed % 2 ? 0 : 1e-6 * seed));
    return 0;
}

START_TEST(shutdown_at_any_moment)
{
    ears_open();
    for (unsigned i = 0; i < 400; i++) {
        ok(async_run(returns_at_some_moment(i)));
        ok(async_set_allocator(NULL));
        heard();
    }
    ears_close();
}
END_TEST

SUITE("direct", a_task_of_it_has_its_result, its_end_is_heard_of,
      a_crowd_of_them_needs_no_memory_for_stacks, it_begins_when_its_task_would, loops_of_all_kinds,
      what_it_failed_of_is_told, cancelled_before_its_turn_it_never_begins,
      after_its_limit_it_never_begins, cancelled_in_the_line_it_never_begins,
      cancelled_after_it_has_begun_its_result_counts, a_shield_keeps_it, it_is_in_the_tree,
      main_returns_before_they_begin, a_failure_that_nobody_awaits_is_said, shutdown_at_any_moment)
