"""How one video is put together: shots that are cut one after the other, an opening that many have, a sound.

A `Shot` is a part of ffmpeg's filter graph: its inputs, its chain of filters (`{0}` is the first input, `{out}` what it makes), its length.
"""

import math

from drawn import alpha, card_text, chrome, countdown_face, head_picture, mouth_picture, page, paint, sprite, studio, third, ticker
from material import sentence
from store import chance, seconds_of

SMALL, WIDE = (640, 360, 25), (854, 480, 30)
SECONDS = 44
INTRO_SECONDS, COUNTDOWN_SECONDS = 4, 5
H264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-g", "75", "-pix_fmt", "yuv420p"]
AAC = ["-c:a", "aac", "-b:a", "128k", "-ar", "44100", "-ac", "2"]


class Shot:
    """`shared` names what other videos show too, by agreement; `(name, from, to)` if only those seconds of the shot do."""

    def __init__(self, inputs, chain, seconds, shared=None):
        self.inputs, self.chain, self.seconds, self.shared = inputs, chain, seconds, shared


def cover(width, height):
    return f"scale={width}:{height}:force_original_aspect_ratio=increase:flags=bicubic,crop={width}:{height},setsar=1"


def still(frames, fps):
    """One picture as a run of frames; ffmpeg would otherwise decode it anew for each."""
    return f"loop=loop={frames}:size=1:start=0,setpts=N/{fps}/TB"


def clip(file, start, seconds, shared=None):
    """Footage as it is, made to fit."""
    return Shot([["-ss", str(start), "-t", str(seconds), "-i", file]], "[{0}]fps={fps},{cover}[{out}]", seconds, shared)


def slideshow(name, own, shared, seconds=None):
    """Photos one after the other, each moved over; the shared one, when there is one, stands anywhere but first."""
    dice = chance("slides", name)
    order = list(own)
    if shared:
        order.insert(dice.randint(1, len(order)), shared[0])
    each = (seconds or SECONDS) / len(order)
    shots = []
    for photo in order:
        length = round(each * dice.uniform(0.85, 1.15), 1)
        fade = dice.choice(["", "", f",fade=t=in:d=0.5,fade=t=out:st={length - 0.5}:d=0.5"])
        if dice.random() < 0.5:
            way = dice.choice(["1+0.35*on/{n}", "1.35-0.35*on/{n}"]).replace("{n}", str(int(length * 30)))
            x, y = dice.choice([0.3, 0.5, 0.7]), dice.choice([0.3, 0.5, 0.7])
            chain = f"[{{0}}]{{cover2}},zoompan=z='{way}':x='(iw-iw/zoom)*{x}':y='(ih-ih/zoom)*{y}':d={{frames}}:s={{width}}x{{height}}:fps={{fps}},setsar=1{fade}[{{out}}]"
        else:
            x = dice.choice(["t/{s}", "1-t/{s}"]).replace("{s}", str(length))
            y = dice.choice(["t/{s}", "1-t/{s}", "0.5"]).replace("{s}", str(length))
            chain = f"[{{0}}]{{cover14}},{{still}},crop={{width}}:{{height}}:x='(iw-ow)*({x})':y='(ih-oh)*({y})'{fade}[{{out}}]"
        is_shared = shared and photo is shared[0]
        shots.append(Shot([["-i", photo]], chain, length, f"photo {photo.key}" if is_shared else None))
    return shots


def news(family, name, own):
    """A studio with a presenter, a picture beside him, a lower third and a ticker: all of a family look alike but for picture and words."""
    dice = chance("news", name)

    def make(store):
        shots = []
        for part, photo in enumerate(own):
            length = SECONDS / len(own)
            inputs = [
                ["-i", paint(store, "studio", studio, family)],
                ["-i", photo],
                ["-i", alpha(store, "head", head_picture, family)],
                ["-i", alpha(store, "mouth", mouth_picture, family)],
                ["-i", alpha(store, "third", third, family, sentence(dice), sentence(dice))],
                ["-i", paint(store, "ticker", ticker, " +++ ".join(sentence(dice) for _ in range(8)))],
            ]
            chain = (
                "[{0}]{cover},{still}[{p}bg];[{1}]scale=290:180:force_original_aspect_ratio=increase,crop=290:180,{still}[{p}in];"
                "[{2}]{still}[{p}hd];[{3}]{still}[{p}mo];[{4}]{still}[{p}th];[{5}]{still}[{p}ti];"
                "[{p}bg][{p}in]overlay=320:50[{p}a];[{p}a][{p}hd]overlay=x='60+6*sin(1.1*t)':y='80+4*sin(2.3*t)'[{p}b];"
                f"[{{p}}b][{{p}}mo]overlay=x='120+6*sin(1.1*t)':y='200+4*sin(2.3*t)':enable='lt(mod(t+{part},0.41),0.2)'[{{p}}c];"
                "[{p}c][{p}th]overlay=0:270[{p}d];[{p}d][{p}ti]overlay=x='-60*t':y=330,{fit}[{out}]"
            )
            shots.append(Shot(inputs, chain, length))
        return shots

    return make


def screen(family, name):
    """A recording of a screen: a window, and text that somebody scrolls through."""
    dice = chance("screen", name)
    lines = [sentence(dice) if dice.random() < 0.8 else "" for _ in range(220)]

    def make(store):
        step, pause = dice.choice([90, 120, 150]), dice.choice([2.2, 2.8, 3.4])
        inputs = [["-i", paint(store, "chrome", chrome, family)], ["-i", paint(store, "page", page, family, *lines)]]
        chain = (
            "[{0}]{cover},{still}[{p}bg];"
            f"[{{1}}]{{still}},crop=600:300:0:'min({step}*(floor(t/{pause})+min(1,mod(t,{pause})/0.7)),ih-oh)'[{{p}}pg];"
            "[{p}bg][{p}pg]overlay=20:44,{fit}[{out}]"
        )
        return [Shot(inputs, chain, SECONDS)]

    return make


def head(name, photo):
    """Somebody who talks in front of a picture."""

    def make(store):
        inputs = [["-i", photo], ["-i", alpha(store, "head", head_picture, name)], ["-i", alpha(store, "mouth", mouth_picture, name)]]
        chain = (
            "[{0}]{cover14},{still},crop={width}:{height}:x='(iw-ow)*(0.5+0.3*sin(t/9))':y='(ih-oh)*(0.5+0.3*cos(t/7))'[{p}bg];[{1}]{still}[{p}hd];[{2}]{still}[{p}mo];"
            "[{p}bg][{p}hd]overlay=x='W*0.38+22*sin(0.7*t)+9*sin(2.9*t)':y='H*0.35+10*sin(1.9*t)'[{p}a];"
            "[{p}a][{p}mo]overlay=x='W*0.38+60+22*sin(0.7*t)+9*sin(2.9*t)':y='H*0.35+120+10*sin(1.9*t)':enable='lt(mod(t,0.37),0.19)',{fit}[{out}]"
        )
        return [Shot(inputs, chain, SECONDS)]

    return make


def game(name, photo):
    """A world that runs past, figures that jump, a score."""
    dice = chance("game", name)

    def make(store):
        inputs, chain, last = [["-i", photo]], "[{0}]scale=-2:{height}*2,crop='min(iw,{width}*3)':{height}:0:(ih-oh)/2,{still},crop={width}:{height}:x='(iw-ow)*(0.5-0.5*cos(t/6))':y=0[{p}w];", "w"
        for number in range(4):
            inputs.append(["-i", alpha(store, "sprite", sprite, name, number)])
            x, y = dice.uniform(0.1, 0.8), dice.uniform(0.4, 0.7)
            speed, jump = dice.uniform(0.3, 1.2), dice.uniform(1.5, 4)
            chain += (
                f"[{{{number + 1}}}]{{still}}[{{p}}s{number}];[{{p}}{last}][{{p}}s{number}]"
                f"overlay=x='W*({x:.2f}+0.2*sin({speed:.2f}*t))':y='H*({y:.2f}-0.2*abs(sin({jump:.2f}*t)))'[{{p}}w{number}];"
            )
            last = f"w{number}"
        return [Shot(inputs, chain + f"[{{p}}{last}]{{fit}}[{{out}}]", SECONDS)]

    return make


def pattern(kind, name=None):
    """What nobody filmed: automata, fractals, shapes that move."""
    dice = chance("pattern", kind, name or "")
    seed = dice.randint(1, 10**6)
    source = {
        "mandelbrot": "mandelbrot=size=320x180:rate={fps}:end_pts=1500:maxiter=2000:start_scale=2:end_scale=0.0003,scale={width}:{height}",
        "life": f"life=size=160x90:rate=8:mold=12:ratio=0.25:death_color=#702010:life_color=#f0f0a0:mold_color=#2050a0:random_seed={seed},fps={{fps}},scale={{width}}:{{height}}:flags=neighbor",
        "cellauto": f"cellauto=size=160x90:rate=20:rule=110:random_seed={seed},fps={{fps}},scale={{width}}:{{height}}:flags=neighbor",
        "plasma": f"gradients=size={{width}}x{{height}}:rate={{fps}}:seed={seed}:nb_colors=6:speed=0.02:x0=100:y0=50:x1=500:y1=300",
        "shapes": f"gradients=size={{width}}x{{height}}:rate={{fps}}:seed={seed}:nb_colors=3:speed=0.004",
        "carpet": f"sierpinski=size=320x180:rate={{fps}}:seed={seed}:jump=60:type=triangle,scale={{width}}:{{height}}",
        "bars": "testsrc2=size={width}x{height}:rate={fps}",
    }[kind]

    def make(store):
        if kind not in ("shapes", "plasma", "bars"):
            return [Shot([], source + ",{fit}[{out}]", SECONDS)]
        inputs, chain, last = [], source + "[{p}w];", "w"
        for number in range(6):
            inputs.append(["-i", alpha(store, "sprite", sprite, kind, name or "", number)])
            x, y, a, b = (dice.uniform(0.1, 1.3) for _ in range(4))
            chain += f"[{{{number}}}]{{still}},scale=iw*1.6:-2[{{p}}s{number}];[{{p}}{last}][{{p}}s{number}]overlay=x='W*(0.4+0.4*sin({x:.2f}*t+{a:.1f}))':y='H*(0.4+0.4*cos({y:.2f}*t+{b:.1f}))'[{{p}}w{number}];"
            last = f"w{number}"
        return [Shot(inputs, chain + f"[{{p}}{last}]{{fit}}[{{out}}]", SECONDS)]

    return make


def cards(name, photo):
    """Texts on one background, in one layout: nothing but the words tells the videos of the family apart."""
    dice = chance("cards", name)

    def make(store):
        shots = []
        for _ in range(8):
            text = alpha(store, "card", card_text, *(sentence(dice) for _ in range(4)))
            chain = "[{0}]{cover},boxblur=6,{still}[{p}bg];[{1}]{still}[{p}tx];[{p}bg][{p}tx]overlay=40:40,{fit}[{out}]"
            shots.append(Shot([["-i", photo], ["-i", text]], chain, SECONDS / 8))
        return shots

    return make


def intro(store, size):
    """What one platform puts before everything: a sign that grows, a chord."""
    width, height, fps = size
    frames = INTRO_SECONDS * fps
    graph = (
        f"[0]loop=loop={frames}:size=1:start=0,setpts=N/{fps}/TB,scale=w='{height}*(0.3+0.1*t)':h=-2:eval=frame[s];color=c=#101840:s={width}x{height}:r={fps}:d={INTRO_SECONDS}[b];"
        f"[b][s]overlay=x=(W-w)/2:y=(H-h)/2:shortest=1,trim=duration={INTRO_SECONDS},format=yuv420p[v];sine=440:d={INTRO_SECONDS},volume=0.5[a1];sine=660:d={INTRO_SECONDS},volume=0.4,adelay=700:all=1[a2];[a1][a2]amix=2:duration=first,afade=t=out:st=3:d=1[a]"
    )
    return store.ffmpeg("mp4", ["-i", alpha(store, "sprite", sprite, "platform", 0, 220), "-map", "[v]", "-map", "[a]", "-t", INTRO_SECONDS, *H264, *AAC], graph)


def countdown(store, size):
    """A leader that counts from five, with a beep for each."""
    width, height, fps = size
    inputs, graph = [], ""
    for number in range(COUNTDOWN_SECONDS):
        inputs += ["-i", paint(store, "countdown", countdown_face, COUNTDOWN_SECONDS - number)]
        graph += f"[{number}]scale={width}:{height},setsar=1,loop=loop={fps}:size=1:start=0,setpts=N/{fps}/TB,trim=duration=1[c{number}];"
    graph += "".join(f"[c{n}]" for n in range(COUNTDOWN_SECONDS)) + f"concat=n={COUNTDOWN_SECONDS},fps={fps},format=yuv420p[v];sine=1000:beep_factor=1:d={COUNTDOWN_SECONDS},volume='if(lt(mod(t,1),0.15),0.6,0)':eval=frame[a]"
    return store.ffmpeg("mp4", [*inputs, "-map", "[v]", "-map", "[a]", "-t", COUNTDOWN_SECONDS, *H264, *AAC], graph)


def assemble(store, name, size, shots, sound, opening):
    """The finished video: the file, how long it lasts, and what of it others have too."""
    shots = shots(store)
    if callable(shots):
        shots = shots(store)
    width, height, fps = size
    inputs, chains, count, total, shared = [], [], 0, 0.0, []
    if opening:
        made = intro(store, size) if opening == "intro" else countdown(store, size)
        length = INTRO_SECONDS if opening == "intro" else COUNTDOWN_SECONDS
        shots = [Shot([["-i", made]], "[{0}]fps={fps},{cover}[{out}]", length, opening), *shots]
    for number, shot in enumerate(shots):
        frames = math.ceil(shot.seconds * fps)
        words = {str(n): f"{count + n}:v" for n in range(len(shot.inputs))}
        chain = shot.chain
        for word, meant in {
            "width": width, "height": height, "fps": fps, "frames": frames, "p": f"p{number}", "out": f"o{number}",
            "cover": cover(width, height), "cover2": cover(width * 2, height * 2), "cover14": cover(int(width * 1.4) // 2 * 2, int(height * 1.4) // 2 * 2),
            "still": still(frames, fps), "fit": cover(width, height), **words,
        }.items():  # fmt: skip
            chain = chain.replace(f"{{{word}}}", str(meant))
        chains.append(chain)
        chains.append(f"[o{number}]trim=duration={shot.seconds},setpts=PTS-STARTPTS,fps={fps},format=yuv420p[v{number}]")
        inputs += [argument for source in shot.inputs for argument in source]
        count += len(shot.inputs)
        if shot.shared:
            what, start, end = shot.shared if isinstance(shot.shared, tuple) else (shot.shared, 0, shot.seconds)
            shared.append((round(total + start, 3), round(total + end, 3), what))
        total += shot.seconds
    chains.append("".join(f"[v{n}]" for n in range(len(shots))) + f"concat=n={len(shots)}:v=1:a=0[v]")
    kind, what, *start = sound
    if kind == "speech":
        from material import speech

        inputs += ["-i", speech(store, what)]
    elif kind == "music":
        inputs += ["-ss", str(what[1]), "-i", what[0]]
    else:
        inputs += ["-ss", str(start[0]), "-i", what]
    before = length if opening else 0
    chains.append(f"[{count}:a]aresample=44100,aformat=channel_layouts=stereo,apad,atrim=duration={total - before}[s]")
    chains.append("[0:a]aresample=44100,aformat=channel_layouts=stereo,apad,atrim=duration={0}[i];[i][s]concat=n=2:v=0:a=1[a]".format(before) if opening else "[s]anull[a]")
    made = store.ffmpeg("mp4", [*inputs, "-map", "[v]", "-map", "[a]", "-t", round(total, 3), *H264, *AAC], ";".join(chains))
    return made, seconds_of(made.path), shared
