# SPDX-License-Identifier: MIT
"""The workloads of the runtime table on Python's asyncio: bench.py WORKLOAD [N]"""
import asyncio
import concurrent.futures
import resource
import sys
import time

now = time.perf_counter_ns


def report(workload, value, unit):
    print(workload, f"{value:.6g}", unit, flush=True)


def per(workload, t0, n):
    report(workload, (now() - t0) / n, "ns")


def status_bytes(name):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(name + ":"))


async def trivial():
    return 1


async def spin(times):
    for _ in range(times):
        await asyncio.sleep(0)


async def switch(n=250000):
    t0 = now()
    await asyncio.gather(spin(n), spin(n))
    per("switch", t0, 2 * n)


async def ring(n=100000):
    tasks = [asyncio.create_task(spin(6)) for _ in range(n)]
    await asyncio.sleep(0)
    t0 = now()
    await asyncio.gather(*tasks)
    per("switch_ring_100000", t0, 5 * n)


async def spawn(n=100000):
    t0 = now()
    for _ in range(n):
        await asyncio.create_task(trivial())
    per("spawn_join", t0, n)
    t0 = now()
    await asyncio.gather(*[asyncio.create_task(trivial()) for _ in range(n)])
    per("spawn_batch", t0, n)


async def sleepers(n=1000):
    nap = 1 if n <= 10000 else 4 if n <= 100000 else 30
    base = status_bytes("VmHWM")
    alive = peak = 0

    async def one():
        nonlocal alive, peak
        alive += 1
        peak = max(peak, alive)
        await asyncio.sleep(nap)
        alive -= 1

    await asyncio.gather(*[asyncio.create_task(one()) for _ in range(n)])
    if peak != n:
        sys.exit(f"only {peak} of {n} slept at once")
    report(f"sleepers_{n}_mem", (status_bytes("VmHWM") - base) / n, "B/task")
    r = resource.getrusage(resource.RUSAGE_SELF)
    report(f"sleepers_{n}_cpu", (r.ru_utime + r.ru_stime) * 1e9 / n, "ns/task")


async def queue(n=1000000):
    q = asyncio.Queue(128)

    async def produce():
        for i in range(n):
            await q.put(i)

    async def consume():
        for _ in range(n):
            await q.get()

    t0 = now()
    await asyncio.gather(produce(), consume())
    per("queue", t0, n)


async def sem(n=100000):
    limit = asyncio.Semaphore(10)

    async def polite():
        async with limit:
            await asyncio.sleep(0)

    t0 = now()
    await asyncio.gather(*[asyncio.create_task(polite()) for _ in range(n)])
    per("semaphore", t0, n)


async def mutex(n=1000):
    lock = asyncio.Lock()

    async def locker():
        for _ in range(n):
            async with lock:
                await asyncio.sleep(0)

    t0 = now()
    await asyncio.gather(*[locker() for _ in range(100)])
    per("mutex_handoff", t0, 100 * n)


async def event(n=100000):
    ev = asyncio.Event()
    tasks = [asyncio.create_task(ev.wait()) for _ in range(n)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    t0 = now()
    ev.set()
    await asyncio.gather(*tasks)
    per("event_broadcast", t0, n)


async def timers(n=1000000):
    loop = asyncio.get_running_loop()
    t0 = now()
    for _ in range(n):
        loop.call_later(60, print).cancel()
    await asyncio.sleep(0)
    per("timer_add_cancel", t0, n)

    t0 = now()
    handles = [loop.call_later(60 + (i * 7919 % n) / n, print) for i in range(n)]
    for h in handles:
        h.cancel()
    await asyncio.sleep(0)
    per("timer_live_1e6", t0, n)
    del handles

    n = n // 10
    t0 = now()
    for _ in range(n):
        await asyncio.wait_for(asyncio.sleep(0), 60)
    per("wait_for", t0, n)

    t0 = now()
    for _ in range(n):
        async with asyncio.timeout(60):
            await asyncio.sleep(0)
    per("timeout_block", t0, n)


def increment(n):
    return n + 1


async def thread(n=20000):
    for i in range(100):
        await asyncio.to_thread(increment, i)
    t0 = now()
    for i in range(n):
        await asyncio.to_thread(increment, i)
    per("to_thread", t0, n)

    n *= 5
    t0 = now()
    await asyncio.gather(*[asyncio.to_thread(increment, i) for i in range(n)])
    per("to_thread_batch", t0, n)


async def process(n=10000):
    loop = asyncio.get_running_loop()
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        for i in range(100):
            await loop.run_in_executor(pool, increment, i)
        t0 = now()
        for i in range(n):
            await loop.run_in_executor(pool, increment, i)
        per("process", t0, n)
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        await loop.run_in_executor(pool, increment, 1)
        t0 = now()
        await asyncio.gather(*[loop.run_in_executor(pool, increment, i) for i in range(n)])
        per("process_batch", t0, n)


WORKLOADS = (switch, ring, spawn, sleepers, queue, sem, mutex, event, timers, thread, process)

if __name__ == "__main__":
    workload = {f.__name__: f for f in WORKLOADS}[sys.argv[1]]
    asyncio.run(workload(*map(int, sys.argv[2:3])))
