/* SPDX-License-Identifier: MIT */
/* asyncio.c - the workloads of the runtime table on this library, written as a user would write
 * them.
 *
 * bench-asyncio WORKLOAD [N]: N replaces the row's count (for sleepers: how many). A row of the
 * README is one figure here; what is measured lies between now_ns() and per(). */
#include "common.h"
#include <asyncio.h>
#include <poll.h>
#include <unistd.h>

ASYNC_DEF(trivial)
{
    return 1;
}

ASYNC_DEF(spin, (long)times)
{
    for (long i = 0; i < times; i++)
        ASYNC_TRY(await_sleep(0));
    return 0;
}

/* Row 1: two tasks, each yields n times. */
ASYNC_DEF(run_switch, (long)n)
{
    int64_t t0 = now_ns();
    ASYNC_TRY(await_gather(NULL, spin(n), spin(n)));
    per("switch", t0, 2 * n);
    return 0;
}

/* Row 1s: the same, but each task waits in a function of its own. */
static __attribute__((noinline)) int yield_often(long times)
{
    for (long i = 0; i < times; i++)
        ASYNC_TRY(await_sleep(0));
    return 0;
}

ASYNC_DEF(spin_elsewhere, (long)times)
{
    return yield_often(times);
}

ASYNC_DEF(run_sites, (long)n)
{
    int64_t t0 = now_ns();
    ASYNC_TRY(await_gather(NULL, spin(n), spin_elsewhere(n)));
    per("switch_sites", t0, 2 * n);
    return 0;
}

/* Row 1x: the same, but one task has set a sticky flag of the floating point unit. */
ASYNC_DEF(spin_inexact, (long)times)
{
    volatile double one = 1, three = 3, third = one / three;
    (void)third;
    return yield_often(times);
}

ASYNC_DEF(run_inexact, (long)n)
{
    int64_t t0 = now_ns();
    ASYNC_TRY(await_gather(NULL, spin_inexact(n), spin_elsewhere(n)));
    per("switch_inexact", t0, 2 * n);
    return 0;
}

/* Row 1f: the same while a third task waits for a descriptor. */
ASYNC_DEF(wait_to_read, (int)fd)
{
    return await_fd_ready(fd, POLLIN);
}

ASYNC_DEF(run_waited, (long)n)
{
    int ends[2];
    if (pipe(ends) < 0)
        return -errno;
    await_task_auto reader = async_create_task(wait_to_read(ends[0]));
    ASYNC_TRY(await_sleep(0));
    int64_t t0 = now_ns();
    ASYNC_TRY(await_gather(NULL, spin(n), spin(n)));
    per("switch_waited", t0, 2 * n);
    return 0;
}

ASYNC_DEF(run_switches, (long)n)
{
    ASYNC_TRY(await_run_switch(n));
    ASYNC_TRY(await_run_sites(n));
    ASYNC_TRY(await_run_inexact(n));
    return await_run_waited(n);
}

/* Row 1b: n tasks alive, each yields 20 times after all have started. */
ASYNC_DEF(run_ring, (long)n)
{
    int r;
    int64_t t0 = 0;
    await_group (r, g) {
        for (long i = 0; i < n; i++)
            async_spawn(g, spin(21));
        ASYNC_TRY(await_sleep(0)); /* let all tasks start and reach their first yield */
        t0 = now_ns();
    }
    per("switch_ring_100000", t0, 20 * n);
    return r;
}

/* Row 2: create a task and await it, one after the other. Row 2b: create n / 10, then await all. */
ASYNC_DEF(run_spawn, (long)n)
{
    int64_t t0 = now_ns();
    for (long i = 0; i < n; i++) {
        await_task_auto t = async_create_task(trivial());
        ASYNC_TRY(await_task(t));
    }
    per("spawn_join", t0, n);

    int r;
    t0 = now_ns();
    await_group (r, g) {
        for (long i = 0; i < n / 10; i++)
            async_spawn(g, trivial());
    }
    per("spawn_batch", t0, n / 10);
    return r;
}

/* Row 3: n tasks asleep at once. */
struct crowd {
    long alive, peak;
};

ASYNC_DEF(sleeper, (struct crowd *)crowd, (double)seconds)
{
    if (++crowd->alive > crowd->peak)
        crowd->peak = crowd->alive;
    ASYNC_TRY(await_sleep(seconds));
    crowd->alive--;
    return 0;
}

ASYNC_DEF(run_sleepers, (long)n)
{
    int r;
    struct crowd crowd = { 0 };
    long base = status_bytes("VmHWM");
    await_group (r, g) {
        for (long i = 0; i < n; i++)
            async_spawn(g, sleeper(&crowd, sleepers_nap(n)));
    }
    if (r == 0 && crowd.peak != n)
        return async_fail(-EPROTO, "only %ld of %ld slept at once", crowd.peak, n);
    sleepers_report(n, base);
    return r;
}

#if __has_include(<asyncio/queue.h>)
/* Row 4: one producer, one consumer, 128 slots. */
typedef async_queue_of(int, 128) int_queue;

ASYNC_DEF(produce, (int_queue *)q, (int)n)
{
    for (int i = 0; i < n; i++)
        ASYNC_TRY(await_queue_put(q, i));
    return 0;
}

ASYNC_DEF(consume, (int_queue *)q, (int)n)
{
    int item;
    for (int i = 0; i < n; i++) {
        ASYNC_TRY(await_queue_get(q, &item));
        if (item != i)
            return async_fail(-EPROTO, "item %d came as number %d", item, i);
    }
    return 0;
}

ASYNC_DEF(run_queue, (long)n)
{
    int_queue q = ASYNC_QUEUE(q);
    int64_t t0 = now_ns();
    ASYNC_TRY(await_gather(NULL, produce(&q, (int)n), consume(&q, (int)n)));
    per("queue", t0, n);
    return 0;
}
#endif

/* Row 5: n tasks, ten at a time. 5s: a second wave, whose stacks are warm; 5w: the same with
 * await_with blocks. */
ASYNC_DEF(polite, (async_semaphore *)limit)
{
    ASYNC_TRY(await_semaphore_acquire(limit));
    int r = await_sleep(0);
    async_semaphore_release(limit);
    return r;
}

ASYNC_DEF(polite_with, (async_semaphore *)limit)
{
    int r;
    await_with (r, limit)
        r = await_sleep(0);
    return r;
}

typedef async_co polite_body(async_semaphore *limit);

ASYNC_DEF(polite_wave, (polite_body *)body, (long)n, (const char *)name)
{
    int r;
    async_semaphore limit = ASYNC_SEMAPHORE(10);
    int64_t t0 = now_ns();
    await_group (r, g) {
        for (long i = 0; i < n; i++)
            async_spawn(g, body(&limit));
    }
    per(name, t0, n);
    return r;
}

ASYNC_DEF(run_sem, (long)n)
{
    ASYNC_TRY(await_polite_wave(polite, n, "semaphore"));
    ASYNC_TRY(await_polite_wave(polite, n, "semaphore_second"));
    return await_polite_wave(polite_with, n, "semaphore_with");
}

/* Row 6: 100 tasks, one lock, held across a yield; 6w: the same with await_with blocks. */
ASYNC_DEF(locker, (async_lock *)lock, (long)times)
{
    for (long i = 0; i < times; i++) {
        ASYNC_TRY(await_lock_acquire(lock));
        int r = await_sleep(0);
        async_lock_release(lock);
        ASYNC_TRY(r);
    }
    return 0;
}

ASYNC_DEF(locker_with, (async_lock *)lock, (long)times)
{
    int r = 0;
    for (long i = 0; r == 0 && i < times; i++)
        await_with (r, lock)
            r = await_sleep(0);
    return r;
}

ASYNC_DEF(run_mutex, (long)n)
{
    int r, s;
    async_lock lock = { 0 };
    int64_t t0 = now_ns();
    await_group (r, g) {
        for (int i = 0; i < 100; i++)
            async_spawn(g, locker(&lock, n));
    }
    per("mutex_handoff", t0, 100 * n);

    t0 = now_ns();
    await_group (s, h) {
        for (int i = 0; i < 100; i++)
            async_spawn(h, locker_with(&lock, n));
    }
    per("mutex_handoff_with", t0, 100 * n);
    return r < 0 ? r : s;
}

/* Row 6b: n tasks wait for one event. */
ASYNC_DEF(waiter, (async_event *)event, (long *)waiting)
{
    ++*waiting;
    return await_event_wait(event);
}

ASYNC_DEF(run_event, (long)n)
{
    int r;
    async_event event = { 0 };
    long waiting = 0;
    int64_t t0 = 0;
    await_group (r, g) {
        for (long i = 0; i < n; i++)
            async_spawn(g, waiter(&event, &waiting));
        ASYNC_TRY(await_sleep(0)); /* let all tasks start and wait */
        if (waiting != n)
            ASYNC_TRY(async_fail(-EPROTO, "only %ld of %ld wait", waiting, n));
        t0 = now_ns();
        async_event_set(&event);
    }
    per("event_broadcast", t0, n);
    return r;
}

/* Row 7: arm a callback for a minute from now, and cancel it at once. 7b: n of them are armed at a
 * time. */
static void never(void *arg)
{
    (void)arg;
    abort();
}

static int run_callbacks(long n)
{
    async_callback one;
    int64_t t0 = now_ns();
    for (long i = 0; i < n; i++) {
        async_call_later(&one, 60, never, NULL);
        async_callback_cancel(&one);
    }
    per("timer_add_cancel", t0, n);

    async_callback *all = malloc((size_t)n * sizeof *all);
    if (!all)
        return -ENOMEM;
    t0 = now_ns();
    for (long i = 0; i < n; i++)
        all[i] = (async_callback){ 0 };
    for (long i = 0; i < n; i++)
        async_call_later(&all[i], 60 + (double)(i * 7919 % n) / (double)n, never, NULL);
    for (long i = 0; i < n; i++)
        async_callback_cancel(&all[i]);
    per("timer_live_1e6", t0, n);
    free(all);
    return 0;
}

/* Row 7c: a timeout around a new task that yields once. 7d: a timeout around a yield in this
 * task. */
ASYNC_DEF(run_timers, (long)n)
{
    ASYNC_TRY(run_callbacks(n));
    int64_t t0 = now_ns();
    for (long i = 0; i < n; i++) {
        await_task_auto t = async_create_task(spin(1));
        ASYNC_TRY(await_wait_for(async_joining(t), 60));
    }
    per("wait_for", t0, n);

    int r = 0;
    t0 = now_ns();
    for (long i = 0; r == 0 && i < n; i++)
        await_timeout (r, 60)
            r = await_sleep(0);
    per("timeout_block", t0, n);
    return r;
}

/* Row 8: calls on a thread, one after the other. Row 8b: n of them at once, in a task each; 8bs: a
 * second wave, whose records are warm. */
ASYNC_THREAD(increment, (long)n)
{
    return (int)n + 1;
}

ASYNC_DEF(thread_wave, (long)n, (const char *)name)
{
    int r;
    int64_t t0 = now_ns();
    await_group (r, g) {
        for (long i = 0; i < n; i++)
            async_spawn(g, increment(i));
    }
    per(name, t0, n);
    return r;
}

ASYNC_DEF(run_thread, (long)n)
{
    for (long i = 0; i < 100; i++)
        ASYNC_TRY(await_increment(i));
    int64_t t0 = now_ns();
    for (long i = 0; i < n; i++)
        if (ASYNC_TRY(await_increment(i)) != i + 1)
            return async_fail(-EPROTO, "a wrong answer");
    per("to_thread", t0, n);
    ASYNC_TRY(await_thread_wave(n, "to_thread_batch"));
    return await_thread_wave(n, "to_thread_batch_second");
}

/* Row 9: calls in another process, one after the other. Row 9b: n of them at once, in two
 * processes. */
ASYNC_PROCESS(increment_there, (const long *)n, (long *)sum)
{
    *sum = *n + 1;
    return 0;
}

ASYNC_DEF(call_there, (async_process_pool *)p, (long)n)
{
    long sum = 0;
    int r = await_process_pool_run(p, increment_there, &n, &sum);
    return r < 0 || sum == n + 1 ? r : async_fail(-EPROTO, "a wrong answer");
}

ASYNC_DEF(process_wave, (async_process_pool *)p, (long)n)
{
    int r;
    int64_t t0 = now_ns();
    await_group (r, g) {
        for (long i = 0; i < n; i++)
            async_spawn(g, call_there(p, i));
    }
    per("process_batch", t0, n);
    return r;
}

ASYNC_DEF(run_process, (long)n)
{
    async_process_pool_auto one = async_process_pool_open(.max_workers = 1);
    async_process_pool_auto two = async_process_pool_open(.max_workers = 2);
    for (long i = 0; i < 100; i++)
        ASYNC_TRY(await_call_there(one, i));
    int64_t t0 = now_ns();
    for (long i = 0; i < n; i++)
        ASYNC_TRY(await_call_there(one, i));
    per("process", t0, n);
    ASYNC_TRY(await_call_there(two, 1));
    return await_process_wave(two, n);
}

static const struct {
    const char *name;
    async_co (*workload)(long n);
    long n;
} workloads[] = {
    { "switch", run_switches, 5000000 }, { "ring", run_ring, 100000 },
    { "spawn", run_spawn, 1000000 },     { "sleepers", run_sleepers, 1000 },
#if __has_include(<asyncio/queue.h>)
    { "queue", run_queue, 10000000 },
#endif
    { "sem", run_sem, 100000 },          { "mutex", run_mutex, 10000 },
    { "thread", run_thread, 100000 },    { "process", run_process, 10000 },
    { "event", run_event, 100000 },      { "timers", run_timers, 1000000 },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (argc > 1 && !strcmp(argv[1], workloads[i].name))
            return async_main(workloads[i].workload(argc > 2 ? atol(argv[2]) : workloads[i].n));
    fputs("usage: bench-asyncio switch|ring|spawn|sleepers|queue|sem|mutex|event|timers|thread|"
          "process [N]\n",
          stderr);
    return 2;
}
