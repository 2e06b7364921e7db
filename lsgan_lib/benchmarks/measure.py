"""Time a recipe's training step in several ways, and the plain loop's beside them.

The ways take turns: a turn each, round after round. So whatever else the machine does meanwhile
disturbs all of them alike, and a speed-up is a median of what was measured side by side.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

import torch

from lsgan_lib.benchmarks.kernels import Counts, count_kernels
from lsgan_lib.benchmarks.machine_limit import Rates, count_products, limit_seconds, update_bytes
from lsgan_lib.benchmarks.memory import peak_on_cpu, peak_on_gpu
from lsgan_lib.benchmarks.steps import PLAIN, MakeStep, Way, begin, image_networks
from lsgan_lib.errors import BookError, first_line
from lsgan_lib.training.recipe import Recipe
from lsgan_lib.training.where import wait_for

_WARM_UP_CPU = 2
_WARM_UP_GPU = 10  # libraries try several kernels, and a graph is captured


@dataclass(frozen=True)
class Row:
    """What was measured of one way to train one recipe. None: not measured, or not possible."""

    recipe: str
    """name of the recipe"""
    batch_size: int
    """images a step"""
    width: float
    """multiplier of the networks' channels; 1 is as published"""
    engine: str
    """plain (the loop of benchmarks.plain), eager or graph"""
    precision: str
    """fp32, tf32 or bf16; the plain loop has what torch does unasked, on a GPU tf32 convolutions"""
    error: str | None = None
    """why nothing was measured"""
    images_per_second: float | None = None
    """of the median step"""
    ms_per_step: float | None = None
    """milliseconds: the median of the rounds' means"""
    ms_lowest: float | None = None
    """mean of the fastest round"""
    ms_highest: float | None = None
    """mean of the slowest round"""
    speed_up: float | None = None
    """median of the plain loop over this median"""
    speed_up_lowest: float | None = None
    """lowest of the rounds' ratios"""
    speed_up_highest: float | None = None
    """highest of the rounds' ratios"""
    rounds: int = 0
    """turns that were timed"""
    steps: int = 0
    """steps in each of them"""
    peak_memory: int | None = None
    """bytes that the training adds at its peak (benchmarks.memory)"""
    kernels: float | None = None
    """GPU: kernels a step, copies and fills of memory included"""
    launches: float | None = None
    """GPU: what the CPU asks for in a step"""
    waits: float | None = None
    """GPU: times in a step that the CPU waits for it"""
    products: int | None = None
    """multiply-adds an image, of convolutions and matrix products"""
    limit_ms: float | None = None
    """milliseconds that the machine needs at least for a step (benchmarks.machine_limit)"""
    share_of_limit: float | None = None
    """limit_ms over ms_per_step"""
    limit_products: float | None = None
    """multiply-adds a second of the best matrix product in this precision"""
    limit_bytes: float | None = None
    """bytes a second of the best copy in memory"""


def measure(
    name: str,
    recipe: Recipe,
    ways: Sequence[Way],
    device: torch.device,
    rates: Rates,
    *,
    rounds: int = 5,
    seconds: float = 2.0,
    on_turn: Callable[[str], object] = lambda what: None,
) -> list[Row]:
    """Rows of the plain loop and of each way; a way that fails has a row that says why.

    seconds: length of a turn, at least one step. on_turn: called before each, with what it does.
    """
    width = image_networks(recipe).width
    rows: dict[Way, Row] = {}
    steps: dict[Way, MakeStep] = {}
    for way in (PLAIN, *ways):
        on_turn(f"{name}: {way}")
        rows[way] = Row(name, recipe.batch_size, width, way.engine, way.precision)
        try:
            steps[way], rows[way] = _begun(rows[way], recipe, way, device, rates)
        except (BookError, RuntimeError, OSError) as error:
            rows[way] = replace(rows[way], error=first_line(error, 300))
    counts = {way: _steps_in(seconds, steps[way], device) for way in steps}
    times: dict[Way, list[float]] = {way: [] for way in steps}
    for number in range(rounds):
        for way, step in steps.items():
            on_turn(f"{name}: {way}, round {number + 1}")
            times[way].append(_seconds_per_step(step, counts[way], device))
    for way, taken in times.items():
        rows[way] = timed(replace(rows[way], steps=counts[way]), recipe, taken, times.get(PLAIN))
    return list(rows.values())


def _begun(
    row: Row, recipe: Recipe, way: Way, device: torch.device, rates: Rates
) -> tuple[MakeStep, Row]:
    """A training whose first steps are made, and what is known of it before any time is taken."""
    cuda = device.type == "cuda"
    peak = peak_on_gpu(recipe, way, device) if cuda else peak_on_cpu(recipe, way)
    step = begin(recipe, way, device)
    for _ in range(_WARM_UP_GPU if cuda else _WARM_UP_CPU):
        step()
    counts = count_kernels(step, device) if cuda else Counts()
    products = _products_per_image(recipe, way)
    shown = recipe.critic_steps * recipe.batch_size
    limit = limit_seconds(rates, way.precision, products * shown, update_bytes(recipe))
    return step, replace(
        row,
        peak_memory=peak,
        kernels=counts.kernels,
        launches=counts.launches,
        waits=counts.waits,
        products=products,
        limit_ms=1e3 * limit,
        limit_products=rates.product_rate(way.precision),
        limit_bytes=rates.copied,
    )


def _products_per_image(recipe: Recipe, way: Way) -> int:
    """Counted in a step of two images on the CPU: all layers cost the same for every image."""
    small = replace(recipe, batch_size=2)
    engine: Literal["plain", "eager"] = "plain" if way == PLAIN else "eager"
    products = count_products(begin(small, Way(engine, "fp32"), torch.device("cpu")))
    return products // (2 * recipe.critic_steps)


def _steps_in(seconds: float, step: MakeStep, device: torch.device) -> int:
    """How many steps fit into so many seconds, at least one."""
    return max(1, round(seconds / _seconds_per_step(step, 1, device)))


def _seconds_per_step(step: MakeStep, steps: int, device: torch.device) -> float:
    """Mean over several steps; a GPU is waited for before and after, not between."""
    wait_for(device)
    begun = time.perf_counter()
    for _ in range(steps):
        step()
    wait_for(device)
    return (time.perf_counter() - begun) / steps


def timed(row: Row, recipe: Recipe, taken: list[float], plain: list[float] | None) -> Row:
    """The row with its times: seconds a step in each round, and the plain loop's in the same."""
    middle = median(taken)
    row = replace(
        row,
        images_per_second=recipe.critic_steps * recipe.batch_size / middle,
        ms_per_step=1e3 * middle,
        ms_lowest=1e3 * min(taken),
        ms_highest=1e3 * max(taken),
        rounds=len(taken),
    )
    if row.limit_ms is not None:
        row = replace(row, share_of_limit=row.limit_ms / (1e3 * middle))
    if plain is not None:
        ratios = [theirs / ours for theirs, ours in zip(plain, taken, strict=True)]
        row = replace(
            row,
            speed_up=median(plain) / middle,
            speed_up_lowest=min(ratios),
            speed_up_highest=max(ratios),
        )
    return row
