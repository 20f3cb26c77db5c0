/* SPDX-License-Identifier: MIT */
/* lock_over_await.c - the rule `lock-over-await`: an await_ call between the lock and the unlock
 * of a lock between threads. While the task is suspended the lock stays locked, and the next task
 * that tries to lock it stops the thread, and with it the task that would unlock. */
#include "source.h"

/* Does the code after an unlock leave, as in `if (bad) { unlock(); return; }`? Then the lock is
 * still held further down. */
static bool leaves_after(const struct source *s, uint32_t i)
{
    static const char *const out[] = { "return", "break", "continue", "goto", NULL };
    for (uint32_t at = i; !token_is(s, at, "}"); at++) {
        if (token_is_one_of(s, at, out))
            return true;
        if (token_is(s, at, "{"))
            at = token_match(s, at);
    }
    return false;
}

/* Return the unlock that ends what the lock at i begins; the end of the function if there is
 * none. */
static uint32_t find_unlock(const struct source *s, const struct function *f, uint32_t i)
{
    static const char *const unlocks[] = { "pthread_mutex_unlock", "mtx_unlock",
                                           "pthread_rwlock_unlock", "pthread_spin_unlock", NULL };
    for (uint32_t at = i; at < f->close; at++)
        if (token_is_one_of(s, at, unlocks) &&
            (braces_around(s, at) == braces_around(s, i) || !leaves_after(s, at)))
            return at;
    return f->close;
}

void check_lock_over_await(struct source *s, const struct function *f)
{
    static const char *const locks[] = { "pthread_mutex_lock",    "mtx_lock",
                                         "pthread_rwlock_rdlock", "pthread_rwlock_wrlock",
                                         "pthread_spin_lock",     NULL };
    for (uint32_t i = f->open; i < f->close; i++) {
        if (!token_is_one_of(s, i, locks) || !is_call(s, i))
            continue;
        uint32_t end = find_unlock(s, f, i);
        for (uint32_t at = i; at < end; at++)
            if (is_await_call(s, at) || is_await_block(s, at)) {
                report_finding(
                        s, at,
                        "%.*s() may suspend while the lock of line %d is held, and another "
                        "task that locks it stops the loop; unlock before, or use async_lock",
                        TOKEN_ARG(s, at), s->tokens[i].line);
                break;
            }
    }
}
