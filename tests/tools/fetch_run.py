# SPDX-License-Identifier: MIT
"""A run of the command, and of a script's cases: for fetch_cli and fetch_ends.

Times are only ever lower bounds; everything that waits has a limit, and ends what it started by its id."""
import json
import os
import shlex
import subprocess
import sys
import threading
import time

from fetch_server import Server

LIMIT = 60  # seconds for one run
COMMAND = sys.argv[1] if len(sys.argv) > 1 else ""
WRAPPER = shlex.split(os.environ.get("TEST_WRAPPER", ""))
server = Server()


class Run:
    """One run of the command, to its end."""

    def __init__(self, *args, text="", command="fetch", stdout=subprocess.PIPE, watch=None):
        cmd = [*WRAPPER, COMMAND, command, *map(str, args)]
        self.rss = 0
        self.p = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE)
        sampler = threading.Thread(target=self.sample, daemon=True)
        sampler.start()
        try:
            if watch:
                watch(self.p)
            out, err = self.p.communicate(text.encode(errors="surrogateescape"), timeout=LIMIT)
        finally:
            if self.p.poll() is None:
                self.p.kill()
                self.p.wait()
        self.judge(out or b"", err.decode(errors="replace"), command)

    def judge(self, out, err, command):
        self.out, self.err, self.rc = out, err, self.p.returncode
        self.lines = [json.loads(line) for line in self.out.decode().splitlines()] if command == "fetch" else []
        for word in ("runtime error", "Sanitizer", "never awaited"):
            assert word not in err, err

    def sample(self):
        while self.p.poll() is None:
            try:
                with open(f"/proc/{self.p.pid}/status", encoding="ascii") as f:
                    for line in f:
                        if line.startswith("VmHWM"):
                            self.rss = int(line.split()[1])
            except OSError:
                return
            time.sleep(0.01)

    def expect(self, rc, lines=None):
        assert self.rc == rc, f"exit status {self.rc}, not {rc}: {self.err}"
        if lines is not None:
            assert sorted(x["index"] for x in self.lines) == list(range(lines)), f"{len(self.lines)} lines, not {lines}"
        return self

    def kinds(self):
        return [x["error"] and x["error"]["kind"] for x in sorted(self.lines, key=lambda x: x["index"])]


def urls(n, path="/ok/{}"):
    return "".join(server.url(path.format(i)) + "\n" for i in range(n))


def sanitized():
    """Does something else need memory with it?"""
    if WRAPPER:
        return True
    with open(COMMAND, "rb") as f:
        return b"__asan_init" in f.read()


def main(script):
    """Run the cases of a script, given its globals(), or those that the command line names."""
    if not os.access(COMMAND, os.X_OK):
        return 77
    for name in [k for k in os.environ if k.lower().endswith("_proxy")]:
        del os.environ[name]
    cases = [(n[5:], f) for n, f in script.items() if n.startswith("case_")]
    if len(sys.argv) > 2:
        cases = [c for c in cases if c[0] in sys.argv[2:]]
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    for i, (name, case) in enumerate(cases, 1):
        server.reset()
        try:
            case()
            print(f"ok {i} - {name}", flush=True)
        except Exception as e:  # a case that breaks is a case that failed
            failed += 1
            where = e.__traceback__
            while where.tb_next:
                where = where.tb_next
            for line in f"{type(e).__name__}: {e}"[:2000].splitlines():
                print(f"# {line}")
            print(f"not ok {i} - {name} (line {where.tb_lineno})", flush=True)
    return 1 if failed else 0
