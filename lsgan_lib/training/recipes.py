"""The named recipes: `lsgan train NAME`, and the runs that the book shows.

A recorded run of the same name lies in assets/runs; a test compares the two, so a recipe that
changes asks for its run to be recorded again.
"""

from dataclasses import replace
from difflib import get_close_matches

from lsgan_lib.errors import BookError
from lsgan_lib.losses.objectives import CrossEntropy, LeastSquares, LossSensitive, Penalty
from lsgan_lib.networks import (
    DCGANNetworks,
    LeastSquaresNetworks,
    LossSensitiveNetworks,
    MLPNetworks,
)
from lsgan_lib.training.recipe import Recipe

_EPOCH = 60_000  # images in MNIST's training set

# A quarter of the published width: 21 epochs take a CPU core about an hour.
_DIGITS = LeastSquaresNetworks(size=28, channels=1, z_dim=100, width=0.25, dropout=0.5)

_MNIST = Recipe(
    networks=_DIGITS,
    objective=LeastSquares(a=0.0, b=1.0, c=1.0),
    data="mnist",
    images=21 * _EPOCH,
)

FACES_EPOCH = 27_468
"""the faces of CelebA that the recorded runs saw"""
CELEBA_EPOCH = 202_599
"""all faces of CelebA: an epoch of either seed"""
_FACES_NETWORKS = LeastSquaresNetworks(size=64, channels=3, z_dim=1024, width=0.5)

_FACES = Recipe(
    networks=_FACES_NETWORKS,
    objective=LeastSquares(a=0.0, b=1.0, c=1.0),
    data="celeba64",
    images=17 * FACES_EPOCH,
    batch_size=64,
    critic_lr=1e-3,
    generator_lr=1e-3,
    flip=True,  # the seed does not, but has seven times as many faces
    tick=10_000,
    samples_every=FACES_EPOCH,
    state_every=50_000,
    sample_count=64,
    states_kept=21,  # chapter 06 samples each with either kind of BatchNorm statistics
)

# Seed 1 on the same faces, for a CPU: half of the channels, everything else the seed's, but for the
# flips and the two corrections: margins of their own pairs, and a slope norm over whole images.
_SLOPES = Recipe(
    networks=LossSensitiveNetworks(size=64, channels=3, z_dim=100, width=0.5),
    objective=LossSensitive(slope=0.0),
    data="celeba64",
    noise="normal",
    images=4 * FACES_EPOCH,
    batch_size=64,
    flip=True,
    tick=10_000,
    samples_every=FACES_EPOCH,
    state_every=50_000,
    sample_count=64,
    watch="warn",
)

_TOY = Recipe(
    networks=MLPNetworks(),
    objective=LeastSquares(),
    data="seed_ring",
    noise="normal",
    images=35_000 * 512,
    batch_size=512,
    critic_lr=1e-4,
    generator_lr=1e-3,
    tick=100 * 512,
    samples_every=5_000 * 512,
    state_every=5_000 * 512,
    sample_count=5_120,
)

RECIPES: dict[str, Recipe] = {
    # Seed 0's digits: z 100, generator dropout 1/2.
    "mnist-least-squares": _MNIST,
    # The same without dropout, for the comparison of chapter 04.
    "mnist-least-squares-no-dropout": replace(
        _MNIST, networks=replace(_DIGITS, dropout=0.0), images=10 * _EPOCH
    ),
    # Two noise coordinates: the manifold of digits can be drawn.
    "mnist-least-squares-2d": replace(
        _MNIST, networks=replace(_DIGITS, z_dim=2), images=10 * _EPOCH
    ),
    # As published, for a machine with a GPU.
    "mnist-least-squares-full": replace(_MNIST, networks=replace(_DIGITS, width=1.0)),
    # Cross-entropy instead of squares, everything else equal.
    "mnist-cross-entropy": replace(_MNIST, objective=CrossEntropy()),
    # The DCGAN baseline: seed 0's sister model.
    "mnist-dcgan": replace(
        _MNIST, objective=CrossEntropy(), networks=DCGANNetworks(width=0.25, dropout=0.5)
    ),
    # Seed 1, for a packed set of 64-pixel colour images: give --data FOLDER.
    "faces-loss-sensitive": Recipe(
        networks=LossSensitiveNetworks(size=64, channels=3, z_dim=100),
        objective=LossSensitive(),
        data="celeba64",
        noise="normal",
        images=25 * CELEBA_EPOCH,
        batch_size=64,
        state_every=200_000,
        samples_every=100_000,
        tick=10_000,
        sample_count=64,
    ),
    # Seed 0 on faces, z 1024 and no dropout, for a CPU: half of the channels, a seventh of CelebA,
    # and the learning rate of the paper's scenes. At the seed's rate it does not start (see -slow).
    "faces-least-squares": _FACES,
    "faces-least-squares-slow": replace(
        _FACES, critic_lr=2e-4, generator_lr=2e-4, images=2 * FACES_EPOCH, watch="warn"
    ),
    # The other coding of the paper, whose divergence is Pearson's chi-squared without a constant.
    "faces-pearson": replace(
        _FACES, objective=LeastSquares(a=-1.0, b=1.0, c=0.0), images=4 * FACES_EPOCH, watch="warn"
    ),
    # DCGAN's losses on the same networks and faces.
    "faces-cross-entropy": replace(
        _FACES, objective=CrossEntropy(), images=4 * FACES_EPOCH, watch="warn"
    ),
    # LS-GAN, GLS-GAN with two slopes, and the slope at which only WGAN's objective is left.
    "faces-slope-zero": replace(_SLOPES, images=25 * FACES_EPOCH),
    "faces-slope-leaky": replace(_SLOPES, objective=LossSensitive(slope=0.01)),
    "faces-slope-minus-one": replace(_SLOPES, objective=LossSensitive(slope=-1.0)),
    "faces-slope-one": replace(_SLOPES, objective=LossSensitive(slope=1.0)),
    # Seed 1's objective as published: every margin in every hinge, the norm over channels alone.
    "faces-slope-as-published": replace(
        _SLOPES,
        objective=LossSensitive(
            slope=0.0,
            pairing="all",
            penalty=Penalty(kind="gradient_norm", weight=10.0, reduce="pixel"),
        ),
    ),
    # As the seed published it, for a machine with a GPU and all of CelebA.
    "faces-least-squares-full": replace(
        _FACES,
        networks=replace(_FACES_NETWORKS, width=1.0),
        images=50 * CELEBA_EPOCH,
        batch_size=128,
        critic_lr=2e-4,
        generator_lr=2e-4,
        flip=False,
        samples_every=CELEBA_EPOCH,
        state_every=CELEBA_EPOCH,
    ),
    # The authors' ring of eight Gaussians, one of them with double weight.
    "ring-least-squares": _TOY,
    "ring-cross-entropy": replace(_TOY, objective=CrossEntropy()),
}


def recipe(name: str) -> Recipe:
    """The recipe of that name; raises BookError that suggests the nearest one."""
    if name in RECIPES:
        return RECIPES[name]
    near = get_close_matches(name, RECIPES, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise BookError(f"there is no recipe called {name!r}. {hint}`lsgan recipes` lists them all.")
