/* SPDX-License-Identifier: MIT */
/* transaction.h - what ends transactions, on the connection's thread. */
#ifndef ASYNCIO_SQLITE_TRANSACTION_H
#define ASYNCIO_SQLITE_TRANSACTION_H

#include <asyncio/sqlite.h>

struct sqlite_job;

/* Roll back the transaction, if there is one. */
int work_rollback_all(async_sqlite *db, struct sqlite_job *job);

/* If there is no transaction, begin one around the statement that is being executed, so that its
 * changes, which are not committed yet, can be rolled back. Needs no memory. */
void work_begin_around_statement(async_sqlite *db);

/* End what abandoned tasks have begun, before the job. An error cannot be reported to them. */
void work_end_leftovers(async_sqlite *db, const struct sqlite_job *job);

/* Fail with -ESTALE, because the transaction of the current block is gone. */
int work_fail_lost_transaction(struct sqlite_job *job);

#endif
