"""A generator of two noise numbers as a map: what lies where, and where the walk goes."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from lsgan_lib.figures import BLUE, VERMILLION, tile
from lsgan_lib.labs.latent.space import Space
from lsgan_lib.labs.sheet import SHARP, Sheet
from lsgan_lib.latent import Noise, images_of, manifold_grid

SIDE = 16  # pictures a row
PIXELS = 448  # of the page


def to_noise(x: float, y: float, kind: Noise) -> tuple[float, float]:
    """The noise at a place of the map; x, y: from the left and the top, 0 to 1.

    The middle of each picture is the noise it was made of (`lsgan_lib.latent.manifold_grid`).
    """
    plane = torch.tensor([x, 1 - y], dtype=torch.float64)
    u = (((plane * SIDE - 0.5) / (SIDE - 1)) * 2 - 1).clamp(-1, 1)
    z = torch.special.ndtri(0.5 + 0.475 * u) if kind == "normal" else u
    first, second = z.tolist()
    return round(first, 3), round(second, 3)


def to_map(z: Tensor, kind: Noise) -> Tensor:
    """Where noise (N, 2) lies on the map, in pixels from the left and the top; the way back."""
    u = (torch.special.ndtr(z.double()) - 0.5) / 0.475 if kind == "normal" else z.double()
    place = ((u.clamp(-1, 1) + 1) / 2 * (SIDE - 1) + 0.5) / SIDE
    return torch.stack([place[:, 0], 1 - place[:, 1]], dim=1) * PIXELS


def background(space: Space) -> Image.Image:
    """The map without marks: SIDE * SIDE pictures of the plane of noise, row by row."""
    images = images_of(space.generator, manifold_grid(SIDE, SIDE, kind=space.kind))
    page = Image.fromarray(tile(images, SIDE, gap=0))
    return page.resize((PIXELS * SHARP, PIXELS * SHARP), Image.Resampling.BILINEAR)


def marked(
    ground: Image.Image, walk: Tensor, waypoints: Tensor, here: Tensor, kind: Noise
) -> bytes:
    """The map with the walk (N, 2), its waypoints in order, and where one stands (2,)."""
    page = Sheet(PIXELS, PIXELS)
    page.sheet.paste(ground)
    line = [(x, y) for x, y in to_map(walk, kind).tolist()]
    page.line(line, "white", 4)
    page.line(line, BLUE, 2)
    for number, (x, y) in enumerate(to_map(waypoints, kind).tolist()):
        page.badge(x, y, str(number + 1), BLUE)
    ((x, y),) = to_map(here[None], kind).tolist()
    page.dot(x, y, VERMILLION, 7)
    return page.png()
