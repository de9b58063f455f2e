#!/usr/bin/env python3
"""Decode + hash of photo-sized pictures: Seawall's jail beside pdqhash with Pillow, in the same run, on one core.

Needs: pip install pdqhash pillow numpy, and `cargo build --release -p media --example bench_scan`.
Writes its section of bench/README.md, between the markers `media:begin` and `media:end`.
"""
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import pdqhash
import PIL
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCAN = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release/examples/bench_scan")
README = os.path.join(ROOT, "bench/README.md")
ROUNDS = {"1080p": 40, "4K": 12}
REPEATS = 3
SIZES = {"1080p": (1920, 1080), "4K": (3840, 2160)}


def photo(width, height, seed):
    """Noise whose strength falls with its frequency as in photographs, with a grain; the JPEG is as large as a camera's."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for octave in range(2, 11):
        n = 2**octave
        grid = random.normal(size=(max(2, n * height // width), n, 3)).astype(np.float32)
        for c in range(3):
            total[..., c] += np.asarray(Image.fromarray(grid[..., c]).resize((width, height), Image.BICUBIC)) / 1.75**octave
    total += random.normal(size=(height, width, 1)).astype(np.float32) * 0.03
    low, high = np.percentile(total, [0.5, 99.5])
    return Image.fromarray((np.clip((total - low) / (high - low), 0, 1) * 255).astype(np.uint8))


def reference(path, rounds):
    """Runs in a process of its own, so that its memory is its own: milliseconds, CPU milliseconds, KiB, hash, quality."""
    data = open(path, "rb").read()
    import io

    def once():
        image = Image.open(io.BytesIO(data)).convert("RGB")
        return pdqhash.compute(np.asarray(image))

    once()
    took, cpu = [], time.process_time()
    for _ in range(rounds):
        start = time.perf_counter()
        vector, quality = once()
        took.append((time.perf_counter() - start) * 1e3)
    cpu = (time.process_time() - cpu) * 1e3 / rounds
    value = "%064x" % int("".join(str(bit) for bit in vector), 2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{statistics.median(took)}\t{cpu}\t{peak}\t{value}\t{quality}")


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--reference":
        return reference(sys.argv[2], int(sys.argv[3]))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size, (width, height) in SIZES.items():
            image = photo(width, height, 7)
            for kind, options in (("jpg", {"quality": 90}), ("png", {})):
                path = os.path.join(folder, f"{size}.{kind}")
                image.save(path, **options)
                ours, theirs = [], []
                for _ in range(REPEATS):  # in turns, so that a busy minute of the machine hits both
                    rounds = str(ROUNDS[size])
                    out = subprocess.run([SCAN, rounds, path], capture_output=True, text=True, check=True).stdout
                    ours.append(out.strip().split("\t")[1:])
                    command = [sys.executable, os.path.abspath(__file__), "--reference", path, rounds]
                    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                    theirs.append(out.strip().split("\t"))
                rows.append(row(size, kind, os.path.getsize(path), ours, theirs))
    write(section(rows))


def row(size, kind, size_bytes, ours, theirs):
    middle = lambda runs, i: statistics.median(float(run[i]) for run in runs)
    bits = bin(int(ours[0][4], 16) ^ int(theirs[0][3], 16)).count("1")
    our_cpu = middle(ours, 1) + middle(ours, 2)
    return {
        "picture": f"{size} {'JPEG' if kind == 'jpg' else 'PNG'}, {size_bytes / 1e6:.1f} MB",
        "our_ms": middle(ours, 0), "our_cpu": our_cpu, "host_cpu": middle(ours, 2), "our_mib": middle(ours, 3) / 1024,
        "ms": middle(theirs, 0), "cpu": middle(theirs, 1), "mib": middle(theirs, 2) / 1024,
        "ratio": middle(theirs, 1) / our_cpu, "bits": bits,
    }


def section(rows):
    cpu = re.search(r"model name\s*:\s*(.*)", open("/proc/cpuinfo").read())
    lines = [
        "## Decode + hash of a picture",
        "",
        "Bytes in, PDQ out, one picture at a time. Seawall: `MediaHost::scan` with one warm worker in its whole jail; its CPU",
        "time is that of worker and host together, the start of the worker, MD5 and SHA-256 included. Reference: Pillow",
        "`convert(\"RGB\")` and `pdqhash.compute` in one Python process, which makes no digests. Both in turns, in the same run.",
        "",
        "| picture | Seawall, CPU | per core | in the host | answer after | worker, peak | pdqhash + Pillow, CPU | per core | peak | ratio | bits apart |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for r in rows:
        lines.append(
            f"| {r['picture']} | {r['our_cpu']:.1f} ms | {1e3 / r['our_cpu']:.0f}/s | {r['host_cpu']:.1f} ms | {r['our_ms']:.1f} ms | {r['our_mib']:.0f} MiB"
            f" | {r['cpu']:.1f} ms | {1e3 / r['cpu']:.1f}/s | {r['mib']:.0f} MiB | **{r['ratio']:.1f}×** | {r['bits']} |"
        )
    lines += [
        "",
        f"{cpu.group(1) if cpu else platform.machine()}, {platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()},"
        f" Pillow {PIL.__version__}, pdqhash {pdqhash.__version__ if hasattr(pdqhash, '__version__') else ''}; median of {REPEATS} turns of"
        f" {ROUNDS['1080p']} (1080p) and {ROUNDS['4K']} (4K) scans. Again: `bench/media.py`.",
    ]
    return "\n".join(lines)


def write(text):
    print(text)
    begin, end = "<!-- media:begin -->", "<!-- media:end -->"
    page = open(README).read() if os.path.exists(README) else "# Benchmarks\n"
    block = f"{begin}\n{text}\n{end}"
    if begin in page:
        page = page[: page.index(begin)] + block + page[page.index(end) + len(end):]
    else:
        page = page.rstrip() + "\n\n" + block + "\n"
    open(README, "w").write(page)


main()
