/* SPDX-License-Identifier: MIT */
/* Tests of misuse: a NULL, a positive error code and a call at the wrong place get a message and do
 * no harm. */
#include "../frame/loop_test.h"

LOOP_TEST(cancel_of_null_group_is_ignored_with_message)
{
    async_group_cancel(NULL);
    expect_contains(captured_stderr(), "async_group_cancel() of NULL: ignored");
    return 0;
}

LOOP_TEST(task_named_null_keeps_its_name)
{
    async_task *self = async_current_task();
    async_task_set_name(self, "kept");
    async_task_set_name(self, NULL);
    expect_contains(captured_stderr(), "async_task_set_name() of task \"kept\" to NULL: ignored");
    expect_text(async_task_name(self), "kept");
    return 0;
}

LOOP_TEST(spawn_into_null_group_is_refused)
{
    expect_int(async_spawn(NULL, async_sleep(1)), -EPERM);
    expect_contains(captured_stderr(), "async_spawn() ");
    return 0;
}

LOOP_TEST(positive_error_code_is_made_negative)
{
    int code = EPROTO; /* a variable, which the compiler cannot check */
    expect_int(async_fail(code, "the peer sent nonsense"), -EPROTO);
    expect_contains(
            captured_stderr(),
            "async_fail(71): an error code must be negative; -71 is used: the peer sent nonsense");
    expect_text(async_fail_text(-EPROTO), "the peer sent nonsense");
    return 0;
}

TEST(null_runner_refuses_to_run)
{
    capture_stderr_begin();
    expect_int(async_runner_run(NULL, async_sleep(0)), -EINVAL);
    expect_contains(captured_stderr(), "async_runner_run() of a runner that is NULL");
    expect_int(async_runner_start(NULL, async_sleep(0)), -EINVAL);
    expect_int(async_runner_turn(NULL, NULL), -EINVAL);
    expect_int(async_runner_run_forever(NULL), -EINVAL);
    async_runner_close(NULL);
    capture_stderr_end();
}

TEST(await_outside_of_task_is_refused_with_advice)
{
    capture_stderr_begin();
    expect_int(await_sleep(1), -EPERM);
    const char *output = captured_stderr();
    expect_contains(output, "await_sleep() outside of a task");
    expect_contains(output, "async_run()");
    capture_stderr_end();
}

/* --- stacks --- */

LOOP_TEST(stack_larger_than_1_gib_is_refused_with_message)
{
    static const size_t sizes[] = { ((size_t)1 << 30) + 1, (size_t)2 << 30, (size_t)4 << 30,
                                    SIZE_MAX };
    for (size_t i = 0; i < countof(sizes); i++) {
        expect_true(async_create_task(async_sleep(0), .stack_size = sizes[i]) == NULL);
        expect_contains(captured_stderr(), "is more than 1 GiB");
    }
    return 0;
}

TEST(stack_of_run_larger_than_1_gib_is_refused)
{
    capture_stderr_begin();
    expect_int(async_run(async_sleep(0), .stack_size = (size_t)2 << 30), -EINVAL);
    expect_contains(captured_stderr(), "is more than 1 GiB");
    capture_stderr_end();
}

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

LOOP_TEST(stack_can_be_used_up_to_its_size)
{
    for (size_t size = (size_t)64 << 10; size <= (size_t)64 << 20; size *= 4) {
        size_t half = size / 2;
        await_task_auto t = async_create_task(uses(half), .stack_size = size);
        expect_int(await_task(t), half / 4096);
    }
    return 0;
}

/* --- arguments --- */

typedef double four __attribute__((vector_size(16)));

ASYNC_DEF(adds, (four)v)
{
    return (int)(v[0] + v[1]);
}

LOOP_TEST(argument_aligned_to_16_bytes_arrives)
{
    four v = { 3, 4 };
    await_task_auto t = async_create_task(adds(v));
    expect_int(await_task(t), 7);
    return 0;
}

static int returns_seven(void *arg)
{
    (void)arg;
    return 7;
}

LOOP_TEST(task_of_function_without_name_is_named_task)
{
    await_task_auto t = async_create_task(async_call(returns_seven, NULL, NULL));
    expect_text(async_task_name(t), "task-2");
    expect_int(await_task(t), 7);
    return 0;
}

SUITE("core-misuse", cancel_of_null_group_is_ignored_with_message, task_named_null_keeps_its_name,
      spawn_into_null_group_is_refused, positive_error_code_is_made_negative,
      null_runner_refuses_to_run, await_outside_of_task_is_refused_with_advice,
      stack_larger_than_1_gib_is_refused_with_message, stack_of_run_larger_than_1_gib_is_refused,
      stack_can_be_used_up_to_its_size, argument_aligned_to_16_bytes_arrives,
      task_of_function_without_name_is_named_task)
