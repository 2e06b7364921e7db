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
# # 03 - Build the least-squares networks, and measure what each part does
#
# Two chains of layers play the game of chapter 02. This chapter takes them apart: where their sizes
# come from, where a checkerboard comes from, what the first random weights decide, and what
# BatchNorm does to a sample behind your back.
#
# *about 75 minutes, 40 s of computing* · [source of this page](source/03_build_least_squares_networks.py) ·
# [solutions](solutions/03_solutions.ipynb)

# %% tags=["hide-input"]
import torch

from lsgan_lib.diagrams import shape_diagram
from lsgan_lib.figures import use_style
from lsgan_lib.networks import LeastSquaresNetworks
from lsgan_lib.networks.layers import layer_table

use_style()
random = torch.Generator().manual_seed(3)
digits_28 = LeastSquaresNetworks(size=28, channels=1, z_dim=100)
shape_diagram(
    layer_table(digits_28.generator(random), torch.zeros(1, 100)),
    layer_table(digits_28.critic(random), torch.zeros(1, 1, 28, 28)),
)

# %% [markdown]
# **Figure 3.1** The two networks for 28-pixel digits, read from the live modules. A box is what one
# layer gives: as tall as it has pixels, as wide as it has channels (the number above it). Filled:
# BatchNorm follows. Dot: room for dropout. A stride of 2+1 has one row of output padding. - The
# generator starts from a map of 2 × 2 pixels and doubles it four times. The critic walks back
# through the same sizes.
#
# ## What you will be able to do
#
# - *compute* every map size, padding and parameter of these networks for any image size
#   (Exercise 3.1), and *find* the layers that cost memory and time (Exercise 3.2);
# - *write* a transposed convolution by hand (Exercise 3.3), *predict* its checkerboard (Exercise 3.4)
#   and *design* a layer without one (Exercise 3.7);
# - *write* BatchNorm with its two faces, training and sampling (Exercise 3.5);
# - *choose* starting weights for a network without BatchNorm (Exercise 3.6).
#
# ## What you need
#
# | concept | how much | where to read it |
# | --- | --- | --- |
# | convolution | kernel, stride, padding | Dumoulin and Visin, *A guide to convolution arithmetic* |
# | the two losses and the word *critic* | what each network wants | [chapter 02](02_derive_least_squares.ipynb), (2.1) and (2.2) |
# | variance of a sum | adds up for independent terms | any first course |
# | `torch.nn.Module` | `forward`, `train()`, `eval()` | PyTorch tutorial *Build the Neural Network* |
#
# ## Notation
#
# | here | in code | meaning |
# | --- | --- | --- |
# | $z$ | `noise` | the generator's input, uniform on $[-1, 1]$ |
# | $s,\ C$ | `gives` | pixels of a map's side, and its channels |
# | $k,\ t,\ p$ | `kernel`, `stride`, `padding` | of a convolution |
# | $e$ | `output_padding` | rows and columns added at the far edge |
# | $\sigma_w$ | `std` | standard deviation of the starting weights |
# | $n$ | `inputs_of` | numbers that are summed in one output of a layer |
# | $\mu, v$ and $\bar\mu, \bar v$ | `running_mean`, `running_var` | mean and variance of a batch, and their moving averages |
#
# *LSGAN* is the Least Squares GAN (Mao et al.). *LS-GAN* with a hyphen is the loss-sensitive GAN,
# whose networks differ (chapter 08). *The seed* is the public TensorFlow implementation that this
# book starts from.

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lsgan_lib.book import claim, load_run, setup, show_source, versions
from lsgan_lib.data import digits, to_float
from lsgan_lib.diagrams import shape_diagram
from lsgan_lib.exercises import chapter_03 as exercises
from lsgan_lib.figures import PALETTE, image_grid
from lsgan_lib.labs.explore import explore
from lsgan_lib.losses import least_squares
from lsgan_lib.networks import DCGANNetworks, LeastSquaresNetworks
from lsgan_lib.networks.dropout import dropout_at_sampling
from lsgan_lib.networks.initialise import normal_
from lsgan_lib.networks.layers import WEIGHTED, describe, layer_table
from lsgan_lib.networks.least_squares import Critic, Generator, halvings
from lsgan_lib.networks.spread import kinds_of_pixel, spreads

setup(seed=3)

# %% [markdown]
# ## Predict
#
# Take all BatchNorm out of the generator of Figure 3.1. Draw its weights as the paper's code does,
# with a standard deviation of 0.02, and send in noise whose standard deviation is 0.58. What comes
# out of the last of the eight layers? About 0.5, about 0.01, or less than 0.001? And if the weights
# are ten times as large? Write it down. The answer is in *Starting weights*.
#
# ## One layer by hand
#
# `deconv2` takes 256 channels to 256 with a 3 × 3 kernel. Each of the 256 outputs has a kernel for
# each of the 256 inputs: $256 \cdot 256 \cdot 9 = 589{,}824$ weights. Add 256 biases, and the
# BatchNorm behind it: one scale and one shift a channel. Together $589{,}824 + 256 + 512 =
# 590{,}592$. In general
#
# $$
# \text{parameters} = C_{\text{in}}\, C_{\text{out}}\, k^2 + C_{\text{out}} + 2\, C_{\text{out}}
# \tag{3.1}
# $$
#
# where the last term is BatchNorm's. (The bias is idle where BatchNorm follows: the mean that is
# subtracted takes it along. The seed has it, and so have we.)

# %%
generator, critic = exercises.tables(size=28)
print(describe(generator))
print()
print(describe(critic))

# %% [markdown]
# A star marks dropout. `mult.` counts the multiplications of one image. Here is (3.1), asked of
# every convolution in the table.


# %%
def parameters(row):
    """(3.1)"""
    into, out = row.takes[0], row.gives[0]
    return into * out * row.kernel**2 + out + 2 * out * row.norm


convolutions = [row for row in generator + critic if row.kernel]
claim(parameters(generator[2]) == 590_592, "deconv2 has 590,592 parameters")
agree = all(parameters(row) == row.parameters for row in convolutions)
claim(agree, f"(3.1) counts all {len(convolutions)} convolutions of both networks")

# %% [markdown]
# The two linear layers are the exception. The first one makes the whole $2 \times 2 \times 256$
# map, and its BatchNorm treats each of the 1,024 entries as a channel of its own.
#
# ## The published table
#
# The paper's code was written for 112 pixels, the seed's for 28 and 64. They share one table, with
# sizes given as fractions of the image. Is it ours? We type it in as published and compare it with
# what the live modules say.

# %%
PUBLISHED_GENERATOR = [  # layer, channels, image size divided by, kernel, stride, BatchNorm
    ("linear", 256, 16, 0, 0, True),
    ("deconv1", 256, 8, 3, 2, True),
    ("deconv2", 256, 8, 3, 1, True),
    ("deconv3", 256, 4, 3, 2, True),
    ("deconv4", 256, 4, 3, 1, True),
    ("deconv5", 128, 2, 3, 2, True),
    ("deconv6", 64, 1, 3, 2, True),
]  # ReLU behind each; then deconv7 to the image: 3 x 3, stride 1, tanh
PUBLISHED_CRITIC = [
    ("conv1", 64, 2, 5, 2, False),
    ("conv2", 128, 4, 5, 2, True),
    ("conv3", 256, 8, 5, 2, True),
    ("conv4", 512, 16, 5, 2, True),
]  # LeakyReLU 0.2 behind each; then a linear layer to one number


def same(rows, published, size, activation):
    """Compare the first rows of a live table with the published one."""
    pixels = dict(zip((1, 2, 4, 8, 16), halvings(size), strict=True))
    ours = [(r.name, *r.gives[:2], r.kernel, r.stride, r.norm) for r in rows]
    theirs = [(name, c, pixels[part], *rest) for name, c, part, *rest in published]
    return ours == theirs and all(row.activation == activation for row in rows)


# %%
reference = {  # size: (channels, z, generator and critic in millions of parameters)
    28: (1, 100, 2.84, 4.31),
    64: (3, 1024, 6.94, 4.32),
    112: (3, 1024, 15.6, 4.33),
}
for size, (channels, z_dim, g_millions, c_millions) in reference.items():
    g, c = exercises.tables(size=size, channels=channels, z_dim=z_dim)
    claim(same(g[:-1], PUBLISHED_GENERATOR, size, "ReLU"), f"{size} px: generator as published")
    claim(same(c[:-1], PUBLISHED_CRITIC, size, "LeakyReLU 0.2"), f"{size} px: critic as published")
    ends = (g[-1].kernel, g[-1].stride, g[-1].activation, c[-1].name, c[-1].activation)
    claim(ends == (3, 1, "Tanh", "linear", ""), f"{size} px: tanh at one end, nothing at the other")
    counts = [sum(row.parameters for row in rows) / 1e6 for rows in (g, c)]
    near = all(
        abs(a / b - 1) < 0.005 for a, b in zip(counts, (g_millions, c_millions), strict=True)
    )
    claim(
        near, f"{size} px: {counts[0]:.2f} and {counts[1]:.2f} million parameters, as counted there"
    )

# %% [markdown]
# The modules themselves are short. This is all that stands behind Figure 3.1:

# %%
show_source(Generator, Critic)

# %% [markdown]
# Three notes on the sizes. First, halves are rounded **up**: $28 \to 14 \to 7 \to 4 \to 2$. Second,
# the critic hardly grows with the image, since only its last layer sees the map's size. Third, at
# 112 pixels most of the generator sits in one linear layer. It is 82 % of the parameters and 1 % of
# the work (Exercise 3.2).
#
# The seed calls its networks "exactly the same as the paper". The layer list is. These points are
# not:
#
# | point | the paper's code | the seed | this library |
# | --- | --- | --- | --- |
# | BatchNorm's scale | learned | none, a shift only | learned |
# | starting weights of the convolutions | normal, cut off at two deviations | plain normal | plain normal |
# | images, and the first map | 112 px, $7 \times 7$ | 28 px, $2 \times 2$; 64 px, $4 \times 4$ | any size |
# | dropout in the generator | | after deconv 2, 4 and 6, though its page says "after each" | the same places, or none |
#
# Do the first two matter? A positive scale adds nothing to what the network can express: ReLU
# passes a factor on, so it can be moved into the next layer's weights. (It can still change how
# training goes.) The second changes a number: a normal variable that is drawn again whenever it
# falls outside two deviations has a smaller deviation.

# %%
network = LeastSquaresNetworks(size=28, width=0.25).generator(torch.Generator().manual_seed(0))
noise = 2 * torch.rand(64, 100) - 1
network.eval()  # BatchNorm with fixed statistics, so that the two factors meet
with torch.no_grad():
    before = network(noise)
    deconv1, norm, _relu, deconv2 = network.layers[:4]
    norm.weight.mul_(3)
    norm.bias.mul_(3)
    deconv2.weight.div_(3)
    after = network(noise)
claim(
    torch.allclose(before, after, atol=1e-6), "a scale of 3, taken back by the next layer's weights"
)
cut = nn.init.trunc_normal_(torch.empty(200_000), std=0.02, a=-0.04, b=0.04)
claim(0.0174 < cut.std() < 0.0178, "0.02 cut off at two deviations leaves a deviation near 0.0176")

# %% [markdown]
# ## The baseline: another generator, the same critic
#
# The method is compared with DCGAN (Radford et al. 2015), in the seed as in the paper. Here is the
# seed's form of it.

# %%
baseline = DCGANNetworks(size=28)
fresh = torch.Generator().manual_seed(0)
dcgan = layer_table(baseline.generator(fresh), torch.zeros(1, 100))
dcgan_critic = layer_table(baseline.critic(fresh), torch.zeros(1, 1, 28, 28))
shape_diagram(dcgan, dcgan_critic)
claim(dcgan_critic == critic, "both critics are one table")
total = {
    name: [sum(getattr(row, name) for row in rows) for rows in (generator, dcgan)]
    for name in ("parameters", "multiplications")
}
claim(
    total["parameters"][1] > 1.5 * total["parameters"][0], "DCGAN's generator has more parameters"
)
claim(
    total["multiplications"][1] < 0.5 * total["multiplications"][0],
    "and does less than half the work",
)
dots = [sum(row.dropout for row in rows) for rows in (generator, dcgan)]
claim(dots == [3, 4], "dropout: three places here, four there, behind every layer but the last")

# %% [markdown]
# **Figure 3.2** DCGAN for 28 pixels. - Four large kernels instead of seven small ones, and the
# channels halve whenever the side doubles. So a comparison "LSGAN against DCGAN" that swaps
# networks *and* loss does not tell which of the two made the difference. In this book a comparison
# of losses uses one pair of networks.
#
# Of the seven layers of Figure 3.1 four double the map, and three (deconv 2, 4 and 7) work at the
# size that they find. To see why that is a good idea, look at what one doubling does.
#
# ## A transposed convolution is a matrix, transposed
#
# A convolution with the kernel $(1, 2, 3)$ and stride 2 turns five numbers into two. Written as a
# matrix, each row is the kernel, moved by two:
#
# $$
# C = \begin{pmatrix} 1 & 2 & 3 & 0 & 0 \\ 0 & 0 & 1 & 2 & 3 \end{pmatrix}
# $$
#
# The transposed convolution is $C^\top$. It turns two numbers into five: each input lays down a
# copy of the kernel, scaled by its value, and where copies overlap they add up. For the input $(10,
# 1)$: $(10, 20, 30, 0, 0) + (0, 0, 1, 2, 3) = (10, 20, 31, 2, 3)$.

# %%
C = torch.tensor([[1.0, 2, 3, 0, 0], [0, 0, 1, 2, 3]])
kernel, y = torch.tensor([1.0, 2, 3]), torch.tensor([10.0, 1])
print((C.T @ y).tolist())
by_torch = functional.conv_transpose1d(y[None, None], kernel[None, None], stride=2).flatten()
claim(torch.equal(C.T @ y, by_torch), "PyTorch's transposed convolution is the matrix, transposed")

# %% [markdown]
# In other words, for all $x$ and $y$ the two are *adjoint*:
#
# $$
# \langle C x,\ y \rangle = \langle x,\ C^\top y \rangle
# \tag{3.2}
# $$
#
# It is no inverse. It takes shapes back, not values. It is what the backward pass of a convolution
# does, so every critic contains four of them. For a picture the matrix is large but no different.
# We find it by sending each of the $7 \times 7$ pixels through the convolution alone.

# %%
weight = torch.randn(1, 1, 3, 3)


def matrix_of(size):
    """The 3 x 3 convolution of stride 2 and padding 1 on size x size pixels, as a matrix."""
    pixels = torch.eye(size**2).view(-1, 1, size, size)
    return functional.conv2d(pixels, weight, stride=2, padding=1).flatten(1).T


def transposed(y, output_padding=0):
    """Its transposed convolution."""
    return functional.conv_transpose2d(y, weight, None, 2, 1, output_padding)


y = torch.randn(1, 1, 4, 4)
x = torch.randn(1, 1, 7, 7, requires_grad=True)
Cx = functional.conv2d(x, weight, stride=2, padding=1)
claim(
    torch.allclose((Cx * y).sum(), (x * transposed(y)).sum(), atol=1e-4), "(3.2) in two dimensions"
)
product = (matrix_of(7).T @ y.flatten()).view(1, 1, 7, 7)
claim(torch.allclose(product, transposed(y), atol=1e-5), "4 x 4 to 7 x 7 is a 49 x 16 matrix")
backward = torch.autograd.grad(Cx, x, y)[0]
claim(torch.allclose(backward, transposed(y), atol=1e-5), "and the convolution's backward pass")

# %% [markdown]
# ## Why 4 becomes 7 or 8
#
# A convolution forgets. With stride 2 it makes 4 pixels out of 7, and 4 out of 8. Going back,
# somebody has to say which it was. That is `output_padding`, $e$:
#
# $$
# s_{\text{out}} = (s_{\text{in}} - 1)\, t - 2p + k + e
# \qquad \text{here} \qquad s_{\text{out}} = 2 s_{\text{in}} - 1 + e
# \tag{3.3}
# $$
#
# For $k = 3$, $t = 2$, $p = 1$: from 4 to 7 needs $e = 0$, from 4 to 8 needs $e = 1$. The name
# misleads: nothing is padded with zeros afterwards. The matrix gets more rows, those of the 8-pixel
# convolution.


# %%
def size_out(size, kernel=3, stride=2, padding=1, extra=0):
    """(3.3)"""
    return (size - 1) * stride - 2 * padding + kernel + extra


claim(matrix_of(7).shape == (16, 49) and matrix_of(8).shape == (16, 64), "7 and 8 both become 4")
eight = (matrix_of(8).T @ y.flatten()).view(1, 1, 8, 8)
claim(
    torch.allclose(eight, transposed(y, 1), atol=1e-5),
    "output_padding 1 transposes the other matrix",
)
for size in (28, 64, 112):
    rows = exercises.tables(size=size, width=1 / 64)[0]
    doubling = [row for row in rows if row.stride == 2]
    fits = all(size_out(r.takes[1], extra=r.output_padding) == r.gives[1] for r in doubling)
    paddings = [row.output_padding for row in doubling]
    claim(fits, f"{size} px: (3.3) gives every size, with output_padding {paddings}")

# %% [markdown]
# ## The checkerboard
#
# How many kernel copies meet at one place? Count, for output $i$, the inputs $j$ whose copy reaches
# it:
#
# $$
# n(i) = \#\{\, j : 0 \le i + p - t\,j < k \,\}
# \tag{3.4}
# $$
#
# With kernel 3 and stride 2 the counts alternate: $1, 2, 1, 2, \dots$ In the plane rows and columns
# multiply: $1, 2, 2, 4$. One pixel in four gets four times as many terms as another. Odena et al.
# (2016) showed that this is where the checkerboards in generated images come from. The count is
# the same everywhere exactly when the stride divides the kernel.


# %%
def overlap(kernel, stride=2, inputs=5):
    """(3.4), without padding."""
    places = range((inputs - 1) * stride + kernel)
    return torch.tensor([sum(0 <= i - stride * j < kernel for j in range(inputs)) for i in places])


def comb(ax, kernel):
    """Five inputs above, what they reach below, and how often."""
    count = overlap(kernel)
    for j in range(5):
        for place in range(2 * j, 2 * j + kernel):
            ax.plot(
                [2 * j + (kernel - 1) / 2, place], [1, 0], color=PALETTE["guide"], linewidth=0.7
            )
    ax.bar(range(len(count)), -0.3 * count, color=PALETTE["generator"], width=0.8)
    ax.set(xlim=(-1, 14), ylim=(-1.1, 1.1), xticks=[], yticks=[])


# %%
def carpet(ax, kernel):
    """The counts of a map, away from its edges."""
    inner = overlap(kernel, inputs=9)[kernel + kernel % 2 : kernel + kernel % 2 + 6]
    count = torch.outer(inner, inner)
    ax.imshow(count, cmap="Oranges", vmin=0, vmax=10)
    for (i, j), n in zip(
        torch.cartesian_prod(*[torch.arange(6)] * 2), count.flatten(), strict=True
    ):
        ax.text(j, i, int(n), ha="center", va="center", fontsize=8)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)


for kernel in (2, 3, 4, 5, 6):
    row = functional.conv_transpose1d(torch.ones(1, 1, 5), torch.ones(1, 1, kernel), stride=2)
    claim(torch.equal(overlap(kernel), row.flatten().long()), f"(3.4) for kernel {kernel}")
explore({"a row": comb, "a map": carpet}, "kernel", [2, 3, 4, 5, 6], panels=5, size=(3.4, 3.0))

# %% [markdown]
# **Figure 3.3** Above: five inputs, the outputs that each reaches with stride 2, and how many reach
# each output (bars). Below: the same count in a map. - Kernels 3 and 5 leave a pattern; 2, 4 and
# 6 do not. The pattern of kernel 5 (9 to 4) is milder than that of kernel 3 (4 to 1).
#
# 1. Which kernels leave no pattern with stride 3?
# 2. Kernel 2 overlaps nowhere and leaves no pattern. Why is it not the best choice?
#
# <details><summary>Answers</summary>
#
# 1. Those that 3 divides: 3, 6, 9.
# 2. Its outputs come in blocks of $2 \times 2$ that share a single input and know nothing of the block beside
#    them. Smoothness between blocks has to come from elsewhere.
#
# </details>
#
# A count is no picture yet. But with random weights the *variance* of an output is proportional to
# the number of terms in it. So the counts should show up, as they are, in a generator that has just
# been made. We measure the mean square of each of the four kinds of pixel (even or odd row, even or
# odd column) behind each layer of the live network.


# %%
def behind_each(network, noise, kinds=nn.ConvTranspose2d):
    """What each layer of these kinds gives, in order."""
    outputs = []
    hooks = [
        module.register_forward_hook(lambda m, i, out: outputs.append(out))
        for module in network.modules()
        if isinstance(module, kinds)
    ]
    with torch.no_grad():
        network(noise)
    for hook in hooks:
        hook.remove()
    return outputs


network = LeastSquaresNetworks(size=28).generator(torch.Generator().manual_seed(0))
squares = [kinds_of_pixel(out) for out in behind_each(network, noise)]
for row, four in zip(generator[1:-1], squares, strict=False):
    print(f"{row.name}  stride {row.stride}  " + " : ".join(f"{n:.1f}" for n in four / four.min()))

# %%
expected = torch.tensor([1.0, 2.0, 2.0, 4.0], dtype=torch.float64) / 9
shares = [squares[i] / squares[i].sum() for i in (2, 4, 5)]
close = all(torch.allclose(four, expected, rtol=0.2) for four in shares)
claim(close, "deconv3, 5 and 6: the four kinds of pixel share as 1 : 2 : 2 : 4, within 20 %")
kept = squares[3].max() / squares[3].min()
claim(kept < 1.6, "deconv4, at the same size, has mixed them: less than 1.6 to 1")
outputs = behind_each(network, noise, (nn.ConvTranspose2d, nn.BatchNorm2d))
normed = kinds_of_pixel(outputs[5])  # BatchNorm behind deconv3
claim(normed.max() / normed.min() > 3, "BatchNorm divides a whole channel by one number: no help")

# %% [markdown]
# So theory and network agree, and two remedies are sorted out. BatchNorm cannot help. (`deconv1`
# makes a map of 4 × 4, which is mostly edge; the rule is about the middle.) What helps is the layer
# behind a doubling: its window always covers pixels of all four kinds. The paper's generator has
# such a layer behind the first, the second and the last doubling. Figure 3.4 shows what the last
# one is worth.


# %%
def rms(make, layer, draws=8):
    """Root mean square of each pixel behind one layer, over weights, noise and channels."""
    total = 0
    for seed in range(draws):  # 64 channels of output: as many draws of the last layer at once
        networks = make(width=0.25, channels=64)
        network = networks.generator(torch.Generator().manual_seed(seed))
        total = total + behind_each(network, noise[:16])[layer].square().mean((0, 1))
    return (total / draws).sqrt()


maps = {
    "behind deconv6": rms(LeastSquaresNetworks, -2),
    "behind deconv7: the image": rms(LeastSquaresNetworks, -1),
    "DCGAN: the image": rms(DCGANNetworks, -1),
}
ratio = {}
fig, axes = plt.subplots(1, 3, figsize=(8.6, 2.9))
for ax, (name, values) in zip(axes, maps.items(), strict=True):
    middle = values[6:-6, 6:-6]
    four = kinds_of_pixel(middle[None, None])
    ratio[name] = (four.max() / four.min()).item()
    ax.imshow(middle / middle.max(), vmin=0, vmax=1)
    ax.set(title=name, xticks=[], yticks=[])
    ax.grid(False)

# %% [markdown]
# **Figure 3.4** How strongly each pixel in the middle of the image starts, over many draws of the
# weights; white is strongest, black is nothing. - Behind the last doubling every fourth pixel
# stands out. One layer at the same size softens 4 to 1 to about 1.5 to 1 (Exercise 3.4 does the
# sum). DCGAN has no such layer: the 9 to 4 of its kernel reach the image as they are.

# %%
LS, DC = "behind deconv7: the image", "DCGAN: the image"
claim(3.3 < ratio["behind deconv6"] < 4.7, "behind deconv6 the mean squares are near 4 to 1")
claim(ratio[LS] < 1.8 < ratio[DC], "the image: below 1.8 to 1 here, above it for DCGAN")
real = to_float(digits().images)
images = real[:64].clone().requires_grad_(True)
pull = sum(
    torch.autograd.grad(digits_28.critic(torch.Generator().manual_seed(k))(images).sum(), images)[
        0
    ].square()
    for k in range(4)
).sqrt()
four = kinds_of_pixel(pull[:, :, 4:-4, 4:-4])
claim(1.8 < four.max() / four.min() < 3.2, "the gradient from the 5 x 5 critic: near 9 to 4")

# %% [markdown]
# The last claim closes a circle. The critic's backward pass is a transposed convolution (3.2) with
# kernel 5 and stride 2. So the *gradient* that teaches the generator carries the pattern of Figure
# 3.3 as well, 9 to 4, whatever the generator is made of.
#
# Does training remove it? Weights are free to learn any balance. We ask the recorded generators of
# chapter 04, and look at the finest stripes that a picture can hold: rows, or columns, that
# alternate. How much energy have they, compared with the next coarser ones?


# %%
def finest(images):
    """Energy of the finest stripes over that of the next ones: mean of rows and columns."""
    spectrum = torch.fft.fft2(images[:, 0] - images.mean()).abs().square().mean(0)
    half = len(spectrum) // 2
    lines = spectrum[:, 0], spectrum[0]
    return sum((line[half] / line[half - 1]).item() for line in lines) / 2


noise_400 = 2 * torch.rand(400, 100, generator=torch.Generator().manual_seed(3)) - 1
fine = {"real digits": finest(real)}
for name in ("mnist-least-squares", "mnist-least-squares-no-dropout"):
    trained = load_run(name).generator()
    fine[name] = finest(trained(noise_400))
for name, value in fine.items():
    print(f"{name:32} {value:.2f}")
claim(fine["real digits"] < 0.8, "real digits: the finest stripes are the weakest")
claim(min(list(fine.values())[1:]) > 1, "generated digits: they are stronger than the next ones")

# %% [markdown]
# A trace is left after more than half a million images, too faint to see in a digit but plain in a number. The
# cure that Odena et al. propose is to enlarge first and convolve then, or to take a kernel that the
# stride divides (Exercise 3.7). The loss-sensitive networks of chapter 08 do the latter.
#
# ## Starting weights
#
# An output of a layer is a sum of $n$ products of an input and a weight. With independent weights
# of mean zero the variances add up:
#
# $$
# \mathrm{Var}(\text{output}) = n\, \sigma_w^2\; \overline{x^2}
# \tag{3.5}
# $$
#
# $\overline{x^2}$ is the mean square of the inputs, and $n$ counts how many reach one output: $k^2
# C_{\text{in}}$ for a convolution in the middle of a map, $C_{\text{in}}$ times the mean of (3.4)
# for a transposed one, fewer at the edges. ReLU then keeps half of the mean square, LeakyReLU 0.2
# keeps $(1 + 0.04)/2$, and BatchNorm sets the variance to 1.
#
# The noise has $\overline{z^2} = \tfrac13$. So the first layer gives $100 \cdot 0.0004 / 3 =
# 0.0133$, a deviation of $0.115$. Follow it through.


# %%
def inputs_of(layer, pixels):
    """n of (3.5), a mean over the outputs: send ones through a layer of ones."""
    if isinstance(layer, nn.Linear):
        return layer.in_features
    ones = copy.deepcopy(layer)
    nn.init.ones_(ones.weight)
    nn.init.zeros_(ones.bias)
    return ones(torch.ones(1, layer.in_channels, pixels, pixels))[:, 0].mean().item()


def predicted(network, rows, mean_square, std=0.02):
    """(3.5), layer by layer: the deviation of what each gives."""
    deviations = []
    layers = [module for module in network.modules() if isinstance(module, WEIGHTED)]
    for layer, row in zip(layers, rows, strict=True):
        variance = inputs_of(layer, row.takes[-1]) * std**2 * mean_square
        deviations.append(variance**0.5)
        passed = {"ReLU": 0.5, "LeakyReLU 0.2": 0.52}.get(row.activation, 1.0)
        mean_square = passed * (1.0 if row.norm else variance)
    return deviations


# %%
start = {}  # what the networks give at the start, layer by layer
for norm in (True, False):
    networks = LeastSquaresNetworks(generator_norm=norm, critic_norm=norm)
    random = torch.Generator().manual_seed(3)
    pair = {"generator": networks.generator(random), "critic": networks.critic(random)}
    inputs = {"generator": noise, "critic": real[:64]}
    for who, rows in zip(
        pair, exercises.tables(generator_norm=norm, critic_norm=norm), strict=True
    ):
        x = inputs[who]
        theory = predicted(pair[who], rows, x.square().mean().item())
        start[who, norm] = [spread.outputs for spread in spreads(pair[who], x)]
        # The critic's last layer is left out: one output, a single draw of weights.
        ratios = [a / b for a, b in zip(start[who, norm], theory, strict=True)][:-1]
        close = all(0.7 < ratio < 1.3 for ratio in ratios)
        claim(close, f"{who} {'with' if norm else 'without'} BatchNorm: (3.5) within 30 %")
grey, lively = start["generator", False][-1], start["generator", True][-1]
claim(grey < 3e-4 and 0.2 < lively < 0.5, "without: below 0.0003; with BatchNorm: 0.2 to 0.5")
print("generator without BatchNorm:", *(f"{s:.1e}" for s in start["generator", False]))
print("generator with BatchNorm:   ", *(f"{s:.2f}" for s in start["generator", True]))

# %% [markdown]
# This answers the first half of the prediction. Without BatchNorm each layer of the generator
# shrinks what it gets, to between a quarter and two thirds, and after eight of them the image is
# grey: a deviation of the order of $0.0001$. With BatchNorm every layer starts afresh, and the
# image has a deviation near $0.3$.
#
# To keep the variance through ReLU one needs $\sigma_w^2 = 2/n$ (He et al. 2015). Read the other
# way round, $0.02$ is right for $n = 2 / 0.02^2 = 5{,}000$ inputs. The critic's `conv4` has up to
# 6,400, DCGAN's widest layers have thousands too. The generator's small kernels have far fewer:
# `deconv1` has about 576 in the middle of a map. So $0.02$ belongs to DCGAN's large kernels, and
# BatchNorm makes it work with the small ones.
#
# What if it were chosen otherwise? The gradient tells as much as the outputs: it is what the first
# step of training sees.

# %%
STDS = [0.002, 0.006, 0.02, 0.06, 0.2]
critic_28 = digits_28.critic(torch.Generator().manual_seed(0)).requires_grad_(False)


def measured(norm, std):
    """Spreads in a generator whose weights start with this deviation; None: He's, per layer."""
    random = torch.Generator().manual_seed(1)
    network = LeastSquaresNetworks(generator_norm=norm).generator(random)
    normal_(network, random, std=std or 1.0)
    layers = [module for module in network.modules() if isinstance(module, WEIGHTED)]
    for layer, row in zip(layers if std is None else [], generator, strict=False):
        layer.weight.data.mul_((2 / inputs_of(layer, row.takes[-1])) ** 0.5)
    return spreads(
        network, noise[:16], lambda images: least_squares.generator_loss(critic_28(images))
    )


stored = {(norm, std): measured(norm, std) for norm in (True, False) for std in STDS}
stored[False, None] = measured(False, None)


# %%
def profile(what):
    """A drawing of one kind of spread for every layer of the generator."""

    def draw(ax, std):
        lines = {
            "BatchNorm": (stored[True, std], "-", PALETTE["least_squares"]),
            "none": (stored[False, std], "-", PALETTE["generator"]),
            "none, He": (stored[False, None], ":", PALETTE["guide"]),
        }
        for name, (spread, style, colour) in lines.items():
            y = [getattr(layer, what) for layer in spread]
            ax.plot(range(len(y)), y, style, marker="o", markersize=3, color=colour, label=name)
        ax.set(yscale="log", ylim=(1e-7, 1e6), xticks=range(8), xticklabels=["lin", *"1234567"])
        ax.set_yticks([1e-6, 1e-3, 1, 1e3, 1e6])
        if what == "outputs":
            ax.legend(fontsize=8, loc="upper left")

    return draw


drawings = {what: profile(what) for what in ("outputs", "gradients")}
explore(drawings, "std", STDS, panels=3, size=(3.6, 3.2))

# %% [markdown]
# **Figure 3.5** Root mean square of what the generator's eight layers give (above) and of the
# gradient that reaches them (below), for three deviations of the starting weights. Dotted: He's
# deviation for each layer, without BatchNorm. - Without BatchNorm one value of the deviation
# starves the network or drowns it; the curves run straight on a logarithmic axis, because each
# layer multiplies by the same kind of factor. With BatchNorm the curves keep their place, apart
# from a tilt at the ends.
#
# 1. Where does the green curve of outputs go when the deviation is ten times smaller?
# 2. Why does the red gradient *grow* towards the right when the weights are small?
#
# <details><summary>Answers</summary>
#
# 1. Down by ten: these are the outputs before BatchNorm. Behind it nothing changes.
# 2. Read it from right to left, as the backward pass does. Each layer on the way back multiplies by the
#    small weights again. The gradient at the first layer is what is left.
#
# </details>

# %%
last = {key: spread[-1].outputs for key, spread in stored.items()}
claim(
    last[False, 0.002] < 1e-9 and last[False, 0.2] > 100,
    "without BatchNorm: nothing, or far too much",
)
claim(0.1 < last[False, None] < 5, "He's deviations keep the size without BatchNorm")

network = LeastSquaresNetworks(width=0.25).generator(torch.Generator().manual_seed(0))
with torch.no_grad():
    before = network(noise)
    for layer in (network.project[0], *network.layers[:-2]):
        if isinstance(layer, WEIGHTED):
            layer.weight.mul_(10)  # all but deconv7, which has no BatchNorm behind it
    after = network(noise)
claim(
    torch.allclose(before, after, atol=1e-3),
    "BatchNorm: weights ten times as large, the same images",
)

# %% [markdown]
# So under BatchNorm the deviation does not matter? It does, for the *steps*. Adam's first step
# moves every weight by the learning rate, $2 \cdot 10^{-4}$, whatever the gradient. Against a
# deviation of $0.02$ that is one percent of a weight; against $0.002$ it is ten, against $0.2$ a
# tenth. The starting weights set how fast the network turns.

# %%
for std, share in ((0.002, 0.1), (0.02, 0.01), (0.2, 0.001)):
    random = torch.Generator().manual_seed(0)
    network = LeastSquaresNetworks(width=0.125).generator(random)
    normal_(network, random, std=std)
    kernel = network.layers[0].weight
    old = kernel.detach().clone()
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))
    network(noise).square().mean().backward()
    optimiser.step()
    moved = ((kernel - old).std() / old.std()).item()
    claim(
        0.7 * share < moved < 1.3 * share, f"std {std:g}: the first step is {share:.1%} of a weight"
    )

# %% [markdown]
# ## BatchNorm, by hand
#
# Four images give a channel the values $1, 3, 5, 7$. Their mean is $4$, the squared distances to it
# are $9, 1, 1, 9$, so the variance is $5$. Each value becomes its distance divided by $\sqrt5$:
# $-1.34, -0.45, 0.45, 1.34$. In general, with a learned scale $\gamma$ and shift $\beta$,
#
# $$
# y = \gamma\, \frac{x - \mu}{\sqrt{v + \varepsilon}} + \beta
# \tag{3.6}
# $$
#
# In training $\mu$ and $v$ are those of the batch. At sampling there may be no batch, so the layer
# keeps moving averages and uses these:
#
# $$
# \bar\mu \leftarrow 0.9\, \bar\mu + 0.1\, \mu, \qquad \bar v \leftarrow 0.9\, \bar v + 0.1\, v'
# \tag{3.7}
# $$
#
# where $v'$ divides by $N - 1$. Beware of the names: the seed's *decay* $0.9$ is PyTorch's
# *momentum* $0.1$.


# %%
def batch_norm(x, mean, var, eps=1e-5):
    """(3.6) with scale 1 and shift 0."""
    return (x - mean) / (var + eps).sqrt()


def moved(old, new, decay=0.9):
    """(3.7)"""
    return decay * old + (1 - decay) * new


x = torch.tensor([[1.0], [3], [5], [7]])
layer = nn.BatchNorm1d(1, eps=1e-5, momentum=0.1)
by_hand = batch_norm(x, x.mean(0), x.var(0, correction=0))
print([round(value, 2) for value in by_hand.flatten().tolist()])
claim(torch.allclose(layer(x), by_hand, atol=1e-5), "(3.6) is nn.BatchNorm1d in training")
mean, var = moved(0, x.mean(0)), moved(1, x.var(0))
claim(torch.allclose(layer.running_mean, mean), "the mean has moved by (3.7)")
claim(torch.allclose(layer.running_var, var), "and so has the variance, with 1/(N - 1)")
layer.eval()
claim(torch.allclose(layer(x), batch_norm(x, mean, var)), "eval(): (3.6) with the moving averages")

# %% [markdown]
# ## What sampling needs, and when it has it
#
# The moving averages start at 0 and 1 and have forgotten all but $0.9^n$ of that after $n$ batches.
# Until then `eval()` shows a network that nobody trained. See it happen: this generator was
# recorded by chapter 04. We wipe its moving averages, show it $n$ batches of noise, and draw one
# fixed noise in evaluation mode. Not one weight changes.

# %%
run = load_run("mnist-least-squares")
print(run.command)
norms = (nn.BatchNorm1d, nn.BatchNorm2d)
some = torch.Generator().manual_seed(5)


def after_batches(count):
    """The recorded generator, its moving averages made anew from so many batches of 64."""
    network = run.generator()
    for module in network.modules():
        if isinstance(module, norms):
            module.reset_running_stats()
            module.train()  # BatchNorm alone: dropout stays off
    for _ in range(count):
        network(2 * torch.rand(64, 100, generator=some) - 1)
    return network.eval()


counts = (0, 5, 10, 15, 20, 40)
drawn = [after_batches(count)(noise_400[:16]) for count in counts]
fig, axes = plt.subplots(1, len(counts), figsize=(9.4, 1.9))
for ax, count, images in zip(axes, counts, drawn, strict=True):
    image_grid(ax, images, 4, f"{count} batches")

# %% [markdown]
# **Figure 3.6** One trained generator, sixteen noise vectors, and moving averages that have seen 0
# to 40 batches. - The weights are perfect all the time. What looks like a generator that collapsed,
# and then recovers, is the memory of BatchNorm filling up.

# %%
true = run.generator()(noise_400[:16])
gap = [(images - true).abs().mean().item() for images in drawn]
claim(
    gap[0] > 0.2 and gap[-1] < 0.1 * gap[0], "after 40 batches over 90 % of the difference is gone"
)
claim(0.9**22 < 0.1 < 0.9**21, "22 batches forget 90 % of a start; layer by layer it takes longer")

# %% [markdown]
# In training the averages follow weights that move. If the weights move faster than a few dozen
# batches remember, `eval()` shows the present weights with the past's statistics. So a picture
# drawn in evaluation mode can look collapsed while the generator is sound. Chapter 06 meets such a
# picture and finds out which it is. There are two ways out: sample with the statistics of the
# batch, or average weights and statistics together, as this book's trainer does (chapter 04).
#
# ## Company is noise
#
# Sampling with the batch's statistics has a price, which [chapter 04](04_train_digits.ipynb) shows:
# a sample then depends on who else is in the batch. How much? The mean of $N$ images varies like
# $1/\sqrt N$, and so should the image.

# %%
network = run.generator()
for module in network.modules():
    if isinstance(module, norms):
        module.train()
crowd = 2 * torch.rand(6_000, 100, generator=some) - 1


def unrest(size, companies=16, guests=4):
    """How much an image changes with its company, in batches of this size."""
    fixed, free = noise_400[:guests], size - guests
    drawn = [
        network(torch.cat([fixed, crowd[i * free : (i + 1) * free]]))[:guests]
        for i in range(companies)
    ]
    return torch.stack(drawn).std(0).square().mean().sqrt().item()


# %%
sizes = [8, 16, 32, 64, 128, 256]
unrests = [unrest(size) for size in sizes]
print(
    "\n".join(
        f"batch of {size:3}: {change:.2f}" for size, change in zip(sizes, unrests, strict=True)
    )
)
slope, _ = np.polyfit(np.log(sizes), np.log(unrests), 1)
claim(-0.75 < slope < -0.3, "the change falls with the batch size, with a power near -1/2")
claim(
    unrests[0] > 0.15, "in a batch of 8 a pixel's deviation is over 0.15, on a scale from -1 to 1"
)

# %% [markdown]
# In training this noise falls on every step, and small batches get more of it. Whether it helps or
# harms we have not measured. But nobody asked for it, and it changes with the batch size: remember
# it when you compare runs.
#
# ## Why real and generated images go in separately
#
# The critic has BatchNorm too. What should be its batch: 64 real images, then 64 generated ones, or
# all 128 at once? The library scores them separately. It is a choice with consequences, since BatchNorm then measures each kind with its own ruler. Take a fresh critic, and
# compare how far the scores of each kind spread.

# %%
contrast = {"separately": [], "in one batch": []}
changed = []
with torch.no_grad():
    for seed in range(6):
        random = torch.Generator().manual_seed(seed)
        networks = LeastSquaresNetworks(width=0.25)
        fake, judge = networks.generator(random)(noise), networks.critic(random)
        apart = judge(real[:64]), judge(fake)
        together = judge(torch.cat([real[:64], fake])).split(64)
        contrast["separately"].append((apart[0].std() / apart[1].std()).item())
        contrast["in one batch"].append((together[0].std() / together[1].std()).item())
        changed.append(((together[0] - apart[0]).square().mean().sqrt() / apart[0].std()).item())
claim(
    max(contrast["separately"]) < 2,
    "separately: scores of real images spread at most twice as wide",
)
claim(
    min(contrast["in one batch"]) > 2.3, "in one batch: more than 2.3 times as wide, in every seed"
)
claim(
    min(changed) > 0.3, "the same 64 real images: their scores move by over 0.3 of their deviation"
)

# %% [markdown]
# The fresh generator's images are pale, a plain giveaway. In one batch the critic sees it at once.
# Separately, BatchNorm has stretched both kinds to the same contrast before the second layer is
# through. What real and generated images differ by *as a batch*, in mean and in contrast, is
# largely hidden from the critic. It wins more slowly, as the next section measures. It also makes a score relative: the same image gets another score in another batch, so
# never compare scores across batches of different make-up.

# %% [markdown]
# ## What goes wrong: a sigmoid before the square
#
# Chapter 02 showed on toys that a sigmoid before the squares flattens both ends. Here are the real
# networks. With $D = \sigma(s)$, raw score $s$ and $c = 1$, an image is pushed through
#
# $$
# \frac{\partial}{\partial s}\, \tfrac12 (\sigma(s) - 1)^2 = (\sigma(s) - 1)\; \sigma(s)\, (1 - \sigma(s))
# \tag{3.8}
# $$
#
# instead of $s - 1$. A fresh critic scores near $s = 0$: there it is $-\tfrac18$ instead of $-1$.
# So from the first step on, eight times less. And when the critic grows sure of a generated image,
# $s \to -\infty$, (3.8) falls like $\sigma(s)$ while the linear critic's push stays at $-1$.
#
# We let three critics learn on their own against a generator that stays as it is: linear, with a
# sigmoid, and linear with BatchNorm. (The first two have no BatchNorm. You will see why.) Digits of
# 14 pixels, three seeds, Adam.

# %%
small = functional.avg_pool2d(real, 2)
plain = nn.Identity()


# %%


def train_critic(seed, squash=plain, norm=False, steps=160, every=10):
    """Rows: critic's loss, push on the score, pull on an image; the generator stays as it is."""
    random = torch.Generator().manual_seed(seed)
    networks = LeastSquaresNetworks(size=14, width=0.125, critic_norm=norm)
    generator, critic = networks.generator(random), networks.critic(random)
    adam = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.999))
    rows = []
    for step in range(steps + 1):
        real = small[torch.randint(len(small), (32,), generator=random)]
        fake = generator(2 * torch.rand(32, 100, generator=random) - 1).detach()
        fake.requires_grad_(step % every == 0)
        score, raw = squash(critic(real)), critic(fake)
        loss = least_squares.critic_loss(score, squash(raw))
        if step % every == 0:
            aim = 32 * least_squares.generator_loss(squash(raw))  # undo the mean's 1/N
            push, pull = torch.autograd.grad(aim, (raw, fake), retain_graph=True)
            length = pull.flatten(1).norm(dim=1)
            rows.append(torch.stack([loss.detach(), push.abs().mean(), length.mean()]))
        adam.zero_grad()
        loss.backward()
        adam.step()
    return torch.stack(rows)


# %% tags=["nbval-ignore-output"]
kinds = {
    "linear": {},
    "sigmoid": {"squash": torch.sigmoid},
    "linear, BatchNorm": {"norm": True},
}
alone = {
    name: torch.stack([train_critic(seed, **settings) for seed in range(3)])
    for name, settings in kinds.items()
}
print("3 critics, 3 seeds, 160 steps each")

# %%
colours = {"linear": "least_squares", "sigmoid": "saturating", "linear, BatchNorm": "guide"}
titles = ("critic's loss", "push on the score", "pull on an image")
fig, axes = plt.subplots(1, 3, figsize=(9.4, 2.8))
steps = torch.arange(0, 161, 10)
for i, (ax, title) in enumerate(zip(axes, titles, strict=True)):
    for name, runs in alone.items():
        colour = PALETTE[colours[name]]
        ax.plot(steps, runs[:, :, i].T, color=colour, linewidth=1.2)
        ax.plot([], [], color=colour, label=name)
    ax.set(title=title, xlabel="critic's steps alone", yscale="log")
_ = axes[0].legend(fontsize=8)

# %% [markdown]
# **Figure 3.7** Three kinds of critic, three seeds each, while the generator waits. Left: the
# critic's loss. Middle: how hard the generator's loss pushes a score, (3.8) or its linear form.
# Right: the gradient that reaches an image. - Without BatchNorm both critics win within some dozen
# steps. Then the linear critic keeps pushing with 1, and its pull stays. The sigmoid's push falls
# to less than a hundredth, and its pull keeps falling. With BatchNorm the critic has not won, and
# pulls hardest.

# %%
linear, sigmoid, normed = alone.values()
first = linear[:, 0, 2] / sigmoid[:, 0, 2]
claim((first - 8).abs().max() < 0.2, "first step: the sigmoid's pull is an eighth, in every seed")
claim(linear[:, -1, 1].min() > 0.9, "after 160 steps the linear critic pushes with over 0.9")
claim(sigmoid[:, -1, 1].max() < 0.02, "the sigmoid with less than 0.02")
claim((linear[:, -1, 2] / sigmoid[:, -1, 2]).min() > 2, "its pull on an image is less than half")
fading = {name: runs[:, -1, 2] / runs[:, 6, 2] for name, runs in alone.items()}
claim(fading["sigmoid"].max() < 0.75, "and fading: since step 60 it has lost a quarter or more")
claim(fading["linear"].min() > 0.4, "the linear critic's pull has lost less than 60 %")
slow = normed[:, 5, 0].min() > 0.1 > linear[:, 5, 0].max()
claim(slow, "at step 50: loss above 0.1 with BatchNorm, below 0.1 without")
score = torch.tensor([-0.5, 0.5], requires_grad=True)
(push,) = torch.autograd.grad(2 * least_squares.generator_loss(score.relu()), score)
claim(push.tolist() == [0.0, -0.5], "a ReLU instead of the sigmoid: no push at all below 0")

# %% [markdown]
# Three honest notes. First, the sigmoid's pull on the *image* falls less than its push on the
# score: to reach $\sigma(s) = 0$ the raw score has to run far away, and so it gets steeper, which
# gives back a part. Second, Adam divides by the size of recent gradients, so a generator under Adam
# notices a small pull late. Both may explain why such code often trains after all. Third, BatchNorm
# delays the moment at which the critic wins, as the last section led us to expect. It hides the
# mistake; it does not mend it.
#
# *Cure.* End the critic in its linear layer. *Guard.* A test asserts that no critic of
# `lsgan_lib.networks` ends in a bounded layer. A ReLU at the end is half of the same mistake: below
# zero its slope is exactly 0, so a generated image with a negative raw score teaches nothing.
# (Chapter 08 tries it on the other method.)
#
# ## What goes wrong: `BatchNorm2d(n, 0.8)`
#
# *Symptom.* Training with BatchNorm behaves like training without. *Cause.* Somebody wanted a
# momentum of 0.8. The second argument of `nn.BatchNorm2d` is not the momentum. A widely copied
# collection of PyTorch GANs has this line in its least-squares example
# (eriklindernoren/PyTorch-GAN).

# %%
layer = nn.BatchNorm2d(64, 0.8)
claim((layer.eps, layer.momentum) == (0.8, 0.1), "BatchNorm2d(64, 0.8) sets eps, not momentum")


def image_spread(eps, seed):
    """Deviation of what a fresh generator draws, with this eps in every BatchNorm."""
    network = LeastSquaresNetworks().generator(torch.Generator().manual_seed(seed))
    for module in network.modules():
        if isinstance(module, norms):
            module.eps = eps
    with torch.no_grad():
        return network(noise[:16]).std().item()


right = [image_spread(1e-5, seed) for seed in range(3)]
wrong = [image_spread(0.8, seed) for seed in range(3)]
claim(min(right) > 0.2, "eps 0.00001: the fresh images have a deviation over 0.2, in every seed")
claim(max(wrong) < 1e-3, "eps 0.8: below 0.001. The images are grey, as without BatchNorm")

# %% [markdown]
# By (3.6) a channel with the variance $v$ comes out with $v / (v + 0.8)$. Our layers give variances
# near $0.1$, so each BatchNorm *divides* the deviation by three, where it should have raised it to
# 1. The next layer gets less, and so on down the chain. A generator whose layers give variances far
# above $0.8$ would not notice. *Cure.* Name the argument: `momentum=`. *Guard.* In this library no
# call gives BatchNorm a second positional argument.
#
# ## Dropout, on and off
#
# The dots of Figure 3.1 are dropout layers, which are idle unless asked for. The seed trains its
# digits with half of the entries dropped. Its page says that dropout is on "for both training and
# testing", its code switches it off for pictures. The library can do either, and training is not
# touched by what sampling does:

# %%
network = LeastSquaresNetworks(width=0.25, dropout=0.5).generator(torch.Generator().manual_seed(0))
with torch.no_grad():
    in_training = [network(noise[:8]) for _ in range(2)]
    network.eval()
    at_sampling = [network(noise[:8]) for _ in range(2)]
    with dropout_at_sampling(network):
        kept_on = [network(noise[:8]) for _ in range(2)]
claim(not torch.equal(*in_training), "train(): one noise, two images")
claim(torch.equal(*at_sampling), "eval(): one noise, one image")
claim(not torch.equal(*kept_on), "eval() within dropout_at_sampling: two images again")

# %% [markdown]
# What this does to trained digits is measured in chapter 04, *Dropout: a claim, and what the code
# did*.
#
# ## A narrower pair for a CPU
#
# The published pair spends 116 million multiplications on one 28-pixel image, and about three times
# as many with the way back. `width` multiplies every number of channels. What does a smaller one
# save?

# %%
widths = [1 / 8, 1 / 4, 1 / 2, 1]
cost = {width: exercises.tables(size=28, width=width) for width in widths}
fig, axes = plt.subplots(1, 2, figsize=(8.4, 2.7))
for ax, what in zip(axes, ("parameters", "multiplications"), strict=True):
    for who, name in enumerate(("generator", "critic")):
        y = [sum(getattr(row, what) for row in cost[width][who]) for width in widths]
        ax.plot(widths, y, "-o", color=PALETTE[name], label=name)
    ax.plot(
        widths, [y[-1] * width**2 for width in widths], ":", color=PALETTE["guide"], label="width²"
    )
    ax.set(title=what, xlabel="width", xscale="log", yscale="log")
    ax.set_xticks(widths, ["1/8", "1/4", "1/2", "1"], minor=False)
    ax.minorticks_off()
_ = axes[0].legend()

# %% [markdown]
# **Figure 3.8** Parameters, and multiplications for one image, of the 28-pixel pair at four widths;
# dotted: the critic's full width times the square. - Both fall almost with the square of the width,
# because a kernel joins channels to channels. Layers with one end outside (noise, image, score)
# fall with the width itself.

# %%
for who, name in enumerate(("generator", "critic")):
    for what in ("parameters", "multiplications"):
        full, half = (sum(getattr(row, what) for row in cost[width][who]) for width in (1, 1 / 2))
        claim(0.25 < half / full < 0.3, f"half the width: {half / full:.2f} of the {name}'s {what}")
recorded = run.recipe.networks
count = sum(parameter.numel() for parameter in run.generator().parameters())
print(f"{run.name}: width {recorded.width:g}, {count:,} parameters in the generator")

# %% [markdown]
# The digits that chapter 04 records were drawn by that quarter-width generator: about a fourteenth
# of the published parameters. A narrower network is another network, though. Its starting spreads
# shrink by (3.5), and results at one width are no proof for another. Every recorded run of this
# book says which width it has.
#
# The switches of the family, in one place:
#
# | setting | what it does | where it matters |
# | --- | --- | --- |
# | `size`, `channels`, `z_dim` | image and noise | this chapter; faces of 64 pixels in chapter 06 |
# | `width` | multiplies the channels | all CPU runs |
# | `dropout` | probability in the generator; `dropout_at_sampling` for pictures | chapter 04 |
# | `generator_norm`, `critic_norm` | BatchNorm in either network | the stability experiments of chapter 05 |
#
# ## Exercises
#
# Replace `None` by your answer and run the cell. Solutions:
# [solutions/03_solutions.ipynb](solutions/03_solutions.ipynb).
#
# ### Exercise 3.1
#
# *On paper.* You want images of $100 \times 100$ pixels, and $z$ has 64 entries. Give the five map
# sizes of the generator from the first map to the image, the four output paddings of its doubling
# layers in order, and the number of parameters of its linear layer with its BatchNorm, at full
# width.

# %%
sizes = None  # five numbers
paddings = None  # four numbers
linear_parameters = None
exercises.check_3_1(sizes, paddings, linear_parameters)

# %% [markdown]
# ### Exercise 3.2
#
# *Reading.* Print the table of the 112-pixel generator with $z$ of 1,024 entries
# (`exercises.tables` and `describe`). Which layer has the most parameters? Which does the most
# multiplications? And which share of all multiplications does the layer with the most parameters
# do?

# %%
heaviest = None  # such as "deconv1"
dearest = None
share = None
exercises.check_3_2(heaviest, dearest, share)

# %% [markdown]
# ### Exercise 3.3
#
# *In code.* Write the transposed convolution of a row of numbers, without padding. No call of
# PyTorch's.


# %%
def transposed_row(x, kernel, stride):
    """x: (L,), kernel: (k,). Returns ((L - 1) * stride + k,)."""
    return None


exercises.check_3_3(transposed_row)

# %% [markdown]
# ### Exercise 3.4
#
# *On paper.* Behind a doubling layer the four kinds of pixel have mean squares $1, 2, 2, 4$. The
# next layer has a $3 \times 3$ kernel and stride 1; its random weights all have one variance. What
# are the four mean squares behind it, in the same order, up to a common factor?

# %%
after_keeping = None  # four numbers
exercises.check_3_4(after_keeping)

# %% [markdown]
# ### Exercise 3.5
#
# *In code.* Write BatchNorm for a batch of shape $(N, C)$, without scale, shift and $\varepsilon$:
# (3.6) and (3.7) with their two faces. Return the normalised batch and the moving mean and variance
# as they are afterwards.


# %%
def two_faces(x, running_mean, running_var, training):
    """Returns (y, running_mean, running_var)."""
    return None


exercises.check_3_5(two_faces)

# %% [markdown]
# ### Exercise 3.6
#
# *Experiment.* A full-width 28-pixel generator has no BatchNorm. Find one deviation for all its
# starting weights with which its first images have a deviation between 0.1 and 0.6.
# `LeastSquaresNetworks(generator_norm=False)`, `normal_` and a loop will do; how does (3.5) tell
# you in advance where to look?

# %%
good_std = None
exercises.check_3_6(good_std)

# %% [markdown]
# ### Exercise 3.7
#
# *Open.* Design a layer that doubles a map, learns a kernel, and starts without a checkerboard. The
# check looks at the shape and at the four kinds of pixel. Then say what your layer costs, in
# parameters and multiplications, next to `nn.ConvTranspose2d(into, out, 3, 2, 1,
# output_padding=1)`.


# %%
def make_double(into, out):
    """An nn.Module: (N, into, s, s) -> (N, out, 2s, 2s)."""
    return None


exercises.check_3_7(make_double)

# %% [markdown]
# ## Summary
#
# Generator and critic walk through the same sizes, halves rounded up, and `output_padding`
# remembers which sizes were odd. A transposed convolution is the transposed matrix of a
# convolution. With kernel 3 and stride 2 it gives four kinds of pixel one to four terms, BatchNorm
# leaves that as it is, and a further layer at the same size takes most of it away. Starting weights
# of 0.02 belong to large kernels; without BatchNorm they starve this generator. BatchNorm makes the
# scale of the weights a matter of step size only. Its moving averages can make a sound generator
# look collapsed, its batch statistics make a sample depend on its company, and separate batches
# hide from the critic what the two kinds differ by as a whole. A sigmoid before the square costs a
# factor of eight at the first step, and more as the critic wins.
#
# **In symbols**
#
# $$
# s_{\text{out}} = (s_{\text{in}} - 1)\,t - 2p + k + e, \qquad
# \mathrm{Var} = n\,\sigma_w^2\,\overline{x^2}, \qquad
# y = \gamma\,\frac{x - \mu}{\sqrt{v + \varepsilon}} + \beta
# $$
#
# ## Questions to ask yourself
#
# 1. Why does the critic's parameter count hardly depend on the image's size, and the generator's so much?
# 2. Which output paddings does a generator of 96-pixel images need?
# 3. Why is a bias in front of BatchNorm idle? Is it idle in `eval()` too?
# 4. A transposed convolution with kernel 4 and stride 2 has uniform counts. Can it still draw a checkerboard after training?
# 5. Why does BatchNorm in the last layer of the generator sound like a bad idea?
# 6. What would `eval()` show after the very first step of training?
# 7. You sample one single image in training mode. What does BatchNorm do with it?
# 8. Your critic gives an image 0.7 in one batch and 0.4 in another. Is anything wrong?
# 9. Which of the four traps of this chapter would a falling loss curve have told you about?
# 10. Half the width quarters the multiplications. Why need the time not fall by four?
#
# ## Further reading
#
# - Odena, Dumoulin and Olah 2016, *Deconvolution and Checkerboard Artifacts*: the overlap, interactive, and the
#   cures, with pictures of trained networks.
# - Dumoulin and Visin 2016, arXiv 1603.07285: every case of (3.3) drawn.
# - He et al. 2015, arXiv 1502.01852: (3.5) for layers with ReLU, and the factor 2.
# - Ioffe and Szegedy 2015, arXiv 1502.03167: BatchNorm; read the part on inference with this chapter in mind.
# - Radford et al. 2015, arXiv 1511.06434: why these networks have the shape they have.
#
# ## References
#
# - X. Mao, Q. Li, H. Xie, R. Y. K. Lau, Z. Wang, S. P. Smolley. *Least Squares Generative Adversarial
#   Networks.* ICCV 2017. [arXiv 1611.04076](https://arxiv.org/abs/1611.04076)
# - A. Odena, V. Dumoulin, C. Olah. *Deconvolution and Checkerboard Artifacts.* Distill, 2016.
#   [doi 10.23915/distill.00003](https://doi.org/10.23915/distill.00003)
# - K. He, X. Zhang, S. Ren, J. Sun. *Delving Deep into Rectifiers.* 2015.
#   [arXiv 1502.01852](https://arxiv.org/abs/1502.01852)
# - S. Ioffe, C. Szegedy. *Batch Normalization.* 2015. [arXiv 1502.03167](https://arxiv.org/abs/1502.03167)
# - A. Radford, L. Metz, S. Chintala. *Unsupervised Representation Learning with Deep Convolutional
#   Generative Adversarial Networks.* 2015. [arXiv 1511.06434](https://arxiv.org/abs/1511.06434)
#
# **Back**: [02 - derive the least-squares losses](02_derive_least_squares.ipynb). **Next**: [04 -
# train a generator of digits](04_train_digits.ipynb) with these networks.

# %% tags=["nbval-ignore-output"]
versions()
