/* SPDX-License-Identifier: MIT */
/* Scenarios of tasks, gathers, groups and generators: whatever fails, no task is left behind, and
 * every permit comes back. */
#include "scenario.h"

SCENARIO(sleeps_in_sequence)
{
    for (int i = 0; i < 3; i++)
        ASYNC_TRY(await_sleep(i));
    return 0;
}

SCENARIO(task_and_its_result)
{
    await_task_auto t = async_create_task(item(1, 7), .name = "a name that is copied");
    int r = await_task(t);
    if (r == -ENOMEM || r == -ECANCELED)
        return r;
    scenario_expect(r == 7 && async_task_result(t) == 7);
    return await_task(t) == -ECANCELED ? -ECANCELED : 0;
}

SCENARIO(tasks_awaited_in_reverse)
{
    await_task_auto a = async_create_task(guest(1));
    await_task_auto b = async_create_task(guest(2), .stack_size = 20000);
    await_task_auto c = async_create_task(guest(3));
    ASYNC_TRY(await_task(c));
    ASYNC_TRY(await_task(b));
    return await_task(a);
}

ASYNC_DEF(await_other_task, (async_task *)t)
{
    return await_task(t);
}

SCENARIO(one_task_awaited_by_several)
{
    await_task_auto t = async_create_task(item(1, 0));
    return await_gather(NULL, await_other_task(t), await_other_task(t), async_joining(t));
}

SCENARIO(task_whose_block_is_left)
{
    await_task_auto t = async_create_task(guest(1000));
    ASYNC_TRY(await_sleep(1));
    return async_task_done(t) ? async_task_result(t) : 0;
}

SCENARIO(task_that_is_cancelled)
{
    await_task_auto t = async_create_task(guest(1000));
    ASYNC_TRY(await_sleep(1));
    async_task_cancel(t, .reason = "enough");
    int r = await_task(t);
    scenario_expect(r == -ECANCELED || r == -ENOMEM);
    return r == -ENOMEM ? r : await_sleep(0);
}

SCENARIO(task_cancelled_before_it_starts)
{
    await_task_auto t = async_create_task(item(0, 0));
    async_task_cancel(t);
    int r = await_task(t);
    scenario_expect(r == -ECANCELED || r == -ENOMEM);
    scenario_expect(account.made == 0);
    return r == -ENOMEM ? r : 0;
}

/* --- several at once --- */

SCENARIO(gather)
{
    int got[3] = { 0 };
    int r = await_gather(got, item(1, 1), item(3, 2), item(2, 3));
    if (r == 0)
        scenario_expect(got[0] == 1 && got[1] == 2 && got[2] == 3);
    else
        scenario_expect(!got[0] && !got[1] && !got[2]);
    return r;
}

ASYNC_DEF(pair_of_guests, (double)seconds)
{
    return await_gather(NULL, guest(seconds), guest(2 * seconds));
}

SCENARIO(nested_gathers)
{
    return await_gather(NULL, pair_of_guests(1), pair_of_guests(2), guest(3));
}

SCENARIO(gather_that_fails)
{
    int r = await_gather(NULL, guest(10), fails_after(2, -EIO), guest(20));
    scenario_expect(account.held == 0);
    return r == -EIO ? 0 : r;
}

SCENARIO(gather_all)
{
    int got[3];
    int r = await_gather_all(got, item(1, 5), fails_after(2, -EIO), guest(3));
    scenario_expect(account.held == 0);
    if (r < 0)
        return r;
    scenario_expect(r >= 1 && r <= 3);
    return got[0] == -ENOMEM || got[1] == -ENOMEM || got[2] == -ENOMEM ? -ENOMEM : 0;
}

SCENARIO(gather_all_in_sequence)
{
    int r = 0;
    for (int i = 0; i < 2 && r >= 0; i++)
        r = await_gather_all(NULL, guest(i), guest(i));
    return r < 0 ? r : 0;
}

SCENARIO(race)
{
    int result = 0, r = await_race(&result, guest(10), item(5, 9), guest(20));
    scenario_expect(account.held == 0);
    if (r == 1)
        scenario_expect(result == 9 || result < 0);
    return r < 0 ? r : result == -ENOMEM ? result : 0;
}

ASYNC_DEF(race_of_guests, (double)seconds)
{
    return await_race(NULL, guest(seconds), guest(seconds + 1));
}

SCENARIO(nested_races)
{
    int r = await_race(NULL, race_of_guests(3), race_of_guests(1));
    scenario_expect(account.held == 0);
    return r < 0 ? r : 0;
}

SCENARIO(coroutine_objects)
{
    async_co later = item(1, 1);
    ASYNC_TRY(await_co(async_sleep(1)));
    ASYNC_TRY(await_co(later));
    return await_co(guest(1));
}

SCENARIO(coroutine_object_awaited_twice)
{
    async_co twice = guest(1);
    ASYNC_TRY(await_co(twice));
    return await_co(twice);
}

/* --- groups --- */

SCENARIO(group)
{
    int r;
    await_group (r, g) {
        async_spawn(g, guest(1));
        async_spawn(g, guest(3));
        async_spawn(g, item(2, 0));
        r = await_sleep(2);
    }
    scenario_expect(account.held == 0);
    return r;
}

SCENARIO(group_that_fails)
{
    int r;
    await_group (r, g) {
        async_spawn(g, guest(10));
        async_spawn(g, fails_after(1, -EIO), .name = "the one that fails");
        r = await_sleep(5);
    }
    scenario_expect(account.held == 0);
    return r == -EIO ? 0 : r;
}

ASYNC_DEF(family, (int)depth)
{
    int r;
    if (depth == 0)
        return await_guest(1);
    await_group (r, g) {
        async_spawn(g, family(depth - 1));
        async_spawn(g, family(depth - 1));
    }
    return r;
}

SCENARIO(nested_groups)
{
    return await_family(2);
}

ASYNC_DEF(brings_another, (async_group *)g, (int)more)
{
    if (more)
        async_spawn(g, brings_another(g, more - 1));
    return await_guest(1);
}

SCENARIO(children_that_spawn_siblings)
{
    int r;
    await_group (r, g)
        async_spawn(g, brings_another(g, 3));
    scenario_expect(account.held == 0);
    return r;
}

SCENARIO(handles_of_children)
{
    int r, second = 0;
    await_group (r, g) {
        async_task *t = async_group_create_task(g, item(1, 5));
        async_task *u = async_group_create_task(g, guest(2));
        second = await_task(t);
        if (second >= 0)
            r = await_task(u);
    }
    return r < 0 ? r : second < 0 ? second : 0;
}

SCENARIO(group_that_is_cancelled)
{
    int r;
    await_group (r, g) {
        async_spawn(g, guest(100));
        async_spawn(g, guest(200));
        r = await_sleep(1);
        async_group_cancel(g);
        if (r == 0)
            scenario_expect(async_spawn(g, guest(1)) == -ECANCELED);
    }
    scenario_expect(account.held == 0);
    return r;
}

SCENARIO(group_left_by_an_error)
{
    int r;
    await_group (r, g) {
        async_spawn(g, guest(100));
        async_spawn(g, guest(200));
        ASYNC_TRY(await_sleep(1));
        break;
    }
    return r;
}

SCENARIO(background_tasks)
{
    async_spawn(async_background(), guest(1));
    async_spawn(async_background(), guest(100));
    return await_sleep(2);
}

static void takes_note(void *arg)
{
    async_event_set(arg);
}

SCENARIO(callbacks_that_wake_tasks)
{
    async_event soon = { 0 }, later = { 0 };
    async_callback a = { 0 }, b = { 0 };
    async_call_soon(&a, takes_note, &soon);
    async_call_later(&b, 5, takes_note, &later);
    int r = await_event_wait(&soon);
    if (r == 0)
        r = await_event_wait(&later);
    async_callback_cancel(&a);
    async_callback_cancel(&b);
    return r;
}

SCENARIO(post_to_the_loop)
{
    async_event e = { 0 };
    ASYNC_TRY(async_call_soon_threadsafe(async_get_running_loop(), takes_note, &e));
    int r, shielded;
    r = await_event_wait(&e);
    await_shield (shielded) /* the post points to this stack frame, so it must have run */
        shielded = await_event_wait(&e);
    return r < 0 ? r : shielded;
}

/* --- generators --- */

ASYNC_GEN(int, numbers, (int)n)
{
    int r = 0;
    hold(1);
    for (int i = 0; i < n && r >= 0; i++) {
        r = await_sleep(i % 2);
        if (r >= 0)
            r = await_yield(i);
    }
    hold(-1);
    return r < 0 ? r : 0;
}

SCENARIO(generator)
{
    int r, next = 0;
    await_for_each (r, i, numbers(4)) {
        scenario_expect(i == next);
        next++;
    }
    scenario_expect(account.held == 0);
    scenario_expect(r < 0 || next == 4);
    return r;
}

SCENARIO(generator_left_early)
{
    int r;
    await_for_each (r, i, numbers(100)) {
        if (i == 2)
            break;
        ASYNC_TRY(await_sleep(1));
    }
    scenario_expect(account.held == 0);
    return r;
}

ASYNC_GEN(int, doubled, (int)n)
{
    int r;
    await_for_each (r, i, numbers(n))
        ASYNC_TRY(await_yield(2 * i));
    return r;
}

SCENARIO(generator_of_a_generator)
{
    int r, sum = 0;
    await_for_each (r, i, doubled(4))
        sum += i;
    scenario_expect(r < 0 || sum == 12);
    return r;
}

ASYNC_GEN(int, slow, (double)seconds)
{
    int shielded, r = await_yield(1);
    if (r == 0)
        r = await_guest(seconds);
    if (r == 0)
        r = await_yield(2);
    await_shield (shielded)
        shielded = await_sleep(1);
    return r;
}

SCENARIO(generator_inside_a_timeout)
{
    int r, e = 0;
    await_timeout (r, 5) {
        await_for_each (e, i, slow(10))
            scenario_expect(i == 1);
        r = e;
    }
    scenario_expect(account.held == 0);
    return r == -ETIMEDOUT ? 0 : r;
}

/* --- context variables --- */

ASYNC_LOCAL(int, depth, 0);

ASYNC_DEF(deeper, (int)n)
{
    int e = async_local_set(depth, n);
    if (e < 0)
        return e;
    ASYNC_TRY(await_sleep(1));
    scenario_expect(async_local_get(depth) == n);
    return n > 0 ? await_gather(NULL, deeper(n - 1), deeper(n - 1)) : 0;
}

SCENARIO(context_variables)
{
    return await_deeper(2);
}
