"""What every loss refuses, so that a wrong shape ends in a sentence instead of a wrong number."""

import math

from torch import Tensor


def check_scores(**scores: Tensor) -> None:
    """Refuse scores that are not one number per sample.

    A critic whose last layer is a convolution returns (N, 1, 1, 1). Subtracting such a tensor from
    one of shape (N,) broadcasts to N x N numbers without any error: the bug of one of the two seed
    implementations (chapter 08). Raises ValueError naming the tensor and the cure.
    """
    for name, score in scores.items():
        if score.ndim != 1:
            raise ValueError(
                f"{name} must hold one score per sample, shape (N,), but has shape "
                f"{tuple(score.shape)}. Flatten it first: {name}.flatten()."
            )
        if score.shape[0] == 0:
            raise ValueError(f"{name} is empty: a loss needs at least one sample.")


def check_pairs(**tensors: Tensor) -> None:
    """Refuse tensors that are not paired row by row; raises ValueError."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(
            f"row i of each tensor is one pair, so all must have one shape, got {listed}. "
            "Draw as many fake samples as there are real ones."
        )


def check_images(**images: Tensor) -> None:
    """Refuse batches that are empty, have no batch dimension, or are not floating point."""
    for name, batch in images.items():
        if batch.ndim < 2 or batch.shape[0] == 0:
            raise ValueError(
                f"{name} must be a batch, shape (N, ...) with N >= 1, but has shape "
                f"{tuple(batch.shape)}. Add the batch dimension: {name}[None]."
            )
        if not batch.is_floating_point():
            raise ValueError(
                f"{name} must be floating point (images in [-1, 1]), not {batch.dtype}: "
                "uint8 pixels would wrap around when they are subtracted."
            )


def check_settings(**settings: float) -> None:
    """Refuse settings that are not finite numbers; raises ValueError naming the setting."""
    for name, value in settings.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be a finite number, not {value!r}.")


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Refuse a named option that does not exist; raises ValueError listing those that do."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}.")
