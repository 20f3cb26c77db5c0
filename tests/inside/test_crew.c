/* SPDX-License-Identifier: MIT */
/* Every order in which a loop and two workers can meet in the line of jobs and at the gate, up to so many preemptions.
 *
 * The two files are compiled into this one, with atomics, mutexes and system calls that first ask a scheduler who goes
 * on. Actors are contexts on one thread. A run is a list of choices; the next run is the next list, until there is none. In
 * each, every job must be done once or be taken back, and nobody may be left waiting. */
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "scheduler.h"

#include "loop/loop.h"
#include "pool/crew.h"

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
#include "pool/crew.c"

/* --- the system --- */

static int no_thread_left;

static int model_thread(void *(*fn)(void *arg), void *arg)
{
    step();
    if (no_thread_left && choose(2))
        return EAGAIN;
    add_actor(fn, arg);
    return 0;
}

/* A worker that may rest for too long is one that the scheduler picks while it sleeps. */
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

void async__context_unref(struct context *n)
{
    must(!n); /* nobody sets any here */
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
    ck_abort_msg("said: %s", fmt);
}

/* --- what the loop does --- */

enum { JOBS = 3 };

static struct job jobs[JOBS];
static int worked[JOBS], count, done_count, take_back; /* take_back: which; -1: none */
static int together;                                   /* how many are put at once */

static void work_once(struct job *j)
{
    worked[j - jobs]++;
    step();
}

void async__job_done(struct job *j)
{
    must(!j->done);
    j->done = true;
    done_count++;
}

/* From the i-th on; how many of them will be done. */
static int put_some(struct crew *c, int i)
{
    struct jobs list = { NULL, NULL };
    int wanted = 0;
    for (; wanted < together && i < count; wanted++, i++) {
        jobs[i] = (struct job){ .work = work_once };
        jobs_append(&list, &jobs[i]);
    }
    int r = async__crew_put(c, &list);
    must(r < 0 ? list.first != NULL : list.first == NULL);
    for (const struct job *j = list.first; j; j = j->next)
        wanted--;
    return wanted;
}

static void *loop_actor(void *arg)
{
    struct loop l = { 0 };
    (void)arg;
    must(async__handle_open(&l.handle) == 0);
    struct crew *c = async__crew_open(l.handle, 2);
    int wanted = 0;
    for (int i = 0; i < count; i += together) {
        wanted += put_some(c, i);
        if (take_back >= i && take_back < i + together && jobs[take_back].queued)
            wanted -= async__crew_take_back(c, &jobs[take_back]);
    }
    while (done_count < wanted) {
        bool more = async__handle_run_posts(l.handle);
        if (done_count == wanted || more)
            continue;
        step();
        while (!event)
            wait_at(AT_EVENT, &event);
        event = false;
    }
    async__handle_close(l.handle);
    async__crew_close(c, 0, true);
    return NULL;
}

static void one_run(void)
{
    run.depth = run.preemptions = done_count = 0;
    event = false;
    memset(worked, 0, sizeof worked);
    for (int i = 0; i < ACTORS; i++)
        actors[i].state = ABSENT;
    memset(held, 0, sizeof held);
    add_actor(loop_actor, NULL);
    now_at = 0;
    swapcontext(&outside, &actors[0].context);
    for (int i = 0; i < count; i++)
        must(worked[i] == jobs[i].done);
    runs++;
}

static void every_order(int n, int at_once, int back, int preemptions, bool timeouts, int threadless)
{
    memset(&run, 0, sizeof run);
    runs = 0;
    count = n;
    together = at_once;
    take_back = back;
    run.most = UNDER_VALGRIND ? 1 : preemptions;
    run.timeouts = timeouts;
    no_thread_left = threadless;
    do
        one_run();
    while (next_list());
    must(runs > 10);
    printf("# %d jobs: %ld orders\n", n, runs);
}

START_TEST(two_jobs)
{
    every_order(2, 1, -1, 3, false, 0);
}
END_TEST

START_TEST(three_jobs)
{
    every_order(3, 1, -1, 2, false, 0);
}
END_TEST

START_TEST(one_that_is_taken_back)
{
    every_order(2, 1, 1, 2, false, 0);
}
END_TEST

START_TEST(workers_that_rest_too_long)
{
    every_order(2, 1, -1, 2, true, 0);
}
END_TEST

START_TEST(threads_that_cannot_be_made)
{
    every_order(3, 1, -1, 1, false, 1);
}
END_TEST

START_TEST(jobs_that_are_put_together)
{
    every_order(3, 3, -1, 2, false, 0);
    every_order(3, 2, 1, 2, false, 0);
}
END_TEST

START_TEST(jobs_put_together_for_which_no_thread_can_be_made)
{
    every_order(3, 3, -1, 2, false, 1);
    every_order(3, 2, -1, 1, false, 1);
}
END_TEST

SUITE("crew", jobs_that_are_put_together, jobs_put_together_for_which_no_thread_can_be_made, two_jobs,
      three_jobs, one_that_is_taken_back, workers_that_rest_too_long, threads_that_cannot_be_made)
