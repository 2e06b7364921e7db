"""A recipe: every setting of one experiment, in one frozen value.

Progress is counted in images shown to the critic, so that the batch size moves no axis.
"""

import dataclasses
import typing
from dataclasses import dataclass
from typing import Any, Literal

from lsgan_lib.errors import BookError
from lsgan_lib.latent import Noise
from lsgan_lib.losses.checks import check_choice
from lsgan_lib.losses.objectives import AnyObjective, LeastSquares, Penalty
from lsgan_lib.networks import AnyNetworks, LeastSquaresNetworks
from lsgan_lib.networks.width import check_positive

WatchAction = Literal["stop", "roll_back", "warn"]


@dataclass(frozen=True)
class Recipe:
    """What `train` needs to know. Every field can be overridden from the command line."""

    networks: AnyNetworks = LeastSquaresNetworks()
    """family and size of generator and critic"""
    objective: AnyObjective = LeastSquares()
    """the losses of both"""
    data: str = "mnist"
    """mnist, digits (the book's 5,000), ring, grid, seed_ring, triangle, a packed set's folder"""
    first: int | None = None
    """train on the first so many images of the set only"""
    noise: Noise = "uniform"
    """uniform on [-1, 1], or standard normal"""
    images: int = 21 * 60_000
    """images shown to the critic in all"""
    batch_size: int = 128
    """images a step"""
    critic_steps: int = 1
    """critic updates a step, each on fresh images (the seed's --nd)"""
    generator_steps: int = 1
    """generator updates a step, each on fresh noise (the seed's --ng)"""
    optimiser: Literal["adam", "rmsprop"] = "adam"
    """of both networks"""
    critic_lr: float = 2e-4
    """the critic's learning rate"""
    generator_lr: float = 2e-4
    """the generator's learning rate"""
    beta1: float = 0.5
    """Adam's decay of the mean gradient; 0.9 makes GANs swing"""
    beta2: float = 0.999
    """Adam's decay of the mean squared gradient"""
    weight_decay: float = 0.0
    """L2 weight decay of the critic"""
    lr_drop_every: int | None = None
    """images after which both learning rates are multiplied by lr_drop, again and again"""
    lr_drop: float = 0.1
    """factor of each drop"""
    clip_weights: float | None = None
    """clamp the critic's weights to plus or minus this after each of its steps"""
    flip: bool = False
    """mirror each training image with probability 1/2"""
    average_half_life: int = 10_000
    """images in which a weight's share in the averaged generator halves"""
    average_ramp: float = 0.05
    """the half-life is at most this share of the images shown: a short memory at the start"""
    seed: int = 0
    """names the weights, the order of the images and all noise"""
    tick: int = 6_000
    """images between two rows of the log"""
    samples_every: int = 60_000
    """images between two pictures of samples"""
    state_every: int = 60_000
    """images between two saved states"""
    sample_count: int = 100
    """samples in a picture; their noise stays the same through the run"""
    states_kept: int = 2
    """saved states that are kept, the newest included; the best one is kept besides"""
    watch: WatchAction = "stop"
    """when values are not finite, the critic saturates or the samples collapse: stop, roll_back to
    an older state and go on with other noise, or only warn"""
    rollbacks: int = 3
    """after so many of them in a run, roll_back stops too"""
    sync_norm: bool = False
    """several processes: BatchNorm over the batch of all of them, not of each"""

    def __post_init__(self) -> None:
        positive = (
            *("images", "batch_size", "critic_steps", "generator_steps", "critic_lr"),
            *("generator_lr", "average_half_life", "tick", "samples_every", "state_every"),
            *("sample_count", "lr_drop", "states_kept"),
        )
        check_positive(**{name: getattr(self, name) for name in positive})
        for name in ("first", "lr_drop_every", "clip_weights"):
            if getattr(self, name) is not None:
                check_positive(**{name: getattr(self, name)})
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but belongs in [0, 1).")
        if not self.weight_decay >= 0 or not self.average_ramp >= 0:
            raise ValueError("weight_decay and average_ramp must not be negative.")
        check_choice("noise", self.noise, ("uniform", "normal"))
        check_choice("optimiser", self.optimiser, ("adam", "rmsprop"))
        check_choice("watch", self.watch, typing.get_args(WatchAction))
        if self.rollbacks < 0:
            raise ValueError(f"rollbacks is {self.rollbacks}, but must not be negative.")


_KINDS: dict[str, Any] = {
    kind.__name__: kind for kind in (*typing.get_args(AnyNetworks), *typing.get_args(AnyObjective))
}
"""The dataclasses that may stand inside a recipe, by name."""

_PENALTIES = typing.get_args(typing.get_type_hints(Penalty)["kind"])
"""A penalty has a "kind" of its own, and is known by it."""


def to_json(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain values; each nested dataclass carries its name under "kind".

    A penalty carries there which penalty it is.
    """

    def plain(value: Any) -> Any:
        if not dataclasses.is_dataclass(value):
            return value
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return fields if isinstance(value, Recipe) else {"kind": type(value).__name__, **fields}

    return plain(recipe)


def from_json(content: dict[str, Any]) -> Recipe:
    """The inverse of `to_json`; fields that are missing take their defaults.

    Raises BookError where a field or a kind is not known, or a value is refused.
    """

    def rich(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        fields = {name: rich(part) for name, part in value.items() if name != "kind"}
        kind = value["kind"]
        return Penalty(kind=kind, **fields) if kind in _PENALTIES else _KINDS[kind](**fields)

    try:
        return Recipe(**{name: rich(value) for name, value in content.items()})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BookError(f"this is not a recipe that this version understands: {error}.") from error


def differences(old: Recipe, new: Recipe) -> list[str]:
    """One line for each setting in which two recipes differ: "seed: 0, now 1"."""

    def flat(value: Any, prefix: str = "") -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        for name, part in value.items():
            inner = flat(part, f"{prefix}{name}.") if isinstance(part, dict) else None
            pairs |= inner if inner is not None else {prefix + name: part}
        return pairs

    before, after = flat(to_json(old)), flat(to_json(new))
    names = [*before, *(name for name in after if name not in before)]
    return [
        f"{name}: {before.get(name)}, now {after.get(name)}"
        for name in names
        if before.get(name) != after.get(name)
    ]
