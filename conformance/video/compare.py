"""Seawall's vPDQ against the Python package vpdq, which carries Meta's C++, and the comparison of threatexchange's extension.

Every video: as many frames, each with the reference's number and time stamp; at most 10 bits apart where the quality is 80 or more. Every pair of them: percentages
that are at most 2 points apart. Prints how the differences are distributed and exits 1 when a criterion is not met.
"""

import argparse
import collections
import pathlib
import subprocess
import sys

import vpdq
from threatexchange.extensions.vpdq.vpdq_brute_matcher import match_VPDQ_hash_brute
from threatexchange.extensions.vpdq.vpdq_util import VpdqCompactFeature, json_to_vpdq, quality_filter, vpdq_to_json

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import pictures  # noqa: E402
import videos  # noqa: E402
from reference import distance  # noqa: E402

VIDEOS_MIN = 20
BITS_MAX = 10
QUALITY_MIN = 80
POINTS_MAX = 2.0
# Hashes that both sides compare, as python-threatexchange does.
MATCH_QUALITY, MATCH_BITS = 50, 31
# Time stamps are written in thousandths of a second.
SECONDS_MAX = 0.0011


def ours(program, paths):
    """{path: [(number, quality, hash, seconds)]}, {(query, target): (percent, percent)}, what went wrong."""
    run = subprocess.run([program, *map(str, paths)], stdout=subprocess.PIPE, text=True, check=True)
    hashed, pairs, bad = {}, {}, []
    for line in run.stdout.splitlines():
        kind, *rest = line.split("\t")
        if kind == "video":
            path, _, lines = rest
            parts = (feature.split(",") for feature in lines.split(";") if feature)
            hashed[path] = [(int(number), int(quality), code, float(at)) for number, quality, code, at in parts]
        elif kind == "pair":
            query, target, *percent = rest
            pairs[query, target] = tuple(map(float, percent))
        else:
            bad.append(f"{rest[0]}: {rest[1]}")
    return hashed, pairs, bad


def compare_frames(path, found, expected):
    """Bits apart of each frame that is judged, of each that is not, and what is wrong."""
    judged, other, bad = [], [], []
    if len(found) != len(expected):
        return judged, other, [f"{path}: {len(found)} frames, the reference has {len(expected)}"]
    for (number, quality, code, at), frame in zip(found, expected):
        bits = distance(code, frame.hex)
        (judged if frame.quality >= QUALITY_MIN else other).append(bits)
        if frame.quality >= QUALITY_MIN and bits > BITS_MAX:
            bad.append(f"{path}: frame {number} is {bits} bits off")
        if number != frame.frame_number or abs(at - frame.timestamp) > SECONDS_MAX:
            bad.append(f"{path}: frame {number} at {at}, the reference has {frame.frame_number} at {frame.timestamp:.3f}")
        if quality < 0 or quality > 100:
            bad.append(f"{path}: frame {number} has quality {quality}")
    return judged, other, bad


def percentages(query, target):
    """What threatexchange says, or None where it cannot."""
    if not quality_filter(query, MATCH_QUALITY) or not quality_filter(target, MATCH_QUALITY):
        return None
    result = match_VPDQ_hash_brute(query, target, MATCH_QUALITY, MATCH_BITS)
    return result.query_match_percent, result.compared_match_percent


def compare_pairs(references, pairs):
    """How far apart the percentages of each pair are, how many pairs have something in common, and what is wrong."""
    # Through threatexchange's own JSON, as they are exchanged.
    exchanged = {path: json_to_vpdq(vpdq_to_json([VpdqCompactFeature.from_vpdq_feature(f) for f in found])) for path, found in references.items()}
    apart, n_alike, bad = [], 0, []
    for query, of_query in exchanged.items():
        for target, of_target in exchanged.items():
            expected, found = percentages(of_query, of_target), pairs.get((query, target))
            if (expected is None) != (found is None):
                bad.append(f"{query} in {target}: {found}, the reference has {expected}")
                continue
            if expected is None:
                continue
            points = max(abs(a - b) for a, b in zip(expected, found))
            n_alike += query != target and max(expected) > 0
            apart.append(points)
            if points > POINTS_MAX:
                bad.append(f"{query} in {target}: {found}, the reference has {expected}")
    return apart, n_alike, bad


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vpdq", required=True, help="the example program that hashes videos")
    arguments = parser.parse_args()
    photos = [path for kind, path in pictures.packaged() if kind == "photo"]
    if not photos:
        sys.exit("conformance: no photos, see conformance/setup.sh")
    paths = videos.make(photos)
    hashed, pairs, bad = ours(arguments.vpdq, paths)
    print(f"{len(paths)} videos, {videos.SECONDS} seconds each")
    if len(paths) < VIDEOS_MIN:
        bad.append(f"only {len(paths)} videos, {VIDEOS_MIN} are needed")
    references, judged, other = {}, [], []
    for path in map(str, paths):
        references[path] = vpdq.computeHash(path, seconds_per_hash=1.0)
        if path not in hashed:
            continue
        of_video, flat, wrong = compare_frames(path, hashed[path], references[path])
        judged += of_video
        other += flat
        bad += wrong
        print(f"  {pathlib.Path(path).name:<18} {len(hashed[path]):>3} frames, bits apart at most {max(of_video, default=0):>3}")
    for title, found in [(f"quality of {QUALITY_MIN} and more", judged), (f"quality below {QUALITY_MIN} (told, not judged)", other)]:
        print(f" {title}: {len(found)} frames, bits apart: " + ", ".join(f"{bits}: {n}" for bits, n in sorted(collections.Counter(found).items())))
    apart, n_alike, wrong = compare_pairs(references, pairs)
    bad += wrong
    print(f" {len(apart)} pairs, {n_alike} of different videos with something in common: percentages at most {max(apart, default=0):.2f} points apart")
    for line in bad:
        print(f"NOT MET  {line}")
    print("conformance, videos: " + (f"{len(bad)} criteria not met" if bad else "every criterion met"))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
