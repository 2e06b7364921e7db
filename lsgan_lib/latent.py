"""The noise that generators start from, and what they make of it: draw, walk, lay a grid, invert.

Two kinds of noise: uniform on [-1, 1] in every coordinate (the Least Squares GAN and its seed), and
standard normal (the seed of the Loss-Sensitive GAN).
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from lsgan_lib.draws import Draws, Random
from lsgan_lib.losses.checks import check_choice

Noise = Literal["uniform", "normal"]
Way = Literal["lerp", "slerp", "distribution_preserving"]
Watch = Callable[[int, Tensor, Tensor], bool | None]
"""Told of each step of a search: its number, the best noise so far (N, z_dim), its errors (N,).
The search ends there when it answers True."""


def draw(
    count: int,
    z_dim: int,
    kind: Noise = "uniform",
    random: Random | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """`count` independent noise vectors, (count, z_dim). random lives on the same device."""
    check_choice("kind", kind, ("uniform", "normal"))
    if isinstance(random, Draws):
        shape = (count, z_dim)
        return random.uniform(shape) * 2 - 1 if kind == "uniform" else random.normal(shape)
    where = random.device if random is not None and device is None else device
    z = torch.empty(count, z_dim, device=where)
    return z.uniform_(-1, 1, generator=random) if kind == "uniform" else z.normal_(generator=random)


@torch.no_grad()
def images_of(generator: nn.Module, z: Tensor, *, chunk: int = 500) -> Tensor:
    """What a generator makes of noise: one image a row of z (N, z_dim), on the CPU.

    chunk: images made at once, so that thousands fit everywhere. Raises ValueError for a generator
    in training mode, whose BatchNorm would let each image depend on the others.
    """
    if generator.training:
        raise ValueError("the generator is in training mode; call generator.eval() first")
    device = next(generator.parameters()).device
    return torch.cat([generator(piece) for piece in z.to(device).split(chunk)]).cpu()


def invert(
    generator: nn.Module,
    images: Tensor,
    z_dim: int,
    *,
    kind: Noise = "uniform",
    steps: int = 200,
    starts: int = 4,
    lr: float = 0.1,
    random: Random | None = None,
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """The noise whose image comes closest to each image, as far as a search finds it.

        min_z  sqrt( mean_j (G(z)_j - x_j)^2 )

    Adam, with a step size that falls to 0, from `starts` random draws an image; the best place that
    any of them passed is kept. So the error is an upper bound of the minimum: more steps or starts
    can only lower it. Uniform noise is kept within [-1, 1], where the generator was trained;
    normal noise is free.

    images: float (N, ...), shaped as the generator makes them. watch: told of each step, and may
    stop the search. Returns z (N, z_dim) and the errors (N,), in the unit of
    `lsgan_lib.evaluation.neighbours.nearest`. Their mean is the *minimum reconstruction error* by
    which later versions of arXiv 1701.06264 compare methods. Chapters 10 and 13.
    Raises ValueError for a generator in training mode.
    """
    if generator.training:
        raise ValueError("the generator is in training mode; call generator.eval() first")
    count = len(images)
    wanted = images.repeat_interleave(starts, dim=0)
    z = draw(count * starts, z_dim, kind, random, device=images.device).requires_grad_(True)
    adam = torch.optim.Adam([z], lr=lr)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    best, error = z.detach().clone(), torch.full((count * starts,), torch.inf, device=z.device)
    rows = torch.arange(count, device=z.device)

    def best_start() -> tuple[Tensor, Tensor]:
        least, winner = error.view(count, starts).min(dim=1)
        return best.view(count, starts, z_dim)[rows, winner], least.sqrt()

    for step in range(steps + 1):
        squares = (generator(z) - wanted).square().flatten(1).mean(dim=1)
        better = squares.detach() < error
        best = torch.where(better[:, None], z.detach(), best)
        error = torch.minimum(error, squares.detach())
        told_to_stop = watch is not None and watch(step, *best_start())
        if told_to_stop or step == steps:
            break
        # A sum: each row's gradient is that of its own error.
        (z.grad,) = torch.autograd.grad(squares.sum(), z)
        adam.step()
        fall.step()
        if kind == "uniform":
            with torch.no_grad():
                z.clamp_(-1, 1)
    return best_start()


def lerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Straight line (1 - t) a + t b; t = 0 is a, t = 1 is b, exactly.

    a, b: (..., z_dim). t: a number, or (T, 1) to broadcast against a and b.
    Between two independent draws the line passes closer to the origin than the draws lie: at
    t = 1/2 the mean square of a coordinate is half of what it is at the ends (chapter 13).
    """
    return (1 - t) * a + t * b


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Great circle from a to b; where their lengths differ, the length goes linearly.

        direction  sin((1-t) w)/sin(w) a/|a| + sin(t w)/sin(w) b/|b|,  w the angle between them
        length     (1-t) |a| + t |b|

    White 2016, arXiv 1609.04468. Suits normal noise, whose draws lie near a sphere; uniform noise
    has no sphere. Falls back to `lerp` where a and b are (anti)parallel or zero.
    """
    length_a, length_b = a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True)
    unit_a = a / length_a.clamp_min(1e-12)
    unit_b = b / length_b.clamp_min(1e-12)
    # Not the arccos of their product: near 0 and pi it loses half of the digits.
    apart = (unit_a - unit_b).norm(dim=-1, keepdim=True)
    together = (unit_a + unit_b).norm(dim=-1, keepdim=True)
    angle = 2 * torch.atan2(apart, together)
    sine = angle.sin()
    safe = sine.clamp_min(1e-6)
    weight_a, weight_b = ((1 - t) * angle).sin() / safe, (t * angle).sin() / safe
    arc = (weight_a * unit_a + weight_b * unit_b) * lerp(length_a, length_b, t)
    no_circle = (sine < 1e-5) | (length_a == 0) | (length_b == 0)
    return torch.where(no_circle, lerp(a, b, t), arc)


def distribution_preserving(
    a: Tensor, b: Tensor, t: float | Tensor, kind: Noise = "uniform"
) -> Tensor:
    """The straight line, moved so that each point of it is again distributed like the noise.

    Coordinate by coordinate, the point of the line goes through its own distribution function and
    back through the noise's (the optimal transport map; Agustsson et al., ICLR 2019, arXiv
    1711.01970). For normal noise that is division by sqrt((1-t)^2 + t^2). For uniform noise the
    line's density is a trapezium. Reaches a at t = 0 and b at t = 1. a, b, t as in `lerp`.
    """
    check_choice("kind", kind, ("uniform", "normal"))
    t = torch.as_tensor(t, dtype=a.dtype, device=a.device)
    line = lerp(a, b, t)
    if kind == "normal":
        return line / ((1 - t).square() + t.square()).sqrt()
    # (1-t) a + t b with a, b ~ U[-1, 1]: density flat up to |x| = flat, then falling to 0 at 1.
    short = torch.minimum(t, 1 - t)
    long = 1 - short
    flat = long - short
    x = line.abs()
    inner = x / long
    # P(|line| <= x): beyond the flat part, one less the two corner triangles.
    outer = 1 - (1 - x).clamp_min(0).square() / (4 * short * long).clamp_min(1e-12)
    return torch.where(x <= flat, inner, outer).clamp(0, 1) * line.sign()


def path(a: Tensor, b: Tensor, steps: int, way: Way = "lerp", kind: Noise = "uniform") -> Tensor:
    """`steps` points from a to b, both ends included: (z_dim,) -> (steps, z_dim).

    a and b of shape (M, z_dim) give (M, steps, z_dim), one path a row. Raises ValueError for fewer
    than two steps or another way.
    """
    check_choice("way", way, ("lerp", "slerp", "distribution_preserving"))
    if steps < 2:
        raise ValueError(f"a path needs at least its two ends, not {steps} steps.")
    t = torch.linspace(0, 1, steps, dtype=a.dtype, device=a.device)[:, None]
    walks: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
        "lerp": lerp,
        "slerp": slerp,
        "distribution_preserving": lambda a, b, t: distribution_preserving(a, b, t, kind),
    }
    return walks[way](a.unsqueeze(-2), b.unsqueeze(-2), t)


def manifold_grid(rows: int = 20, columns: int = 20, *, kind: Noise = "uniform") -> Tensor:
    """Noise on a regular grid of the plane, row by row: (rows * columns, 2).

    Left to right the first coordinate rises, top to bottom the second falls, as on paper. Uniform
    noise: from -1 to 1. Normal noise: from the 2.5 % to the 97.5 % quantile, evenly in
    probability. For generators with z_dim 2.
    """
    check_choice("kind", kind, ("uniform", "normal"))
    if rows < 2 or columns < 2:
        raise ValueError(f"a grid needs two rows and two columns, not {rows} x {columns}.")
    x, y = torch.linspace(-1, 1, columns), torch.linspace(1, -1, rows)
    if kind == "normal":
        x, y = (torch.special.ndtri(0.5 + 0.475 * line) for line in (x, y))
    return torch.stack([x.repeat(rows), y.repeat_interleave(columns)], dim=1)
