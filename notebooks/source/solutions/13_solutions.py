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
# # 13 - Solutions: explore the latent space
#
# Solutions to the exercises of [chapter 13](../13_explore_latent_space.ipynb), each put through the
# same check. Try them yourself first.

# %%
import torch
from matplotlib_inline.backend_inline import set_matplotlib_formats
from torch.nn.functional import normalize

from lsgan_lib.book import claim, load_run, setup
from lsgan_lib.directions import change, directions
from lsgan_lib.evaluation.neighbours import nearest
from lsgan_lib.exercises import chapter_13 as exercises
from lsgan_lib.figures import show_images
from lsgan_lib.latent import draw, images_of, path
from lsgan_lib.networks.by_heart import ByHeart

setup(seed=13)
set_matplotlib_formats("jpeg", pil_kwargs={"quality": 76})
net = load_run("faces-slope-zero").generator()


def noise(count, seed):
    """Draws for LS-GAN's generator: (count, 100)."""
    return draw(count, 100, "normal", torch.Generator().manual_seed(seed))


# %% [markdown]
# ### Solution 13.1
#
# $d\,m_2 = 400$, so the radius is 20. The thickness is $\tfrac12\sqrt{(3 - 1)/1} = 0.71$, as for any normal noise. The middle
# of a line has the length $20\sqrt{1/2} = 14.14$, so $5.86$ are missing, which is $8.3$ thicknesses.

# %%
exercises.check_13_1(20, 0.7071, 8.28)

# %% [markdown]
# ### Solution 13.2
#
# Variances add up, whatever the signs: $\tfrac5n\,d\,m_2$. That is $d\,m_2$ for $n = 5$. With $n = 20$ it is a quarter, so the sum
# is half as long as a draw: multiply by 2.

# %%
exercises.check_13_2(5, 2)

# %% [markdown]
# ### Solution 13.3
#
# *Distance* falls half-way, and a small distance to real digits is usually called good. The distribution-preserving path is flat
# by (13.6). And a score of single pictures is the same for sixty different faces and for sixty copies of one of them; spread is not.

# %%
exercises.check_13_3("distance", "distribution_preserving", "no")

# %% [markdown]
# ### Solution 13.4


# %%
def sameness_of_a_step(generator, places, v):
    """Mean cosine between G(z + v) - G(z) at all pairs of different places"""
    unit = normalize((generator(places + v) - generator(places)).flatten(1))
    n = len(places)
    return ((unit @ unit.T).sum() - n) / (n * (n - 1))


exercises.check_13_4(sameness_of_a_step)

# %% [markdown]
# With it we can ask whether *large* steps along LS-GAN's first direction are as much alike as small ones.

# %%
vectors, _ = directions(net, noise(6, 10), 2)
at = noise(12, 12)
alike = {}
with torch.no_grad():
    for length in (0.1, 1.0, 4.0):
        alike[length] = [sameness_of_a_step(net, at, length * v).item() for v in vectors]
        first, second = alike[length]
        print(f"a step of {length}: first direction {first:.2f}, second {second:.2f}")
claim(all(first > second for first, second in alike.values()), "the first is more alike throughout")

# %% [markdown]
# ### Solution 13.5


# %%
def memory_gap(generator, z_dim, seen, unseen):
    """Mean distance of unseen pictures to the nearest of 500 samples, less that of seen ones"""
    z = draw(500, z_dim, "normal", torch.Generator().manual_seed(0))
    with torch.no_grad():
        samples = generator(z)
    return (nearest(unseen, samples)[0].mean() - nearest(seen, samples)[0].mean()).item()


exercises.check_13_5(memory_gap)

# %% [markdown]
# ### Solution 13.6
#
# Sharper choices are purer, and their borders steeper. Between "smooth, and half of it not from the list" and "pure, and it jumps" there is no
# place at which a test by eye would draw the line.

# %%
random = torch.Generator().manual_seed(43)
entries, keys = draw(12, 100, "normal", random), draw(12, 100, "normal", random)
known = images_of(net, entries)
walk = path(*noise(16, 30).chunk(2), 41, "slerp", "normal")
shares, largest_steps = [], []
for sharpness in (2.0, 16.0):
    heart = ByHeart(net, entries, keys, sharpness)
    far, _ = nearest(images_of(heart, noise(500, 31)), known)
    shares.append((far < 0.2).float().mean().item())
    pictures = images_of(heart, walk.flatten(0, 1)).unflatten(0, (8, 41))
    largest_steps.append(pictures.diff(dim=1).flatten(2).norm(dim=2).amax(dim=1).mean().item())
    print(
        f"sharpness {sharpness:g}: {shares[-1]:.0%} by heart, largest step {largest_steps[-1]:.1f}"
    )
exercises.check_13_6(shares, largest_steps, "yes")

# %% [markdown]
# ### Solution 13.7
#
# *One of many.* Hair, perhaps: the brightness of a patch above the forehead, less that of the upper corners. A direction for it is the
# mean of its gradient by the noise, over thirty places. (Reverse mode: one number by many.)


# %%
def hair(images):
    """Brightness above the forehead, less that of the background."""
    grey = images.mean(dim=1)
    background = torch.cat([grey[:, :10, :8], grey[:, :10, -8:]], dim=2)
    return grey[:, 8:16, 24:40].mean(dim=(1, 2)) - background.mean(dim=(1, 2))


z = noise(30, 50).requires_grad_(True)
(gradient,) = torch.autograd.grad(hair(net(z)).sum(), z)
fair_hair = normalize(normalize(gradient).mean(dim=0), dim=0)
rises = torch.cat([hair(change(net, place, fair_hair[None])) for place in noise(20, 51)])
my_share = (rises > 0).float().mean().item()
exercises.check_13_7(fair_hair, "hair lighter than what is behind it", my_share)

# %%
start, amounts = noise(3, 52), torch.linspace(-5, 5, 9)[:, None]
show_images(images_of(net, torch.cat([z + amounts * fair_hair for z in start])), 9, width=9.0)

# %% [markdown]
# Three faces along it. The number rises, as the share says. Whether it is *hair* that does it, or the background that gets darker, only
# the pictures tell: mostly both.
