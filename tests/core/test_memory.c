/* SPDX-License-Identifier: MIT */
/* Tests without memory: each allocation of a scenario fails once, then all from it on. The result
 * is -ENOMEM or success, and nothing leaks. */
#include "../frame/loop_test.h"

#include <poll.h>
/* --- an allocator that counts, and fails on order --- */

static struct {
    long calls, live;
    long fail_at;  /* 0 for never */
    bool for_ever; /* this allocation and all later ones fail */
} heap;

static bool refuses(void)
{
    long n = ++heap.calls;
    return heap.fail_at && (n == heap.fail_at || (heap.for_ever && n > heap.fail_at));
}

static void *heap_malloc(void *ctx, size_t size)
{
    expect_true(ctx == &heap);
    if (refuses())
        return NULL;
    void *p = malloc(size);
    if (p)
        memset(p, 0xa5, size); /* no code may rely on zeros */
    heap.live += p != NULL;
    return p;
}

static void *heap_realloc(void *ctx, void *p, size_t size)
{
    expect_true(ctx == &heap);
    if (refuses())
        return NULL;
    void *to = realloc(p, size);
    heap.live += !p && to;
    return to;
}

static void heap_free(void *ctx, void *p)
{
    expect_true(ctx == &heap && p != NULL);
    heap.live--;
    free(p);
}

static void heap_install(void)
{
    expect_ok(async_set_allocator(
            &(const async_allocator){ heap_malloc, heap_realloc, heap_free, &heap }));
}

/* --- scenarios: each returns 0, or -ENOMEM --- */

ASYNC_DEF(value, (int)r, (double)after)
{
    ASYNC_TRY(await_sleep(after));
    return r < 0 ? async_fail(r, "a value below zero") : r;
}

ASYNC_DEF(tasks)
{
    await_task_auto a = async_create_task(value(1, 1), .name = "a name that is copied");
    await_task_auto b = async_create_task(value(2, 2), .stack_size = 20000);
    if (a)
        async_task_set_name(a, "another name");
    int r = await_task(a), s = await_task(b);
    expect_true((r == 1 || r == -ENOMEM) && (s == 2 || s == -ENOMEM));
    return r < 0 || s < 0 ? -ENOMEM : 0;
}

ASYNC_DEF(gathers)
{
    int r[3] = { 0 };
    int e = await_gather(r, value(1, 1), value(2, 2), value(3, 3));
    if (e < 0)
        return e;
    expect_int(r[0] + r[1] + r[2], 6);
    e = await_gather_all(r, value(1, 1), value(-EIO, 1));
    if (e < 0)
        return e;
    if (r[1] != -EIO || r[0] != 1)
        return -ENOMEM;
    e = await_race(NULL, value(1, 1), value(2, 2));
    return e < 0 ? e : 0;
}

ASYNC_DEF(failing_family)
{
    int r;
    await_group (r, g) {
        async_spawn(g, value(-EIO, 1), .name = "first");
        async_spawn(g, value(-EPROTO, 2), .name = "second");
        async_ignore(async_group_create_task(g, value(0, 3)) != NULL);
    }
    return r;
}

/* An error is kept although there is no memory for its message. */
ASYNC_DEF(groups)
{
    int r;
    await_group (r, g) {
        async_spawn(g, failing_family());
        async_spawn(g, value(0, 9));
    }
    expect_true(r == -EIO || r == -ENOMEM);
    return r == -EIO ? 0 : r;
}

ASYNC_DEF(background)
{
    int r = async_spawn(async_background(), value(0, 50));
    expect_true(r == 0 || r == -ENOMEM);
    ASYNC_TRY(await_sleep(1));
    return r;
}

static void counts(void *n)
{
    ++*(int *)n;
}

ASYNC_DEF(posts)
{
    int n = 0, accepted = 0;
    for (int i = 0; i < 10; i++) {
        int r = async_call_soon_threadsafe(async_get_running_loop(), counts, &n);
        expect_true(r == 0 || r == -ENOMEM);
        accepted += r == 0;
    }
    ASYNC_TRY(await_sleep(1));
    expect_int(n, accepted);
    return n == 10 ? 0 : -ENOMEM;
}

ASYNC_DEF(descriptors)
{
    int fds[2], r;
    expect_ok(pipe2(fds, O_CLOEXEC));
    await_timeout (r, 1)
        r = await_fd_ready(fds[0], POLLIN);
    close(fds[1]);
    expect_ok(async_fd_close(fds[0]));
    return r == -ETIMEDOUT ? 0 : r;
}

/* Nothing is allocated on wake, cancel, close and timeout paths. */
ASYNC_DEF(sleeps_long, (async_event *)e)
{
    int r;
    await_timeout (r, 1000)
        r = await_event_wait(e);
    return r;
}

ASYNC_DEF(paths_without_allocations)
{
    heap.calls = 0;
    async_event e = { 0 };
    async_lock l = { 0 };
    async_callback cb = { 0 };
    int n = 0, r, s;
    await_group (r, g) {
        for (int i = 0; i < 10; i++)
            async_spawn(g, sleeps_long(&e));
        expect_ok(await_sleep(1));
        long before = heap.calls;
        expect_ok(await_lock_acquire(&l));
        expect_ok(async_lock_release(&l));
        async_call_later(&cb, 1, counts, &n);
        await_timeout (s, 1)
            s = await_sleep(5);
        expect_int(s, -ETIMEDOUT);
        await_shield (s)
            expect_ok(await_sleep(1));
        expect_int(n, 1);
        async_group_cancel(g);
        r = await_sleep(1);
        expect_int(heap.calls, before);
    }
    expect_ok(r);
    return 0;
}

TEST(wake_cancel_close_and_timeout_allocate_nothing)
{
    heap_install();
    expect_run_ok(paths_without_allocations());
    expect_ok(heap.live);
}

/* --- the sweep --- */

static void run_once(async_co co)
{
    heap.calls = 0;
    capture_stderr_begin();
    int r = async_run(co, .virtual_clock = true);
    const char *output = captured_stderr();
    capture_stderr_end();
    expect_that(r == 0 || r == -ENOMEM, "allocation %ld%s: %s", heap.fail_at,
                heap.for_ever ? " and the rest" : "", result_text(r));
    expect_that(r == 0 || heap.fail_at > 0, "it fails without cause: %s", result_text(r));
    expect_that(!strstr(output, "the loop closes with"), "allocation %ld: %s", heap.fail_at,
                output);
}

/* Run each scenario once before counting: what the library keeps until the process ends (handles of
 * loops) is not a leak. */
static void sweep(async_co co)
{
    heap_install();
    heap.fail_at = 0;
    run_once(co);
    long most = heap.calls, kept = 0;
    expect_true(most > 0);
    for (int for_ever = 0; for_ever < 2; for_ever++)
        for (heap.fail_at = 1; heap.fail_at <= most + 1; heap.fail_at++) {
            heap.for_ever = for_ever;
            long before = heap.live;
            run_once(co);
            kept = heap.live - before;
            expect_that(kept == 0 || kept == 1, "allocation %ld: %ld are left", heap.fail_at, kept);
        }
    heap.fail_at = 0;
    run_once(co);
}

#define SWEEP(scenario)                                                                            \
    TEST(without_memory_##scenario)                                                                \
    {                                                                                              \
        sweep(scenario());                                                                         \
    }

SWEEP(tasks)
SWEEP(gathers)
SWEEP(groups)
SWEEP(background)
SWEEP(posts)
SWEEP(descriptors)

ASYNC_DEF(changes_the_allocator)
{
    expect_int(async_set_allocator(NULL), -EBUSY);
    return 0;
}

TEST(allocator_cannot_be_changed_while_loop_is_open)
{
    expect_run_ok(changes_the_allocator());
    expect_ok(async_set_allocator(NULL));
    async_runner *rn = async_runner_open(NULL);
    expect_int(async_set_allocator(NULL), -EBUSY);
    async_runner_close(rn);
    expect_ok(async_set_allocator(NULL));
}

/* The library must not touch memory of an allocator that is no longer in use. */
static char *page;
static size_t page_used;

static void *page_malloc(void *ctx, size_t size)
{
    (void)ctx;
    char *p = page + page_used;
    page_used += (size + 15) & ~(size_t)15;
    return page_used <= 1 << 20 ? p : NULL;
}

static void *page_realloc(void *ctx, void *p, size_t size)
{
    char *copy = page_malloc(ctx, size);
    /* the bytes behind the old block do not matter */
    return copy && p ? memmove(copy, p, size) : copy;
}

static void page_free(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

ASYNC_DEF(sleeps_a_little)
{
    return await_sleep(0.001);
}

TEST(memory_of_former_allocator_is_not_touched)
{
    const async_allocator a = { page_malloc, page_realloc, page_free, NULL };
    page = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect_true(page != MAP_FAILED);
    expect_ok(async_set_allocator(&a));
    expect_ok(async_run(sleeps_a_little()));
    expect_ok(async_set_allocator(NULL));
    expect_ok(mprotect(page, 1 << 20, PROT_NONE));
    expect_ok(async_run(sleeps_a_little()));
}

TEST(runner_without_memory_cannot_be_opened)
{
    heap_install();
    heap.for_ever = true;
    for (heap.fail_at = 1;; heap.fail_at++) {
        heap.calls = 0;
        errno = 0;
        async_runner *rn = async_runner_open(NULL);
        if (rn) {
            heap.fail_at = 0;
            expect_int(async_runner_run(rn, value(3, 0)), 3);
            async_runner_close(rn);
            break;
        }
        expect_int(errno, ENOMEM);
        expect_true(heap.fail_at < 20);
        expect_true(async_get_running_loop() == NULL);
    }
}

SUITE("core-memory", wake_cancel_close_and_timeout_allocate_nothing, without_memory_tasks,
      without_memory_gathers, without_memory_groups, without_memory_background,
      without_memory_posts, without_memory_descriptors,
      allocator_cannot_be_changed_while_loop_is_open, memory_of_former_allocator_is_not_touched,
      runner_without_memory_cannot_be_opened)
