"""A watch on a run: it names what went wrong, and where, before the state is saved over.

Three things are looked for at the end of each tick, since between two nothing is read from the
device:

not finite   a loss, score or gradient was infinite or not a number; the step is known exactly
saturated    the generator's gradient is less than a hundred-thousandth of what it once was, five
             ticks long: the critic is so sure that it teaches nothing
collapsed    samples of the fixed noise differ from each other by less than a fiftieth of what the
             data do, five ticks long, after they once differed by more than twice that
"""

from dataclasses import asdict, dataclass
from typing import Any

_SATURATED = 1e-5
_COLLAPSED = 0.02
_PATIENCE = 5


@dataclass(frozen=True)
class Trouble:
    """What the watch saw, as a clause without a full stop."""

    sentence: str
    fatal: bool = False
    """the weights are spoilt: there is nothing to go on with"""

    def __str__(self) -> str:
        return self.sentence


@dataclass
class Watch:
    """Counters of the watch, part of a run's state so that a resumed run is watched alike."""

    most_gradient: float = 0.0
    most_spread: float = 0.0
    saturated: int = 0
    collapsed: int = 0

    def finite(self, not_finite: tuple[str, int] | None) -> Trouble | None:
        """The trouble of values that are not finite.

        not_finite: the name of the first one, and the images shown before its step.
        """
        if not_finite is None:
            return None
        name, shown = not_finite
        told = name.replace("_", " ")
        return Trouble(f"{told} was not finite in the step after {shown:,} images", fatal=True)

    def look(
        self, row: dict[str, float], not_finite: tuple[str, int] | None = None
    ) -> Trouble | None:
        """The trouble that a tick shows, if any.

        row: the tick's means, and "spread": that of the samples as a share of the data's.
        """
        if not_finite is not None:
            return self.finite(not_finite)
        gradient, images, spread = row["generator_gradient"], int(row["images"]), row["spread"]
        self.most_gradient = max(self.most_gradient, gradient)
        self.saturated = self.saturated + 1 if gradient < _SATURATED * self.most_gradient else 0
        self.most_spread = max(self.most_spread, spread)
        once_spread = self.most_spread > 2 * _COLLAPSED
        self.collapsed = self.collapsed + 1 if once_spread and spread < _COLLAPSED else 0
        if self.saturated >= _PATIENCE:
            return Trouble(
                f"the critic is saturated at {images:,} images: generator gradient is "
                f"{gradient:.2g}, and was up to {self.most_gradient:.2g} (critic loss "
                f"{row['critic_loss']:.4g}, generator loss {row['generator_loss']:.4g})"
            )
        if self.collapsed >= _PATIENCE:
            return Trouble(
                f"the samples have collapsed at {images:,} images: they differ by {spread:.1%} of "
                f"what the data do (generator loss {row['generator_loss']:.4g})"
            )
        return None

    def state_dict(self) -> dict[str, Any]:
        """The counters."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`; an empty one begins anew."""
        for name, value in (asdict(Watch()) | state).items():
            setattr(self, name, value)

    def relent(self) -> None:
        """Count anew, so that a run which only warns does not warn at every tick."""
        self.saturated = self.collapsed = -_PATIENCE
