#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the image files of this folder, and what Pillow decodes each to as NAME.png (upright, on white).

python3 make.py FOLDER [HEIGHT WIDTH SEED]      with Pillow 13.0.0; the files here are those of make.py . 17 26 1
"""
import io, os, random, struct, sys
from PIL import Image, ImageOps

out = sys.argv[1]
height, width, seed = map(int, sys.argv[2:5] or (17, 26, 1))
rng = random.Random(seed)


def picture():
    """Smooth colours with an edge and some noise."""
    m = Image.new("RGB", (width, height))
    a, b, c = rng.randrange(256), rng.randrange(3, 9), rng.randrange(3, 9)
    m.putdata([((a + b * x + rng.randrange(9)) % 256, (a + c * y) % 256, 255 if x > y else (3 * (x + y)) % 256)
               for y in range(height) for x in range(width)])
    return m


def with_alpha(m):
    m = m.convert("RGBA")
    m.putalpha(Image.frombytes("L", m.size, bytes(rng.choice((0, 255, rng.randrange(256))) for _ in range(height * width))))
    return m


def reference(name, m):
    """What Pillow makes of a file: the first image, upright, on white."""
    m.seek(0)
    m = ImageOps.exif_transpose(m)
    if m.mode.startswith("I;16"):  # by convert they would be cut off at 255
        m = Image.frombytes("L", m.size, bytes((v + 128) // 257 for v in m.get_flattened_data()))
    if m.mode in ("LA", "PA", "RGBA") or "transparency" in m.info:
        m = m.convert("RGBA")
        m = Image.frombytes("RGB", m.size, bytes((v * p[3] + 255 * (255 - p[3]) + 127) // 255 for p in m.get_flattened_data() for v in p[:3]))
    m.convert("RGB").save(os.path.join(out, name + ".png"))


def write(name, data):
    with open(os.path.join(out, name), "wb") as f:
        f.write(data)
    reference(name, Image.open(io.BytesIO(data)))


def save(name, m, **options):
    b = io.BytesIO()
    m.save(b, name.rsplit(".")[-1].replace("jpg", "jpeg").replace("tif", "tiff").replace("tifff", "tiff"), **options)
    write(name, b.getvalue())
    return b.getvalue()


def exif(orientation):
    e = Image.Exif()
    e[274] = orientation
    return e


colour, gray = picture(), picture().convert("L")
deep = Image.frombytes("I;16", gray.size, b"".join(struct.pack("<H", 257 * v + rng.randrange(-60, 60) & 0xffff) for v in gray.get_flattened_data()))
ink, two = colour.convert("CMYK"), gray.point(lambda v: 255 * (v > 120)).convert("1")

for quality in (40, 95):
    save(f"lossy-{quality}.webp", colour, quality=quality)
save("gray.webp", gray, quality=90)
save("alpha.webp", with_alpha(colour), quality=80, exact=True)
save("lossless.webp", with_alpha(colour), lossless=True, exact=True)
save("turned-6.webp", colour, quality=90, exif=exif(6))

for name, m in (("one", two), ("palette", colour.quantize(19)), ("gray", gray), ("colour", colour), ("alpha", with_alpha(colour))):
    save(name + ".bmp", m)

for name, m in (("gray", gray), ("deep", deep), ("palette", colour.quantize(19)), ("colour", colour), ("alpha", with_alpha(colour)), ("one", two)):
    save(name + ".tif", m)
for packing in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
    save(packing + ".tif", colour, compression=packing)
for packing in ("group3", "group4"):
    save(packing + "-black-is-zero.tif", two, compression=packing, tiffinfo={262: 1})
    save(packing + "-white-is-zero.tif", two, compression=packing, tiffinfo={262: 0})
save("turned-5.tif", colour, tiffinfo={274: 5})

save("still.gif", colour.quantize(40))
save("gray.gif", gray)
see_through = colour.quantize(40)
save("transparent.gif", see_through, transparency=see_through.getpixel((0, 0)))
save("animated.gif", gray, save_all=True, append_images=[picture().convert("L")], duration=90)
save("animated.png", colour, save_all=True, append_images=[picture()], duration=90)
save("deep.png", deep)
save("turned-3.png", colour, exif=exif(3))

save("cmyk.jpg", ink, quality=95)
# YCCK: the same file with other numbers in it, marked by the transform of Adobe's segment (byte 11 after its name).
y = colour.convert("YCbCr").split()
inverted = Image.merge("CMYK", [c.point(lambda v: 255 - v) for c in (*y, gray.point(lambda v: 255 - v // 3))])
b = io.BytesIO()
inverted.save(b, "jpeg", quality=95, subsampling=0)
data = bytearray(b.getvalue())
data[data.index(b"Adobe") + 11] = 2
write("ycck.jpg", bytes(data))
save("turned-8.jpg", colour, quality=95, subsampling=0, exif=exif(8))
