/* SPDX-License-Identifier: MIT */
/* Tests of error messages, error trees, and the locations of errors. */
#include "errors.h"

LOOP_TEST(async_fail_attaches_message_to_error_code)
{
    expect_text(async_fail_text(-EIO), "");
    expect_int(async_fail(-EIO, "%d %s", 3, "words"), -EIO);
    expect_text(async_fail_text(-EIO), "3 words");
    expect_text(async_fail_text(-EPROTO), "");
    /* the old text as an argument */
    expect_int(async_fail(-EIO, "again: %s", async_fail_text(-EIO)), -EIO);
    expect_text(async_fail_text(-EIO), "again: 3 words");
    expect_int(async_fail(-EDOM, "%0300d", 1), -EDOM);
    expect_int(strlen(async_fail_text(-EDOM)), 127);
    return 0;
}

TEST(async_fail_outside_of_task_keeps_latest_message)
{
    expect_int(async_fail(-EIO, "no task's"), -EIO);
    expect_text(async_fail_text(-EIO), "no task's");
    expect_int(async_fail(-EDOM, "the next"), -EDOM);
    expect_text(async_fail_text(-EIO), "");
}

ASYNC_DEF(fails_and_cleans_up, (int)error, (const char *)words)
{
    if (words)
        error = async_fail(error, "%s", words);
    async_spawn(async_background(), async_sleep(1)); /* the run goes on after main has failed */
    return error;
}

ASYNC_DEF(gathers_failures)
{
    ASYNC_TRY(await_gather(NULL, fails_and_cleans_up(0, NULL), broken("door")));
    return 0;
}

ASYNC_DEF(waits_for_nothing)
{
    return await_sleep(ASYNC_FOREVER);
}

ASYNC_DEF(leaves_one_behind_a_shield)
{
    int r;
    await_shield (r)
        r = await_sleep(ASYNC_FOREVER);
    return r;
}

ASYNC_DEF(will_not_wait_for_it)
{
    async_spawn(async_background(), leaves_one_behind_a_shield());
    return await_sleep(1);
}

static int runner_result(async_runner *rn, async_co co)
{
    int r = -1;
    expect_ok(async_runner_start(rn, co));
    while (async_runner_turn(rn, &r) == 0)
        ;
    return r;
}

/* In all ways to run. The next error does not have the message. */
TEST(run_returns_message_with_error)
{
    expect_int(async_run(fails_and_cleans_up(-EIO, "the disk"), .virtual_clock = true), -EIO);
    expect_text(async_fail_text(-EIO), "the disk");
    expect_text(async_fail_text(-EDOM), "");
    expect_int(async_run(fails_and_cleans_up(-EIO, NULL), .virtual_clock = true), -EIO);
    expect_text(async_fail_text(-EIO), "");
    expect_int(async_run(gathers_failures(), .virtual_clock = true), -EIO);
    expect_text(async_fail_text(-EIO), "door is broken");
    expect_ok(async_run(fails_and_cleans_up(0, NULL), .virtual_clock = true));
    async_runner *rn = async_runner_open(&(struct async_run_opts){ .virtual_clock = true });
    expect_int(async_runner_run(rn, fails_and_cleans_up(-EIO, "the first")), -EIO);
    expect_text(async_fail_text(-EIO), "the first");
    expect_int(runner_result(rn, fails_and_cleans_up(-EIO, "by turns")), -EIO);
    expect_text(async_fail_text(-EIO), "by turns");
    async_runner_close(rn);
    expect_text(async_fail_text(-EIO), "by turns");
}

TEST(run_that_could_not_end_returns_message)
{
    capture_stderr_begin();
    expect_int(async_run(waits_for_nothing(), .virtual_clock = true), -EDEADLK);
    expect_text(async_fail_text(-EDEADLK), "all tasks are waiting and nothing can wake them");
    expect_int(async_run(will_not_wait_for_it(), .virtual_clock = true, .shutdown_timeout = 1),
               -ETIME);
    expect_text(async_fail_text(-ETIME), "tasks that have not ended in time were abandoned");
    captured_stderr();
    capture_stderr_end();
}

LOOP_TEST(message_belongs_to_its_task)
{
    expect_int(async_fail(-EIO, "mine"), -EIO);
    expect_int(await_gather(NULL, broken("a")), -EIO);
    expect_text(async_fail_text(-EIO), "a is broken"); /* the latest that came here */
    expect_int(await_broken("b"), -EIO);
    expect_text(async_fail_text(-EIO), "b is broken");
    return 0;
}

/* --- messages of errors that were handled --- */

ASYNC_DEF(reads_its_cache)
{
    return async_fail(-EIO, "the cache is corrupt and will be built anew");
}

/* Fails with the same code for another reason, without a message. */
ASYNC_DEF(fails_later_for_another_reason)
{
    async_ignore(await_reads_its_cache());
    ASYNC_TRY(await_sleep(1));
    return -EIO;
}

LOOP_TEST(message_of_handled_error_is_not_attached_to_later_error)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails_later_for_another_reason());
    }
    expect_int(r, -EIO);
    expect_text(async_group_errors(g)->text, "");
    await_task_auto t = async_create_task(fails_later_for_another_reason());
    expect_int(await_task(t), -EIO);
    expect_text(async_fail_text(-EIO), "");
    return 0;
}

ASYNC_DEF(fails_and_cleans_up_in_a_shield)
{
    int r = await_reads_its_cache(), cleanup = 0;
    await_shield (cleanup)
        cleanup = await_sleep(1);
    return r;
}

LOOP_TEST(message_stays_with_error_while_shield_cleans_up)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails_and_cleans_up_in_a_shield());
    }
    expect_int(r, -EIO);
    expect_contains(async_group_errors(g)->text, "the cache is corrupt");
    return 0;
}

LOOP_TEST(error_tree_holds_error_of_each_child)
{
    int r;
    await_group (r, g) {
        async_spawn(g, family(), .name = "family");
    }
    expect_int(r, -EIO);
    async_for_each_error (e, g) {
        int depth = 0;
        for (const async_error *p = e->parent; p; p = p->parent)
            depth++;
        log_event("%d:%s:%s", depth, e->task, e->text);
    }
    expect_contains(event_log, "0:family: 1:child 1:door is broken");
    const async_error *top = async_group_errors(g);
    expect_true(async_error_find(top, -EIO) == top);
    expect_true(async_error_find(top->cause, -EIO) == top->cause);
    expect_true(async_error_find(top, -EPROTO) == NULL);
    expect_true(top->cause->parent == top);
    expect_text(captured_stderr(), "");
    async_error_print(top);
    const char *printed = captured_stderr();
    expect_contains(printed, "family: Input/output error");
    expect_contains(printed, "\n  child 1: Input/output error: door is broken");
    return 0;
}

LOOP_TEST(errors_of_siblings_are_listed_in_order_of_failure)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails_with(-EIO), .name = "a");
        /* it never starts, because the group is cancelled by then */
        async_spawn(g, fails_with(-EPROTO), .name = "b");
    }
    expect_int(r, -EIO);
    const async_error *e = async_group_errors(g);
    expect_text(e->task, "a");
    expect_true(async_error_next(e) == NULL);
    return 0;
}

LOOP_TEST(error_site_is_first_async_fail)
{
    int r;
    await_group (r, g) {
        async_spawn(g, second());
    }
    expect_int(r, -EIO);
    const async_error *e = async_group_errors(g);
    expect_true(e->site != NULL);
    expect_text(e->site->func, "await_broken");
    expect_contains(e->site->file, "errors.h");
    return 0;
}

/* The failed task's record becomes the cause. */
LOOP_TEST(task_that_awaits_failed_task_receives_its_message)
{
    await_task_auto t = async_create_task(broken("door"), .name = "opener");
    expect_int(await_task(t), -EIO);
    expect_text(async_fail_text(-EIO), "door is broken");
    await_task_auto u = async_create_task(broken("gate"));
    expect_ok(await_sleep(1));
    expect_int(await_task(u), -EIO); /* it had ended before */
    expect_text(async_fail_text(-EIO), "gate is broken");
    return 0;
}

ASYNC_DEF(fails_plainly)
{
    ASYNC_TRY(await_sleep(0));
    return -EIO;
}

LOOP_TEST(message_of_handled_error_is_not_attached_to_same_code)
{
    int r;
    expect_int(await_broken("door"), -EIO);
    expect_ok(await_sleep(1));
    await_group (r, g) {
        async_spawn(g, fails_plainly());
    }
    expect_int(r, -EIO);
    expect_text(async_group_errors(g)->text, "");
    return 0;
}

ASYNC_DEF(limited)
{
    int r;
    await_timeout (r, 1)
        ASYNC_TRY(await_sleep(5));
    return r;
}

LOOP_TEST(timeout_has_message_and_site)
{
    int r;
    await_group (r, g) {
        async_spawn(g, limited());
    }
    expect_int(r, -ETIMEDOUT);
    expect_contains(async_group_errors(g)->text, "the timeout set in await_limited");
    expect_text(async_group_errors(g)->site->func, "await_limited");
    return 0;
}

/* Nested groups. The tree holds each failure where it happened, and is walked and printed depth
 * first. */
ASYNC_DEF(fails_below, (int)depth)
{
    int r;
    if (depth == 0)
        return async_fail(-EPROTO, "the bottom");
    await_group (r, g) {
        async_spawn(g, fails_below(depth - 1), .name = "child");
        async_spawn(g, async_sleep(100));
    }
    return r < 0 ? async_fail(-EIO, "depth %d", depth) : 0;
}

/* The tree has each failure where it happened. */
LOOP_TEST(error_tree_of_nested_groups_is_walked_depth_first)
{
    int r, depth = 3;
    await_group (r, g)
        async_spawn(g, fails_below(depth), .name = "child");
    expect_int(r, -EIO);
    const async_error *last = NULL;
    async_for_each_error (e, g) {
        expect_true(e->parent == last && e->created != NULL && e->trace_depth > 0 &&
                    e->trace[0] == e->site);
        expect_int(e->code, depth ? -EIO : -EPROTO);
        expect_text(e->task, "child");
        last = e;
        depth--;
    }
    expect_int(depth, -1);
    expect_text(async_error_find(async_group_errors(g), -EPROTO)->text, "the bottom");
    expect_true(async_error_find(async_group_errors(g), -EPIPE) == NULL);
    async_error_print_traces(async_group_errors(g));
    const char *report = captured_stderr();
    expect_contains(report, "child: Input/output error: depth 3 (");
    expect_contains(report, "\n    at await_fails_below, ");
    expect_contains(report, "\n  child: Input/output error: depth 2 (");
    expect_contains(report, "\n      child: Protocol error: the bottom (");
    expect_contains(report, "\n          at await_fails_below, ");
    expect_contains(report, "\n          created in await_fails_below, ");
    return 0;
}
/* The bodies were interrupted in different places. */
LOOP_TEST(words_of_a_child)
{
    int r;
    await_group (r, g) {
        async_spawn(g, broken("a child"));
    }
    expect_int(r, -EIO);
    expect_text(async_fail_text(r), "a child is broken");
    await_group (r, h) {
        async_spawn(h, broken("another"));
        r = await_sleep(100); /* interrupted by the failure */
    }
    expect_int(r, -EIO);
    expect_text(async_fail_text(r), "another is broken");
    return 0;
}

static int tries_once(void)
{
    ASYNC_TRY(async_fail(-EIO, "no task's"));
    return 0;
}

static int tries_twice(void)
{
    ASYNC_TRY(tries_once());
    return 0;
}

TEST(try_outside_of_task_keeps_message)
{
    expect_int(tries_twice(), -EIO);
    expect_text(async_fail_text(-EIO), "no task's");
}

ASYNC_DEF(fails_when_cancelled)
{
    async_ignore(await_sleep(100));
    return async_fail(-EPROTO, "the second");
}

ASYNC_DEF(returns_second_error_of_its_group)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails_when_cancelled());
        async_spawn(g, broken("the first"));
    }
    expect_int(r, -EIO);
    return -EPROTO;
}

ASYNC_DEF(fails_in_the_body_of_its_group)
{
    int r;
    await_group (r, g)
        ASYNC_TRY(async_fail(-EIO, "the disk is full"));
    return r;
}

LOOP_TEST(error_of_a_body_is_not_printed_again_as_its_own_cause)
{
    int r;
    await_group (r, g)
        async_spawn(g, fails_in_the_body_of_its_group());
    expect_int(r, -EIO);
    async_error_print(async_group_errors(g));
    const char *first = strstr(captured_stderr(), "the disk is full");
    expect_not_null(first);
    expect_null(strstr(first + 1, "the disk is full"));
    return 0;
}

LOOP_TEST(message_is_that_of_cause_with_same_code)
{
    int r;
    await_group (r, g)
        async_spawn(g, returns_second_error_of_its_group());
    expect_int(r, -EPROTO);
    expect_text(async_fail_text(-EPROTO), "the second");
    return 0;
}

SUITE("core-error", error_of_a_body_is_not_printed_again_as_its_own_cause,
      message_of_handled_error_is_not_attached_to_later_error,
      message_stays_with_error_while_shield_cleans_up, words_of_a_child,
      async_fail_attaches_message_to_error_code, async_fail_outside_of_task_keeps_latest_message,
      run_returns_message_with_error, run_that_could_not_end_returns_message,
      message_belongs_to_its_task, error_tree_holds_error_of_each_child,
      errors_of_siblings_are_listed_in_order_of_failure, error_site_is_first_async_fail,
      task_that_awaits_failed_task_receives_its_message,
      message_of_handled_error_is_not_attached_to_same_code, timeout_has_message_and_site,
      error_tree_of_nested_groups_is_walked_depth_first, try_outside_of_task_keeps_message,
      message_is_that_of_cause_with_same_code)
