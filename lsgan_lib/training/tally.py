"""Sums of what a step tells, kept on the device: reading a number would make the step wait."""

from typing import Any

import torch
from torch import Tensor

from lsgan_lib.training.processes import World


class Step:
    """The scalars of one step: losses, scores, gradient norms."""

    def __init__(self) -> None:
        self._values: dict[str, list[Tensor]] = {}

    @property
    def names(self) -> list[str]:
        """What was noted so far."""
        return list(self._values)

    def log(self, **values: Tensor) -> None:
        """Note values without their gradients; a name may come more than once."""
        for name, value in values.items():
            self._values.setdefault(name, []).append(value.detach())

    def close(self) -> "Step":
        """Put the sums of all names into one vector."""
        self.counts = [len(values) for values in self._values.values()]
        self.sums = torch.stack([torch.stack(v).sum() for v in self._values.values()])
        return self


class Tally:
    """Sums over a tick, and where a value was first not finite."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.clear()

    def clear(self) -> None:
        """Begin a tick."""
        self.names: list[str] = []
        self.counts: list[int] = []
        self.sums = torch.zeros(0, device=self.device)
        self.first_bad = torch.zeros(0, dtype=torch.int64, device=self.device)

    def add(self, step: Step, shown: int) -> None:
        """Add a step that began after `shown` images; no value is read."""
        if not self.names:
            self.names, self.counts = step.names, [0] * len(step.names)
            self.sums = torch.zeros_like(step.sums)
            self.first_bad = torch.full_like(step.sums, -1, dtype=torch.int64)
        if self.names != step.names:
            raise RuntimeError(f"a tick of {self.names} cannot go on with a step of {step.names}.")
        self.counts = [old + new for old, new in zip(self.counts, step.counts, strict=True)]
        self.sums += step.sums
        keep = torch.isfinite(step.sums) | (self.first_bad >= 0)
        self.first_bad = torch.where(keep, self.first_bad, shown)

    def means(self, world: World) -> dict[str, float]:
        """Mean of each name since the tick began, over all processes."""
        if not self.names:
            return {}
        counts = torch.tensor(self.counts, dtype=self.sums.dtype)
        means = world.mean_(self.sums).cpu() / counts
        return dict(zip(self.names, means.tolist(), strict=True))

    def not_finite(self) -> tuple[str, int] | None:
        """Name of the value that first was not finite, and the images shown before that step."""
        steps = zip(self.first_bad.tolist(), self.names, strict=True)
        bad = [(at, name) for at, name in steps if at >= 0]
        if not bad:
            return None
        first = min(at for at, _ in bad)
        return next(name for at, name in bad if at == first), first

    def state_dict(self) -> dict[str, Any]:
        """Everything, as tensors and plain values."""
        return {
            "names": self.names,
            "sums": self.sums,
            "counts": self.counts,
            "first_bad": self.first_bad,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`, from any device."""
        self.names, self.counts = list(state["names"]), list(state["counts"])
        self.sums = state["sums"].to(self.device)
        self.first_bad = state["first_bad"].to(self.device)
