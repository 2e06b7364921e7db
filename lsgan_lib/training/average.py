"""The exponential moving average of the generator, which is what samples are drawn from.

A GAN's generator circles around its goal. The average of its recent weights lies nearer to it.
"""

import torch
from torch import nn


@torch.no_grad()
def update_average(average: nn.Module, generator: nn.Module, keep: float) -> None:
    """average <- keep * average + (1 - keep) * generator, in place.

    BatchNorm's running means and variances are averaged in the same way: they describe the
    activations that the raw weights make, and averaged weights make averaged activations. Integer
    buffers (the count of batches) are copied.
    """
    old = [*average.parameters(), *average.buffers()]
    new = [*generator.parameters(), *generator.buffers()]
    smooth = [(o, n) for o, n in zip(old, new, strict=True) if o.is_floating_point()]
    counts = [(o, n) for o, n in zip(old, new, strict=True) if not o.is_floating_point()]
    torch._foreach_lerp_([o for o, _ in smooth], [n for _, n in smooth], 1 - keep)
    if counts:
        torch._foreach_copy_([o for o, _ in counts], [n for _, n in counts])


def keep_factor(batch: int, shown: int, half_life: int, ramp: float) -> float:
    """Share of the old average that a step of `batch` images keeps, after `shown` images.

        keep = (1/2)^(batch / h),  h = min(half_life, ramp * shown)

    With a half-life in images the batch size changes nothing. The ramp shortens the memory at the
    start, when weights of a minute ago are worth nothing: h grows with the run until half_life.
    """
    h = min(half_life, ramp * shown)
    return 0.5 ** (batch / h) if h > 0 else 0.0
