/* SPDX-License-Identifier: MIT */
/* What a call may do in a sandbox, and the limits of memory and processor time. Everything else is
 * refused, or ends its worker and no other one. */
#include "processes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

/* A system call and its arguments. */
struct attempt {
    const char *name;
    long number, args[3];
};

/* Returns 0 or -errno. */
ASYNC_PROCESS(make_syscall, (const struct attempt *)a, (long *)ret)
{
    *ret = syscall(a->number, a->args[0], a->args[1], a->args[2], 0L, 0L, 0L);
    return *ret < 0 ? -errno : 0;
}

#define FORBIDDEN(name, ...)                                                                       \
    {                                                                                              \
#name, SYS_##name,                                                                         \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static const struct attempt forbidden[] = {
    /* the net */
    FORBIDDEN(socket, AF_INET, SOCK_STREAM),
    FORBIDDEN(socketpair, AF_UNIX, SOCK_STREAM),
    FORBIDDEN(connect, 3),
    FORBIDDEN(bind, 3),
    FORBIDDEN(sendmsg, 3),
    FORBIDDEN(accept4, 3),
    /* processes */
    FORBIDDEN(clone, SIGCHLD),
    FORBIDDEN(clone3),
    FORBIDDEN(execve),
    FORBIDDEN(execveat),
    FORBIDDEN(kill, 1, SIGTERM),
    FORBIDDEN(tgkill, 1, 1, SIGTERM),
    FORBIDDEN(rt_sigqueueinfo, 1, SIGTERM),
    FORBIDDEN(pidfd_open, 1),
    FORBIDDEN(pidfd_send_signal, 3, SIGTERM),
    FORBIDDEN(setsid),
    FORBIDDEN(ptrace),
    FORBIDDEN(process_vm_readv, 1),
    FORBIDDEN(process_vm_writev, 1),
    /* rights */
    FORBIDDEN(prctl, 38),
    FORBIDDEN(seccomp),
    FORBIDDEN(setuid),
    FORBIDDEN(setrlimit),
    FORBIDDEN(capset),
    FORBIDDEN(unshare),
    FORBIDDEN(setns, 3),
    FORBIDDEN(chroot),
    FORBIDDEN(mount),
    /* files, and descriptors of other kinds */
    FORBIDDEN(unlinkat),
    FORBIDDEN(renameat2),
    FORBIDDEN(mkdirat),
    FORBIDDEN(openat2),
    FORBIDDEN(open_by_handle_at),
    FORBIDDEN(memfd_create),
    FORBIDDEN(io_uring_setup, 8),
    FORBIDDEN(bpf),
    FORBIDDEN(userfaultfd),
    FORBIDDEN(perf_event_open),
    FORBIDDEN(epoll_create1),
    FORBIDDEN(eventfd2),
    FORBIDDEN(inotify_init1),
    FORBIDDEN(keyctl),
    FORBIDDEN(reboot),
    { "a call that does not exist", 4000, { 0 } },
#ifdef __x86_64__
    FORBIDDEN(fork),
    FORBIDDEN(vfork),
    FORBIDDEN(unlink),
    { "a call by the numbers of x32", 0x40000000 | SYS_getpid, { 0 } },
#endif
};

enum work { COMPUTES, OPENS, ALLOCATES, LOOPS, THREADS, RAISES };

static void *nothing(void *arg)
{
    return arg;
}

ASYNC_PROCESS(do_work, (const enum work *)what, (int *)ret)
{
    switch (*what) {
    case OPENS:
        *ret = open("/etc/passwd", O_RDONLY);
        return *ret < 0 ? async_fail(-errno, "cannot open it") : 0;
    case ALLOCATES: {
        char *volatile p = malloc((size_t)10 << 30);
        if (!p)
            return async_fail(-ENOMEM, "no such memory");
        *p = 1;
        break;
    }
    case LOOPS:
        for (volatile int i = 0;; i++)
            ;
    case THREADS: {
        pthread_t t;
        *ret = pthread_create(&t, NULL, nothing, NULL);
        break;
    }
    case RAISES:
        *ret = kill(getpid(), SIGTERM);
        break;
    default: {
        char *p = malloc(1 << 20);
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        memset(p, 1, 1 << 20);
        *ret = printf("%d\n", p[1000]);
        free(p);
    }
    }
    return 0;
}

static int await_work(async_process_pool *p, enum work what, int code, const char *message)
{
    int ret = -1, r = await_process_pool_run(p, do_work, &what, &ret);
    expect_that(r == code, "%d: %s %s", (int)what, result_text(r), async_fail_text(r));
    expect_contains(async_fail_text(r), message);
    return 0;
}

REAL(call_can_compute_and_is_refused_files)
{
    async_process_pool_auto p =
            async_process_pool_open(.max_workers = 1, .sandbox = true, .timeout = 10);
    struct async_process_pool_stats s;
    expect_ok(await_work(p, COMPUTES, 0, ""));
    expect_ok(await_work(p, OPENS, -EACCES, "cannot open it"));
    expect_ok(await_work(p, COMPUTES, 0, ""));
    async_process_pool_stats(p, &s);
    expect_int(s.started, 1);
    expect_ok(await_death(p, ABRT, -EOWNERDEAD, "killed by SIGABRT"));
    expect_ok(await_work(p, THREADS, -EOWNERDEAD, "killed by SIGSYS"));
    expect_ok(await_work(p, RAISES, -EOWNERDEAD, "killed by SIGSYS"));
    expect_ok(await_work(p, COMPUTES, 0, ""));
    return 0;
}

ASYNC_DEF(break_out, (async_process_pool *)p, (const struct attempt *)a)
{
    long ret = -1;
    int r = await_process_pool_run(p, make_syscall, a, &ret);
    expect_that(r == -EOWNERDEAD && ret == -1, "%s: %s", a->name, result_text(r));
    expect_that(strstr(async_fail_text(r), "killed by SIGSYS"), "%s: %s", a->name,
                async_fail_text(r));
    return 0;
}

/* The harmless calls are queued before, beside and behind those that are killed. */
REAL(syscall_out_of_the_sandbox_kills_its_worker_and_no_other)
{
    async_process_pool_auto p =
            async_process_pool_open(.max_workers = 2, .sandbox = true, .timeout = SLOW ? 30 : 10);
    struct tally t = { p, 0, 0, "" };
    int r;
    await_group (r, g)
        for (size_t i = 0; i < countof(forbidden); i++) {
            async_spawn(g, one_of_many(&t, (int)i, LIVES));
            async_spawn(g, break_out(p, &forbidden[i]));
        }
    expect_ok(r);
    expect_int(t.answers, countof(forbidden));
    expect_text(t.what, "");
    return 0;
}

/* Return the rest of the line that begins with that title in a file of /proc about a process. */
static const char *status_of(pid_t pid, const char *file, const char *title)
{
    static char line[256];
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
    FILE *f = fopen(path, "re");
    expect_true(f);
    bool found = false;
    while (!found && fgets(line, sizeof line, f))
        found = !strncmp(line, title, strlen(title));
    fclose(f);
    return found ? line + strlen(title) : "";
}

REAL(sandboxed_worker_has_a_filter_and_limits)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1, .sandbox = true);
    pid_t pid;
    int ms = 0;
    unsigned long soft, hard;
    expect_ok(await_process_pool_run(p, nap, &ms, &pid));
    expect_int(atoi(status_of(pid, "status", "NoNewPrivs:")), 1);
    expect_int(atoi(status_of(pid, "status", "Seccomp:")), 2); /* the mode of filters */
    static const struct {
        const char *title;
        unsigned long most;
    } limits[] = { { "Max file size", 0 }, { "Max core file size", 0 }, { "Max open files", 16 } };
    for (size_t i = 0; i < countof(limits); i++) {
        expect_int(sscanf(status_of(pid, "limits", limits[i].title), "%lu %lu", &soft, &hard), 2);
        expect_int(soft, limits[i].most);
        expect_int(hard, limits[i].most);
    }
    return 0;
}

REAL(worker_without_a_sandbox_has_no_filter)
{
    async_process_pool_auto p = async_process_pool_open(.max_workers = 1);
    pid_t pid;
    int ms = 0;
    expect_ok(await_process_pool_run(p, nap, &ms, &pid));
    expect_int(atoi(status_of(pid, "status", "NoNewPrivs:")),
               atoi(status_of(getpid(), "status", "NoNewPrivs:")));
    expect_int(atoi(status_of(pid, "status", "Seccomp:")),
               atoi(status_of(getpid(), "status", "Seccomp:")));
    expect_ok(await_work(p, OPENS, 0, ""));
    return 0;
}

REAL(call_that_exceeds_memory_or_processor_time_fails)
{
    if (!SANITIZED) { /* a sanitizer reserves terabytes */
        async_process_pool_auto small = async_process_pool_open(.max_workers = 1, .sandbox = true,
                                                                .max_memory = (size_t)1 << 30);
        expect_ok(await_work(small, ALLOCATES, -ENOMEM, "no such memory"));
        expect_ok(await_work(small, COMPUTES, 0, ""));
    }
    async_process_pool_auto brief =
            async_process_pool_open(.max_workers = 1, .sandbox = true, .max_cpu = 1);
    expect_ok(await_work(brief, LOOPS, -ETIMEDOUT, "used more than 1 s of processor time"));
    expect_ok(await_work(brief, COMPUTES, 0, ""));
    return 0;
}

ASYNC_DEF(loop_in, (async_process_pool *)p)
{
    enum work what = LOOPS;
    int ret;
    return await_process_pool_run(p, do_work, &what, &ret);
}

REAL(call_in_a_sandbox_can_be_cancelled_and_dropped)
{
    async_process_pool *p = async_process_pool_open(.max_workers = 1, .sandbox = true);
    await_task_auto running = async_create_task(loop_in(p));
    await_task_auto queued = async_create_task(loop_in(p));
    expect_ok(await_sleep(0.05));
    async_task_cancel(running);
    expect_int(await_task(running), -ECANCELED);
    async_process_pool_drop(&p);
    expect_int(await_task(queued), -EPIPE);
    return 0;
}

/* --- what constructors have left --- */

static const char helper_variable[] = "TEST_HELPER_THREAD";
static atomic_int wanted, opened;
static int inherited = -1;

/* A thread in the memory of the call: it does for the call what that may not do itself. */
static void *open_on_demand(void *arg)
{
    while (!atomic_load(&wanted))
        usleep(1000);
    int fd = open("/etc/passwd", O_RDONLY);
    atomic_store(&opened, fd < 0 ? -errno : 1);
    return arg;
}

__attribute__((constructor)) static void start_helper(void)
{
    pthread_t t;
    if (!getenv(helper_variable))
        return;
    inherited = open("/etc/passwd", O_RDONLY);
    if (pthread_create(&t, NULL, open_on_demand, NULL) != 0)
        abort();
}

ASYNC_PROCESS(ask_helper, (const int *)unused, (int *)result)
{
    (void)unused;
    atomic_store(&wanted, 1);
    while ((*result = atomic_load(&opened)) == 0)
        usleep(1000);
    return 0;
}

ASYNC_PROCESS(read_inherited, (const int *)unused, (int *)fd)
{
    char byte;
    (void)unused;
    *fd = inherited;
    return read(inherited, &byte, 1) < 0 ? -errno : 1;
}

REAL(thread_of_a_constructor_is_in_the_sandbox)
{
    int in = 0, out = 0;
    if (SANITIZED) /* the runtime ends a process that cannot read /proc when it starts a thread */
        return 0;
    setenv(helper_variable, "1", 1);
    async_process_pool_auto enclosed =
            async_process_pool_open(.max_workers = 1, .sandbox = true, .timeout = SLOW ? 30 : 10);
    async_process_pool_auto open_pool = async_process_pool_open(.max_workers = 1);
    int r = await_process_pool_run(enclosed, ask_helper, &in, &out);
    expect_that(r == 0, "%s", async_fail_text(r));
    expect_int(out, -EACCES);
    expect_ok(await_process_pool_run(open_pool, ask_helper, &in, &out));
    expect_int(out, 1);
    return 0;
}

REAL(descriptor_of_a_constructor_is_closed_in_the_sandbox)
{
    int in = 0, fd = -2;
    setenv(helper_variable, "1", 1);
    async_process_pool_auto enclosed = async_process_pool_open(.max_workers = 1, .sandbox = true);
    async_process_pool_auto open_pool = async_process_pool_open(.max_workers = 1);
    expect_int(await_process_pool_run(open_pool, read_inherited, &in, &fd), 1);
    expect_true(fd > 3);
    expect_int(await_process_pool_run(enclosed, read_inherited, &in, &fd), -EBADF);
    return 0;
}

/* --- limits --- */

static const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

ASYNC_PROCESS(lift_limit, (const int *)resource, (struct rlimit *)limit)
{
    int r = setrlimit((__rlimit_resource_t)*resource, &unlimited) < 0 ? -errno : 0;
    return getrlimit((__rlimit_resource_t)*resource, limit) < 0 ? -errno : -r;
}

/* Root may raise any limit: the sandbox does not let it. */
REAL(limits_can_be_read_and_not_changed_in_a_sandbox)
{
    static const int resources[] = { RLIMIT_AS, RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_CPU,
                                     RLIMIT_CORE };
    async_process_pool_auto p =
            async_process_pool_open(.max_workers = 1, .sandbox = true,
                                    .max_memory = SANITIZED ? 0 : (size_t)1 << 30);
    struct rlimit limit;
    for (size_t i = 0; i < countof(resources); i++) {
        expect_int(await_process_pool_run(p, lift_limit, &resources[i], &limit), EACCES);
        if (resources[i] == RLIMIT_AS && !SANITIZED)
            expect_int(limit.rlim_max, (size_t)1 << 30);
    }
    return 0;
}

SUITE("process sandbox", call_can_compute_and_is_refused_files,
      syscall_out_of_the_sandbox_kills_its_worker_and_no_other,
      sandboxed_worker_has_a_filter_and_limits, worker_without_a_sandbox_has_no_filter,
      call_that_exceeds_memory_or_processor_time_fails,
      call_in_a_sandbox_can_be_cancelled_and_dropped, thread_of_a_constructor_is_in_the_sandbox,
      descriptor_of_a_constructor_is_closed_in_the_sandbox,
      limits_can_be_read_and_not_changed_in_a_sandbox)
