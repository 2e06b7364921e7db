"""One step on two points, worked out by hand, for every loop, engine and precision.

All real images are the one pixel x = 1, and the generator makes the one pixel y, whatever the
noise. The critic is the straight line D(x) = w x + v. So every gradient is a number on paper, and
since Adam's first step is its learning rate times the gradient's sign, so are the critic's weights
when the generator's turn comes. All numbers are sums of few powers of two: bfloat16 holds them.
"""

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lsgan_lib.benchmarks.plain import PlainLoop
from lsgan_lib.data.batches import Batches
from lsgan_lib.draws import Draws
from lsgan_lib.losses.objectives import (
    CrossEntropy,
    LeastSquares,
    LossSensitive,
    Penalty,
    Wasserstein,
)
from lsgan_lib.networks.chain import scores
from lsgan_lib.training import Recipe, Trainer

X, Y, W, V, RATE = 1.0, -0.5, 0.5, 0.25, 2**-4


class Point(nn.Module):
    """A generator that makes one pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.y = nn.Parameter(torch.tensor(Y))

    def forward(self, z: Tensor) -> Tensor:
        return self.y.expand(len(z), 1, 1, 1)


class Line(nn.Module):
    """A critic that is a line; `straight` tells whether it says so."""

    def __init__(self, straight: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(1, 1))
        nn.init.constant_(self.layers[1].weight, W)
        nn.init.constant_(self.layers[1].bias, V)
        if straight:
            self.chain = self.layers

    def forward(self, x: Tensor) -> Tensor:
        return scores(self.layers, x)


@dataclass(frozen=True)
class TwoPoints:
    """The two, in the place of a recipe's networks."""

    straight: bool
    z_dim: int = 3

    def generator(self, random: torch.Generator) -> Point:
        return Point()

    def critic(self, random: torch.Generator) -> Line:
        return Line(self.straight)


def sigmoid(s: float) -> float:
    return torch.tensor(s).sigmoid().item()


# Objective, gradient by w and v in the critic's turn, and by y in the generator's, given the
# critic's weights then. The margin is 1/4 |x - y| = 0.375; the hinge 0.375 + D(x) - D(y) is active.
CASES: dict[str, Any] = {
    "least squares": (
        LeastSquares(),
        (W * X + V - 1) * X + (W * Y + V) * Y,
        (W * X + V - 1) + (W * Y + V),
        lambda w, v: (w * Y + v - 1) * w,
    ),
    "least squares (-1, 1, 0), squared slope": (
        LeastSquares(-1, 1, 0, penalty=Penalty(weight=2.0, power=2)),
        (W * X + V - 1) * X + (W * Y + V + 1) * Y + 2 * 2 * W,
        (W * X + V - 1) + (W * Y + V + 1),
        lambda w, v: (w * Y + v) * w,
    ),
    "loss-sensitive": (
        LossSensitive(margin_scale=0.25, penalty=None),
        X - Y,
        0.0,
        lambda w, v: w,
    ),
    "loss-sensitive, slope": (
        LossSensitive(margin_scale=0.25, penalty=Penalty(weight=0.5)),
        X - Y + 0.5,
        0.0,
        lambda w, v: w,
    ),
    "loss-sensitive, slope by the pixel": (
        LossSensitive(margin_scale=0.25, penalty=Penalty(weight=0.5, reduce="pixel")),
        X - Y + 0.5,
        0.0,
        lambda w, v: w,
    ),
    "loss-sensitive, hinge at rest": (
        LossSensitive(margin_scale=0.25, slope=0.25, real_weight=1.0, penalty=None),
        (X - Y) + X,
        1.0,
        lambda w, v: w,
    ),
    "wasserstein": (
        Wasserstein(penalty=Penalty(kind="interpolates", weight=4.0)),
        Y - X + 4 * 2 * (W - 1),
        0.0,
        lambda w, v: -w,
    ),
    "cross-entropy": (
        CrossEntropy(),
        -(1 - sigmoid(W * X + V)) * X + sigmoid(W * Y + V) * Y,
        -(1 - sigmoid(W * X + V)) + sigmoid(W * Y + V),
        lambda w, v: -(1 - sigmoid(w * Y + v)) * w,
    ),
}


def by_trainer(recipe: Recipe, images: Tensor, device: str = "cpu", fixed=False, **how) -> Any:
    stream = Batches(images, recipe.batch_size, seed=0, device=device)
    trainer = Trainer(recipe, stream, device, **how)
    if fixed:  # what the graph engine reads from, on a device that has no graphs
        trainer.draws = Draws(fixed=True)
    return trainer


def by_plain_loop(recipe: Recipe, images: Tensor) -> Any:
    return PlainLoop(recipe, images)


no_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
LOOPS = {
    "eager, fp32": by_trainer,
    "eager, bf16": lambda r, x: by_trainer(r, x, precision="bf16"),
    "fixed draws, fp32": lambda r, x: by_trainer(r, x, fixed=True),
    "plain loop": by_plain_loop,
}
ON_GPU = {
    f"{engine}, {precision}": (engine, precision)
    for engine in ("eager", "graph")
    for precision in ("fp32", "tf32", "bf16")
}


def check(loop: Any, case: str) -> None:
    """Step, and look at the gradients with which each optimiser moves."""
    _, by_w, by_v, by_y = CASES[case]
    linear, y = loop.critic.layers[1], loop.generator.y
    seen: dict[str, float] = {}

    def note(optimiser: torch.optim.Optimizer, *_: object) -> None:
        (group,) = optimiser.param_groups
        for parameter, name in ((linear.weight, "w"), (linear.bias, "v"), (y, "y")):
            if any(parameter is p for p in group["params"]):
                seen[name] = 0.0 if parameter.grad is None else parameter.grad.item()

    for optimiser in (loop.critic_optimiser, loop.generator_optimiser):
        optimiser.register_step_pre_hook(note)
    loop.step()
    assert (seen["w"], seen["v"]) == pytest.approx((by_w, by_v), abs=1e-6)
    moved = [start - RATE * (gradient > 0) + RATE * (gradient < 0) for start, gradient in
             ((W, by_w), (V, by_v))]  # fmt: skip
    assert (linear.weight.item(), linear.bias.item()) == pytest.approx(moved, abs=1e-6)
    assert seen["y"] == pytest.approx(by_y(*moved), abs=1e-6)


def setting(case: str, straight: bool) -> tuple[Recipe, Tensor]:
    recipe = Recipe(
        networks=TwoPoints(straight),  # type: ignore[arg-type]
        objective=CASES[case][0],
        batch_size=4,
        images=400,
        tick=4_000,
        critic_lr=RATE,
        generator_lr=RATE,
        average_half_life=100,
    )
    return recipe, torch.full((8, 1, 1, 1), 255, dtype=torch.uint8)


@pytest.mark.parametrize("straight", [True, False], ids=["straight", "automatic"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("loop", LOOPS)
def test_a_step_on_two_points_is_the_one_on_paper(loop: str, case: str, straight: bool) -> None:
    check(LOOPS[loop](*setting(case, straight)), case)


@no_gpu
@pytest.mark.parametrize("straight", [True, False], ids=["straight", "automatic"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("how", ON_GPU)
def test_so_it_is_on_a_gpu(how: str, case: str, straight: bool) -> None:
    engine, precision = ON_GPU[how]
    recipe, images = setting(case, straight)
    check(by_trainer(recipe, images, "cuda", engine=engine, precision=precision), case)


@no_gpu
@pytest.mark.parametrize("case", CASES)
def test_the_steps_after_a_capture_are_those_without(case: str) -> None:
    """Ten steps, of which seven are replayed."""
    recipe, images = setting(case, True)
    recipe = replace(recipe, tick=10**6)
    ends = []
    for engine in ("eager", "graph"):
        trainer = Trainer(recipe, Batches(images, 4, seed=0, device="cuda"), "cuda", engine=engine)
        for _ in range(10):
            trainer.step()
        ends.append([p.detach().cpu() for p in trainer.average.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))
