/* SPDX-License-Identifier: MIT */
/* Watches: called as long as their descriptor is ready, and not for a former owner of its
 * number. */
#include "net.h"

#include <poll.h>
#include <limits.h>
#include <pthread.h>

static int pipe_fds[2];

static void open_pipe(void)
{
    expect_ok(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK));
}

static void put(int fd)
{
    expect_int(write(fd, "x", 1), 1);
}

/* The table of descriptors does not grow for a number that is none. */
LOOP_TEST(absurd_descriptor_is_refused)
{
    async_watch w;
    expect_int(async_watch_start(&w, 1 << 29, POLLIN, NULL, NULL), -EBADF);
    expect_int(async_watch_start(&w, INT_MAX, POLLIN, NULL, NULL), -EBADF);
    async_watch_stop(&w);
    return 0;
}

struct watched {
    async_watch watch;
    async_event happened;
    int calls, limit, events;
};

static void on_events(void *arg, int events)
{
    struct watched *w = arg;
    w->events = events;
    expect_true(async_current_task() == NULL);
    if (++w->calls == w->limit) {
        async_watch_stop(&w->watch);
        async_event_set(&w->happened);
    }
}

/* Called as long as it is ready, not each time when it becomes so. */
LOOP_TEST(watch_calls_again_while_bytes_are_left)
{
    open_pipe();
    struct watched w = { .limit = 5 };
    expect_ok(async_watch_start(&w.watch, pipe_fds[0], POLLIN, on_events, &w));
    expect_int(await_fd_ready(pipe_fds[0], POLLIN), -EBUSY);
    struct watched v = { 0 };
    expect_int(async_watch_start(&v.watch, pipe_fds[0], POLLIN, on_events, &v), -EBUSY);
    put(pipe_fds[1]);
    expect_ok(await_event_wait(&w.happened));
    expect_int(w.calls, 5);
    expect_int(w.events, POLLIN);
    expect_ok(await_sleep(1));
    expect_int(w.calls, 5); /* stopped */
    expect_int(await_fd_ready(pipe_fds[0], POLLIN), POLLIN);
    expect_ok(async_fd_close(pipe_fds[1]));
    return async_fd_close(pipe_fds[0]);
}

LOOP_TEST(changed_watch_calls_for_the_new_events)
{
    open_pipe();
    struct watched w = { .limit = 1 };
    put(pipe_fds[1]);
    expect_ok(async_watch_start(&w.watch, pipe_fds[0], 0, on_events, &w));
    expect_ok(await_sleep(1));
    expect_int(w.calls, 0); /* none at the moment */
    expect_ok(async_watch_change(&w.watch, 0));
    expect_ok(async_watch_change(&w.watch, POLLIN));
    expect_ok(await_event_wait(&w.happened));
    expect_int(w.calls, 1);
    expect_int(async_watch_change(&w.watch, POLLIN), -EINVAL); /* it was stopped */
    async_watch_stop(&w.watch);
    expect_ok(async_fd_close(pipe_fds[1]));
    return async_fd_close(pipe_fds[0]);
}

/* Hang-up comes unasked. */
LOOP_TEST(hangup_is_reported_to_a_watch)
{
    open_pipe();
    struct watched w = { .limit = 1 };
    expect_ok(async_watch_start(&w.watch, pipe_fds[0], 0, on_events, &w));
    close(pipe_fds[1]);
    expect_ok(await_event_wait(&w.happened));
    expect_int(w.events, POLLHUP);
    return async_fd_close(pipe_fds[0]);
}

struct twins {
    async_watch a, b;
    int calls;
    async_event happened;
};

static void stops_both(void *arg, int events)
{
    struct twins *t = arg;
    (void)events;
    t->calls++;
    async_watch_stop(&t->a);
    async_watch_stop(&t->b);
    async_event_set(&t->happened);
}

/* Stopped: not called again, not even for what is ready by now. */
LOOP_TEST(watch_stopped_by_another_watch_is_not_called)
{
    int other[2];
    struct twins t = { 0 };
    open_pipe();
    expect_ok(pipe2(other, O_CLOEXEC));
    put(pipe_fds[1]);
    put(other[1]);
    expect_ok(async_watch_start(&t.a, pipe_fds[0], POLLIN, stops_both, &t));
    expect_ok(async_watch_start(&t.b, other[0], POLLIN, stops_both, &t));
    expect_ok(await_event_wait(&t.happened));
    expect_ok(await_sleep(1));
    expect_int(t.calls, 1);
    for (int i = 0; i < 2; i++) {
        close(other[i]);
        close(pipe_fds[i]);
    }
    return 0;
}

struct swap {
    async_watch first, second, fresh;
    int fds[2], calls, fresh_calls, used;
    async_event happened;
};

static void on_fresh(void *arg, int events)
{
    (void)events;
    ((struct swap *)arg)->fresh_calls++;
}

/* The watch that is called first closes the descriptor of the other, and opens its number anew. */
static void swaps(struct swap *s, async_watch *other)
{
    s->calls++;
    s->used = other->fd;
    async_watch_stop(&s->first);
    async_watch_stop(&s->second);
    close(s->used);
    expect_ok(pipe2(s->fds, O_CLOEXEC));
    expect_int(s->fds[0], s->used);
    expect_ok(async_watch_start(&s->fresh, s->fds[0], POLLIN, on_fresh, s));
    async_event_set(&s->happened);
}

static void on_first(void *arg, int events)
{
    (void)events;
    swaps(arg, &((struct swap *)arg)->second);
}

static void on_second(void *arg, int events)
{
    (void)events;
    swaps(arg, &((struct swap *)arg)->first);
}

static void on_ready(void *arg, int events)
{
    (void)events;
    async_event_set(arg);
}

ASYNC_DEF(waits, (int)fd)
{
    return await_fd_ready(fd, POLLIN);
}

/* A cancelled task that has not run yet, when its descriptor is closed and the number watched by
 * another one. */
LOOP_TEST(number_of_a_cancelled_wait_can_be_watched)
{
    int r, used;
    async_watch w;
    async_event ready = { 0 };
    open_pipe();
    used = pipe_fds[0];
    await_task_auto t = async_create_task(waits(used));
    expect_ok(await_sleep(0));
    expect_true(async_task_cancel(t));
    expect_ok(async_fd_close(used));
    close(pipe_fds[1]);
    open_pipe();
    expect_int(pipe_fds[0], used);
    expect_ok(async_watch_start(&w, used, POLLIN, on_ready, &ready));
    expect_int(await_task(t), -ECANCELED);
    put(pipe_fds[1]);
    await_timeout (r, 5)
        r = await_event_wait(&ready);
    async_watch_stop(&w);
    return r;
}

/* What the kernel said of a former owner of the number, in the same batch, is not told to the new
 * one. */
LOOP_TEST(number_used_again_in_one_batch_gets_no_old_event)
{
    int other[2];
    struct swap s = { 0 };
    open_pipe();
    expect_ok(pipe2(other, O_CLOEXEC));
    put(pipe_fds[1]);
    put(other[1]);
    expect_ok(async_watch_start(&s.first, pipe_fds[0], POLLIN, on_first, &s));
    expect_ok(async_watch_start(&s.second, other[0], POLLIN, on_second, &s));
    expect_ok(await_event_wait(&s.happened));
    expect_ok(await_sleep(1));
    expect_int(s.calls, 1);
    expect_int(s.fresh_calls, 0);
    async_watch_stop(&s.fresh);
    close(s.fds[0]);
    close(s.fds[1]);
    close(s.used == pipe_fds[0] ? other[0] : pipe_fds[0]);
    close(pipe_fds[1]);
    close(other[1]);
    return 0;
}

/* Events 0 means silence, also of a peer that has hung up. */
LOOP_TEST(watch_for_nothing_is_silent_after_a_hangup)
{
    open_pipe();
    struct watched w = { .limit = -1 };
    expect_ok(async_watch_start(&w.watch, pipe_fds[0], POLLIN, on_events, &w));
    expect_ok(async_watch_change(&w.watch, 0));
    close(pipe_fds[1]);
    for (int i = 0; i < 200; i++)
        expect_ok(await_sleep(0));
    expect_int(w.calls, 0);
    expect_ok(async_watch_change(&w.watch, POLLIN));
    for (int i = 0; i < 200 && w.calls == 0; i++)
        expect_ok(await_sleep(0));
    expect_true(w.calls > 0);
    async_watch_stop(&w.watch);
    close(pipe_fds[0]);
    return 0;
}

/* POLLHUP means: nothing but the end, whatever there is to read. */
LOOP_TEST(watch_for_hangup_is_called_only_at_the_end)
{
    open_pipe();
    struct watched w = { .limit = 1 };
    put(pipe_fds[1]);
    expect_ok(async_watch_start(&w.watch, pipe_fds[0], POLLIN, on_events, &w));
    expect_ok(async_watch_change(&w.watch, POLLHUP));
    for (int i = 0; i < 200; i++)
        expect_ok(await_sleep(0));
    expect_int(w.calls, 0);
    close(pipe_fds[1]);
    expect_ok(await_event_wait(&w.happened));
    expect_int(w.events, POLLHUP);
    return async_fd_close(pipe_fds[0]);
}

static void counts_calls(void *arg, int events)
{
    int *calls = arg;
    char c;
    (void)events;
    expect_int(read(pipe_fds[0], &c, 1), 1);
    ++*calls;
}

LOOP_TEST(start_of_an_active_watch_is_refused_and_leaves_it_as_it_is)
{
    int calls = 0;
    async_watch *w = malloc(sizeof *w);
    open_pipe();
    expect_ok(async_watch_start(w, pipe_fds[0], POLLIN, counts_calls, &calls));
    expect_int(async_watch_start(w, pipe_fds[0], POLLIN, NULL, NULL), -EBUSY);
    put(pipe_fds[1]);
    expect_ok(await_sleep(1));
    expect_int(calls, 1);
    async_watch_stop(w);
    free(w);
    put(pipe_fds[1]);
    expect_ok(await_sleep(1));
    expect_int(calls, 1);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return 0;
}

static async_watch left_watch;
static int left_calls;

ASYNC_DEF(leaves_a_watch)
{
    open_pipe();
    return async_watch_start(&left_watch, pipe_fds[0], POLLIN, counts_calls, &left_calls);
}

ASYNC_DEF(stops_the_watch_in_a_loop_of_its_own)
{
    async_watch_stop(&left_watch);
    return 0;
}

ASYNC_DEF(changes_the_watch_in_a_loop_of_its_own)
{
    return async_watch_change(&left_watch, POLLOUT);
}

/* Its loop has closed, so there is nothing to stop but the watch itself. */
TEST(watch_is_stopped_after_its_loop_has_closed)
{
    for (int in_another_loop = 0; in_another_loop < 2; in_another_loop++) {
        capture_stderr_begin();
        expect_ok(async_run(leaves_a_watch(), .virtual_clock = true));
        captured_stderr();
        if (in_another_loop) {
            async_co change = changes_the_watch_in_a_loop_of_its_own();
            expect_int(async_run(change, .virtual_clock = true), -EINVAL);
            expect_ok(async_run(stops_the_watch_in_a_loop_of_its_own(), .virtual_clock = true));
        } else {
            async_watch_stop(&left_watch);
        }
        expect_text(captured_stderr(), "");
        expect_false(left_watch.active);
        capture_stderr_end();
        close(pipe_fds[0]);
        close(pipe_fds[1]);
    }
}

static void *stops_on_another_thread(void *arg)
{
    (void)arg;
    async_ignore(async_run(changes_the_watch_in_a_loop_of_its_own(), .virtual_clock = true));
    expect_contains(captured_stderr(), "async_watch_change() of a watch of another thread's loop");
    async_ignore(async_run(stops_the_watch_in_a_loop_of_its_own(), .virtual_clock = true));
    return NULL;
}

LOOP_TEST(stop_in_another_threads_loop_is_refused_with_a_message)
{
    pthread_t thread;
    open_pipe();
    expect_ok(async_watch_start(&left_watch, pipe_fds[0], POLLIN, counts_calls, &left_calls));
    expect_ok(pthread_create(&thread, NULL, stops_on_another_thread, NULL));
    expect_ok(pthread_join(thread, NULL));
    expect_contains(captured_stderr(), "async_watch_stop() of a watch of another thread's loop");
    expect_true(left_watch.active);
    left_calls = 0;
    put(pipe_fds[1]);
    expect_ok(await_sleep(1));
    expect_int(left_calls, 1);
    async_watch_stop(&left_watch);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return 0;
}

ASYNC_DEF(waits_to_write, (int)fd)
{
    return await_fd_ready(fd, POLLOUT);
}

LOOP_TEST(descriptor_that_task_waits_to_write_cannot_be_watched)
{
    static char much[1 << 16];
    async_watch w = { 0 };
    open_pipe();
    while (write(pipe_fds[1], much, sizeof much) > 0)
        ;
    await_task_auto t = async_create_task(waits_to_write(pipe_fds[1]));
    expect_ok(await_sleep(0));
    expect_int(async_watch_start(&w, pipe_fds[1], POLLOUT, counts_calls, NULL), -EBUSY);
    expect_true(async_task_cancel(t));
    expect_int(await_task(t), -ECANCELED);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return 0;
}

LOOP_TEST(change_of_watch_whose_descriptor_is_closed_fails)
{
    async_watch w = { 0 };
    int calls = 0;
    open_pipe();
    expect_ok(async_watch_start(&w, pipe_fds[0], POLLIN, counts_calls, &calls));
    close(pipe_fds[0]);
    expect_int(async_watch_change(&w, POLLIN | POLLPRI), -EBADF);
    async_watch_stop(&w);
    close(pipe_fds[1]);
    return 0;
}

ASYNC_DEF(reads_a_byte, (async_stream *)s)
{
    char c;
    return (int)await_stream_read(s, &c, 1);
}

/* The number belongs to the stream then, and a task waits for that. */
REAL_LOOP_TEST(watch_stopped_after_stream_has_its_number_spares_stream)
{
    int port = 0, listener = plain_listen(&port, 1), calls = 0;
    async_watch w = { 0 }, other = { 0 };
    async_stream *s;
    open_pipe();
    expect_ok(async_watch_start(&w, pipe_fds[0], POLLIN, counts_calls, &calls));
    close(pipe_fds[0]);
    ASYNC_TRY(await_open_connection("127.0.0.1", text_of(port), &s));
    expect_int(async_watch_start(&other, pipe_fds[0], POLLIN, counts_calls, &calls), -EBUSY);
    int peer = accept(listener, NULL, NULL);
    await_task_auto t = async_create_task(reads_a_byte(s));
    expect_ok(await_sleep(0));
    async_watch_stop(&w);
    put(peer);
    expect_int(await_wait(&t, 1, ASYNC_ALL_COMPLETED, 10), 1);
    expect_int(async_task_result(t), 1);
    expect_ok(calls);
    async_stream_drop(&s);
    close(peer);
    close(listener);
    close(pipe_fds[1]);
    return 0;
}

REAL_LOOP_TEST(watch_changed_after_stream_has_its_number_spares_stream)
{
    int port = 0, listener = plain_listen(&port, 1), calls = 0;
    async_watch w = { 0 };
    async_stream *s;
    open_pipe();
    expect_ok(async_watch_start(&w, pipe_fds[0], POLLIN, counts_calls, &calls));
    close(pipe_fds[0]);
    ASYNC_TRY(await_open_connection("127.0.0.1", text_of(port), &s));
    int peer = accept(listener, NULL, NULL);
    await_task_auto t = async_create_task(reads_a_byte(s));
    expect_ok(await_sleep(0));
    expect_int(async_watch_change(&w, 0), -EBADF);
    put(peer);
    expect_int(await_wait(&t, 1, ASYNC_ALL_COMPLETED, 10), 1);
    expect_int(async_task_result(t), 1);
    async_watch_stop(&w);
    async_stream_drop(&s);
    close(peer);
    close(listener);
    close(pipe_fds[1]);
    return 0;
}

SUITE("watch", watch_changed_after_stream_has_its_number_spares_stream,
      absurd_descriptor_is_refused, watch_calls_again_while_bytes_are_left,
      changed_watch_calls_for_the_new_events, hangup_is_reported_to_a_watch,
      watch_stopped_by_another_watch_is_not_called,
      number_used_again_in_one_batch_gets_no_old_event, number_of_a_cancelled_wait_can_be_watched,
      watch_for_nothing_is_silent_after_a_hangup, watch_for_hangup_is_called_only_at_the_end,
      start_of_an_active_watch_is_refused_and_leaves_it_as_it_is,
      watch_is_stopped_after_its_loop_has_closed,
      stop_in_another_threads_loop_is_refused_with_a_message,
      descriptor_that_task_waits_to_write_cannot_be_watched,
      change_of_watch_whose_descriptor_is_closed_fails,
      watch_stopped_after_stream_has_its_number_spares_stream)
