# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions to chapter 06, Train faces
#
# *about 20 minutes, 30 s of computing* · [the chapter](../06_train_faces.ipynb) ·
# [source of this page](../source/solutions/06_solutions.py)

# %%
import copy
from dataclasses import replace

import torch
from torch import nn

from lsgan_lib.book import avatars, claim, load_run, setup, versions
from lsgan_lib.data import make_set, to_float, to_uint8
from lsgan_lib.evaluation.batch_statistics import images_in_batches
from lsgan_lib.evaluation.detected import faces_found
from lsgan_lib.evaluation.neighbours import nearest
from lsgan_lib.exercises import chapter_06 as exercises
from lsgan_lib.latent import draw, images_of
from lsgan_lib.losses.objectives import LeastSquares
from lsgan_lib.networks import LeastSquaresNetworks
from lsgan_lib.training import Recipe, train
from lsgan_lib.training.distance import sliced_wasserstein

setup(seed=6)
run = load_run("faces-least-squares")

# %% [markdown]
# ### Solution 6.1
#
# $7 \cdot 202{,}599 = 1{,}418{,}193$ images. Divided by $27{,}468$: $51.6$ epochs. Divided by $64$: $22{,}159$ steps.

# %%
_ = exercises.check_6_1(7 * 202_599 / 27_468, 7 * 202_599 / 64)

# %% [markdown]
# ### Solution 6.2
#
# $0.9^n < 0.01$ for $n > \ln 0.01 / \ln 0.9 = 43.7$, so $n = 44$. And $\ln 0.01 / \ln 0.998 = 2300.3$, so $2{,}301$. The run
# of the chapter has 400 steps: with $k = 0.998$ it ends while its averages still remember the fresh network.

# %%
_ = exercises.check_6_2(44, 2_301)

# %% [markdown]
# ### Solution 6.3
#
# A copy may be spoilt at will. The original stays as it was.


# %%
def drawn_with_the_batch(generator, z):
    with torch.no_grad():
        return copy.deepcopy(generator).train()(z)


_ = exercises.check_6_3(drawn_with_the_batch)

# %% [markdown]
# Careful with dropout: in a generator that has it, training mode would switch it on as well. Then only the BatchNorm
# layers may be switched, as `batch_statistics` does.
#
# ### Solution 6.4
#
# Your count is yours, and nobody else's is right. So that this page can be checked, the detector counts the same
# sixty-four here.

# %%
z = draw(64, 1024, random=torch.Generator().manual_seed(64))
count = int(faces_found(images_of(run.generator(), z)).sum())
p = count / 64
margin = 1.96 * (p * (1 - p) / 64) ** 0.5
agrees = "yes" if p - margin <= run.metrics["faces"] <= p + margin else "no"
_ = exercises.check_6_4(count, p - margin, p + margin, agrees)

# %% [markdown]
# If your count is much lower than the detector's: it accepts a face with two different eyes, and you do not. If all 64 were
# faces, (6.4) would give a margin of nought, which is absurd: near 0 and 1 it is too sure of itself.
#
# ### Solution 6.5


# %%
def copied(samples, training):
    ordinary = nearest(training, training, skip_same=True)[0].median()
    both = torch.cat([training, training.flip(3)])
    return nearest(samples, both)[0] < ordinary / 3


_ = exercises.check_6_5(copied)

# %% [markdown]
# No line is needed for the copy moved by one pixel: in smooth pictures it is near. In pictures full of fine detail it would
# not be, and one would have to compare with the moved training set as well.
#
# ### Solution 6.6
#
# The coding $(-1, 1, 0)$ in place of $(0, 1, 1)$, on a shorter run.

# %%
faces = avatars(1_000)
small = make_set(
    to_uint8(nn.functional.avg_pool2d(to_float(faces.images), 2)), name="avatars, 32 x 32"
)
recipe = Recipe(
    networks=LeastSquaresNetworks(size=32, channels=3, z_dim=64, width=0.125),
    data="avatars",
    images=6_400,
    batch_size=32,
    critic_lr=1e-3,
    generator_lr=2e-3,
    average_half_life=3_000,
    average_ramp=0.1,
    tick=800,
    seed=0,
    watch="warn",
)
my_recipe = replace(recipe, objective=LeastSquares(a=-1.0, b=1.0, c=0.0))
kept = []

# %% tags=["nbval-ignore-output"]
trainer = train(my_recipe, small, on_tick=lambda t: kept.append(copy.deepcopy(t.generator).eval()))
real = to_float(small.images[:256])
noise = draw(256, 64, random=torch.Generator().manual_seed(1))
moving = sliced_wasserstein(images_of(kept[-1], noise), real)
batch = sliced_wasserstein(images_in_batches(kept[-1], noise, 32), real)
print(f"moving averages {moving:.3f}, batch {batch:.3f}")

# %%
claim(moving < 1.5 * batch, "the moving averages do not lag: no artefact")
_ = exercises.check_6_6(recipe, my_recipe, moving, batch, "well")

# %% [markdown]
# "Well" and "collapse" cannot be told apart by these two numbers alone, since both ways agree in both. Look at the pictures, and
# at the spread.

# %% tags=["nbval-ignore-output"]
versions()
