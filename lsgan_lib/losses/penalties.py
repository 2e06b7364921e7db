"""What keeps a critic's slope in bounds: five penalties and weight clipping.

Every penalty is a mean over the batch, without its weight, and carries a gradient with respect to
the critic's parameters. All but `two_point` and `finite_difference` differentiate twice. A critic
with BatchNorm mixes the samples of a batch, so that "the gradient of one sample" loses its
meaning: use these with critics without it (chapter 08).
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from lsgan_lib.draws import Random, normal, uniform
from lsgan_lib.losses.checks import (
    check_choice,
    check_images,
    check_pairs,
    check_scores,
    check_settings,
)
from lsgan_lib.losses.straight import scores_and_slopes, straight_layers

Critic = Callable[[Tensor], Tensor]


def scores_and_gradient(critic: Critic, images: Tensor) -> tuple[Tensor, Tensor]:
    """Scores (N,), and d critic(x_i) / d x_i for every sample, both differentiable by the weights.

    One forward pass serves loss and penalty alike. Where the critic is a chain of straight pieces
    (`lsgan_lib.losses.straight`), so does one backward pass; else automatic differentiation keeps
    the graph of its backward pass. The sum of the scores is differentiated: each sample's score
    depends on that sample alone. Raises ValueError for images that are not a batch, RuntimeError
    where the gradient carries no gradient (some compiled critics drop it, and the penalty would
    silently do nothing).
    """
    check_images(images=images)
    layers = straight_layers(critic)
    if layers is not None and torch.is_grad_enabled():
        scores, gradient = scores_and_slopes(layers, images)
    else:
        # A view, not the images: where the caller wants a gradient at the images, it flows on.
        points = images.view_as(images) if images.requires_grad else images.detach()
        scores = critic(points.requires_grad_(True))
        gradient = torch.zeros(())
        if scores.requires_grad:  # false inside torch.no_grad()
            (gradient,) = torch.autograd.grad(scores.sum(), points, create_graph=True)
    if not gradient.requires_grad:
        raise RuntimeError(
            "the critic's input gradient cannot be differentiated again, so a penalty on it would "
            "train nothing. Do not compile the critic, and keep torch.enable_grad() on."
        )
    return scores, gradient


def input_gradient(critic: Critic, images: Tensor) -> Tensor:
    """d critic(x_i) / d x_i for every sample, shape of `images`, ready to be differentiated again.

    Errors as `scores_and_gradient`.
    """
    return scores_and_gradient(critic, images.detach())[1]


def _sample_norm(gradient: Tensor, power: int = 1) -> Tensor:
    """Euclidean norm of each sample's gradient, to the given power: (N,).

    Power 2 skips the root, whose slope at 0 is not defined.
    """
    if power == 2:
        return gradient.flatten(start_dim=1).square().sum(dim=1)
    return gradient.flatten(start_dim=1).norm(dim=1)


def gradient_norm(
    critic: Critic,
    images: Tensor,
    *,
    power: Literal[1, 2] = 1,
    reduce: Literal["sample", "pixel"] = "sample",
) -> Tensor:
    """Zero-centred penalty at the given (usually real) images (chapter 08).

        sample   mean_i |g_i|^power,  g_i = d critic(x_i) / d x_i over all of its entries
        pixel    mean over samples and pixels of |g_i[:, row, column]|^power

    "sample" with power 2 is R1 without its factor 1/2. "pixel" is what the seed computes: its norm
    runs over the channels only. By Cauchy-Schwarz it is at most the per-sample norm divided by
    sqrt(height * width): at least 64 times smaller for 64 x 64 images (with power 2, exactly
    height * width times). Weights do not carry over.
    critic: maps (N, C, H, W) to scores (N,). Returns a scalar. Raises ValueError for another
    power or reduction, and for "pixel" on anything but (N, C, H, W).
    """
    return mean_norm(input_gradient(critic, images), power=power, reduce=reduce)


def mean_norm(
    gradient: Tensor, *, power: Literal[1, 2] = 1, reduce: Literal["sample", "pixel"] = "sample"
) -> Tensor:
    """`gradient_norm` of an input gradient that is at hand already; settings and errors alike."""
    check_choice("power", power, (1, 2))
    check_choice("reduce", reduce, ("sample", "pixel"))
    if reduce == "pixel" and gradient.ndim != 4:
        raise ValueError(
            f'reduce="pixel" needs images (N, C, H, W), not shape {tuple(gradient.shape)}.'
        )
    if reduce == "sample":
        return _sample_norm(gradient, power).mean()
    if power == 2:
        return gradient.square().sum(dim=1).mean()
    return gradient.norm(dim=1).mean()


def interpolates(
    critic: Critic,
    real: Tensor,
    fake: Tensor,
    *,
    target: float = 1.0,
    random: Random | None = None,
) -> Tensor:
    """WGAN-GP: mean (|g_i| - target)^2 at random points between the two images of each pair.

        x_i = u_i real_i + (1 - u_i) fake_i,  u_i ~ U[0, 1], one a pair

    Gulrajani et al. 2017, arXiv 1704.00028. real, fake: (N, ...), one shape. Returns a scalar.
    """
    check_settings(target=target)
    gradient = input_gradient(critic, _between(real, fake, random))
    return (_sample_norm(gradient) - target).square().mean()


def _between(real: Tensor, fake: Tensor, random: Random | None) -> Tensor:
    """One random point on the segment between real_i and fake_i, for each i."""
    check_images(real=real, fake=fake)
    check_pairs(real=real, fake=fake)
    shape = (len(real), *[1] * (real.ndim - 1))
    weight = uniform(shape, random, real.device, real.dtype)
    return (weight * real + (1 - weight) * fake).detach()


def dragan(
    critic: Critic,
    images: Tensor,
    *,
    spread: float = 0.5,
    target: float = 1.0,
    random: Random | None = None,
) -> Tensor:
    """DRAGAN-style: mean (|g_i| - target)^2 at real images moved by uniform noise.

        x_i = images_i + spread * std(images) * u,  u ~ U[0, 1] per entry

    Kodali et al. 2017, arXiv 1705.07215. The published LSGANs-GP code uses the form without the
    standard deviation: pass spread / std to get it. images: (N, ...). Returns a scalar.
    """
    check_images(images=images)
    check_settings(spread=spread, target=target)
    noise = uniform(images.shape, random, images.device, images.dtype)
    moved = images + spread * images.std(correction=0) * noise
    return (_sample_norm(input_gradient(critic, moved)) - target).square().mean()


def two_point(
    critic: Critic,
    real: Tensor,
    fake: Tensor,
    *,
    target: float = 0.0,
    random: Random | None = None,
) -> Tensor:
    """Difference quotient between two random points of each real-fake segment.

        mean (|critic(x_i) - critic(y_i)| / |x_i - y_i| - target)^2

    A variant of what made the seed's published pictures (there one position on the segment served
    a whole batch; target 1 in its older runs). No second derivative. real, fake: (N, ...), one
    shape. Returns a scalar; a pair whose points coincide counts as slope 0.
    """
    check_settings(target=target)
    first, second = _between(real, fake, random), _between(real, fake, random)
    distance = (first - second).flatten(start_dim=1).norm(dim=1)
    with _full_precision(real):
        rise = (critic(first) - critic(second)).abs()
    check_scores(scores=rise)  # (N, 1) over the (N,) distances would be every pair with every other
    # Where both points are one, 0 / 0 would be NaN and so would every weight after the next step.
    slope = rise / distance.clamp_min(torch.finfo(distance.dtype).tiny ** 0.5)
    return (slope - target).square().mean()


def finite_difference(
    critic: Critic,
    images: Tensor,
    *,
    sigma: float = 0.01,
    random: Random | None = None,
) -> Tensor:
    """Slope along one random direction per sample, without a second derivative.

        mean ((critic(x_i + sigma e_i) - critic(x_i)) / sigma)^2,  e_i ~ N(0, I)

    Its expectation tends to mean |g_i|^2 for small sigma (Lin et al. 2025, arXiv 2501.08316, use
    it unscaled). Needs float32: in bfloat16 the rounding of the scores swamps a step of 0.01.
    images: (N, ...). Returns a scalar. Raises ValueError for a sigma that is not positive.
    """
    check_images(images=images)
    check_settings(sigma=sigma)
    if sigma <= 0:
        raise ValueError(f"sigma is {sigma}, but a step must be longer than 0.")
    direction = normal(images.shape, random, images.device, images.dtype)
    images = images.detach()
    with _full_precision(images):
        slope = (critic(images + sigma * direction) - critic(images)) / sigma
    return slope.square().mean()


def _full_precision(images: Tensor) -> torch.autocast:
    """No autocast for the difference of two scores: bfloat16 rounds the difference away.

    Exact gradients bear it: their error there is a rounding of each factor, under one percent.
    """
    return torch.autocast(images.device.type, enabled=False)


@torch.no_grad()
def clip_weights_(critic: nn.Module, limit: float) -> None:
    """Clamp every parameter of the critic to [-limit, limit], in place (WGAN 2017, GLS-GAN's code).

    Raises ValueError for a limit that is not positive and finite.
    """
    check_settings(limit=limit)
    if limit <= 0:
        raise ValueError(f"limit is {limit}, but weights need room on both sides of 0.")
    for parameter in critic.parameters():
        parameter.clamp_(-limit, limit)
