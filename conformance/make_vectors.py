"""Writes crates/signal/tests/pdq_vectors.txt: what the Python package pdqhash says of pictures drawn by formula.

The same formulas stand in crates/signal/src/pdq/tests.rs, so the test needs neither Python nor a picture file.
Run by hand when a pattern or size is added: .tools/venv/bin/python conformance/make_vectors.py
"""

import pathlib
from importlib import metadata

import numpy
import pdqhash

from reference import hex_of

PATTERNS = ["flat", "ramp", "noise", "tiles", "rings", "bars"]
SIZES = [(5, 5), (5, 300), (300, 5), (63, 65), (64, 64), (127, 129), (128, 128), (200, 150), (513, 257), (1280, 720),
         (1920, 1080), (4100, 2200)]


def scatter(n):
    return (n.astype(numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)) >> numpy.uint64(56)


def draw(pattern, width, height):
    y, x = numpy.mgrid[:height, :width].astype(numpy.int64)
    channels = []
    for c in range(3):
        if pattern == "flat":
            value = numpy.full_like(x, 77)
        elif pattern == "ramp":
            value = [x * 255 // width, y * 255 // height, (x + y) % 256][c]
        elif pattern == "noise":
            value = scatter((y * width + x) * 3 + c)
        elif pattern == "tiles":
            value = scatter(x * 8 // width * 100 + y * 8 // height * 10 + c)
        elif pattern == "rings":
            value = ((x - width // 3) ** 2 + (y - height // 2) ** 2) * (40 + 9 * c) // (width * height)
        elif pattern == "bars":
            value = (x * 16 // width + y * 5 // height) % 2 * 255
        channels.append(value.astype(numpy.uint64).astype(numpy.uint8))
    return numpy.ascontiguousarray(numpy.stack(channels, axis=-1))


def main():
    lines = [
        "# PDQ hashes of pictures drawn by formula, as the Python package pdqhash " + metadata.version("pdqhash"),
        "# computes them from the same pixels (conformance/make_vectors.py).",
        "# pattern width height quality hash",
    ]
    for pattern in PATTERNS:
        for width, height in SIZES:
            vector, quality = pdqhash.compute(draw(pattern, width, height))
            lines.append(f"{pattern} {width} {height} {quality} {hex_of(vector)}")
    target = pathlib.Path(__file__).resolve().parent.parent / "crates/signal/tests/pdq_vectors.txt"
    target.write_text("\n".join(lines) + "\n")
    print(f"{len(lines) - 3} vectors in {target}")


if __name__ == "__main__":
    main()
