"""From the bytes of a picture file to the pixels of a set: decode, flatten, crop, resize."""

import io
import warnings
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from data_prep.job import Dropped
from lsgan_lib.errors import first_line

MOST_BYTES = 256 * 2**20
"""A picture file larger than this is not read: a set of small pictures needs none, and a forged
zip could otherwise fill the memory."""

# What may be a picture. Others that Pillow knows are left out: EPS would start another program,
# and documents, icons and films are not what one trains on.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000", "TGA", "AVIF")
SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .dib .gif .tif .tiff .ppm .pgm .pbm .pnm .jp2 .j2k "
    ".tga .avif .mpo".split()
)
"""Endings by which a file claims to be a picture."""

UNREAD = frozenset(".heic .heif .jxl .dng .cr2 .cr3 .nef .arw .raf .orf .rw2 .psd .svg".split())
"""Endings of pictures that cannot be read here; to pass over them would lose them in silence."""

Fit = Literal["crop", "squash"]

Image.init()  # otherwise Pillow knows only the most frequent formats by name


def open_picture(data: bytes) -> Image.Image:
    """Read the header of a picture file; raises Dropped where there is none, or too large a one.

    Pillow refuses pictures of more than about 90 million pixels: a small file can claim any size,
    and unpacking it would fill the memory.
    """
    if not data:
        raise Dropped("empty file (0 bytes)")
    if len(data) > MOST_BYTES:
        raise Dropped(f"larger than {MOST_BYTES // 2**20} MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Dropped(
            f"decompression bomb: claims more than {Image.MAX_IMAGE_PIXELS:,} pixels"
        ) from None
    except Image.UnidentifiedImageError:
        raise Dropped("not a picture") from None
    except Exception as error:  # Pillow's readers raise many kinds for a damaged header
        raise Dropped(f"damaged ({first_line(error, 100)})") from None


def decode(data: bytes, *, channels: int = 3) -> Image.Image:
    """The picture in a file: upright, without transparency, 8 bits, mode RGB (or L for 1 channel).

    Upright: turned as its EXIF note asks. Transparent parts become white. 16-bit greys are divided
    by 257, so that white stays white. Of an animation the first frame is taken. Raises Dropped
    with the reason where the file is no picture, is cut off, is damaged, or holds numbers whose
    range is unknown.
    """
    image = open_picture(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
            image = ImageOps.exif_transpose(image)
            return _plain(image).convert("L" if channels == 1 else "RGB")
    except Dropped:
        raise
    except Exception as error:  # the same many kinds, for a damaged body
        raise Dropped(f"damaged ({first_line(error, 100)})") from None


def fit(
    image: Image.Image,
    size: int,
    *,
    box: tuple[float, float, float, float] | None = None,
    how: Fit = "crop",
) -> Image.Image:
    """Cut out a box and bring it to size x size pixels, bicubic with antialiasing, in one step.

    box: left, upper, right, lower in pixels, fractions allowed. Without one, the largest square in
    the middle (crop), or the whole picture whatever its shape (squash).
    """
    if box is None:
        width, height = image.size
        side = min(width, height)
        left, upper = (width - side) / 2, (height - side) / 2
        box = (left, upper, left + side, upper + side) if how == "crop" else (0, 0, width, height)
    return image.resize((size, size), Image.Resampling.BICUBIC, box=box)


def pixels(image: Image.Image) -> np.ndarray:
    """A picture of mode RGB or L as uint8 (C, H, W)."""
    array = np.asarray(image, dtype=np.uint8)
    return array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))


def too_small(image: Image.Image, size: int, smallest: int | None) -> None:
    """Raise Dropped for a picture whose shorter side is below `smallest` (default: size / 2).

    Enlarged more than twice, a picture teaches a generator blur.
    """
    least = smallest if smallest is not None else (size + 1) // 2
    width, height = image.size
    if min(width, height) < least:
        raise Dropped(f"{width} x {height} pixels, its shorter side is below {least}")


def _plain(image: Image.Image) -> Image.Image:
    """8 bits a channel, nothing transparent."""
    if image.mode.startswith("I"):  # I;16 and its byte orders, and 32-bit integers
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise Dropped("32-bit pixels, whose range is unknown")
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        raise Dropped("floating-point pixels, whose range is unknown")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image
