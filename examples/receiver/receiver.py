#!/usr/bin/env python3
"""A receiver of Seawall's orders: what a platform's side needs, in the standard library alone.

    SEAWALL_SECRET=... python3 receiver.py [PORT] [DATABASE]

It checks signatures before it reads anything else, does each order once, answers questions about what it did, and refuses what it does not know. In
place of `Platform` put what makes your items unavailable and available again. Then try it: `seawall doctor --webhook http://127.0.0.1:PORT/seawall`.
"""

import hashlib
import hmac
import json
import os
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY_BYTES_MAX = 256 * 1024
TOLERANCE_S = 300
READ_TIME_MAX_S = 30
# What the end of a kind's name says it is about: the item itself, or something that belongs to it.
PARTS = {"": "item", "_reach": "reach", "_comments": "comments", "_account": "account"}


def is_from_seawall(header, body, secret, now=None, tolerance_s=TOLERANCE_S):
    """`header` is Seawall-Signature as received; `body` the raw bytes, before any parsing."""
    parts = [part.partition("=") for part in header.split(",")]
    times = [value for key, _, value in parts if key == "t"]
    codes = [value for key, _, value in parts if key == "v1"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdigit():
        return False
    if abs((time.time() if now is None else now) - int(times[0])) > tolerance_s:
        return False
    expected = hmac.new(secret.encode(), times[0].encode() + b"." + body, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(expected.encode(), code.encode()) for code in codes)


class Platform:
    """Your platform. Here: a table that says what is restricted, in the same transaction as the keys that were seen."""

    def __init__(self, path):
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.lock = threading.Lock()
        self.db.execute("CREATE TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY)")
        self.db.execute("CREATE TABLE IF NOT EXISTS restricted (item TEXT, part TEXT, PRIMARY KEY (item, part))")

    def obey(self, key, verb, part, item):
        """Carries an order out, once. What is answered is stored first: an answer that is lost is asked for again."""
        with self.lock:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                is_new = self.db.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount == 1
                if is_new and verb == "restrict":
                    self.db.execute("INSERT OR IGNORE INTO restricted VALUES (?, ?)", (item, part))
                elif is_new:
                    self.db.execute("DELETE FROM restricted WHERE item = ? AND part = ?", (item, part))
                self.db.execute("COMMIT")
            except BaseException:
                self.db.execute("ROLLBACK")
                raise
        return "done" if is_new else "already_done"

    def state(self, part, item):
        """What is so now. Look where your users look, not at what you once answered."""
        with self.lock:
            found = self.db.execute("SELECT 1 FROM restricted WHERE item = ? AND part = ?", (item, part)).fetchone()
        return "restricted" if found else "available"


def respond(platform, order):
    """The answer to what came, as JSON. Whatever it does not know it refuses."""
    kind, item, key = (order.get(name) for name in ("kind", "item", "id"))
    if not all(isinstance(value, str) and value for value in (kind, key)):
        return None
    if kind.startswith(("case.", "coverage.")):
        print(f"page somebody: {kind}", file=sys.stderr)
        return {"answer": "done"}
    if not isinstance(item, str) or not item:
        return {"answer": "refused", "detail": "this names no item"}
    if kind == "decision.notice":
        print(f"tell the person who posted {item} what the notice says", file=sys.stderr)
        return {"answer": "done"}
    if kind == "action.recheck":
        return {"state": platform.state(str(order.get("what", "item")), item)}
    if kind == "action.doubtful":
        print(f"look at {item}: what was ordered is not so", file=sys.stderr)
        return {"answer": "done"}
    verb = "restrict" if kind.startswith("restrict") else "restore"
    part = PARTS.get(kind.removeprefix(verb)) if kind.startswith(verb) else None
    if part is None:
        return {"answer": "refused", "detail": "this kind of order is not known here"}
    return {"answer": platform.obey(key, verb, part, item)}


class Handler(BaseHTTPRequestHandler):
    timeout = READ_TIME_MAX_S
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > BODY_BYTES_MAX:
            return self.answer(413, None)
        body = self.rfile.read(int(length))
        if not is_from_seawall(self.headers.get("Seawall-Signature", ""), body, self.server.secret):
            return self.answer(401, None)
        try:
            order = json.loads(body)
        except ValueError:
            order = None
        said = respond(self.server.platform, order) if isinstance(order, dict) else None
        return self.answer(400 if said is None else 200, said)

    def answer(self, status, said):
        body = b"" if said is None else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status != 200:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Ids of items belong in your own log, not here."""


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8411
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.secret = os.environ["SEAWALL_SECRET"]
    server.platform = Platform(sys.argv[2] if len(sys.argv) > 2 else ":memory:")
    print(f"listening on http://127.0.0.1:{server.server_port}/seawall", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
