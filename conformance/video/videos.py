"""The videos that are compared, made with Debian's ffmpeg: drawn footage and panned photos in many sizes, frame rates, codecs and containers."""

import pathlib
import subprocess

FOLDER = pathlib.Path(".tools/conformance-videos")
SECONDS = 7

# Drawn by ffmpeg itself. Seeds are fixed: the same videos everywhere.
DRAWN = {
    "test": "testsrc2=size={size}:rate={rate}",
    "mandelbrot": "mandelbrot=size={size}:rate={rate}:maxiter=300:end_scale=0.03",
    "life": "life=size=160x90:rate={rate}:mold=10:ratio=0.3:random_seed=7:death_color=#202060:life_color=#ffd080,scale={size}:flags=neighbor",
    "cells": "cellauto=size=320x180:rate={rate}:rule=110:random_seed=3:scroll=1,scale={size}:flags=neighbor",
    # Colours that are not named here are drawn by lot, whatever the seed.
    "gradients": "gradients=size={size}:rate={rate}:nb_colors=6:seed=5:speed=0.05:c0=#1b2a7d:c1=#d9a441:c2=#3f9e6b:c3=#8c2f5e:c4=#e8e2c9:c5=#26252b",
    "sunset": "gradients=size={size}:rate={rate}:nb_colors=3:seed=9:speed=0.05:c0=#802040:c1=#e0a060:c2=#203060",
    "bars": "smptehdbars=size={size}:rate={rate},scroll=h=0.004",
}

H264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-pix_fmt", "yuv420p"]
MPEG4 = ["-c:v", "mpeg4", "-q:v", "5"]

# Name, what is shown, size, frames a second, how it is written, ending. A photo is named by its number.
VIDEOS = [
    ("plain", "test", "640x360", "25", H264, "mp4"),
    ("film", "mandelbrot", "854x480", "24000/1001", H264, "mp4"),
    ("ntsc", "test", "720x480", "30000/1001", MPEG4, "avi"),
    ("fast", "mandelbrot", "640x360", "60", H264, "mkv"),
    ("slow", "gradients", "640x360", "10", H264, "mp4"),
    ("smooth", "sunset", "640x360", "10", H264, "mp4"),
    ("smooth-full-hd", "sunset", "1920x1080", "25", H264, "mkv"),
    ("hd", "mandelbrot", "1280x720", "30", H264, "mp4"),
    ("full-hd", "test", "1920x1080", "25", [*H264, "-g", "25"], "mov"),
    ("small", "life", "320x180", "25", H264, "mp4"),
    ("upright", "cells", "360x640", "30", H264, "mp4"),
    ("odd", "life", "426x240", "50", MPEG4, "mkv"),
    ("vp8", "mandelbrot", "480x360", "25", ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "900k"], "webm"),
    ("vp9", "test", "640x360", "30", ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "900k"], "webm"),
    ("hevc", "gradients", "640x360", "25", ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"], "mp4"),
    ("stream", "cells", "640x360", "25", [*H264, "-g", "50"], "ts"),
    ("long-gop", "life", "640x360", "30", [*H264, "-g", "300", "-bf", "3"], "mkv"),
    ("444", "gradients", "640x360", "25", ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv444p"], "mp4"),
    ("poor", "test", "640x360", "25", ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "120k", "-pix_fmt", "yuv420p"], "mp4"),
    ("colours", "bars", "640x360", "25", H264, "mp4"),
    ("pan", 0, "640x360", "25", H264, "mp4"),
    ("pan-ntsc", 1, "1280x720", "30000/1001", H264, "mkv"),
    ("pan-small", 2, "320x240", "15", MPEG4, "avi"),
    ("zoom", 3, "640x480", "24", ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "900k"], "webm"),
    ("zoom-hevc", 4, "854x480", "50", ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"], "mkv"),
    ("variable", 5, "640x360", "variable", H264, "mp4"),
]

# Copies, so that pairs have something in common.
COPIES = [
    ("plain-poor", "plain.mp4", ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "150k", "-pix_fmt", "yuv420p"], "mp4"),
    ("pan-half", "pan.mp4", ["-t", "4", *H264], "mp4"),
    ("film-small", "film.mp4", ["-vf", "scale=426:240", *H264], "mkv"),
    ("zoom-logo", "zoom.webm", ["-vf", "drawbox=x=20:y=20:w=90:h=60:color=white:t=fill", *H264], "mp4"),
]


def source(shown, size, rate, photos):
    """Arguments of ffmpeg that give the footage."""
    if isinstance(shown, str):
        return ["-f", "lavfi", "-t", str(SECONDS), "-i", DRAWN[shown].format(size=size, rate=rate)]
    frames = 25 if rate == "variable" else rate
    step = "zoom+0.002" if shown % 2 else "1.35"
    pan = f"scale=2200:-2,zoompan=z='{step}':x='(iw-iw/zoom)*on/250':y='(ih-ih/zoom)/2':d=1:s={size}:fps={frames}"
    # Of variable frame rate: every third frame is left out of the later half.
    if rate == "variable":
        pan += ",select='lt(t\\,3)+mod(n\\,3)'"
    return ["-loop", "1", "-framerate", str(frames), "-t", str(SECONDS), "-i", str(photos[shown % len(photos)]), "-vf", pan]


def ffmpeg(arguments, target):
    if not target.exists():
        unfinished = target.with_name("unfinished-" + target.name)
        command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-threads", "1", *arguments, "-an", str(unfinished)]
        subprocess.run(command, check=True)
        unfinished.rename(target)
    return target


def make(photos):
    """The files, made where they are not there yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = []
    for name, shown, size, rate, how, ending in VIDEOS:
        timing = ["-fps_mode", "vfr"] if rate == "variable" else []
        found.append(ffmpeg([*source(shown, size, rate, photos), *timing, *how], FOLDER / f"{name}.{ending}"))
    for name, original, how, ending in COPIES:
        found.append(ffmpeg(["-i", str(FOLDER / original), *how], FOLDER / f"{name}.{ending}"))
    return found
