"""Lookups and uploads over HTTP against a server with a million entries, by wrk on the same machine: client and server share its cores.

Needs wrk (Debian: apt-get install wrk). `bench/run.sh server`
"""

import base64
import io
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import numpy
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "conformance"))
sys.path.insert(0, str(ROOT / "bench"))

import _codes  # noqa: E402
import pictures  # noqa: E402

ENTRIES = 1_000_000
CLIENTS = 8
SECONDS = 10
QUESTIONS = 5000
PHOTOS = 12

CONFIG = """
[http]
listen = "127.0.0.1:{port}"
key_calls_per_second = 1000000
key_calls_burst = 1000000
address_calls_per_second = 1000000
address_calls_burst = 1000000

[hma]
enabled = true
open_access = true

[log]
level = "warn"
"""

# One request after the other out of a file of them, each line one.
LINES = """
local requests = {{}}
for line in io.lines("{file}") do requests[#requests + 1] = line end
local at = 0
local thread_number = 0
function setup(thread) thread:set("number", thread_number); thread_number = thread_number + 1 end
function init(args) at = number * 1237 end
"""

GET_HASH = LINES + """
function request()
  at = at % #requests + 1
  return wrk.format("GET", "/m/raw_lookup?signal_type=pdq&signal=" .. requests[at])
end
"""

CHECK_HASH = LINES + """
local headers = {{ ["Authorization"] = "Bearer {key}", ["Content-Type"] = "application/json" }}
function request()
  at = at % #requests + 1
  return wrk.format("POST", "/api/v1/check", headers, '{{"id":"probe","kind":"image","media":[{{"name":"a","signals":[{{"type":"pdq","value":"' .. requests[at] .. '"}}]}}]}}')
end
"""

CHECK_FILE = LINES + """
local headers = {{ ["Authorization"] = "Bearer {key}", ["Content-Type"] = "application/json" }}
function request()
  at = at % #requests + 1
  return wrk.format("POST", "/api/v1/check", headers, requests[at])
end
"""

UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wrk(folder, script, address, clients=CLIENTS):
    path = folder / "requests.lua"
    path.write_text(script)
    command = ["wrk", "--threads", "2", "--connections", str(clients), "--duration", f"{SECONDS}s", "--latency", "--script", str(path), address]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise SystemExit(f"not every request was answered:\n{told}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])
    spread = {share: float(number) * UNITS[unit] for share, number, unit in re.findall(r"(\d+)%\s+([\d.]+)(us|ms|s)\b", told)}
    return rate, spread["50"], spread["99"]


def wait_until_ready(address, server):
    while True:
        if server.poll() is not None:
            raise SystemExit("the server ended")
        try:
            urllib.request.urlopen(f"{address}/readyz", timeout=2).read()
            return
        except OSError:
            time.sleep(0.02)


def photos_as_jpeg():
    paths = [path for kind, path in pictures.packaged() if kind == "photo"]
    for path in paths[:: max(1, len(paths) // PHOTOS)][:PHOTOS]:
        out = io.BytesIO()
        Image.open(path).convert("RGB").resize((1920, 1080), Image.LANCZOS).save(out, "JPEG", quality=90)
        yield out.getvalue()


def main():
    if not shutil.which("wrk"):
        raise SystemExit("wrk is missing: apt-get install wrk")
    subprocess.run(["cargo", "build", "--locked", "--quiet", "--release", "-p", "cli", "--bin", "seawall"], cwd=ROOT, check=True)
    seawall = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/seawall"
    rng = numpy.random.default_rng(_codes.SEED)
    codes = _codes.uniform(ENTRIES, rng)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        config = folder / "seawall.toml"
        config.write_text(CONFIG.format(port=port))
        environment = os.environ | {"SEAWALL_CONFIG": str(config), "SEAWALL_STORE_URL": f"sqlite://{folder}/seawall.db"}

        def run(*arguments):
            return subprocess.run([str(seawall), *arguments], check=True, capture_output=True, text=True, env=environment).stdout

        with open(folder / "bank.csv", "w") as bank:
            bank.write("type,value,quality,name,labels\n")
            bank.writelines(f"pdq,{code.tobytes().hex()},100,,\n" for code in codes)
        start = time.monotonic()
        run("bank", "import", "--create", "--bank", "known", str(folder / "bank.csv"))
        imported = time.monotonic() - start
        print(f"server: imported in {imported:.0f} s", file=sys.stderr)
        key = json.loads(run("key", "create", "bench", "--scope", "items:write", "--json"))
        key = key.get("secret") or key.get("key")

        questions = _codes.queries(codes, QUESTIONS, rng)
        rng.shuffle(questions)
        hashes = folder / "hashes"
        hashes.write_text("".join(question.tobytes().hex() + "\n" for question in questions))
        strangers = folder / "strangers"
        strangers.write_text("".join(code.tobytes().hex() + "\n" for code in _codes.uniform(QUESTIONS, rng)))
        uploads = folder / "uploads"
        with open(uploads, "w") as out:
            for at, jpeg in enumerate(photos_as_jpeg()):
                file = {"name": f"{at}.jpg", "data_base64": base64.b64encode(jpeg).decode()}
                out.write(json.dumps({"id": f"probe-{at}", "kind": "image", "media": [file]}) + "\n")

        starts = []
        for turn in range(2):
            start = time.monotonic()
            server = subprocess.Popen([str(seawall), "serve"], env=environment, stderr=subprocess.DEVNULL)
            wait_until_ready(address, server)
            starts.append(time.monotonic() - start)
            if turn == 0:
                server.terminate()
                server.wait()
        try:
            rows = []
            for name, script, file in [
                ("`GET /m/raw_lookup`, half near an entry", GET_HASH, hashes),
                ("`GET /m/raw_lookup`, strangers", GET_HASH, strangers),
                ("`POST /api/v1/check` by hash, half near an entry", CHECK_HASH, hashes),
                ("`POST /api/v1/check`, 1080p JPEG", CHECK_FILE, uploads),
            ]:
                rows.append((name, *wrk(folder, script.format(file=file, key=key), address)))
                print(f"server: {rows[-1]}", file=sys.stderr)
            memory = int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{server.pid}/status").read())[1]) / 1024
        finally:
            server.terminate()
            server.wait()
    print("## Over HTTP\n")
    print(f"A server with {ENTRIES:,} entries on SQLite; {CLIENTS} clients (wrk) on the same {os.cpu_count()} cores, {SECONDS} s each. Uploads are photos from Debian")
    print("packages as 1080p JPEG (quality 90), base64 in JSON, decoded in the jail, hashed and looked up.\n")
    print("| request | a second | p50 | p99 |")
    print("|---|--:|--:|--:|")
    for name, rate, p50, p99 in rows:
        print(f"| {name} | **{rate:,.0f}** | {p50:.2f} ms | {p99:.2f} ms |")
    print(f"\nImported from CSV in {imported:.0f} s. Ready after {starts[0]:.1f} s the first time, when the index is read from the store, and after **{starts[1]:.2f} s** from then on.")
    print(f"The server's memory: {memory:,.0f} MiB.\n\n`bench/run.sh server`")


if __name__ == "__main__":
    main()
