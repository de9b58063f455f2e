"""Hashing decoded pixels: Seawall against pdqhash, which carries Meta's C++, on the same photos in the same run."""

import pathlib
import statistics
import subprocess
import sys
import time

import numpy
import pdqhash
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "conformance"))

import pictures  # noqa: E402
import reference  # noqa: E402

PHOTOS = 24
SIZES = [(1920, 1080), (3840, 2160)]
OUR_REPEATS = 15
THEIR_REPEATS = 5


def luma(pixels):
    """What pdqhash computes with numpy before it calls the C++."""
    return (pixels[:, :, 0] * 0.299 + pixels[:, :, 1] * 0.587 + pixels[:, :, 2] * 0.114).astype("float32")


def milliseconds(work):
    """Processor time, so that a loaded machine does not count against the reference."""
    times = []
    for _ in range(THEIR_REPEATS):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times)


def build():
    subprocess.run(["cargo", "build", "--locked", "--quiet", "--release", "-p", "signal", "--example", "pdq_pixels"],
                   cwd=ROOT, check=True)
    return ROOT / "target/release/examples/pdq_pixels"


def main():
    hasher = subprocess.Popen([build(), "--time", str(OUR_REPEATS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ours(pixels):
        height, width, channels = pixels.shape
        hasher.stdin.write(f"{width} {height} {channels}\n".encode() + pixels.tobytes())
        hasher.stdin.flush()
        code, quality, _, middle = hasher.stdout.readline().decode().split()
        return code, int(quality), int(middle) / 1e6

    photos = [path for kind, path in pictures.packaged() if kind == "photo"]
    photos = photos[:: max(1, len(photos) // PHOTOS)][:PHOTOS]
    print("## PDQ of decoded pixels\n")
    print(f"{len(photos)} photos from Debian packages, scaled to size, one core, in turns. Per photo the middle time of several,")
    print("then over all photos; the reference's is processor time, Seawall's is by the clock. *Of it C++* is `pdqhash.compute`")
    print("less the luma that it makes with numpy first. The slowest photo shows the price of hashing again in the reference's")
    print("order, where rounding might decide.\n")
    print("| size | pdqhash.compute | of it C++ | Seawall, RGB | grey | slowest photo | against compute | against C++ | same hash and quality |")
    print("|---|---|---|---|---|---|---|---|---|")
    for size in SIZES:
        theirs, luma_alone, our_times, grey_times, same = [], [], [], [], 0
        for path in photos:
            pixels = numpy.ascontiguousarray(Image.fromarray(pictures.decode(path)).resize(size))
            theirs.append(milliseconds(lambda: pdqhash.compute(pixels)))
            luma_alone.append(milliseconds(lambda: luma(pixels)))
            code, quality, middle = ours(pixels)
            our_times.append(middle)
            grey_times.append(ours(numpy.ascontiguousarray(pixels[:, :, 1:2]))[2])
            same += (code, quality) == reference.hash_pixels(pixels)
            print(f"{path.name} {size[0]}x{size[1]}: {theirs[-1]:.1f} ms, {middle:.3f} ms", file=sys.stderr)
        compute, ours_middle = statistics.median(theirs), statistics.median(our_times)
        cpp = compute - statistics.median(luma_alone)
        print(f"| {size[0]} x {size[1]} | {compute:.1f} ms | {cpp:.1f} ms | {ours_middle:.3f} ms | "
              f"{statistics.median(grey_times):.3f} ms | {max(our_times):.2f} ms | **{compute / ours_middle:.0f}x** | "
              f"{cpp / ours_middle:.0f}x | {same} of {len(photos)} |")
    print("\n`bench/run.sh pdq`")


if __name__ == "__main__":
    main()
