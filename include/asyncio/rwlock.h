/* SPDX-License-Identifier: MIT */
/* rwlock.h - a lock that many tasks may hold for reading, or one task for writing.
 *
 *   await_rwlock_acquire_read    wait until the lock may be held for reading
 *   await_rwlock_acquire_write   wait until the lock may be held for writing
 *   async_rwlock_release_read    release it after reading
 *   async_rwlock_release_write   release it after writing
 *   async_rwlock_reader          a context manager for await_with: hold the lock for reading
 *   async_rwlock_writer          the same for writing
 *
 * Tasks acquire the lock in the order in which they came. A reader that comes while a writer waits
 * waits behind it, so readers that keep coming cannot starve a writer. The lock is not recursive: a
 * task that holds it for reading and acquires it again waits for ever if a writer came in between.
 *
 * The lock belongs to the loop that first used it, until that loop is closed. Common errors:
 *   -EPERM       not called from a task, or the lock belongs to another open loop; a message is
 *                printed to stderr
 *   -ECANCELED   the caller was cancelled; the lock is not held
 *   -EOWNERDEAD  the task that held the lock for writing has ended without releasing it */
#ifndef ASYNCIO_RWLOCK_H
#define ASYNCIO_RWLOCK_H

#include <asyncio/sync.h>

ASYNC_BEGIN_DECLS

/* A read-write lock. Zero is free: async_rwlock lock = { 0 }. Its members are private. */
typedef struct async_rwlock {
    async_lock lock; /* its owner is the writer */
    size_t readers;  /* tasks that hold the lock for reading */
} async_rwlock;

/* Wait until the lock may be held for reading.
 *
 *   await_with (r, async_rwlock_reader(&config_lock))
 *       port = config.port;
 *
 * l          the lock.
 * Returns    0, or -EDEADLK if the calling task holds the lock for writing; -EPERM, -ECANCELED,
 *            -EOWNERDEAD.
 * Cancelled  the lock is not held, and the tasks behind the caller move up.
 * Suspends   while a task holds the lock for writing, or waits to.
 * See also   async_rwlock_reader(), which also releases the lock. */
int await_rwlock_acquire_read(async_rwlock *l) ASYNC_CHECK;

/* Wait until the lock may be held for writing.
 *
 * l          the lock.
 * Returns    0, or -EDEADLK if the calling task holds the lock for writing already; -EPERM,
 *            -ECANCELED, -EOWNERDEAD.
 * Cancelled  the lock is not held, and the tasks behind the caller move up.
 * Suspends   while any other task holds the lock, or came before and waits for it. */
int await_rwlock_acquire_write(async_rwlock *l) ASYNC_CHECK;

/* Release a lock that was acquired for reading, in the same task or in another one.
 *
 * Returns    0; -EPERM if no task holds it for reading, and a message is printed to stderr.
 * Suspends   no. */
int async_rwlock_release_read(async_rwlock *l);

/* Release a lock that the calling task has acquired for writing.
 *
 * Returns    0; -EPERM if the calling task does not hold it, and a message is printed to stderr.
 * Suspends   no. */
int async_rwlock_release_write(async_rwlock *l);

/* Return a context manager that holds the lock for reading, or for writing, while a block runs.
 *
 *   await_with (r, async_rwlock_writer(&config_lock))
 *       config = new_config;
 *
 * Suspends   no; entering the block suspends as the functions above do. */
async_context_manager async_rwlock_reader(async_rwlock *l);
async_context_manager async_rwlock_writer(async_rwlock *l);

ASYNC_END_DECLS

#endif
