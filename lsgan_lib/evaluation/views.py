"""What the six views of a GAN in the plane show, as numbers; `lsgan_lib.six_views` draws them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from lsgan_lib import latent
from lsgan_lib.data.mixtures import Mixture
from lsgan_lib.evaluation.divergences import blurred_jensen_shannon
from lsgan_lib.evaluation.window import Window
from lsgan_lib.losses.checks import check_choice
from lsgan_lib.losses.objectives import Objective
from lsgan_lib.losses.penalties import Critic


@dataclass(frozen=True)
class Views:
    """One moment of a game in the plane. All tensors are on the CPU and carry no gradient."""

    shown: int
    """images (here: points) shown to the critic so far"""
    fake: Tensor
    """(N, 2) what the generator makes of the fixed noise"""
    scores: Tensor
    """(side, side) the critic at the window's nodes, rows from low to high y"""
    usual_scores: tuple[float, float]
    """between them lie nine of ten scores of real and generated points together"""
    lattice: Tensor
    """(L, L, 2) where the generator puts the crossings of a square grid in its noise"""
    thickness: Tensor
    """(L - 1, L - 1) generated probability per area in each cell of that lattice"""
    push_at: Tensor
    """(M, 2) some generated points, the first M of `fake`"""
    push: Tensor
    """(M, 2) the direction in which the generator's loss pushes them: minus its gradient"""
    divergence: float
    """Jensen-Shannon divergence to the data, both blurred, in nats"""


@dataclass(frozen=True)
class Viewer:
    """Looks at a game: what stays the same from one moment to the next."""

    data: Mixture
    """whose density is known"""
    objective: Objective
    """its generator loss makes the arrows"""
    window: Window = Window()
    """the part of the plane that is looked at"""
    noise: latent.Noise = "uniform"
    """kind of noise that the generator was trained with"""
    count: int = 2_000
    """generated points; the divergence trembles less with more of them"""
    arrows: int = 60
    """of them, points that carry an arrow"""
    lines: int = 17
    """lines of the grid in noise, each way"""
    blur: float = 0.1
    """width of the blur under the divergence, in units of the plane"""
    seed: int = 0
    """names the fixed noise"""

    def __post_init__(self) -> None:
        check_choice("noise", self.noise, ("uniform", "normal"))
        if self.lines < 2 or not 0 < self.arrows <= self.count:
            raise ValueError(
                f"at least 2 lines and from 1 to count ({self.count}) arrows are needed, not "
                f"{self.lines} and {self.arrows}."
            )

    def real(self, count: int = 500) -> Tensor:
        """Points of the data to draw, the same each time: (count, 2)."""
        return self.data.sample(count, torch.Generator().manual_seed(self.seed + 1))

    def look(self, generator: nn.Module, critic: nn.Module, shown: int) -> Views:
        """Take all six views of these two networks.

        generator: maps noise (N, z_dim) to points (N, 2), z_dim >= 2. Of more than two noise
        coordinates the lattice shows the first two, the others being 0; its thickness is then
        that of this slice alone.
        """
        random = torch.Generator().manual_seed(self.seed)
        z_dim = int(generator.z_dim)  # type: ignore[arg-type]
        z = latent.draw(self.count, z_dim, self.noise, random)
        place = next(generator.parameters()).device
        with torch.no_grad():
            fake = generator(z.to(place))
            scores = critic(self.window.nodes.to(place)).view(self.window.side, -1)
            lattice = generator(self._noise_grid(z_dim).to(place)).view(self.lines, self.lines, 2)
            at_points = critic(torch.cat([fake, self.real().to(place)]))
        usual = torch.quantile(at_points, torch.tensor([0.05, 0.95], device=place)).tolist()
        push_at = fake[: self.arrows]
        push = pushes(self.objective.generator_loss, critic, push_at)
        fake, lattice = fake.cpu(), lattice.cpu()
        return Views(
            shown=shown,
            fake=fake,
            scores=scores.cpu(),
            usual_scores=(usual[0], usual[1]),
            lattice=lattice,
            thickness=thickness(lattice, self._share / (self.lines - 1) ** 2),
            push_at=push_at.cpu(),
            push=push.cpu(),
            divergence=blurred_jensen_shannon(fake, self.data, self.window, self.blur).item(),
        )

    @property
    def _share(self) -> float:
        """Share of the noise that lies inside the grid; normal noise has no edge to end at."""
        return 1.0 if self.noise == "uniform" else 0.98**2

    def _noise_grid(self, z_dim: int) -> Tensor:
        """Crossings of lines with equal shares of noise between them: (lines^2, z_dim)."""
        line = torch.linspace(-1, 1, self.lines)
        if self.noise == "normal":  # of each coordinate, 98 % lie between the outermost lines
            line = torch.erfinv(0.98 * line) * 2**0.5
        grid = torch.zeros(self.lines**2, z_dim)
        grid[:, :2] = torch.cartesian_prod(line, line)
        return grid


def pushes(
    generator_loss: Callable[[Critic, Tensor], Tensor], critic: Critic, points: Tensor
) -> Tensor:
    """Minus the gradient of the generator's loss at each point, without the 1/N of the mean.

    points: (N, 2), generated. Returns (N, 2): long where the loss cares, along the critic's slope.
    """
    with torch.enable_grad():
        points = points.detach().requires_grad_(True)
        loss = generator_loss(critic, points) * len(points)
        (gradient,) = torch.autograd.grad(loss, points)
    return -gradient


def thickness(lattice: Tensor, share: float) -> Tensor:
    """Probability per area in each cell of a lattice: share / area.

    lattice: (L, L, 2), the images of a grid's crossings; the cells are taken as quadrilaterals.
    share: probability of each cell. Returns (L - 1, L - 1). A cell that is folded to a line is
    infinitely thick.
    """
    across = lattice[1:, 1:] - lattice[:-1, :-1]  # the two diagonals of each cell
    against = lattice[:-1, 1:] - lattice[1:, :-1]
    area = (across[..., 0] * against[..., 1] - across[..., 1] * against[..., 0]).abs() / 2
    return share / area


class Networks(Protocol):
    """What `Looks` needs of a trainer: both networks, and how much they have been shown."""

    generator: nn.Module
    critic: nn.Module
    shown: int


@dataclass
class Looks:
    """Keeps the views of each moment that it is called at: `train(..., on_tick=looks)`."""

    viewer: Viewer
    frames: list[Views] = field(default_factory=list)

    def __call__(self, trainer: Networks) -> None:
        """Look at the networks of a trainer as they are now, and keep what is seen."""
        self.frames.append(self.viewer.look(trainer.generator, trainer.critic, trainer.shown))

    @property
    def divergences(self) -> tuple[list[int], list[float]]:
        """Images shown, and the divergence at each of these moments."""
        return [f.shown for f in self.frames], [f.divergence for f in self.frames]
