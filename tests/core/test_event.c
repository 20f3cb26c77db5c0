/* SPDX-License-Identifier: MIT */
/* Events. */
#include "run.h"

ASYNC_DEF(waits, (async_event *)e, (const char *)word)
{
    int r = await_event_wait(e);
    note("%s=%s", word, shown(r));
    return r;
}

CASE(event_releases_all)
{
    async_event e = { 0 };
    await_task_auto a = async_create_task(waits(&e, "a"));
    await_task_auto b = async_create_task(waits(&e, "b"));
    ok(await_sleep(1));
    is_trail("");
    is_false(async_event_is_set(&e));
    async_event_set(&e);
    is_true(async_event_is_set(&e));
    ok(await_event_wait(&e));
    ok(await_task(a));
    ok(await_task(b));
    is_trail("a=0 b=0");
    return 0;
}

/* Set then cleared in one turn: everybody who waited is released, who comes later waits. */
CASE(event_set_then_clear)
{
    async_event e = { 0 };
    await_task_auto a = async_create_task(waits(&e, "a"));
    await_task_auto b = async_create_task(waits(&e, "b"));
    ok(await_sleep(1));
    async_event_set(&e);
    async_event_clear(&e);
    await_task_auto c = async_create_task(waits(&e, "c"));
    ok(await_sleep(1));
    is_trail("a=0 b=0");
    async_event_set(&e);
    ok(await_task(c));
    return 0;
}

ASYNC_DEF(waits_twice, (async_event *)e)
{
    int first = await_event_wait(e), second = await_sleep(0);
    note("%s %s", shown(first), shown(second));
    return 0;
}

/* It takes nothing from others: chosen, then cancelled, it returns its success; the next await_ fails. */
CASE(event_chosen_then_cancelled)
{
    async_event e = { 0 };
    await_task_auto a = async_create_task(waits_twice(&e));
    ok(await_sleep(1));
    async_event_set(&e);
    async_task_cancel(a);
    ok(await_task(a));
    is_trail("0 -ECANCELED");
    return 0;
}

CASE(event_cancelled_then_set)
{
    async_event e = { 0 };
    await_task_auto a = async_create_task(waits_twice(&e));
    ok(await_sleep(1));
    async_task_cancel(a);
    async_event_set(&e);
    ok(await_task(a));
    is_trail("-ECANCELED -ECANCELED");
    return 0;
}

SUITE("event", event_releases_all, event_set_then_clear, event_chosen_then_cancelled,
      event_cancelled_then_set)
