"""Pictures and films of generated images as files, each under a name that was still free."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lsgan_lib.data.image_set import to_uint8
from lsgan_lib.errors import BookError

ENCODERS = ("libx264", "libopenh264", "mpeg4")
"""From the best to what every build of PyAV has; the first two make H.264, which every browser and
every phone shows, the last makes MPEG-4 part 2, which players show and browsers do not."""


def frames(images: Tensor, width: int = 256) -> np.ndarray:
    """Enlarge images to at least `width` pixels by a whole number: uint8 (N, H, W, 3).

    images: uint8, or numbers in [-1, 1]: (N, 1 or 3, H, W). The sides come out even, as H.264 with
    halved colours wants them; an odd picture is enlarged by an even number.
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3) or len(images) == 0:
        raise ValueError(f"images must have shape (N, 1 or 3, H, W), not {tuple(images.shape)}")
    pixels = images if images.dtype == torch.uint8 else to_uint8(images)
    factor = -(-width // pixels.shape[3])
    if any(side * factor % 2 for side in pixels.shape[2:]):
        factor += 1
    large = pixels.cpu().repeat_interleave(factor, dim=2).repeat_interleave(factor, dim=3)
    return np.ascontiguousarray(large.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy())


def png(images: Tensor, width: int = 256) -> bytes:
    """One image as a PNG file; of several, the first."""
    file = io.BytesIO()
    Image.fromarray(frames(images[:1], width)[0]).save(file, format="png")
    return file.getvalue()


def gif(images: Tensor, width: int = 256, *, per_second: int = 20) -> bytes:
    """A film that repeats itself, as a GIF file. per_second: images; GIF counts in 1/100 s."""
    first, *rest = (Image.fromarray(frame) for frame in frames(images, width))
    file = io.BytesIO()
    first.save(
        file,
        format="gif",
        save_all=True,
        append_images=rest,
        duration=round(100 / per_second) * 10,
        loop=0,
    )
    return file.getvalue()


def mp4(images: Tensor, width: int = 256, *, per_second: int = 20) -> bytes:
    """A film as an MP4 file: H.264, colours at half resolution (yuv420p), where it can be made.

    `encoder()` tells what is used. Raises BookError where PyAV is not installed.
    """
    av = _av()
    film = frames(images, width)
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream(encoder(), rate=per_second)
        stream.height, stream.width = film.shape[1:3]
        stream.pix_fmt = "yuv420p"
        if encoder() == "libx264":
            stream.options = {"crf": "16", "threads": "1"}  # hardly a trace of blocks
        else:
            stream.bit_rate = 4_000_000
        for picture in film:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))  # what the encoder still holds back
    return file.getvalue()


def encoder() -> str:
    """The best of `ENCODERS` that the installed PyAV has."""
    av = _av()
    for name in ENCODERS:
        try:
            av.codec.Codec(name, "w")
        except ValueError:  # UnknownCodecError
            continue
        return name
    raise BookError("this build of PyAV can write no MP4 film; save a GIF instead.")


def write_new(folder: Path, stem: str, suffix: str, content: bytes) -> Path:
    """Write content under the first free name stem-1.suffix, stem-2.suffix ...; returns the path.

    The folder is made where it is missing. No file is ever overwritten, not even by two programs
    at once. Raises BookError where nothing can be written; then no half of a file is left.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            path = folder / f"{stem}-{number}.{suffix}"
            try:
                file = open(path, "xb")  # fails where the name is taken
                break
            except FileExistsError:
                number += 1
        try:
            with file:
                file.write(content)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BookError(
            f"could not write into {folder}: {error.strerror or error}. Free some space or choose "
            "another folder."
        ) from error
    return path.resolve()


def _av() -> Any:
    """PyAV, which only films need."""
    try:
        import av
    except ImportError:
        raise BookError(
            "films need the package av (PyAV): pip install av. Or save a GIF instead."
        ) from None
    return av
