/* SPDX-License-Identifier: MIT */
/* blocking.c - the rule `blocking`: a call that waits in the kernel, in code that runs in tasks. It
 * stops the thread, and so every task of the loop. */
#include "source.h"

/* When the call does not block. */
enum harmless {
    NEVER,
    WHEN_READY,   /* the function waits for the descriptor before, or makes it non-blocking */
    NOT_STDIN,    /* on another stream than stdin */
    NOT_FILE,     /* on stdin, or on memory */
    WITH_NOHANG,  /* with WNOHANG */
    WITH_NB,      /* with LOCK_NB */
    WITH_TIMEOUT, /* with a timeout of 0 */
};

#define STDIN_READY "wait with await_fd_ready(STDIN_FILENO, POLLIN) before"
#define FILE_STREAM "use await_open_file() and async_lines(), or an ASYNC_THREAD function"
#define FD_READY    "wait with await_fd_ready() before"
#define PIDFD       "wait with await_fd_ready() on a pidfd"
#define FROM_THREAD "signal an async_event with async_call_soon_threadsafe()"

static const struct blocking_call {
    const char *name, *advice;
    enum harmless harmless;
} calls[] = {
    { "sleep", "use await_sleep()", NEVER },
    { "usleep", "use await_sleep()", NEVER },
    { "nanosleep", "use await_sleep()", NEVER },
    { "clock_nanosleep", "use await_sleep()", NEVER },
    { "thrd_sleep", "use await_sleep()", NEVER },
    { "pause", "use an async_event", NEVER },
    { "getaddrinfo", "use await_open_connection(), or call it in a thread", NEVER },
    { "getnameinfo", "call it in a thread", NEVER },
    { "gethostbyname", "use await_open_connection(), or call it in a thread", NEVER },
    { "gethostbyaddr", "call it in a thread", NEVER },
    { "connect", "use await_open_connection()", WHEN_READY },
    { "accept", "use await_serve(), or " FD_READY, WHEN_READY },
    { "accept4", "use await_serve(), or " FD_READY, WHEN_READY },
    { "read", "use await_stream_read(), or " FD_READY, WHEN_READY },
    { "readv", FD_READY, WHEN_READY },
    { "recv", "use await_stream_read(), or " FD_READY, WHEN_READY },
    { "recvfrom", FD_READY, WHEN_READY },
    { "recvmsg", FD_READY, WHEN_READY },
    { "write", "use await_stream_write(), or " FD_READY, WHEN_READY },
    { "writev", FD_READY, WHEN_READY },
    { "send", "use await_stream_write(), or " FD_READY, WHEN_READY },
    { "sendto", FD_READY, WHEN_READY },
    { "sendmsg", FD_READY, WHEN_READY },
    { "poll", "use await_fd_ready()", WITH_TIMEOUT },
    { "epoll_wait", "use await_fd_ready()", WITH_TIMEOUT },
    { "select", "use await_fd_ready()", NEVER },
    { "pselect", "use await_fd_ready()", NEVER },
    { "ppoll", "use await_fd_ready()", NEVER },
    { "flock", "try with LOCK_NB, and await_sleep() between attempts", WITH_NB },
    { "getchar", STDIN_READY, WHEN_READY },
    { "scanf", STDIN_READY, WHEN_READY },
    { "fread", STDIN_READY, NOT_STDIN },
    { "fgets", STDIN_READY, NOT_STDIN },
    { "fgetc", STDIN_READY, NOT_STDIN },
    { "getc", STDIN_READY, NOT_STDIN },
    { "fscanf", STDIN_READY, NOT_STDIN },
    { "getline", STDIN_READY, NOT_STDIN },
    { "getdelim", STDIN_READY, NOT_STDIN },
    { "fread", FILE_STREAM, NOT_FILE },
    { "fgets", FILE_STREAM, NOT_FILE },
    { "fgetc", FILE_STREAM, NOT_FILE },
    { "getc", FILE_STREAM, NOT_FILE },
    { "fscanf", FILE_STREAM, NOT_FILE },
    { "getline", FILE_STREAM, NOT_FILE },
    { "getdelim", FILE_STREAM, NOT_FILE },
    { "system", "use posix_spawn(), and " PIDFD, NEVER },
    { "popen", "use posix_spawn(), and wait with await_fd_ready() on a pipe", NEVER },
    { "pclose", PIDFD, NEVER },
    { "wait", PIDFD, NEVER },
    { "waitpid", PIDFD, WITH_NOHANG },
    { "waitid", PIDFD, WITH_NOHANG },
    { "pthread_join", FROM_THREAD " at the end of the thread", NEVER },
    { "thrd_join", FROM_THREAD " at the end of the thread", NEVER },
    { "pthread_cond_wait", FROM_THREAD, NEVER },
    { "pthread_cond_timedwait", FROM_THREAD, NEVER },
    { "cnd_wait", FROM_THREAD, NEVER },
    { "pthread_barrier_wait", FROM_THREAD, NEVER },
    { "sem_wait", "use an async_semaphore", NEVER },
    { "sem_timedwait", "use an async_semaphore", NEVER },
};

static bool range_contains_any(const struct source *s, uint32_t from, uint32_t to,
                               const char *const *words)
{
    for (; *words; words++)
        if (range_contains(s, from, to, *words))
            return true;
    return false;
}

/* Do the arguments of the call, or other words in the function, show that it does not block? */
static bool is_harmless(const struct source *s, const struct function *f, uint32_t i,
                        enum harmless h)
{
    static const char *const ready[] = { "await_fd_ready", "POLLIN",  "POLLOUT",      "O_NONBLOCK",
                                         "SOCK_NONBLOCK",  "FIONBIO", "MSG_DONTWAIT", NULL };
    uint32_t close = token_match(s, i + 1);
    switch (h) {
    case NEVER:
        return false;
    case WHEN_READY:
        return range_contains_any(s, f->open, f->close, ready);
    case NOT_STDIN:
        return !range_contains(s, i, close, "stdin") ||
               range_contains_any(s, f->open, f->close, ready);
    case NOT_FILE:
        return range_contains(s, i, close, "stdin") ||
               range_contains(s, f->open, f->close, "fmemopen") ||
               range_contains_any(s, f->open, f->close, ready);
    case WITH_NOHANG:
        return range_contains(s, i, close, "WNOHANG");
    case WITH_NB:
        return range_contains(s, i, close, "LOCK_NB") || range_contains(s, i, close, "LOCK_UN");
    case WITH_TIMEOUT:
        return token_is(s, close - 1, "0") && token_is(s, close - 2, ",");
    }
    return false;
}

/* Does async_blocking(read(...)) mark the call as intended? */
static bool is_intended(const struct source *s, uint32_t i)
{
    for (uint32_t at = i > 16 ? i - 16 : 0; at < i; at++)
        if (token_is(s, at, "async_blocking") && token_is(s, at + 1, "(") &&
            token_match(s, at + 1) > i)
            return true;
    return false;
}

void check_blocking(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open; i < f->close; i++) {
        /* A function of this file that has the name of one in libc is not that one. */
        if (!is_call(s, i) || is_function_of_file(s, i) || is_intended(s, i))
            continue;
        for (size_t k = 0; k < sizeof calls / sizeof *calls; k++)
            if (token_is(s, i, calls[k].name) && !is_harmless(s, f, i, calls[k].harmless))
                report_finding(s, i, "%s() blocks every task of the loop; %s", calls[k].name,
                               calls[k].advice);
    }
}
