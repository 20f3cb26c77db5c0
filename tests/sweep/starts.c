/* SPDX-License-Identifier: MIT */
/* Scenarios of children that are started until they are ready, and of staggered races. */
#include "scenario.h"

ASYNC_DEF(serves, (double)seconds, (int)port)
{
    int r, shielded;
    hold(1);
    r = await_sleep(seconds);
    if (r == 0)
        r = async_started(port);
    if (r == 0)
        r = await_sleep(seconds);
    await_shield (shielded)
        shielded = await_sleep(1);
    hold(-1);
    return r < 0 ? r : shielded;
}

SCENARIO(child_that_becomes_ready)
{
    int r, port = 0;
    await_group (r, g) {
        port = await_group_start(g, serves(1, 80));
        if (port >= 0)
            scenario_expect(port == 80 && account.held == 1);
        r = port < 0 ? port : await_sleep(1);
    }
    scenario_expect(account.held == 0);
    return r;
}

SCENARIO(children_that_start_under_a_timeout)
{
    int r, s = 0;
    await_group (r, g) {
        await_timeout (s, 2) {
            s = await_group_start(g, serves(1, 80));
            if (s >= 0)
                s = await_group_start(g, serves(5, 81)); /* too slow */
        }
        r = s == -ETIMEDOUT ? 0 : s;
    }
    scenario_expect(account.held == 0);
    return r;
}

ASYNC_DEF(starts_in, (async_group *)g)
{
    int port = await_group_start(g, serves(2, 80));
    return port < 0 ? port : 0;
}

/* The task that starts the child is not in the group. */
SCENARIO(start_from_outside_into_a_group_that_is_cancelled)
{
    int r;
    await_task_auto starter = NULL;
    await_group (r, g) {
        starter = async_create_task(starts_in(g));
        r = await_sleep(1);
        async_group_cancel(g);
    }
    int s = await_task(starter);
    scenario_expect(account.held == 0);
    return r < 0 ? r : s == -ECANCELED ? 0 : s;
}

/* --- staggered races --- */

ASYNC_DEF(tries, (double)seconds, (int)result)
{
    int r = await_guest(seconds);
    return r < 0 ? r : result;
}

SCENARIO(staggered_race_that_is_won)
{
    int result = 0;
    int r = await_staggered_race(&result, 2, tries(1, -EIO), tries(5, 7), tries(1, 8), tries(9, 9));
    scenario_expect(account.held == 0);
    scenario_expect(r < 0 || (r == 2 && result == 8) || r == 1 || r == 3);
    return r < 0 ? r : 0;
}

SCENARIO(staggered_race_that_all_lose)
{
    int r = await_staggered_race(NULL, 1, tries(3, -EIO), tries(1, -EPIPE));
    scenario_expect(account.held == 0);
    scenario_expect(r < 0);
    return r == -EIO || r == -EPIPE ? 0 : r;
}
