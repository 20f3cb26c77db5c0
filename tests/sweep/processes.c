/* SPDX-License-Identifier: MIT */
/* Scenarios of calls to worker processes. */
#include "scenario.h"

#include <signal.h>

static int doubles(const void *in, void *out)
{
    *(int *)out = 2 * *(const int *)in;
    return 0;
}

static int dies(const void *in, void *out)
{
    (void)in;
    (void)out;
    return raise(SIGKILL);
}

ASYNC_PROCESS(increment, (const int *)n, (int *)sum)
{
    *sum = *n + 1;
    return 0;
}

typedef struct large {
    int words[20000];
} large;

ASYNC_PROCESS(negate, (const large *)in, (large *)out)
{
    for (int i = 0; i < 20000; i++)
        out->words[i] = -in->words[i];
    return 0;
}

ASYNC_DEF(doubled, (int)n)
{
    int twice = -1, r = await_to_process(doubles, &n, sizeof n, &twice, sizeof twice);
    scenario_expect(r < 0 ? twice == -1 : twice == 2 * n);
    return r;
}

SCENARIO(calls_to_the_processes_of_the_loop)
{
    return await_gather(NULL, doubled(1), doubled(2), doubled(3));
}

SCENARIO(calls_to_a_process_in_sequence)
{
    int n = 1, sum = -1;
    int r = await_increment(&n, &sum);
    scenario_expect(r < 0 || sum == 2);
    if (r == 0)
        r = await_to_process(doubles, &sum, sizeof sum, &n, sizeof n);
    scenario_expect(r < 0 || n == 4);
    return r;
}

ASYNC_DEF(call_in, (async_process_pool *)p, (int)n)
{
    int sum = -1, r = await_process_pool_run(p, increment, &n, &sum);
    scenario_expect(r < 0 ? sum == -1 : sum == n + 1);
    return r;
}

SCENARIO(process_pool_of_one)
{
    async_process_pool *p = async_process_pool_open(.max_workers = 1);
    if (!p)
        return -errno;
    int r = await_gather(NULL, call_in(p, 1), call_in(p, 2), call_in(p, 3));
    int closed = await_process_pool_close(&p);
    return r < 0 ? r : closed;
}

SCENARIO(process_that_dies)
{
    async_process_pool *p = async_process_pool_open(.max_workers = 1);
    if (!p)
        return -errno;
    int r = await_process_pool_call(p, dies, NULL, 0, NULL, 0);
    scenario_expect(r < 0);
    int next = await_call_in(p, 4);
    int closed = await_process_pool_close(&p);
    return r != -EOWNERDEAD ? r : next < 0 ? next : closed;
}

SCENARIO(large_arguments_to_a_process)
{
    static large in, out;
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    if (!p)
        return -errno;
    in.words[19999] = 7;
    out.words[19999] = 1;
    int r = await_process_pool_run(p, negate, &in, &out);
    scenario_expect(out.words[19999] == (r < 0 ? 1 : -7));
    return r < 0 ? r : await_process_pool_call(p, doubles, &in, sizeof(int), &out, sizeof(int));
}
