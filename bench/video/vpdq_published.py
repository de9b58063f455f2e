"""What the published vPDQ (PyPI `vpdq`) makes of a file, one hash a second as its tools do; kept beside the file."""

import json
import subprocess
import sys

# In a process of its own: what it says on stderr is not ours, and what it does to memory neither.
ASK = """
import json, sys, resource, vpdq
frames = vpdq.computeHash(sys.argv[1], seconds_per_hash=1.0, thread_count=1)
spent = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"cpu_seconds": spent.ru_utime + spent.ru_stime, "frames": [[frame.hex, frame.quality, frame.timestamp] for frame in frames]}))
"""


def published(store, made):
    """{"frames": [[hash, quality, second]], "cpu_seconds": …}; no frames for what has no picture."""
    if made.path.suffix in (".m4a", ".wav"):
        return {"cpu_seconds": 0, "frames": []}
    return json.loads(store.text(made.key, "vpdq.json", lambda: _ask(made.path)))


def _ask(path):
    done = subprocess.run([sys.executable, "-c", ASK, str(path)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"vpdq failed on {path}: {done.stderr[-1000:]}")
    return done.stdout
