"""Seawall's HMA surface against a recording of HMA and against HMA's Python client side.

  SEAWALL=target/release/seawall .tools/venv/bin/python conformance/hma/compare.py

Starts `seawall serve --hma-dev` twice, prints what agrees, and exits 1 when something does not.
"""

import hashlib
import os
import pathlib
import sys
import tempfile

from threatexchange.signal_type.pdq.signal import PdqSignal

import client
import replay
import world


def names_of(folder, files, file_server):
    """What the recording's placeholders stand for here."""
    photo, near = (PdqSignal.hash_from_file(folder / name) for name in ("photo.png", "near.jpg"))
    return {
        "pdq": photo,
        "pdq_upper": photo.upper(),
        "near_bits": str(client.reference.distance(photo, near)),
        "video_md5": hashlib.md5(files["video.mp4"]).hexdigest(),
        "video_sha256": hashlib.sha256(files["video.mp4"]).hexdigest(),
        "files": file_server.address,
        # Nothing listens on port 1.
        "closed": "127.0.0.1:1",
    }


def with_server(program, work):
    server = world.Seawall(program)
    try:
        return work(server)
    finally:
        server.close()


def main():
    program = os.environ["SEAWALL"]
    program = str(pathlib.Path(program).resolve()) if "/" in program else program
    files = world.make_files()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        names = names_of(folder, files, world.FileServer(folder))
        print("Requests recorded of HMA")
        wrong = with_server(program, lambda server: replay.run(server, files, names))
    print("HMA's Python client side")
    wrong += with_server(program, lambda server: client.run(server, files))
    for line in wrong:
        print(f"NOT MET  {line}")
    print("conformance with HMA: " + (f"{len(wrong)} differences" if wrong else "everything agrees"))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
