"""A generator alive under a slider: each move of the slider is one forward pass."""

from __future__ import annotations

import copy
import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from lsgan_lib.figures import show_images, tile
from lsgan_lib.labs.explore import evenly
from lsgan_lib.labs.repaint import repaint, repaint_plane
from lsgan_lib.latent import Noise, Way, images_of, manifold_grid
from lsgan_lib.walks import walk


def latent_slider(
    generator: nn.Module,
    waypoints: Sequence[Tensor] | Tensor,
    *,
    way: Way = "lerp",
    kind: Noise = "uniform",
    stops: int = 20,
    name: str = "position",
    panels: int = 12,
    width: int = 224,
) -> None:
    """Show what a generator makes on a walk through noise, as a printed strip and under a slider.

    generator: in eval mode; its pictures then depend on their own noise alone, not on what else is
    in the batch. waypoints: two or more noise vectors of shape (z_dim,), visited in order.
    way, kind: the line between two of them, as in `lsgan_lib.latent.path`. stops: places of the
    slider between one waypoint and the next. panels: pictures in the strip. width: of the live
    picture, in pixels of the page.
    """
    generator = copy.deepcopy(generator)  # the page may go on to train its own
    points = walk(waypoints, stops, way, kind)
    show_images(images_of(generator, torch.stack(evenly(list(points), panels))), panels, width=9.0)
    repaint(
        lambda z: enlarged(images_of(generator, z[None]), width),
        name,
        list(points),
        labels=[f"{index / stops:.2f}" for index in range(len(points))],
        width=width,
    )


def latent_plane(
    generator: nn.Module, *, stops: int = 41, panels: int = 12, width: int = 224
) -> None:
    """Show a generator of two noise coordinates on [-1, 1]^2: a printed grid and two live sliders.

    generator: in eval mode, z_dim 2. stops: places of each slider. panels: rows and columns of the
    printed grid.
    """
    generator = copy.deepcopy(generator)
    show_images(images_of(generator, manifold_grid(panels, panels)), panels, width=6.5)
    repaint_plane(
        lambda x, y: enlarged(images_of(generator, torch.tensor([[x, y]])), width),
        ("z₁", "z₂"),
        [round(value, 3) for value in torch.linspace(-1, 1, stops).tolist()],
        width=width,
    )


def enlarged(images: Tensor | np.ndarray, width: int, columns: int | None = None) -> bytes:
    """Lay images out, enlarge them to at least ``width`` pixels and return the PNG file.

    The enlargement is by a whole number and keeps each pixel a square, as in the figures.
    """
    page = tile(images, columns)
    factor = -(-width // page.shape[1])
    size = (page.shape[1] * factor, page.shape[0] * factor)
    file = io.BytesIO()
    Image.fromarray(page).resize(size, Image.Resampling.NEAREST).save(file, format="png")
    return file.getvalue()
