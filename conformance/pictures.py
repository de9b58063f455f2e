"""Pictures of many kinds: those that Debian packages carry, and drawn ones, the same at every run."""

import io
import math
import pathlib
import struct
import zlib

import numpy
from PIL import Image, ImageDraw, ImageFilter, ImageFont, features

ROOT = pathlib.Path(__file__).resolve().parent.parent / ".tools/pictures"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"}

Image.MAX_IMAGE_PIXELS = None


def packaged():
    """(kind, path) of every picture in the unpacked packages, one for each content."""
    seen = set()
    for path in sorted((ROOT / "root").rglob("*")):
        if path.suffix.lower() not in SUFFIXES or not path.is_file() or path.is_symlink():
            continue
        digest = zlib.crc32(path.read_bytes()), path.stat().st_size
        if digest in seen:
            continue
        seen.add(digest)
        is_large = path.stat().st_size > 100_000
        is_photo = path.suffix.lower() in {".jpg", ".jpeg", ".webp"}
        yield ("photo" if is_photo else "painting") if is_large else "icon", path


def drawn():
    """(kind, path) of the drawn pictures; they are made anew."""
    folder = ROOT / "drawn"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for kind, name, data in draw_all():
        path = folder / f"{kind}-{name}"
        path.write_bytes(data)
        yield kind, path


def encoded(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def draw_all():
    sizes = [(320, 240), (641, 479), (1024, 768), (1920, 1080), (300, 900), (129, 127)]
    for n, size in enumerate(sizes):
        for style in ("across", "radial", "waves"):
            yield "gradient", f"{style}-{size[0]}x{size[1]}.png", encoded(gradient(style, size), "PNG")
        for blur in (0, 2, 9):
            yield "noise", f"blur{blur}-{size[0]}x{size[1]}.png", encoded(noise(n, size, blur), "PNG")
        for seed in range(3):
            yield "shapes", f"{seed}-{size[0]}x{size[1]}.png", encoded(shapes(10 * n + seed, size), "PNG")
        for seed in range(2):
            yield "fractal", f"{seed}-{size[0]}x{size[1]}.jpg", encoded(fractal(10 * n + seed, size), "JPEG", quality=90)
        yield "text", f"card-{size[0]}x{size[1]}.png", encoded(text_card(n, size), "PNG")
        yield "text", f"card-{size[0]}x{size[1]}.jpg", encoded(text_card(n + 50, size), "JPEG", quality=80)

    for n, colour in enumerate([(0, 0, 0), (255, 255, 255), (127, 127, 127), (255, 0, 0), (3, 200, 90)]):
        yield "flat", f"{n}.png", encoded(Image.new("RGB", (200 + 77 * n, 300), colour), "PNG")
        yield "flat", f"{n}.jpg", encoded(Image.new("RGB", (640, 200 + 31 * n), colour), "JPEG")

    for width, height in [(1, 1), (1, 9), (2, 2), (4, 4), (4, 300), (5, 5), (8, 8), (16, 16), (31, 33), (63, 63), (64, 64),
                          (65, 64), (100, 100), (127, 128)]:
        yield "tiny", f"{width}x{height}.png", encoded(shapes(width, (width, height)), "PNG")
    for width, height in [(3000, 5), (5, 3000), (4000, 17), (17, 4000), (9000, 64), (64, 9000), (12000, 200), (33000, 7)]:
        yield "long", f"{width}x{height}.png", encoded(shapes(width, (width, height)), "PNG")
    yield "huge", "9000x9000.png", encoded(shapes(9, (9000, 9000)), "PNG", compress_level=1)
    yield "huge", "12000x7000.jpg", encoded(shapes(10, (12000, 7000)), "JPEG", quality=85)

    base = [fractal(900, (800, 600)), shapes(901, (777, 555)), text_card(902, (640, 480)), noise(903, (500, 500), 5)]
    for n, image in enumerate(base):
        grey = image.convert("L")
        yield "grey", f"{n}.png", encoded(grey, "PNG")
        yield "grey", f"{n}.jpg", encoded(grey, "JPEG", quality=85)
        yield "grey", f"{n}.tif", encoded(grey, "TIFF")
        yield "grey", f"{n}-bits.png", encoded(image.convert("1"), "PNG")

        alpha = gradient("radial", image.size).convert("L")
        rgba = image.copy()
        rgba.putalpha(alpha)
        yield "alpha", f"{n}.png", encoded(rgba, "PNG")
        yield "alpha", f"{n}.webp", encoded(rgba, "WEBP", lossless=True, exact=True)
        grey_alpha = grey.convert("LA")
        grey_alpha.putalpha(alpha)
        yield "alpha", f"{n}-grey.png", encoded(grey_alpha, "PNG")

        palette = image.quantize(64)
        yield "palette", f"{n}.png", encoded(palette, "PNG")
        yield "palette", f"{n}.gif", encoded(palette, "GIF")
        yield "palette", f"{n}-4.png", encoded(image.quantize(4), "PNG", bits=2)
        frames = [image.transpose(Image.Transpose.ROTATE_180).quantize(64), base[0].resize(image.size).quantize(64)]
        yield "animated", f"{n}.gif", encoded(palette, "GIF", save_all=True, append_images=frames, duration=80)
        yield "animated", f"{n}.webp", encoded(image, "WEBP", save_all=True, append_images=frames, lossless=True)

        yield "cmyk", f"{n}.jpg", encoded(image.convert("CMYK"), "JPEG", quality=90)
        yield "sixteen_bit", f"{n}-rgb.png", png_16(numpy.asarray(image))
        yield "sixteen_bit", f"{n}-grey.png", png_16(numpy.asarray(grey))
        deep = numpy.asarray(grey).astype(numpy.uint16) * 257
        yield "sixteen_bit", f"{n}-grey.tif", encoded(Image.fromarray(deep), "TIFF")

        for quality in (25, 60, 95):
            yield "jpeg", f"{n}-q{quality}.jpg", encoded(image, "JPEG", quality=quality)
        yield "jpeg", f"{n}-progressive.jpg", encoded(image, "JPEG", quality=80, progressive=True)
        yield "jpeg", f"{n}-444.jpg", encoded(image, "JPEG", quality=80, subsampling=0)
        yield "jpeg", f"{n}-422.jpg", encoded(image, "JPEG", quality=80, subsampling=1)
        for orientation in (1, 3, 6):
            exif = Image.Exif()
            exif[0x0112] = orientation
            yield "jpeg", f"{n}-exif{orientation}.jpg", encoded(image, "JPEG", quality=90, exif=exif)
        yield "webp", f"{n}-lossy.webp", encoded(image, "WEBP", quality=75)
        yield "webp", f"{n}-lossless.webp", encoded(image, "WEBP", lossless=True)
        yield "bmp", f"{n}.bmp", encoded(image, "BMP")
        yield "tiff", f"{n}.tif", encoded(image, "TIFF")
        yield "tiff", f"{n}-lzw.tif", encoded(image, "TIFF", compression="tiff_lzw")
        yield "tiff", f"{n}-deflate.tif", encoded(image, "TIFF", compression="tiff_adobe_deflate")
        if features.check("avif"):
            yield "avif", f"{n}.avif", encoded(image, "AVIF", quality=80)


def grid(size):
    y, x = numpy.mgrid[: size[1], : size[0]].astype(numpy.float64)
    return x / size[0], y / size[1]


def gradient(style, size):
    x, y = grid(size)
    if style == "across":
        channels = [x, y, (x + y) / 2]
    elif style == "radial":
        channels = [numpy.hypot(x - cx, y - cy) for cx, cy in ((0.5, 0.5), (0.2, 0.7), (0.9, 0.1))]
    else:
        channels = [0.5 + 0.5 * numpy.sin(k * x * 7 + math.pi * y * (9 - k)) for k in (1, 3, 6)]
    stacked = numpy.stack(channels, axis=-1).clip(0, 1)
    return Image.fromarray((stacked * 255).astype(numpy.uint8))


def noise(seed, size, blur):
    values = numpy.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=numpy.uint8)
    image = Image.fromarray(values)
    return image.filter(ImageFilter.GaussianBlur(blur)) if blur else image


def shapes(seed, size):
    rng = numpy.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(int(v) for v in rng.integers(0, 256, 3)))
    canvas = ImageDraw.Draw(image)
    for _ in range(40):
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        x, y = rng.integers(0, size[0]), rng.integers(0, size[1])
        reach = int(rng.integers(1, max(2, max(size) // 4)))
        if rng.random() < 0.5:
            canvas.ellipse((x - reach, y - reach // 2, x + reach, y + reach // 2), fill=colour)
        else:
            corners = [(int(x + rng.integers(-reach, reach + 1)), int(y + rng.integers(-reach, reach + 1))) for _ in range(4)]
            canvas.polygon(corners, fill=colour)
    return image


def fractal(seed, size):
    rng = numpy.random.default_rng(seed)
    x, y = grid(size)
    z = (x * 3 - 1.5) * size[0] / max(size) + 1j * (y * 3 - 1.5) * size[1] / max(size)
    angle = rng.random() * 2 * math.pi
    c = 0.7885 * complex(math.cos(angle), math.sin(angle))
    steps = numpy.zeros(z.shape)
    for _ in range(48):
        inside = numpy.abs(z) < 4
        z = numpy.where(inside, z * z + c, z)
        steps += inside
    tones = rng.random(3) * 0.2 + 0.05
    channels = [0.5 + 0.5 * numpy.sin(steps * tone + tone * 40) for tone in tones]
    return Image.fromarray((numpy.stack(channels, axis=-1) * 255).astype(numpy.uint8))


def text_card(seed, size):
    rng = numpy.random.default_rng(seed)
    dark = rng.random() < 0.5
    image = Image.new("RGB", size, (18, 22, 30) if dark else (250, 248, 240))
    canvas = ImageDraw.Draw(image)
    words = "the quick brown fox jumps over a lazy dog while seven wizards box up liquor jugs".split()
    line_height = max(10, size[1] // 12)
    font = ImageFont.load_default(line_height * 3 // 4)
    for line in range(size[1] // line_height):
        text = " ".join(rng.choice(words, 9))
        canvas.text((size[0] // 20, line * line_height), text, font=font, fill=(230, 230, 235) if dark else (20, 20, 25))
    return image


def png_16(pixels):
    """A PNG of sixteen bits a channel, which Pillow does not write. The high byte is the pixel, the low byte is not."""
    deep = pixels.astype(numpy.uint16) * 256 + (pixels.astype(numpy.uint16) * 7 + 100) % 256
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    colour_type = 2 if pixels.ndim == 3 else 0

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def decode(path):
    """The pixels as the reference's users see them: Pillow, first frame, as stored, colours under transparency kept."""
    with Image.open(path) as image:
        image.load()
        if image.mode.startswith("I;16") or image.mode == "I":
            # Pillow would cut values above 255 off.
            grey = (numpy.asarray(image).astype(numpy.uint32) >> 8).astype(numpy.uint8)
            return numpy.stack([grey] * 3, axis=-1)
        return numpy.asarray(image.convert("RGB"))
