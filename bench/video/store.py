"""Where encoded files are kept: by what they are made of, so that nothing is encoded twice and a changed recipe makes a new file.

A file's name is the digest of its recipe: ffmpeg's arguments, with the digests of its inputs in place of their paths, and ffmpeg's version.
"""

import hashlib
import json
import os
import pathlib
import random
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".tools/video"
# Part of every recipe: raise it when something that no argument shows changes what is made.
RECIPES = 1


def chance(*what):
    """A random source that only `what` decides."""
    return random.Random(hashlib.sha256("/".join(map(str, what)).encode()).hexdigest())


class Store:
    def __init__(self):
        self.folder = FOLDER / "store"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.version = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
        self.locks = {}
        self.lock = threading.Lock()
        self.made = 0

    def file(self, path):
        """An input that is not ours: named by its content."""
        return Made(path, self._once(("digest", str(path)), lambda: _digest(path)))

    def ffmpeg(self, suffix, arguments, graph=None):
        """What ffmpeg makes of `arguments` (strings, and `Made` for inputs); `graph` is the filter graph, the output comes last."""
        recipe = [argument.key if isinstance(argument, Made) else str(argument) for argument in arguments]
        key = self._key(suffix, recipe, graph or "")
        path = self.folder / f"{key}.{suffix}"
        self._once(key, lambda: self._encode(path, arguments, graph))
        return Made(path, key)

    def write(self, suffix, what, make):
        """What `make(path)` writes: speech, pictures. `what` decides it."""
        key = self._key(suffix, what)
        path = self.folder / f"{key}.{suffix}"

        def once():
            if not path.exists():
                draft = path.with_name(f"draft-{path.name}")
                make(draft)
                draft.rename(path)

        self._once(key, once)
        return Made(path, key)

    def text(self, key, name, make):
        """A small result about a file that is kept, such as its published hash."""
        path = self.folder / f"{key}.{name}"
        if not path.exists():
            draft = path.with_name(f"draft-{path.name}")
            draft.write_text(make())
            draft.rename(path)
        return path.read_text()

    def _encode(self, path, arguments, graph):
        if path.exists():
            return
        self.made += 1
        draft = path.with_name(f"draft-{path.name}")
        line = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-threads", "1", "-filter_threads", "1", "-filter_complex_threads", "1"]
        first_output = next((n for n, argument in enumerate(arguments) if argument == "-map"), len(arguments))
        line += [str(argument.path if isinstance(argument, Made) else argument) for argument in arguments[:first_output]]
        if graph:
            line += ["-filter_complex", graph]
        line += [str(argument) for argument in arguments[first_output:]]
        line += ["-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1", str(draft)]
        done = subprocess.run(line, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"ffmpeg failed: {done.stderr[-2000:]}\n{' '.join(line)}")
        os.replace(draft, path)

    def _key(self, *what):
        return hashlib.sha256(json.dumps([RECIPES, self.version, what]).encode()).hexdigest()[:24]

    def _once(self, key, work):
        """Does `work` once for a key, also when two threads ask; gives what it gave."""
        with self.lock:
            entry = self.locks.setdefault(key, [threading.Lock(), False, None])
        with entry[0]:
            if not entry[1]:
                entry[2] = work()
                entry[1] = True
            return entry[2]


class Made:
    """A file and the digest of what it is made of."""

    def __init__(self, path, key):
        self.path = path
        self.key = key


def _digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()[:24]


def seconds_of(path):
    asked = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    return float(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
