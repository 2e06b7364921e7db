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
# # 03 - Solutions: build the least-squares networks
#
# Solutions to the exercises of [chapter 03](../03_build_least_squares_networks.ipynb), each put
# through the same check. Try them yourself first.

# %%
import torch
from torch import nn

from lsgan_lib.book import claim, setup
from lsgan_lib.exercises import chapter_03 as exercises
from lsgan_lib.networks.layers import describe

setup(seed=3)

# %% [markdown]
# ### Solution 3.1
#
# Halve and round up: $100, 50, 25, 13, 7$. The generator walks back. From $7$ to $13 = 2 \cdot 7 - 1$ no padding is
# needed, nor from $13$ to $25$; from $25$ to $50$ and from $50$ to $100$ one row is. The linear layer makes
# $7 \cdot 7 \cdot 256 = 12{,}544$ entries, each from 64 weights and a bias, with a scale and a shift of its own.

# %%
sizes = (7, 13, 25, 50, 100)
paddings = (0, 0, 1, 1)
linear_parameters = 12_544 * (64 + 1 + 2)
exercises.check_3_1(sizes, paddings, linear_parameters)

# %% [markdown]
# ### Solution 3.2

# %%
generator, _ = exercises.tables(size=112, channels=3, z_dim=1024)
print(describe(generator))
heaviest, dearest = "linear", "deconv4"
work = {row.name: row.multiplications for row in generator}
share = work["linear"] / sum(work.values())
exercises.check_3_2(heaviest, dearest, share)

# %%
weights = {row.name: row.parameters for row in generator}
claim(
    weights["linear"] > 0.8 * sum(weights.values()), "the linear layer: over 80 % of the parameters"
)
claim(share < 0.02, "and below 2 % of the work")

# %% [markdown]
# A weight of the linear layer is used once an image. A weight of `deconv4` is used at every one of
# $28 \times 28$ pixels.
#
# ### Solution 3.3


# %%
def transposed_row(x, kernel, stride):
    """x: (L,), kernel: (k,). Returns ((L - 1) * stride + k,)."""
    out = torch.zeros((len(x) - 1) * stride + len(kernel))
    for j, value in enumerate(x):
        out[j * stride : j * stride + len(kernel)] += value * kernel
    return out


exercises.check_3_3(transposed_row)

# %% [markdown]
# ### Solution 3.4
#
# Along one row the kinds are $1, 2, 1, 2, \dots$ and the kernel covers three neighbours: around a $1$ it sums
# $2 + 1 + 2 = 5$, around a $2$ it sums $1 + 2 + 1 = 4$. Rows and columns multiply, as the counts did: $25, 20, 20, 16$.
#
# The order has turned round: where there was least, there is now most. The ratio has gone from $4$ to $1.56$.

# %%
after_keeping = (25, 20, 20, 16)
exercises.check_3_4(after_keeping)

# %% [markdown]
# ### Solution 3.5


# %%
def two_faces(x, running_mean, running_var, training):
    """Returns (y, running_mean, running_var)."""
    if not training:
        return (x - running_mean) / running_var.sqrt(), running_mean, running_var
    mean, var = x.mean(0), x.var(0, correction=0)
    moved_mean = 0.9 * running_mean + 0.1 * mean
    moved_var = 0.9 * running_var + 0.1 * x.var(0)  # the unbiased one
    return (x - mean) / var.sqrt(), moved_mean, moved_var


exercises.check_3_5(two_faces)

# %% [markdown]
# ### Solution 3.6
#
# By (3.5) every layer multiplies the deviation by $\sigma_w$ times a number that does not depend on
# it. Eight layers: the image's deviation is proportional to $\sigma_w^8$. With $0.02$ it was somewhat below $10^{-4}$. For
# $0.3$ it has to grow about 3,500 times, and $3500^{1/8} \approx 2.8$: look near $0.02 \cdot 2.8 = 0.056$.

# %%
found = {std: exercises.image_spread(std, seed=0) for std in (0.02, 0.04, 0.056, 0.08)}
for std, spread in found.items():
    print(f"std {std:<6g} the images' deviation is {spread:.1g}")
good_std = 0.056
exercises.check_3_6(good_std)

# %% [markdown]
# The power of 8 is why nobody chooses one deviation by hand for a deep network: $0.04$ is nearly grey, $0.08$
# saturates tanh. He's rule, one deviation for each layer, has no such power.
#
# ### Solution 3.7
#
# Enlarge first, then convolve, as Odena et al. propose. Every pixel is a sum of nine terms.


# %%
def make_double(into, out):
    """An nn.Module: (N, into, s, s) -> (N, out, 2s, 2s)."""
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(into, out, 3, padding=1))


exercises.check_3_7(make_double)

# %% [markdown]
# The parameters are the same. The work is fourfold: the kernel is laid down at every *output* pixel, where the transposed
# convolution lays it down at every input pixel. A transposed convolution with kernel 4 is the other
# common answer. It has 16 weights instead of 9 for each pair of channels, and less than half of the work
# of the first.

# %%
x = torch.randn(64, 8, 6, 6)
kinds = {
    "upsample, 3 x 3": make_double(8, 64),
    "transposed, 4 x 4": nn.ConvTranspose2d(8, 64, 4, 2, 1),
    "transposed, 3 x 3": nn.ConvTranspose2d(8, 64, 3, 2, 1, output_padding=1),
}
even = {}  # are the four kinds of pixel alike?
for name, layer in kinds.items():
    four = exercises.kinds_of_pixel(layer(x)[:, :, 2:-2, 2:-2])
    even[name] = bool(four.max() < 1.3 * four.min())
claim([*even.values()] == [True, True, False], "no pattern, no pattern, and a pattern")

# %% [markdown]
# A start without a pattern is no promise. Weights may learn a checkerboard, and the critic's gradient, with its pattern of 9 to 4,
# keeps asking for one.
