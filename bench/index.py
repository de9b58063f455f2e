"""Exact search among PDQ codes: Seawall's index against faiss and against the index of python-threatexchange, one core, the same codes and
questions in the same run. Answers are compared with faiss Flat, which looks at every code.

    bench/run.sh index                      100,000, 1 and 10 million
    SEAWALL_BENCH_CODES=100000000 bench/run.sh index     also 100 million, Seawall alone: needs 16 GB of memory
"""

import gc
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import faiss
import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "conformance"))
sys.path.insert(0, str(ROOT / "bench"))

import _codes  # noqa: E402
import _plot  # noqa: E402

RADIUS = 31
WIDE = 60
# (kind, codes, questions to Seawall, to faiss Flat, to threatexchange)
SETS = [
    ("uniform", 100_000, 4000, 1000, 1000),
    ("uniform", 1_000_000, 4000, 400, 400),
    ("families", 1_000_000, 4000, 400, 400),
    ("pictures", 1_000_000, 4000, 400, 400),
    ("pictures", 10_000_000, 2000, 60, 100),
]
# Building threatexchange's index over more codes than this takes minutes; it is done for one set of each size.
THEIRS_FOR = {("uniform", 100_000), ("pictures", 1_000_000), ("pictures", 10_000_000)}


def rss():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def build():
    command = ["cargo", "build", "--locked", "--quiet", "--release", "-p", "index", "--example", "measure"]
    subprocess.run(command, cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release/examples/measure"


def seawall(measure, folder, codes, questions, *arguments):
    """The lines that `measure` prints, by what they are of, and its answers to the first radius."""
    codes_file, questions_file = folder / "codes", folder / "questions"
    codes.tofile(codes_file)
    questions.tofile(questions_file)
    command = ["taskset", "-c", "0", str(measure), str(codes_file), str(questions_file), *map(str, arguments)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    lines = {}
    for line in map(json.loads, told):
        lines[line["what"], line.get("radius")] = line
    answers = questions_file.with_suffix(".answers")
    found = numpy.fromfile(answers, dtype=numpy.uint32).reshape(-1, 3) if answers.exists() else None
    codes_file.unlink()
    return lines, found


def per_second(ask, questions):
    start = time.process_time()
    for at in range(len(questions)):
        ask(questions[at : at + 1])
    return len(questions) / (time.process_time() - start)


def faiss_flat(codes, questions):
    index = faiss.IndexBinaryFlat(256)
    index.add(codes)
    single = per_second(lambda question: index.range_search(question, RADIUS + 1), questions)
    limits, distances, labels = index.range_search(questions, RADIUS + 1)
    answers = {
        (row, int(labels[at]), int(distances[at]))
        for row in range(len(questions))
        for at in range(limits[row], limits[row + 1])
    }
    start = time.process_time()
    index.range_search(questions, WIDE + 1)
    wide = len(questions) / (time.process_time() - start)
    return single, wide, answers


def threatexchange(codes, questions):
    from threatexchange.signal_type.pdq.pdq_index import PDQIndex

    before = rss()
    start = time.process_time()
    index = PDQIndex(entries=((code.tobytes().hex(), at) for at, code in enumerate(codes)))
    built = time.process_time() - start
    weight = (rss() - before) / len(codes)
    texts = [question.tobytes().hex() for question in questions]
    start = time.process_time()
    n_found = sum(len(index.query(text)) for text in texts)
    return len(texts) / (time.process_time() - start), built, weight, n_found


def check(found, answers, n_questions, name):
    ours = {(int(row), int(key), int(distance)) for row, key, distance in found if row < n_questions}
    if ours != answers:
        missing, surplus = len(answers - ours), len(ours - answers)
        raise SystemExit(f"{name}: {missing} answers of faiss Flat are missing and {surplus} are not among them")
    return len(answers)


def large(measure, folder):
    """A hundred million codes, Seawall alone: what the others would need does not fit."""
    rng = numpy.random.default_rng(_codes.SEED)
    real = _codes.pictures(10_000_000, rng)
    with open(folder / "large", "wb") as out:
        real.tofile(out)
        for part in range(1, 10):
            _codes.roughly_flipped(real, 59, rng).tofile(out)
            print(f"index: {part + 1}0 million made", file=sys.stderr)
    questions = _codes.queries(real, 1000, rng)
    rng.shuffle(questions)
    questions.tofile(folder / "questions")
    del real
    gc.collect()
    command = ["taskset", "-c", "0", str(measure), str(folder / "large"), str(folder / "questions"), str(RADIUS)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    lines = {line["what"]: line for line in map(json.loads, told)}
    return (
        f"- 100,000,000 codes (pictures and near-duplicates of them): **{lines['single']['per_s']:,.0f} searches/s**, "
        f"p50 {lines['single']['p50_us']:.0f} µs, p99 {lines['single']['p99_us'] / 1000:.1f} ms, "
        f"**{lines['build']['bytes_per_code']:.1f} bytes a code**, built in {lines['build']['s']:.0f} s on one core."
    )


def main():
    measure = build()
    faiss.omp_set_num_threads(1)
    print("## Exact search among PDQ codes\n")
    print(f"One core. Questions: half lie 0 to 31 bits from a code, half are strangers. All within {RADIUS} bits unless said. *Same* counts the answers")
    print("that were compared with those of faiss Flat, which looks at every code: each (question, code, distance) must be in both, or the bench")
    print("fails. *Wide* is within 60 bits, in batches of 256. Seawall's times are by the clock on one pinned core, the others' processor time.")
    print("Kinds of codes: see `bench/_codes.py`; *pictures* are crops of photos from Debian packages, hashed as PDQ does.\n")
    print("| codes | kind | Seawall /s | p50 | p99 | batch /s | B/code | build | faiss Flat /s | ratio | threatexchange /s | ratio | its B/code | its build | wide: Seawall /s | faiss Flat /s | ratio | same |")
    print("|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    points = {"Seawall": [], "threatexchange": [], "faiss Flat": []}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for kind, n, n_ours, n_flat, n_theirs in SETS:
            print(f"index: {n} {kind}", file=sys.stderr)
            rng = numpy.random.default_rng(_codes.SEED)
            codes = getattr(_codes, kind)(n, rng)
            questions = _codes.queries(codes, n_ours, rng)
            rng.shuffle(questions)
            lines, found = seawall(measure, folder, codes, questions, RADIUS, WIDE)
            single, batch = lines["single", RADIUS], lines["batch", RADIUS]
            built, wide = lines["build", None], lines["batch", WIDE]
            flat, flat_wide, answers = faiss_flat(codes, questions[:n_flat])
            same = check(found, answers, n_flat, f"{n} {kind}")
            theirs = ["–"] * 4
            if (kind, n) in THEIRS_FOR:
                rate, their_build, weight, _ = threatexchange(codes, questions[:n_theirs])
                theirs = [f"{rate:,.0f}", f"**{single['per_s'] / rate:.0f}x**", f"{weight:.0f}", f"{their_build:.0f} s"]
                points["threatexchange"].append((n, rate))
                points["Seawall"].append((n, single["per_s"]))
                points["faiss Flat"].append((n, flat))
            print(
                f"| {n:,} | {kind} | {single['per_s']:,.0f} | {single['p50_us']:.0f} µs | {single['p99_us']:.0f} µs | {batch['per_s']:,.0f} "
                f"| {built['bytes_per_code']:.0f} | {built['s']:.1f} s | {flat:,.0f} | **{single['per_s'] / flat:.0f}x** | {' | '.join(theirs)} "
                f"| {wide['per_s']:,.0f} | {flat_wide:,.0f} | **{wide['per_s'] / flat_wide:.1f}x** | {same:,} |",
                flush=True,
            )
            del codes, found
            gc.collect()

        print("\n### Files, inserts, memory\n")
        rng = numpy.random.default_rng(_codes.SEED)
        codes = _codes.uniform(10_000_000, rng)
        questions = _codes.queries(codes, 1000, rng)
        for n in (1_000_000, 10_000_000):
            lines, _ = seawall(measure, folder, codes[:n], questions, "--persist", folder / f"index-{n}", RADIUS)
            print(f"- {n:,} codes: written in {lines['persist', None]['s']:.1f} s, opened again in **{lines['open', None]['s']:.1f} s** on one core.")
        lines, _ = seawall(measure, folder, codes[:1_000_000], questions, "--no-tables", RADIUS, WIDE)
        print(f"- 1,000,000 codes without tables: {lines['build', None]['bytes_per_code']:.0f} bytes a code, "
              f"{lines['single', RADIUS]['per_s']:,.0f} searches/s within {RADIUS} bits, {lines['batch', WIDE]['per_s']:,.0f}/s within {WIDE} in batches.")
        codes[:1_000_000].tofile(folder / "codes")
        questions.tofile(folder / "questions")
        told = subprocess.run([str(measure), str(folder / "codes"), str(folder / "questions"), "--inserts", "5000", str(RADIUS)],
                              check=True, capture_output=True, text=True).stdout.splitlines()
        line = json.loads(told[-1])
        print(f"- {line['per_s']:,.0f} inserts/s beside searches among 1,000,000, ten seconds, two cores: search p50 {line['p50_us']:.0f} µs, "
              f"**p99 {line['p99_us'] / 1000:.2f} ms**, slowest {line['max_us'] / 1000:.1f} ms; insert p50 {line['insert_p50_us']:.1f} µs; "
              f"inserted *and* found by the next search in {line['visible_p50_us']:.0f} µs (p50).")
        if int(os.environ.get("SEAWALL_BENCH_CODES", "0")) >= 100_000_000:
            del codes
            gc.collect()
            print(large(measure, folder))
    chart = ROOT / "bench/index.svg"
    chart.write_text(_plot.rates("Exact searches a second on one core, within 31 bits", "codes", points))
    print("\n![Exact searches a second, by number of codes](index.svg)\n\n`bench/run.sh index`")


if __name__ == "__main__":
    main()
