# SPDX-License-Identifier: MIT
"""The rows of the table with their targets, and the table as text.

The targets were set by figures of one machine. On other machines a target is a ratio to a peer: to the one that it
names, or, if that one is not in this run, to another one, with the figure that this one had on the first machine."""
from dataclasses import dataclass
from statistics import median

SIZES = (1000, 10000, 100000, 1000000)
LIMITS = (10, 100, 1000)
COLUMNS = ("python", "go", "libuv")
PEERS = COLUMNS + ("curl",)


@dataclass
class Row:
    id: str
    title: str
    key: str
    unit: str = "ns"
    target: float | None = None  # figure on the first machine; on any machine if there is no `than`
    named: str = ""              # the best peer on the first machine, and its figure
    than: tuple | None = None    # peer, key, and its figure on the first machine
    more: bool = False           # a larger figure is better
    phase: bool = False          # the figure of a peer is that of its fetching alone
    beside: str = ""             # the peer for comparison if there is no target; "": the best one

    def bound(self, results):
        """Return the target in this run, the ratio, and the figure to which it is a ratio; None if that was not measured."""
        if self.target is None:
            return None
        if not self.than:
            return self.target, None, None
        peer, key, there = self.than
        here = results.get(key, {}).get(peer)
        ratio = self.target / there
        return (ratio * median(here), ratio, median(here)) if here else None


def times(floor):
    """The floor for a target that is a multiple of it."""
    return (*floor[:2], 1)


def runtime_rows():
    floor_switch = ("floor", "switch_call_jmp", 2.33)
    floor_ring = ("floor", "switch_ring_100000", 47.2)
    floor_clock = ("floor", "clock_gettime", 22)
    sqlite = "SQLite, an insert awaited", "SQLite, a row by its key", "SQLite, an insert, 1,000 in a transaction"
    floor_stack = ("floor", "stack_guard_touch", 2260)
    row_1 = ("ours", "switch", 1)
    rows = [
        Row("1", "switch", "switch", "ns", 3.2, "libdill 12.3", times(floor_switch)),
        Row("1s", "switch between two call sites", "switch_sites", "ns", 1.3, "", row_1),
        Row("1f", "switch, a descriptor waited for", "switch_waited", "ns", 1.3, "", row_1),
        Row("1x", "switch, one task inexact", "switch_inexact", "ns", 1.05, "", row_1),
        Row("1b", "switch, 100,000 tasks alive", "switch_ring_100000", "ns", 1.8, "tokio 28.4", times(floor_ring)),
        Row("2", "spawn + join", "spawn_join", "ns", 6, "libdill 45.4", ("floor", "spawn_reuse", 1)),
        Row("2b", "spawn 100,000, join all", "spawn_batch", "ns", 100, "libdill 42.5",
            ("go", "spawn_batch", 992)),
    ]
    for n in SIZES:
        rows.append(Row("3", f"{n:,} sleepers, memory", f"sleepers_{n}_mem", "B/task",
                        4260 if n == 1000000 else None, "State Threads 4,200"))
    for n in SIZES:
        rows.append(Row("3", f"{n:,} sleepers, CPU", f"sleepers_{n}_cpu", "ns/task", 1.55, "tokio 1,262",
                        ("floor", "stack_life", 1)))
    return rows + [
        Row("4", "queue of 128, an item", "queue", "ns", 3, "State Threads 1.73", ("go", "queue", 25.0)),
        Row("5", "semaphore of 10, 100,000 tasks", "semaphore", "ns", 1.4, "tokio 273", times(floor_stack)),
        Row("5s", "the same, second wave", "semaphore_second", "ns", 450, "", ("go", "semaphore", 3120)),
        Row("5w", "the same, second wave, `await_with`", "semaphore_with"),
        Row("6", "mutex handoff, 100 tasks", "mutex_handoff", "ns", 30, "tokio 151",
            ("go", "mutex_handoff", 171)),
        Row("6w", "the same, `await_with`", "mutex_handoff_with"),
        Row("6b", "event, 100,000 waiters", "event_broadcast", "ns", 3, "tokio 121", times(floor_ring)),
        Row("7", "timer, arm + cancel", "timer_add_cancel", "ns", 30, "libuv 7.72", floor_clock),
        Row("7b", "the same, 1,000,000 alive", "timer_live_1e6", "ns", 225, "Go 225",
            ("go", "timer_live_1e6", 225)),
        Row("7c", "wait_for a new task", "wait_for", "ns", 150, "tokio 417", ("go", "wait_for", 1191)),
        Row("7d", "timeout block", "timeout_block", "ns", 45, "libdill 49.5", floor_clock),
        Row("8", "to_thread", "to_thread", "ns", 2000, "tokio 10,100", ("libuv", "to_thread", 14600)),
        Row("8b", "100,000 at once", "to_thread_batch", "ns", 400, "libuv 414", ("libuv", "to_thread_batch", 414)),
        Row("8bs", "the same, second wave", "to_thread_batch_second"),
        Row("9", "call in another process", "process", "ns", 4000, "Python 112,000", ("python", "process", 112000)),
        Row("9b", "10,000 at once", "process_batch", "ns", 10000, "Python 82,100", ("python", "process_batch", 82100)),
        *[Row(f"S{i + 1}", text, f"sqlite_{what}", beside="floor")
          for i, (text, what) in enumerate(zip(sqlite, ("insert", "select", "batch")))],
    ]


def network_rows():
    rows = []
    for n, go, mib in zip(LIMITS, (53050, 43792, 26350), (14, 14, 34)):
        name = f"fetch, fast server, limit {n:,}"
        key = f"fetch_{n}"
        rows += [
            Row("F3", name, key + "_rate", "req/s", 1, f"Go {go:,}", ("go", key + "_rate", 1), True),
            Row("F3p", "the same, peers' fetch phase", key + "_phase_rate", "req/s", more=True, phase=True),
            Row("F3c", "the same, CPU", key + "_cpu", "us/req", 1.15, "", ("libcurl", key + "_cpu", 1)),
            Row("F3m", "the same, peak memory", key + "_rss", "MiB", mib),
        ]
    for n, target, raw in zip(LIMITS, (1.01, 1.01, 1.45), ("1.00", "1.00", "1.16")):
        key = f"delay_{n}"
        rows += [
            Row("F4", f"fetch, 100 ms server, limit {n:,}", key + "_ideal", "x ideal", target, f"raw {raw}"),
            Row("F4p", "the same, peers' fetch phase", key + "_phase_ideal", "x ideal", phase=True),
        ]
    for engine, text, peer, there in (("pool", "threads", "4 threads in C", 456621), ("uring", "io_uring", "io_uring in C", 306748)):
        key = f"files_{engine}"
        rows += [
            Row("F6", f"10,000 small files, by {text}", key, "files/s", 300000, f"{peer} {there:,}",
                ("floor", key, there), True),
            Row("F6c", "the same, CPU", key + "_cpu", "us/file"),
        ]
    return rows


def figure(v):
    return f"{v:,.0f}" if v >= 1000 else f"{v:.3g}"


def cell(samples, more=False):
    """Format samples as "median (best)"."""
    if not samples:
        return "-"
    best = max(samples) if more else min(samples)
    text = figure(median(samples))
    return text if len(samples) == 1 else f"{text} ({figure(best)})"


def judge(row, results):
    """Return one row of the table as a dict of texts; None if nothing was measured."""
    got = results.get(row.key, {})
    if not got:
        return None
    ours = got.get("ours")
    if row.phase: # our command is always timed as a whole
        ours = results.get(row.key.replace("_phase", ""), {}).get("ours")
    peers = {p: median(got[p]) for p in PEERS if got.get(p)}
    best = (max if row.more else min)(peers, key=peers.get, default=None)
    out = {
        "row": f"{row.id} {row.title}", "unit": row.unit, "ours": cell(ours, row.more),
        "best": f"{best} {figure(peers[best])}" if best else "-",
        **{p: cell(got.get(p), row.more) for p in COLUMNS},
        "ratio": "-", "target": "-", "met": "-",
    }
    bound = row.bound(results)
    if bound:
        limit, ratio, here = bound
        sign = ">=" if row.more else "<="
        out["target"] = f"{sign} {figure(limit)}"
        if ratio:
            out["target"] = f"{sign} {ratio:.3g} x {row.than[0]} ({figure(here)})"
        if ours:
            mid = median(ours)
            if ratio:
                out["ratio"] = f"{mid / here:.3g} x {row.than[0]}"
            out["met"] = "yes" if (mid >= limit if row.more else mid <= limit) else "no"
    if ours and got.get(row.beside):
        out["ratio"] = f"{median(ours) / median(got[row.beside]):.3g} x {row.beside}"
    if ours and best and out["ratio"] == "-":
        out["ratio"] = f"{median(ours) / peers[best]:.3g} x {best}"
    return out


HEAD = ("row", "unit", "ours", "best peer in the run", *COLUMNS, "ours / named peer", "target", "met?")


def table(rows, results):
    """Return the table as Markdown, and as a list of dicts."""
    judged = [j for row in rows if (j := judge(row, results))]
    lines = ["| " + " | ".join(HEAD) + " |", "|---|---|" + "---:|" * 6 + "---|---|"]
    lines += ["| " + " | ".join(j.values()) + " |" for j in judged]
    return "\n".join(lines), judged
