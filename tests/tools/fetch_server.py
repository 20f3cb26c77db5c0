# SPDX-License-Identifier: MIT
"""A web server that misbehaves on request: one thread a connection, raw sockets, on a port that the kernel chose.

The path says what it does: /ok/..., /slow/MS, /status/N, /paint, /drop, /reset, /half, /garbage, /hang, /loop, /to/PATH,
/flaky/NAME/N (503 N times, then 200), /wait/NAME (429 and Retry-After: 1 once), /big/MIB, /chunks/MIB, /echo."""
import json
import socket
import struct
import threading
import time

MIB = bytes(range(256)) * 4096


class Server:
    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.socket.getsockname()[1]
        self.lock = threading.Lock()
        self.reset()
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, path="/ok", host="127.0.0.1"):
        return f"http://{host}:{self.port}{path}"

    def reset(self):
        with self.lock:
            self.seen = []       # (time, method, path) of every request
            self.running = {}    # by Host
            self.most = {}
            self.most_of_all = 0
            self.counts = {}

    def accept(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        try:
            with conn, conn.makefile("rb") as lines:
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while self.request(conn, lines):
                    pass
        except OSError:
            pass

    def request(self, conn, lines):
        first = lines.readline().decode("latin-1").split()
        if len(first) < 2:
            return False
        headers = {}
        for line in iter(lines.readline, b"\r\n"):
            if not line:
                return False
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        body = lines.read(int(headers.get("content-length", 0)))
        host = headers.get("host", "")
        with self.lock:
            self.seen.append((time.monotonic(), first[0], first[1]))
            self.running[host] = self.running.get(host, 0) + 1
            self.most[host] = max(self.most.get(host, 0), self.running[host])
            self.most_of_all = max(self.most_of_all, sum(self.running.values()))
        left = threading.Event()

        def leave():  # before the answer's last byte is sent: then the client may send the next request
            if not left.is_set():
                left.set()
                with self.lock:
                    self.running[host] = self.running.get(host, 0) - 1
        try:
            return self.answer(conn, first[0], first[1], headers, body, leave)
        finally:
            leave()

    def count(self, name):
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + 1
            return self.counts[name]

    def answer(self, conn, method, path, headers, body, leave):
        kind, *rest = path.partition("?")[0].strip("/").split("/")
        plain = {"ok": b'{"ok":true}', "text": b"plain", "binary": b"\x00\xff\x00"}

        def send(status, content, *more):
            leave()
            head = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}", *more, "", ""]
            conn.sendall("\r\n".join(head).encode() + (b"" if method == "HEAD" else content))
            return True

        if kind in plain:
            return send(200, plain[kind])
        if kind == "slow":
            time.sleep(int(rest[0]) / 1000)
            return send(200, path.encode())
        if kind == "status":
            return send(int(rest[0]), b"sorry")
        if kind == "paint":  # what a terminal would obey
            conn.sendall(b"HTTP/1.1 503 \x1b[2J\xc2\x9b31mred\r\nContent-Length: 0\r\n\r\n")
            return True
        if kind == "reset":
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if kind == "half":
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500)
        if kind == "garbage":
            conn.sendall(b"\x00\x01\x02 this is not HTTP\r\n\r\n")
        if kind == "hang":
            conn.settimeout(30)
            conn.recv(1)
        if kind == "loop":
            return send(302, b"", "Location: /loop")
        if kind == "to":
            return send(302, b"moved", "Location: /" + "/".join(rest))
        if kind == "flaky":
            return send(503 if self.count(rest[0]) <= int(rest[1]) else 200, b"at last")
        if kind == "wait":
            return send(429, b"", "Retry-After: 1") if self.count(rest[0]) == 1 else send(200, b"yes")
        if kind == "echo":
            return send(200, json.dumps({"method": method, "headers": headers, "body": body.decode()}).encode())
        if kind == "big":
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (int(rest[0]) << 20))
            for _ in range(int(rest[0])):
                conn.sendall(MIB)
            return True
        if kind == "chunks":
            conn.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(int(rest[0])):
                conn.sendall(b"100000\r\n" + MIB + b"\r\n")
            conn.sendall(b"0\r\n\r\n")
            return True
        return False
