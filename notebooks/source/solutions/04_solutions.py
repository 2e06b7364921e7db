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
# # Solutions to chapter 04, Train digits
#
# *about 15 minutes, 40 s of computing* · [the chapter](../04_train_digits.ipynb) ·
# [source of this page](../source/solutions/04_solutions.py)

# %%
from dataclasses import replace

import torch

from lsgan_lib.book import claim, load_run, setup, versions
from lsgan_lib.data import digits, make_set, to_float, to_uint8
from lsgan_lib.evaluation.neighbours import agreement
from lsgan_lib.exercises import chapter_04 as exercises
from lsgan_lib.latent import draw
from lsgan_lib.networks import LeastSquaresNetworks
from lsgan_lib.training import Recipe, train

setup(seed=4)
run = load_run("mnist-least-squares")

# %% [markdown]
# ### Solution 4.1
#
# $21 \cdot 60{,}000 = 1{,}260{,}000$ images, divided by $128$: $9843.75$, so $9{,}844$ steps. And
# 30,000 images are three half-lives of 10,000: $\tfrac12 \cdot \tfrac12 \cdot \tfrac12 = \tfrac18$.

# %%
exercises.check_4_1(9_844, 1 / 8)

# %% [markdown]
# ### Solution 4.2

# %%
gap = (run.log["score_real"] - run.log["score_fake"])[-10:].mean()
exercises.check_4_2(gap, "critic")

# %% [markdown]
# A generator at its best leaves the critic nothing to tell apart, and both scores at ½. Every
# distance between them is the critic's lead.
#
# ### Solution 4.3


# %%
def running_average(values, keep):
    average = values[0]
    for value in values[1:]:
        average = keep * average + (1 - keep) * value
    return average


exercises.check_4_3(running_average)

# %% [markdown]
# ### Solution 4.4


# %%
def walk(z1, z2, count):
    t = torch.linspace(0, 1, count)[:, None]
    return (1 - t) * z1 + t * z2


exercises.check_4_4(walk)

# %% [markdown]
# `linspace` includes both ends: it divides by `count - 1`.
#
# ### Solution 4.5

# %%
generator = run.generator().train()
noise = draw(1000, 100, random=torch.Generator().manual_seed(4))
with torch.no_grad():
    first = {count: generator(noise[:count])[0] for count in (8, 64, 1000)}
small_company = (first[8] - first[64]).abs().mean()
large_company = (first[64] - first[1000]).abs().mean()
claim(large_company < small_company, "from 64 on, more company changes the digit less")
exercises.check_4_5("yes")

# %% [markdown]
# The batch's mean and variance are estimates. Their error falls with the square root of the batch
# size, and with it the difference between one company and another.
#
# ### Solution 4.6
#
# One answer of many: does the generator's second update help? The recipe of the chapter, with one.

# %%
real = to_float(digits().images)
small = make_set(
    to_uint8(torch.nn.functional.avg_pool2d(real, 2)), digits().labels, name="digits, 14 x 14"
)
recipe = Recipe(
    networks=LeastSquaresNetworks(size=14, z_dim=100, width=0.25, dropout=0.5),
    data="digits",
    images=19_200,
    batch_size=32,
    generator_steps=2,
    critic_lr=5e-4,
    generator_lr=1e-3,
    average_half_life=4_000,
    average_ramp=0.1,
    tick=640,
    sample_count=60,
    seed=3,
)
my_recipe = replace(recipe, generator_steps=1)

# %% tags=["nbval-ignore-output"]
trainer = train(my_recipe, small)
_, share = agreement(trainer.samples(), to_float(small.images), small.labels)
my_score = share.mean().item()
print(
    f"mean agreement {my_score:.2f}, scores of the last tick: "
    f"real {trainer.history[-1]['score_real']:.2f}, generated {trainer.history[-1]['score_fake']:.2f}"
)

# %%
_ = exercises.check_4_6(recipe, my_recipe, my_score)

# %% [markdown]
# Compare with the chapter: are the two scores further apart? Whatever your machine prints, it is one
# seed. Run both with three seeds before you believe a difference.

# %% tags=["nbval-ignore-output"]
versions()
