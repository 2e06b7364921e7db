"""Sample pictures: a grid of images, or the density of points, as PNG bytes."""

import io
from math import ceil, sqrt

import torch
from PIL import Image
from torch import Tensor

from lsgan_lib.data.image_set import to_uint8


def grid_png(images: Tensor, columns: int | None = None, *, gap: int = 2) -> bytes:
    """Images (N, C, H, W) in [-1, 1] as one PNG, row by row, as square as they fill it.

    Points (N, 2) become a grey picture of their density instead.
    """
    from torchvision.utils import make_grid  # takes as long to import as torch itself

    if images.ndim == 2:
        return _density_png(images)
    columns = columns or ceil(sqrt(len(images)))
    pixels = make_grid(to_uint8(images.cpu()), nrow=columns, padding=gap, pad_value=255)
    grey = images.shape[1] == 1
    picture = pixels[0].numpy() if grey else pixels.permute(1, 2, 0).numpy()
    return png(Image.fromarray(picture))


def _density_png(points: Tensor, *, pixels: int = 256, reach: float = 1.5) -> bytes:
    """A two-dimensional histogram over [-reach, reach]^2, dark where points are many."""
    span = [-reach, reach, -reach, reach]
    counts, _ = torch.histogramdd(points.cpu().float(), bins=[pixels, pixels], range=span)
    shade = 255 - (counts / counts.max().clamp_min(1)).sqrt() * 255
    # The first coordinate runs to the right, the second upwards.
    return png(Image.fromarray(shade.T.flip(0).to(torch.uint8).numpy()))


def png(picture: Image.Image) -> bytes:
    """A picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
