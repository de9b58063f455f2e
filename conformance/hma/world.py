"""What the HMA conformance needs: files, a server of files on the loopback, and Seawall in HMA's development mode."""

import functools
import hashlib
import http.server
import io
import json
import os
import pathlib
import random
import shlex
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

import numpy
from PIL import Image

SIGNAL_TYPES = "pdq,video_md5,video_sha256"
START_SECONDS_MAX = 30


def draw():
    """A picture of blocks, the same at every run, with structure enough for PDQ."""
    chance = random.Random(3)
    pixels = numpy.full((480, 640, 3), 128, dtype=numpy.uint8)
    for _ in range(160):
        x, y = chance.randrange(640), chance.randrange(480)
        pixels[y : y + chance.randrange(20, 160), x : x + chance.randrange(20, 160)] = [chance.randrange(256) for _ in range(3)]
    return pixels


def make_files():
    """Bytes by name. Of videos only the bytes matter: nothing decodes them."""
    picture = Image.fromarray(draw())

    def encoded(image, form, **options):
        out = io.BytesIO()
        image.save(out, form, **options)
        return out.getvalue()

    photo = encoded(picture, "PNG")
    return {
        "photo.png": photo,
        "near.jpg": encoded(picture.resize((320, 240)), "JPEG", quality=60),
        "photo.jpg": encoded(picture, "JPEG", quality=95),
        "photo.webp": encoded(picture, "WEBP", quality=90),
        "photo.gif": encoded(picture, "GIF"),
        "gray.png": encoded(picture.convert("L"), "PNG"),
        "rgba.png": encoded(picture.convert("RGBA"), "PNG"),
        "palette.png": encoded(picture.convert("P"), "PNG"),
        "cmyk.jpg": encoded(picture.convert("CMYK"), "JPEG", quality=95),
        "flat.png": encoded(Image.new("RGB", (200, 200), (90, 90, 90)), "PNG"),
        "truncated.jpg": encoded(picture, "JPEG", quality=95)[:8_000],
        "garbage.bin": b"this is no picture " * 50,
        "empty.bin": b"",
        "video.mp4": b"\0\0\0\x18ftypmp42" + random.Random(7).randbytes(40_000),
        "small.mp4": b"\0\0\0\x18ftypmp42" + random.Random(8).randbytes(2_400),
        "text.txt": b"hello",
        "url.txt": b"https://example.com/",
    }


class FileServer:
    """Serves a folder on the loopback, and a page of HTML at its root."""

    def __init__(self, folder):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

        handler = functools.partial(Handler, directory=folder)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.content_type = (headers.get("content-type") or "").split(";")[0]
        self.body = body

    def json(self):
        return json.loads(self.body)


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Seawall:
    """A server in HMA's development mode; `close` ends it."""

    def __init__(self, program):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.folder = tempfile.TemporaryDirectory()
        self.log = open(pathlib.Path(self.folder.name) / "log", "w+b")
        arguments = shlex.split(os.environ.get("SEAWALL_SERVE_ARGS", "--allow-weak-jail"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SEAWALL_")}
        environment["SEAWALL_HMA_SIGNAL_TYPES"] = SIGNAL_TYPES
        self.process = subprocess.Popen(
            [program, "serve", "--hma-dev", "--listen", f"127.0.0.1:{port}", *arguments],
            cwd=self.folder.name, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
        )
        self.opener = urllib.request.build_opener(NoRedirects)
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                if self.send("GET", "/status").status == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                raise SystemExit("conformance: the server does not start\n" + self.log.read().decode())
            time.sleep(0.1)

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.folder.cleanup()

    def send(self, method, path, headers=None, body=None):
        request = urllib.request.Request(self.base + path, data=body, method=method, headers=headers or {})
        try:
            with self.opener.open(request, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def json(self, method, path, value):
        return self.send(method, path, {"content-type": "application/json"}, json.dumps(value).encode())

    def form(self, path, files, fields=None):
        """A POST of a form; `files` are (part, file name, bytes)."""
        boundary = hashlib.sha256(path.encode()).hexdigest()
        body = b""
        for name, value in (fields or {}).items():
            body += f"--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n".encode()
        for part, name, data in files:
            head = f"--{boundary}\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"{name}\"\r\n\r\n"
            body += head.encode() + data + b"\r\n"
        body += f"--{boundary}--\r\n".encode()
        return self.send("POST", path, {"content-type": f"multipart/form-data; boundary={boundary}"}, body)
