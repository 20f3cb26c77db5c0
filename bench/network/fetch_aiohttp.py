# SPDX-License-Identifier: MIT
"""Fetcher on aiohttp and asyncio: fetch_aiohttp.py PORT N LIMIT, prints "ok seconds"."""
import asyncio
import sys
import time

import aiohttp


async def main(port, n, limit):
    limiter, ok = asyncio.Semaphore(limit), 0
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def one(url):
        nonlocal ok
        async with limiter, session.get(url) as response:
            await response.read()
            ok += response.status == 200

    t0 = time.perf_counter()
    async with session:
        await asyncio.gather(*[one(f"http://127.0.0.1:{port}/item/{i}") for i in range(n)])
    print(ok, f"{time.perf_counter() - t0:.4f}")


asyncio.run(main(*map(int, sys.argv[1:4])))
