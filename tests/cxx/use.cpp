/* SPDX-License-Identifier: MIT */
/* use.cpp - use the library in C++: every header, the functions, and the macros that exist in C++,
 * in virtual time. The exit status is 0 if every result is right. */
#include <asyncio.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

static int failed;

static void expect(bool ok, const char *what)
{
    if (!ok) {
        std::fprintf(stderr, "not so: %s\n", what);
        failed = 1;
    }
}
#define EXPECT(x) expect((x), #x)

struct note {
    std::vector<std::string> *log;
    std::string name;
    ~note() { log->push_back("left " + name); }
};

struct visit {
    std::vector<std::string> log;
    double seconds;
};

static int wait_and_note(void *arg)
{
    auto *v = static_cast<visit *>(arg);
    note n{ &v->log, "waiter" };
    ASYNC_TRY(await_sleep(v->seconds));
    v->log.push_back("waited");
    return 7;
}

static int sleepers()
{
    visit quick{ {}, 1 }, slow{ {}, 3 };
    int r[2] = {};
    double start = async_time();
    EXPECT(await_gather(r, async_call(wait_and_note, &quick, "quick"),
                        async_call(wait_and_note, &slow, "slow")) == 0);
    EXPECT(r[0] == 7 && r[1] == 7);
    EXPECT(async_time() - start == 3);
    const async_co cos[] = { async_sleep(1), async_sleep(2) };
    EXPECT(await_race_n(cos, 2, nullptr) == 0);
    return 0;
}

/* Destructors run on the way out of ASYNC_TRY, and the limit is the verdict. */
static int limits()
{
    visit v{ {}, 100 };
    EXPECT(await_wait_for(async_call(wait_and_note, &v, "late"), 1) == -ETIMEDOUT);
    EXPECT(v.log.size() == 1 && v.log[0] == "left waiter");
    int r = 0;
    await_timeout (r, 2) {
        r = await_sleep(5);
        EXPECT(r == -ECANCELED);
    }
    EXPECT(r == -ETIMEDOUT);
    await_shield (r)
        r = await_sleep(0);
    return r;
}

static int fail_soon(void *)
{
    ASYNC_TRY(await_sleep(0.5));
    return async_fail(-EIO, "broken by %s", "design");
}

static int groups()
{
    int r = 0, errors = 0;
    await_group (r, g) {
        async_spawn(g, async_call(fail_soon, nullptr, "bad"), .name = "renamed");
        async_co sleeper = async_sleep(50);
        EXPECT(async_spawn_opt(g, &sleeper, nullptr) == 0);
        r = await_sleep(50);
    }
    EXPECT(r == -EIO);
    async_for_each_error (e, g) {
        errors++;
        EXPECT(std::string(e->task) == "renamed" && std::string(e->text) == "broken by design");
    }
    EXPECT(errors == 1);
    return 0;
}

typedef async_queue_of(int, 2) int_queue;
static int_queue queue = ASYNC_QUEUE(queue);
ASYNC_LOCAL(int, request, 1);

static int tasks()
{
    await_task_auto t = async_create_task(async_call(
            [](void *arg) {
                for (int i = 0; i < 3; i++)
                    ASYNC_TRY(await_queue_put(static_cast<int_queue *>(arg), i));
                return 0;
            },
            &queue, "putter"));
    int sum = 0, got;
    for (int i = 0; i < 3; i++) {
        ASYNC_TRY(await_queue_get(&queue, &got));
        sum += got;
    }
    EXPECT(sum == 3);
    EXPECT(await_task(t) == 0);
    EXPECT(async_local_set(request, 5) == 0 && async_local_get(request) == 5);
    async_lock lock = {};
    EXPECT(await_lock_acquire(&lock) == 0 && async_lock_locked(&lock) &&
           async_lock_release(&lock) == 0);
    return 0;
}

/* An exception is at home in a task, as long as it does not leave it. */
static int exceptions()
{
    try {
        ASYNC_TRY(await_sleep(1));
        throw 42;
    } catch (int n) {
        EXPECT(n == 42);
    }
    return await_sleep(1);
}

/* No function above can catch the exception, so nothing is unwound and the process ends here. */
static int thrower(void *)
{
    throw 1;
}

static void uncaught()
{
    pid_t pid = fork();
    if (pid == 0) {
        close(STDERR_FILENO);
        std::signal(SIGABRT, SIG_DFL); /* a sanitizer's would report it */
        _exit(async_run(async_call(thrower, nullptr, "thrower")) != 0);
    }
    int status = 0;
    EXPECT(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

#ifndef __STRICT_ANSI__ /* ASYNC_DEF without parameters is GNU's preprocessor's */
ASYNC_DEF(twice, (int)n)
{
    ASYNC_TRY(await_sleep(1));
    return 2 * n;
}

ASYNC_DEF(defined)
{
    int r[2] = {};
    EXPECT(await_gather(r, twice(1), twice(2)) == 0 && r[0] == 2 && r[1] == 4);
    EXPECT(await_twice(4) == 8);
    return 0;
}
#endif

static int amain(void *)
{
#ifndef __STRICT_ANSI__
    ASYNC_TRY(await_defined());
#endif
    ASYNC_TRY(sleepers());
    ASYNC_TRY(limits());
    ASYNC_TRY(groups());
    ASYNC_TRY(tasks());
    ASYNC_TRY(exceptions());
    return 3;
}

int main()
{
    uncaught();
    EXPECT(async_run(async_call(amain, nullptr, "amain"), .virtual_clock = true) == 3);
    async_run_opts opts = {};
    opts.virtual_clock = true;
    EXPECT(async_run_opt(async_sleep(1), &opts) == 0);
    return failed;
}
