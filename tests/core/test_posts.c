/* SPDX-License-Identifier: MIT */
/* Tests of posts from other threads: their order, and loops that are busy, closing or closed. Also
 * run under the thread sanitizer. */
#include "../frame/loop_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 4, POSTS = 2000 };

struct poster {
    pthread_t thread;
    async_loop *loop;
    async_event *done;
    int next, misplaced; /* the loop's thread only */
    atomic_int accepted, arrived;
};

struct post {
    struct poster *poster;
    int number;
};

static void arrives(void *arg)
{
    struct post *p = arg;
    if (p->number != p->poster->next++ || async_current_task())
        p->poster->misplaced++;
    atomic_fetch_add(&p->poster->arrived, 1);
    if (p->poster->next == POSTS && p->poster->done)
        async_event_set(p->poster->done);
    free(p);
}

static int post(struct poster *self, int i)
{
    struct post *p = malloc(sizeof *p);
    *p = (struct post){ self, i };
    int r = async_call_soon_threadsafe(self->loop, arrives, p);
    if (r < 0)
        free(p);
    return r;
}

static void *posts(void *arg)
{
    struct poster *self = arg;
    for (int i = 0; i < POSTS; i++)
        if (post(self, i) == 0)
            atomic_fetch_add(&self->accepted, 1);
    return NULL;
}

LOOP_TEST(posts_of_four_threads_arrive_in_order_of_each)
{
    static struct poster posters[THREADS];
    static async_event done[THREADS];
    for (int i = 0; i < THREADS; i++) {
        posters[i] = (struct poster){ .loop = async_get_running_loop(), .done = &done[i] };
        expect_ok(pthread_create(&posters[i].thread, NULL, posts, &posters[i]));
    }
    for (int i = 0; i < THREADS; i++) {
        expect_ok(await_event_wait(&done[i]));
        expect_ok(pthread_join(posters[i].thread, NULL));
        expect_ok(posters[i].misplaced);
        expect_int(posters[i].next, POSTS);
        expect_int(posters[i].accepted, POSTS);
    }
    return 0;
}

/* Tasks that yield for ever must not delay posts. */
ASYNC_DEF(spins, (const bool *)stop)
{
    while (!*stop)
        ASYNC_TRY(await_sleep(0));
    return 0;
}

LOOP_TEST(busy_loop_runs_posts)
{
    static struct poster p;
    static async_event done;
    bool stop = false;
    int r;
    p = (struct poster){ .loop = async_get_running_loop(), .done = &done };
    await_group (r, g) {
        async_spawn(g, spins(&stop));
        async_spawn(g, spins(&stop));
        expect_ok(pthread_create(&p.thread, NULL, posts, &p));
        expect_ok(await_event_wait(&done));
        stop = true;
    }
    expect_ok(r);
    expect_ok(pthread_join(p.thread, NULL));
    expect_ok(p.misplaced);
    return 0;
}

/* Posts from the loop's own thread that never stop must not starve tasks or timers. */
static atomic_bool enough;

static void posts_again(void *loop)
{
    if (!atomic_load(&enough))
        expect_ok(async_call_soon_threadsafe(loop, posts_again, loop));
}

LOOP_TEST(endless_posts_do_not_starve_tasks_and_timers)
{
    async_loop *l = async_get_running_loop();
    expect_ok(async_call_soon_threadsafe(l, posts_again, l));
    for (int i = 0; i < 100; i++)
        expect_ok(await_sleep(i % 2 ? 0 : 1));
    atomic_store(&enough, true);
    expect_ok(await_sleep(0));
    return 0;
}

/* Posted from the loop's own thread: never called inline. */
static void log_word(void *word)
{
    log_event("%s", (const char *)word);
}

LOOP_TEST(post_from_own_thread_is_never_called_inline)
{
    async_loop *l = async_get_running_loop();
    expect_ok(async_call_soon_threadsafe(l, log_word, (void *)"a"));
    expect_ok(async_call_soon_threadsafe(l, log_word, (void *)"b"));
    expect_events("");
    expect_ok(await_sleep(1));
    expect_events("a b");
    return 0;
}

/* A post that is made while many older ones are running, and a descriptor is waited for, must wake
 * the loop, too. */
static async_event last;

static void sets_last(void *arg)
{
    (void)arg;
    async_event_set(&last);
}

static void posts_the_last(void *loop)
{
    expect_ok(async_call_soon_threadsafe(loop, sets_last, NULL));
}

static void nothing_much(void *arg)
{
    (void)arg;
}

ASYNC_DEF(waits_for_the_last)
{
    return await_event_wait(&last);
}

LOOP_TEST(post_made_while_older_ones_run_wakes_loop)
{
    int r, fds[2];
    async_loop *l = async_get_running_loop();
    expect_ok(pipe2(fds, O_CLOEXEC));
    async_watch w;
    expect_ok(async_watch_start(&w, fds[0], 0, NULL, NULL));
    for (int n = 1; n < 300; n++) {
        async_event_clear(&last);
        expect_ok(async_call_soon_threadsafe(l, posts_the_last, l));
        for (int i = 1; i < n; i++)
            expect_ok(async_call_soon_threadsafe(l, nothing_much, NULL));
        r = await_wait_for(waits_for_the_last(), 5);
        expect_that(r == 0, "behind %d: %s", n, result_text(r));
    }
    async_watch_stop(&w);
    close(fds[0]);
    close(fds[1]);
    expect_time(0);
    return 0;
}

/* An accepted post is called, at the latest while the loop closes. A later one is refused. */
static struct poster late[THREADS];

static void *posts_until_refused(void *arg)
{
    struct poster *self = arg;
    for (int i = 0;; i++) {
        while (i - atomic_load(&self->arrived) > 1000)
            sched_yield();
        int r = post(self, i);
        if (r == -EPIPE)
            return NULL;
        if (r == 0)
            atomic_fetch_add(&self->accepted, 1);
    }
}

ASYNC_DEF(waits_for_some)
{
    for (int i = 0; i < THREADS; i++) {
        late[i] = (struct poster){ .loop = async_get_running_loop() };
        expect_ok(pthread_create(&late[i].thread, NULL, posts_until_refused, &late[i]));
    }
    for (int i = 0; i < THREADS; i++)
        while (late[i].next < 100)
            expect_ok(await_sleep(0));
    return 0;
}

TEST(posts_accepted_while_loop_closes_are_called)
{
    for (int round = 0; round < 5; round++) {
        expect_run_ok(waits_for_some());
        for (int i = 0; i < THREADS; i++) {
            expect_ok(pthread_join(late[i].thread, NULL));
            expect_ok(late[i].misplaced);
            expect_int(late[i].next, late[i].accepted);
            expect_int(async_call_soon_threadsafe(late[i].loop, log_word, NULL), -EPIPE);
        }
    }
}

static async_loop *former;

ASYNC_DEF(remember_loop, (bool)post_one)
{
    former = async_get_running_loop();
    if (post_one)
        expect_ok(async_call_soon_threadsafe(former, log_word, (void *)"called"));
    return 0;
}

TEST(closed_loop_refuses_posts)
{
    expect_run_ok(remember_loop(true));
    expect_events("called");
    expect_int(async_call_soon_threadsafe(former, log_word, (void *)"never"), -EPIPE);
    async_loop *first = former;
    expect_run_ok(remember_loop(false));
    expect_true(former != first); /* not yet used again */
    expect_int(async_call_soon_threadsafe(first, log_word, (void *)"never"), -EPIPE);
    expect_events("called");
}

static async_task *created_while_closing;

static void creates_a_task(void *arg ASYNC_UNUSED)
{
    created_while_closing = async_create_task(async_sleep(0), .name = "too late");
}

ASYNC_DEF(posts_and_returns)
{
    for (int i = 0; i < 3; i++)
        expect_ok(async_call_soon_threadsafe(async_get_running_loop(), creates_a_task, NULL));
    return 0;
}

/* The posts run while the loop closes, where tasks are refused. */
TEST(task_created_by_post_while_loop_closes_leaves_nothing)
{
    expect_run_ok(posts_and_returns());
}

/* The iteration that has run the post has expired its timers before, and must not wait. */
static async_callback overdue;

static void arms_an_overdue_callback(void *arg)
{
    (void)arg;
    async_call_at(&overdue, 0, sets_last, NULL);
}

ASYNC_DEF(waits_for_an_overdue_callback)
{
    async_loop *l = async_get_running_loop();
    for (int i = 0; i < 3; i++) { /* only the first post has to wake the loop by its descriptor */
        async_event_clear(&last);
        expect_ok(async_call_soon_threadsafe(l, arms_an_overdue_callback, NULL));
        expect_ok(await_event_wait(&last));
    }
    return 0;
}

LOOP_TEST(overdue_callback_armed_by_post_runs_without_delay)
{
    expect_ok(await_sleep(1));
    expect_ok(await_waits_for_an_overdue_callback());
    expect_time(1);
    return 0;
}

TEST(overdue_callback_armed_by_post_runs_by_real_clock)
{
    expect_ok(run_silently(waits_for_an_overdue_callback(), NULL));
}

SUITE("core-posts", task_created_by_post_while_loop_closes_leaves_nothing,
      posts_of_four_threads_arrive_in_order_of_each, busy_loop_runs_posts,
      endless_posts_do_not_starve_tasks_and_timers, post_from_own_thread_is_never_called_inline,
      post_made_while_older_ones_run_wakes_loop, posts_accepted_while_loop_closes_are_called,
      closed_loop_refuses_posts, overdue_callback_armed_by_post_runs_without_delay,
      overdue_callback_armed_by_post_runs_by_real_clock)
