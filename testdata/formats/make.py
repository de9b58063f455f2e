#!/usr/bin/env python3
"""Makes the sample of every format that the media worker reads, and what the reference says of it.

Needs: pip install pdqhash pillow pillow-heif numpy. The samples and `expected.tsv` are committed; run this again only to add one.
The pictures are noise at several scales: benign, small, and with enough structure for a hash of high quality.

expected.tsv: file, media type, width and height as a viewer sees it, frames, PDQ and quality of the pixels as stored
(Pillow, converted to RGB, hashed by pdqhash), and what the decoders may differ by, in bits.
"""
import io
import os
import sys

import numpy as np
import pdqhash
import pillow_heif
from PIL import Image, ImageOps

pillow_heif.register_heif_opener()
W, H = 120, 80
os.chdir(os.path.dirname(os.path.abspath(__file__)))
rows = []


def noise(width, height, seed, channels=3):
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, channels))
    for octave in range(2, 8):
        n = 2**octave
        grid = random.normal(size=(max(2, n * height // width), n, channels))
        for c in range(channels):
            layer = Image.fromarray(grid[..., c].astype(np.float32)).resize((width, height), Image.BICUBIC)
            total[..., c] += np.asarray(layer) / 1.6**octave
    total = (total - total.min()) / (total.max() - total.min()) * 255
    return total.astype(np.uint8)


def picture(seed=1, width=W, height=H):
    return Image.fromarray(noise(width, height, seed))


def with_alpha(seed=1):
    # A transparent left half whose colours are stored all the same.
    alpha = np.clip((np.arange(W) - W / 3) * 3, 0, 255).astype(np.uint8)
    return Image.merge("RGBA", (*picture(seed).split(), Image.fromarray(np.tile(alpha, (H, 1)))))


def expect(name, mime, bits, frames=1):
    with Image.open(name) as image:
        stored = image.convert("RGB") if image.mode != "I;16" else sixteen(image)
        turned = ImageOps.exif_transpose(image)
        pixels = np.asarray(stored)
        vector, quality = pdqhash.compute(pixels)
        value = "%064x" % int("".join(str(bit) for bit in vector), 2)
        rows.append((name, mime, *turned.size, frames, value, quality, bits))


def sixteen(image):
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")


def save(name, mime, image, bits=0, frames=1, **options):
    image.save(name, **options)
    expect(name, mime, bits, frames)


def orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


# JPEG: two decoders may round differently, hence a few bits.
rgb = picture()
save("420.jpg", "image/jpeg", rgb, 4, quality=90)
save("444.jpg", "image/jpeg", rgb, 4, quality=95, subsampling=0)
save("422.jpg", "image/jpeg", rgb, 4, quality=90, subsampling=1)
save("progressive.jpg", "image/jpeg", rgb, 4, quality=90, progressive=True)
save("restarts.jpg", "image/jpeg", rgb, 4, quality=90, restart_marker_rows=1)
save("grey.jpg", "image/jpeg", rgb.convert("L"), 4, quality=90)
save("cmyk.jpg", "image/jpeg", rgb.convert("CMYK"), 4, quality=95)
for value in range(1, 9):
    save(f"turned-{value}.jpg", "image/jpeg", rgb, 4, quality=90, exif=orientation(value))
save("odd-size.jpg", "image/jpeg", picture(3, 127, 61), 4, quality=92)
save("tiny.jpg", "image/jpeg", picture(3, 1, 1), 0, quality=92)

save("rgb.png", "image/png", rgb)
save("rgba.png", "image/png", with_alpha())
save("grey.png", "image/png", rgb.convert("L"))
save("grey-alpha.png", "image/png", with_alpha().convert("LA"))
save("palette.png", "image/png", rgb.quantize(200))
save("palette-4bit.png", "image/png", rgb.quantize(16), bits=0)
save("palette-transparent.png", "image/png", rgb.quantize(64), transparency=5)
save("black-white.png", "image/png", rgb.convert("1"))
save("turned-6.png", "image/png", rgb, exif=orientation(6))
grey16 = Image.fromarray(noise(W, H, 4, 1)[..., 0].astype(np.uint16) * 257)
save("grey-16bit.png", "image/png", grey16)
frames = [picture(seed) for seed in range(1, 6)]
save("moving.png", "image/png", frames[0], frames=5, save_all=True, append_images=frames[1:], duration=100)
save("moving-default-apart.png", "image/png", frames[0], frames=5, save_all=True, append_images=frames[1:],
     duration=100, default_image=True)

# Sixteen bits a channel, interlaced: Pillow writes neither, so by hand. It reads them by taking the upper byte.
import struct
import zlib


def png(width, height, depth, color, data, interlace=0):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


wide = noise(W, H, 5).astype(np.uint16) * 256 + noise(W, H, 6)
raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in wide)
open("rgb-16bit.png", "wb").write(png(W, H, 16, 2, raw))
expect("rgb-16bit.png", "image/png", 0)
array = np.asarray(rgb)
passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
raw = b"".join(b"\0" + row.tobytes() for x, y, dx, dy in passes for row in np.ascontiguousarray(array[y::dy, x::dx]))
open("interlaced.png", "wb").write(png(W, H, 8, 2, raw, interlace=1))
expect("interlaced.png", "image/png", 0)

save("still.gif", "image/gif", rgb.quantize(255))
save("moving.gif", "image/gif", frames[0].quantize(64), frames=5, save_all=True, duration=200, loop=0,
     append_images=[frame.quantize(64) for frame in frames[1:]])

save("lossy.webp", "image/webp", rgb, 2, quality=85)
save("lossless.webp", "image/webp", rgb, lossless=True)
save("alpha.webp", "image/webp", with_alpha(), 2, quality=85, exact=True)
save("turned-8.webp", "image/webp", rgb, 2, quality=85, exif=orientation(8))
save("moving.webp", "image/webp", frames[0], 2, frames=5, save_all=True, append_images=frames[1:], duration=150, quality=60)

save("24bit.bmp", "image/bmp", rgb)
save("32bit.bmp", "image/bmp", with_alpha())
save("palette.bmp", "image/bmp", rgb.quantize(256))
save("grey.bmp", "image/bmp", rgb.convert("L"))
save("1bit.bmp", "image/bmp", rgb.convert("1"))

save("plain.tif", "image/tiff", rgb)
save("lzw.tif", "image/tiff", rgb, compression="tiff_lzw")
save("deflate.tif", "image/tiff", rgb, compression="tiff_adobe_deflate")
save("jpeg.tif", "image/tiff", rgb, 6, compression="jpeg", quality=90)
save("packbits.tif", "image/tiff", rgb, compression="packbits")
save("alpha.tif", "image/tiff", with_alpha())
save("grey.tif", "image/tiff", rgb.convert("L"))
save("grey-16bit.tif", "image/tiff", grey16)
rgb.quantize(256).save("unsupported-palette.tif")  # no decoder without C reads it
save("cmyk.tif", "image/tiff", rgb.convert("CMYK"))
save("black-white.tif", "image/tiff", rgb.convert("1"))
save("black-white-g4.tif", "image/tiff", rgb.convert("1"), compression="group4")
save("two-pages.tif", "image/tiff", frames[0], save_all=True, append_images=frames[1:2], compression="tiff_lzw")
save("turned-6.tif", "image/tiff", rgb, compression="tiff_lzw", tiffinfo={0x0112: 6})
save("big.tif", "image/tiff", rgb, compression="tiff_lzw", big_tiff=True)

save("420.avif", "image/avif", rgb, 4, quality=80)
save("444.avif", "image/avif", rgb, 4, quality=90, subsampling="4:4:4")
save("grey.avif", "image/avif", rgb.convert("L"), 4, quality=80)
save("alpha.avif", "image/avif", with_alpha(), 6, quality=85)
save("420.heic", "image/heic", rgb, 4, quality=80)
save("444.heic", "image/heic", rgb, 4, quality=90, chroma=444)
save("alpha.heic", "image/heic", with_alpha(), 6, quality=85)
save("grey.heic", "image/heic", rgb.convert("L"), 4, quality=80)
save("turned-6.heic", "image/heic", rgb, 4, quality=80, exif=orientation(6))

with open("expected.tsv", "w") as table:
    for row in rows:
        table.write("\t".join(map(str, row)) + "\n")
print(f"{len(rows)} samples, {sum(os.path.getsize(row[0]) for row in rows) >> 10} KiB", file=sys.stderr)
