"""corpus.py HALF [COUNT]: makes the videos of a half (tuning, held-out) under .tools/video/ and prints the file that says what is in them.

The file lists entries (what is banked), queries (edited copies, with the truth beside each), strangers (never banked), a benign sample, live streams and, for every
file that is compared, what the published vPDQ makes of it. What was made before is kept. With COUNT only that many references are edited, for a first look.
"""

import concurrent.futures
import json
import os
import sys
import time

from edits import EDITS, LONG_ENCODERS, SOUND_ONLY, Source, live_720p, long_720p
from references import references, strangers
from store import FOLDER, Store
from vpdq_published import published

WORKERS = os.cpu_count()
# Of the videos that are never banked, those that a platform would have learnt from: some begin with its intro, two with the countdown.
BENIGN = (1, 2, 3, 5, 7, 9, 10)
# Live streams at once.
STREAMS = 8


def main():
    half, *limit = sys.argv[1:]
    began = time.monotonic()
    store = Store()
    every, pictures, music = references(store)
    chosen = [reference for reference in every if reference.half == half]
    if limit:
        chosen = [chosen[n * len(chosen) // int(limit[0])] for n in range(int(limit[0]))]
    # What is published is found among all there is; while methods are chosen, the other half is not looked at, not even as entries.
    also_banked = [reference for reference in every if reference not in chosen and half in ("held-out", reference.half)]
    hosts, others, dubs = strangers(store, half, pictures, music)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:

        def entry(reference):
            made, seconds, shared = reference.make(store)
            return {"name": reference.name, "family": reference.family, **described(store, made), "seconds": seconds, "shared": shared}, made

        entries = list(pool.map(entry, chosen))
        others_banked = list(pool.map(entry, also_banked))
        say(f"{len(entries)} references after {time.monotonic() - began:.0f} s")
        sources = []
        for known, made in entries:
            wide = known["name"] in ("trailer", "hands") or known["name"].startswith("head-")
            sources.append(Source(known["name"], made, known["seconds"], (854, 480, 30) if wide else (640, 360, 25), [made for made, _, _ in hosts], dubs))

        def query(pair):
            edit, source = pair
            made, runs = EDITS[edit](store, source)
            truth = [{"query": run.query, "entry": run.entry} for run in runs]
            # The pictures of these are the original's, bit by bit.
            hashed = source.made if edit in SOUND_ONLY else made
            return {"edit": edit, "reference": source.name, "path": str(made.path), "vpdq": published(store, hashed), "runs": truth}

        pairs = [(edit, source) for source in sources for edit in EDITS]
        queries = []
        for done in pool.map(query, pairs):
            queries.append(done)
            if len(queries) % 100 == 0:
                say(f"{len(queries)} of {len(pairs)} copies after {time.monotonic() - began:.0f} s")
        benign = [made for number, (made, _, _) in enumerate(others) if number in BENIGN]
        alone = [made for made, _, _ in [*hosts, *others] if made not in benign]
        around = [made for made, _, _ in hosts]
        # Nothing is chosen by speed; only what is published needs these.
        streams = list(pool.map(lambda number: live_720p(store, number, sources, around), range(STREAMS if half == "held-out" else 0)))
        long_files = {name: long_720p(store, sources, encoder) for name, encoder in LONG_ENCODERS.items()} if half == "held-out" else {}

    everything = {
        "half": half,
        "seconds_to_make": time.monotonic() - began,
        "files_made": store.made,
        "edits": list(EDITS),
        "entries": [known for known, _ in [*entries, *others_banked]],
        "queries": queries,
        "strangers": [described(store, made) for made in alone],
        "benign": [str(made.path) for made in benign],
        "streams": [{"path": str(made.path), "clips": clips} for made, clips in streams],
        "ten_minutes": [[name, str(made.path)] for name, made in long_files.items()],
    }
    path = FOLDER / f"{half}.json"
    path.write_text(json.dumps(everything, indent=1))
    print(path)


def described(store, made):
    return {"path": str(made.path), "vpdq": published(store, made)}


def say(text):
    print(f"video: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
