"""Objectives: a loss tied to a critic, with all its settings, in a form that a recipe can hold.

The training loop knows only this interface, never the name of a method:

    critic_loss(critic, real, fake, random) -> (loss, terms)
    generator_loss(critic, fake)            -> loss

real, fake: image batches of one shape; fake carries no gradient in the critic's turn. terms: what
the log shows besides the loss, as tensors without gradient, so that no step waits for the device.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args, get_type_hints

from torch import Tensor

from lsgan_lib.draws import Random
from lsgan_lib.losses import (
    costs,
    cross_entropy,
    least_squares,
    loss_sensitive,
    penalties,
    wasserstein,
)
from lsgan_lib.losses.checks import check_choice, check_settings
from lsgan_lib.losses.penalties import Critic

Terms = dict[str, Tensor]


class Objective(Protocol):
    """What the training loop asks of an objective."""

    def critic_loss(
        self, critic: Critic, real: Tensor, fake: Tensor, random: Random | None = None
    ) -> tuple[Tensor, Terms]:
        """Scalar for the critic to minimise, and the terms to log."""

    def generator_loss(self, critic: Critic, fake: Tensor) -> Tensor:
        """Scalar for the generator to minimise."""


@dataclass(frozen=True)
class Penalty:
    """A penalty on the critic's slope and its weight (`lsgan_lib.losses.penalties`)."""

    kind: Literal["gradient_norm", "interpolates", "dragan", "two_point", "finite_difference"] = (
        "gradient_norm"
    )
    """which function of lsgan_lib.losses.penalties"""
    weight: float = 10.0
    """factor in front of the penalty (the seed's --gamma)"""
    power: Literal[1, 2] = 1
    """gradient_norm only: the norm itself or its square"""
    reduce: Literal["sample", "pixel"] = "sample"
    """gradient_norm only: per-sample norm, or the seed's norm over channels at each pixel"""
    target: float = 1.0
    """interpolates, dragan, two_point: the slope that costs nothing"""
    spread: float = 0.5
    """dragan only: reach of the noise, in standard deviations of the images"""
    sigma: float = 0.01
    """finite_difference only: standard deviation of the step in each pixel, units of [-1, 1]"""

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, get_args(get_type_hints(Penalty)["kind"]))
        check_choice("power", self.power, (1, 2))
        check_choice("reduce", self.reduce, ("sample", "pixel"))
        check_settings(weight=self.weight, target=self.target, spread=self.spread, sigma=self.sigma)
        if self.weight < 0:
            raise ValueError(f"weight is {self.weight}: a negative penalty rewards steep critics.")
        if self.sigma <= 0:
            raise ValueError(f"sigma is {self.sigma}, but a step must be longer than 0.")

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, random: Random | None) -> Tensor:
        """The penalty without its weight, a scalar."""
        match self.kind:
            case "gradient_norm":
                return penalties.gradient_norm(critic, real, power=self.power, reduce=self.reduce)
            case "interpolates":
                return penalties.interpolates(critic, real, fake, target=self.target, random=random)
            case "dragan":
                return penalties.dragan(
                    critic, real, spread=self.spread, target=self.target, random=random
                )
            case "two_point":
                return penalties.two_point(critic, real, fake, target=self.target, random=random)
            case "finite_difference":
                return penalties.finite_difference(critic, real, sigma=self.sigma, random=random)
        raise ValueError(f"there is no penalty called {self.kind!r}.")


def _judge(
    critic: Critic, real: Tensor, fake: Tensor, penalty: Penalty | None, random: Random | None
) -> tuple[tuple[Tensor, Tensor], Tensor | None]:
    """Scores of the real and of the fake images, and the penalty if there is one.

    A penalty at the real images shares the forward pass that scores them.
    """
    if penalty is not None and penalty.kind == "gradient_norm":
        scores, gradient = penalties.scores_and_gradient(critic, real)
        value = penalties.mean_norm(gradient, power=penalty.power, reduce=penalty.reduce)
        return (scores, critic(fake)), value
    both = critic(real), critic(fake)
    return both, None if penalty is None else penalty(critic, real, fake, random)


def _with_penalty(
    loss: Tensor, terms: Terms, penalty: Penalty | None, value: Tensor | None
) -> tuple[Tensor, Terms]:
    """Add the weighted penalty to a critic's loss; the log keeps the penalty without its weight."""
    if penalty is None or value is None:
        return loss, terms
    return loss + penalty.weight * value, terms | {"penalty": value.detach()}


def _mean_scores(real: Tensor, fake: Tensor) -> Terms:
    return {"score_real": real.detach().mean(), "score_fake": fake.detach().mean()}


@dataclass(frozen=True)
class LeastSquares:
    """Least Squares GAN; the codings of the paper are (0, 1, 1) and (-1, 1, 0). High is real."""

    a: float = 0.0
    """target for fake scores"""
    b: float = 1.0
    """target for real scores"""
    c: float = 1.0
    """score that the generator aims at"""
    penalty: Penalty | None = None
    """slope penalty on the critic, if any"""

    def __post_init__(self) -> None:
        check_settings(a=self.a, b=self.b, c=self.c)
        least_squares.check_coding(self.a, self.b)

    def critic_loss(
        self, critic: Critic, real: Tensor, fake: Tensor, random: Random | None = None
    ) -> tuple[Tensor, Terms]:
        """Mao et al., eq. 2, left."""
        scores, slope = _judge(critic, real, fake, self.penalty, random)
        loss = least_squares.critic_loss(*scores, a=self.a, b=self.b)
        return _with_penalty(loss, _mean_scores(*scores), self.penalty, slope)

    def generator_loss(self, critic: Critic, fake: Tensor) -> Tensor:
        """Mao et al., eq. 2, right."""
        return least_squares.generator_loss(critic(fake), c=self.c)


@dataclass(frozen=True)
class CrossEntropy:
    """The original GAN. High is real."""

    saturating: bool = False
    """the minimax form of the generator's loss instead of the usual one"""
    penalty: Penalty | None = None
    """slope penalty on the critic, if any"""

    def critic_loss(
        self, critic: Critic, real: Tensor, fake: Tensor, random: Random | None = None
    ) -> tuple[Tensor, Terms]:
        """Binary cross-entropy on logits."""
        scores, slope = _judge(critic, real, fake, self.penalty, random)
        loss = cross_entropy.critic_loss(*scores)
        return _with_penalty(loss, _mean_scores(*scores), self.penalty, slope)

    def generator_loss(self, critic: Critic, fake: Tensor) -> Tensor:
        """Saturating or not, as set."""
        return cross_entropy.generator_loss(critic(fake), saturating=self.saturating)


@dataclass(frozen=True)
class Wasserstein:
    """Wasserstein GAN; needs a penalty or clipped weights (`Recipe.clip_weights`). High is real."""

    penalty: Penalty | None = Penalty(kind="interpolates", weight=10.0)
    """slope penalty on the critic, if any"""

    def critic_loss(
        self, critic: Critic, real: Tensor, fake: Tensor, random: Random | None = None
    ) -> tuple[Tensor, Terms]:
        """Difference of mean scores."""
        scores, slope = _judge(critic, real, fake, self.penalty, random)
        loss = wasserstein.critic_loss(*scores)
        return _with_penalty(loss, _mean_scores(*scores), self.penalty, slope)

    def generator_loss(self, critic: Critic, fake: Tensor) -> Tensor:
        """Minus the mean score."""
        return wasserstein.generator_loss(critic(fake))


@dataclass(frozen=True)
class LossSensitive:
    """Loss-Sensitive GAN, and GLS-GAN for other costs than the hinge. **Low** is real."""

    cost: Literal["leaky", "elu", "absolute"] = "leaky"
    """cost of a margin violation (`lsgan_lib.losses.costs`)"""
    slope: float = 0.0
    """leaky only: 0 is LS-GAN, 1 leaves WGAN's objective, between them GLS-GAN (seed: --slope)"""
    alpha: float = 1.0
    """elu only: depth of the floor left of zero"""
    norm: Literal["l1", "l2"] = "l1"
    """distance between the two images of a pair"""
    margin_scale: float = 2e-4
    """factor in front of the distance (the seed's --lamb)"""
    margin_reduce: Literal["sum", "pixel"] = "sum"
    """distance summed over all entries, or their mean"""
    pairing: Literal["own", "all"] = "own"
    """each difference of scores meets its own margin; "all" lets it meet the margin of every pair
    in the batch, which is the seed's mistake and takes the meaning from the margins"""
    real_weight: float = 0.0
    """weight of mean L(x), the paper's first term over its lambda"""
    penalty: Penalty | None = Penalty(kind="gradient_norm", weight=0.16)
    """slope penalty on the critic; the default weight is the seed's 10, divided by the 64 that
    its norm over channels takes away at 64 x 64 pixels"""

    def __post_init__(self) -> None:
        check_choice("cost", self.cost, ("leaky", "elu", "absolute"))
        check_choice("norm", self.norm, ("l1", "l2"))
        check_choice("margin_reduce", self.margin_reduce, ("sum", "pixel"))
        check_choice("pairing", self.pairing, ("own", "all"))
        check_settings(margin_scale=self.margin_scale, real_weight=self.real_weight)
        for name in ("margin_scale", "real_weight"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}, but must not be negative.")
        self._cost()  # refuses a slope or alpha that breaks the condition on costs, at the door

    def _cost(self) -> costs.Cost:
        match self.cost:
            case "leaky":
                return costs.leaky(self.slope)
            case "elu":
                return costs.elu(self.alpha)
            case _:
                return costs.absolute()

    def critic_loss(
        self, critic: Critic, real: Tensor, fake: Tensor, random: Random | None = None
    ) -> tuple[Tensor, Terms]:
        """Cost of the margin violations; logs the mean margin and the share of active hinges."""
        scores, slope = _judge(critic, real, fake, self.penalty, random)
        margin = loss_sensitive.margin(
            real, fake, norm=self.norm, scale=self.margin_scale, reduce=self.margin_reduce
        )
        hinges: tuple[Tensor, ...] = (*scores, margin)
        if self.pairing == "all":  # N^2 hinges: difference i with margin j
            n = len(margin)
            hinges = (*(s.repeat_interleave(n) for s in scores), margin.repeat(n))
        loss = loss_sensitive.critic_loss(*hinges, cost=self._cost(), real_weight=self.real_weight)
        active = loss_sensitive.violation(*hinges).detach() > 0
        terms = _mean_scores(*scores) | {
            "margin": margin.detach().mean(),
            "active_hinges": active.float().mean(),
        }
        return _with_penalty(loss, terms, self.penalty, slope)

    def generator_loss(self, critic: Critic, fake: Tensor) -> Tensor:
        """Mean loss that the critic gives to the generated samples."""
        return loss_sensitive.generator_loss(critic(fake))


AnyObjective = LeastSquares | CrossEntropy | LossSensitive | Wasserstein
"""The objectives a recipe can name."""
