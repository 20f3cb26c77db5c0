# SPDX-License-Identifier: MIT
"""command - run the command, and the cases of a test script.

Durations are only checked against lower bounds, and everything that waits has a timeout. A case
is a function with the prefix case_, and gets a server of its own. Cases that mostly wait are marked
with @waits: they run concurrently, beside the others."""
import concurrent.futures
import json
import os
import shlex
import subprocess
import sys
import threading
import time

from bad_server import Server

TIMEOUT = 60  # seconds for one run of the command
COMMAND = sys.argv[1] if len(sys.argv) > 1 else ""
WRAPPER = shlex.split(os.environ.get("TEST_WRAPPER", ""))


class Run:
    """Run the command to its end. watch(process) is called while it runs."""

    def __init__(self, *args, text="", command="fetch", stdout=subprocess.PIPE, watch=None):
        cmd = [*WRAPPER, COMMAND, command, *map(str, args)]
        self.peak = 0  # KiB of memory
        start = time.monotonic()
        self.p = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE)
        threading.Thread(target=self.sample, daemon=True).start()
        try:
            if watch:
                watch(self.p)
            out, err = self.p.communicate(text.encode(errors="surrogateescape"), timeout=TIMEOUT)
        finally:
            if self.p.poll() is None:
                self.p.kill()
                self.p.wait()
        self.seconds = time.monotonic() - start
        self.out, self.err, self.rc = out or b"", err.decode(errors="replace"), self.p.returncode
        self.lines = []
        if command == "fetch":
            self.lines = [json.loads(line) for line in self.out.decode().splitlines()]
        for word in ("runtime error", "Sanitizer", "never awaited"):
            assert word not in self.err, self.err

    def sample(self):
        while self.p.poll() is None:
            try:
                with open(f"/proc/{self.p.pid}/status", encoding="ascii") as f:
                    for line in f:
                        if line.startswith("VmHWM"):
                            self.peak = int(line.split()[1])
            except OSError:
                return
            time.sleep(0.01)

    def expect(self, rc, lines=None):
        """Assert the exit status, and that there is one result for each of so many requests."""
        assert self.rc == rc, f"exit status {self.rc}, not {rc}: {self.err}"
        if lines is not None:
            indices = sorted(x["index"] for x in self.lines)
            assert indices == list(range(lines)), f"{len(self.lines)} lines, not {lines}"
        return self

    def kinds(self):
        """Return the kinds of errors, None for success, in the order of the input."""
        ordered = sorted(self.lines, key=lambda x: x["index"])
        return [x["error"] and x["error"]["kind"] for x in ordered]


def run_limited(limit, *args, text=""):
    """Run the command in a shell that has executed `ulimit`."""
    shell = ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh"]
    return subprocess.run([*shell, COMMAND, *map(str, args)], input=text.encode(),
                          capture_output=True, timeout=TIMEOUT, check=False)


def is_sanitized():
    """Does a sanitizer or valgrind need memory beside the command?"""
    if WRAPPER:
        return True
    with open(COMMAND, "rb") as f:
        return b"__asan_init" in f.read()


def waits(case):
    """Mark a case that mostly waits."""
    case.waits = True
    return case


def run_case(case):
    """Return None, or what went wrong and in which line of the script."""
    server = Server()
    try:
        case(server)
    except Exception as e:  # whatever a case raises is a failure of it
        where = e.__traceback__.tb_next
        return f"{type(e).__name__}: {e}"[:2000], where.tb_lineno if where else 0
    finally:
        server.close()
    return None


def run_cases(cases, report):
    """Run the waiting cases in threads and the others one by one here. Report each when it ends.

    Under valgrind everything is so slow that nothing may run beside anything else."""
    waiting = {} if WRAPPER else {n: f for n, f in cases.items() if getattr(f, "waits", False)}
    with concurrent.futures.ThreadPoolExecutor(max(1, len(waiting))) as pool:
        futures = {pool.submit(run_case, f): n for n, f in waiting.items()}
        for name, case in cases.items():
            if name not in waiting:
                report(name, run_case(case))
        for future in concurrent.futures.as_completed(futures):
            report(futures[future], future.result())


def main(script):
    """Run the cases of a script, given its globals(), or those named on the command line."""
    if not os.access(COMMAND, os.X_OK):
        return 77
    for name in [k for k in os.environ if k.lower().endswith("_proxy")]:
        del os.environ[name]
    cases = {n[5:]: f for n, f in script.items() if n.startswith("case_")}
    if len(sys.argv) > 2:
        cases = {n: cases[n] for n in sys.argv[2:]}
    print(f"1..{len(cases)}", flush=True)
    results = []

    def report(name, failure):
        results.append(failure)
        if failure is None:
            print(f"ok {len(results)} - {name}", flush=True)
            return
        for line in failure[0].splitlines():
            print(f"# {line}")
        print(f"not ok {len(results)} - {name} (line {failure[1]})", flush=True)

    run_cases(cases, report)
    return 1 if any(results) else 0
