"""What this machine could do at best: its measured rates, and the time they leave for a step.

    limit of a step = products / rate of matrix products + bytes of its updates / rate of copying

Nearly all arithmetic of a step is in convolutions and linear layers. Their products are counted as
they run; those with the zeros of a padding are included, as a matrix product makes them too. The
updates of weights and average are pure traffic. Activations, losses, BatchNorm and the launching of
kernels count as nothing, so no loop comes near the limit: it says what is left, not what is wrong.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from lsgan_lib.training.precision import Precision, float32_products
from lsgan_lib.training.recipe import Recipe

_ROWS = {"cuda": (2048, 4096, 8192), "cpu": (512, 1024, 2048)}  # of square matrices
_COPIED = (2**24, 2**26, 2**28)  # bytes
_SECONDS = 0.2  # for each size that is tried


@dataclass(frozen=True)
class Rates:
    """What was measured on one device, with the threads that torch had."""

    products: dict[Precision, float]
    """multiply-adds a second in a matrix product, for each precision"""
    copied: float
    """bytes a second in a copy within memory, those read and those written"""

    def product_rate(self, precision: Precision) -> float:
        """That of the precision, or of fp32 where the short one is slower."""
        return max(self.products[precision], self.products["fp32"])


def measure_rates(device: torch.device, precisions: Iterable[Precision]) -> Rates:
    """The best rates over several sizes; takes about a second a precision."""
    return Rates({p: _product_rate(device, p) for p in precisions}, _copy_rate(device))


def _product_rate(device: torch.device, precision: Precision) -> float:
    rates = []
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    for size in _ROWS["cuda" if device.type == "cuda" else "cpu"]:
        a, b = (torch.rand(size, size, device=device).to(dtype) for _ in range(2))
        with float32_products(precision, device):
            rates.append(size**3 / _shortest(torch.mm, a, b))
    return max(rates)


def _copy_rate(device: torch.device) -> float:
    rates = []
    for size in _COPIED:
        a, b = (torch.zeros(size, dtype=torch.uint8, device=device) for _ in range(2))
        rates.append(2 * size / _shortest(torch.Tensor.copy_, a, b))
    return max(rates)


def _shortest(work: Callable[[torch.Tensor, torch.Tensor], Any], *on: torch.Tensor) -> float:
    """Seconds of the fastest of several calls, the first one left out."""
    cuda = on[0].device.type == "cuda"
    times: list[float] = []
    end = time.perf_counter() + _SECONDS
    while len(times) < 3 or time.perf_counter() < end:
        begun = time.perf_counter()
        work(*on)
        if cuda:
            torch.cuda.synchronize(on[0].device)
        times.append(time.perf_counter() - begun)
    return min(times[1:])


class _Counter(TorchDispatchMode):
    """Adds up torch's own formulas for the operations that run.

    torch.utils.flop_counter.FlopCounterMode would do, but in some versions it refuses a module
    whose gradient is taken by `torch.autograd.grad`, and that is what a slope penalty does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.operations += formula(*args, **kwargs, out_val=result)
        return result


def count_products(step: Callable[[], object]) -> int:
    """Multiply-adds of the convolutions and matrix products in one call of `step`."""
    with _Counter() as counter:
        step()
    return counter.operations // 2  # a product and a sum each


def update_bytes(recipe: Recipe) -> int:
    """Bytes that the updates of one step read and write at least, in float32.

    Adam reads weight, gradient and two means, and writes all but the gradient; RMSprop has one mean
    less. The average reads two weights and writes one.
    """
    random = torch.Generator()
    critic, generator = (
        sum(p.numel() for p in network.parameters())
        for network in (recipe.networks.critic(random), recipe.networks.generator(random))
    )
    numbers = {"adam": 7, "rmsprop": 5}[recipe.optimiser]
    moved = recipe.critic_steps * critic + recipe.generator_steps * generator
    return 4 * (numbers * moved + 3 * generator)


def limit_seconds(rates: Rates, precision: Precision, products: int, update: int) -> float:
    """The shortest time in which the machine could do so many products and move so many bytes."""
    return products / rates.product_rate(precision) + update / rates.copied
