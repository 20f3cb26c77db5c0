# SPDX-License-Identifier: MIT
"""files_aiofiles.py DIR N TASKS - read the files DIR/0 to DIR/N-1 whole, of 4 KiB each, TASKS at a time: by aiofiles, or, where
that is not installed, by asyncio.to_thread(). Prints files a second."""
import asyncio
import sys
import time

try:
    import aiofiles
except ImportError:
    aiofiles = None

folder, count, tasks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def plain(path):
    with open(path, "rb") as f:
        return f.read()


async def read(path):
    if not aiofiles:
        return await asyncio.to_thread(plain, path)
    async with aiofiles.open(path, "rb") as f:
        return await f.read()


async def reader(left):
    return sum([len(await read(f"{folder}/{i}")) == 4096 for i in left])


async def main():
    left = iter(range(count))
    start = time.perf_counter()
    good = sum(await asyncio.gather(*[reader(left) for _ in range(tasks)]))
    assert good == count
    print(f"files {count / (time.perf_counter() - start):.0f} files/s")


asyncio.run(main())
