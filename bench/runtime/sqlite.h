/* SPDX-License-Identifier: MIT */
/* sqlite.h - the statements of the SQLite rows, which all programs execute. */
#ifndef BENCH_SQLITE_H
#define BENCH_SQLITE_H

#include "common.h"
#include <unistd.h>

#define BENCH_TABLE  "create table t (id integer primary key, name text)"
#define BENCH_INSERT "insert into t (name) values (?)"
#define BENCH_SELECT "select name from t where id = ?"

enum { BENCH_BATCH = 1000 }; /* inserts in a transaction */

/* Remove the database file and the files that SQLite puts beside it. */
static inline void remove_database(const char *path)
{
    char other[80];
    unlink(path);
    snprintf(other, sizeof other, "%s-wal", path);
    unlink(other);
    snprintf(other, sizeof other, "%s-shm", path);
    unlink(other);
}

#endif
