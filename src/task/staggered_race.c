/* SPDX-License-Identifier: MIT */
/* staggered_race.c - start one coroutine after the other, until one succeeds. */
#include <asyncio/gather.h>
#include <asyncio/group.h>

#include "task/group.h"
#include "task/scope.h"
#include "task/task.h"

struct staggered_race {
    const async_co *cos;
    async_group *group;
    size_t latest;      /* index of the attempt that was started last */
    bool failed;        /* it has failed */
    async_waitq waits;  /* the body, until then */
    int winner, result; /* index and return value of the first to succeed; -1: none has */
    int error;          /* of the first to fail */
};

/* Only the first success counts. The race is over when this is called again. */
static void attempt_succeeded(struct staggered_race *race, size_t i, int result)
{
    if (race->winner >= 0)
        return;
    race->winner = (int)i;
    race->result = result;
    async_group_cancel_at(race->group, race->group->scope.cause.site);
}

static void attempt_failed(struct staggered_race *race, size_t i, int error)
{
    if (race->error == 0)
        race->error = error;
    if (i != race->latest)
        return;
    race->failed = true;
    async__wake_all(&race->waits, 0);
}

static int run_attempt(struct staggered_race *race, size_t i)
{
    async_co co = race->cos[i];
    int r = co.run(co.frame);
    if (r >= 0)
        attempt_succeeded(race, i, r);
    else
        attempt_failed(race, i, r);
    return r;
}

ASYNC__MAKE(attempt, "attempt", run_attempt, (struct staggered_race *)race, (size_t)i)

/* Wait until the attempt that was started last fails. */
static int await_failure(struct staggered_race *race)
{
    async_task *t;
    int r = await_begin(&t, "await_staggered_race");
    while (r == 0 && !race->failed)
        r = wait_for_event(t, &race->waits);
    return r;
}

/* Start the coroutines. The next one follows when the one before has failed, or after delay
 * seconds. */
static int start_attempts(struct staggered_race *race, size_t n, double delay,
                          const async_site *site)
{
    for (size_t i = 0; i < n; i++) {
        const struct async_task_opts opts = { .site = site, .name = async__co_name(&race->cos[i]) };
        async_co co = attempt(race, i);
        int r = 0;
        race->latest = i;
        race->failed = false;
        ASYNC_TRY(async_spawn_opt(race->group, &co, &opts));
        await_timeout (r, delay)
            r = await_failure(race);
        if (r < 0 && r != -ETIMEDOUT)
            return r;
    }
    return 0;
}

/* A group that was cancelled by its winner has the result 0. */
int await_staggered_race_at(const async_co *cos, size_t n, double delay, int *result,
                            const async_site *site)
{
    async_task *self;
    int r = await_begin(&self, "await_staggered_race");
    if (r < 0)
        return r;
    if (n == 0)
        return -EINVAL;
    struct staggered_race race = { .cos = cos, .winner = -1 };
    await_group (r, g) {
        g->policy = GROUP_COLLECT;
        g->scope.cause.site = site;
        race.group = g;
        r = start_attempts(&race, n, delay, site);
    }
    if (race.winner < 0)
        return r < 0 ? r : race.error;
    if (result)
        *result = race.result;
    return race.winner;
}
