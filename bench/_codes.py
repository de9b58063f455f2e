"""Codes to search among, in three kinds, each as an array of rows of 32 bytes, the same in every run.

uniform   without structure
families  near-duplicates of fewer pictures, as real banks hold them
pictures  as PDQ makes them: 64 x 64 thumbnails of crops of photos from Debian packages, cosine transform, median; eight ways round each
"""

import numpy
from PIL import Image

import pictures as packaged_pictures

SEED = 20261121
PHOTOS = 60
BATCH = 4096


def uniform(n, rng):
    return rng.integers(0, 256, (n, 32), dtype=numpy.uint8)


def flipped(codes, flips, rng):
    """Each code with as many of its bits turned as `flips` says for it, each bit at most once."""
    turned = codes.copy()
    for start in range(0, len(codes), 100_000):
        part = slice(start, start + 100_000)
        order = rng.random((len(codes[part]), 256), dtype=numpy.float32).argsort(axis=1).argsort(axis=1)
        turned[part] ^= numpy.packbits(order < flips[part][:, None], axis=1)
    return turned


def roughly_flipped(codes, flips_max, rng):
    """Each code with up to so many of its bits turned, drawn one by one: fast enough for a hundred million. A bit may be drawn twice."""
    turned = codes.copy()
    flips = rng.integers(0, flips_max + 1, len(codes), dtype=numpy.uint8)
    rows = numpy.arange(len(codes))
    for turn in range(flips_max):
        rows = rows[flips[rows] > turn]
        bits = rng.integers(0, 256, len(rows), dtype=numpy.uint8)
        turned[rows, bits // 8] ^= numpy.uint8(1) << (bits % 8)
    return turned


def families(n, rng):
    """A fifth of the codes are centres; the others lie 0 to 40 bits from one of them."""
    centres = uniform(max(1, n // 5), rng)
    members = centres[rng.integers(0, len(centres), n - len(centres))]
    return numpy.concatenate([centres, flipped(members, rng.integers(0, 41, len(members)), rng)])


def _cosines():
    columns = numpy.arange(64)
    rows = numpy.arange(1, 17)[:, None]
    return (numpy.sqrt(2 / 64) * numpy.cos(numpy.pi / 128 * rows * (2 * columns + 1))).astype(numpy.float32)


def _grounds():
    """Photos in grey at several sizes, to cut thumbnails from."""
    photos = [path for kind, path in packaged_pictures.packaged() if kind == "photo"]
    photos = photos[:: max(1, len(photos) // PHOTOS)][:PHOTOS]
    if not photos:
        raise SystemExit("no photos here: the Debian packages that conformance/setup.sh names cannot be had")
    grounds = []
    for path in photos:
        grey = Image.open(path).convert("L")
        for width in (120, 180, 270, 400):
            small = grey.resize((width, max(80, grey.height * width // grey.width)), Image.BOX)
            grounds.append(numpy.asarray(small, dtype=numpy.float32))
    return grounds


def pictures(n, rng):
    cosines = _cosines()
    signs = numpy.where(numpy.arange(1, 17) % 2 == 1, -1.0, 1.0).astype(numpy.float32)
    grounds = _grounds()
    rows = []
    made = 0
    while made < n:
        ground = grounds[rng.integers(0, len(grounds))]
        tops = rng.integers(0, ground.shape[0] - 63, BATCH // 8)
        lefts = rng.integers(0, ground.shape[1] - 63, BATCH // 8)
        windows = numpy.lib.stride_tricks.sliding_window_view(ground, (64, 64))[tops, lefts]
        base = cosines @ windows @ cosines.T
        ways = []
        for turned in (base, base.transpose(0, 2, 1)):
            for down in (1, signs[:, None]):
                for across in (1, signs[None, :]):
                    ways.append(turned * down * across)
        found = numpy.concatenate(ways).reshape(-1, 256)
        bits = found > numpy.median(found, axis=1, keepdims=True)
        rows.append(numpy.packbits(bits, axis=1))
        made += len(found)
    codes = numpy.concatenate(rows)[:n]
    return codes[rng.permutation(n)]


def queries(codes, n, rng):
    """Half lie 0 to 31 bits from a code, half are strangers."""
    near = flipped(codes[rng.integers(0, len(codes), n // 2)], rng.integers(0, 32, n // 2), rng)
    return numpy.concatenate([near, uniform(n - n // 2, rng)])
