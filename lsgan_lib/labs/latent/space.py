"""What the settings of the latent explorer mean for one generator: points, pictures, numbers."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lsgan_lib.data.image_set import to_float
from lsgan_lib.directions import directions
from lsgan_lib.errors import BookError
from lsgan_lib.evaluation.neighbours import nearest
from lsgan_lib.labs.latent import shelf as shelf
from lsgan_lib.labs.latent import state as state
from lsgan_lib.labs.latent.state import PANELS, SLIDERS, STOPS, Point, Settings
from lsgan_lib.latent import Noise, Way, draw, images_of
from lsgan_lib.walks import analogy, at_home, shell, travelled, walk

WAYS: tuple[Way, ...] = ("lerp", "slerp", "distribution_preserving")


class Space:
    """A generator's noise. generator: in eval mode; z (N, z_dim) -> images (N, 1 or 3, H, W).

    data: real images, uint8 or in [-1, 1], shaped as the generator's; the nearest is looked up
    among them. Raises ValueError for a generator whose outputs are no images, or data of another
    shape.
    """

    def __init__(
        self, generator: nn.Module, z_dim: int, kind: Noise, data: Tensor | None = None
    ) -> None:
        self.generator, self.z_dim, self.kind = generator, z_dim, kind
        self.shell = shell(z_dim, kind)
        self.reach = 0.6 * self.shell[1]
        """length of a whole move along a direction: 0.6 of a usual norm"""
        shape = images_of(generator, torch.zeros(2, z_dim)).shape[1:]
        if len(shape) != 3 or shape[0] not in (1, 3):
            raise ValueError(
                f"the explorer shows images (1 or 3, H, W); this generator makes {tuple(shape)}"
            )
        self.shape = (int(shape[0]), int(shape[1]), int(shape[2]))
        if data is not None and tuple(data.shape[1:]) != self.shape:
            raise ValueError(
                f"data must hold images of shape {self.shape} as the generator makes them, "
                f"not {tuple(data.shape[1:])}"
            )
        self.data = data if data is None or data.dtype != torch.uint8 else to_float(data)
        # Looked up again and again while a slider moves.
        self.drawn = functools.lru_cache(4)(self._drawn)
        self.picture_of = functools.lru_cache(64)(self._picture_of)
        self._through = functools.lru_cache(16)(self._walk)
        self._directions_at = functools.lru_cache(4)(self._find)

    # --- points -------------------------------------------------------------------------------

    def _drawn(self, seed: int, count: int) -> tuple[Tensor, Tensor]:
        """The drawn samples and their pictures."""
        z = draw(count, self.z_dim, self.kind, torch.Generator().manual_seed(seed))
        return z, images_of(self.generator, z)

    def points(self, s: Settings, places: Sequence[int]) -> Tensor:
        """Points of the shelf, (N, z_dim)."""
        drawn = self.drawn(s.seed, s.drawn)[0]
        both = torch.cat([drawn, torch.tensor(s.kept).view(len(s.kept), self.z_dim)])
        return both[list(places)]

    def walk(self, s: Settings, way: Way | None = None) -> Tensor:
        """The whole walk, by the way that is set or another."""
        return self._through(s.seed, s.drawn, s.kept, s.waypoints, way or s.way)

    def _walk(self, seed: int, drawn: int, kept: tuple[Point, ...], waypoints: tuple[int, ...],
              way: Way) -> Tensor:  # fmt: skip
        points = self.points(Settings(seed, drawn, kept), waypoints)
        return walk(points, STOPS, way, self.kind)

    def base(self, s: Settings) -> Tensor:
        """Where one stands before any move along a direction: (z_dim,)."""
        return self.walk(s)[s.stop] if s.off is None else torch.tensor(s.off)

    def moved(self, s: Settings) -> Tensor:
        """Where one stands before truncation: (z_dim,)."""
        return self._finished(s, self.base(s)[None], 1.0)[0]

    def noise(self, s: Settings) -> Tensor:
        """The noise whose picture is shown: (z_dim,)."""
        return self._finished(s, self.base(s)[None], s.truncation)[0]

    def _finished(self, s: Settings, places: Tensor, truncation: float | Tensor) -> Tensor:
        """Add the moves along directions, stay where the generator was trained, shrink."""
        if s.directions and any(s.moves):
            moves = torch.tensor(s.moves[: len(s.directions)])
            places = places + self.reach * moves @ torch.tensor(s.directions)
        return truncation * at_home(places, self.kind)

    def strip(self, s: Settings) -> Tensor:
        """The points of the strip, (PANELS, z_dim)."""
        if s.along == "walk":
            stops = self.walk(s)[s.first_panel : s.first_panel + PANELS]
            return self._finished(s, stops, s.truncation)
        panels = [state.along_strip(s, float(panel)) for panel in range(PANELS)]
        return torch.stack([self.noise(panel) for panel in panels])

    def film(self, s: Settings) -> Tensor:
        """All points along what the strip shows, from its beginning to its end: (N, z_dim)."""
        if s.along == "walk":
            return self._finished(s, self.walk(s), s.truncation)
        panels = [state.along_strip(s, quarter / 4) for quarter in range(4 * PANELS - 3)]
        return torch.stack([self.noise(panel) for panel in panels])

    # --- what a reader asks for ---------------------------------------------------------------

    def find_directions(self, s: Settings) -> Settings:
        """Find the directions to which the present picture is most sensitive, and stay here."""
        vectors, strengths = self._directions_at(as_point(self.noise(s)))
        if any(s.moves):
            s = state.placed(s, as_point(self.moved(s)), along=s.along)
        return state.with_directions(s, vectors, strengths)

    def _find(self, point: Point) -> tuple[tuple[Point, ...], tuple[float, ...]]:
        count = min(SLIDERS, self.z_dim)
        device = next(self.generator.parameters()).device
        z = torch.tensor(point, device=device)
        vectors, strengths = directions(self.generator, z, count)
        return tuple(map(as_point, vectors)), as_point(strengths)

    def move(self, s: Settings, direction: int, amount: float) -> Settings:
        """Move along a direction; at first they are found, where one stands."""
        return state.moved(s if s.directions else self.find_directions(s), direction, amount)

    def arithmetic(self, s: Settings) -> Settings:
        """Walk to mean(A) - mean(B) + mean(C). Raises BookError for an empty group."""
        try:
            point = analogy(*(self.points(s, group) for group in s.groups))
        except ValueError as error:
            raise BookError(str(error)) from None
        return shelf.kept(s, as_point(at_home(point, self.kind)), walk_there=True)

    # --- what is shown ------------------------------------------------------------------------

    def _picture_of(self, point: Point) -> Tensor:
        return images_of(self.generator, torch.tensor(point)[None])[0]

    def on_shelf(self, s: Settings) -> Tensor:
        """The pictures of all points on the shelf."""
        drawn = self.drawn(s.seed, s.drawn)[1]
        return torch.cat([drawn, *(self.picture_of(point)[None] for point in s.kept)])

    def pictures(self, s: Settings) -> tuple[Tensor, Tensor]:
        """The picture shown, (C, H, W), and those of the strip, in one pass."""
        points = torch.cat([self.noise(s)[None], self.strip(s)])
        present, *strip = images_of(self.generator, points)
        return present, torch.stack(strip)

    def neighbour(self, image: Tensor) -> tuple[Tensor, float] | None:
        """The nearest real image and how far it is (root mean square), where there are data."""
        if self.data is None:
            return None
        distance, row = nearest(image[None], self.data, chunk=1)
        return self.data[row[0]], float(distance[0])

    def norms(self, s: Settings) -> dict[str, Tensor]:
        """The norm at every stop of the walk, by each way."""
        return {way: self.walk(s, way).norm(dim=1) for way in WAYS}

    def words(self, s: Settings) -> str:
        """Where one stands, in numbers."""
        z = self.noise(s)
        low, _, high = self.shell
        norm = f"norm |z| = {z.norm():.2f} (nearly all draws: {low:.2f} to {high:.2f})"
        norm += f" · strip: {state.strip_name(s)}"
        if s.off is not None:
            return f"beside the walk · {norm}"
        gone = travelled(self.walk(s))
        on = f"{gone[s.stop]:.2f} of {gone[-1]:.2f} travelled"
        aside = (self.moved(s) - self.base(s)).norm().item()
        moved = f" · {aside:.2f} beside the walk" if aside > 0 else ""
        return f"point {s.stop / STOPS + 1:.2f} of {len(s.waypoints)} · {on}{moved} · {norm}"


def as_point(z: Tensor) -> Point:
    """A noise vector (z_dim,) as numbers that can be compared."""
    return tuple(z.detach().cpu().tolist())
