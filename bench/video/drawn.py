"""Pictures that are drawn for the videos: presenters, studios, pages of text, signs. Who draws what is decided by names alone."""

from PIL import Image, ImageDraw, ImageFont

from store import chance

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
BOLD = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"


def paint(store, what, draw, *words):
    return store.write("png", ["drawn", what, words], lambda path: draw(*words).save(path, "png"))


alpha = paint


def font(size, path=FONT):
    return ImageFont.truetype(path, size)


def colour(dice, low=30, high=230):
    return tuple(dice.randint(low, high) for _ in range(3))


def studio(family):
    dice = chance("studio", family)
    top, bottom = colour(dice, 10, 90), colour(dice, 60, 160)
    picture = Image.new("RGB", (640, 360))
    draw = ImageDraw.Draw(picture)
    for y in range(360):
        draw.line((0, y, 640, y), tuple(a + (b - a) * y // 360 for a, b in zip(top, bottom)))
    for _ in range(9):
        x = dice.randint(0, 640)
        draw.polygon([(x, 0), (x + 40, 0), (x - 60, 360), (x - 120, 360)], tuple(min(255, c + 25) for c in top))
    draw.rectangle((312, 42, 618, 238), outline=(230, 230, 240), width=4)
    return picture


def head_picture(who):
    dice = chance("head", who)
    skin, hair, coat = colour(dice, 120, 220), colour(dice, 10, 120), colour(dice, 20, 200)
    picture = Image.new("RGBA", (200, 260))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((10, 170, 190, 260), 40, coat)
    draw.polygon([(80, 170), (120, 170), (100, 220)], (240, 240, 240))
    draw.ellipse((45, 10, 155, 130), hair)
    draw.ellipse((52, 30, 148, 175), skin)
    for x in (80, 120):
        draw.ellipse((x - 9, 85, x + 9, 97), (250, 250, 250))
        draw.ellipse((x - 4, 86, x + 4, 96), (30, 30, 30))
        draw.line((x - 12, 76, x + 12, 74), hair, 4)
    draw.line((100, 95, 96, 120, 104, 122), (90, 60, 50), 3)
    draw.line((84, 145, 116, 145), (120, 30, 40), 4)
    return picture


def mouth_picture(_):
    picture = Image.new("RGBA", (80, 40))
    ImageDraw.Draw(picture).ellipse((24, 8, 56, 34), (110, 20, 30))
    return picture


def third(family, first, second):
    dice = chance("third", family)
    picture = Image.new("RGBA", (640, 60), (*colour(dice, 0, 120), 235))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 130, 60), (*colour(dice, 120, 255), 255))
    draw.text((14, 14), "TODAY", (255, 255, 255), font(28, BOLD))
    draw.text((145, 8), first[:44], (255, 255, 255), font(19, BOLD))
    draw.text((145, 34), second[:52], (220, 220, 230), font(15))
    return picture


def ticker(text):
    picture = Image.new("RGB", (4200, 30), (245, 245, 240))
    ImageDraw.Draw(picture).text((8, 4), text, (20, 20, 20), font(18))
    return picture


def chrome(family):
    dice = chance("chrome", family)
    picture = Image.new("RGB", (640, 360), colour(dice, 20, 90))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((12, 8, 628, 352), 8, (225, 225, 228))
    for n, shade in enumerate([(230, 90, 80), (240, 190, 70), (90, 190, 90)]):
        draw.ellipse((22 + 22 * n, 18, 36 + 22 * n, 32), shade)
    draw.rounded_rectangle((110, 15, 520, 36), 10, (255, 255, 255))
    draw.text((122, 17), f"notes of {family}", (110, 110, 110), font(14))
    return picture


def page(family, *lines):
    picture = Image.new("RGB", (600, 26 * len(lines) + 40), (252, 252, 250))
    draw = ImageDraw.Draw(picture)
    dice = chance("page", *lines[:3])
    for n, line in enumerate(lines):
        heading = n % 17 == 0
        draw.text((24 + 12 * dice.randint(0, 2), 20 + 26 * n), line[:62], (20, 40, 120) if heading else (35, 35, 40), font(17 if heading else 15, BOLD if heading else FONT))
        if n % 29 == 11:
            draw.rectangle((60, 20 + 26 * n, 60 + dice.randint(120, 400), 90 + 26 * n), colour(dice))
    return picture


def sprite(*who):
    size = who[-1] if isinstance(who[-1], int) and who[-1] > 60 else 64
    dice = chance("sprite", *who)
    picture = Image.new("RGBA", (size, size))
    draw = ImageDraw.Draw(picture)
    for _ in range(7):
        a, b = sorted((dice.randint(0, size - 8), dice.randint(8, size)))
        c, d = sorted((dice.randint(0, size - 8), dice.randint(8, size)))
        getattr(draw, dice.choice(["ellipse", "rectangle"]))((a, c, b + 4, d + 4), colour(dice))
    return picture


def card_text(*lines):
    picture = Image.new("RGBA", (560, 280), (250, 248, 240, 225))
    draw = ImageDraw.Draw(picture)
    draw.text((24, 18), "Thought of the day", (150, 40, 40), font(26, BOLD))
    for n, line in enumerate(lines):
        words, rows = line.split(), [""]
        for word in words:
            if len(rows[-1]) + len(word) > 46:
                rows.append("")
            rows[-1] += f"{word} "
        for m, row in enumerate(rows[:2]):
            draw.text((24, 66 + 52 * n + 23 * m), row, (30, 30, 30), font(18))
    return picture


def countdown_face(number):
    picture = Image.new("RGB", (640, 360), (200, 198, 190))
    draw = ImageDraw.Draw(picture)
    draw.line((0, 180, 640, 180), (40, 40, 40), 3)
    draw.line((320, 0, 320, 360), (40, 40, 40), 3)
    for radius in (110, 130):
        draw.ellipse((320 - radius, 180 - radius, 320 + radius, 180 + radius), outline=(40, 40, 40), width=4)
    draw.pieslice((190, 50, 450, 310), -90, -90 + 72 * number, (150, 148, 140))
    draw.text((320, 180), str(number), (20, 20, 20), font(160, BOLD), anchor="mm")
    return picture


def sign(who, width, height):
    """A logo: a filled box with a word and a figure."""
    dice = chance("sign", who)
    picture = Image.new("RGBA", (width, height), (*colour(dice), 255))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.05, height * 0.15, width * 0.05 + height * 0.7, height * 0.85), colour(dice))
    draw.text((width * 0.6, height * 0.5), dice.choice(["NOVA", "ORBIT", "PLUM", "KITE"]), (255, 255, 255), font(max(10, height // 3), BOLD), anchor="mm")
    return picture


def band(text, width, height, is_light):
    picture = Image.new("RGB", (width, height), (250, 250, 250) if is_light else (10, 10, 10))
    draw = ImageDraw.Draw(picture)
    draw.text((width / 2, height / 2), text[:40], (0, 0, 0) if is_light else (255, 255, 255), font(max(12, height // 3), BOLD), anchor="mm")
    return picture


def player(title, width, height):
    """The page around a player, as in a recording of somebody's screen; the film goes where the hole is."""
    dice = chance("player", title)
    picture = Image.new("RGB", (width, height), dice.choice([(24, 24, 28), (245, 245, 245), (40, 44, 60)]))
    draw = ImageDraw.Draw(picture)
    ink = (200, 200, 200) if picture.getpixel((0, 0))[0] < 100 else (40, 40, 40)
    draw.rectangle((0, 0, width, height * 0.06), (90, 90, 100))
    draw.text((width * 0.05, height * 0.88), title[:48], ink, font(int(height * 0.04), BOLD))
    draw.text((width * 0.05, height * 0.94), "1,204 views  -  2 days ago", ink, font(int(height * 0.03)))
    for n in range(4):
        y = height * (0.1 + 0.2 * n)
        draw.rectangle((width * 0.84, y, width * 0.98, y + height * 0.13), colour(dice))
    return picture
