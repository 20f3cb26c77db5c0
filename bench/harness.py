# SPDX-License-Identifier: MIT
"""Run one program at a time, pinned to a core, and measure it. Runs that other processes disturbed are repeated."""
import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time

CORES = sorted(os.sched_getaffinity(0))
SERVER, CLIENT = CORES[0], CORES[-1]
BOTH = f"{SERVER},{CLIENT}"
TICK = os.sysconf("SC_CLK_TCK")
NOISE = 0.06  # repeat a run if other processes used more than this share of the core
TRIES = 3


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def prepare():
    """Allow many descriptors, and move this process to the core of the servers, so that it does not use the measured one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 20000)), hard))
    os.sched_setaffinity(0, {SERVER})


def busy(core):
    """Return the seconds for which a core, or several ("0,1"), have been busy (user, nice, system, irq, softirq, steal)."""
    names = {f"cpu{one}" for one in str(core).split(",")}
    with open("/proc/stat") as f:
        lines = [line.split()[1:9] for line in f if line.split()[0] in names]
    return sum(int(v[i]) for v in lines for i in (0, 1, 2, 5, 6, 7)) / TICK


def cpu_of(pid):
    """Return the CPU time of a running process with all its threads, in seconds."""
    total = 0
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat") as f:
                total += int(f.read().split()[0])
    return total / 1e9


def foreign(core, own):
    """Return a function that returns for how many seconds others than own() have used the core since this call."""
    b0, c0 = busy(core), own()
    return lambda: max(0.0, busy(core) - b0 - (own() - c0) - 2 / TICK)


def watch_peak(pid, peak):
    """Record the peak resident KiB of a process. wait4() may return that of the Python process that was forked."""
    with contextlib.suppress(OSError, ValueError):
        while True:
            with open(f"/proc/{pid}/status") as f:
                for line in f:
                    if line.startswith("VmHWM"):
                        peak[0] = max(peak[0], int(line.split()[1]))
            time.sleep(0.005)


def start(cmd, core=SERVER, env=None, stdout=subprocess.DEVNULL):
    """Start a process. p.errors is a file with what it writes to stderr."""
    errors = tempfile.TemporaryFile()
    p = subprocess.Popen(["taskset", "-c", str(core), *map(str, cmd)], stdin=subprocess.DEVNULL,
                         stdout=stdout, stderr=errors, env={**os.environ, **(env or {})})
    p.errors = errors
    return p


def said(p):
    with p.errors as f:
        f.seek(0)
        return f.read().decode(errors="replace").strip()


def stop(p):
    p.terminate()
    try:
        p.wait(3)
    except subprocess.TimeoutExpired:
        p.kill()
        p.wait()


def run(cmd, core=CLIENT, env=None, keep=True, server=None, timeout=300):
    """Run a program to its end. Return a dict of rc, out, err, wall, cpu (seconds), rss (KiB), foreign (share of a core).
    keep: read its output, which otherwise goes to /dev/null. server: the pid of its server, which runs on the other core."""
    spent = [0.0]
    others = [foreign(core, lambda: spent[0])]
    if server:
        others.append(foreign(SERVER, lambda: cpu_of(server) + time.process_time()))
    t0 = time.monotonic()
    p = start(cmd, core, env, subprocess.PIPE if keep else subprocess.DEVNULL)
    peak = [0]
    threading.Thread(target=watch_peak, args=(p.pid, peak), daemon=True).start()
    limit = threading.Timer(timeout, p.kill)
    limit.start()
    out = p.stdout.read().decode() if keep else ""
    _, status, used = os.wait4(p.pid, 0)
    wall = time.monotonic() - t0
    limit.cancel()
    p.returncode = os.waitstatus_to_exitcode(status)
    spent[0] = used.ru_utime + used.ru_stime
    return dict(rc=p.returncode, out=out, err=said(p), wall=wall, cpu=spent[0], rss=peak[0],
                foreign=max(seconds() for seconds in others) / wall)


def quiet(cmd, **how):
    """Call run() up to three times, until other processes use little of the core; return the least disturbed run."""
    best = None
    for _ in range(TRIES):
        r = run(cmd, **how)
        if best is None or r["foreign"] < best["foreign"]:
            best = r
        if best["foreign"] <= NOISE:
            break
    return best


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def server(cmd, port):
    """Run a server on a port until the end of the block, and yield its process once it accepts connections."""
    p = start(cmd)
    try:
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if p.poll() is not None:
                sys.exit(f"{cmd[0]} ended: {said(p)}")
            time.sleep(0.01)
        else:
            sys.exit(f"{cmd[0]} does not accept connections on port {port}")
        yield p
    finally:
        stop(p)


def first_line(*cmd):
    try:
        r = subprocess.run(cmd, capture_output=True, text=True, check=False)
    except OSError:
        return "none"
    return "none" if r.returncode else (r.stdout or r.stderr).strip().split("\n")[0]


def find_python():
    """Return the first Python that has aiohttp: $PYTHON, the one that runs this script, that of the system."""
    for python in (os.environ.get("PYTHON"), sys.executable, "/usr/bin/python3"):
        if python and first_line(python, "-c", "import aiohttp; print(1)") == "1":
            return python
    return sys.executable


PYTHON = find_python()


def optimization(build):
    r = subprocess.run(["meson", "introspect", build, "--buildoptions"], capture_output=True, check=True)
    return next(o["value"] for o in json.loads(r.stdout) if o["name"] == "optimization")


def facts(top, build):
    """Return versions and the machine, to which the figures belong, as [(name, text)]."""
    with open("/proc/cpuinfo") as f:
        cpu = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "?")
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    aiofiles = first_line(PYTHON, "-c", "from importlib.metadata import version; print(version('aiofiles'))")
    aiohttp = first_line(PYTHON, "-c", "import aiohttp; print(aiohttp.__version__)")
    return [
        ("commit", first_line("git", "-C", top, "describe", "--always", "--dirty")),
        ("machine", f"{cpu}, {os.cpu_count()} cores, {gib:.0f} GiB, Linux {os.uname().release}"),
        ("pinned", f"programs to core {CLIENT}, servers to core {SERVER}"),
        ("compiler", first_line(os.environ.get("CC", "cc"), "--version") + f", -O{optimization(build)}"),
        ("Python", first_line(PYTHON, "--version").removeprefix("Python ") + f", aiohttp {aiohttp}, aiofiles {aiofiles}"),
        ("Go", first_line("go", "version").removeprefix("go version ")),
        ("libuv", first_line("pkg-config", "--modversion", "libuv")),
        ("curl", " ".join(first_line("curl", "--version").split()[:2])),
        ("nginx", first_line("nginx", "-v").removeprefix("nginx version: ")),
    ]
