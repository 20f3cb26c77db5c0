/* SPDX-License-Identifier: MIT */
/* access.h - check that a call may use a connection, a statement or a pool: by process, thread and task. */
#ifndef ASYNCIO_SQLITE_ACCESS_H
#define ASYNCIO_SQLITE_ACCESS_H

#include <asyncio/base.h>

/* Where an object was made. It may be used there only: a child of fork() has a copy of the memory, but none of the
 * threads, and SQLite's state is not made for two threads. */
struct sqlite_home {
    pid_t process;
    uint64_t thread; /* a number: the id of a thread that has ended may be given to another one */
};
#define HOME_OF(p) ((p) ? &(p)->home : NULL)

struct sqlite_home sqlite_home_of_caller(void);

/* Is this a child of fork(), and the object its parent's? */
bool sqlite_is_forked(const struct sqlite_home *home);

/* The checks return 0, or an error with a message. Where there is no task that could read the message by
 * async_fail_text(), they print it.
 *
 * Check that the caller is in the process and on the thread in which the object `what` was made: -EPERM. */
ASYNC_CHECK int sqlite_check_home(const struct sqlite_home *home, const char *what);

/* Check that the caller is a task, since the function is going to wait: -EPERM in a callback, or without a loop. */
ASYNC_CHECK int sqlite_check_task(const char *function);

/* Both, for an await_ function; and -EPIPE if home is NULL, which stands for a NULL object, as closing leaves behind. */
ASYNC_CHECK int sqlite_check_use(const struct sqlite_home *home, const char *what,
                                 const char *function);

/* Print the error of a drop function, if no check has printed it: it cannot be returned. */
void sqlite_warn_not_dropped(const char *function, int error);

/* Check that SQLite may be used at all: -EPERM in a child of fork() whose parent had a connection open. SQLite's mutexes
 * may be locked there by threads that do not exist in the child, and its table of file locks is the parent's. */
ASYNC_CHECK int sqlite_check_process(void);
void sqlite_count_connections(int change); /* by 1 when one is opened, by -1 when it is closed */

/* The serial number of the calling task's loop. async_get_running_loop() would not tell one loop from the next, and ends the
 * detection of deadlocks: a loop that other threads have may be woken by them. */
uint64_t sqlite_current_loop(void);

/* The number of the current task; 0 if there is none. */
uint64_t sqlite_current_task(void);

#endif
