/* SPDX-License-Identifier: MIT */
/* Tests that a sweep finds the mistakes that it is for: scenarios with one mistake each. The
 * mistake must be found, and the report must lead to it again. */
#include "sweep_test.h"

#include <signal.h>
#include <sys/wait.h>

/* --- cancel --- */

static int items_made, items_used, items_kept;

static void no_items(void *arg)
{
    (void)arg;
    items_made = items_used = items_kept = 0;
}

static const char *no_item_lost(void *arg, int result)
{
    (void)arg;
    (void)result;
    return items_made == items_used + items_kept ? NULL : "an item is lost";
}

static const struct async_sweep_opts items = { .before = no_items, .check = no_item_lost };

typedef async_queue_of(int, 1) int_queue;

ASYNC_DEF(makes, (int_queue *)q, (bool)careful)
{
    for (int i = 0; i < 3; i++) {
        items_made++;
        int r = await_queue_put(q, i);
        if (r < 0) {
            items_kept += careful;
            return r;
        }
    }
    return 0;
}

ASYNC_DEF(uses, (int_queue *)q)
{
    for (int i = 0, item; i < 3; i++) {
        ASYNC_TRY(await_queue_get(q, &item));
        items_used++;
    }
    return 0;
}

ASYNC_DEF(pipeline, (bool)careful)
{
    int_queue q = ASYNC_QUEUE(q);
    int r = await_gather(NULL, makes(&q, careful), uses(&q));
    items_kept += (int)async_queue_count(&q);
    return r;
}

TEST(item_lost_by_cancel_is_found)
{
    expect_sweep_finds(async_sweep_cancel_opt, pipeline(false), &items, "an item is lost");
    expect_sweep_passes(async_sweep_cancel_opt, pipeline(true), &items);
}

ASYNC_DEF(opens, (bool)careful)
{
    int fds[2], r;
    expect_ok(pipe2(fds, O_CLOEXEC));
    r = await_sleep(1);
    if (r < 0 && !careful)
        return r;
    close(fds[0]);
    close(fds[1]);
    return r;
}

TEST(descriptor_left_open_by_cancel_is_found)
{
    expect_sweep_finds(async_sweep_cancel_opt, opens(false), &none, "is still open");
}

TEST(careful_cleanup_passes)
{
    expect_sweep_passes(async_sweep_cancel_opt, opens(true), &none);
}

enum { MANY_TRIALS = 16 };
static async_stream *lost[MANY_TRIALS]; /* where a leak checker finds the streams that are left */
static int nlost;

ASYNC_DEF(forgets_stream)
{
    async_stream *peer, **mine = &lost[nlost++ % MANY_TRIALS];
    ASYNC_TRY(async_stream_pair(mine, &peer));
    int r = await_sleep(1);
    async_stream_drop(&peer);
    if (r == 0)
        async_stream_drop(mine);
    return r;
}

TEST(stream_never_dropped_is_found)
{
    expect_sweep_finds(async_sweep_cancel_opt, forgets_stream(), &none, "1 stream in memory open");
}

/* A well-known mistake in asyncio: a task that swallows its cancellation hangs for ever. */
ASYNC_DEF(swallows)
{
    async_event never = { 0 };
    int r;
    await_shield (r)
        r = await_sleep(1);
    if (await_sleep(1) == -ECANCELED)
        await_shield (r)
            r = await_event_wait(&never);
    return 0;
}

TEST(hang_after_swallowed_cancel_is_found)
{
    expect_sweep_finds(async_sweep_cancel_opt, swallows(), &none,
                       "the run hangs: all tasks wait, and nothing can wake them; waiting tasks: "
                       "\"swallows\"");
}

ASYNC_DEF(ignores_errors)
{
    for (int i = 0; i < 3;)
        i += await_sleep(1) == 0;
    return 0;
}

TEST(endless_loop_that_ignores_cancel_is_found)
{
    capture_stderr_begin();
    int pid = fork(), status = 0;
    if (pid == 0)
        _exit(async_sweep_cancel(ignores_errors(), .steps = 1000));
    expect_int(waitpid(pid, &status, 0), pid);
    expect_contains(captured_stderr(), "the run hangs: too many awaits");
    expect_contains(captured_stderr(), "");
    capture_stderr_end();
    expect_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

ASYNC_DEF(hides_timeout)
{
    int r = await_sleep(1);
    return r < 0 ? -EIO : 0;
}

TEST(other_error_than_cancel_is_found)
{
    expect_sweep_finds(async_sweep_cancel_opt, hides_timeout(), &none, "the result is -EIO");
}

/* --- allocation --- */

ASYNC_DEF(one)
{
    ASYNC_TRY(await_sleep(1));
    items_used++;
    return 1;
}

ASYNC_DEF(ignores_null, (bool)careful)
{
    items_made = 1;
    await_task_auto t = async_create_task(one());
    int r = await_task(t);
    if (r < 0 && careful)
        return r;
    return 0;
}

static const char *done_if_it_says_so(void *arg, int result)
{
    (void)arg;
    return result == 0 && items_used < items_made ? "it says that it is done, and is not" : NULL;
}

static const struct async_sweep_opts done = { .before = no_items, .check = done_if_it_says_so };

TEST(ignored_allocation_failure_is_found)
{
    expect_sweep_finds(async_sweep_alloc_opt, ignores_null(false), &done,
                       "it says that it is done, and is not");
    expect_sweep_passes(async_sweep_alloc_opt, ignores_null(true), &done);
}

/* An allocation of the scenario's own, the second of three. */
ASYNC_DEF(two_buffers, (bool)careful)
{
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    void *p = async_test_fails() ? NULL : malloc(8);
    if (!p && !careful)
        return -ENOMEM;
    free(p);
    close(fd);
    return p ? 0 : -ENOMEM;
}

TEST(leak_after_failed_allocation_is_found)
{
    expect_sweep_finds(async_sweep_alloc_opt, two_buffers(false), &none, "is still open");
    expect_sweep_passes(async_sweep_alloc_opt, two_buffers(true), &none);
    expect_false(async_test_fails());
}

/* --- system calls --- */

ASYNC_DEF(trusts_writes, (bool)careful)
{
    async_stream_auto a = NULL;
    async_stream_auto b = NULL;
    char text[4];
    ASYNC_TRY(async_stream_pair(&a, &b));
    ASYNC_TRY(await_stream_write(a, "text", 4));
    ssize_t n =
            careful ? await_stream_readexactly(b, text, 4, NULL) : await_stream_read(b, text, 4);
    return n < 0 ? (int)n : n == 4 ? 0 : -EPROTO;
}

static const char *no_protocol_error(void *arg, int result)
{
    (void)arg;
    return result == -EPROTO ? "half a message was taken for a whole one" : NULL;
}

TEST(short_read_that_is_trusted_is_found)
{
    static const struct async_sweep_opts whole = { .check = no_protocol_error };
    expect_sweep_finds(async_sweep_syscall_opt, trusts_writes(false), &whole, "half a message");
    expect_sweep_finds(async_sweep_syscall_opt, trusts_writes(false), &none,
                       "the result is -EPROTO");
    expect_sweep_passes(async_sweep_syscall_opt, trusts_writes(true), &whole);
}

ASYNC_DEF(waits_for_room, (bool)careful)
{
    int fds[2], r;
    expect_ok(pipe2(fds, O_CLOEXEC));
    r = await_fd_ready(fds[1], POLLOUT);
    if (r < 0 && !careful)
        return r;
    close(fds[0]);
    close(fds[1]);
    return r < 0 ? r : 0;
}

TEST(descriptor_left_open_by_failure_is_found)
{
    expect_sweep_finds(async_sweep_syscall_opt, waits_for_room(false), &none, "is still open");
    expect_sweep_passes(async_sweep_syscall_opt, waits_for_room(true), &none);
}

/* --- pairs --- */

/* It needs memory to record what it had when it was cancelled. */
ASYNC_DEF(notes_its_end, (bool)careful)
{
    static char reserve[8];
    items_made++;
    int r = await_sleep(1);
    if (r < 0) {
        char *note = async_test_fails() ? NULL : malloc(8);
        if (!note && !careful)
            return r;
        if (note)
            free(note);
        else
            reserve[0]++;
    }
    items_used++;
    return r;
}

TEST(pair_of_cancel_and_allocation_failure_is_found)
{
    expect_sweep_passes(async_sweep_cancel_opt, notes_its_end(false), &items);
    expect_sweep_passes(async_sweep_alloc_opt, notes_its_end(false), &items);
    expect_sweep_finds(async_sweep_pairs_opt, notes_its_end(false), &items, "an item is lost");
    expect_sweep_passes(async_sweep_pairs_opt, notes_its_end(true), &items);
}

ASYNC_DEF(hides_both)
{
    int r = await_sleep(1);
    return r < 0 && async_test_fails() ? -EIO : r;
}

TEST(result_that_neither_fault_explains_is_found)
{
    expect_sweep_passes(async_sweep_cancel_opt, hides_both(), &none);
    expect_sweep_finds(async_sweep_pairs_opt, hides_both(), &none, "the result is -EIO");
}

/* --- what the scenario leaves for the check --- */

static char *kept;

static const char *free_kept(void *arg, int result)
{
    (void)arg;
    const char *wrong = result == 0 && !kept ? "the content is missing" : NULL;
    async_data_drop(&kept);
    return wrong;
}

ASYNC_DEF(keeps_what_it_reads)
{
    kept = NULL;
    return await_read_file("/etc/passwd", &kept, NULL);
}

TEST(check_may_free_what_the_scenario_has_left)
{
    static const struct async_sweep_opts frees = { .check = free_kept };
    expect_sweep_passes(async_sweep_opt, keeps_what_it_reads(), &frees);
}

SUITE("sweep-findings", item_lost_by_cancel_is_found, descriptor_left_open_by_cancel_is_found,
      careful_cleanup_passes, stream_never_dropped_is_found, hang_after_swallowed_cancel_is_found,
      endless_loop_that_ignores_cancel_is_found, other_error_than_cancel_is_found,
      ignored_allocation_failure_is_found, leak_after_failed_allocation_is_found,
      short_read_that_is_trusted_is_found, descriptor_left_open_by_failure_is_found,
      pair_of_cancel_and_allocation_failure_is_found, result_that_neither_fault_explains_is_found,
      check_may_free_what_the_scenario_has_left)
