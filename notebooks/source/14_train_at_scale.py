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
# # 14 - Train at scale: where the time goes, and what you can trust
#
# You take a training step apart, learn where its time goes and how to make it shorter without changing
# what it computes. Then you kill a run, damage its files, split it over two processes, and work out what
# a hundred would change.
#
# *about 75 minutes, a minute of computing* · [source of this page](source/14_train_at_scale.py) ·
# [solutions](solutions/14_solutions.ipynb)

# %% tags=["hide-input"]
import os

os.environ.setdefault("KINETO_LOG_LEVEL", "9")  # the profiler says nothing but what it measured

import matplotlib.pyplot as plt

from lsgan_lib.benchmarks.record import read_rows
from lsgan_lib.book import REPOSITORY
from lsgan_lib.figures import use_style

use_style()
BENCHMARKS = REPOSITORY / "assets" / "benchmarks"
NAMES = {
    "faces-loss-sensitive": "64 pixels, LS-GAN",
    "mnist-least-squares-full": "28 pixels, LSGAN",
}
WAYS = {"plain fp32": "textbook loop", "eager fp32": "ours, fp32", "eager bf16": "ours, bf16"}

# %% tags=["hide-input"]
files = [file for file in sorted(BENCHMARKS.glob("*.json")) if "quality" not in file.name]
rows = [row for file in files for row in read_rows(file) if row["recipe"] in NAMES]
most = max(row["threads"] for row in rows if row["device"] == "cpu")
recorded = {
    (row["recipe"], f"{row['engine']} {row['precision']}"): row
    for row in rows
    if row["device"] == "cpu" and row["threads"] == most and not row["error"]
}

fig, axes = plt.subplots(1, 2, figsize=(9, 2.4))
for ax, (recipe_name, title) in zip(axes, NAMES.items(), strict=True):
    speeds = [recorded[recipe_name, way]["images_per_second"] for way in WAYS]
    ax.barh([*WAYS.values()], speeds, color=["0.6", "C0", "C0"])
    ax.set(title=title, xlabel="images per second")
    ax.invert_yaxis()
plt.show()

# %% [markdown]
# **Figure 14.1** The same training step, written as a textbook would and as this library has it, on one
# processor, two recipes. Recorded with the command below. - Both loops do the same mathematics. Ours
# does less work for it.
#
# ## What you will be able to do
#
# - *count* the passes of a step, and *predict* what a change of the loop saves (Exercise 14.1);
# - *choose* a precision, knowing which numbers it can tell apart (Exercise 14.2);
# - *collect* a log without making a GPU wait (Exercise 14.3);
# - *compute* when sending gradients takes longer than making them, and *plan* a run on many machines
#   (Exercises 14.4 and 14.6);
# - *test* whether several processes train like one (Exercise 14.5).
#
# ## What you need
#
# | concept | how much | where to read it |
# | --- | --- | --- |
# | the loop, and what a run saves | all of it | [chapter 04](04_train_digits.ipynb) |
# | automatic differentiation | that `backward` runs through the layers in reverse | PyTorch tutorial *A Gentle Introduction to autograd* |
# | a slope penalty | that it is the size of $\partial D / \partial x$ | below, three sentences |
# | distributed training | nothing | - |
#
# The critic of a Loss-Sensitive GAN (LS-GAN) gets a **slope penalty**: the norm of its gradient with
# respect to the image, averaged over real images. It keeps the critic from becoming too steep. To learn from
# it, the critic needs the derivative of a derivative.
#
# ## Notation
#
# | here | in code | meaning |
# | --- | --- | --- |
# | $D(x)$ | `score` | the critic's score of an image |
# | $g$ | `slope` | $\partial D / \partial x$, shaped like the image |
# | $W_l$, $K_l$ | `W`, `kink` | weights of layer $l$; the slopes (1 or 0.2) of the leaky ReLU after it |
# | $a_l$, $d_l$ | `inputs`, `d` | input of layer $l$; $\partial D / \partial$ (output of layer $l$) |
# | $K$ | `K` | processes that train together |
# | $b$ | `batch` | images a step, of each process |
# | $B$ | `message` | bytes of all gradients of a step |
# | $\beta$, $\lambda$ | `bandwidth`, `latency` | bytes a second between processes; seconds before the first byte |

# %%
import time

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from lsgan_lib.benchmarks.machine_limit import count_products
from lsgan_lib.book import claim, load_run, setup, show_source, versions
from lsgan_lib.data.batches import Batches, mix
from lsgan_lib.draws import Draws
from lsgan_lib.errors import BookError
from lsgan_lib.exercises import chapter_14 as exercises
from lsgan_lib.files import read_json
from lsgan_lib.losses.objectives import LossSensitive
from lsgan_lib.losses.penalties import scores_and_gradient
from lsgan_lib.losses.straight import scores_and_slopes
from lsgan_lib.networks import LossSensitiveNetworks
from lsgan_lib.training import Recipe
from lsgan_lib.training.graph import GraphedStep
from lsgan_lib.training.loop import Trainer
from lsgan_lib.training.tally import Tally

setup(seed=14)

# %% [markdown]
# ## The recorded table
#
# `lsgan bench` measured what Figure 14.1 shows. The ways take turns, round after round, so that
# whatever else the machine does disturbs all of them alike. The last column compares with what the
# machine could do at best: its measured rate of matrix products and of copying.

# %%
row = next(iter(recorded.values()))
print(f"lsgan bench {' '.join(NAMES)} --threads {row['threads']}")
print(f"{row['device_name']}, {row['threads']} threads, torch {row['torch']}\n")
print(f"{'':24}{'':14}{'images/s':>9}{'x textbook':>12}{'rounds':>12}{'of limit':>10}")
for (recipe_name, way), row in sorted(recorded.items()):
    if way in WAYS:
        spread = f"{row['speed_up_lowest']:.2f}-{row['speed_up_highest']:.2f}"
        print(
            f"{NAMES[recipe_name]:24}{WAYS[way]:14}{row['images_per_second']:9.1f}"
            f"{row['speed_up']:12.2f}{spread:>12}{row['share_of_limit']:10.1%}"
        )
for recipe_name in NAMES:
    ours = max(recorded[recipe_name, way]["speed_up"] for way in list(WAYS)[1:])
    claim(ours > 1, f"{NAMES[recipe_name]}: our loop is faster than the textbook's")

# %% [markdown]
# ### The same on a GPU
#
# `python -m lsgan_lib.benchmarks.gpu_session OUT` measured this on a GPU that was lent for minutes. A
# *request* is what Python asks of the GPU, a *kernel* what the GPU does; one request can be for many. A
# *wait* is a moment at which Python stops until the GPU has caught up.

# %%
gpu = {
    (row["recipe"], row["engine"], row["precision"]): row
    for row in rows
    if row["device"] == "cuda" and row["batch_size"] == 64 and not row["error"]
}
row = next(iter(gpu.values()))
print(f"{row['device_name']}, torch {row['torch']}, batch 64")
for recipe_name, title in NAMES.items():
    print(
        f"\n{title:22}{'images/s':>9}{'x textbook':>12}{'requests':>10}{'kernels':>9}{'waits':>7}"
    )
    for (name, engine, precision), row in gpu.items():
        if name == recipe_name:
            print(
                f"{engine + ' ' + precision:22}{row['images_per_second']:9,.0f}"
                f"{row['speed_up']:12.2f}{row['launches']:10.0f}{row['kernels']:9.0f}{row['waits']:7.0f}"
            )

# %%
for name, title in NAMES.items():
    ways = {way[1:]: row for way, row in gpu.items() if way[0] == name}
    speed = {way: row["images_per_second"] for way, row in ways.items()}
    best = max(speed, key=speed.get)
    claim(best[0] == "graph", f"{title}: the fastest way is a graph")
    claim(speed[best] > 5 * speed["plain", "fp32"], "more than five times the textbook's loop")
    claim(speed["eager", "tf32"] < 2 * speed["plain", "fp32"], "without a graph not even twice")
    claim(speed["eager", "bf16"] < speed["eager", "fp32"], "without a graph, bf16 is a loss")
    claim(ways["plain", "fp32"]["waits"] == 3, "the textbook's step waits three times")
    claim(all(row["waits"] == 0 for way, row in ways.items() if way[0] != "plain"), "ours never")

# %% [markdown]
# Two things surprise. Fewer passes help little here: without a graph the GPU is idle most of the time,
# and waits for Python. And bf16, the fastest format of that GPU, makes a step *slower*: each rounding is one
# more kernel to ask for. Once a graph asks for all kernels at once, tf32 and bf16 leave fp32 far behind. Neither of the two is
# clearly ahead: the small networks are still far from what the GPU could multiply.
#
# ## Predict
#
# A step makes images, scores them, learns, and moves weights. Which part takes longest: making the
# images, scoring them, the slope penalty, the optimisers, the random numbers? Write down an order
# before you go on. Then guess: one pass is one run through one network, forward or backward. How many
# does a step take?
#
# ## Where the time of a step goes
#
# Here is the step as a textbook would write it: three forward passes of the critic (real, generated,
# and real again for its slope), and `.item()` at the end. `record_function` gives each part a name
# that the profiler knows.

# %%
networks = LossSensitiveNetworks(size=64, channels=3, width=0.25)
weights = torch.Generator().manual_seed(0)
generator, critic = networks.generator(weights), networks.critic(weights)
average = networks.generator(weights)
critic_optimiser = torch.optim.Adam(critic.parameters(), 2e-4, (0.5, 0.999))
generator_optimiser = torch.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999))
part = record_function


# %%
def critic_turn(pictures):
    with part("data"):
        real = torch.stack([picture / 127.5 - 1 for picture in pictures])
    with part("random numbers"):
        z = torch.randn(len(real), 100)
    with part("generator forward"):
        fake = generator(z).detach()
    with part("critic forward"):
        score_real, score_fake = critic(real), critic(fake)
    with part("slope penalty"):
        points = real.clone().requires_grad_()
        (slope,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
        penalty = slope.flatten(1).norm(dim=1).mean()
    with part("critic backward"):
        margin = (real - fake).abs().flatten(1).sum(1) * 2e-4
        loss = torch.relu(margin + score_real - score_fake).mean() + 0.16 * penalty
        critic_optimiser.zero_grad()
        loss.backward()
    with part("optimisers"):
        critic_optimiser.step()
    return loss.item()


# %%
def generator_turn(count):
    with part("random numbers"):
        z = torch.randn(count, 100)
    with part("generator forward"):
        fake = generator(z)
    with part("critic forward"):
        loss = critic(fake).mean()
    with part("generator backward"):
        generator_optimiser.zero_grad()
        loss.backward()
    with part("optimisers"):
        generator_optimiser.step()
    with part("average"), torch.no_grad():
        for old, new in zip(average.parameters(), generator.parameters(), strict=True):
            old.lerp_(new, 0.01)
    return loss.item()


def textbook_step(pictures):
    return critic_turn(pictures), generator_turn(len(pictures))


# %% [markdown]
# A profiler writes down when each operation begins and ends. The figure shows your machine's times;
# they differ from day to day, so only a coarse statement is claimed.

# %%
PARTS = "data;random numbers;generator forward;critic forward;slope penalty;critic backward"
PARTS = [*PARTS.split(";"), "generator backward", "optimisers", "average"]
pictures = torch.randint(256, (16, 3, 64, 64), dtype=torch.uint8)
textbook_step(pictures)  # the first step also allocates
with profile(activities=[ProfilerActivity.CPU]) as profiler:
    textbook_step(pictures)
took = {event.key: event.cpu_time_total / 1e3 for event in profiler.key_averages()}

fig, ax = plt.subplots(figsize=(7, 2.8))
ax.barh(PARTS, [took[name] for name in PARTS], color="C0")
ax.set(xlabel="milliseconds, 16 images, a quarter of the width")
ax.invert_yaxis()
plt.show()
whole = sum(took[name] for name in PARTS)
networks_took = sum(took[name] for name in PARTS if "ward" in name or "slope" in name)
claim(networks_took > 0.5 * whole, "most of the step is passes through the two networks")
backward = took["critic backward"]
claim(backward > took["generator forward"], "the critic's backward pass costs more than a forward")

# %% [markdown]
# **Figure 14.2** A textbook's step of a 64-pixel LS-GAN, by parts, on the machine that made this page. -
# The passes through the networks are nearly everything, and the longest is the critic's way back: it
# also runs back through the slope.
#
# So there are two ways to be faster: **fewer passes**, and **cheaper passes**. Fewer first.
#
# ## Nineteen passes
#
# Time is noisy. The number of multiplications and additions is not: it follows from the layers
# alone. Both networks cost nearly the same per image, so we count in units of *one forward pass of the
# critic*.

# %%
real = torch.randn(4, 3, 64, 64)
fake, z = torch.randn(4, 3, 64, 64), torch.randn(4, 100)
unit = count_products(lambda: critic(real))


def passes(work):
    """Multiply-adds of some work, in forward passes of the critic."""
    return count_products(work) / unit


def slope_apart():
    points = real.clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    slope.flatten(1).norm(dim=1).mean().backward()


textbook = {
    "make images": passes(lambda: generator(z)),
    "scores of generated images, and back": passes(lambda: critic(fake).sum().backward()),
    "scores of real images, and back": passes(lambda: critic(real).sum().backward()),
    "slope of real images, and back": passes(slope_apart),
    "the generator's turn": passes(lambda: critic(generator(z)).sum().backward()),
}

# %%
for name, count in textbook.items():
    print(f"{name:38}{count:6.2f}  or {count:2.0f}")
in_all = sum(textbook.values())
print(f"{'a step':38}{in_all:6.2f}  or {in_all:2.0f}")
claim(round(in_all) == 19, "the textbook's step takes nineteen passes")

# %% [markdown]
# Read the table. A forward pass is 1. The way back is 2: at each layer one product for the gradient of
# its weights, one for the gradient of its input. (The first layer needs no gradient at its input,
# which is why it is 2.89 and not 3.) The slope takes 6: forward 1, back to the image 1, and then back
# through both of these, 4. The generator's turn takes 6: its own three, and three of the critic.
#
# Three changes make this thirteen.
#
# **The critic rests in the generator's turn.** Its weights do not move then, so their gradients are not
# needed: `requires_grad_(False)` saves a pass.
#
# **One forward pass for loss and slope.** Both start from the scores of the same real images.
# Computed together they take 6, not 9.
#
# **The second derivative for free.** That one deserves a section.


# %%
def together():
    points = real.clone().requires_grad_()
    scores = critic(points)
    (slope,) = torch.autograd.grad(scores.sum(), points, create_graph=True)
    (scores.mean() + slope.flatten(1).norm(dim=1).mean()).backward()


def resting():
    critic.requires_grad_(False)
    critic(generator(z)).sum().backward()
    critic.requires_grad_(True)


print(f"generator's turn, critic at rest:  {passes(resting):.2f}")
print(f"scores and slope together:         {passes(together):.2f}")
claim(round(passes(resting)) == 5, "a critic at rest saves one pass of six")
claim(round(passes(together)) == 6, "together, scores and slope take six passes instead of nine")

# %% [markdown]
# ## A second derivative for free
#
# ### By hand
#
# One pixel, two hidden units, no biases. The image is $x = 2$, the first layer's weights are
# $W_1 = (3, -1)$, the second layer's $W_2 = (-\tfrac12, 1)$, with a leaky ReLU (slope 0.2 left of zero) between them.
#
# Forward: the hidden units receive $(6, -2)$. The first is right of the kink, the second left of it, so
# $K_1 = (1, 0.2)$. They send $(6, -0.4)$, and the score is $-3 - 0.4 = -3.4$.
#
# Back to the image: $g = -\tfrac12 \cdot 1 \cdot 3 + 1 \cdot 0.2 \cdot (-1) = -1.7$.
#
# Now look at what $g$ is made of: weights and kinks. As long as no unit crosses its kink, the kinks are
# constants. So $g$ is a *product of matrices*, and differentiating a product by one of its factors needs
# no second trip through automatic differentiation. For the penalty $P = g^2$, $\partial P/\partial g = 2g = -3.4$, and
#
# $$
# \frac{\partial P}{\partial W_1} = -3.4 \cdot (-\tfrac12 \cdot 1,\; 1 \cdot 0.2) = (1.7, -0.68), \qquad
# \frac{\partial P}{\partial W_2} = -3.4 \cdot (1 \cdot 3,\; 0.2 \cdot (-1)) = (-10.2, 0.68).
# $$
#
# ### The rule
#
# For a critic of straight pieces, layers $W_1, \dots, W_L$ with kinks $K_1, \dots, K_{L-1}$ between them,
#
# $$
# g = W_1^\top K_1 W_2^\top K_2 \cdots K_{L-1} W_L^\top
# \tag{14.1}
# $$
#
# where the kinks $K_l$ depend on $x$, but do not change when $x$ moves a little. Everything right of
# $W_l^\top$ is $d_l$, which the way back to the image has computed already. What stands left of it is
# applied to $v = \partial P / \partial g$, from the image upwards:
#
# $$
# u_1 = v, \qquad u_{l+1} = K_l\, W_l\, u_l, \qquad \frac{\partial P}{\partial W_l} = d_l\, u_l^\top
# \tag{14.2}
# $$
#
# In words: run the *slope's* gradient forward through the layers, without biases and with the same
# kinks. That is a third pass, and the products $d_l u_l^\top$ are a fourth. If the loss also depends on the score,
# with $w = \partial P / \partial D$, then $w\,a_l$ joins $u_l$, and the same product serves both: four passes instead of nine.


# %%
def straight(weights, x, by_slope):
    """(14.2) for rows x; by_slope turns slopes g into d P / d g."""
    kinks = []
    for W in weights[:-1]:  # forward
        x = x @ W.T
        kinks.append(torch.where(x > 0, 1.0, 0.2).to(x))
        x = x * kinks[-1]
    d = [torch.ones(len(x), 1).to(x)]
    for W, kink in zip(weights[:0:-1], kinks[::-1], strict=True):  # back to the image, (14.1)
        d.insert(0, (d[0] @ W) * kink)
    slope = d[0] @ weights[0]
    u, gradients = by_slope(slope), []
    for W, d_l, kink in zip(weights, d, [*kinks, 1.0], strict=True):  # forward again
        gradients.append(d_l.T @ u)
        u = (u @ W.T) * kink
    return slope, gradients


W1, W2 = torch.tensor([[3.0], [-1.0]]), torch.tensor([[-0.5, 1.0]])
slope, (by_W1, by_W2) = straight([W1, W2], torch.tensor([[2.0]]), lambda g: 2 * g)
print(f"slope {slope.item():.2f}")
print("by W1", [round(value, 2) for value in by_W1.flatten().tolist()])
print("by W2", [round(value, 2) for value in by_W2.flatten().tolist()])

# %% [markdown]
# These are the numbers found by hand. Now on random layers, against PyTorch, which differentiates
# its own backward pass, and against the library, which does the same for convolutions.

# %%
layers = [torch.nn.Linear(5, 7, bias=False), torch.nn.LeakyReLU(0.2)]
layers += [torch.nn.Linear(7, 6, bias=False), torch.nn.LeakyReLU(0.2)]
small = torch.nn.Sequential(*layers, torch.nn.Linear(6, 1, bias=False)).double()
points = torch.randn(8, 5, dtype=torch.float64, requires_grad=True)
weights = [*small.parameters()]

_, by_hand = straight([W.detach() for W in weights], points.detach(), lambda g: 2 * g)
(slope,) = torch.autograd.grad(small(points).sum(), points, create_graph=True)
by_torch = torch.autograd.grad(slope.square().sum(), weights)
_, slope = scores_and_slopes(small, points.detach())
by_library = torch.autograd.grad(slope.square().sum(), weights)

same = [torch.allclose(a, b) for a, b in zip(by_hand, by_torch, strict=True)]
claim(all(same), "(14.2) is what PyTorch finds by differentiating twice")
same = [torch.allclose(a, b) for a, b in zip(by_hand, by_library, strict=True)]
claim(all(same), "(14.2) is the library's gradient")


# %%
def free():
    scores, slope = scores_and_gradient(critic, real)
    (scores.mean() + slope.flatten(1).norm(dim=1).mean()).backward()


ours = [textbook["make images"], textbook["scores of generated images, and back"]]
ours += [passes(free), passes(resting)]
print(f"scores and slope of real images, and back: {passes(free):.2f}")
print(f"a step: {sum(ours):.2f}")
claim(round(passes(free)) == 4, "scores and slope together take four passes")
claim(round(sum(ours)) == 13, "nineteen passes have become thirteen")

# %% [markdown]
# The gradient is the same; a third of the arithmetic is gone. The price is a condition: the
# critic must consist of linear layers, convolutions and (leaky) ReLUs. The library checks that,
# and differentiates twice for any other. (Smooth activations such as SiLU bend everywhere, so
# their kinks do change with $x$.)
#
# ## Cheaper passes: memory order
#
# A batch has four axes. PyTorch stores an image colour by colour; `channels_last` stores it pixel by
# pixel, all channels of a pixel side by side. A convolution multiplies all channels of a pixel, so it
# reads neighbours. The numbers are the same. The order travels through the layers, which is why the
# trainer converts networks and batches once, and never turns anything round inside a step.
#
# ## Cheaper passes: fewer bits
#
# A float32 spends 23 bits on the fraction of a number, bfloat16 only 7. Both have the same range of
# exponents, so nothing overflows that did not before. Between $2^e$ and $2^{e+1}$, neighbouring
# numbers are
#
# $$
# 2^{\,e - 7} \ \text{(bfloat16)}, \qquad 2^{\,e - 23} \ \text{(float32)}
# \tag{14.3}
# $$
#
# apart. Near 1 that is a 128th. Near 100, where $e = 6$, it is a half.


# %%
def above(value, dtype):
    number = torch.tensor(value, dtype=dtype)
    return torch.nextafter(number, torch.tensor(1e9, dtype=dtype)).item()


for value in (1.0, 100.0):
    print(
        f"after {value:3g} comes {above(value, torch.bfloat16)} in bfloat16, "
        f"{above(value, torch.float32):.7f} in float32"
    )
for sum_of in (100.2, 100.3):
    print(f"{sum_of} becomes {torch.tensor(sum_of).bfloat16().item()} in bfloat16")
claim(torch.tensor(100.2).bfloat16() == 100, "near 100 a difference of 0.2 vanishes in bfloat16")

# %% [markdown]
# Weights are safe: the products take rounded *copies*, sums run in float32, and the optimiser moves the
# float32 original. Scores are not. An LS-GAN asks whether one score lies above another by a margin,
# and their common offset is free: nothing keeps them near zero. So the critic's last layer computes
# in float32, always.

# %%
with torch.no_grad():
    offset = networks.critic(torch.Generator().manual_seed(0))
    offset.layers[-1].bias.fill_(100.0)
    with torch.autocast("cpu", torch.bfloat16):
        everywhere = offset.layers(real).flatten()
        ours = offset(real)
print("bfloat16 to the end:", everywhere.dtype, "distinct scores:", len(everywhere.unique()))
print("the library:        ", ours.dtype, "distinct scores:", len(ours.unique()))
claim(len(everywhere.unique()) == 1, "in bfloat16 four different images have one score")
claim(len(ours.unique()) == 4, "with its last layer in float32, the critic tells them apart")

# %% [markdown]
# Is bfloat16 faster? That depends on the processor, and its own list of features does not tell.
# Some have units for it; some know the instruction, and run it at the speed of float32 or
# below. So `lsgan train --precision auto`, the default, makes a few steps of each at the start and
# takes bfloat16 only if it is at least a tenth faster. What the recorded measurements say:

# %%
for recipe_name, name in NAMES.items():
    fp32, bf16 = (recorded[recipe_name, f"eager {p}"] for p in ("fp32", "bf16"))
    gain = bf16["images_per_second"] / fp32["images_per_second"]
    choice = "bf16" if gain > 1.1 else "fp32"
    print(f"{name}: bfloat16 runs at {gain:.2f} times the speed of float32, so take {choice}")
if bf16["limit_products"] <= fp32["limit_products"]:
    print("This processor multiplies matrices in bfloat16 no faster than in float32.")
else:
    gain = bf16["limit_products"] / fp32["limit_products"]
    print(f"This processor multiplies matrices in bfloat16 {gain:.1f} times as fast.")

# %% [markdown]
# ### What each change buys, here and now
#
# The same work five times, a median of a few each: scores and slope of 16 real images, and back.


# %%
def milliseconds(work, precision=torch.float32):
    times = []
    for _ in range(6):
        begun = time.perf_counter()
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            work()
        times.append(1e3 * (time.perf_counter() - begun))
    return sorted(times[1:])[2]


def apart():
    critic(real).sum().backward()
    slope_apart()


real = torch.randn(16, 3, 64, 64)
bars = {"apart, 9 passes": milliseconds(apart), "together, 6 passes": milliseconds(together)}
bars["for free, 4 passes"] = milliseconds(free)
critic.to(memory_format=torch.channels_last)
real = real.to(memory_format=torch.channels_last)
bars["... channels last"] = milliseconds(free)
bars["... and bfloat16"] = milliseconds(free, torch.bfloat16)

# %%
fig, ax = plt.subplots(figsize=(7, 2.0))
ax.barh([*bars], [*bars.values()], color=["0.6", *["C0"] * 4])
ax.set(xlabel="milliseconds")
ax.invert_yaxis()
plt.show()

# %% [markdown]
# **Figure 14.3** One part of a step, with one change after the other, on the machine that made this page. - Compare the first
# three bars with the counts $9 : 6 : 4$. Work that is not a product (the kinks, the norms, allocating memory) takes
# time too, so they need not fall in the same proportion. Whether the last bar is shorter or longer than
# the one above it is what `--precision auto` finds out.
#
# ### Does it learn the same?
#
# Faster is nothing if it learns something else. So the same short trainings ran in both precisions,
# with three seeds each, and their samples were compared with held-out images. The *distance* looks at
# both sets from many random directions (sliced Wasserstein); lower is better.

# %%
quality = read_json(BENCHMARKS / "precision_quality.json")
print(quality["command"])
tested = sorted({run["recipe"] for run in quality["runs"]})


def found(recipe_name, precision, measure):
    """What was measured, one number a seed."""
    wanted = (recipe_name, precision)
    runs = [r for r in quality["runs"] if (r["recipe"], r["precision"]) == wanted]
    return [run[measure] for run in runs]


fig, axes = plt.subplots(1, len(tested), figsize=(4.2 * len(tested), 1.8), squeeze=False)
for ax, recipe_name in zip(axes[0], tested, strict=True):
    for height, precision in enumerate(("fp32", "bf16")):
        distances = found(recipe_name, precision, "distance")
        ax.plot(distances, [height] * len(distances), "o", color=f"C{height}")
    ax.set(title=recipe_name, xlabel="distance", ylim=(-0.5, 1.5))
    ax.set_yticks([0, 1], ["fp32", "bf16"])
plt.show()

# %%
print(f"{'':32}{'fp32':>8}{'bf16':>8}{'between seeds':>16}")
for recipe_name in tested:
    closer = []
    for measure in ("distance", "spread", "agreement"):
        both = [found(recipe_name, precision, measure) for precision in ("fp32", "bf16")]
        if None in both[0]:
            continue  # only digits have neighbours that can agree
        exact, rounded = (sum(values) / len(values) for values in both)
        seeds = max(max(values) - min(values) for values in both)
        print(f"{recipe_name:22}{measure:10}{exact:8.2f}{rounded:8.2f}{seeds:16.2f}")
        closer.append(abs(exact - rounded) < seeds)
    claim(all(closer), f"{recipe_name}: precisions differ by less than seeds do")

# %% [markdown]
# **Figure 14.4** Distance of samples to held-out images after equal training; one dot a seed. - The dots of both
# precisions lie among each other: the precision moves the result less than the seed does.
#
# The table adds two other measures: the *spread* of the samples as a share of the data's, and, for digits, the *agreement* of
# neighbours (chapter 04). Its last column is the largest difference between two seeds. Be careful with what
# this shows: a difference larger than that of seeds would have been seen, a small one cannot be, with three
# seeds.
#
# ## Do not make the device wait
#
# A GPU works through a queue. Python asks for an operation and goes on, long before the answer is
# there. Only when Python wants to *see* a number must it stop until the queue has run dry. `.item()`
# is such a look. One a step, for a progress bar, and the queue runs dry at every step.
#
# So this library reads once a **tick** (some thousand images), and until then adds on the device:

# %%
losses = torch.rand(100)  # as they come, one a step, on the device

total = torch.zeros(())
first_bad = torch.tensor(-1)  # also the check for NaN stays on the device
for number, loss in enumerate(losses):
    total += loss
    bad = ~loss.isfinite() & (first_bad < 0)
    first_bad = torch.where(bad, number, first_bad)

claim(abs(total.item() / 100 - losses.mean()) < 1e-5, "a hundred losses, one look, the same mean")

# %% [markdown]
# How many looks does a real step take? PyTorch has one operation for them, so they can be counted,
# even on a CPU, where they cost nothing.

# %%
batch_of = Batches(pictures, batch_size=16, seed=0)
recipe = Recipe(networks=networks, objective=LossSensitive(), batch_size=16, tick=10**9)
trainer = Trainer(recipe, batch_of)

of_ours = exercises.looks(trainer.step)
of_textbook = exercises.looks(lambda: textbook_step(pictures))
claim(of_ours == 0, "between two ticks our step looks at nothing")
claim(of_textbook >= 2, "the textbook's step looks at both losses, and more")
show_source(Tally.add)

# %% [markdown]
# (What more it looks at: Adam's own step counters. PyTorch keeps those on the CPU unless asked otherwise, so
# they are cheap. The two losses are not.)

# %% [markdown]
# ## The whole step as one CUDA graph
#
# A step of these small networks is some hundreds of small operations. A GPU finishes most of them
# faster than Python can ask for the next, and then it waits for Python. A **CUDA graph** turns this round: the
# step is recorded once, with all its operations and addresses, and from then on *replayed* with one
# request, both networks, the second derivative and both optimisers included.

# %%
show_source(GraphedStep.__call__)

# %% [markdown]
# What is replayed is exactly what was recorded. That decides what may be in it:
#
# - **No decisions.** Nothing may depend on a number that only the GPU knows. (See above: we read none.)
# - **No changing numbers in Python.** A learning rate is part of the recorded request. When it drops,
#   the library records a new graph.
# - **No random numbers from outside.** Noise, dropout masks and the real images lie in buffers
#   with fixed addresses, and are filled *before* each replay. So graph and ordinary step see the same numbers,
#   and a run can change from one to the other.
#
# The last point can be seen without a GPU: `fixed=True` gives the same numbers, always in the same place.

# %%
free_draws, fixed_draws = Draws(), Draws(fixed=True)
places = set()
for shown in (0, 64, 128):
    for draws in (free_draws, fixed_draws):
        draws.begin(mix(seed=0, stream=4, step=shown))
    expected, noise = free_draws.normal((64, 100)), fixed_draws.normal((64, 100))
    claim(torch.equal(noise, expected), f"after {shown} images: the same numbers")
    places.add(noise.data_ptr())
claim(len(places) == 1, "three steps, one place in memory")

try:
    Trainer(recipe, batch_of, engine="graph")
except BookError as refused:
    print(refused)

# %% [markdown]
# On a GPU: `lsgan train ... --engine graph`. Does it train the same? On the GPU of the second table the
# graph and the ordinary step were compared after 200 steps of both recipes, in every precision, with PyTorch's
# deterministic algorithms: all weights, optimisers and averages were equal, bit for bit. What it gains stands
# in that table. And here is a run that used it from start to end:

# %%
run = load_run("faces-loss-sensitive")
facts = run.where
print(run.command)
print(f"{facts['device_name']}, engine {facts['engine']}, {facts['precision']}")
print(
    f"{facts['images']:,} images in {facts['seconds'] / 60:.1f} minutes, pictures and states included"
)
claim(facts["engine"] == "graph", "the whole step was one graph")
claim(facts["images"] >= 25 * 202_599, "as many images as 25 epochs of all of CelebA")
claim(facts["seconds"] < 600, "in less than ten minutes")

# %% [markdown]
# [Chapter 09](09_train_faces_again.ipynb) shows its faces.
#
# ### All changes at a glance
#
# | change | what it saves | where you saw it |
# | --- | --- | --- |
# | critic at rest in the generator's turn | 1 pass of 19 | count |
# | one forward pass for scores and slope | 3 passes | count, Figure 14.3 |
# | second derivative of straight pieces by hand | 2 passes | (14.2), Figure 14.3 |
# | channels last | nothing but memory traffic | Figure 14.3 |
# | bfloat16 | half of the bytes, and time where there are units for it | Figures 14.1 and 14.3 |
# | images as bytes on the device, order and flips sent up without waiting | the loader, three quarters of the bytes | last section |
# | fused optimisers, average in one call | hundreds of small operations a step | Figure 14.2: little on a CPU |
# | no looks | a wait a step | count; 3 against 0 on the GPU |
# | maps of 2 by 2 pixels as a matrix product | two thirds of that layer's time on a CPU | `networks/small_maps.py`, the 28-pixel recipe |
# | CUDA graph | nearly all requests | the table of the GPU |
#
# And this is what they bought, recorded on the machine of Figure 14.1: the 64-pixel recipe, starting from
# the textbook's loop, each change on top of those before it. The loops took turns of one step each.

# %%
bought = read_json(BENCHMARKS / "changes" / "faces-loss-sensitive.json")
print(bought["command"], "\n")
print(f"{'':38}{'ms a step':>10}{'x textbook':>12}{'rounds':>12}")
for row in bought["rows"]:
    rounds = f"{row['lowest']:.2f}-{row['highest']:.2f}"
    print(f"{row['change']:38}{1e3 * row['seconds']:10.0f}{row['speed_up']:12.2f}{rounds:>12}")
gain = {row["change"]: row["speed_up"] for row in bought["rows"]}
shared, by_hand = gain["one forward for scores and slope"], gain["second derivative by hand"]
before_them = gain["no graph for fakes, critic frozen"]
claim(
    by_hand / shared > 1.1 and shared / before_them > 1.1,
    "the two changes to the penalty buy more than a tenth each",
)
claim(before_them < 1.2, "all that came before them, together, less than a fifth")

# %% [markdown]
# On a CPU the passes are the price, and the rest hardly shows. On the GPU it was the other way round: there
# a step waits for requests, and the graph, which removes them, bought most.
#
# ## Your own pictures
#
# From here on we work in an empty folder, as you would. Two hundred little pictures stand for
# yours: a sky, a sun, a hill.

# %%
import random
import subprocess
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageDraw

from lsgan_lib.figures import strip_of_pictures
from lsgan_lib.training import RunDirectory, resume, train
from lsgan_lib.training.processes import World

home, folder = Path.cwd(), tempfile.TemporaryDirectory()
os.chdir(folder.name)

# %%
dice = random.Random(14)
Path("pictures").mkdir()
for number in range(200):
    sky = (dice.randint(40, 110), dice.randint(80, 200), dice.randint(160, 250))
    picture = Image.new("RGB", (48, 40), sky)
    draw = ImageDraw.Draw(picture)
    x, y = dice.uniform(8, 40), dice.uniform(7, 20)
    draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill=(255, dice.randint(150, 220), 40))
    hill = (dice.uniform(-30, 0), dice.uniform(22, 30), dice.uniform(50, 80), 90)
    draw.ellipse(hill, fill=(20, dice.randint(70, 140), 30))
    picture.save(f"pictures/{number:03d}.png")


def terminal(line):
    """Do what this line would do in a terminal."""
    name, *words = line.split()
    module = {"lsgan": "lsgan_lib", "torchrun": "torch.distributed.run"}[name]
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, capture_output=True, text=True)
    told = done.stdout if done.returncode == 0 else done.stderr
    print(f"$ {line}\n{told.replace(f'{Path.cwd()}/', '')}", end="")


# %% [markdown]
# A folder becomes a packed set: all pictures at one size, in one file, with a manifest and a contact
# sheet.

# %%
terminal("lsgan data folder --from pictures --size 16 --out suns --workers 1")

# %% [markdown]
# The next line trains an LS-GAN on it, three hundred steps. The recipe is the one for faces, with
# smaller networks and larger learning rates. For pictures of your own at 64 pixels,
# `lsgan train faces-loss-sensitive --data FOLDER` is all you need.

# %%
terminal(
    "lsgan train faces-loss-sensitive --data suns --out runs/suns --images 9600 --batch-size 32 "
    "--networks.size 16 --networks.width 0.5 --networks.z-dim 16 --sample-count 32 "
    "--critic-lr 1e-3 --generator-lr 1e-3 --average-half-life 2000 --average-ramp 0.2 "
    "--tick 640 --samples-every 4800 --state-every 4800 --threads 1 --precision fp32"
)
strip_of_pictures(
    ["suns/contact_sheet.png", *RunDirectory("runs/suns").samples().values()],
    ["your pictures", "before training", "150 steps", "300 steps"],
    width=10.0,
)

# %% [markdown]
# **Figure 14.5** The packed set, and what one fixed noise becomes. - After 150 steps there is
# a sky over a hill; after 300 most skies have a sun. Two hundred pictures are few: the critic can
# learn them by heart. Some thousands are a better start, and `--flip` doubles them.
#
# Other things to type now: `lsgan sample runs/suns --count 100` draws more, `lsgan interpolate
# runs/suns` walks, `lsgan runs` lists what is there, `lsgan export runs/suns --onnx` hands the generator to another program, and
# `lsgan train ... --dry-run` tells every setting and trains nothing.
#
# ## Trust: kill it
#
# Chapter 04 stopped a run politely, with Ctrl-C. Machines are not polite. Here a training runs in a
# process of its own, and as soon as it has saved a state, we end it with a signal that no program can catch.

# %%
recipe = RunDirectory("runs/suns").recipe()
short = replace(recipe, images=1_600, state_every=160)
program = f"""
import torch
from lsgan_lib.training import train, RunDirectory
from dataclasses import replace
torch.set_num_threads(1)
recipe = RunDirectory("runs/suns").recipe()
train(replace(recipe, images={short.images}, state_every={short.state_every}), directory="runs/killed")
"""
child = subprocess.Popen([sys.executable, "-c", program])
while child.poll() is None and not Path("runs/killed/state.pt").exists():
    time.sleep(0.01)
child.kill()  # SIGKILL
claim(child.wait() != 0, "the process was killed before it was done")

# %% tags=["nbval-ignore-output"]
left = RunDirectory("runs/killed").state("cpu")["shown"]
resumed = resume("runs/killed")
undisturbed = train(short)
print(f"killed after {left:,} images or a little later, resumed, ended at {resumed.shown:,}")

# %%
fingerprints = [exercises.fingerprint(t.critic, t.generator) for t in (resumed, undisturbed)]
claim(fingerprints[0] == fingerprints[1], "killed and resumed: sha256 of all weights is the same")
claim(left < short.images, "and the run had really been cut short")

# %% [markdown]
# Why this works: everything random in a step is a function of the seed and of the images shown so far,
# and a state is written under another name first, then renamed. At each moment there is one whole state on the
# disk, the old or the new one. What a kill costs is the time since the last one.
#
# ## Trust: damage it
#
# A disk may fail more quietly. Flip one bit in the middle of the state, or lose its second half:

# %%
state = Path("runs/killed/state.pt")
sound = state.read_bytes()
damaged = bytearray(sound)
damaged[len(damaged) // 2] ^= 1
refusals = []
for harm, content in (("one bit", bytes(damaged)), ("cut short", sound[: len(sound) // 2])):
    state.write_bytes(content)
    try:
        resume("runs/killed")
    except BookError as refused:
        refusals.append(str(refused).split(". ")[0])
        print(f"{harm}: {refusals[-1]}.")
claim("checksum" in refusals[0], "a single bit is noticed, by the checksum")
claim(len(refusals) == 2, "both damaged states are refused")

# %% [markdown]
# A checksum finds accidents. It is no signature: who means harm can compute it as well. Against
# that there is another rule: a state holds tensors, numbers and text, and is loaded with
# `weights_only=True`, so that no code in it ever runs.
#
# ## Trust: watch it
#
# A run that has gone wrong should not train on for a night. At each tick the library looks for three
# things: values that are not finite, a critic so sure that its gradient has vanished, samples
# that have all become alike. Here the learning rate is multiplied by a million million on the way.

# %% tags=["nbval-ignore-output"]
wild = replace(short, images=1_280, tick=32, lr_drop_every=480, lr_drop=1e12)
sentences = []
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for way_on in (lambda: train(wild, directory="runs/wild"),
                   lambda: resume("runs/wild", watch="roll_back")):  # fmt: skip
        try:
            way_on()
        except BookError as trouble:
            sentences.append(str(trouble))
print(sentences[0], "\n")
print(*(f"{warning.message}\n" for warning in caught), sep="")
print(sentences[1].split(". ")[0])

# %%
told = [str(warning.message) for warning in caught]
claim("was not finite in the step after 480 images" in sentences[0], "the step is named exactly")
claim(sum("Went back" in line for line in told) == 3, "it goes back three times, with other noise")
claim("after 3 rollbacks" in sentences[1], "and then stops: rollbacks are bounded")

# %% [markdown]
# Going back helps against bad luck: other noise, another path. It does not help against a learning rate that is a
# million million times too large, and three attempts are enough to know.
#
# ## Two processes
#
# One GPU is not enough? Give each GPU a process. Each holds both networks and takes its rows of every
# batch. All gradients are averaged before each step of an optimiser, so all make the same step.
#
# $$
# \nabla \frac{1}{Kb} \sum_{i=1}^{Kb} \ell_i = \frac1K \sum_{r=0}^{K-1} \nabla \frac1b \sum_{i \in \text{rows of } r} \ell_i
# \tag{14.4}
# $$
#
# The mean over a batch is the mean of the means over its equal parts. Nothing more is in it. `torchrun`
# starts the processes and tells them where to meet; on CPUs they talk by a library called *gloo*, on GPUs by
# *NCCL*. The average is one line of the step (`self.world.mean_gradients_`), and this behind it:

# %%
show_source(World.mean_gradients_)

# %% [markdown]
# If (14.4) is all, then two processes must end with the weights of one. BatchNorm would spoil the
# comparison, because each process would take mean and variance of its own half, so it is off here.

# %%
terminal(
    "torchrun --standalone --nproc-per-node 2 -m lsgan_lib train faces-loss-sensitive --data suns "
    "--out runs/two --images 128 --batch-size 32 --networks.size 16 --networks.width 0.25 "
    "--networks.z-dim 16 --networks.no-generator-norm --threads 1 --precision fp32"
)

# %% tags=["nbval-ignore-output"]
two = RunDirectory("runs/two")
one = train(two.recipe())
start = Trainer(two.recipe(), one.batches)
both = two.state("cpu")
print(f"{one.shown} images in {one.shown // two.recipe().batch_size} steps")

# %%
moved = exercises.distance(one.generator.state_dict(), start.generator.state_dict())
apart = exercises.distance(one.generator.state_dict(), both["generator"])
claim(apart < 1e-3 * moved, "two processes end where one does: apart by under 0.1 % of the way")

# %% [markdown]
# They are not equal bit for bit. Sums of floats depend on their order, and Adam divides by the size of the
# gradient, so that a rounding error in a tiny gradient grows. Between *processes of one run*, however, equality
# of bits is a must. They all apply the same average to the same weights. At each saved state the library
# compares their sha256, and stops the run if one differs.
#
# ## The wrapper that fails silently
#
# PyTorch has a class for this, `DistributedDataParallel` (DDP). It hangs a hook on each parameter, and
# averages when `.backward()` has reached the last of them. Its documentation says that it does not work with
# `torch.autograd.grad`, of which slope penalties are made. What does happen? Two processes, each
# with other points; did they get the *same* gradient?

# %%
script = """
import json, os, time, torch, torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
found, rank = {}, dist.get_rank()

def critic():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))

def loss_and_penalty(net):
    x = torch.randn(8, 2, generator=torch.Generator().manual_seed(rank)).requires_grad_()
    score = net(x)
    (slope,) = torch.autograd.grad(score.sum(), x, create_graph=True)
    return score.square().mean(), slope.norm(dim=1).mean()

def equal_in_both(gradient):
    both = [torch.zeros_like(gradient) for _ in range(2)]
    dist.all_gather(both, gradient)
    return torch.equal(*both)
"""

# %%
script += """
net = critic(); ddp = DistributedDataParallel(net)
loss, penalty = loss_and_penalty(ddp)
(loss + penalty).backward()
found["loss + penalty, one backward()"] = equal_in_both(net[0].weight.grad)

net = critic(); ddp = DistributedDataParallel(net)
(gradient, *_) = torch.autograd.grad(sum(loss_and_penalty(ddp)), [*net.parameters()])
found["autograd.grad by the weights"] = equal_in_both(gradient)

net = critic(); ddp = DistributedDataParallel(net)
loss_and_penalty(ddp)[1].backward()
found["penalty alone"] = equal_in_both(net[0].weight.grad)
try:
    loss_and_penalty(ddp)
    found["next step"] = "went on"
except RuntimeError as error:
    found["next step"] = str(error).split(". ")[0]
"""

# %%
script += """
from lsgan_lib.training.processes import World

net, world = critic(), World(rank, 2)
loss_and_penalty(net)[1].backward()
world.mean_gradients_(net)
found["penalty alone, the library"] = equal_in_both(net[0].weight.grad)

message, seconds = torch.zeros(6_342_404), []  # as large as all gradients
for _ in range(4):
    begun = time.perf_counter()
    dist.all_reduce(message)
    seconds.append(time.perf_counter() - begun)
if rank == 0:
    open("found.json", "w").write(json.dumps({"found": found, "seconds": min(seconds)}))
dist.barrier()
time.sleep(0.5)
os._exit(0)  # some threads of gloo do not like to be taken down
"""
Path("two.py").write_text(script)
terminal("torchrun --standalone --nproc-per-node 2 two.py")

# %%
answer = read_json(Path("found.json"))
found, seconds = answer["found"], answer["seconds"]
for way, equal in found.items():
    print(f"{way:34}{'the same' if equal is True else 'NOT the same' if equal is False else equal}")
claim(found["loss + penalty, one backward()"], "in one backward() DDP averages rightly")
claim(not found["autograd.grad by the weights"], "autograd.grad: each keeps its own, in silence")
claim(not found["penalty alone"], "a penalty by itself: each keeps its own, in silence")
claim(
    "finished reduction in the prior iteration" in found["next step"], "only a step later it fails"
)
claim(found["penalty alone, the library"], "averaged by hand, both have the same")

# %% [markdown]
# *Symptom.* No error, at first. Both processes train, and drift apart. *Cause.* DDP waits for the gradient of the
# last bias. But a slope does not depend on it: adding a constant to a score changes no slope. So this gradient
# never comes, the average never begins, and what was computed stays as it is. The error appears at the next
# forward pass, and says nothing of penalties. *Cure.* Average the gradients
# yourself, once, when all are there. *Guard.* Compare the weights of all processes at every saved
# state.
#
# ## What a hundred GPUs would change, and what not
#
# No hundred GPUs were at hand. But a step has few numbers, and they are measured.
#
# ### The message
#
# Every step sends the gradients of both networks, four bytes each. The usual way is a *ring*: each process
# passes pieces on to its neighbour, until all have the sum. Each piece travels $2(K-1)$ hops, and each process sends
#
# $$
# T_\text{send} = \frac{2 (K - 1)}{K} \cdot \frac{B}{\beta} + 2 (K - 1)\, \lambda
# \tag{14.5}
# $$
#
# seconds long. For large $K$ the first term tends to $2B/\beta$ and *stops growing*: a hundred processes send
# not even twice as long as two. Only the waiting times $\lambda$ add up.


# %%
def send_seconds(message, K, bandwidth, latency=0.0):
    """(14.5)"""
    return 2 * (K - 1) / K * message / bandwidth + 2 * (K - 1) * latency


full = LossSensitiveNetworks(size=64)
count = sum(
    weight.numel()
    for network in (full.generator(torch.Generator()), full.critic(torch.Generator()))
    for weight in network.parameters()
)
message = 4 * count
print(f"{count:,} weights, {message / 1e6:.1f} MB a step")
claim(
    send_seconds(message, 100, 1e9) < 2 * send_seconds(message, 2, 1e9),
    "without latency, a hundred processes send for less than twice as long as two",
)

# %% [markdown]
# ### The same batch, or the same share?
#
# *The same share.* Each process keeps its $b$ images, and the batch grows to $Kb$. Then a step computes
# as long as before, and sending adds at most $2B/\beta$.
#
# *The same batch.* The batch stays and is divided. Then each process computes $K$ times shorter, while
# sending takes as long as ever. If one process alone takes $t$ seconds a step, both are equal at
#
# $$
# \frac{t}{K} = \frac{2 (K - 1)}{K} \cdot \frac{B}{\beta} \quad\Longrightarrow\quad K^\ast = 1 + \frac{t\,\beta}{2 B}
# \tag{14.6}
# $$
#
# and beyond $K^\ast$ more processes mostly send.


# %%
def break_even(step_seconds, message, bandwidth):
    """(14.6)"""
    return 1 + step_seconds * bandwidth / (2 * message)


recorded_ms = recorded["faces-loss-sensitive", "eager fp32"]["ms_per_step"]
measured = message / seconds  # (14.5) with K = 2, without latency: gloo on this machine
bandwidths = torch.logspace(8, 11.5, 50)
fig, ax = plt.subplots(figsize=(6.5, 3.2))
for faster, name in (
    (1, "the recorded CPU step"),
    (100, "100 times faster"),
    (1_000, "1,000 times faster"),
):
    ax.loglog(bandwidths, break_even(recorded_ms / 1e3 / faster, message, bandwidths), label=name)
ax.axvline(measured, color="grey", ls=":", label="gloo, this machine")
ax.set(xlabel="bandwidth, bytes a second", ylabel="processes at break-even")
ax.legend(fontsize=8)
plt.show()
t = recorded_ms / 1e3
K = break_even(t, message, 1e9)
claim(abs(t / K - send_seconds(message, K, 1e9)) < 1e-9, "(14.6) makes both sides of it equal")

# %% [markdown]
# **Figure 14.6** From how many processes on sending takes longer than computing, if the batch is
# divided among them. The upper line is the step recorded on the CPU; the others are *suppositions*: devices a hundred and
# a thousand times as fast. - The faster the device, the sooner the network is the limit. A slow processor
# may be divided among many over any cable. A fast GPU wants a fast link, or a larger share of images.
#
# ### The batch
#
# With equal shares, a hundred GPUs do not make the same run faster. They make another run: its batch is a
# hundred times as large, and each epoch has a hundred times fewer steps.

# %%
faces = 202_599
for K in (1, 10, 100):
    updates = faces / (64 * K)
    print(f"{K:3} processes of 64: batch {64 * K:5,}, {updates:7,.0f} updates an epoch")
claim(faces / 6400 < 32, "with a batch of 6,400, an epoch of CelebA has fewer than 32 updates")

# %% [markdown]
# For classifiers there are rules: with a $K$ times larger batch, multiply the learning rate by $K$
# (plain gradient descent), or by $\sqrt K$ (Adam). The first says that $K$ small steps are about one large one.
# That holds while the direction hardly changes on the way. *In a game it does change.* Take the smallest
# game, $\min_x \max_y xy$: the players circle round $(0, 0)$. And the smallest bowl, $\tfrac12 x^2 + \tfrac12 y^2$. Compare $K$ steps of size
# $\eta$ with one of size $K\eta$, no noise at all:


# %%
def radius(game, steps, size):
    """Distance from the middle after some steps that begin at (1, 0)."""
    x, y = 1.0, 0.0
    for _ in range(steps):
        x, y = (x - size * y, y + size * x) if game else (x - size * x, y - size * y)
    return (x * x + y * y) ** 0.5


for name, game in (("bowl", False), ("game", True)):
    many, single = radius(game, 16, 0.05), radius(game, 1, 16 * 0.05)
    print(f"{name}: 16 steps of 0.05 end at {many:.2f}, one step of 0.80 at {single:.2f}")
claim(radius(False, 1, 0.8) < 1, "in the bowl the large step leads inwards, like the small ones")
claim(radius(True, 16, 0.05) < 1.03, "in the game the small steps nearly stay on their circle")
claim(radius(True, 1, 0.8) > 1.25, "in the game the large step leads away from it")

# %% [markdown]
# Each step in the game multiplies the radius by $\sqrt{1 + \eta^2}$, so the large step loses by its size, not by its
# noise. That is why such rules cannot simply be trusted for GANs: a larger batch takes the noise away and leaves the
# rotation. What helps is to raise the rates carefully, keep the half-life of the average in *images*
# (this library does), and compare runs at equal numbers of updates as well as of images.
#
# ### The data
#
# Each process reads only its own rows. Images stay bytes until they are on the device, four times
# fewer than as floats:

# %%
speed = recorded["faces-loss-sensitive", "eager fp32"]["images_per_second"]
for faster in (1, 100, 1_000):
    stream = 3 * 64 * 64 * speed * faster / 1e6
    print(f"{speed * faster:12,.0f} images/s need {stream:10,.2f} MB/s of pixels")
in_memory = faces * 3 * 64 * 64 / 1e9
print(f"all of CelebA at 64 pixels: {in_memory:.1f} GB, once")
claim(in_memory < 3, "the whole set fits on a GPU, so after the start nothing needs to be sent")

# %% [markdown]
# So at this size data are no bottleneck: they lie on the device. What a hundred GPUs would change
# is the batch. What they would *not* change: the loop, the recipe, the state file, what a tick is. For
# several machines, start on each
#
# ```
# torchrun --nnodes 4 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint FIRST:29400 \
#     -m lsgan_lib train faces-loss-sensitive --data celeba64
# ```
#
# If one process dies, the others notice within half a minute and say so. The same line with `resume`
# and the run's folder, in place of `train` and the recipe, goes on from the last saved state.
#
# ## What goes wrong
#
# | symptom | cause | cure |
# | --- | --- | --- |
# | the GPU is busy for a fraction of the time | `.item()`, `print(loss)` or `if loss > ...` in each step | read once a tick |
# | bf16 is slower than fp32 | the processor emulates it, or its units for it are slow | measure: `--precision auto` |
# | the margin has no effect in bf16 | scores far from zero, rounded | last layer in float32 |
# | a resumed run goes another way | a random state was not saved | randomness from seed and position |
# | a penalty trains nothing | a compiled critic drops the second derivative | the library raises an error; do not compile it |
# | processes drift apart without an error | `autograd.grad` under DDP | average by hand, compare checksums |
# | twice the GPUs, half the quality | twice the batch, half the updates | count updates, not only images |
# | twice the processes, half the speed | more threads than cores | `--threads 1` for each of them |
#
# ## Exercises
#
# Replace `None` by your answer and run the cell. Solutions:
# [solutions/14_solutions.ipynb](solutions/14_solutions.ipynb).
#
# ### Exercise 14.1
#
# *On paper.* Some recipes teach the critic five times for each step of the generator. How many passes
# does such a step take, for the textbook's loop and for ours? (Use the rounded counts of this chapter.)

# %%
of_textbook = None
of_ours = None
exercises.check_14_1(of_textbook, of_ours)

# %% [markdown]
# ### Exercise 14.2
#
# *On paper.* What is the next number after 1000 in bfloat16, by (14.3)? And two scores lie near 1000, one of them
# at 1000 exactly: is a difference of 1.5 between them still there after rounding, `"yes"` or `"no"`?

# %%
next_number = None
survives = None
exercises.check_14_2(next_number, survives)

# %% [markdown]
# ### Exercise 14.3
#
# *In code.* Write a mean that looks once. It gets a list of scalar tensors, one a step. Return
# the mean of those that are finite, as a Python number, reading from the device a single time.


# %%
def mean_of_finite(losses):
    """losses: list of scalar tensors, some of which may be NaN or infinite."""
    return None


exercises.check_14_3(mean_of_finite)

# %% [markdown]
# ### Exercise 14.4
#
# *In code.* The share of a step that is spent computing, for $K$ processes that each keep their
# images: step time over step time plus (14.5).


# %%
def efficiency(step_seconds, message, K, bandwidth, latency):
    """A number from 0 to 1."""
    return None


exercises.check_14_4(efficiency)

# %% [markdown]
# ### Exercise 14.5
#
# *Experiment.* Run the two processes again, with BatchNorm in the generator: leave out
# `--networks.no-generator-norm`, and choose another `--out`. Do they still end where one process does
# (apart by less than 1 % of the way)? Then add `--sync-norm`. Answer `"yes"` or `"no"` for each. Compare only the
# entries whose name ends in `weight`: a bias before a BatchNorm has no gradient but rounding errors, of
# which Adam makes whole steps.

# %%
without_sync = None
with_sync = None
exercises.check_14_5(without_sync, with_sync)

# %% [markdown]
# ### Exercise 14.6
#
# *Open.* Plan a run of faces at 64 pixels: 25 epochs, on machines of your choice. Say how many
# processes, how many images each takes, and the bandwidth between them in bytes a second. The
# check takes a device that does a step of 64 images in 10 ms (and others in proportion), and asks for two things:
# at least 80 % of the time is spent computing, and there are at least 20,000 updates.

# %%
my_plan = None  # for example {"processes": 2, "images_each": 64, "bandwidth": 1e9}
exercises.check_14_6(my_plan)

# %%
os.chdir(home)
folder.cleanup()

# %% [markdown]
# ## Summary
#
# Nearly all of a step is passes through the two networks. A textbook's step takes nineteen; sharing a forward pass,
# letting the critic rest, and a second derivative without a second differentiation leave thirteen, with the same gradient. bfloat16
# can make passes cheaper where the processor has units for it. It has to be measured, and scores stay in
# float32. Reading a number makes a GPU wait, so it is done once a tick. A run that is killed goes on with the same bits, a damaged
# state is refused, and a run that diverges stops at a named step. Several processes average their
# gradients and train like one, as far as rounding allows; the common wrapper does not do that for a penalty by itself. More
# machines mean larger batches, and those change the game.
#
# ## Questions to ask yourself
#
# 1. Why does the second pass of (14.2) run without biases?
# 2. Which of the nineteen passes would remain if the critic had no penalty?
# 3. Why is the generator's batch in the critic's turn detached, and what would it cost otherwise?
# 4. Why can float16 overflow where bfloat16 does not?
# 5. What would happen if a CUDA graph drew its own noise, and you resumed the run without a graph?
# 6. Why is a state renamed into its place instead of written there?
# 7. Two processes have equal gradients but unequal weights. How can that have come about?
# 8. Your batch is 64 and you get eight GPUs. Name two ways to use them, and what each one changes.
#
# ## Further reading
#
# - Goyal et al. 2017, [arXiv 1706.02677](https://arxiv.org/abs/1706.02677): the linear rule for large
#   batches, and the warm-up that it needs.
# - Malladi et al. 2022, [arXiv 2205.10287](https://arxiv.org/abs/2205.10287): why the rule for Adam has a square root.
# - Mescheder et al. 2018, [arXiv 1801.04406](https://arxiv.org/abs/1801.04406): games rotate, and what
#   a slope penalty does about it.
# - Kalamkar et al. 2019, [arXiv 1905.12322](https://arxiv.org/abs/1905.12322): training in bfloat16.
# - PyTorch documentation, *CUDA semantics*, section *CUDA Graphs*: what may be in one.
#
# **Back**: [13 Explore latent space](13_explore_latent_space.ipynb).

# %% tags=["nbval-ignore-output"]
versions()
