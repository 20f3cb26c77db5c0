/* SPDX-License-Identifier: MIT */
/* Why a task is cancelled: by another task, by a timeout, by a failure in its group, by Ctrl-C, or
 * because the main task has returned.
 * Python: the message of task.cancel(msg) */
#include <asyncio.h>
#include <signal.h>
#include <stdio.h>

static const char *name_of(enum async_cancel_kind kind)
{
    switch (kind) {
    case ASYNC_CANCEL_NONE:
        return "it is not cancelled";
    case ASYNC_CANCEL_TASK:
        return "a task has cancelled it";
    case ASYNC_CANCEL_TIMEOUT:
        return "a deadline has passed";
    case ASYNC_CANCEL_GROUP:
        return "its group is cancelled";
    case ASYNC_CANCEL_SHUTDOWN:
        return "the main task has returned";
    case ASYNC_CANCEL_SIGNAL:
        return "Ctrl-C";
    }
    return "";
}

static void print_cause(void)
{
    async_cause cause = async_cancel_cause();
    printf("%s: %s", async_task_name(async_current_task()), name_of(cause.kind));
    if (*cause.who || *cause.why)
        printf(" (%s: %s)", cause.who, cause.why);
    printf("\n");
}

ASYNC_DEF(wait_and_print)
{
    int r = await_sleep(10);
    print_cause();
    return r;
}

ASYNC_DEF(failing)
{
    return async_fail(-EIO, "the disk is full");
}

ASYNC_DEF(by_a_task)
{
    await_task_auto t = async_create_task(wait_and_print(), .name = "one");
    ASYNC_TRY(await_sleep(0));
    async_task_cancel(t, .reason = "no longer needed");
    return 0;
}

ASYNC_DEF(by_its_group)
{
    int r;
    await_group (r, g) {
        async_spawn(g, wait_and_print(), .name = "two");
        async_spawn(g, failing(), .name = "sibling");
    }
    return r == -EIO ? 0 : r;
}

/* The main task deals with Ctrl-C, and goes on. */
ASYNC_DEF(by_a_signal)
{
    raise(SIGINT);
    int r = await_sleep(10);
    print_cause();
    return r == -ECANCELED ? async_uncancel() : r;
}

ASYNC_DEF(amain)
{
    print_cause();
    ASYNC_TRY(await_by_a_task());
    ASYNC_TRY(await_by_its_group());
    int r = await_wait_for(wait_and_print(), 0.1);
    printf("amain: %s\n", strerror(-r));
    ASYNC_TRY(await_by_a_signal());
    async_spawn(async_background(), wait_and_print(), .name = "three");
    return await_sleep(0);
}

int main(void)
{
    return async_main(amain());
}
