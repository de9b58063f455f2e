"""A shift of 50 cases in a real browser: what each decision takes, and how soon the next case is painted.

The shift itself is a test of the console (`crates/cli/tests/browser/shift.rs`); this runs it in full, against a release build of the program, and prints
the section for bench/README.md. Of Coop and Ozone no figures are measured: what their pages ask for is counted from their source and screenshots.
"""

import json
import os
import subprocess
import sys
import tempfile

CASES = "50"

with tempfile.TemporaryDirectory() as folder:
    report = os.path.join(folder, "shift.json")
    subprocess.run(
        ["cargo", "test", "--locked", "--release", "--workspace", "--test", "browser", "--", "--exact", "shift::a_shift_takes_three_keys_a_decision"],
        check=True,
        stdout=sys.stderr,
        env={**os.environ, "SEAWALL_SHIFT_CASES": CASES, "SEAWALL_SHIFT_REPORT": report},
    )
    with open(report, encoding="utf-8") as file:
        found = json.load(file)

print(f"""## A shift at the desk

{found["cases"]} cases in Chromium, one after the other, from the first to an empty desk: three in four match known content, one is reported. Every second is restricted
as terrorist content, with the purpose assessed; the others are allowed. One in five is decided by mouse, the rest by keyboard; of one in three the picture is uncovered
first, which is not counted. A key is one press, a chord as many as it has keys. Where nothing is written, the standard reason and the drafted notice leave.

| | to allow | to restrict | median |
|---|--:|--:|--:|
| Seawall, keys | {found["keys_allow"]:.0f} | {found["keys_restrict"]:.0f} | **{found["keys"]:.0f}** |
| Seawall, mouse | {found["clicks_allow"]:.0f} | {found["clicks_restrict"]:.0f} | {found["clicks"]:.0f} |
| Coop 1.0.2, mouse (its review page has no keys) | 4 to 6 | 4 to 6 | 4 to 6 |
| Ozone, keys: the action, what it needs, then submit and next | 2 to 4 | 3 to 5 | 3 to 4 |

Coop and Ozone were not run: their steps are counted from their source and screenshots (Coop at 1c1f54da, Ozone at 99dce84).

From the step that decides until the next case is painted (the form that is sent, where it leads and the frame in which it is drawn included), server and browser on one
machine: median **{found["paint_p50"]:.0f} ms**, p95 {found["paint_p95"]:.0f} ms, slowest {found["paint_max"]:.0f} ms. Nothing is asked ahead of the decision: the page of the next case is made when
the decision is known, and takes the place of the page before.
""")
