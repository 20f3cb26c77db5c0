/* SPDX-License-Identifier: MIT */
/* blocking.c - the rules `blocking` and `lock-over-await`: what stops every task of the loop. */
#include "source.h"

enum harmless {
    NEVER,
    WHEN_READY, /* the function asks before, or the descriptor never blocks */
    NOT_STDIN,  /* of another stream: a file */
    NO_HANG,    /* with WNOHANG */
    NO_BLOCK,   /* with LOCK_NB */
    NO_TIME,    /* with a limit of 0 */
};

static const struct call {
    const char *name, *instead;
    enum harmless harmless;
} calls[] = {
    { "sleep", "await_sleep()", NEVER },
    { "usleep", "await_sleep()", NEVER },
    { "nanosleep", "await_sleep()", NEVER },
    { "clock_nanosleep", "await_sleep()", NEVER },
    { "thrd_sleep", "await_sleep()", NEVER },
    { "pause", "an async_event", NEVER },
    { "getaddrinfo", "await_open_connection(), or a thread", NEVER },
    { "getnameinfo", "a thread", NEVER },
    { "gethostbyname", "await_open_connection(), or a thread", NEVER },
    { "gethostbyaddr", "a thread", NEVER },
    { "connect", "await_open_connection()", WHEN_READY },
    { "accept", "await_serve(), or await_fd_ready() before", WHEN_READY },
    { "accept4", "await_serve(), or await_fd_ready() before", WHEN_READY },
    { "read", "await_stream_read(), or await_fd_ready() before", WHEN_READY },
    { "readv", "await_fd_ready() before", WHEN_READY },
    { "recv", "await_stream_read(), or await_fd_ready() before", WHEN_READY },
    { "recvfrom", "await_fd_ready() before", WHEN_READY },
    { "recvmsg", "await_fd_ready() before", WHEN_READY },
    { "write", "await_stream_write(), or await_fd_ready() before", WHEN_READY },
    { "writev", "await_fd_ready() before", WHEN_READY },
    { "send", "await_stream_write(), or await_fd_ready() before", WHEN_READY },
    { "sendto", "await_fd_ready() before", WHEN_READY },
    { "sendmsg", "await_fd_ready() before", WHEN_READY },
    { "poll", "await_fd_ready()", NO_TIME },
    { "epoll_wait", "await_fd_ready()", NO_TIME },
    { "select", "await_fd_ready()", NEVER },
    { "pselect", "await_fd_ready()", NEVER },
    { "ppoll", "await_fd_ready()", NEVER },
    { "flock", "LOCK_NB and await_sleep()", NO_BLOCK },
    { "getchar", "await_fd_ready(STDIN_FILENO, POLLIN) before", WHEN_READY },
    { "scanf", "await_fd_ready(STDIN_FILENO, POLLIN) before", WHEN_READY },
    { "fread", "await_fd_ready(STDIN_FILENO, POLLIN) before", NOT_STDIN },
    { "fgets", "await_fd_ready(STDIN_FILENO, POLLIN) before", NOT_STDIN },
    { "fgetc", "await_fd_ready(STDIN_FILENO, POLLIN) before", NOT_STDIN },
    { "getc", "await_fd_ready(STDIN_FILENO, POLLIN) before", NOT_STDIN },
    { "fscanf", "await_fd_ready(STDIN_FILENO, POLLIN) before", NOT_STDIN },
    { "getline", "await_fd_ready(STDIN_FILENO, POLLIN) before", NOT_STDIN },
    { "getdelim", "await_fd_ready(STDIN_FILENO, POLLIN) before", NOT_STDIN },
    { "system", "posix_spawn() and await_fd_ready() on a pidfd", NEVER },
    { "popen", "posix_spawn() and await_fd_ready() on a pipe", NEVER },
    { "pclose", "await_fd_ready() on a pidfd", NEVER },
    { "wait", "await_fd_ready() on a pidfd", NEVER },
    { "waitpid", "await_fd_ready() on a pidfd", NO_HANG },
    { "waitid", "await_fd_ready() on a pidfd", NO_HANG },
    { "pthread_join", "async_call_soon_threadsafe() at the thread's end", NEVER },
    { "thrd_join", "async_call_soon_threadsafe() at the thread's end", NEVER },
    { "pthread_cond_wait", "async_call_soon_threadsafe() and an async_event", NEVER },
    { "pthread_cond_timedwait", "async_call_soon_threadsafe() and an async_event", NEVER },
    { "cnd_wait", "async_call_soon_threadsafe() and an async_event", NEVER },
    { "pthread_barrier_wait", "async_call_soon_threadsafe() and an async_event", NEVER },
    { "sem_wait", "an async_semaphore", NEVER },
    { "sem_timedwait", "an async_semaphore", NEVER },
};

/* Does a function of this file have that name? Then it is not libc's. */
static bool is_ours(const struct source *s, uint32_t i)
{
    for (size_t k = 0; k < s->function_count; k++)
        if (same(s, s->functions[k].name, i))
            return true;
    return false;
}

static bool any_of(const struct source *s, uint32_t from, uint32_t to, const char *const *words)
{
    for (; *words; words++)
        if (contains(s, from, to, *words))
            return true;
    return false;
}

static bool is_harmless(const struct source *s, const struct function *f, uint32_t i, enum harmless h)
{
    static const char *const ready[] = { "await_fd_ready", "POLLIN",  "POLLOUT",      "O_NONBLOCK",
                                         "SOCK_NONBLOCK",  "FIONBIO", "MSG_DONTWAIT", NULL };
    uint32_t close = match(s, i + 1);
    switch (h) {
    case NEVER:
        return false;
    case WHEN_READY:
        return any_of(s, f->open, f->close, ready);
    case NOT_STDIN:
        return !contains(s, i, close, "stdin") || any_of(s, f->open, f->close, ready);
    case NO_HANG:
        return contains(s, i, close, "WNOHANG");
    case NO_BLOCK:
        return contains(s, i, close, "LOCK_NB") || contains(s, i, close, "LOCK_UN");
    case NO_TIME:
        return is(s, close - 1, "0") && is(s, close - 2, ",");
    }
    return false;
}

/* What a macro says for certain: async_blocking(read(...)). */
static bool is_meant(const struct source *s, uint32_t i)
{
    for (uint32_t at = i > 16 ? i - 16 : 0; at < i; at++)
        if (is(s, at, "async_blocking") && is(s, at + 1, "(") && match(s, at + 1) > i)
            return true;
    return false;
}

void lint_blocking(struct source *s, const struct function *f)
{
    for (uint32_t i = f->open; i < f->close; i++) {
        if (!is_call(s, i))
            continue;
        for (size_t k = 0; k < sizeof calls / sizeof *calls; k++)
            if (is(s, i, calls[k].name) && !is_ours(s, i) && !is_meant(s, i) &&
                !is_harmless(s, f, i, calls[k].harmless))
                lint_found(s, LINT_BLOCKING, i, "%s() blocks every task of the loop: %s",
                           calls[k].name, calls[k].instead);
    }
}

/* ---- locks ---- */

/* Is the unlock at i on a way out, as in `if (bad) { unlock(); return; }`? Then the lock is held further down. */
static bool leaves(const struct source *s, uint32_t i)
{
    static const char *const out[] = { "return", "break", "continue", "goto", NULL };
    for (uint32_t at = i; !is(s, at, "}"); at++) {
        if (is_one_of(s, at, out))
            return true;
        if (is(s, at, "{"))
            at = match(s, at);
    }
    return false;
}

/* The token of the block that i is in: its '{'. */
static uint32_t block_of(const struct source *s, uint32_t i)
{
    while (i > 0 && !is(s, --i, "{"))
        if (is(s, i, "}"))
            i = match(s, i);
    return i;
}

/* Where the lock that is taken at i is given back; the end of the function if it never is. */
static uint32_t held_until(const struct source *s, const struct function *f, uint32_t i)
{
    static const char *const unlocks[] = { "pthread_mutex_unlock", "mtx_unlock",
                                           "pthread_rwlock_unlock", "pthread_spin_unlock", NULL };
    for (uint32_t at = i; at < f->close; at++)
        if (is_one_of(s, at, unlocks) && (block_of(s, at) == block_of(s, i) || !leaves(s, at)))
            return at;
    return f->close;
}

void lint_locks(struct source *s, const struct function *f)
{
    static const char *const locks[] = { "pthread_mutex_lock",    "mtx_lock",
                                         "pthread_rwlock_rdlock", "pthread_rwlock_wrlock",
                                         "pthread_spin_lock",     NULL };
    for (uint32_t i = f->open; i < f->close; i++) {
        if (!is_one_of(s, i, locks) || !is_call(s, i))
            continue;
        uint32_t end = held_until(s, f, i);
        for (uint32_t at = i; at < end; at++)
            if (is_await(s, at) || is_block(s, at)) {
                lint_found(s, LINT_LOCK, at,
                           "%.*s() may suspend while the lock of line %d is held: whoever wants it stops the loop",
                           SAID(s, at), s->tokens[i].line);
                break;
            }
    }
}
