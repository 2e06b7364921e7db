"""The pictures of the latent explorer. All lengths are pixels of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from lsgan_lib.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION
from lsgan_lib.labs.latent.state import GROUPS, PANELS, Purpose
from lsgan_lib.labs.sheet import Sheet

TILE, GAP = 64, 5  # a sample on the shelf or in the strip, and the white between two
COLUMNS = 12  # of the shelf
LARGE = 256  # the picture itself
WIDTH = PANELS * TILE + (PANELS - 1) * GAP
NEAR = 128  # the nearest real image
CHART_RIGHT, CHART_TOP, CHART_BOTTOM = WIDTH - 12, 54, LARGE - 22
STRIP_TOP = LARGE + 14
SCENE = (WIDTH, STRIP_TOP + TILE + 12)  # width, height
COLOURS = {"walk": BLUE, "A": GREEN, "B": VERMILLION, "C": PURPLE}
WAY_COLOURS = {"lerp": BLUE, "slerp": ORANGE, "distribution_preserving": GREEN}
WAY_NAMES = {"lerp": "lerp", "slerp": "slerp", "distribution_preserving": "distribution-preserving"}


def scene(
    present: Tensor,
    strip: Tensor,
    mark: float | None,
    chart: Chart,
    neighbour: tuple[Tensor, float] | None = None,
) -> bytes:
    """The picture, the norms of the walk beside it, and the strip below.

    mark: where on the strip the picture stands, in panels. neighbour: the nearest real image.
    """
    page = Sheet(*SCENE)
    page.image(present, 0, 0, LARGE)
    if neighbour is not None:
        real, distance = neighbour
        page.image(real, LARGE + 24, 22, NEAR)
        page.text(LARGE + 24, 4, "nearest real")
        page.text(LARGE + 24, NEAR + 28, f"distance {distance:.3f}")
    chart.draw(page, chart_left(neighbour is not None))
    for panel, image in enumerate(strip):
        page.image(image, panel * (TILE + GAP), STRIP_TOP, TILE)
    if mark is not None:
        x = mark * (TILE + GAP) + TILE / 2
        y = STRIP_TOP + TILE
        page.triangle([(x, y + 2), (x - 7, y + 11), (x + 7, y + 11)], VERMILLION)
        if mark == round(mark):
            page.frame(mark * (TILE + GAP), STRIP_TOP, TILE, VERMILLION)
    return page.png()


def chart_left(with_neighbour: bool) -> float:
    """Where the axis of the norms stands, in pixels from the left."""
    return LARGE + 24 + 26 + (NEAR + 20 if with_neighbour else 0)


def chart_share(x: float, with_neighbour: bool) -> float:
    """How far along the walk a pixel of the norms lies, from 0 to 1."""
    left = chart_left(with_neighbour)
    return max(0.0, min(1.0, (x - left) / (CHART_RIGHT - left)))


def shelf_place(x: float, y: float, count: int) -> int:
    """The sample at a place of the shelf; x, y: from the left and the top, 0 to 1."""
    column = min(int(x * COLUMNS), COLUMNS - 1)
    rows = -(-count // COLUMNS)
    return min(int(y * rows), rows - 1) * COLUMNS + column


class Chart:
    """Norm over the walk: a line for each way, the shell of draws in grey, where one stands."""

    def __init__(
        self,
        norms: Mapping[str, Tensor],
        way: str,
        shell: tuple[float, float, float],
        stop: int | None,
        norm: float,
        legs: int,
    ) -> None:
        """stop: None beside the walk. norm: of the noise that is shown. legs: of the walk."""
        self.norms, self.way, self.shell = norms, way, shell
        self.stop, self.norm, self.legs = stop, norm, legs

    def draw(self, page: Sheet, left: float) -> None:
        """Draw onto the page, from some pixel on to its right end."""
        top, right, bottom = CHART_TOP, CHART_RIGHT, CHART_BOTTOM
        low, _, high = self.shell
        values = np.concatenate([line.numpy() for line in self.norms.values()])
        ceiling = 1.12 * max(high, values.max(), self.norm)
        last = len(self.norms[self.way]) - 1

        def at(stop: float, norm: float) -> tuple[float, float]:
            return left + (right - left) * stop / last, bottom - (bottom - top) * norm / ceiling

        page.area(at(0, high), at(last, low), "#E4E4E4")
        page.line([at(0, 0), at(last, 0)], GREY, 1)
        for number in range(self.legs + 1):
            x, _ = at(number * last / self.legs, 0)
            page.line([(x, bottom), (x, bottom + 4)], GREY, 1)
            if self.legs <= 12:
                page.text(x, bottom + 6, str(number + 1), GREY, "ma")
        apart = at(0, low)[1] - at(0, high)[1] > 14  # pixels: room for both numbers
        for value in (0, low, high) if apart and low > 0 else (0, high):
            page.text(left - 5, at(0, value)[1], f"{value:.1f}", GREY, "rm")
        for way in sorted(self.norms, key=lambda name: name == self.way):  # the chosen one on top
            line = [at(stop, float(norm)) for stop, norm in enumerate(self.norms[way])]
            page.line(line, WAY_COLOURS[way], 3.5 if way == self.way else 1)
        page.text(left - 26, top - 50, "norm |z| along the walk; grey: nearly all draws")
        x = left - 26
        for way, name in WAY_NAMES.items():
            page.text(x, top - 34, name, WAY_COLOURS[way])
            x += page.length(name) + 12
        if self.stop is None:
            y = at(0, self.norm)[1]
            page.line([(left, y), (right, y)], VERMILLION, 1.5)
        else:
            page.dot(*at(self.stop, self.norm), VERMILLION)


def shelf(
    images: Tensor,
    waypoints: Sequence[int],
    groups: Sequence[Sequence[int]],
    purpose: Purpose,
    cursor: int,
) -> bytes:
    """The samples to choose from, and what each has been chosen for."""
    rows = -(-len(images) // COLUMNS)
    page = Sheet(COLUMNS * (TILE + GAP) + GAP, rows * (TILE + GAP) + GAP)
    for place, image in enumerate(images):
        left, top = GAP + place % COLUMNS * (TILE + GAP), GAP + place // COLUMNS * (TILE + GAP)
        page.image(image, left, top, TILE)
        if place == cursor:
            page.frame(left, top, TILE, COLOURS[purpose], 4)
        if place in waypoints:
            number = str(waypoints.index(place) + 1)
            page.badge(left + 10, top + 10, number, COLOURS["walk"])
        for index, (name, group) in enumerate(zip(GROUPS, groups, strict=True)):
            if place in group:
                page.badge(left + 10 + 22 * index, top + TILE - 10, name, COLOURS[name])
    return page.png()
