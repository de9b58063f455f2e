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
# The measures that you can take: what each order is about, and whether it takes the measure or takes it back. Leave out what you cannot do, and name the
# rest in `[measures] offered` of Seawall's configuration.
MEASURES = {
    "restrict": ("item", True), "restore": ("item", False),
    "add_label": ("label", True), "remove_label": ("label", False),
    "warn_account": ("warning", True), "withdraw_warning": ("warning", False),
    "terminate_account": ("termination", True), "reinstate_account": ("termination", False),
}
for part in ("countries", "reach", "age", "comments", "interaction", "account", "service", "monetisation"):
    MEASURES[f"restrict_{part}"] = (part, True)
    MEASURES[f"restore_{part}"] = (part, False)
# What says in which countries, with which label, which service.
SCOPES = {"countries": "countries", "label": "label", "service": "service"}


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
        self.db.execute("CREATE TABLE IF NOT EXISTS measures (item TEXT, part TEXT, scope TEXT, PRIMARY KEY (item, part))")

    def obey(self, key, part, is_taken, item, scope):
        """Carries an order out, once. What is answered is stored first: an answer that is lost is asked for again."""
        with self.lock:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                is_new = self.db.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount == 1
                if is_new and is_taken:
                    # A second order about the same part says all that shall be so: other countries, say.
                    self.db.execute("INSERT OR REPLACE INTO measures VALUES (?, ?, ?)", (item, part, scope))
                elif is_new:
                    self.db.execute("DELETE FROM measures WHERE item = ? AND part = ?", (item, part))
                self.db.execute("COMMIT")
            except BaseException:
                self.db.execute("ROLLBACK")
                raise
        return "done" if is_new else "already_done"

    def state(self, part, item):
        """What is so now. Look where your users look, not at what you once answered."""
        with self.lock:
            found = self.db.execute("SELECT 1 FROM measures WHERE item = ? AND part = ?", (item, part)).fetchone()
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
    if kind not in MEASURES:
        return {"answer": "refused", "detail": "this kind of order is not known here"}
    part, is_taken = MEASURES[kind]
    scope = json.dumps(order.get(SCOPES.get(part)))
    return {"answer": platform.obey(key, part, is_taken, item, scope)}


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
