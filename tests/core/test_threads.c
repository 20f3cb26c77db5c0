/* SPDX-License-Identifier: MIT */
/* Tests of other threads: with loops of their own, with objects of another loop, with a signal.
 * Also run under the thread sanitizer. */
#include "../frame/loop_test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

enum { THREADS = 4 };

/* --- several loops at once --- */

struct runner {
    pthread_t thread;
    int number, result;
    struct runner *peer;
    _Atomic(async_loop *) loop;
    async_event event;
};

static void sets(void *event)
{
    async_event_set(event);
}

ASYNC_DEF(counts, (int)n, (int *)sum)
{
    for (int i = 0; i < n; i++) {
        ASYNC_TRY(await_sleep(0.001));
        ++*sum;
    }
    return 0;
}

ASYNC_DEF(meets, (struct runner *)self)
{
    int sum = 0;
    atomic_store(&self->loop, async_get_running_loop());
    while (!atomic_load(&self->peer->loop))
        ASYNC_TRY(await_sleep(0.001));
    ASYNC_TRY(await_gather(NULL, counts(50, &sum), counts(50, &sum), counts(50, &sum)));
    ASYNC_TRY(async_call_soon_threadsafe(self->peer->loop, sets, &self->peer->event));
    ASYNC_TRY(await_event_wait(&self->event));
    return sum + self->number;
}

static void *runs(void *arg)
{
    struct runner *self = arg;
    self->result = async_run(meets(self));
    return NULL;
}

TEST(several_loops_run_in_several_threads)
{
    static struct runner r[THREADS];
    for (int i = 0; i < THREADS; i++) {
        r[i].number = i;
        r[i].peer = &r[(i + 1) % THREADS];
    }
    for (int i = 0; i < THREADS; i++)
        expect_ok(pthread_create(&r[i].thread, NULL, runs, &r[i]));
    for (int i = 0; i < THREADS; i++) {
        expect_ok(pthread_join(r[i].thread, NULL));
        expect_int(r[i].result, 150 + i);
    }
}

/* --- what other threads must not do --- */

struct shared {
    async_task *task;
    async_lock lock;
    async_event event;
    async_semaphore semaphore;
    async_group *group;
    async_callback cb;
    int results[8];
};

ASYNC_DEF(nothing)
{
    return 0;
}

static void never_called(void *arg)
{
    (void)arg;
    log_event("ran");
}

static void *intrudes(void *arg)
{
    struct shared *s = arg;
    int *r = s->results;
    *r++ = async_task_cancel(s->task);
    *r++ = async_lock_release(&s->lock);
    *r++ = await_task(s->task);
    *r++ = async_spawn(s->group, nothing());
    *r++ = async_create_task(nothing()) == NULL;
    *r++ = await_event_wait(&s->event);
    *r++ = async_get_running_loop() == NULL;
    async_group_cancel(s->group);
    async_call_soon(&s->cb, never_called, NULL);
    *r++ = async_callback_cancel(&s->cb);
    return NULL;
}

LOOP_TEST(calls_from_foreign_thread_are_refused_with_message)
{
    pthread_t t;
    int r;
    static struct shared s;
    expect_ok(await_lock_acquire(&s.lock));
    await_group (r, g) {
        s.group = g;
        s.task = async_group_create_task(g, nothing());
        expect_ok(pthread_create(&t, NULL, intrudes, &s));
        expect_ok(pthread_join(t, NULL));
    }
    expect_ok(r);
    const char *output = captured_stderr();
    expect_ok(s.results[0]);
    expect_contains(output, "from a thread that does not run its loop");
    expect_int(s.results[1], -EPERM);
    expect_contains(output, "releases a lock that it does not hold");
    expect_int(s.results[2], -EPERM);
    expect_contains(output, "await_task() outside of a task");
    expect_int(s.results[3], -EPERM);
    expect_contains(output, "async_spawn() outside of a task");
    expect_int(s.results[4], 1);
    expect_contains(output, "async_create_task() outside of a task");
    expect_int(s.results[5], -EPERM);
    expect_contains(output, "async_group_cancel() of a group of another thread's loop");
    expect_int(s.results[6], 1);
    expect_contains(output, "on a thread without a loop");
    expect_ok(s.results[7]);
    expect_events("");
    return async_lock_release(&s.lock);
}

/* --- Ctrl-C: its handler may run on any thread --- */

static atomic_bool enough;
static void (*_Atomic on_interrupt)(int signal);

static void (*handler_now(void))(int)
{
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    return now.sa_handler;
}

/* Run the handler as if the signal came to this thread at a bad moment. The signal that the handler
 * raises stays pending here. The thread sanitizer's sigaction() may return half of an old address
 * and half of a new one, which is enough to detect that there is a handler. */
static void *interrupts(void *arg)
{
    (void)arg;
    while (!atomic_load(&enough)) {
        void (*handler)(int) = atomic_load(&on_interrupt);
        if (handler && handler_now() != SIG_DFL)
            handler(SIGINT);
    }
    return NULL;
}

ASYNC_DEF(turns, (int)n)
{
    atomic_store(&on_interrupt, handler_now());
    while (n-- > 0)
        ASYNC_TRY(await_sleep(0));
    return 0;
}

/* Whenever the signal comes, main ends because of it or does not. */
TEST(interrupt_while_loop_closes_writes_to_no_foreign_descriptor)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    signal(SIGINT, SIG_DFL); /* Check has a handler of its own */
    expect_ok(pthread_sigmask(SIG_BLOCK, &set, NULL));
    pthread_t thread;
    expect_ok(pthread_create(&thread, NULL, interrupts, NULL));
    for (int i = 0; i < 300; i++) {
        int r = async_main(turns(i % 3)), fds[3];
        expect_that(r == 0 || r == 130, "round %d: %d", i, r);
        for (int k = 0; k < 3; k++)
            fds[k] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        for (int k = 0; k < 3; k++) {
            uint64_t value;
            expect_int(read(fds[k], &value, sizeof value), -1);
            close(fds[k]);
        }
    }
    atomic_store(&enough, true);
    expect_ok(pthread_join(thread, NULL));
}

/* --- task-local variables of a thread --- */

ASYNC_LOCAL(int, number, 1);
ASYNC_LOCAL(long, other, 2);

static atomic_int live;

static void *count_malloc(void *ctx, size_t size)
{
    (void)ctx;
    atomic_fetch_add(&live, 1);
    return malloc(size);
}

static void *count_realloc(void *ctx, void *p, size_t size)
{
    (void)ctx;
    atomic_fetch_add(&live, !p);
    return realloc(p, size);
}

static void count_free(void *ctx, void *p)
{
    (void)ctx;
    atomic_fetch_sub(&live, 1);
    free(p);
}

static void *sets_outside(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        expect_ok(async_local_set(number, i));
        expect_ok(async_local_set(other, i));
        expect_int(async_local_get(number), i);
        expect_ok(async_run(async_sleep(0))); /* inherits them */
    }
    expect_int(async_set_allocator(NULL), -EBUSY);
    return NULL;
}

TEST(variables_of_thread_are_freed_when_it_ends)
{
    const async_allocator a = { count_malloc, count_realloc, count_free, NULL };
    expect_ok(async_set_allocator(&a));
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        expect_ok(pthread_create(&thread, NULL, sets_outside, NULL));
        expect_ok(pthread_join(thread, NULL));
        expect_ok(atomic_load(&live));
    }
    expect_int(async_local_get(number), 1);
    expect_ok(async_set_allocator(NULL));
}

/* --- objects of another loop --- */

typedef async_queue_of(int, 1) int_queue;

static struct {
    async_event event, seen;
    async_semaphore semaphore;
    async_future future;
    async_lock lock;
    async_barrier barrier;
    int_queue queue;
} bound = { .barrier = ASYNC_BARRIER(2), .queue = ASYNC_QUEUE(bound.queue) };

ASYNC_DEF(uses_them)
{
    int item;
    expect_int(await_event_wait(&bound.event), -EPERM);
    async_event_set(&bound.event);
    async_event_clear(&bound.event);
    expect_int(await_semaphore_acquire(&bound.semaphore), -EPERM);
    expect_int(async_semaphore_release(&bound.semaphore), -EPERM);
    expect_int(await_future(&bound.future), -EPERM);
    expect_int(async_future_set_result(&bound.future, 1), -EPERM);
    expect_false(async_future_cancel(&bound.future));
    expect_int(await_barrier_wait(&bound.barrier), -EPERM);
    async_barrier_abort(&bound.barrier);
    async_barrier_reset(&bound.barrier);
    expect_int(await_lock_acquire(&bound.lock), -EPERM);
    expect_int(async_lock_release(&bound.lock), -EPERM);
    expect_int(await_queue_get(&bound.queue, &item), -EPERM);
    expect_int(await_queue_put(&bound.queue, 1), -EPERM);
    expect_int(async_queue_get_nowait(&bound.queue, &item), -EPERM);
    expect_int(await_queue_join(&bound.queue), -EPERM);
    expect_int(async_queue_task_done(&bound.queue), -EPERM);
    async_queue_shutdown(&bound.queue, true);
    return 0;
}

static void *uses_them_elsewhere(void *home)
{
    expect_ok(async_run(uses_them()));
    async_event_set(&bound.event); /* nor on a thread without a loop */
    expect_int(async_future_set_result(&bound.future, 1), -EPERM);
    expect_ok(async_call_soon_threadsafe(home, sets, &bound.seen));
    return NULL;
}

ASYNC_DEF(waits_event)
{
    return await_event_wait(&bound.event);
}

ASYNC_DEF(waits_semaphore)
{
    return await_semaphore_acquire(&bound.semaphore);
}

ASYNC_DEF(waits_future)
{
    return await_future(&bound.future);
}

ASYNC_DEF(waits_barrier)
{
    return await_barrier_wait(&bound.barrier);
}

ASYNC_DEF(waits_item)
{
    int item = 0;
    ASYNC_TRY(await_queue_get(&bound.queue, &item));
    return item;
}

LOOP_TEST(objects_of_another_loop_are_refused)
{
    pthread_t t;
    int r, results[5];
    expect_ok(await_lock_acquire(&bound.lock));
    await_group (r, g) {
        async_task *tasks[] = { async_group_create_task(g, waits_event()),
                                async_group_create_task(g, waits_semaphore()),
                                async_group_create_task(g, waits_future()),
                                async_group_create_task(g, waits_item()),
                                async_group_create_task(g, waits_barrier()) };
        expect_ok(await_sleep(0));
        expect_ok(pthread_create(&t, NULL, uses_them_elsewhere, async_get_running_loop()));
        expect_ok(await_event_wait(&bound.seen));
        expect_ok(pthread_join(t, NULL));
        const char *output = captured_stderr();
        expect_contains(output,
                        "task \"uses_them\" uses an event that belongs to another thread's loop");
        expect_contains(output, "task \"uses_them\" uses a semaphore that belongs to another");
        expect_contains(output, "task \"uses_them\" uses a future that belongs to another");
        expect_contains(output, "task \"uses_them\" uses a queue that belongs to another");
        expect_contains(output, "task \"uses_them\" uses a barrier that belongs to another");
        expect_contains(output, "task \"uses_them\" uses a lock that belongs to another");
        expect_contains(output, "a thread uses an event that belongs to another thread's loop");
        for (int i = 0; i < 5; i++)
            expect_false(async_task_done(tasks[i]));
        async_event_set(&bound.event);
        expect_ok(async_semaphore_release(&bound.semaphore));
        expect_ok(async_future_set_result(&bound.future, 6));
        expect_ok(await_queue_put(&bound.queue, 7));
        expect_int(await_barrier_wait(&bound.barrier), 1);
        for (int i = 0; i < 5; i++)
            results[i] = await_task(tasks[i]);
    }
    expect_ok(r);
    expect_ok(results[0]);
    expect_ok(results[1]);
    expect_int(results[2], 6);
    expect_int(results[3], 7);
    expect_ok(results[4]);
    return async_lock_release(&bound.lock);
}

/* When its loop has closed, the next one may have it. */
ASYNC_DEF(prepared)
{
    ASYNC_TRY(await_semaphore_acquire(&bound.semaphore));
    ASYNC_TRY(await_queue_put(&bound.queue, 1));
    ASYNC_TRY(async_queue_task_done(&bound.queue));
    return await_waits_item();
}

TEST(object_of_closed_loop_may_be_used_by_next)
{
    for (int i = 0; i < 3; i++) {
        expect_ok(async_semaphore_release(&bound.semaphore)); /* no loop has it */
        expect_int(async_run(prepared()), 1);
    }
}

SUITE("core-threads", interrupt_while_loop_closes_writes_to_no_foreign_descriptor,
      variables_of_thread_are_freed_when_it_ends, several_loops_run_in_several_threads,
      calls_from_foreign_thread_are_refused_with_message, objects_of_another_loop_are_refused,
      object_of_closed_loop_may_be_used_by_next)
