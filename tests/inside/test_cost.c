/* SPDX-License-Identifier: MIT */
/* Tests of operations whose cost must not grow with the number of tasks. */
#include "../frame/loop_test.h"
#include "base/slab.h"
#include "loop/loop.h"
#include "loop/record.h"

/* The linker sends the library's own calls here. */
void __real_async__slab_each(struct slab *s, void (*fn)(void *record, void *arg), void *arg);
void __wrap_async__slab_each(struct slab *s, void (*fn)(void *record, void *arg), void *arg);

static int walks; /* walks over all tasks */

void __wrap_async__slab_each(struct slab *s, void (*fn)(void *record, void *arg), void *arg)
{
    walks++;
    __real_async__slab_each(s, fn, arg);
}

ASYNC_DEF(sleeps_and_cleans_up)
{
    int r = await_sleep(100), cleanup = 0;
    await_shield (cleanup)
        cleanup = await_sleep(1);
    return r;
}

ASYNC_DEF(loses_handles, (int)n)
{
    for (int i = 0; i < n; i++)
        expect_true(async_create_task(sleeps_and_cleans_up()) != NULL);
    return await_sleep(1);
}

static int walks_at_the_end_of_a_run(int lost_handles)
{
    walks = 0;
    expect_ok(async_run(loses_handles(lost_handles), .virtual_clock = true));
    return walks;
}

TEST(shutdown_walks_over_all_tasks_as_often_for_many_lost_handles)
{
    int few = walks_at_the_end_of_a_run(1);
    expect_int(walks_at_the_end_of_a_run(100), few);
}

/* The scope of a waiting child keeps its deadline, so the reschedule has not visited it. */
LOOP_TEST(reschedule_does_not_visit_tasks_of_block)
{
    int outer, r;
    await_timeout (outer, 60) {
        await_group (r, g) {
            async_task *child = async_group_create_task(g, async_sleep(10));
            expect_ok(await_sleep(1));
            int64_t before = child->body->root.next_deadline;
            expect_ok(async_reschedule(100));
            expect_int(child->body->root.next_deadline, before);
            expect_ok(await_task(child));
        }
    }
    return r;
}

static void count_record(void *record, void *count)
{
    *(int *)count += ((const async_task *)record)->node.kind != 0;
}

static int records_in_use(void)
{
    int count = 0;
    __real_async__slab_each(&async__loop->tasks, count_record, &count);
    return count;
}

LOOP_TEST(dropped_handle_of_background_task_frees_its_record)
{
    int before = records_in_use();
    for (int i = 0; i < 10; i++) {
        async_task *t = async_group_create_task(async_background(), async_sleep(1));
        expect_ok(await_task(t));
        await_task_drop(&t);
    }
    expect_int(records_in_use(), before);
    return 0;
}

SUITE("inside-cost", dropped_handle_of_background_task_frees_its_record,
      shutdown_walks_over_all_tasks_as_often_for_many_lost_handles,
      reschedule_does_not_visit_tasks_of_block)
