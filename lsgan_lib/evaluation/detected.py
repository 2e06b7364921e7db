"""How many of a set of pictures hold a face, according to a detector that never saw a generator."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lsgan_lib.data.image_set import to_uint8
from lsgan_lib.errors import BookError

SMALLEST = 20
"""width in pixels from which faces are looked for; in CelebA at 64 pixels they are about 30 wide"""
SURE = 0.9
"""probability of a face from which a find counts"""


def faces_found(
    images: Tensor, *, smallest: int = SMALLEST, sure: float = SURE, detect: Any = None
) -> Tensor:
    """Whether each picture holds a face, bool (N,).

    images: colour (N, 3, H, W), uint8 or in [-1, 1]. smallest, sure: see above. detect: a function
    of a PIL picture and `smallest` that returns finds with a `score`; by default the detector mtcnn
    of *Data preparation* (about 10 ms a picture of 64 pixels).

    What it knows of faces comes from photographs. It says that eyes, nose and mouth are where they
    belong; it does not see whether a face is sharp, and faces that are all alike count as much as
    others (chapter 06). Raises BookError when the detector is not installed, ValueError for
    pictures without three channels.
    """
    from PIL import Image

    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"faces are looked for in colour images (N, 3, H, W), not {images.shape}.")
    look = detect or _mtcnn()
    pixels = (images if images.dtype == torch.uint8 else to_uint8(images)).permute(0, 2, 3, 1)
    found = [
        any(face.score >= sure for face in look(Image.fromarray(one), smallest))
        for one in pixels.contiguous().numpy()
    ]
    return torch.tensor(found, dtype=torch.bool)


def _mtcnn() -> Callable[..., Any]:
    """The detector, imported only here: the library stands without what prepares data."""
    try:
        from data_prep.detectors import mtcnn
    except ImportError as error:
        raise BookError(
            f"looking for faces needs the package {error.name}, which is not installed. Install "
            'the book with its extra for data: pip install -e ".[prep]"'
        ) from error
    return mtcnn
