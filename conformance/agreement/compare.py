"""Seawall's agreement figures against the Python packages `krippendorff` and `scikit-learn`, on random and on odd answers.

Prints the largest difference of each figure and exits 1 where one is above 1e-9, or where one side has a figure and the other has none.
"""

import argparse
import json
import math
import subprocess
import sys
import warnings

import krippendorff
import numpy
from sklearn.metrics import cohen_kappa_score

TOLERANCE = 1e-9


def random_answers(rng, n_units, n_raters, n_answers, missing, noise):
    """Answers of raters who see a truth through noise, and sometimes do not answer."""
    truth = rng.integers(0, n_answers, n_units)
    answers = numpy.where(
        rng.random((n_units, n_raters)) < noise,
        rng.integers(0, n_answers, (n_units, n_raters)),
        truth[:, None],
    ).astype(float)
    answers[rng.random((n_units, n_raters)) < missing] = math.nan
    return answers


def cases():
    rng = numpy.random.default_rng(20261122)
    for n_units in (2, 3, 10, 100, 1000):
        for n_raters in (2, 3, 8, 40):
            for n_answers in (2, 3, 8):
                for missing in (0.0, 0.3, 0.9):
                    for noise in (0.0, 0.2, 1.0):
                        yield "random", random_answers(rng, n_units, n_raters, n_answers, missing, noise)
    for _ in range(300):
        shape = rng.integers(1, 12), rng.integers(2, 6), rng.integers(1, 4)
        yield "small", random_answers(rng, *shape, rng.choice([0.0, 0.5]), rng.random())
    nan = math.nan
    yield "one answer", numpy.array([[1, 1], [1, 1], [1, nan]])
    yield "one answer where two judged", numpy.array([[1, 1], [1, 1], [2, nan]])
    yield "no pair", numpy.array([[1, nan], [nan, 2]])
    yield "one unit", numpy.array([[0.0, 1.0]])
    yield "one unit, the same", numpy.array([[3.0, 3.0]])
    yield "one rater always the same", numpy.array([[0.0, 0], [0, 1], [0, 0], [0, 1]])
    yield "always apart", numpy.array([[0.0, 1], [1, 0], [0, 1], [1, 0]])
    yield "a rare answer", numpy.array([[0.0, 0]] * 999 + [[1, 1]])
    yield "an answer in the middle that nobody gave", numpy.array([[0.0, 7], [7, 7], [0, 0], [3, 7]])


def figure(compute):
    """What the reference says; None where it refuses or says NaN."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = float(compute())
    except (ValueError, AssertionError, ZeroDivisionError):
        return None
    return None if math.isnan(value) or math.isinf(value) else value


def reference(answers):
    def alpha(level):
        return figure(lambda: krippendorff.alpha(reliability_data=answers.T, level_of_measurement=level))

    found = {"nominal": alpha("nominal"), "ordinal": alpha("ordinal")}
    if answers.shape[1] == 2 and not numpy.isnan(answers).any():
        found["kappa"] = figure(lambda: cohen_kappa_score(answers[:, 0].astype(int), answers[:, 1].astype(int)))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agreement", required=True, help="the example program that reads answers")
    arguments = parser.parse_args()

    named = list(cases())
    lines = [
        json.dumps([[None if math.isnan(answer) else int(answer) for answer in unit] for unit in answers.tolist()])
        for _, answers in named
    ]
    run = subprocess.run(
        [arguments.agreement], input="\n".join(lines) + "\n", stdout=subprocess.PIPE, text=True, check=True
    )
    ours = [json.loads(line) for line in run.stdout.splitlines()]
    bad = [] if len(ours) == len(named) else [f"{len(ours)} answers to {len(named)} lines"]
    largest = {}
    for (name, answers), found in zip(named, ours):
        judged = reference(answers)
        if found["kappa"] is not None and "kappa" not in judged:
            bad.append(f"{name} {answers.shape}: kappa of what two did not judge")
        for key, expected in judged.items():
            n_same, n_none, most = largest.get(key, (0, 0, 0.0))
            value = found[key]
            if (value is None) != (expected is None):
                bad.append(f"{name} {answers.shape}: {key} is {value}, by the reference {expected}")
            elif value is None:
                largest[key] = (n_same, n_none + 1, most)
            else:
                largest[key] = (n_same + 1, n_none, max(most, abs(value - expected)))
                if abs(value - expected) > TOLERANCE:
                    bad.append(f"{name} {answers.shape}: {key} is {value}, by the reference {expected}")
    print(f"Agreement: {len(named)} tables of answers")
    for key, (n_same, n_none, most) in largest.items():
        print(f"  {key:<8} {n_same:>5} compared, {n_none:>4} that neither side can say, at most {most:.1e} apart")
    for line in bad[:20]:
        print(f"NOT MET  {line}")
    print("conformance: " + (f"{len(bad)} criteria not met" if bad else "every criterion met"))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
