"""_survives.py: puts the figures of the robustness section of bench/README.md, edit by edit, into docs/matching.md for operators."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs/matching.md"


def tables(section):
    """Title and rows of each table."""
    found, rows = [], None
    for line in section.splitlines():
        if not line.startswith("|"):
            rows = None
            continue
        cells = [cell.strip().strip("*") for cell in line.strip("|").split("|")]
        if rows is None:
            rows = []
            found.append((cells, rows))
        elif not set(line) <= set("|-: "):
            rows.append(cells)
    return found


def main():
    readme = (ROOT / "bench/README.md").read_text()
    section = re.search(r"<!-- begin robustness -->(.*?)<!-- end robustness -->", readme, re.DOTALL)
    if not section:
        raise SystemExit("bench/README.md has no section of robustness yet: bench/run.sh robustness")
    out = ["| copy | PDQ alone: match | Seawall: match | Seawall: match or lead |", "|---|--:|--:|--:|"]
    for head, rows in tables(section.group(1)):
        if "at match / at lead" not in head[0] and "draws of two" not in head[0]:
            continue
        first, last = 1, len(head) - 1
        kind = head[0].split(",")[0].split(";")[0]
        for row in rows:
            plain, ours = row[first].split(" / "), row[last].split(" / ")
            name = f"**all {kind}**" if row[0] == "all" else row[0].replace("_", " ")
            if head[0].startswith("edits") or row[0] == "all":
                out.append(f"| {name} | {plain[0]} % | {ours[0]} % | {ours[1]} % |")
    guide = GUIDE.read_text()
    block = "<!-- begin robustness -->\n" + "\n".join(out) + "\n<!-- end robustness -->"
    guide = re.sub(r"<!-- begin robustness -->.*?<!-- end robustness -->", lambda _: block, guide, flags=re.DOTALL)
    GUIDE.write_text(guide)


if __name__ == "__main__":
    main()
