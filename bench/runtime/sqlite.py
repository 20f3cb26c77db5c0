# SPDX-License-Identifier: MIT
"""sqlite.py N FILE - the same statements by Python's sqlite3, each by asyncio.to_thread()."""
import asyncio
import os
import sqlite3
import sys
import time

BATCH = 1000
N, FILE = int(sys.argv[1]), sys.argv[2]
INSERT = "insert into t (name) values (?)"


def opened(path, *pragmas):
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    for sql in (*pragmas, "create table t (id integer primary key, name text)"):
        db.execute(sql)
    return db


def per(name, t0, n):
    print(f"{name} {(time.perf_counter() - t0) * 1e9 / n:.6g} ns", flush=True)


async def main(path):
    db = opened(":memory:")
    t0 = time.perf_counter()
    for _ in range(N):
        await asyncio.to_thread(db.execute, INSERT, ("a name",))
    per("sqlite_insert", t0, N)
    t0 = time.perf_counter()
    for i in range(1, N + 1):
        row = await asyncio.to_thread(lambda: db.execute("select name from t where id = ?", (i,)).fetchone())
        assert row[0] == "a name"
    per("sqlite_select", t0, N)
    db = opened(path, "pragma journal_mode = wal", "pragma synchronous = normal")
    t0 = time.perf_counter()
    for _ in range(0, N, BATCH):
        await asyncio.to_thread(db.execute, "begin immediate")
        for _ in range(BATCH):
            await asyncio.to_thread(db.execute, INSERT, ("a name",))
        await asyncio.to_thread(db.execute, "commit")
    per("sqlite_batch", t0, N)
    db.close()


try:
    asyncio.run(main(FILE))
finally:
    for end in ("", "-wal", "-shm"):
        if os.path.exists(FILE + end):
            os.remove(FILE + end)
