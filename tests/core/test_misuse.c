/* SPDX-License-Identifier: MIT */
/* Tests that a NULL, a positive error code and a call at the wrong place get a message, and do no harm. */
#include "run.h"

CASE(cancelling_no_group_is_ignored_with_a_message)
{
    async_group_cancel(NULL);
    has_text(heard(), "async_group_cancel() of NULL: ignored");
    return 0;
}

CASE(naming_a_task_null_keeps_its_name)
{
    async_task *self = async_current_task();
    async_task_set_name(self, "kept");
    async_task_set_name(self, NULL);
    has_text(heard(), "async_task_set_name() of task \"kept\" to NULL: ignored");
    is_text(async_task_name(self), "kept");
    return 0;
}

CASE(spawning_into_no_group_is_refused)
{
    is(async_spawn(NULL, async_sleep(1)), -EPERM);
    has_text(heard(), "async_spawn() ");
    return 0;
}

CASE(positive_error_code_is_made_negative)
{
    int code = EPROTO; /* a variable, which the compiler cannot check */
    is(async_fail(code, "the peer sent nonsense"), -EPROTO);
    has_text(heard(), "async_fail(71): an error code must be negative; -71 is used: the peer sent nonsense");
    is_text(async_fail_text(-EPROTO), "the peer sent nonsense");
    return 0;
}

START_TEST(runner_that_could_not_be_opened_refuses_to_run)
{
    ears_open();
    is(async_runner_run(NULL, async_sleep(0)), -EINVAL);
    has_text(heard(), "async_runner_run() of a runner that is NULL");
    is(async_runner_start(NULL, async_sleep(0)), -EINVAL);
    is(async_runner_turn(NULL, NULL), -EINVAL);
    is(async_runner_run_forever(NULL), -EINVAL);
    async_runner_close(NULL);
    ears_close();
}
END_TEST

START_TEST(await_outside_of_a_task_tells_where_and_what_to_do)
{
    ears_open();
    is(await_sleep(1), -EPERM);
    const char *said = heard();
    has_text(said, "await_sleep() outside of a task");
    has_text(said, "async_run()");
    ears_close();
}
END_TEST

/* --- stacks --- */

CASE(stack_larger_than_any_is_refused_with_a_message)
{
    static const size_t sizes[] = { ((size_t)1 << 30) + 1, (size_t)2 << 30, (size_t)4 << 30, SIZE_MAX };
    for (size_t i = 0; i < countof(sizes); i++) {
        is_true(async_create_task(async_sleep(0), .stack_size = sizes[i]) == NULL);
        has_text(heard(), "is more than 1 GiB");
    }
    return 0;
}

START_TEST(stack_of_a_run_larger_than_any_is_refused)
{
    ears_open();
    is(async_run(async_sleep(0), .stack_size = (size_t)2 << 30), -EINVAL);
    has_text(heard(), "is more than 1 GiB");
    ears_close();
}
END_TEST

static int touches_every_page(size_t size)
{
    volatile char *p = __builtin_alloca(size);
    int sum = 0;
    for (size_t i = 0; i < size; i += 4096) {
        p[i] = 1;
        sum += p[i];
    }
    return sum;
}

ASYNC_DEF(uses, (size_t)bytes)
{
    return touches_every_page(bytes);
}

CASE(stack_of_the_size_that_was_given_can_be_used)
{
    for (size_t size = (size_t)64 << 10; size <= (size_t)64 << 20; size *= 4) {
        size_t half = size / 2;
        await_task_auto t = async_create_task(uses(half), .stack_size = size);
        is(await_task(t), half / 4096);
    }
    return 0;
}

/* --- arguments --- */

typedef double four __attribute__((vector_size(16)));

ASYNC_DEF(adds, (four)v)
{
    return (int)(v[0] + v[1]);
}

CASE(argument_aligned_to_16_bytes_arrives)
{
    four v = { 3, 4 };
    await_task_auto t = async_create_task(adds(v));
    is(await_task(t), 7);
    return 0;
}

SUITE("core-misuse", cancelling_no_group_is_ignored_with_a_message,
      naming_a_task_null_keeps_its_name, spawning_into_no_group_is_refused,
      positive_error_code_is_made_negative, runner_that_could_not_be_opened_refuses_to_run,
      await_outside_of_a_task_tells_where_and_what_to_do,
      stack_larger_than_any_is_refused_with_a_message, stack_of_a_run_larger_than_any_is_refused,
      stack_of_the_size_that_was_given_can_be_used, argument_aligned_to_16_bytes_arrives)
