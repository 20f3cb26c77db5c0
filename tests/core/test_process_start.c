/* SPDX-License-Identifier: MIT */
/* Workers that hang or die before they can take a call. */
#include "processes.h"

/* A constructor of the program runs in each worker. It takes one letter of the file that this
 * variable names: with 'h' the worker hangs, with 'd' it dies, without a letter it starts. */
static const char start_variable[] = "TEST_WORKER_START";

static char take_letter(const char *name)
{
    char letter = 0;
    int fd = open(name, O_RDWR);
    off_t end = lseek(fd, 0, SEEK_END);
    if (end > 0 && (pread(fd, &letter, 1, end - 1) != 1 || ftruncate(fd, end - 1) < 0))
        abort();
    close(fd);
    return letter;
}

__attribute__((constructor)) static void fail_to_start(void)
{
    const char *name = getenv(start_variable);
    char letter = name ? take_letter(name) : 0;
    if (letter == 'd')
        _exit(9);
    while (letter == 'h')
        pause();
}

static char path[] = "/tmp/asyncio-start-XXXXXX";

/* Tell the next workers what to do. */
static void set_letters(const char *letters)
{
    int fd = mkstemp(path);
    expect_int(write(fd, letters, strlen(letters)), strlen(letters));
    close(fd);
    setenv(start_variable, path, 1);
}

static int await_addition(async_process_pool *p)
{
    int n = 1, sum = 0;
    ASYNC_TRY(await_process_pool_run(p, add_one, &n, &sum));
    expect_int(sum, 2);
    return 0;
}

#define START_TIMEOUT (SLOW ? 2 : 0.4)

static void is_count(async_process_pool *p, unsigned started, unsigned killed, unsigned lost)
{
    struct async_process_pool_stats s;
    async_process_pool_stats(p, &s);
    expect_int(s.started, started);
    expect_int(s.killed, killed);
    expect_int(s.lost, lost);
    unlink(path);
}

REAL(worker_that_hangs_at_its_start_is_replaced_and_the_call_succeeds)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1, .timeout = 20,
                                                        .start_timeout = START_TIMEOUT);
    set_letters("h");
    expect_ok(await_addition(p));
    is_count(p, 2, 1, 0);
    return 0;
}

REAL(two_workers_that_hang_at_their_start_fail_one_call)
{
    async_process_pool_auto p =
            async_process_pool_open(.max_workers = 1, .start_timeout = START_TIMEOUT);
    set_letters("hh");
    expect_int(await_addition(p), -ETIMEDOUT);
    expect_contains(async_fail_text(-ETIMEDOUT), "did not start within");
    expect_ok(await_addition(p));
    is_count(p, 3, 2, 0);
    return 0;
}

REAL(two_workers_that_die_at_their_start_fail_one_call)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    set_letters("dd");
    expect_int(await_addition(p), -EOWNERDEAD);
    expect_contains(async_fail_text(-EOWNERDEAD), "exited with status 9 before it could begin");
    expect_ok(await_addition(p));
    is_count(p, 3, 0, 2);
    return 0;
}

ASYNC_DEF(add_in, (async_process_pool *)p)
{
    return await_addition(p);
}

/* Several calls are sent to a worker that starts. Only the first one pays if none starts for it. */
REAL(calls_behind_the_first_survive_workers_that_hang_at_their_start)
{
    async_process_pool_auto p =
            async_process_pool_open(.max_workers = 1, .start_timeout = START_TIMEOUT);
    int failed = 0;
    async_task *tasks[6];
    set_letters("hh");
    for (size_t i = 0; i < countof(tasks); i++)
        tasks[i] = async_create_task(add_in(p));
    for (size_t i = 0; i < countof(tasks); i++) {
        int r = await_task(tasks[i]);
        expect_true(r == 0 || r == -ETIMEDOUT);
        failed += r < 0;
        await_task_drop(&tasks[i]);
    }
    expect_int(failed, 1);
    unlink(path);
    return 0;
}

/* Whether the call has begun by then or not, the pool goes on. */
REAL(call_cancelled_during_the_start_spares_the_next)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    await_task_auto early = async_create_task(add_in(p));
    expect_ok(await_sleep(0));
    async_task_cancel(early);
    int r = await_task(early);
    expect_true(r == 0 || r == -ECANCELED);
    expect_ok(await_addition(p));
    return 0;
}

SUITE("process start", worker_that_hangs_at_its_start_is_replaced_and_the_call_succeeds,
      two_workers_that_hang_at_their_start_fail_one_call,
      two_workers_that_die_at_their_start_fail_one_call,
      calls_behind_the_first_survive_workers_that_hang_at_their_start,
      call_cancelled_during_the_start_spares_the_next)
