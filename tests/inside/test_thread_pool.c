/* SPDX-License-Identifier: MIT */
/* Every order in which a loop and its worker threads can meet in a thread pool and in the handle of
 * the loop, up to a number of preemptions.
 *
 * The files under test are compiled into this one, with atomics, mutexes and system calls that call
 * the scheduler first. In each order every job must be done once or be taken back, and no thread
 * may wait for ever. */
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "scheduler.h"

#include "loop/loop.h"
#include "pool/thread_pool.h"

#define IN_ORDER memory_order_seq_cst
#undef atomic_load
#undef atomic_store
#undef atomic_exchange
#undef atomic_compare_exchange_weak
#undef atomic_compare_exchange_strong
#undef atomic_fetch_add
#undef atomic_fetch_sub
#define atomic_load(p)         (step(), atomic_load_explicit((p), IN_ORDER))
#define atomic_store(p, v)     (step(), atomic_store_explicit((p), (v), IN_ORDER))
#define atomic_exchange(p, v)  (step(), atomic_exchange_explicit((p), (v), IN_ORDER))
#define atomic_fetch_add(p, v) (step(), atomic_fetch_add_explicit((p), (v), IN_ORDER))
#define atomic_fetch_sub(p, v) (step(), atomic_fetch_sub_explicit((p), (v), IN_ORDER))
#define exchanged(p, e, v)                                                                         \
    (step(), atomic_compare_exchange_strong_explicit((p), (e), (v), IN_ORDER, IN_ORDER))
#define atomic_compare_exchange_weak   exchanged
#define atomic_compare_exchange_strong exchanged
#define pthread_mutex_lock             model_lock
#define pthread_mutex_unlock           model_unlock
#define sched_yield                    model_yield

#include "loop/handle.c"
#include "pool/thread_pool.c"
#include "pool/thread_worker.c"

/* --- system calls --- */

static int no_thread_left;

static int model_thread(void *(*fn)(void *arg), void *arg)
{
    step();
    if (no_thread_left && choose(2))
        return EAGAIN;
    add_actor(fn, arg);
    return 0;
}

/* If timeouts are explored, a worker that the scheduler picks while it sleeps has been idle for too
 * long. */
static int model_wait(atomic_uint *word, unsigned expected, int64_t timeout)
{
    (void)timeout;
    step();
    errno = EAGAIN;
    if (atomic_load_explicit(word, IN_ORDER) != expected)
        return -1;
    wait_at(AT_FUTEX, word);
    errno = ETIMEDOUT;
    return actors[now_at].at ? -1 : 0;
}

static int model_wake(atomic_uint *word, int n)
{
    (void)n;
    step();
    for (int i = 0; i < ACTORS; i++)
        if (actors[i].state == AT_FUTEX && actors[i].at == word) {
            actors[i].state = ABLE;
            actors[i].at = NULL;
        }
    return 0;
}

static ssize_t model_write(int fd, const void *buf, size_t size)
{
    (void)fd, (void)buf;
    step();
    event = true;
    let_go_on(AT_EVENT, &event);
    return (ssize_t)size;
}

static int model_eventfd(void)
{
    return 3;
}

static int model_close(int fd)
{
    (void)fd;
    return 0;
}

static int64_t model_clock(void)
{
    return 0;
}

struct async_sys async__sys = { .thread = model_thread,
                                .futex_wait = model_wait,
                                .futex_wake = model_wake,
                                .write = model_write,
                                .eventfd = model_eventfd,
                                .close = model_close,
                                .clock = model_clock };
_Thread_local struct loop *async__loop;
_Thread_local struct thread_context async__thread_context;
unsigned async__fork_generation;

void async__context_unref(struct context *n)
{
    expect_true(!n); /* no test here sets task-local variables */
}

void *async__malloc(size_t size)
{
    return malloc(size);
}

void *async__calloc(size_t n, size_t size)
{
    return calloc(n, size);
}

void async__free(void *p)
{
    free(p);
}

static int holds;

void async__alloc_hold(int change)
{
    holds += change;
}

void async__warn(const char *fmt, ...)
{
    fail_test("warned: %s", fmt);
}

/* --- the loop --- */

enum { JOBS = 3 };

static struct job jobs[JOBS];
static int worked[JOBS], count, done_count;

/* One exploration. */
static struct plan {
    int jobs, together; /* how many jobs; how many of them are queued at once, 0: one */
    int take_back;      /* the job that the loop tries to take back, 1 for the first; 0: none */
    int preemptions;
    bool timeouts, threads_fail; /* threads may be idle for too long; may fail to start */
    int stuck; /* so many jobs, the first ones, end only after all others; the loop abandons them */
    unsigned max_threads, max_abandoned;
} plan;

static bool released; /* jobs that are stuck may end */

static void work_once(struct job *j)
{
    worked[j - jobs]++;
    let_go_on(AT_EVENT, &worked);
    step();
    while (j - jobs < plan.stuck && !released)
        wait_at(AT_EVENT, &released);
}

static void finish_once(struct job *j)
{
    expect_true(!j->done);
    j->done = true;
    done_count++;
}

/* Queue the next jobs, beginning with the i-th. Returns how many of them will be done. */
static int put_jobs(struct thread_pool *p, int i)
{
    struct job_list list = { NULL, NULL };
    int wanted = 0;
    for (; wanted < plan.together && i < count; wanted++, i++) {
        jobs[i] = (struct job){ .work = work_once };
        job_list_append(&list, &jobs[i]);
    }
    int r = async__thread_pool_put(p, &list);
    expect_true(r < 0 ? list.first != NULL : list.first == NULL);
    for (const struct job *j = list.first; j; j = j->next)
        wanted--;
    return wanted;
}

/* Wait until the i-th job has begun, then abandon it. */
static void abandon_job(struct thread_pool *p, int i)
{
    while (!worked[i])
        wait_at(AT_EVENT, &worked);
    async__thread_pool_abandon(p, &jobs[i]);
}

/* Run posts until so many jobs have been finished. */
static void run_until(struct loop *l, int wanted)
{
    while (done_count < wanted) {
        bool more = async__handle_run_posts(l->handle);
        if (done_count >= wanted || more)
            continue;
        step();
        while (!event)
            wait_at(AT_EVENT, &event);
        event = false;
    }
}

static void *loop_actor(void *arg)
{
    struct loop l = { 0 };
    struct thread_pool_opts opts = { plan.max_threads, plan.max_abandoned, NULL, finish_once };
    (void)arg;
    expect_true(async__handle_open(&l.handle) == 0);
    struct thread_pool *p = async__thread_pool_open(l.handle, &opts);
    int wanted = 0;
    for (int i = 0; i < count; i += plan.together) {
        wanted += put_jobs(p, i);
        int back = plan.take_back - 1;
        if (back >= i && back < i + plan.together && jobs[back].queued)
            wanted -= async__thread_pool_take_back(p, &jobs[back]);
        if (i < plan.stuck)
            abandon_job(p, i);
    }
    run_until(&l, wanted - plan.stuck);
    released = true;
    let_go_on(AT_EVENT, &released);
    run_until(&l, wanted);
    expect_true(p->running <= plan.max_threads && p->abandoned == 0);
    async__handle_close(l.handle);
    async__thread_pool_close(p, 0, true);
    return NULL;
}

static void one_run(void)
{
    run.depth = run.preemptions = done_count = 0;
    event = released = false;
    memset(worked, 0, sizeof worked);
    for (int i = 0; i < ACTORS; i++)
        actors[i].state = ABSENT;
    memset(held, 0, sizeof held);
    add_actor(loop_actor, NULL);
    now_at = 0;
    swapcontext(&outside, &actors[0].context);
    for (int i = 0; i < count; i++)
        expect_true(worked[i] == jobs[i].done);
    runs++;
}

static void explore(struct plan p)
{
    memset(&run, 0, sizeof run);
    runs = 0;
    plan = p;
    plan.max_threads = p.max_threads ? p.max_threads : 2;
    plan.together = p.together ? p.together : 1;
    count = p.jobs;
    run.most = UNDER_VALGRIND ? 1 : p.preemptions;
    run.timeouts = p.timeouts;
    no_thread_left = p.threads_fail;
    do
        one_run();
    while (next_list());
    expect_true(runs > 10);
    printf("# %d jobs: %ld orders\n", count, runs);
}

#define EXPLORE(...) explore((struct plan){ __VA_ARGS__ })

TEST(two_jobs_are_done_once_in_every_order)
{
    EXPLORE(.jobs = 2, .preemptions = 3);
}

TEST(three_jobs_are_done_once_in_every_order)
{
    EXPLORE(.jobs = 3, .preemptions = 2);
}

TEST(job_that_is_taken_back_is_not_done)
{
    EXPLORE(.jobs = 2, .take_back = 2, .preemptions = 2);
}

TEST(worker_that_stops_waiting_loses_no_job)
{
    EXPLORE(.jobs = 2, .preemptions = 2, .timeouts = true);
}

TEST(thread_that_cannot_be_started_loses_no_job)
{
    EXPLORE(.jobs = 3, .preemptions = 1, .threads_fail = true);
}

TEST(jobs_queued_together_are_done_once)
{
    EXPLORE(.jobs = 3, .together = 3, .preemptions = 2);
    EXPLORE(.jobs = 3, .together = 2, .take_back = 2, .preemptions = 2);
}

TEST(jobs_queued_together_without_threads_come_back)
{
    EXPLORE(.jobs = 3, .together = 3, .preemptions = 2, .threads_fail = true);
    EXPLORE(.jobs = 3, .together = 2, .preemptions = 1, .threads_fail = true);
}

TEST(abandoned_job_that_is_stuck_blocks_no_other)
{
    EXPLORE(.jobs = 2, .stuck = 1, .max_threads = 1, .max_abandoned = 1, .preemptions = 2);
    EXPLORE(.jobs = 2, .together = 2, .stuck = 1, .max_threads = 1, .max_abandoned = 1,
            .preemptions = 2);
    EXPLORE(.jobs = 3, .together = 3, .stuck = 1, .max_threads = 1, .max_abandoned = 1,
            .preemptions = 1);
    EXPLORE(.jobs = 3, .stuck = 1, .max_threads = 1, .max_abandoned = 1, .preemptions = 2);
    EXPLORE(.jobs = 3, .stuck = 2, .max_threads = 1, .max_abandoned = 2, .preemptions = 1);
}

TEST(abandoned_job_beside_idle_workers_that_stop_waiting)
{
    EXPLORE(.jobs = 2, .stuck = 1, .max_threads = 1, .max_abandoned = 1, .preemptions = 2,
            .timeouts = true);
}

SUITE("thread pool", jobs_queued_together_are_done_once,
      jobs_queued_together_without_threads_come_back, two_jobs_are_done_once_in_every_order,
      three_jobs_are_done_once_in_every_order, job_that_is_taken_back_is_not_done,
      worker_that_stops_waiting_loses_no_job, thread_that_cannot_be_started_loses_no_job,
      abandoned_job_that_is_stuck_blocks_no_other,
      abandoned_job_beside_idle_workers_that_stop_waiting)
