"""_section.py NAME FILE: puts the text of FILE into bench/README.md as the section NAME."""

import pathlib
import re
import sys

README = pathlib.Path(__file__).resolve().parent / "README.md"


def main():
    name, source = sys.argv[1:]
    section = f"<!-- begin {name} -->\n{pathlib.Path(source).read_text().strip()}\n<!-- end {name} -->\n"
    readme = README.read_text()
    pattern = re.compile(f"<!-- begin {re.escape(name)} -->.*?<!-- end {re.escape(name)} -->\n", re.DOTALL)
    if pattern.search(readme):
        readme = pattern.sub(lambda _: section, readme)
    else:
        readme = f"{readme.rstrip()}\n\n{section}"
    README.write_text(readme)


if __name__ == "__main__":
    main()
