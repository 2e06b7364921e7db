"""Picture files for the tests of data_prep: good ones, and ten kinds of bad ones."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image


def noise(number: int, height: int = 40, width: int = 48) -> Image.Image:
    """A picture that no other number gives."""
    random = np.random.default_rng(number)
    return Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def jpeg(number: int) -> bytes:
    return encoded(noise(number), "JPEG", quality=90)


def huge_png(width: int, height: int) -> bytes:
    """A few hundred bytes that claim to be a picture of any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 10_000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def _truncated(path: Path, number: int) -> None:
    content = jpeg(number)
    path.write_bytes(content[: len(content) // 2])


def _without_permission(path: Path, number: int) -> None:
    path.write_bytes(jpeg(number))
    path.chmod(0)


BAD: dict[str, tuple[str, Callable[[Path, int], object], str]] = {
    "truncated": (".jpg", _truncated, r"damaged \(.*truncated"),
    "zero bytes": (".jpg", lambda path, _: path.write_bytes(b""), r"empty file \(0 bytes\)"),
    "text": (".jpg", lambda path, _: path.write_text("no picture"), "not a picture"),
    "directory": (".png", lambda path, _: path.mkdir(), "a folder with the name of a picture"),
    "wrong extension": (
        ".txt",
        lambda path, n: path.write_bytes(jpeg(n)),
        "wrong extension: holds a JPEG picture, but its name ends in .txt",
    ),
    "one pixel": (
        ".png",
        lambda path, n: path.write_bytes(encoded(noise(n, 1, 1))),
        "1 x 1 pixels, its shorter side is below",
    ),
    "strip": (
        ".png",
        lambda path, n: path.write_bytes(encoded(noise(n, 10, 20_000))),
        "20000 x 10 pixels, its shorter side is below",
    ),
    "bomb": (
        ".png",
        lambda path, _: path.write_bytes(huge_png(50_000, 50_000)),
        "decompression bomb: claims more than",
    ),
    "no permission": (".jpg", _without_permission, "cannot be read"),
    "loop": (".jpg", lambda path, _: os.symlink(path.name, path), "a link that leads nowhere"),
}
"""kind -> ending, how to make one, what the report must say of it"""
