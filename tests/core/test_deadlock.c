/* SPDX-License-Identifier: MIT */
/* Tests of the deadlock report, and of tasks that do not end at shutdown. */
#include "../frame/loop_test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>

static async_lock lock_a, lock_b;
static async_event never;

/* Run co with stderr captured in capture.text. */
static int run_watched(async_co co, const struct async_run_opts *opts)
{
    capture_stderr_begin();
    int r = async_run_opt(co, opts);
    captured_stderr();
    capture_stderr_end();
    return r;
}

#define run_real(co) run_watched((co), NULL)
#define run_virtual(co, ...)                                                                       \
    run_watched((co), &(const struct async_run_opts){ .virtual_clock = true, ##__VA_ARGS__ })

ASYNC_DEF(takes_both, (async_lock *)first, (async_lock *)second)
{
    int r;
    await_with (r, first) {
        ASYNC_TRY(await_sleep(0.001));
        await_with (r, second)
            log_event("both");
    }
    return r;
}

ASYNC_DEF(crossed_locks)
{
    int r;
    await_group (r, g) {
        async_spawn(g, takes_both(&lock_a, &lock_b), .name = "ab");
        async_spawn(g, takes_both(&lock_b, &lock_a), .name = "ba");
    }
    log_event("main %s", result_text(r));
    return r;
}

static void expect_crossed_locks_report(int r)
{
    expect_int(r, -EDEADLK);
    expect_contains(capture.text, "deadlock: all tasks are waiting and nothing can wake them:\n"
                                  "    crossed_locks: waits for the 2 tasks of its group\n"
                                  "      ab: waits for lock ");
    expect_contains(capture.text, ", held by \"ba\"; created in await_crossed_locks, ");
    expect_contains(capture.text, "\n      ba: waits for lock ");
    expect_contains(capture.text, ", held by \"ab\"; created in ");
    expect_events("main -ECANCELED"); /* all tasks were cancelled, in order */
}

TEST(locks_taken_in_opposite_orders_are_reported_as_deadlock)
{
    expect_crossed_locks_report(run_virtual(crossed_locks()));
}

TEST(deadlock_is_reported_with_real_clock)
{
    expect_crossed_locks_report(run_real(crossed_locks()));
}

TEST(deadlock_is_reported_in_seeded_run)
{
    expect_crossed_locks_report(run_virtual(crossed_locks(), .seed = 7));
}

ASYNC_DEF(main_of_a_program)
{
    ASYNC_TRY(await_crossed_locks());
    return 0;
}

/* The error of main is the deadlock, not the cancellation that ended main. */
TEST(deadlock_is_the_error_of_the_program)
{
    capture_stderr_begin();
    expect_int(async_main(main_of_a_program()), EXIT_FAILURE);
    const char *output = captured_stderr();
    expect_contains(output, "deadlock: all tasks are waiting");
    expect_contains(output,
                    "main_of_a_program: Resource deadlock avoided\n    at await_main_of_a_program");
    capture_stderr_end();
}

typedef async_queue_of(int, 1) int_queue;

static async_semaphore none = ASYNC_SEMAPHORE(0);
static async_condition changed = ASYNC_CONDITION(&lock_a);
static async_future future;
static int_queue empty = ASYNC_QUEUE(empty), full = ASYNC_QUEUE(full);

ASYNC_DEF(waits_event)
{
    return await_event_wait(&never);
}

ASYNC_DEF(waits_semaphore)
{
    return await_semaphore_acquire(&none);
}

ASYNC_DEF(waits_condition)
{
    int r;
    await_with (r, &lock_a)
        r = await_condition_wait(&changed);
    return r;
}

ASYNC_DEF(waits_future)
{
    return await_future(&future);
}

ASYNC_DEF(waits_item)
{
    int item;
    return await_queue_get(&empty, &item);
}

ASYNC_DEF(waits_room)
{
    ASYNC_TRY(await_queue_put(&full, 1));
    return await_queue_put(&full, 2);
}

ASYNC_DEF(waits_done)
{
    return await_queue_join(&full);
}

ASYNC_DEF(waits_task, (async_task *)t)
{
    return await_task(t);
}

ASYNC_DEF(waits_tasks, (async_task *)a, (async_task *)b)
{
    async_task *both[] = { a, b };
    return await_wait(both, 2, ASYNC_ALL_COMPLETED, ASYNC_FOREVER);
}

static async_barrier meeting = ASYNC_BARRIER(2);

ASYNC_DEF(waits_others)
{
    return await_barrier_wait(&meeting);
}

ASYNC_DEF(sleeps_for_ever)
{
    return await_sleep(ASYNC_FOREVER);
}

ASYNC_DEF(waits_for_everything)
{
    int r;
    await_group (r, g) {
        async_task *t = async_group_create_task(g, waits_event());
        async_task *u = async_group_create_task(g, waits_semaphore());
        async_spawn(g, waits_condition());
        async_spawn(g, waits_future());
        async_spawn(g, waits_item());
        async_spawn(g, waits_room());
        async_spawn(g, waits_done());
        async_spawn(g, waits_task(t));
        async_spawn(g, waits_tasks(t, u));
        async_spawn(g, waits_others());
        async_spawn(g, sleeps_for_ever());
    }
    return r;
}

TEST(deadlock_report_names_every_kind_of_wait)
{
    static const char *const lines[] = {
        "\n    waits_for_everything: waits for the 11 tasks of its group\n",
        "\n      waits_event-2: waits for event ",
        "\n      waits_semaphore-3: waits for semaphore ",
        "\n      waits_condition-4: waits for condition ",
        "\n      waits_future-5: waits for future ",
        "\n      waits_item-6: waits for an item from queue ",
        "\n      waits_room-7: waits for room in queue ",
        "\n      waits_done-8: waits until all items are done of queue ",
        "\n      waits_task-9: waits for task \"waits_event-2\"; created in ",
        ("\n      waits_tasks-10: waits for tasks \"waits_event-2\", \"waits_semaphore-3\"; "
         "created in "),
        "\n      waits_others-11: waits for others at barrier ",
        "\n      sleeps_for_ever-12: sleeps for ever; created in ",
    };
    expect_int(run_virtual(waits_for_everything()), -EDEADLK);
    for (size_t i = 0; i < countof(lines); i++)
        expect_contains(capture.text, lines[i]);
    char address[32];
    snprintf(address, sizeof address, "event %p", (void *)&never);
    expect_contains(capture.text, address);
}

/* --- what is none --- */

static pthread_t thread;

static void sets(void *event)
{
    async_event_set(event);
}

static void *posts(void *loop)
{
    expect_ok(async_call_soon_threadsafe(loop, sets, &never));
    return NULL;
}

ASYNC_DEF(is_woken_by_a_thread)
{
    expect_ok(pthread_create(&thread, NULL, posts, async_get_running_loop()));
    ASYNC_TRY(await_event_wait(&never));
    expect_ok(pthread_join(thread, NULL));
    return 0;
}

TEST(wait_for_post_of_thread_is_no_deadlock)
{
    expect_ok(run_real(is_woken_by_a_thread()));
    expect_text(capture.text, "");
}

static void *writes(void *fds)
{
    expect_int(write(((int *)fds)[1], "x", 1), 1);
    return NULL;
}

ASYNC_DEF(is_woken_by_a_pipe)
{
    int fds[2];
    expect_ok(pipe2(fds, O_CLOEXEC));
    expect_ok(pthread_create(&thread, NULL, writes, fds));
    expect_int(await_fd_ready(fds[0], POLLIN), POLLIN);
    expect_ok(pthread_join(thread, NULL));
    close(fds[0]);
    close(fds[1]);
    return 0;
}

TEST(wait_for_descriptor_is_no_deadlock)
{
    expect_ok(run_real(is_woken_by_a_pipe()));
    expect_text(capture.text, "");
}

ASYNC_DEF(sleeps_until_interrupted)
{
    expect_int(await_sleep(ASYNC_FOREVER), -ECANCELED);
    return -ECANCELED;
}

static void *interrupts(void *arg)
{
    (void)arg;
    usleep(20000); /* a signal that came before the sleep would do as well */
    kill(getpid(), SIGINT);
    return NULL;
}

TEST(endless_sleep_that_ctrl_c_ends_is_no_deadlock)
{
    signal(SIGINT, SIG_DFL); /* the test runner has its own */
    capture_stderr_begin();
    expect_ok(pthread_create(&thread, NULL, interrupts, NULL));
    expect_int(async_main(sleeps_until_interrupted()), 130);
    expect_ok(pthread_join(thread, NULL));
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

/* --- tasks that will not end --- */

ASYNC_DEF(refuses)
{
    int r;
    await_shield (r)
        r = await_event_wait(&never);
    return r;
}

ASYNC_DEF(refuses_for, (double)seconds)
{
    int r;
    await_shield (r)
        r = await_sleep(seconds);
    log_event("ended");
    return r;
}

ASYNC_DEF(leaves_two_behind, (int)result)
{
    async_spawn(async_background(), refuses(), .name = "stubborn");
    async_spawn(async_background(), refuses_for(2));
    ASYNC_TRY(await_sleep(1));
    return result;
}

TEST(shutdown_timeout_names_tasks_that_do_not_end)
{
    expect_int(run_virtual(leaves_two_behind(5), .shutdown_timeout = 3), -ETIME);
    expect_contains(capture.text,
                    "tasks that have not ended 3 s after main has returned are abandoned:\n");
    expect_contains(capture.text, "\n    stubborn: waits for event ");
    expect_contains(capture.text, "; created in await_leaves_two_behind, ");
    expect_true(!strstr(capture.text, "refuses_for"));
    expect_events("ended");
    expect_ok(run_virtual(refuses_for(1))); /* the thread can run another loop */
}

TEST(shutdown_timeout_keeps_error_of_main)
{
    expect_int(run_virtual(leaves_two_behind(-EIO), .shutdown_timeout = 3), -EIO);
    expect_contains(capture.text, "stubborn");
}

TEST(shutdown_timeout_that_is_not_reached_reports_nothing)
{
    expect_ok(run_virtual(refuses_for(2), .shutdown_timeout = 1));
    expect_text(capture.text, "");
}

TEST(shutdown_without_timeout_reports_deadlock)
{
    expect_int(run_virtual(leaves_two_behind(5)), -EDEADLK);
    expect_contains(capture.text,
                    "deadlock: these tasks were cancelled, but nothing can wake them");
    expect_contains(capture.text, "\n    stubborn: waits for event ");
}

TEST(deadlock_behind_shield_abandons_tasks)
{
    expect_int(run_virtual(refuses()), -EDEADLK);
    expect_contains(capture.text, "they are abandoned:\n    refuses: waits for event ");
    expect_contains(capture.text, "; it was cancelled");
}

TEST(runner_runs_again_after_deadlock)
{
    capture_stderr_begin();
    async_runner *rn = async_runner_open(&(struct async_run_opts){ .virtual_clock = true });
    expect_int(async_runner_run(rn, waits_event()), -EDEADLK);
    expect_contains(captured_stderr(), "deadlock");
    expect_ok(async_runner_run(rn, refuses_for(1)));
    async_runner_close(rn);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

ASYNC_DEF(logs_its_wait)
{
    int r = await_event_wait(&never);
    log_event("%s", result_text(r));
    return r;
}

ASYNC_DEF(sets_never)
{
    async_event_set(&never);
    return await_sleep(1);
}

/* Its main task has a result to store in a run that is over. */
TEST(runner_that_has_abandoned_tasks_runs_nothing_else)
{
    capture_stderr_begin();
    async_runner *rn = async_runner_open(&(struct async_run_opts){ .virtual_clock = true });
    expect_int(async_runner_run(rn, refuses()), -EDEADLK);
    expect_contains(captured_stderr(), "they are abandoned");
    expect_int(async_runner_run(rn, sets_never()), -EDEADLK);
    expect_contains(
            captured_stderr(),
            "async_runner_run() of a runner that has abandoned tasks in a deadlock: close it");
    async_runner_close(rn);
    capture_stderr_end();
}

/* Check has installed a handler for SIGINT, so Ctrl-C does not count as an end of the run. */
TEST(deadlock_without_main_leaves_tasks_to_close_of_runner)
{
    capture_stderr_begin();
    async_runner *rn = async_runner_open(&(struct async_run_opts){ .virtual_clock = true });
    expect_ok(async_spawn(async_background(), logs_its_wait()));
    for (int i = 0; i < 2; i++) {
        expect_int(async_runner_run_forever(rn), -EDEADLK);
        const char *output = captured_stderr();
        expect_contains(output, "deadlock: all tasks are waiting and nothing can wake them");
        expect_lacks(output, "abandoned");
    }
    expect_events("");
    async_runner_close(rn);
    expect_events("-ECANCELED");
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

/* --- looking on --- */

LOOP_TEST(print_tasks_names_state_of_each_task)
{
    await_task_auto t = async_create_task(waits_event());
    await_task_auto fresh = NULL;
    expect_ok(await_sleep(1));
    fresh = async_create_task(waits_future());
    async_print_tasks();
    const char *output = captured_stderr();
    expect_contains(output, "print_tasks_names_state_of_each_task_case: runs\n");
    expect_contains(output, "    waits_event-2: waits for event ");
    expect_contains(output, "    waits_future-3: has not started; created in ");
    return 0;
}

SUITE("core-deadlock", locks_taken_in_opposite_orders_are_reported_as_deadlock,
      deadlock_is_reported_with_real_clock, deadlock_is_reported_in_seeded_run,
      deadlock_is_the_error_of_the_program, deadlock_report_names_every_kind_of_wait,
      wait_for_post_of_thread_is_no_deadlock, wait_for_descriptor_is_no_deadlock,
      endless_sleep_that_ctrl_c_ends_is_no_deadlock, shutdown_timeout_names_tasks_that_do_not_end,
      shutdown_timeout_keeps_error_of_main, shutdown_timeout_that_is_not_reached_reports_nothing,
      shutdown_without_timeout_reports_deadlock, deadlock_behind_shield_abandons_tasks,
      runner_runs_again_after_deadlock, runner_that_has_abandoned_tasks_runs_nothing_else,
      deadlock_without_main_leaves_tasks_to_close_of_runner, print_tasks_names_state_of_each_task)
