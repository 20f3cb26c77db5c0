/* SPDX-License-Identifier: MIT */
/* access.h - check that a call may use a connection, a statement or a pool.
 *
 * The checks return 0, or an error with a message. In a task, the caller reads the message with
 * async_fail_text(); elsewhere the check prints it, since code in callbacks rarely looks for it. */
#ifndef ASYNCIO_SQLITE_ACCESS_H
#define ASYNCIO_SQLITE_ACCESS_H

#include <asyncio/base.h>

/* Where an object was made; it may be used only there. A child of fork() has a copy of the memory
 * but none of the threads, and an object is not protected against use by a second thread. */
struct sqlite_home {
    pid_t process;
    uint64_t thread; /* a serial number, since ids of threads that have ended are used again */
};
#define SQLITE_HOME_OF(object) ((object) ? &(object)->home : NULL)

struct sqlite_home sqlite_home_of_caller(void);

/* Does the object belong to the process that forked this one? */
bool sqlite_is_forked(const struct sqlite_home *home);

/* Check that this is the process and the thread where the object was made.
 *
 * what       the kind of object, for the message: "connection".
 * Returns    0; -EPERM in another process or on another thread. */
ASYNC_CHECK int sqlite_check_home(const struct sqlite_home *home, const char *what);

/* Check that the caller is a task, because the function is about to wait.
 *
 * function   the function that the user has called, for the message.
 * Returns    0; -EPERM in a callback, or on a thread without a loop. */
ASYNC_CHECK int sqlite_check_task(const char *function);

/* Make all checks of an await_ function that uses an object.
 *
 * home       NULL stands for an object that is NULL, which is what closing leaves behind.
 * Returns    0; -EPERM as above; -EPIPE if home is NULL. */
ASYNC_CHECK int sqlite_check_use(const struct sqlite_home *home, const char *what,
                                 const char *function);

/* Check that this process may use SQLite at all. In a child of fork(), mutexes of SQLite may be
 * locked by threads that do not exist there, and SQLite's table of file locks is the parent's.
 *
 * Returns    0; -EPERM in a child of fork() whose parent had a connection open. */
ASYNC_CHECK int sqlite_check_process(void);

/* Count a connection for sqlite_check_process(): 1 if one is opened, -1 if it is closed. */
void sqlite_count_connections(int change);

/* Print the error of a drop function, which cannot return it, unless a check has printed it. */
void sqlite_warn_not_dropped(const char *function, int error);

/* Return the number of the current task, or 0 if there is none. Tasks are remembered by number:
 * the address of a task that has ended is used again for another one. */
uint64_t sqlite_current_task(void);

/* Return the serial number of the current loop, which is unique in the process; 0 if there is none.
 * async_get_running_loop() is not used here: a later loop may have the same address, and once it
 * has been called, the loop no longer reports deadlocks, since other threads may wake it. */
uint64_t sqlite_current_loop(void);

#endif
