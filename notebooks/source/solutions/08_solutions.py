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
# # 08 - Solutions: build a critic with margins
#
# Solutions to the exercises of [chapter 08](../08_build_a_critic_with_margins.ipynb), each put through the
# same check. Try them yourself first.

# %%
import matplotlib.pyplot as plt
import torch

from lsgan_lib.book import claim, setup
from lsgan_lib.exercises import chapter_08 as exercises
from lsgan_lib.experiments import slope_penalties
from lsgan_lib.experiments.tables import load_table
from lsgan_lib.figures import PALETTE

setup(seed=8)

# %% [markdown]
# ### Solution 8.1
#
# The seed's images have $64 \cdot 64 \cdot 3 = 12{,}288$ numbers, these have $128 \cdot 128 = 16{,}384$. The same mean difference gives the
# same sum times $16{,}384 / 12{,}288 = 4/3$, so the scale must be $\tfrac34$ of $2 \cdot 10^{-4}$. Power 1: at most $10 / \sqrt{16{,}384} = 10 / 128$.
# Power 2: exactly $10 / 16{,}384$.

# %%
scale = 2e-4 * 3 / 4
first_power = 10 / 128
second_power = 10 / 16_384
exercises.check_8_1(scale, first_power, second_power)

# %% [markdown]
# ### Solution 8.2
#
# Flush right: $(64, 1)$ over $(\;\;, 64)$ becomes $(64, 64)$, and $(64, 1, 1, 1)$ over $(\;,\;,\;, 64)$ becomes $(64, 1, 1, 64)$. Either way 4,096
# hinges. At $\nu = 1$ the cost is the identity; the mean of a sum is the sum of the means, in whatever pairs.

# %%
with_column = (64, 64)
with_four = (64, 1, 1, 64)
slope = 1
exercises.check_8_2(with_column, with_four, slope)

# %% [markdown]
# ### Solution 8.3


# %%
def my_penalty(critic, images):
    """Mean norm of the critic's gradient at the images: a scalar that can be differentiated."""
    points = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    norms = gradient.flatten(start_dim=1).norm(dim=1)
    assert norms.shape == (len(images),)
    return norms.mean()


exercises.check_8_3(my_penalty)

# %% [markdown]
# Three things can go wrong without an error: `mean()` in place of `sum()` makes the penalty $N$ times smaller, a norm over `dim=1` is the seed's, and
# without `create_graph=True` the number is right but trains nothing.
#
# ### Solution 8.4
#
# The pair at 8 is nearer than the weight 10, so power 1 leaves it nothing. Power 2: $s^* = 8 / 400 = 0.02$, half of $\mu$. For the last one
# $d / 2\gamma = \mu / 2$ gives $\gamma = d / \mu = 500$.

# %%
first = 0
second = 0.5
weight = 500
exercises.check_8_4(first, second, weight)

# %% [markdown]
# ### Solution 8.5
#
# Two tests together do it. Carry *whole rows* to other places: a loss over pairs must not change. Move the *margins alone*: it must. The first misses the
# seed's slip, the second misses margins in another order. Shorter, and enough by itself: a batch of one pair has no other pair to meet, so the loss of a
# batch must be the mean of the losses of its rows.


# %%
def keeps_pairs(loss):
    """True if row i of the three vectors is one pair, and no row meets another."""
    random = torch.Generator().manual_seed(0)
    real, fake, margin = torch.randn(3, 9, generator=random)
    alone = [loss(real[i : i + 1], fake[i : i + 1], margin[i : i + 1]) for i in range(9)]
    return bool(torch.isclose(loss(real, fake, margin), torch.stack(alone).mean(), atol=1e-6))


exercises.check_8_5(keeps_pairs)

# %% [markdown]
# It works for every loss that is a mean over pairs, and it would have found the seed's slip in one line. (At $\nu = 1$ it finds nothing, since there is
# nothing to find.)
#
# ### Solution 8.6

# %%
rows = slope_penalties.judged(load_table("slope_penalties"))
flat = {}
for row in rows:
    if row["cell"].startswith("sample, power 1"):
        flat.setdefault(float(row["cell"].split(", ")[-1]), []).append(row["verdict"] == "flat")
print(flat)
smallest = min(weight for weight, runs in flat.items() if all(runs))
flat_runs = sum(row["verdict"] == "flat" for row in rows)
print(sorted({row["cell"] for row in rows if row["verdict"] == "flat"}))
exercises.check_8_6(smallest, flat_runs)

# %% [markdown]
# ### Solution 8.7
#
# One of many: $\sqrt{1 + (n/n_0)^2} - 1$, times $n_0$. Near zero it is $n^2 / 2 n_0$, far out $n$. Here $n_0$ is a slope of the size that keeps the margins, $0.03$.


# %%
def soft(norms):
    """Norms (N,) of the images' gradients -> scalar, a mean over the images."""
    free = 0.03
    return (free * ((1 + (norms / free) ** 2).sqrt() - 1)).mean()


exercises.check_8_7(soft)

# %%
mu, gamma, slopes = 0.032, 10.0, torch.linspace(0, 0.05, 5_001, dtype=torch.float64)
distances = torch.linspace(0.1, 30, 300, dtype=torch.float64)
shapes = {
    "power 1": lambda s: s,
    "soft": lambda s: torch.stack([soft(one[None]) for one in s]),
}
fig, ax = plt.subplots(figsize=(6, 3))
kept = {}
for (name, shape), style in zip(shapes.items(), ("-", "--"), strict=True):
    price = gamma * shape(slopes)
    gain = (mu * distances[:, None] - slopes * distances[:, None]).clamp_min(0)
    kept[name] = slopes[(gain + price).argmin(dim=1)] / mu
    ax.plot(distances, kept[name], style, color=PALETTE["loss_sensitive"], label=name)
ax.set(xlabel="distance of the pair", ylabel="share of the margin kept")
_ = ax.legend()
at_8 = (distances - 8).abs().argmin()
claim(kept["power 1"][at_8] == 0, "power 1, weight 10, distance 8: nothing is kept")
claim(kept["soft"][at_8] > 0.5, "the soft form: more than half is kept")
claim((kept["soft"][1:] > 0).all(), "and at no distance nothing at all")

# %% [markdown]
# What it gives up: it has two settings instead of one, and the second is a slope, whose unit depends on the margin's scale. Power 1 with a small weight
# needs neither, which is why the seed's accident works so well.
