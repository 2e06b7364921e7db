"""In which precision the networks compute.

fp32   float32 throughout; on a GPU with the plain float32 units
tf32   GPU only: float32 whose products are rounded to 10 bits, on the matrix units
bf16   convolutions and linear layers on bfloat16 inputs (8 bits), sums in float32

Always float32, whatever is chosen: weights and their optimisers, BatchNorm's statistics, the
critic's last layer (`lsgan_lib.networks.chain`), the losses, and any penalty that takes the
difference of two scores (`lsgan_lib.losses.penalties`). A penalty on the exact gradient follows the
choice: there bfloat16 rounds each factor by at most 0.4 percent, which moves the penalty's own
gradient by less than three percent, and far less than another batch does (tested). bfloat16 has
float32's range, so no loss needs scaling; float16 would need it, and is not offered.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal, get_args

import torch

from lsgan_lib.errors import BookError

Precision = Literal["fp32", "tf32", "bf16"]


def precisions(device: torch.device) -> tuple[Precision, ...]:
    """Those that the device can compute in, the exact one first."""
    return get_args(Precision) if device.type == "cuda" else ("fp32", "bf16")


def check_precision(precision: str, device: torch.device) -> None:
    """Raise BookError for a precision that the device does not have."""
    if precision not in precisions(device):
        raise BookError(
            f"precision {precision} is not for the device {device.type}: choose "
            f"{' or '.join(precisions(device))}, or auto to let a short measurement decide."
        )


@contextmanager
def float32_products(precision: Precision, device: torch.device) -> Iterator[None]:
    """How a GPU multiplies float32 numbers within the block; nothing to set elsewhere."""
    if device.type != "cuda":
        yield
        return
    kinds: list[Any] = [torch.backends.cuda.matmul, torch.backends.cudnn.conv]  # type: ignore
    before = [kind.fp32_precision for kind in kinds]
    try:
        for kind in kinds:
            kind.fp32_precision = "tf32" if precision == "tf32" else "ieee"
        yield
    finally:
        for kind, old in zip(kinds, before, strict=True):
            kind.fp32_precision = old


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """The block in which networks run forward. Give each forward pass of a network its own.

    Within one block torch keeps the rounded copy of a weight, and hands a copy that was made
    without gradients to a pass that needs them.
    """
    if precision != "bf16":
        return nullcontext()
    # A CUDA graph must round the weights anew at each replay, so it cannot keep copies.
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=device.type != "cuda")
