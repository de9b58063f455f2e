"""Decoding and hashing files: Seawall's jail beside pdqhash with Pillow, on the same photos in the same run.

`media.py --reference FILE ROUNDS` is the reference's side, in a process of its own so that its memory is its own.
"""

import io
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import pdqhash
import PIL
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "conformance"))

PHOTOS = 6
SIZES = [("1080p", (1920, 1080), 24), ("4K", (3840, 2160), 8)]
KINDS = [("JPEG", "jpg", {"quality": 90}), ("PNG", "png", {})]


def reference(path, rounds):
    """Prints milliseconds, CPU milliseconds, peak KiB, hash."""
    data = pathlib.Path(path).read_bytes()

    def once():
        return pdqhash.compute(numpy.asarray(Image.open(io.BytesIO(data)).convert("RGB")))

    once()
    took, cpu = [], time.process_time()
    for _ in range(rounds):
        start = time.perf_counter()
        vector, _ = once()
        took.append((time.perf_counter() - start) * 1e3)
    cpu = (time.process_time() - cpu) * 1e3 / rounds
    value = f"{int(''.join(str(bit) for bit in vector), 2):064x}"
    # Not ru_maxrss: that remembers the size of the process this one was forked from.
    peak = re.search(r"VmHWM:\s*(\d+)", pathlib.Path("/proc/self/status").read_text()).group(1)
    print(statistics.median(took), cpu, peak, value)


def ours(scan, path, rounds):
    line = subprocess.run([scan, str(rounds), path], capture_output=True, text=True, check=True).stdout.split("\t")
    took, worker_cpu, host_cpu, peak = map(float, line[1:5])
    return {"took": took, "cpu": worker_cpu + host_cpu, "host": host_cpu, "peak": peak / 1024, "hash": line[5]}


def theirs(path, rounds):
    command = [sys.executable, __file__, "--reference", path, str(rounds)]
    took, cpu, peak, value = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {"took": float(took), "cpu": float(cpu), "peak": float(peak) / 1024, "hash": value}


def build():
    subprocess.run(["cargo", "build", "--locked", "--quiet", "--release", "-p", "media", "--example", "bench_scan"],
                   cwd=ROOT, check=True)
    return ROOT / "target/release/examples/bench_scan"


def main():
    import pictures

    scan = build()
    photos = [path for kind, path in pictures.packaged() if kind == "photo"]
    photos = photos[:: max(1, len(photos) // PHOTOS)][:PHOTOS]
    print("## Decoding and hashing a file\n")
    print(f"{len(photos)} photos from Debian packages, scaled to size and saved as JPEG (quality 90) and PNG; bytes in, PDQ out, one")
    print("at a time, in turns. Seawall is `MediaHost::scan` with one warm worker in its whole jail; its processor time is that of")
    print("worker *and* host, with MD5, SHA-256 and the start of the worker in it. The reference is Pillow's `convert(\"RGB\")`")
    print(f"({PIL.__version__}) and `pdqhash.compute` in one Python process; it makes no digests. Middle photo each; bits: the largest difference.\n")
    print("| file | size | Seawall, CPU | of it host | a core does | answer after | worker's peak | reference, CPU | a core does | peak | ratio | bits |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name, size, rounds in SIZES:
        for kind, extension, options in KINDS:
            mine, their, bytes_, bits = [], [], [], []
            for photo in photos:
                with tempfile.NamedTemporaryFile(suffix=f".{extension}") as file:
                    Image.fromarray(pictures.decode(photo)).resize(size).save(file.name, **options)
                    bytes_.append(pathlib.Path(file.name).stat().st_size)
                    mine.append(ours(scan, file.name, rounds))
                    their.append(theirs(file.name, max(3, rounds // 3)))
                bits.append((int(mine[-1]["hash"], 16) ^ int(their[-1]["hash"], 16)).bit_count())
                print(f"{photo.name} {name} {kind}: {mine[-1]['cpu']:.1f} ms, {their[-1]['cpu']:.1f} ms", file=sys.stderr)

            def middle(runs, key):
                return statistics.median(run[key] for run in runs)

            cpu, reference_cpu = middle(mine, "cpu"), middle(their, "cpu")
            print(f"| {name} {kind} | {statistics.median(bytes_) / 1e6:.1f} MB | {cpu:.1f} ms | {middle(mine, 'host'):.1f} ms | "
                  f"{1e3 / cpu:.0f}/s | {middle(mine, 'took'):.1f} ms | {middle(mine, 'peak'):.0f} MiB | {reference_cpu:.1f} ms | "
                  f"{1e3 / reference_cpu:.1f}/s | {middle(their, 'peak'):.0f} MiB | **{reference_cpu / cpu:.1f}x** | {max(bits)} |")
    print("\n`bench/run.sh media`")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--reference"]:
        reference(sys.argv[2], int(sys.argv[3]))
    else:
        main()
