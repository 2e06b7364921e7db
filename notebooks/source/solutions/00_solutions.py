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
# # 00 - Solutions
#
# To the exercises of [Start here](../00_start_here.ipynb). Try them first: the checks give hints.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import torch

from lsgan_lib.book import claim, load_run, setup, versions
from lsgan_lib.data import ring
from lsgan_lib.exercises import chapter_00 as exercises
from lsgan_lib.figures import landscape, show_images
from lsgan_lib.latent import draw, images_of
from lsgan_lib.losses import least_squares, loss_sensitive
from lsgan_lib.losses.objectives import LeastSquares
from lsgan_lib.networks import MLPNetworks
from lsgan_lib.training import Recipe, train

setup(seed=0)

# %% [markdown]
# ### Solution 0.1

# %%
generator = load_run("mnist-least-squares").generator()
noise = draw(8, 100, random=torch.Generator().manual_seed(2017))
images = images_of(generator, noise)
show_images(images, 8)

exercises.check_0_1(images)

# %% [markdown]
# ### Solution 0.2
#
# A cost of margin violations has a slope, and a margin has a scale: A, D and E are loss-sensitive. Squares
# of a distance to a target, a Pearson divergence, and toolboxes that say `lsgan` are the others.

# %%
answers = {
    "A": "loss_sensitive",
    "B": "least_squares",
    "C": "least_squares",
    "D": "loss_sensitive",
    "E": "loss_sensitive",
    "F": "least_squares",
}

exercises.check_0_2(answers)

# %% [markdown]
# ### Solution 0.3
#
# The LSGAN's generator pays half the squared distance to 1: $0.32$, $2$, $2$ and $0.005$. The score $0.9$ is
# best, and $3.0$ is no better than $-1.0$: too high is as wrong as too low. The LS-GAN's generator pays
# the score itself, so $-1.0$ is best.

# %%
scores = torch.tensor([0.2, 3.0, -1.0, 0.9])
squares = [least_squares.generator_loss(score[None]).item() for score in scores]
prices = [loss_sensitive.generator_loss(score[None]).item() for score in scores]
print([round(loss, 3) for loss in squares])
print([round(loss, 3) for loss in prices])
best = 0.9, -1.0

exercises.check_0_3(best)

# %% [markdown]
# ### Solution 0.4
#
# The objective with exchanged targets is the old one for the critic $1 - D$. So the game is the same
# game: the points go to the clusters, and what was light is dark. High or low is a matter of naming, and an
# LSGAN could be written either way. That the LS-GAN has no targets at all is the real difference.
#
# Here the library's own `train` plays the game. Chapter 04 reads it line by line.

# %% tags=["nbval-ignore-output"]
data = ring(modes=8, std=0.05)
exchanged = Recipe(
    networks=MLPNetworks(z_dim=8, activation="relu", gain=1.0),
    objective=LeastSquares(a=1.0, b=0.0, c=0.0),
    noise="normal",
    images=1000 * 128,
    batch_size=128,
    critic_lr=2e-3,
    generator_lr=2e-3,
)
trainer = train(exchanged, data, device="cpu")

# %%
line = torch.linspace(-1.6, 1.6, 64)
plane = torch.cartesian_prod(line, line).flip(1)
random = torch.Generator().manual_seed(1)
with torch.no_grad():
    score, fake = trainer.critic(plane), trainer.average(draw(300, 8, "normal", random))
fig, ax = plt.subplots(figsize=(3.4, 3.4))
landscape(ax, score.view(64, 64), real=data.sample(300, random), fake=fake)

# %%
clusters = torch.cdist(data.centres, plane).argmin(dim=1)
reached = (torch.cdist(data.centres, fake).amin(dim=1) < 0.15).sum()
claim(score[clusters].max() < score[plane.norm(dim=1).argmin()], "real points now score low")
claim(reached >= 6, "the generator still reaches at least six of the eight clusters")
answer = "greys"

exercises.check_0_4(answer)

# %% [markdown]
# ### Solution 0.5
#
# Sixteen clusters on the same circle are neighbours: their centres are $0.39$ apart, hardly more than
# the points of two of them spread. A generated point is then soon near some cluster. So a high count
# says little about how the points are shared out, and one run says nothing about the next. To know what
# is typical one needs several seeds, and a measure of the shares as well: that is chapter 05.

# %% tags=["nbval-ignore-output"]
found = {}
for modes in (12, 16):
    data = ring(modes=modes, std=0.05)
    trainer = train(replace(exchanged, objective=LeastSquares(), seed=modes), data, device="cpu")
    with torch.no_grad():
        fake = trainer.average(draw(300, 8, "normal", torch.Generator().manual_seed(1)))
    found[modes] = int((torch.cdist(data.centres, fake).amin(dim=1) < 0.15).sum())
print(found)

# %%
exercises.check_0_5(found)
claim(min(found.values()) >= 6, "on both rings at least six clusters are reached")

# %% tags=["nbval-ignore-output"]
versions()
