# SPDX-License-Identifier: MIT
"""bad_server - a web server that misbehaves on request.

It uses raw sockets and one thread for each connection, on a port that the kernel has chosen. The
path of a request selects what it does:

    /ok/... /text /binary       respond with a small body
    /slow/MS                    respond after so many milliseconds
    /status/N                   respond with this status
    /echo                       respond with the request, as JSON
    /big/MIB /chunks/MIB        respond with so many MiB
    /to/PATH /loop              redirect to PATH, or to itself
    /parts/NAME/MIB/HOW         respond with the first letter of NAME and so many MiB, with an ETag,
                                and to a range. HOW: whole; changing (another first letter and ETag
                                each time); slow (stops in the middle); otherwise break off after
                                each third
    /away/PORT/PATH             redirect to PATH of another server
    /flaky/NAME/N               respond with 503 to the first N requests, then with 200
    /wait/NAME                  respond with 429 and Retry-After: 1 once, then with 200
    /packed/NAME                respond with gzip of "plain", and Content-Encoding: x-gzip
    /controls/MIB               respond with so many MiB of control characters
    /loaded/N                   respond after 20 ms, but with 503 to more than N at a time
    /busy/SECONDS               respond with 429 and this Retry-After
    /paint                      respond with control characters that a terminal would obey
    /drop /reset /half          close the connection: at once, by a reset, in the middle of the body
    /garbage                    respond with something that is not HTTP
    /hang                       never respond
"""
import gzip
import json
import socket
import struct
import threading
import time

MIB = bytes(range(256)) * 4096
PACKED = gzip.compress(b"plain", mtime=0)
HANG_SECONDS = 30


class Server:
    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.socket.getsockname()[1]
        self.lock = threading.Lock()
        self.forget()
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, path="/ok", host="127.0.0.1"):
        return f"http://{host}:{self.port}{path}"

    def urls(self, n, path="/ok/{}"):
        return "".join(self.url(path.format(i)) + "\n" for i in range(n))

    def forget(self):
        """Forget all requests so far."""
        with self.lock:
            self.seen = []       # (time, method, path) of every request
            self.running = {}    # requests in progress, by Host
            self.most = {}       # the largest number of them
            self.most_of_all = 0
            self.counts = {}

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)  # ends accept()
        self.socket.close()

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
                if conn.family != socket.AF_UNIX:
                    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while self.request(conn, lines):
                    pass
        except OSError:
            pass

    def request(self, conn, lines):
        """Read one request and respond. Returns whether the connection can be used again."""
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

        def leave():
            """Count the request as done, before its last byte is sent and the next one can come."""
            if not left.is_set():
                left.set()
                with self.lock:
                    self.running[host] = self.running.get(host, 0) - 1
        try:
            return self.respond(conn, first[0], first[1], headers, body, leave)
        finally:
            leave()

    def count(self, name):
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + 1
            return self.counts[name]

    def respond(self, conn, method, path, headers, body, leave):
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
        if kind == "loop":
            return send(302, b"", "Location: /loop")
        if kind == "to":
            return send(302, b"moved", "Location: /" + "/".join(rest))
        if kind == "away":
            where = f"http://127.0.0.1:{rest[0]}/{rest[1]}"
            return send(302, b"", "Location: " + where)
        if kind == "flaky":
            return send(503 if self.count(rest[0]) <= int(rest[1]) else 200, b"at last")
        if kind == "wait":
            first = self.count(rest[0]) == 1
            return send(429, b"", "Retry-After: 1") if first else send(200, b"yes")
        if kind == "packed":
            return send(200, PACKED, "Content-Encoding: x-gzip", "Content-Type: application/x-gzip")
        if kind == "controls":
            return send(200, b"\x01" * (int(rest[0]) << 20))
        if kind == "loaded":
            with self.lock:
                refused = self.running[headers["host"]] > int(rest[0])
            time.sleep(0.02)
            if refused:
                self.count("refused")
            return send(503 if refused else 200, b"")
        if kind == "busy":
            return send(429, b"", "Retry-After: " + rest[0])
        if kind == "echo":
            request = {"method": method, "headers": headers, "body": body.decode()}
            return send(200, json.dumps(request).encode())
        if kind == "parts":
            return self.send_part(conn, rest[0], int(rest[1]), rest[2:] or [""], headers)
        if kind == "big":
            return send_big(conn, int(rest[0]))
        if kind == "chunks":
            return send_chunks(conn, int(rest[0]))
        return misbehave(conn, kind)


    def send_part(self, conn, name, mib, how, headers):
        """Respond with a body, or with the rest of one that was begun."""
        time_of = self.count("parts " + name) if how == ["changing"] else 0
        tag = f'"v{time_of}"'
        body = (chr(ord("0") + time_of).encode() if time_of else name[:1].encode()) + MIB * mib
        start = 0
        if headers.get("if-range") == tag:
            start = int(headers["range"].partition("=")[2].rstrip("-"))
        if start >= len(body):
            conn.sendall(b"HTTP/1.1 416 No\r\nContent-Range: bytes */%d\r\nContent-Length: 0\r\n\r\n"
                         % len(body))
            return True
        wanted = len(body) - start
        if how[0] in ("", "changing", "slow") and time_of < 3:
            wanted = min(wanted, len(body) // 3 + 1)
        head = [f"HTTP/1.1 {206 if start else 200} OK", f"Content-Length: {len(body) - start}",
                f"ETag: {tag}", "", ""]
        if start:
            head.insert(2, f"Content-Range: bytes {start}-{len(body) - 1}/{len(body)}")
        conn.sendall("\r\n".join(head).encode() + body[start:start + wanted])
        with self.lock:
            self.counts["sent " + name] = self.counts.get("sent " + name, 0) + wanted
        if how == ["slow"]:
            time.sleep(HANG_SECONDS)
        return start + wanted == len(body)


def send_big(conn, mib):
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (mib << 20))
    for _ in range(mib):
        conn.sendall(MIB)
    return True


def send_chunks(conn, mib):
    conn.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(mib):
        conn.sendall(b"100000\r\n" + MIB + b"\r\n")
    conn.sendall(b"0\r\n\r\n")
    return True


def misbehave(conn, kind):
    """Respond wrongly or not at all. Returns whether the connection stays open."""
    if kind == "paint":
        conn.sendall(b"HTTP/1.1 503 \x1b[2J\xc2\x9b31mred\r\nContent-Length: 0\r\n\r\n")
        return True
    if kind == "reset":
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if kind == "half":
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500)
    if kind == "garbage":
        conn.sendall(b"\x00\x01\x02 this is not HTTP\r\n\r\n")
    if kind == "hang":
        conn.settimeout(HANG_SECONDS)
        conn.recv(1)
    return False
