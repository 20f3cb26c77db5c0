/* SPDX-License-Identifier: MIT */
/* Errors: sentences, trees, and where they come from. */
#include "errors.h"

CASE(sentences)
{
    is_text(async_fail_text(-EIO), "");
    is(async_fail(-EIO, "%d %s", 3, "words"), -EIO);
    is_text(async_fail_text(-EIO), "3 words");
    is_text(async_fail_text(-EPROTO), "");
    is(async_fail(-EIO, "again: %s", async_fail_text(-EIO)), -EIO); /* the old text as an argument */
    is_text(async_fail_text(-EIO), "again: 3 words");
    is(async_fail(-EDOM, "%0300d", 1), -EDOM);
    is(strlen(async_fail_text(-EDOM)), 127);
    return 0;
}

START_TEST(sentences_outside)
{
    is(async_fail(-EIO, "no task's"), -EIO);
    is_text(async_fail_text(-EIO), "no task's");
    is(async_fail(-EDOM, "the next"), -EDOM);
    is_text(async_fail_text(-EIO), "");
}
END_TEST

ASYNC_DEF(fails_and_cleans_up, (int)error, (const char *)words)
{
    if (words)
        error = async_fail(error, "%s", words);
    async_spawn(async_background(), async_sleep(1)); /* the run is not over when main has failed */
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
    ok(async_runner_start(rn, co));
    while (async_runner_turn(rn, &r) == 0)
        ;
    return r;
}

/* A run's error comes with its sentence, in all ways to run; the next error has none of it. */
START_TEST(sentence_of_a_run)
{
    is(async_run(fails_and_cleans_up(-EIO, "the disk"), .virtual_clock = true), -EIO);
    is_text(async_fail_text(-EIO), "the disk");
    is_text(async_fail_text(-EDOM), "");
    is(async_run(fails_and_cleans_up(-EIO, NULL), .virtual_clock = true), -EIO);
    is_text(async_fail_text(-EIO), "");
    is(async_run(gathers_failures(), .virtual_clock = true), -EIO);
    is_text(async_fail_text(-EIO), "door is broken");
    ok(async_run(fails_and_cleans_up(0, NULL), .virtual_clock = true));
    async_runner *rn = async_runner_open(&(struct async_run_opts){ .virtual_clock = true });
    is(async_runner_run(rn, fails_and_cleans_up(-EIO, "the first")), -EIO);
    is_text(async_fail_text(-EIO), "the first");
    is(runner_result(rn, fails_and_cleans_up(-EIO, "by turns")), -EIO);
    is_text(async_fail_text(-EIO), "by turns");
    async_runner_close(rn);
    is_text(async_fail_text(-EIO), "by turns");
}
END_TEST

START_TEST(sentence_of_a_run_that_could_not_end)
{
    ears_open();
    is(async_run(waits_for_nothing(), .virtual_clock = true), -EDEADLK);
    is_text(async_fail_text(-EDEADLK), "all tasks are waiting and nothing can wake them");
    is(async_run(will_not_wait_for_it(), .virtual_clock = true, .shutdown_timeout = 1), -ETIME);
    is_text(async_fail_text(-ETIME), "tasks that have not ended in time were abandoned");
    heard();
    ears_close();
}
END_TEST

/* A sentence is its task's. */
CASE(sentences_are_per_task)
{
    is(async_fail(-EIO, "mine"), -EIO);
    is(await_gather(NULL, broken("a")), -EIO);
    is_text(async_fail_text(-EIO), "a is broken"); /* the latest that came here */
    is(await_broken("b"), -EIO);
    is_text(async_fail_text(-EIO), "b is broken");
    return 0;
}

/* --- messages of errors that were handled --- */

ASYNC_DEF(reads_its_cache)
{
    return async_fail(-EIO, "the cache is corrupt and will be built anew");
}

/* Fails with the same number for another reason, which has no message. */
ASYNC_DEF(fails_later_for_another_reason)
{
    async_ignore(await_reads_its_cache());
    ASYNC_TRY(await_sleep(1));
    return -EIO;
}

CASE(message_of_a_handled_error_is_not_attached_to_a_later_one)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails_later_for_another_reason());
    }
    is(r, -EIO);
    is_text(async_group_errors(g)->text, "");
    await_task_auto t = async_create_task(fails_later_for_another_reason());
    is(await_task(t), -EIO);
    is_text(async_fail_text(-EIO), "");
    return 0;
}

ASYNC_DEF(fails_and_cleans_up_in_a_shield)
{
    int r = await_reads_its_cache(), cleanup = 0;
    await_shield (cleanup) cleanup = await_sleep(1);
    return r;
}

CASE(message_stays_with_an_error_while_a_shield_cleans_up)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails_and_cleans_up_in_a_shield());
    }
    is(r, -EIO);
    has_text(async_group_errors(g)->text, "the cache is corrupt");
    return 0;
}

CASE(tree)
{
    int r;
    await_group (r, g) {
        async_spawn(g, family(), .name = "family");
    }
    is(r, -EIO);
    async_for_each_error (e, g) {
        int depth = 0;
        for (const async_error *p = e->parent; p; p = p->parent)
            depth++;
        note("%d:%s:%s", depth, e->task, e->text);
    }
    has_text(trail, "0:family: 1:child 1:door is broken");
    const async_error *top = async_group_errors(g);
    is_true(async_error_find(top, -EIO) == top);
    is_true(async_error_find(top->cause, -EIO) == top->cause);
    is_true(async_error_find(top, -EPROTO) == NULL);
    is_true(top->cause->parent == top);
    is_text(heard(), "");
    async_error_print(top);
    const char *printed = heard();
    has_text(printed, "family: Input/output error");
    has_text(printed, "\n  child 1: Input/output error: door is broken");
    return 0;
}

/* Several, flat, in the order of their coming. */
CASE(siblings)
{
    int r;
    await_group (r, g) {
        async_spawn(g, fails_with(-EIO), .name = "a");
        async_spawn(g, fails_with(-EPROTO), .name = "b"); /* never starts: the group is cancelled by then */
    }
    is(r, -EIO);
    const async_error *e = async_group_errors(g);
    is_text(e->task, "a");
    is_true(async_error_next(e) == NULL);
    return 0;
}

CASE(site_of_the_first_note)
{
    int r;
    await_group (r, g) {
        async_spawn(g, second());
    }
    is(r, -EIO);
    const async_error *e = async_group_errors(g);
    is_true(e->site != NULL);
    is_text(e->site->func, "await_broken");
    has_text(e->site->file, "errors.h");
    return 0;
}

/* Who awaits a task that has failed has its words, and its record as the cause. */
CASE(words_of_an_awaited_task)
{
    await_task_auto t = async_create_task(broken("door"), .name = "opener");
    is(await_task(t), -EIO);
    is_text(async_fail_text(-EIO), "door is broken");
    await_task_auto u = async_create_task(broken("gate"));
    ok(await_sleep(1));
    is(await_task(u), -EIO); /* it had ended before */
    is_text(async_fail_text(-EIO), "gate is broken");
    return 0;
}

ASYNC_DEF(fails_plainly)
{
    ASYNC_TRY(await_sleep(0));
    return -EIO;
}

/* An error that was dealt with is not blamed for the next one of the same code. */
CASE(no_false_blame)
{
    int r;
    is(await_broken("door"), -EIO);
    ok(await_sleep(1));
    await_group (r, g) {
        async_spawn(g, fails_plainly());
    }
    is(r, -EIO);
    is_text(async_group_errors(g)->text, "");
    return 0;
}

ASYNC_DEF(limited)
{
    int r;
    await_timeout (r, 1)
        ASYNC_TRY(await_sleep(5));
    return r;
}

/* The words and the places of a limit. */
CASE(words_of_a_limit)
{
    int r;
    await_group (r, g) {
        async_spawn(g, limited());
    }
    is(r, -ETIMEDOUT);
    has_text(async_group_errors(g)->text, "the timeout set in await_limited");
    is_text(async_group_errors(g)->site->func, "await_limited");
    return 0;
}

/* Groups in groups: the tree has each failure where it happened, and is walked and printed depth first. */
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

CASE(nested_tree)
{
    int r, depth = 3;
    await_group (r, g)
        async_spawn(g, fails_below(depth), .name = "child");
    is(r, -EIO);
    const async_error *last = NULL;
    async_for_each_error (e, g) {
        is_true(e->parent == last && e->created != NULL && e->trace_depth > 0 && e->trace[0] == e->site);
        is(e->code, depth ? -EIO : -EPROTO);
        is_text(e->task, "child");
        last = e;
        depth--;
    }
    is(depth, -1);
    is_text(async_error_find(async_group_errors(g), -EPROTO)->text, "the bottom");
    is_true(async_error_find(async_group_errors(g), -EPIPE) == NULL);
    async_error_print_traces(async_group_errors(g));
    const char *said = heard();
    has_text(said, "child: Input/output error: depth 3 (");
    has_text(said, "\n    at await_fails_below, ");
    has_text(said, "\n  child: Input/output error: depth 2 (");
    has_text(said, "\n      child: Protocol error: the bottom (");
    has_text(said, "\n          at await_fails_below, ");
    has_text(said, "\n          created in await_fails_below, ");
    return 0;
}
/* Whatever the body was at when a child failed. */
CASE(words_of_a_child)
{
    int r;
    await_group (r, g) {
        async_spawn(g, broken("a child"));
    }
    is(r, -EIO);
    is_text(async_fail_text(r), "a child is broken");
    await_group (r, h) {
        async_spawn(h, broken("another"));
        r = await_sleep(100); /* interrupted by the failure */
    }
    is(r, -EIO);
    is_text(async_fail_text(r), "another is broken");
    return 0;
}

SUITE("error", message_of_a_handled_error_is_not_attached_to_a_later_one,
      message_stays_with_an_error_while_a_shield_cleans_up,
      words_of_a_child, sentences, sentences_outside, sentence_of_a_run,
      sentence_of_a_run_that_could_not_end, sentences_are_per_task, tree, siblings,
      site_of_the_first_note, words_of_an_awaited_task, no_false_blame, words_of_a_limit, nested_tree)
