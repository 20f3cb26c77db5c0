/* SPDX-License-Identifier: MIT */
/* Other threads: with loops of their own, with what is another loop's, with a signal. Under the thread sanitizer too. */
#include "run.h"

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

START_TEST(several_loops)
{
    static struct runner r[THREADS];
    for (int i = 0; i < THREADS; i++) {
        r[i].number = i;
        r[i].peer = &r[(i + 1) % THREADS];
    }
    for (int i = 0; i < THREADS; i++)
        ok(pthread_create(&r[i].thread, NULL, runs, &r[i]));
    for (int i = 0; i < THREADS; i++) {
        ok(pthread_join(r[i].thread, NULL));
        is(r[i].result, 150 + i);
    }
}
END_TEST

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

static void must_not_run(void *arg)
{
    (void)arg;
    note("ran");
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
    async_call_soon(&s->cb, must_not_run, NULL);
    *r++ = async_callback_cancel(&s->cb);
    return NULL;
}

CASE(foreign_thread)
{
    pthread_t t;
    int r;
    static struct shared s;
    ok(await_lock_acquire(&s.lock));
    await_group (r, g) {
        s.group = g;
        s.task = async_group_create_task(g, nothing());
        ok(pthread_create(&t, NULL, intrudes, &s));
        ok(pthread_join(t, NULL));
    }
    ok(r);
    const char *said = heard();
    is(s.results[0], 0);
    has_text(said, "from a thread that does not run its loop");
    is(s.results[1], -EPERM);
    has_text(said, "releases a lock that it does not hold");
    is(s.results[2], -EPERM);
    has_text(said, "await_task() outside of a task");
    is(s.results[3], -EPERM);
    has_text(said, "async_spawn() outside of a task");
    is(s.results[4], 1);
    has_text(said, "async_create_task() outside of a task");
    is(s.results[5], -EPERM);
    has_text(said, "async_group_cancel() of a group of another thread's loop");
    is(s.results[6], 1);
    has_text(said, "on a thread without a loop");
    is(s.results[7], 0);
    is_trail("");
    return async_lock_release(&s.lock);
}

/* --- Ctrl-C, whose handler any thread may run --- */

static atomic_bool enough;
static void (*_Atomic on_interrupt)(int signal);

static void (*handler_now(void))(int)
{
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    return now.sa_handler;
}

/* As if the signal came to this thread at the worst time. What the handler raises stays pending here. The thread sanitizer's
 * sigaction() may tell half of an old address and half of a new one: enough to see whether there is a handler. */
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

/* Whenever it comes, main ends by it or does not; nothing is written to a descriptor that is another one's by now. */
START_TEST(interrupt_while_the_loop_closes)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    signal(SIGINT, SIG_DFL); /* Check has a handler of its own */
    ok(pthread_sigmask(SIG_BLOCK, &set, NULL));
    pthread_t thread;
    ok(pthread_create(&thread, NULL, interrupts, NULL));
    for (int i = 0; i < 300; i++) {
        int r = async_main(turns(i % 3)), fds[3];
        ck_assert_msg(r == 0 || r == 130, "round %d: %d", i, r);
        for (int k = 0; k < 3; k++)
            fds[k] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        for (int k = 0; k < 3; k++) {
            uint64_t value;
            is(read(fds[k], &value, sizeof value), -1);
            close(fds[k]);
        }
    }
    atomic_store(&enough, true);
    ok(pthread_join(thread, NULL));
}
END_TEST

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
        ok(async_local_set(number, i));
        ok(async_local_set(other, i));
        is(async_local_get(number), i);
        ok(async_run(async_sleep(0))); /* inherits them */
    }
    is(async_set_allocator(NULL), -EBUSY);
    return NULL;
}

START_TEST(locals_go_with_their_thread)
{
    const async_allocator a = { count_malloc, count_realloc, count_free, NULL };
    ok(async_set_allocator(&a));
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        ok(pthread_create(&thread, NULL, sets_outside, NULL));
        ok(pthread_join(thread, NULL));
        is(atomic_load(&live), 0);
    }
    is(async_local_get(number), 1);
    ok(async_set_allocator(NULL));
}
END_TEST

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
    is(await_event_wait(&bound.event), -EPERM);
    async_event_set(&bound.event);
    async_event_clear(&bound.event);
    is(await_semaphore_acquire(&bound.semaphore), -EPERM);
    is(async_semaphore_release(&bound.semaphore), -EPERM);
    is(await_future(&bound.future), -EPERM);
    is(async_future_set_result(&bound.future, 1), -EPERM);
    is_false(async_future_cancel(&bound.future));
    is(await_barrier_wait(&bound.barrier), -EPERM);
    async_barrier_abort(&bound.barrier);
    async_barrier_reset(&bound.barrier);
    is(await_lock_acquire(&bound.lock), -EPERM);
    is(async_lock_release(&bound.lock), -EPERM);
    is(await_queue_get(&bound.queue, &item), -EPERM);
    is(await_queue_put(&bound.queue, 1), -EPERM);
    is(async_queue_get_nowait(&bound.queue, &item), -EPERM);
    is(await_queue_join(&bound.queue), -EPERM);
    is(async_queue_task_done(&bound.queue), -EPERM);
    async_queue_shutdown(&bound.queue, true);
    return 0;
}

static void *uses_them_elsewhere(void *home)
{
    ok(async_run(uses_them()));
    async_event_set(&bound.event); /* nor on a thread without a loop */
    is(async_future_set_result(&bound.future, 1), -EPERM);
    ok(async_call_soon_threadsafe(home, sets, &bound.seen));
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

CASE(objects_of_another_loop)
{
    pthread_t t;
    int r, results[5];
    ok(await_lock_acquire(&bound.lock));
    await_group (r, g) {
        async_task *tasks[] = { async_group_create_task(g, waits_event()),
                                async_group_create_task(g, waits_semaphore()),
                                async_group_create_task(g, waits_future()),
                                async_group_create_task(g, waits_item()),
                                async_group_create_task(g, waits_barrier()) };
        ok(await_sleep(0));
        ok(pthread_create(&t, NULL, uses_them_elsewhere, async_get_running_loop()));
        ok(await_event_wait(&bound.seen));
        ok(pthread_join(t, NULL));
        const char *said = heard();
        has_text(said, "task \"uses_them\" uses an event that belongs to another thread's loop");
        has_text(said, "task \"uses_them\" uses a semaphore that belongs to another");
        has_text(said, "task \"uses_them\" uses a future that belongs to another");
        has_text(said, "task \"uses_them\" uses a queue that belongs to another");
        has_text(said, "task \"uses_them\" uses a barrier that belongs to another");
        has_text(said, "task \"uses_them\" uses a lock that belongs to another");
        has_text(said, "a thread uses an event that belongs to another thread's loop");
        for (int i = 0; i < 5; i++)
            is_false(async_task_done(tasks[i]));
        async_event_set(&bound.event);
        ok(async_semaphore_release(&bound.semaphore));
        ok(async_future_set_result(&bound.future, 6));
        ok(await_queue_put(&bound.queue, 7));
        is(await_barrier_wait(&bound.barrier), 1);
        for (int i = 0; i < 5; i++)
            results[i] = await_task(tasks[i]);
    }
    ok(r);
    ok(results[0]);
    ok(results[1]);
    is(results[2], 6);
    is(results[3], 7);
    ok(results[4]);
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

START_TEST(objects_outlive_their_loop)
{
    for (int i = 0; i < 3; i++) {
        ok(async_semaphore_release(&bound.semaphore)); /* no loop has it */
        is(async_run(prepared()), 1);
    }
}
END_TEST

SUITE("threads", interrupt_while_the_loop_closes, locals_go_with_their_thread, several_loops,
      foreign_thread, objects_of_another_loop, objects_outlive_their_loop)
