"""What videos are made of: photos, music, speech, words. Each thing is handed out once, so two families share only what they say they share."""

import subprocess

import numpy
import pdqhash
from PIL import Image

from store import FOLDER, ROOT, chance

# As in bench/robustness: what looks like another, in any orientation, is left out; so is what PDQ calls too flat.
SAME_PHOTO_BITS_MAX = 60
QUALITY_MIN = 50
SIDES_MIN = (600, 340)
# Even shades, a texture, and a still of footage that is used as footage.
NOT_THESE = {"Wood.jpg", "shadow3.png", "grass-dirt-e2.png", "cityCC0.png"}

NOUNS = "river garden bridge market harbour window teacher engine village orchard library railway kettle blanket mountain letter museum baker sailor lantern".split()
VERBS = "follows repairs admires remembers paints measures carries visits describes borrows counts polishes discovers collects protects".split()
SHAPES = "quiet yellow narrow early distant wooden gentle silver crowded hollow northern curious patient broken festive".split()
PLACES = "near the old mill,behind the station,before the first snow,along the canal,after a long winter,on the second floor,across the valley,at the weekly fair".split(",")
VOICES = ["en", "en-us", "fr", "de", "es", "it", "pl", "sv", "en+f3", "en-us+m4", "fr+f2", "de+f4"]


def photos(store):
    """Photos to hand out, in an order that nobody chose."""
    seen, out = [], []
    Image.MAX_IMAGE_PIXELS = None
    known = FOLDER / "photos.txt"
    listed = (ROOT / "bench/robustness/photos.txt").read_text()
    key = f"# {hash_of(listed)} {SAME_PHOTO_BITS_MAX}"
    if known.exists() and known.read_text().startswith(key):
        return [store.file(ROOT / line) for line in known.read_text().splitlines()[1:]]
    for line in listed.splitlines():
        package, _, name = line.partition(" ")
        if line.startswith("#") or not name or "#" in name or name.rsplit("/", 1)[1] in NOT_THESE:
            continue
        path = ROOT / ".tools/photos" / package / name
        picture = Image.open(path).convert("RGB")
        if picture.width < SIDES_MIN[0] or picture.height < SIDES_MIN[1]:
            continue
        picture.thumbnail((512, 512))
        turned, quality = pdqhash.compute_dihedral(numpy.asarray(picture))
        if quality < QUALITY_MIN or any(min((one != other).sum() for one in turned) <= SAME_PHOTO_BITS_MAX for other in seen):
            continue
        seen.append(turned[0])
        out.append(str(path.relative_to(ROOT)))
    chance("photos").shuffle(out)
    known.write_text("\n".join([key, *out]) + "\n")
    return [store.file(ROOT / line) for line in out]


def hash_of(text):
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tracks(store):
    """(file, where an excerpt of 80 s begins): pieces of music; excerpts of one piece stand apart by a minute and more."""
    folder = FOLDER / "material/wesnoth-1.16-music/music"
    out = []
    for path in sorted(folder.glob("*.ogg")):
        if path.stat().st_size > 1_700_000:
            out.append((store.file(path), 4))
    chance("tracks").shuffle(out)
    return out


def footage(store, package, name):
    return store.file(FOLDER / "material" / package / name)


def sentence(dice):
    return (
        f"The {dice.choice(SHAPES)} {dice.choice(NOUNS)} {dice.choice(VERBS)} the {dice.choice(SHAPES)} {dice.choice(NOUNS)} {dice.choice(PLACES)}."
    )


def speech(store, *who):
    """About eighty seconds of nonsense, spoken."""
    dice = chance("speech", *who)
    text = " ".join(sentence(dice) for _ in range(30))
    voice, speed = dice.choice(VOICES), dice.randint(135, 170)

    def say(path):
        subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-w", str(path), text], check=True)

    return store.write("wav", ["espeak-ng", voice, speed, text], say)
