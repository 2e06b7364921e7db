"""The width multiplier, and the settings that every family refuses."""

import math


def scaled(features: int, width: float) -> int:
    """Number of channels at this width, at least 4 so that no layer becomes a bottleneck of one."""
    return max(4, round(features * width))


def check_positive(**settings: float) -> None:
    """Refuse settings that are not positive, finite numbers; raises ValueError naming them."""
    for name, value in settings.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a positive number, not {value!r}.")
