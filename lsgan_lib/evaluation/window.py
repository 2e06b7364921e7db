"""A square window on the plane, with nodes at which densities and critics are read off."""

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor

from lsgan_lib.data.mixtures import Mixture
from lsgan_lib.losses.checks import check_settings


@dataclass(frozen=True)
class Window:
    """side x side nodes, evenly spaced over [-span, span]^2."""

    span: float = 2.0
    """half the side of the square, in units of the plane"""
    side: int = 64
    """nodes in a row"""

    def __post_init__(self) -> None:
        check_settings(span=self.span)
        if self.span <= 0 or self.side < 2:
            raise ValueError(
                f"a window needs a positive span and at least 2 nodes a side, not {self.span} and "
                f"{self.side}."
            )

    @property
    def line(self) -> Tensor:
        """Coordinates of the nodes along one axis: (side,)."""
        return torch.linspace(-self.span, self.span, self.side)

    @property
    def nodes(self) -> Tensor:
        """All nodes, row by row from low to high y: (side * side, 2)."""
        return torch.cartesian_prod(self.line, self.line).flip(1)

    @property
    def spacing(self) -> float:
        """Distance from one node to the next."""
        return 2 * self.span / (self.side - 1)

    def density(self, data: Mixture, blur: float = 0.0) -> Tensor:
        """A mixture's density at the nodes, (side, side), rows from low to high y.

        blur: standard deviation of normal noise that is added to each of its points. The noise
        adds to the variance of every mode, so this is exact.
        """
        wide = Mixture(data.centres, data.weights, (data.std**2 + blur**2) ** 0.5)
        self._check_width(wide.std)
        return wide.log_density(self.nodes).exp().view(self.side, self.side)

    def kernel_density(self, points: Tensor, width: float) -> Tensor:
        """Mean of one normal density around each point, at the nodes: (side, side).

            q(x) = 1/N sum_i exp(-|x - points_i|^2 / (2 width^2)) / (2 pi width^2)

        points: (N, 2). width: the bandwidth, a standard deviation.
        """
        if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
            raise ValueError(f"points must be (N, 2) with N >= 1, not {tuple(points.shape)}.")
        self._check_width(width)
        return kernel_density(self.line, points.detach().cpu(), width)

    def table(self, density: Tensor) -> Tensor:
        """Probabilities of the cells around the nodes, and last of all that lies outside.

        density: (side, side), smooth at the scale of a cell. Returns (side * side + 1,), sum 1.
        """
        cells = density.flatten().double() * self.spacing**2
        inside = cells.sum()
        if inside > 1:  # by rounding, or because the outermost cells reach out of the window
            cells, inside = cells / inside, torch.ones_like(inside)
        return torch.cat([cells, (1 - inside)[None]])

    def _check_width(self, width: float) -> None:
        """Refuse bumps that fall between the nodes, of which a sum over nodes would miss parts."""
        if not width >= self.spacing:
            raise ValueError(
                f"a bump of standard deviation {width:.3g} is lost between nodes that are "
                f"{self.spacing:.3g} apart. Blur more, or take a smaller window with more nodes."
            )


def kernel_density(line: Tensor, points: Tensor, width: float) -> Tensor:
    """Mean of one normal density around each of points (N, 2), on the grid line x line.

    line: (S,), coordinates along either axis. Returns (S, S), rows from low to high y. The kernel
    is a product over the axes, so the sum over points is a product of two (S, N) matrices.
    """
    apart = line[:, None, None] - points  # (S, N, 2)
    kernel = torch.exp(-apart.square() / (2 * width**2)) / (2 * pi * width**2) ** 0.5
    return kernel[..., 1] @ kernel[..., 0].T / len(points)
