"""The published Python client side of HMA against Seawall: the package threatexchange hashes and matches the same files.

1. /h/hash: the same PDQ hash but for what two decoders may differ by, the same digests.
2. /m/raw_lookup and /m/lookup: the same entries at the same distances as threatexchange's index finds, for hashes at every
   distance around the threshold.
3. /m/lookup of a file: the same as looking its hash up.
"""

import io
import pathlib
import random
import sys
import tempfile
import warnings

from PIL import Image
from threatexchange.signal_type.md5 import VideoMD5Signal
from threatexchange.signal_type.pdq.signal import PdqSignal

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import pictures  # noqa: E402
import reference  # noqa: E402

FILES_MAX = 120
FILES_MIN = 60
FILE_BYTES_MAX = 20_000_000
FILE_BITS_MAX = 10
FILE_QUALITY_MIN = 80
QUALITY_MIN = 50
BANKED_MAX = 60
QUERIES_MIN = 300
BANK = "CLIENT_BANK"


def is_plain(path):
    """Whether all agree which pixels a file shows. Of transparent and palette pictures threatexchange hashes other pixels
    than a viewer sees, and of CMYK nearly the negative."""
    with Image.open(path) as image:
        return image.mode in ("RGB", "L") and "transparency" not in image.info


def choose():
    """Files of many kinds, the same at every run: packaged pictures first, drawn ones beside them."""
    chance = random.Random(11)
    packaged = [path for kind, path in pictures.packaged() if path.stat().st_size < FILE_BYTES_MAX]
    photos = [path for path in packaged if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"}]
    drawn = [path for kind, path in pictures.drawn() if path.suffix.lower() in {".jpg", ".png", ".webp"}]
    chosen = chance.sample(photos, len(photos))[:FILES_MAX] + drawn
    return [path for path in chosen if is_plain(path)][:FILES_MAX]


def compare_hashes(server, paths):
    """Returns what is wrong, and threatexchange's hash of each file that has one."""
    wrong, hashes, worst, n_told, n_equal = [], {}, 0, 0, 0
    for path in paths:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels = pictures.decode(path)
            _, quality = reference.hash_pixels(pixels)
            theirs = PdqSignal.hash_from_file(path)
        answer = server.form("/h/hash", [("photo", path.name, path.read_bytes())])
        if answer.status != 200:
            wrong.append(f"{path}: status {answer.status} {answer.body[:200]!r}")
            continue
        ours = answer.json()["pdq"]
        if not theirs or not ours:
            if (not theirs) != (not ours) and abs(quality - QUALITY_MIN) > 2:
                wrong.append(f"{path}: only one side gives a hash, quality {quality}")
            continue
        hashes[path] = theirs
        bits = reference.distance(ours, theirs)
        n_equal += bits == 0
        if quality < FILE_QUALITY_MIN:
            n_told += 1
        else:
            worst = max(worst, bits)
            if bits > FILE_BITS_MAX:
                wrong.append(f"{path}: {bits} bits apart at quality {quality}")
    print(f"  {len(paths)} photos hashed by both, {len(hashes)} with a hash: {n_equal} equal, at most {worst} bits apart"
          f" ({n_told} of low quality not judged)")
    if len(hashes) < FILES_MIN:
        wrong.append(f"only {len(hashes)} photos with a hash, {FILES_MIN} are needed")
    return wrong, hashes


def compare_digests(server, files):
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("video.mp4", "small.mp4"):
            path = pathlib.Path(folder, name)
            path.write_bytes(files[name])
            theirs = VideoMD5Signal.hash_from_file(path)
            ours = server.form("/h/hash", [("video", name, files[name])]).json()["video_md5"]
            if ours != theirs:
                wrong.append(f"{name}: {ours}, not {theirs}")
    return wrong


def flip(value, bits, chance):
    """The hash with so many bits turned."""
    number = int(value, 16)
    for place in chance.sample(range(256), bits):
        number ^= 1 << place
    return f"{number:064x}"


def add(server, signals):
    answer = server.json("POST", f"/c/bank/{BANK}/signal", signals)
    if answer.status != 200:
        raise SystemExit(f"conformance: cannot bank {signals}: {answer.status} {answer.body!r}")
    return answer.json()["id"]


def compare_matches(server, signal_type, banked, queries):
    """Banks hashes on both sides, and looks all queries up on both."""
    index = signal_type.get_index_cls().build([(value, add(server, {signal_type.get_name(): value})) for value in banked])
    wrong, n_hits = [], 0
    for query in queries:
        theirs = {found.metadata: found.similarity_info.pretty_str() for found in index.query(query)}
        n_hits += len(theirs)
        path = f"signal_type={signal_type.get_name()}&signal={query}"
        for url, read in [
            (f"/m/raw_lookup?{path}&include_distance=true", lambda json: json["matches"]),
            (f"/m/lookup?{path}", lambda json: json.get(BANK, [])),
        ]:
            found = read(server.send("GET", url).json())
            ours = {match["bank_content_id"]: match["distance"] for match in found}
            if ours != theirs:
                wrong.append(f"{url}: {ours}, not {theirs}")
        plain = server.send("GET", f"/m/raw_lookup?{path}").json()["matches"]
        if sorted(plain) != sorted(theirs):
            wrong.append(f"{path}: {plain}, not {sorted(theirs)}")
    print(f"  {len(queries)} hashes of {signal_type.get_name()} looked up by both among {len(banked)}: {n_hits} matches")
    return wrong


def compare_uploads(server, paths):
    """A file is matched as its hash is."""
    wrong, n_found = [], 0
    for path in paths:
        image = Image.open(path).convert("RGB")
        image.thumbnail((640, 640))
        smaller = io.BytesIO()
        image.save(smaller, "JPEG", quality=80)
        for name, data in [(path.name, path.read_bytes()), ("smaller.jpg", smaller.getvalue())]:
            value = server.form("/h/hash", [("photo", name, data)]).json()["pdq"]
            if not value:
                continue
            by_file = server.form("/m/lookup", [("photo", name, data)]).json()["pdq"]
            by_hash = server.send("GET", f"/m/lookup?signal_type=pdq&signal={value}").json()
            n_found += bool(by_file)
            if by_file != by_hash:
                wrong.append(f"{path} as {name}: {by_file}, but by hash {by_hash}")
    print(f"  {2 * len(paths)} files looked up by upload, {n_found} with a match, all as by their hashes")
    return wrong


def run(server, files):
    """Compares everything; returns what is wrong."""
    if server.json("POST", "/c/banks", {"name": BANK}).status != 201:
        return ["cannot make a bank"]
    wrong, hashes = compare_hashes(server, choose())
    wrong += compare_digests(server, files)
    chance = random.Random(5)
    banked = list(dict.fromkeys(hashes.values()))[:BANKED_MAX]
    queries = list(hashes.values())
    for value in banked:
        queries += [flip(value, bits, chance) for bits in (1, 15, 29, 30, 31, 32, 33, 40)]
    if len(queries) < QUERIES_MIN:
        wrong.append(f"only {len(queries)} queries, {QUERIES_MIN} are needed")
    wrong += compare_matches(server, PdqSignal, banked, queries)
    digests = [f"{chance.getrandbits(128):032x}" for _ in range(20)]
    wrong += compare_matches(server, VideoMD5Signal, digests[:10], digests)
    wrong += compare_uploads(server, [path for path in hashes if hashes[path] in banked][:20])
    return wrong
