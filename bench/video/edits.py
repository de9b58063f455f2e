"""The edits: what is done to a copy, and the truth of it: which time of the copy shows which time of the original.

They are the list of "what uploaders do", each member of a family counted for itself: crops of 5, 10 and 20 % are three edits. Every number
that an edit needs is drawn from a source that only the edit's and the reference's names decide.
"""

from drawn import alpha, band, paint, player, sign
from material import sentence
from store import chance

# Copies are encoded fast; how many bits they may take is near what a phone sends.
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "28", "-pix_fmt", "yuv420p"]
AAC = ["-c:a", "aac", "-b:a", "96k", "-ar", "44100"]
BOTH = ["-map", "0:v", "-map", "0:a"]


class Run:
    """A run of the copy that shows a run of the original, in seconds."""

    def __init__(self, query, entry):
        self.query, self.entry = query, entry


class Source:
    """What is edited, and what may stand around it."""

    def __init__(self, name, made, seconds, size, hosts, dubs):
        self.name, self.made, self.seconds, self.size, self.hosts, self.dubs = name, made, seconds, size, hosts, dubs

    def dice(self, edit):
        return chance("edit", edit, self.name)

    def whole(self, rate=1.0):
        return [Run((0.0, self.seconds / rate), (0.0, self.seconds))]


def filtered(store, source, chain, *options, sound=("-c:a", "copy")):
    """The whole original through a chain of picture filters; the sound as it is."""
    return store.ffmpeg("mp4", ["-i", source.made, "-map", "[v]", "-map", "0:a", *H264, *options, *sound], f"[0:v]{chain}[v]")


def low_bit_rate(store, source):
    rate = source.dice("low_bit_rate").choice([70, 100, 140])
    arguments = ["-i", source.made, *BOTH, "-c:v", "libx264", "-preset", "veryfast", "-b:v", f"{rate}k", "-maxrate", f"{rate}k", "-bufsize", f"{rate * 2}k", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "32k", "-ac", "1"]
    return store.ffmpeg("mp4", arguments), source.whole()


def resize(store, source):
    size = source.dice("resize").choice(["320:180", "214:120", "480:360", "960:540"])
    return filtered(store, source, f"scale={size},setsar=1"), source.whole()


def crop(share):
    def edit(store, source):
        dice = source.dice(f"crop_{share}")
        # So much of the width and of the height is gone, from either side by chance.
        keep, x, y = 1 - share / 100, dice.random(), dice.random()
        chain = f"crop=trunc(iw*{keep}/2)*2:trunc(ih*{keep}/2)*2:(iw-ow)*{x:.3f}:(ih-oh)*{y:.3f}"
        return filtered(store, source, chain), source.whole()

    return edit


def mirror(store, source):
    return filtered(store, source, "hflip"), source.whole()


def borders(store, source):
    width, height, _ = source.size
    dice = source.dice("borders")
    shade = dice.choice(["black", "white", "0x203040"])
    chain = dice.choice(
        [
            f"pad=iw:trunc(ih*1.35/2)*2:0:(oh-ih)/2:{shade}",
            f"pad=trunc(iw*1.4/2)*2:ih:(ow-iw)/2:0:{shade}",
            f"pad=trunc(iw*1.16/2)*2:trunc(ih*1.16/2)*2:(ow-iw)/2:(oh-ih)/2:{shade}",
            # A wide film on an upright screen, itself blurred behind it.
            f"split[a][b];[a]scale={height}:{width * 9 // 10 // 2 * 2},boxblur=16[c];[b]scale={height}:-2[d];[c][d]overlay=0:(H-h)/2",
        ]
    )
    return filtered(store, source, chain), source.whole()


def caption_band(store, source):
    width, height, _ = source.size
    dice = source.dice("caption_band")
    tall = int(height * dice.uniform(0.16, 0.24)) // 2 * 2
    picture = paint(store, "band", band, sentence(dice), width, tall, dice.random() < 0.6)
    graph = f"[1:v]loop=loop=-1:size=1:start=0[b];[0:v]pad=iw:ih+{tall}:0:{tall}[a];[a][b]overlay=0:0:shortest=1[v]"
    return store.ffmpeg("mp4", ["-i", source.made, "-i", picture, "-map", "[v]", "-map", "0:a", *H264, "-c:a", "copy"], graph), source.whole()


def logo(share):
    def edit(store, source):
        width, height, _ = source.size
        dice = source.dice(f"logo_{share}")
        wide = int((width * height * share / 100 * 2) ** 0.5)
        picture = alpha(store, "sign", sign, source.name, wide, wide // 2)
        x, y = dice.choice([("12", "12"), ("W-w-12", "12"), ("12", "H-h-12"), ("W-w-12", "H-h-12")])
        graph = f"[0:v][1:v]overlay={x}:{y}[v]"
        return store.ffmpeg("mp4", ["-i", source.made, "-i", picture, "-map", "[v]", "-map", "0:a", *H264, "-c:a", "copy"], graph), source.whole()

    return edit


def speed(rate):
    def edit(store, source):
        # As phones and players do: the pitch stays. Every other copy is sped up as a tape is.
        tape = source.dice(f"speed_{rate}").random() < 0.5
        sound = f"asetrate={int(44100 * rate)},aresample=44100" if tape else f"atempo={rate}"
        graph = f"[0:v]setpts=PTS/{rate},fps={source.size[2]}[v];[0:a]aresample=44100,{sound}[a]"
        return store.ffmpeg("mp4", ["-i", source.made, "-map", "[v]", "-map", "[a]", *H264, *AAC], graph), source.whole(rate)

    return edit


def frame_rate(store, source):
    return filtered(store, source, f"fps={source.dice('frame_rate').choice([10, 12, 15, 50])}"), source.whole()


def clip(seconds):
    def edit(store, source):
        start = round(source.dice(f"clip_{seconds}").uniform(0, source.seconds - seconds - 0.5), 3)
        arguments = ["-ss", start, "-t", seconds, "-i", source.made, *BOTH, *H264, *AAC]
        return store.ffmpeg("mp4", arguments), [Run((0.0, float(seconds)), (start, start + seconds))]

    return edit


def joined(store, source, parts, encoder=tuple(H264)):
    """Parts (file, from, seconds) one after the other, at the size of the original."""
    width, height, fps = source.size
    inputs, graph = [], ""
    for number, (made, start, seconds) in enumerate(parts):
        inputs += ["-ss", round(start, 3), "-t", round(seconds, 3), "-i", made]
        graph += (
            f"[{number}:v]fps={fps},scale={width}:{height},setsar=1,trim=duration={seconds:.3f},setpts=PTS-STARTPTS,format=yuv420p[v{number}];"
            f"[{number}:a]aresample=44100,aformat=channel_layouts=stereo,apad,atrim=duration={seconds:.3f}[a{number}];"
        )
    graph += "".join(f"[v{n}][a{n}]" for n in range(len(parts))) + f"concat=n={len(parts)}:v=1:a=1[v][a]"
    return store.ffmpeg("mp4", [*inputs, "-map", "[v]", "-map", "[a]", *encoder, *AAC], graph)


def new_opening(store, source):
    dice = source.dice("new_opening")
    gone, new, host = round(dice.uniform(4, 9), 2), round(dice.uniform(6, 12), 2), dice.choice(source.hosts)
    made = joined(store, source, [(host, dice.uniform(0, 6), new), (source.made, gone, source.seconds - gone)])
    return made, [Run((new, new + source.seconds - gone), (gone, source.seconds))]


def embedded(store, source):
    dice = source.dice("embedded")
    before, length, host = round(dice.uniform(6, 18), 2), round(dice.uniform(15, 25), 2), dice.choice(source.hosts)
    start = round(dice.uniform(0, source.seconds - length - 0.5), 2)
    made = joined(store, source, [(host, 0, before), (source.made, start, length), (host, before, 19 - before)])
    return made, [Run((before, before + length), (start, start + length))]


def picture_in_picture(share):
    def edit(store, source):
        width, height, fps = source.size
        dice = source.dice(f"pip_{share}")
        host, x, y = dice.choice(source.hosts), dice.random(), dice.random()
        wide, tall = int(width * share / 100) // 2 * 2, int(height * share / 100) // 2 * 2
        graph = (
            f"[1:v]fps={fps},scale={width}:{height}[h];[0:v]scale={wide}:{tall}[s];[h][s]overlay={int((width - wide) * x)}:{int((height - tall) * y)}:shortest=1[v];"
            "[0:a]volume=0.8[a0];[1:a]volume=0.3,aresample=44100[a1];[a0][a1]amix=2:duration=first:normalize=0[a]"
        )
        arguments = ["-i", source.made, "-stream_loop", "3", "-i", host, "-map", "[v]", "-map", "[a]", *H264, *AAC]
        return store.ffmpeg("mp4", arguments, graph), source.whole()

    return edit


def screen_recording(store, source):
    dice = source.dice("screen_recording")
    width, height = 800, 450
    around = paint(store, "player", player, sentence(dice), width, height)
    wide = int(width * dice.uniform(0.68, 0.78)) // 2 * 2
    bright, contrast = dice.uniform(-0.06, 0.08), dice.uniform(0.85, 1.1)
    graph = (
        f"[1:v]loop=loop=-1:size=1:start=0[b];[0:v]fps=20,scale={wide}:-2,eq=brightness={bright:.3f}:contrast={contrast:.3f},gblur=sigma=0.6[s];"
        f"[b]fps=20[c];[c][s]overlay={int(width * 0.04)}:{int(height * 0.08)}:shortest=1,"
        f"drawbox=x={int(width * 0.04)}:y={int(height * 0.84)}:w=360:h=4:color=red:t=fill[v];[0:a]highpass=200,lowpass=6000,volume=0.6[a]"
    )
    return store.ffmpeg("mp4", ["-i", source.made, "-i", around, "-map", "[v]", "-map", "[a]", *H264, *AAC], graph), source.whole()


def sepia(store, source):
    return filtered(store, source, "colorchannelmixer=.393:.769:.189:0:.349:.686:.168:0:.272:.534:.131"), source.whole()


def grain(store, source):
    strength, seed = source.dice("grain").randint(18, 32), source.dice("grain").randint(1, 9999)
    return filtered(store, source, f"noise=all_seed={seed}:alls={strength}:allf=t+u"), source.whole()


def redubbed(store, source):
    dub, start = source.dice("redubbed").choice(source.dubs), source.dice("redubbed").uniform(0, 8)
    arguments = ["-i", source.made, "-ss", round(start, 2), "-stream_loop", "3", "-i", dub, "-map", "0:v", "-map", "1:a", "-t", source.seconds, "-c:v", "copy", *AAC]
    return store.ffmpeg("mp4", arguments), source.whole()


def silent(store, source):
    return store.ffmpeg("mp4", ["-i", source.made, "-map", "0:v", "-c:v", "copy"]), source.whole()


def sound_with_noise(store, source):
    """Only the sound, as a recording of a loudspeaker: white noise at a twelfth to a sixth of full scale's twentieth."""
    dice = source.dice("sound_with_noise")
    level, seed = dice.uniform(0.01, 0.025), dice.randint(1, 9999)
    graph = f"anoisesrc=r=44100:amplitude={level:.4f}:seed={seed}[n];[0:a]aresample=44100,aformat=channel_layouts=mono[s];[s][n]amix=2:duration=first:normalize=0[a]"
    return store.ffmpeg("m4a", ["-i", source.made, "-map", "[a]", "-c:a", "aac", "-b:a", "64k"], graph), source.whole()


def music_over(store, source):
    dice = source.dice("music_over")
    dub, level = dice.choice(source.dubs), dice.uniform(0.25, 0.5)
    graph = f"[1:a]aresample=44100,aformat=channel_layouts=stereo,volume={level:.3f}[m];[0:a][m]amix=2:duration=first:normalize=0[a]"
    arguments = ["-i", source.made, "-ss", "3", "-stream_loop", "3", "-i", dub, "-map", "0:v", "-map", "[a]", "-c:v", "copy", *AAC]
    return store.ffmpeg("mp4", arguments, graph), source.whole()


def pitch(factor):
    def edit(store, source):
        graph = f"[0:a]rubberband=pitch={factor}[a]"
        return store.ffmpeg("mp4", ["-i", source.made, "-map", "0:v", "-map", "[a]", "-c:v", "copy", *AAC, "-t", source.seconds], graph), source.whole()

    return edit


EDITS = {
    "low_bit_rate": low_bit_rate,
    "resize": resize,
    "crop_5": crop(5),
    "crop_10": crop(10),
    "crop_20": crop(20),
    "mirror": mirror,
    "borders": borders,
    "caption_band": caption_band,
    "logo_3": logo(3),
    "logo_10": logo(10),
    "speed_0.75": speed(0.75),
    "speed_1.25": speed(1.25),
    "speed_1.5": speed(1.5),
    "speed_2": speed(2.0),
    "frame_rate": frame_rate,
    "clip_10": clip(10),
    "clip_30": clip(30),
    "new_opening": new_opening,
    "embedded": embedded,
    "pip_50": picture_in_picture(50),
    "pip_70": picture_in_picture(70),
    "screen_recording": screen_recording,
    "sepia": sepia,
    "grain": grain,
    "redubbed": redubbed,
    "silent": silent,
    "sound_with_noise": sound_with_noise,
    "music_over": music_over,
    "pitch_up_5": pitch(1.05),
    "pitch_down_5": pitch(0.95),
}
# Those that copy the pictures' bits as they are.
SOUND_ONLY = {"redubbed", "silent", "music_over", "pitch_up_5", "pitch_down_5"}


# How the ten minutes of the speed section are encoded: what decoding costs is the encoder's choice.
LONG_ENCODERS = {
    "libx264 with its default settings": ("-c:v", "libx264", "-pix_fmt", "yuv420p"),
    "libx264 -preset ultrafast, the cheapest to decode": tuple(H264),
}


def long_720p(store, sources, encoder):
    """Ten minutes at 1280 x 720: two minutes of the half's own entries, five times over, which costs as much to decode as any ten."""
    parts = [(source.made, 0, 30.0) for source in sources[:4]]
    wide = Source("long", None, 120.0, (1280, 720, 30), [], [])
    two_minutes = joined(store, wide, parts, encoder)
    return store.ffmpeg("mp4", ["-stream_loop", "4", "-i", two_minutes, *BOTH, "-c", "copy", "-t", "600"])


def live_720p(store, number, sources, around):
    """A stream of two minutes, with three clips of entries in footage that is not banked: MPEG-TS, and when each clip begins in stream and entry."""
    dice = chance("live", number, sources[0].name)
    wide = Source(f"live-{number}", None, 120.0, (1280, 720, 30), [], [])
    parts, truth, at = [], [], 0.0
    for _ in range(3):
        stranger, source = dice.choice(around), dice.choice(sources)
        pause, length = round(dice.uniform(14, 24), 2), round(dice.uniform(14, 18), 2)
        parts.append((stranger, dice.uniform(0, 8), pause))
        at += pause
        start = round(dice.uniform(5.5, source.seconds - length - 1), 2)
        parts.append((source.made, start, length))
        truth.append({"entry": source.name, "at": at, "seconds": length, "start": start})
        at += length
    made = joined(store, wide, parts)
    return store.ffmpeg("ts", ["-i", made, *BOTH, "-c", "copy", "-f", "mpegts"]), truth
