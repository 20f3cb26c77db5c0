/* SPDX-License-Identifier: MIT */
/* Functions in other processes: their arguments, results and errors, and the pools of workers. */
#include "processes.h"

/* --- what the workers do --- */

ASYNC_PROCESS(refuse, (const int *)n, (int *)unused)
{
    *unused = 99;
    return async_fail(-*n, "no %d today", *n);
}

/* --- arguments, results, errors --- */

REAL(function_runs_in_another_process)
{
    int ms = 0;
    pid_t pid = 0;
    expect_ok(await_nap(&ms, &pid));
    expect_true(pid > 0 && pid != getpid());
    return 0;
}

REAL(argument_and_result_are_copied)
{
    int sums[100];
    for (int i = 0; i < 100; i++) {
        expect_ok(await_add_one(&i, &sums[i]));
        expect_int(sums[i], i + 1);
    }
    return 0;
}

REAL(error_returns_with_its_message_and_leaves_the_result_alone)
{
    int n = EPROTO, result = 5;
    expect_int(await_refuse(&n, &result), -EPROTO);
    expect_text(async_fail_text(-EPROTO), "no 71 today");
    expect_int(result, 5);
    return 0;
}

REAL(large_argument_and_result_are_copied)
{
    large *in = malloc(sizeof *in), *out = malloc(sizeof *out);
    for (size_t i = 0; i < sizeof in->bytes; i++)
        in->bytes[i] = (unsigned char)(i * 7);
    for (int round = 0; round < 3; round++) {
        memset(out, 0, sizeof *out);
        expect_int(await_reverse(in, out), 7);
        for (size_t i = 0; i < sizeof in->bytes; i++)
            if (out->bytes[i] != in->bytes[sizeof in->bytes - 1 - i])
                fail_test("byte %zu", i);
    }
    free(in);
    free(out);
    return 0;
}

LOOP_TEST(virtual_clock_stands_still_while_a_process_works)
{
    int ms = 50, r = 0;
    pid_t pid = 0;
    await_timeout (r, 60)
        r = await_nap(&ms, &pid);
    expect_ok(r);
    expect_time(0);
    return 0;
}

static int echo(const void *in, void *out)
{
    const size_t *size = in;
    if (*size > sizeof *size)
        memset(out, 0x5a, *size);
    return 0;
}

REAL(sizes_around_the_packet_size_are_copied_whole)
{
    static const size_t sizes[] = { 0, 1, 32767, 32768, 32769, 65536, 100000 };
    unsigned char *in = calloc(1, 100000), *out = malloc(100001);
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    for (size_t i = 0; i < countof(sizes); i++)
        for (size_t j = 0; j < countof(sizes); j++) {
            memcpy(in, &sizes[j], sizeof sizes[j]);
            memset(out, 0xee, 100001);
            expect_ok(await_process_pool_call(p, echo, in, sizes[i] < 8 ? 8 : sizes[i], out,
                                              sizes[j]));
            expect_int(out[0], sizes[j] == 0 ? 0xee : sizes[j] > 8 ? 0x5a : 0);
            expect_int(out[sizes[j] ? sizes[j] - 1 : 0], out[0]);
            expect_int(out[sizes[j]], 0xee);
        }
    free(in);
    free(out);
    return 0;
}

static int written_at_start = 1;

__attribute__((constructor)) static void before_main(void)
{
    written_at_start = 2;
}

static int file_scope(const void *in, void *out)
{
    (void)in;
    *(int *)out = written_at_start;
    return 0;
}

REAL(constructors_have_run_in_a_worker_and_main_has_not)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    int seen = 0;
    written_at_start = 3;
    expect_ok(await_process_pool_call(p, file_scope, NULL, 0, &seen, sizeof seen));
    expect_int(seen, 2);
    return 0;
}

static int surroundings(const void *in, void *out)
{
    int n = 0;
    for (int fd = 0; fd < 300; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    ((int *)out)[0] = n;
    ((int *)out)[1] = getsid(0) == getpid() && getenv("ASYNCIO_WORKER") == NULL;
    (void)in;
    return 0;
}

REAL(worker_inherits_only_the_standard_descriptors)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    int seen[2], fds[2];
    expect_ok(pipe(fds)); /* not closed on exec */
    expect_ok(await_process_pool_call(p, surroundings, NULL, 0, seen, sizeof seen));
    expect_int(seen[0], 4);
    expect_int(seen[1], 1);
    close(fds[0]);
    close(fds[1]);
    return 0;
}

/* Count the mappings that another process can share and that this one can write to. */
static int count_shared_mappings(const void *in, void *out)
{
    char line[512], access[5];
    int n = 0;
    FILE *f = fopen("/proc/self/maps", "re");
    (void)in;
    while (f && fgets(line, sizeof line, f))
        n += sscanf(line, "%*s %4s", access) == 1 && access[1] == 'w' && access[3] == 's';
    if (f)
        fclose(f);
    *(int *)out = f ? n : -1;
    return 0;
}

/* A call that takes its worker over could otherwise change what the loop reads there. */
REAL(worker_shares_no_memory_with_the_loop)
{
    async_process_pool_auto p =
            async_process_pool_open(.max_workers = 1, .timeout = 60, .max_cpu = 60);
    int n = -1;
    expect_ok(await_process_pool_call(p, count_shared_mappings, NULL, 0, &n, sizeof n));
    expect_int(n, 0);
    return 0;
}

static int print_line(const void *in, void *out)
{
    (void)in;
    (void)out;
    printf("from the worker\n");
    return 0;
}

REAL(output_of_a_call_is_written_once_before_its_reply)
{
    char text[256] = "";
    int memory = memfd_create("stdout", 0), real = dup(STDOUT_FILENO);
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    fflush(stdout);
    dup2(memory, STDOUT_FILENO);
    printf("not flushed\n");
    expect_ok(await_process_pool_call(p, print_line, NULL, 0, NULL, 0));
    expect_int(pread(memory, text, sizeof text - 1, 0), strlen("from the worker\n"));
    fflush(stdout);
    dup2(real, STDOUT_FILENO);
    close(real);
    expect_true(pread(memory, text, sizeof text - 1, 0) > 0);
    expect_text(text, "from the worker\nnot flushed\n");
    close(memory);
    return 0;
}

static const void *volatile not_in_a_file;

REAL(function_outside_of_any_file_is_refused)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int (*fn)(const void *, void *);
    not_in_a_file = page;
    memcpy(&fn, (const void *)&not_in_a_file, sizeof fn);
    expect_int(await_to_process(fn, NULL, 0, NULL, 0), -ENOEXEC);
    munmap(page, 4096);
    return 0;
}

REAL(call_behind_a_long_one_moves_to_an_idle_worker)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 2);
    struct tally t = { p, 0, 0, "" };
    int g_result;
    await_group (g_result, g) {
        await_task_auto hangs = async_create_task(hang_in(p));
        expect_ok(await_sleep(0));
        for (int i = 0; i < 40; i++)
            async_spawn(g, one_of_many(&t, i, LIVES));
    }
    expect_ok(g_result);
    expect_int(t.answers, 40);
    expect_text(t.what, "");
    return 0;
}

/* --- cancellation, closing --- */

REAL(cancelled_call_is_stopped_and_others_succeed)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    struct tally t = { p, 0, 0, "" };
    struct async_process_pool_stats s;
    int ms = 0;
    pid_t pid;
    expect_ok(await_process_pool_run(p, nap, &ms, &pid));
    int g_result;
    await_group (g_result, g) {
        await_task_auto running = async_create_task(hang_in(p));
        await_task_auto behind = async_create_task(hang_in(p));
        expect_ok(await_sleep(0));
        for (int i = 0; i < 30; i++)
            async_spawn(g, one_of_many(&t, i, LIVES));
        expect_ok(await_sleep(0.02));
        async_task_cancel(behind);
        expect_int(await_task(behind), -ECANCELED);
        async_process_pool_stats(p, &s);
        expect_int(s.killed, 0); /* the cancelled call had not begun */
        async_task_cancel(running);
        expect_int(await_task(running), -ECANCELED);
    }
    expect_ok(g_result);
    expect_int(t.answers, 30);
    expect_text(t.what, "");
    async_process_pool_stats(p, &s);
    expect_int(s.killed, 1);
    expect_int(s.lost, 0);
    expect_int(s.started, 2);
    return 0;
}

ASYNC_DEF(fails_when_closed, (async_process_pool *)p, (int)code)
{
    struct task_order o = { HANGS, 0 };
    int answer;
    expect_int(await_process_pool_run(p, do_act, &o, &answer), code);
    return 0;
}

REAL(close_waits_for_calls_and_drop_fails_them)
{
    async_process_pool *p = async_process_pool_open(.max_workers = 1);
    struct tally t = { p, 0, 0, "" };
    int g_result;
    await_group (g_result, g) {
        for (int i = 0; i < 20; i++)
            async_spawn(g, one_of_many(&t, i, LIVES));
        expect_ok(await_sleep(0));
        expect_ok(await_process_pool_close(&p));
        expect_ok(await_sleep(0)); /* the tasks were woken, and may not have run yet */
        expect_int(t.answers, 20);
        p = async_process_pool_open(.max_workers = 1);
        for (int i = 0; i < 12; i++)
            async_spawn(g, fails_when_closed(p, -EPIPE));
        expect_ok(await_sleep(0));
        async_process_pool_drop(&p);
        expect_true(p == NULL);
    }
    expect_ok(g_result);
    return 0;
}

ASYNC_DEF(close_it, (async_process_pool *)p)
{
    return await_process_pool_close(&p);
}

REAL(cancelled_close_drops_the_pool)
{
    async_process_pool *p = async_process_pool_open(.max_workers = 1);
    int g_result;
    await_group (g_result, g) {
        async_spawn(g, fails_when_closed(p, -EPIPE));
        expect_ok(await_sleep(0));
        await_task_auto closer = async_create_task(close_it(p));
        expect_ok(await_sleep(0));
        async_task_cancel(closer);
        expect_int(await_task(closer), -ECANCELED);
    }
    expect_ok(g_result);
    return 0;
}

ASYNC_DEF(many_calls_with_timeout, (unsigned)moment)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 2);
    struct tally t = { p, 0, 0, "" };
    int r;
    await_timeout (r, moment * 0.0004) {
        int g_result;
        await_group (g_result, g) {
            for (int i = 0; i < 40; i++)
                async_spawn(g, one_of_many(&t, i, i % 10 == 9 ? (int)SEGV : LIVES));
        }
        ASYNC_TRY(g_result);
    }
    return r;
}

/* At each of these moments workers are starting, working or dying. */
REAL(pool_closed_at_any_moment_leaves_nothing)
{
    int before = descriptors();
    for (unsigned moment = 0; moment < (SLOW ? 10 : 60); moment++) {
        int r = await_many_calls_with_timeout(moment);
        expect_true(r == 0 || r == -ETIMEDOUT);
    }
    expect_int(descriptors(), before);
    return 0;
}

TEST(open_without_a_loop_fails)
{
    async_process_pool *p = async_process_pool_open(.max_workers = 1);
    expect_true(p == NULL);
    expect_int(errno, EPERM);
}

REAL(open_with_invalid_options_fails)
{
    expect_true(async_process_pool_open(.max_workers = 100000) == NULL);
    expect_int(errno, EINVAL);
    expect_true(async_process_pool_open(.timeout = -1) == NULL);
    expect_int(errno, EINVAL);
    return 0;
}

/* --- reports --- */

/* Wait until the printed tree of tasks contains that text. */
static int await_report(const char *part)
{
    for (;;) {
        async_print_tasks();
        if (strstr(captured_stderr(), part))
            return 0;
        ASYNC_TRY(await_sleep(0.001));
    }
}

static int wait_for_ever(const void *in, void *out)
{
    (void)in, (void)out;
    while (pause() < 0)
        ;
    return 0;
}

ASYNC_DEF(calls_by_address, (async_process_pool *)p)
{
    return await_process_pool_call(p, wait_for_ever, NULL, 0, NULL, 0);
}

REAL(report_names_the_process_that_a_task_waits_for)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1, .name = "heavy work");
    async_process_pool_auto nameless = async_process_pool_open(.max_workers = 1);
    char text[100];
    int ms = 0;
    pid_t pid;
    expect_ok(await_process_pool_run(p, nap, &ms, &pid));
    await_task_auto running = async_create_task(hang_in(p), .name = "first");
    snprintf(text, sizeof text, "first: waits for \"do_act\" in process %ld of pool \"heavy work\"",
             (long)pid);
    expect_ok(await_report(text));
    await_task_auto behind = async_create_task(hang_in(p), .name = "second");
    expect_ok(await_report("second: waits for a process for \"do_act\" of pool \"heavy work\""));
    async_task_cancel(running);
    expect_ok(await_report("second: waits for \"do_act\" in process "));
    await_task_auto other = async_create_task(calls_by_address(nameless), .name = "third");
    expect_ok(await_report("third: waits for \"a call\" in process "));
    expect_int(await_process_pool_call_named(nameless, "x", NULL, NULL, 0, NULL, 0), -ENOEXEC);
    return 0;
}

SUITE("process pools", function_runs_in_another_process, argument_and_result_are_copied,
      error_returns_with_its_message_and_leaves_the_result_alone,
      virtual_clock_stands_still_while_a_process_works, large_argument_and_result_are_copied,
      sizes_around_the_packet_size_are_copied_whole,
      constructors_have_run_in_a_worker_and_main_has_not,
      worker_inherits_only_the_standard_descriptors, worker_shares_no_memory_with_the_loop,
      output_of_a_call_is_written_once_before_its_reply, function_outside_of_any_file_is_refused,
      call_behind_a_long_one_moves_to_an_idle_worker, cancelled_call_is_stopped_and_others_succeed,
      close_waits_for_calls_and_drop_fails_them, cancelled_close_drops_the_pool,
      pool_closed_at_any_moment_leaves_nothing, open_without_a_loop_fails,
      open_with_invalid_options_fails, report_names_the_process_that_a_task_waits_for)
