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
# # 02 - Derive the least-squares losses, and measure what they minimise
#
# Two squares replace two logarithms. This chapter works out what changes for each generated
# sample, what the whole game then minimises, and which popular explanation of it is only half true.
#
# *about 50 minutes, 20 s of computing* · [source of this page](source/02_derive_least_squares.py) ·
# [solutions](solutions/02_solutions.ipynb)

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import torch

from lsgan_lib.figures import scatter_points, use_style

use_style()
random = torch.Generator().manual_seed(2)
uphill, across = torch.tensor([0.96, 0.28]), torch.tensor([-0.28, 0.96])
noise = torch.randn(2, 24, 2, generator=random) * torch.tensor([0.35, 0.7])
real = (1 + noise[0, :, :1]) * uphill + noise[0, :, 1:] * across
score, side = 6 + noise[1, :, :1], noise[1, :, 1:]
pushed, pulled = score.clone(), score.clone()
for _ in range(60):  # the critic is linear: moving a point uphill by h raises its score by h
    pushed += 0.1 * (1 - torch.sigmoid(pushed))
    pulled -= 0.1 * (pulled - 1)
fig, axes = plt.subplots(1, 2, figsize=(8.6, 2.7), sharex=True, sharey=True)
for ax, name, after in zip(axes, ("cross-entropy", "least squares"), (pushed, pulled), strict=True):
    start, end = score * uphill + side * across, after * uphill + side * across
    ax.plot(*torch.stack([start, end]).permute(2, 0, 1), color="silver", linewidth=0.6)
    ax.plot(*(across * torch.tensor([[-1.6], [3.8]])).T, "k-", linewidth=1, label="score 0")
    scatter_points(ax, real, "real", label="real")
    scatter_points(ax, start, "fake", alpha=0.25, label="generated, before")
    scatter_points(ax, end, "fake", s=16, alpha=0.9, label="generated, after 60 steps")
    ax.set(title=name, aspect="equal", xlim=(-1.5, 8), ylim=(-1.6, 3.6))
_ = axes[0].legend(loc="lower right")

# %% [markdown]
# **Figure 2.1** Generated points (red) on the correct side of a fixed critic, whose scores rise from
# the black line to the right, before and after 60 steps down each loss. - Cross-entropy leaves them
# where they are, far beyond the data. Least squares pulls them back.
#
# ## What you will be able to do
#
# - *compute* how hard three generator losses push a sample of a given score, and *predict* where it
#   comes to rest (Exercise 2.1);
# - *derive* the best critic and the divergence for any target values, on paper (Exercise 2.2);
# - *read* from a loss curve how far the generator still is from the data (Exercise 2.3);
# - *test* whether a given objective has its minimum where it should (Exercise 2.4);
# - *measure* at which distances least squares loses its pull (Exercise 2.5), and *design* a loss
#   that pulls otherwise (Exercise 2.6).
#
# ## What you need
#
# | concept | how much | where to read it |
# | --- | --- | --- |
# | gradients in PyTorch | `torch.autograd.grad` of a scalar | PyTorch notes, *Autograd mechanics* |
# | expectation | as an average over samples, and as an integral | any first course |
# | a parabola's minimum | set the derivative to zero | school |
# | GANs | nothing beyond the next four sentences | [chapter 01](01_meet_the_game.ipynb) has the whole story, and the original game |
#
# A *generator* turns noise into samples. A *critic* looks at samples and gives each a score: high
# for real ones, low for generated ones. The two are trained in turn: the critic to tell the two
# kinds apart, the generator to change the scores that its samples get. When the critic can no
# longer tell, the generator has done its work.
#
# ## Notation
#
# | here | in code | meaning | in the paper |
# | --- | --- | --- | --- |
# | $p(x)$ | `p`; samples: `real` | density of the data | $p_{\text{data}}$ |
# | $q(x)$ | `q`; samples: `fake` | density of what the generator makes | $p_g$ |
# | $D(x)$ | `score` | the critic's raw score, any real number | $D(x)$ |
# | $\sigma(s)$ | `torch.sigmoid` | $1/(1+e^{-s})$ | |
# | $a,\ b$ | `a`, `b` | the critic's targets: $a$ for generated, $b$ for real | same |
# | $c$ | `c` | the score that the generator aims at | same |
# | $T$ | `triangular(p, q)` | a distance between $p$ and $q$, (2.5) | |
#
# The three numbers $(a, b, c)$ are called the *coding*. Unless we say otherwise it is $(0, 1, 1)$.
# *LSGAN* in this book means least squares (Mao et al.); *LS-GAN* with a hyphen is the
# loss-sensitive GAN (Qi), another method. In code they are `least_squares` and `loss_sensitive`.

# %%
import math

import matplotlib.pyplot as plt
import torch

from lsgan_lib.book import claim, setup, show_source, versions
from lsgan_lib.exercises import chapter_02 as exercises
from lsgan_lib.figures import PALETTE, curves, scatter_points
from lsgan_lib.labs.bench.batch import batch, generator_turn
from lsgan_lib.labs.bench.curves import BenchSettings
from lsgan_lib.labs.explore import explore
from lsgan_lib.labs.loss_bench import LossBench
from lsgan_lib.losses import cross_entropy, least_squares
from lsgan_lib.networks.mlp import MLPNetworks

setup(seed=2)

# %% [markdown]
# ## Predict
#
# A critic gives three generated samples the scores $3$, $1$ and $-1$. The generator wants high
# scores. Before you read on: which of the three does cross-entropy push hardest? Which one does
# least squares push hardest, and in which direction? Write it down.
#
# ## Three samples by hand
#
# *Least squares* with $c = 1$ costs half the squared error of each score. The errors are $2$, $0$
# and $-2$, so the loss is $\tfrac12 \cdot \tfrac13 (4 + 0 + 4) = \tfrac43$. The slope of
# $\tfrac12 (D - 1)^2$ is the error itself: $2$, $0$, $-2$. The generator goes *down* the slope. So
# the first score is pulled **down**, the second is left alone, the third is lifted.
#
# *Cross-entropy* (the usual, non-saturating form) costs $-\log \sigma(D)$, with slope
# $\sigma(D) - 1$: $-0.05$, $-0.27$, $-0.73$. All three are lifted, the first hardly at all.

# %%
fake = torch.tensor([3.0, 1.0, -1.0], requires_grad=True)
for name, loss in {
    "least squares": least_squares.generator_loss(fake),
    "cross-entropy": cross_entropy.generator_loss(fake),
}.items():
    (slope,) = torch.autograd.grad(loss * len(fake), fake)  # undo the mean's 1/N
    print(f"{name}: loss {loss.item():.3f}, slopes {[round(s, 2) for s in slope.tolist()]}")

# %% [markdown]
# ## The two losses
#
# Mao et al. (eq. 2) train the critic as a regression onto two targets, and the generator as a
# regression onto a third:
#
# $$
# L_D = \tfrac12\, \mathbb{E}_{x \sim p}\big[(D(x) - b)^2\big]
#     + \tfrac12\, \mathbb{E}_{x \sim q}\big[(D(x) - a)^2\big]
# \tag{2.1}
# $$
#
# $$
# L_G = \tfrac12\, \mathbb{E}_{x \sim q}\big[(D(x) - c)^2\big]
# \tag{2.2}
# $$
#
# In words: real samples should score $b$, generated ones $a$; the generator wants its samples to
# score $c$. Nothing stands between the last linear layer and the square. Here they are written out,
# for the only time in this book:


# %%
def critic_loss(real, fake, a, b):
    """(2.1)"""
    return ((real - b) ** 2).mean() / 2 + ((fake - a) ** 2).mean() / 2


def generator_loss(fake, c):
    """(2.2)"""
    return ((fake - c) ** 2).mean() / 2


real, fake = torch.randn(64), torch.randn(48)
for a, b, c in [(0.0, 1.0, 1.0), (-1.0, 1.0, 0.0), (0.3, -2.0, 5.0)]:
    gap_critic = critic_loss(real, fake, a, b) - least_squares.critic_loss(real, fake, a=a, b=b)
    gap_generator = generator_loss(fake, c) - least_squares.generator_loss(fake, c=c)
    agree = max(gap_critic.abs(), gap_generator.abs()) < 1e-5
    claim(agree, f"(2.1) and (2.2) are the library's losses for ({a:g}, {b:g}, {c:g})")

# %% [markdown]
# From here on we import them. This is the library's own text, with what it refuses:

# %%
show_source(least_squares.critic_loss, least_squares.generator_loss)

# %% [markdown]
# ## How hard each sample is pushed
#
# A generated sample feels the critic only through the slope of its own loss at its score $D$:
#
# $$
# \begin{aligned}
# \text{least squares} \qquad & \tfrac12 (D-c)^2 && \text{has the slope} & D - c \\
# \text{cross-entropy} \qquad & {-\log \sigma(D)} && \text{has the slope} & \sigma(D) - 1 \\
# \text{saturating} \qquad & \log(1 - \sigma(D)) && \text{has the slope} & -\sigma(D)
# \end{aligned}
# \tag{2.3}
# $$
#
# The last one is the loss of the original minimax game; the one above it is the form that is used in
# practice, called *non-saturating*. We let autograd confirm all three, on scores from $-6$ to $6$.

# %%
GENERATOR_LOSSES = {
    "saturating": lambda fake: cross_entropy.generator_loss(fake, saturating=True),
    "cross-entropy": cross_entropy.generator_loss,
    "least squares": least_squares.generator_loss,
}


def slopes(loss, score):
    """d loss / d score of each sample, without the 1/N of the mean."""
    score = score.detach().requires_grad_(True)
    return torch.autograd.grad(loss(score) * len(score), score)[0]


score = torch.linspace(-6, 6, 121)
by_hand = {  # (2.3)
    "saturating": -torch.sigmoid(score),
    "cross-entropy": torch.sigmoid(score) - 1,
    "least squares": score - 1,
}
for name, loss in GENERATOR_LOSSES.items():
    agree = torch.allclose(slopes(loss, score), by_hand[name], atol=1e-5)
    claim(agree, f"the slope of the {name} loss is the one in (2.3)")

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3), sharex=True)
values = {name: [loss(s[None]) for s in score] for name, loss in GENERATOR_LOSSES.items()}
curves(left, score, values)
curves(right, score, by_hand)
left.set(title="generator's loss", xlabel="score of a generated sample", ylim=(-4, 8))
right.set(title="its slope", xlabel="score of a generated sample", ylim=(-4, 4))
right.axhline(0, color=PALETTE["guide"], linewidth=1)
left.legend(loc="lower left")
right.get_legend().remove()

# %% [markdown]
# **Figure 2.2** Loss of one generated sample, and the slope that it feels. - The saturating loss is
# flat on the left, where the critic is sure that the sample is generated. Cross-entropy is flat on
# the right, where the critic is fooled. Least squares is flat at one point only, and beyond it the
# slope changes sign: a score that is too high is pulled down.
#
# This answers the prediction. Cross-entropy pushes the sample with score $-1$ hardest; least squares
# pushes the scores $3$ and $-1$ equally hard, in opposite directions.

# %% [markdown]
# ## The pull in two dimensions
#
# A score is not yet a place. By the chain rule a sample at $x$ moves along $\nabla D(x)$, and (2.3)
# says how fast and which way. Take the simplest critic: linear, rising by 1 for each unit of length
# in one direction. It stays fixed; only the points move.


# %%
def critic(points):
    """Scores (N,) of points (N, 2); `uphill` has length 1."""
    return points @ uphill


def place(score, side, count=25):
    """A cloud of points with scores near `score`, spread out across the slope."""
    noise = torch.randn(count, 2)
    return (score + 0.35 * noise[:, :1]) * uphill + (side + 0.7 * noise[:, 1:]) * across


def move(points, loss, steps=60, step_size=0.1):
    """Each point goes down its own gradient; the critic stays as it is."""
    for _ in range(steps):
        points = points.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(loss(critic(points)) * len(points), points)
        points = points - step_size * gradient
    return points.detach()


uphill, across = torch.tensor([0.96, 0.28]), torch.tensor([-0.28, 0.96])
caught, fooling = place(score=-4, side=0.0), place(score=6, side=0.0)

# %%
fig, axes = plt.subplots(1, 3, figsize=(9.4, 3), sharey=True)
for ax, (name, loss) in zip(axes, GENERATOR_LOSSES.items(), strict=True):
    scatter_points(ax, place(score=1, side=0.0), "real")
    for points in (caught, fooling):
        arrow = 0.4 * (move(points, loss, steps=1, step_size=1.0) - points)
        scatter_points(ax, points, "fake")
        ax.quiver(*points.T, *arrow.T, angles="xy", scale_units="xy", scale=1, width=0.004)
    for level, style in ((0, "-"), (1, ":")):
        line = level * uphill + torch.tensor([[-3.0], [3.0]]) * across
        ax.plot(*line.T, color=PALETTE["critic"], linestyle=style, linewidth=1)
    ax.set(title=name, aspect="equal", xlim=(-6, 8), ylim=(-3, 4), xticks=range(-6, 9, 2))

# %% [markdown]
# **Figure 2.3** The way each generated point (red) is pushed, arrows to one scale; the critic scores
# 0 on the solid line and 1, which is $c$, on the dotted one; blue: real. - Saturating: the caught
# points on the left get nothing. Cross-entropy: the fooling points on the right get nothing. Least
# squares: each point is pushed in proportion to its distance from the dotted line.
#
# Now let the fooling points walk, as in Figure 2.1.

# %%
after = {name: move(fooling, loss) for name, loss in GENERATOR_LOSSES.items()}
walked = {name: critic(points) - critic(fooling) for name, points in after.items()}
claim(
    0 < walked["cross-entropy"].min() and walked["cross-entropy"].max() < 0.1,
    "cross-entropy: after 60 steps all are still further away, by less than 0.1",
)
claim(
    (critic(after["least squares"]) - 1).abs().max() < 0.05,
    "least squares: after 60 steps all lie where the score is 1, within 0.05",
)
claim(
    torch.allclose(after["least squares"] @ across, fooling @ across, atol=1e-4),
    "none has moved across the slope: a linear critic says nothing about that direction",
)

# %% [markdown]
# This is the argument of the paper: samples on the correct side, which the critic takes for real, but
# far from the data, still get a pull. The third claim is its small print. The samples go where
# the *score* is $c$. That is a better place only as far as the critic knows where the data are.
#
# ## The best critic
#
# Keep the generator fixed and ask for the best critic. Write (2.1) as one integral:
#
# $$
# L_D = \tfrac12 \int p(x)\,(D(x) - b)^2 + q(x)\,(D(x) - a)^2 \; dx
# $$
#
# Each place $x$ has its own number $D(x)$, so we can minimise place by place. What is under the
# integral is a parabola in $D(x)$ with the derivative $2p(D - b) + 2q(D - a)$. It is zero at
#
# $$
# D^*(x) = \frac{b\,p(x) + a\,q(x)}{p(x) + q(x)}
# \tag{2.4}
# $$
#
# In words: the best score is the average of the two targets, weighted by how often real and
# generated samples turn up at $x$. For $a = 0$, $b = 1$ it is the probability that a sample found at
# $x$ is real. Where $p = q$ it is $\tfrac12 (a + b)$.
#
# Now numerically. Ten real and ten generated samples lie on three places. The critic is a table of
# three scores, trained with the library's loss by plain gradient descent.

# %%
real_at = torch.tensor([0] * 5 + [1] * 3 + [2] * 2)  # p = (0.5, 0.3, 0.2)
fake_at = torch.tensor([0] * 1 + [1] * 3 + [2] * 6)  # q = (0.1, 0.3, 0.6)
p, q = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.1, 0.3, 0.6])

for a, b in [(0.0, 1.0), (-1.0, 1.0), (0.0, 0.9)]:
    table = torch.zeros(3, requires_grad=True)
    for _ in range(60):
        loss = least_squares.critic_loss(table[real_at], table[fake_at], a=a, b=b)
        (gradient,) = torch.autograd.grad(loss, table)
        table = (table - gradient).detach().requires_grad_(True)
    best = (b * p + a * q) / (p + q)  # (2.4)
    print([round(score, 3) for score in table.tolist()])
    claim(torch.allclose(table, best, atol=1e-4), f"for a = {a:g}, b = {b:g} this is (2.4)")

# %% [markdown]
# ## What the game minimises
#
# Put $D^*$ into the generator's objective and see what is left. Following the paper we first add
# the term $\tfrac12 \mathbb{E}_p[(D - c)^2]$: for a fixed critic it does not depend on the
# generator. Call the sum $C$:
#
# $$
# 2\,C = \int (p + q)\,(D^* - c)^2 \; dx
# $$
#
# The trick is to split $D^*$ into the middle of the targets and a deviation from it:
#
# $$
# D^* = \frac{a+b}{2} + \frac{b-a}{2}\, r, \qquad r = \frac{p-q}{p+q}
# $$
#
# Square $D^* - c$, integrate, and for **every** coding with $a \ne b$
#
# $$
# 2\,C = \tfrac12 (a + b - 2c)^2 + \tfrac14 (b-a)^2\, T,
# \qquad T = \int \frac{(p - q)^2}{p + q} \, dx
# \tag{2.5}
# $$
#
# $T$ is known as the *triangular discrimination*. It is symmetric, $0$ exactly when $p = q$, and at
# most $2$, which it reaches when $p$ and $q$ share no place.
#
# <details><summary>The algebra, and why T is at most 2</summary>
#
# Check the split: $\frac{a+b}{2}(p+q) + \frac{b-a}{2}(p-q) = b\,p + a\,q$, the numerator of (2.4).
# With $m = \frac{a+b}{2} - c$ and $h = \frac{b-a}{2}$ we have $D^* - c = m + h\,r$, so
#
# $$
# 2\,C = m^2 \int (p+q) + 2 m h \int (p+q)\, r + h^2 \int (p+q)\, r^2 .
# $$
#
# The first integral is $2$. The second is $\int (p - q) = 1 - 1 = 0$: the mixed term vanishes. The
# third is $T$. So $2C = 2m^2 + h^2\,T$, which is (2.5).
#
# For the bound: $(p - q)^2 \le (p + q)^2$ wherever $p, q \ge 0$, so $T \le \int (p + q) = 2$.
# Equality asks for $pq = 0$ everywhere.
#
# </details>
#
# The paper chooses $b - c = 1$ and $b - a = 2$ and finds the Pearson $\chi^2$ divergence between
# $p + q$ and $2q$, $\int (2q - (p+q))^2 / (p+q)$. Its numerator is $(q-p)^2$: it is $T$ again. In
# (2.5) those conditions make the constant zero and the factor one. They change nothing else. So
# the two codings of the paper, $(-1, 1, 0)$ (its eq. 8) and $(0, 1, 1)$ (its eq. 9), share one
# divergence: $2C = T$ for the first, $2C = \tfrac12 + \tfrac14 T$ for the second.


# %%
def triangular(p, q):
    """T of (2.5), for probabilities in a table; an empty place (0/0) counts nothing."""
    return ((p - q).square() / (p + q)).nan_to_num(0.0).sum()


def objective(p, q, a, b, c):
    """2 C, straight from its definition: the critic is (2.4)."""
    best = (b * p + a * q) / (p + q)
    return (p * (best - c) ** 2).sum() + (q * (best - c) ** 2).sum()


p, q = torch.softmax(2 * torch.randn(2, 12, dtype=torch.float64), dim=1)
pearson = ((2 * q - (p + q)) ** 2 / (p + q)).sum()
for a, b, c in [(-1, 1, 0), (0, 1, 1), (0, 0.9, 1), (3, -2, 0.7), (0, 10, -4)]:
    formula = (a + b - 2 * c) ** 2 / 2 + (b - a) ** 2 / 4 * triangular(p, q)  # (2.5)
    claim(torch.isclose(objective(p, q, a, b, c), formula), f"(2.5) holds for {(a, b, c)}")
claim(torch.isclose(objective(p, q, -1, 1, 0), pearson), "for (-1, 1, 0), 2C is Pearson's form")
apart = triangular(torch.tensor([0.5, 0.5, 0, 0]), torch.tensor([0, 0, 0.25, 0.75]))
claim(triangular(p, p) == 0 and apart == 2, "T is 0 for p = q, and 2 where nothing overlaps")

# %% [markdown]
# ## Two densities move apart
#
# How does $T$ grow with distance? For two boxes of width 1, shifted by $d \le 1$, it is exactly
# $2d$. The Jensen-Shannon divergence (JS), which the original GAN minimises at its best critic, is
# exactly $d \log 2$. Both rise in a straight line and stop at $d = 1$. The narrower the boxes, the
# sooner: for two single points $T$ jumps from $0$ to $2$ as soon as they differ. For two normal
# densities we sum over a fine grid.

# %%
x = torch.linspace(-12, 20, 3201, dtype=torch.float64)
cell = x[1] - x[0]


def bell(centre):
    """Probability of each grid cell under a normal density of standard deviation 1."""
    return torch.exp(-((x - centre) ** 2) / 2) / math.sqrt(2 * math.pi) * cell


def jensen_shannon(p, q):
    """Entropy of the mixture minus mean entropy; entr(x) = -x log x, and 0 at 0."""
    entropy = [torch.special.entr(table).sum() for table in ((p + q) / 2, p, q)]
    return entropy[0] - (entropy[1] + entropy[2]) / 2


box = torch.arange(300)
gaps = []
for d in (0, 30, 75, 100, 150):  # hundredths of the width
    p, q = (((box >= start) & (box < start + 100)).double() / 100 for start in (0, d))
    share = min(d / 100, 1.0)
    gaps += [triangular(p, q) - 2 * share, jensen_shannon(p, q) - share * math.log(2)]
claim(max(map(abs, gaps)) < 1e-9, "for two boxes T = 2 min(d, 1) and JS = log 2 min(d, 1)")


# %%
def draw_pair(ax, distance):
    """Two densities, the best critic, and the part of T that each place adds."""
    p, q = bell(0) / cell, bell(distance) / cell
    ax.plot(x, p, color=PALETTE["real"])
    ax.plot(x, q, color=PALETTE["fake"])
    ax.plot(x, p / (p + q), "--", color=PALETTE["critic"], linewidth=1.2)
    ax.fill_between(x, (p - q) ** 2 / (p + q), color=PALETTE["least_squares"], alpha=0.3)
    t = triangular(p, q) * cell
    js = abs(jensen_shannon(p * cell, q * cell))  # rounding can leave -0.00
    ax.text(4, 1.1, f"T = {t:.2f}\nJS / log 2 = {js / math.log(2):.2f}", ha="center")
    ax.set(xlim=(-4, 12), ylim=(-0.03, 1.45), yticks=(0, 0.5, 1), xlabel="x")


explore(draw_pair, "distance", [0, 0.5, 1, 2, 3, 4, 6, 8])

# %% [markdown]
# **Figure 2.4** Data (blue), generator (red), the best critic for $a=0$, $b=1$ (dashed), and the
# integrand of $T$ (green area). - The further apart, the more of both densities counts, until
# everything counts and nothing can be added.
#
# 1. Somewhere between the stops $T$ passes half of its maximum. Between which two?
# 2. At distance 8, put your finger on the red peak. How steep is the dashed line there?
#
# <details><summary>Answers</summary>
#
# 1. Between 1 and 2: $T = 1$ near $d = 1.8$. At $d = 4$ it is within a tenth of its maximum.
# 2. It is flat: the critic says $a$ here and all around. A generated sample that looks about finds
#    no direction in which its score would rise. The next section measures this.
#
# </details>

# %% [markdown]
# ## What this says about vanishing gradients, and what not
#
# "Least squares does not saturate" is true of Figure 2.2 and false of Figure 2.4. To keep the
# two apart, ask how strongly the generator is pulled when the critic is the *best* one. Let the
# generator be a normal density that can only shift. Its pull is the average over its samples of
# (2.3) times the slope of the critic. For cross-entropy the best raw score is $\log(p/q)$.


# %%
def pulls(distance):
    """Slope of each generator loss in `distance`, the critic being held at its best."""
    q = bell(distance)
    log_ratio = distance**2 / 2 - distance * x  # log p(x) / q(x) of two normal densities
    real_share = torch.sigmoid(log_ratio)  # p / (p + q): (2.4) for a = 0, b = 1
    rise = -distance * real_share * (1 - real_share)  # its slope in x
    # (2.3) at the best score, times the slope of the best score in x
    terms = {
        "saturating": -real_share * -distance,
        "cross-entropy": (real_share - 1) * -distance,
        "least squares (0, 1, 1)": (real_share - 1) * rise,
        "least squares (-1, 1, 0)": (2 * real_share - 1) * 2 * rise,
    }
    return {name: (q * term).sum().item() for name, term in terms.items()}


distances = torch.linspace(0.02, 9, 200, dtype=torch.float64)
table = [pulls(distance) for distance in distances]
force = {name: torch.tensor([row[name] for row in table]) for name in table[0]}

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 2.8))
pairs = [(bell(0), bell(distance)) for distance in distances]
share_T = [triangular(p, q) / 2 for p, q in pairs]
share_JS = [jensen_shannon(p, q) / math.log(2) for p, q in pairs]
left.plot(distances, share_T, color=PALETTE["least_squares"], label="T / 2")
left.plot(distances, share_JS, "--", color="black", label="JS / log 2")
left.legend()
left.set(title="what is minimised", xlabel="distance", ylim=(0, 1.05))
colours = ("saturating", "cross_entropy", "least_squares", "least_squares")
for (name, pull), colour in zip(force.items(), colours, strict=True):
    style = "--" if "(-1, 1, 0)" in name else "-"
    right.plot(distances, pull, style, color=PALETTE[colour], label=name)
right.set(title="pull on the generator", xlabel="distance", yscale="log", ylim=(2e-5, 40))
_ = right.legend(fontsize=9, loc="lower center")

# %% [markdown]
# **Figure 2.5** Both divergences, as shares of their maximum, and the pull on the generator at the
# best critic (logarithmic), against the distance of the two densities. - The divergences flatten
# together. On the right, least squares fades with distance as the saturating loss does; only
# non-saturating cross-entropy grows. Near distance 0 the dashed line drops: hold that thought.

# %%
at = {d: pulls(torch.tensor(d, dtype=torch.float64)) for d in (0.05, 0.1, 8.0)}
for coding in ("(0, 1, 1)", "(-1, 1, 0)"):
    name = f"least squares {coding}"
    fades = at[8.0][name] < force[name].max() / 500
    claim(fades, f"{coding}: at distance 8 the pull is below 1/500 of its peak")
claim(at[8.0]["cross-entropy"] > 7.9, "cross-entropy: at distance 8 it is near 8")
shrinks = [at[0.1][name] / at[0.05][name] for name in list(force)[2:]]
claim(abs(shrinks[0] - 2) < 0.1, "(0, 1, 1): near 0, half the distance, 1/2 of the pull")
claim(abs(shrinks[1] - 8) < 0.1, "(-1, 1, 0): near 0, half the distance, 1/8 of the pull")

# %% [markdown]
# So three statements, which are easily mixed up:
#
# - **The divergence** at the best critic stops changing when $p$ and $q$ do not overlap. $T$ does so
#   exactly as JS does. Least squares is no cure for disjoint supports.
# - **The pull** at the best critic dies there too. The best least-squares critic is squeezed
#   between $a$ and $b$, so far from the data it is flat. Non-saturating cross-entropy does better
#   *here*: its raw score $\log(p/q)$ is not squeezed.
# - **The pull of a critic that is not the best** is what Figures 2.2 and 2.3 show, and what the paper
#   argues about: no sample with $D \ne c$ is without a pull, as long as the critic has a slope there.
#   In training the critic is never the best one, so this is the statement that matters most in
#   practice.
#
# ## The loss bench
#
# All three statements fit on one bench. It takes an objective and a batch of 24 real and 24 generated points, half
# of these *caught* (around height $-4$), half *fooling* (around $6$, beyond the real ones around $1$). Its critic
# is either straight, its score being the height, or the best one of two normal densities, around $1$ and
# around $-4$: (2.4) for least squares, $\log(p/q)$ for cross-entropy. The critic's turn (lower left) moves the
# straight critic's scores as if each were a free number. Dotted lines mark a place's best score on the left, and on
# the right the height that the generator likes best. The curves are the library's losses; there is no sigmoid under
# the squares.
#
# Predict first. One step of the generator down each loss: which half of the points moves with cross-entropy and a
# straight critic? Which moves with the best critic, and which of the two halves does least squares then still
# move?

# %%
LossBench().show()

# %% [markdown]
# **Figure 2.6** The bench on paper. Above: slopes of four objectives against the score, of the critic's loss on a
# real sample (blue), on a generated one (red), on a place with as many of both (black; diamond or grey bar: its
# best scores), and of the generator's loss (dashed). Below: a step of size ½ of the generator, from pale to full red;
# light ground: high score. - A diamond needs a black line that rises through 0: least squares and cross-entropy
# have one, Wasserstein is flat. Below, the best critic takes every pull from least squares, and gives the caught
# points of cross-entropy a stronger one.
#
# Things to try, each with a prediction:
#
# 1. *least squares*, both codings (two buttons). Where do the black and the dashed line cross 0?
# 2. Move the *share of real* to 0.9. Where does the diamond go, for each objective?
# 3. *cross-entropy*, straight, 20 steps. Do the fooling points come back?
# 4. Make $a$ and $b$ equal.
# 5. *LS-GAN, leaky*: raise the slope to 1. Which objective is that? (Its critic is a loss: low is real. Chapters 07
#    and 10 are about it.)
#
# <details><summary>Answers</summary>
#
# The prediction: with the straight critic cross-entropy moves the caught half. So it does with the best one. Least
# squares moves all points with the straight critic, and with the best one hardly any of either half.
#
# 1. For $(0,1,1)$ at ½ and at 1: where the critic cannot tell, the generator is still pulled. For $(-1,1,0)$ both
#    at 0: there it is not.
# 2. Least squares: 0.9, by (2.4). Cross-entropy: $\log 9 \approx 2.2$. Wasserstein has no best score. LS-GAN's hinge
#    stops at the margin, $-1$.
# 3. No. They creep on, away from the data.
# 4. The library refuses: the critic would have nothing to tell apart.
# 5. Wasserstein's, with the sign turned.
#
# </details>

# %%
start = batch().fake
caught_half, fooling_half = start[:, 0] < 0, start[:, 0] > 0


def way(objective, kind):
    """How far one step of size 1/2 moves each generated point of the bench."""
    return (generator_turn(BenchSettings(objective, critic=kind)) - start).norm(dim=1)


for kind in ("straight", "best"):
    moved = way("cross-entropy", kind)
    far, near = moved[caught_half].min(), moved[fooling_half].max()
    claim(far > 0.4 and near < 0.01, f"cross-entropy, {kind}: only the caught half moves")
claim(way("least squares", "straight").min() > 1, "least squares, straight: all move by over 1")
moved = way("least squares", "best")
still = moved[fooling_half].max() < 0.01 and (moved[caught_half] < 0.01).double().mean() > 0.7
claim(still, "least squares, best: no fooling point moves, and few of the caught ones")

# %% [markdown]
# And one more, about the codings. They share the divergence (2.5), but the generator does not walk
# down (2.5): it walks down (2.2) with a critic held fixed, and its pull is $(D - c)\,\nabla D$. With
# $c$ halfway between $a$ and $b$, both factors vanish as $q$ comes close to $p$. With $c = b$
# only the second does. Theory says: the last bit of the way is slow for $(-1, 1, 0)$. Does it show?

# %% [markdown]
# ## Experiment: the smallest GAN
#
# The data are a normal density in the plane. The generator can only shift: $G(z) = z + \theta$, and
# it starts 4 units off. The critic is a real network with one hidden layer of 32 units. The two
# take turns. First, what should the curves show? Put (2.4) into (2.1):
#
# $$
# L_D^* = \tfrac18 (b-a)^2\,(2 - T)
# \tag{2.6}
# $$
#
# <details><summary>The algebra</summary>
#
# $D^* - b = -(b-a)\,q/(p+q)$ and $D^* - a = (b-a)\,p/(p+q)$. So
# $L_D^* = \tfrac12 (b-a)^2 \int \frac{p q^2 + q p^2}{(p+q)^2} = \tfrac12 (b-a)^2 \int \frac{pq}{p+q}$.
# With $4pq = (p+q)^2 - (p-q)^2$ the integral is $\tfrac14 (2 - T)$.
#
# </details>
#
# While the critic wins, $T = 2$ and its loss is $0$. At equilibrium $T = 0$ and $D = \tfrac12(a+b)$
# everywhere: the critic's loss is $\tfrac14(b-a)^2$, the generator's
# $\tfrac12\big(\tfrac{a+b}{2} - c\big)^2$. For $(0, 1, 1)$ these are **¼ and ⅛**; for $(-1, 1, 0)$,
# **1 and 0**. Code that leaves out the factors ½ shows twice as much.


# %%
def train_shift(seed, a=0.0, b=1.0, c=1.0, squash=None, start=4.0, head_start=0, steps=600):
    """Critic loss, generator loss and distance to the data, one row a step."""
    random = torch.Generator().manual_seed(seed)
    network = MLPNetworks(dim=2, hidden=32, depth=1).critic(random)
    score = network if squash is None else lambda points: squash(network(points))
    shift = torch.tensor([start, 0.0], requires_grad=True)
    # Plain gradient descent for the generator: Adam would hide that a pull fades.
    train_critic = torch.optim.Adam(network.parameters(), lr=2e-3, betas=(0.5, 0.999))
    train_generator = torch.optim.SGD([shift], lr=0.2)
    rows = []
    for step in range(-head_start, steps):
        real, noise, fresh = torch.randn(3, 128, 2, generator=random)
        fake = noise + shift.detach()
        d_loss = least_squares.critic_loss(score(real), score(fake), a=a, b=b)
        train_critic.zero_grad()
        d_loss.backward()
        train_critic.step()
        if step >= 0:  # with a head start the critic first trains alone
            train_generator.zero_grad()
            g_loss = least_squares.generator_loss(score(fresh + shift), c=c)
            g_loss.backward()
            train_generator.step()
            rows.append([d_loss.item(), g_loss.item(), shift.norm().item()])
    return torch.tensor(rows)  # (steps, 3)


# %% [markdown]
# The ablation changes one number at a time: from $(0,1,1)$ to $(-1,1,1)$ it moves $a$, from there
# to $(-1,1,0)$ it moves $c$. Three seeds each.

# %% tags=["nbval-ignore-output"]
codings = {
    "(0, 1, 1)": (0.0, 1.0, 1.0),
    "(-1, 1, 1)": (-1.0, 1.0, 1.0),
    "(-1, 1, 0)": (-1.0, 1.0, 0.0),
}
runs = {
    name: torch.stack([train_shift(seed, *coding) for seed in range(3)])
    for name, coding in codings.items()
}
print("3 codings, 3 seeds, 600 steps each")


# %%
def smooth(curve):
    """Steps, and the mean of 30 steps around each, as columns."""
    means = curve.unfold(-1, 30, 30).mean(-1).T
    return torch.arange(15, 15 + 30 * len(means), 30), means


fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 2.7))
for row, (who, level) in enumerate([("critic", 1 / 4), ("generator", 1 / 8)]):
    left.plot(*smooth(runs["(0, 1, 1)"][:, :, row]), color=PALETTE[who], linewidth=1)
    left.axhline(level, color=PALETTE[who], linestyle=":")
    left.plot([], [], color=PALETTE[who], label=f"{who}, dotted: {level:g}")
left.set(title="losses for (0, 1, 1)", xlabel="step", ylim=(0, 0.7))
left.legend()
green = PALETTE["least_squares"]
for (coding, run), style in zip(runs.items(), ("-", ":", "--"), strict=True):
    right.plot(*smooth(run[:, :, 2]), style, color=green, linewidth=1.2)
    right.plot([], [], style, color=green, label=coding)
right.set(title="distance to the data, 3 seeds", xlabel="step", yscale="log")
_ = right.legend()

# %% [markdown]
# **Figure 2.7** Left: losses of three runs with $(0,1,1)$, and the equilibrium values. Right: how far
# the generator still is from the data, for three codings. - The losses settle on the dotted lines.
# The distance of the two codings with $c = b$ drops quickly and then trembles with the noise of the
# batches; with $c$ halfway it creeps.

# %%
late = {coding: run[:, -150:].mean(dim=1) for coding, run in runs.items()}  # (3 seeds, 3)
for coding, levels in {"(0, 1, 1)": (1 / 4, 1 / 8), "(-1, 1, 0)": (1, 0)}.items():
    near = (late[coding][:, :2] - torch.tensor(levels)).abs().max() < 0.03
    claim(near, f"{coding}: in every seed the losses end within 0.03 of {levels}")
quick = torch.cat([late["(0, 1, 1)"], late["(-1, 1, 1)"]])[:, 2]
slow = late["(-1, 1, 0)"][:, 2]
claim(quick.max() < 0.1, "with c = b every seed ends within 0.1 of the data")
far = slow.min() > 1.5 * quick.max()
claim(far, "with c halfway every seed is still at least 1.5 times as far")

# %% [markdown]
# The theory shows, here: a toy with a gently stepped generator. Whether it matters for images is
# another question. The journal version of the paper reports the opposite preference: the objective
# with the $\chi^2$ form, $(-1,1,0)$, did better there than the classical one (its abstract). One
# reading: a pull that vanishes at equilibrium also disturbs less. Neither result settles the other.
#
# <details><summary>How slowly? A rate you can check in the figure</summary>
#
# Near equilibrium the pull for $(-1, 1, 0)$ at the best critic is close to $d^3/8$ (the claim above
# saw the power 3). Gradient descent with step $\eta$ follows $\dot d = -\eta\,d^3/8$, so
# $d(t) = 1/\sqrt{\eta t / 4 + 1/d_0^2}$. With $\eta = 0.2$ and $t = 600$ this gives about $0.18$.
# For $(0, 1, 1)$ the pull is close to $d/8$, and $d$ shrinks like $e^{-\eta t / 8}$.
#
# </details>
#
# **A warning about normal curves.** ¼ and ⅛ are necessary, not sufficient. A critic that sees nothing
# and answers ½ to everything shows the same two numbers, whatever the generator does:

# %%
blind = torch.full((64,), 0.5)
claim(
    least_squares.critic_loss(blind, blind) == 1 / 4
    and least_squares.generator_loss(blind) == 1 / 8,
    "a blind critic shows the losses of a perfect generator",
)

# %% [markdown]
# ## What goes wrong: a sigmoid before the squares
#
# *Symptom.* Training starts as if nobody pulled: the critic's loss is near 0, the generator's near
# ½, and both stay. *Cause.* The critic ends in a sigmoid, left over from a cross-entropy critic. It
# is the most frequent question that we found in the issue trackers of public implementations
# (junyanz/CycleGAN #70 and vanhuyz/CycleGAN-TensorFlow #61 are two of many), and well-known code
# does it, GAN Lab among it.
#
# The chain rule says what happens. With $D = \sigma(s)$ and $c = 1$ a sample feels
# $-\sigma(s)\,(1 - \sigma(s))^2$: nothing on the left, nothing on the right, and at most
# $\tfrac{4}{27}$ between. Both flat ends of Figure 2.2 are back at once.


# %%
def squashed(fake):
    """The mistake, on purpose."""
    return least_squares.generator_loss(torch.sigmoid(fake))


still = [(move(cloud, squashed) - cloud).norm(dim=1).max() for cloud in (caught, fooling)]
claim(max(still) < 0.5, "after 60 steps no point has moved by half a unit")
hardest = slopes(squashed, score).abs().max()
claim(abs(hardest - 4 / 27) < 1e-3, "no sample is ever pushed by more than 4/27")

# %% [markdown]
# And in training? Give the critic a head start of 200 steps and the generator 6 units to go.

# %% tags=["nbval-ignore-output"]
away = {"start": 6.0, "head_start": 200, "steps": 300}
plain = torch.stack([train_shift(seed, **away) for seed in range(3)])
sigmoid = torch.stack([train_shift(seed, squash=torch.sigmoid, **away) for seed in range(3)])
print("2 critics, 3 seeds, 200 steps alone and 300 together")

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 2.7))
slope = {"least squares": by_hand["least squares"], "after a sigmoid": slopes(squashed, score)}
curves(left, score, slope)
left.get_lines()[1].set_color(PALETTE["saturating"])
left.set(title="slope that a sample feels", xlabel="critic's last layer", ylim=(-2, 2))
_ = left.legend()
right.plot(plain[:, :, 2].T, color=PALETTE["least_squares"])
right.plot(sigmoid[:, :, 2].T, color=PALETTE["saturating"])
_ = right.set(title="distance to the data, 3 seeds", xlabel="step", ylim=(0, 6.2))

# %% [markdown]
# **Figure 2.8** Left: (2.3) for least squares, with and without a sigmoid. Right: the smallest GAN
# with either critic (same colours). - The sigmoid flattens both ends. The toy still gets
# there, at a fraction of the pace.

# %%
claim(
    plain[:, 200, 2].max() < 2 < 3 < sigmoid[:, 200, 2].min(),
    "after 200 steps: within 2 of the data without sigmoid, beyond 3 with it",
)
claim(
    sigmoid[:, :50, 0].mean() < 0.05 and abs(sigmoid[:, :50, 1].mean() - 0.5) < 0.1,
    "the symptom: at first, critic's loss near 0 and generator's near 1/2",
)

# %% [markdown]
# One subtlety: for targets 0 and 1 the sigmoid does not change the *best* critic, since
# (2.4) lies between 0 and 1 anyway. It changes every critic on the way there. And with $a = -1$ a
# sigmoid cannot even reach the target.
#
# *Cure.* Let the critic end in its linear layer. *Guard.* A loss cannot see where its scores come
# from, so the guard is in the networks: no critic in `lsgan_lib.networks` holds a sigmoid, and a test
# keeps it so. For code that you meet elsewhere: score a batch of pure noise with a trained critic.
# If no score ever leaves $[0, 1]$, look for the sigmoid.

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. Solutions:
# [solutions/02_solutions.ipynb](solutions/02_solutions.ipynb).
#
# ### Exercise 2.1
#
# *On paper.* A generated sample has the score 2. Give the three slopes of (2.3), saturating,
# non-saturating, least squares with $c = 1$, to two decimals, and the score at which the sample
# comes to rest under $c = 0$ if the critic stays as it is.

# %%
slopes_at_2 = None  # (saturating, non-saturating, least squares)
rest = None
exercises.check_2_1(slopes_at_2, rest)

# %% [markdown]
# ### Exercise 2.2
#
# *On paper.* There are two places, $p = (\tfrac34, \tfrac14)$ and $q = (\tfrac14, \tfrac34)$. Work
# out the best critic's scores at both places for $a = -1$, $b = 1$; then $T$; then $2C$ for the
# coding $(0, 1, 1)$.

# %%
best_scores = None  # (at the first place, at the second)
T = None
two_C = None
exercises.check_2_2(best_scores, T, two_C)

# %% [markdown]
# ### Exercise 2.3
#
# *In code.* A critic has been trained to its best, and you see nothing but its loss. Write a
# function that returns $T$.


# %%
def remaining(critic_loss, a=0.0, b=1.0):
    """T, read from the loss of the best critic."""
    return None


exercises.check_2_3(remaining)

# %% [markdown]
# ### Exercise 2.4
#
# *In code.* $C$ contains the term that we added. The generator's real loss (2.2) has none. Write the
# *real* objective at the best critic, $\tfrac12 \sum q\,(D^* - c)^2$, for tables. Then test it on
# random tables: is it still smallest at $q = p$ for the two codings of the paper? Is it for
# $(0, 1, 0)$?


# %%
def fake_only(p, q, a, b, c):
    """Value of (2.2) at the best critic, for probabilities p and q of shape (K,)."""
    return None


exercises.check_2_4(fake_only)

# %% [markdown]
# ### Exercise 2.5
#
# *Experiment.* With `pulls` find the distance, to one decimal, at which least squares with
# $(0, 1, 1)$ pulls hardest at the best critic. Then make all densities half as wide. What
# happens to that distance? Predict before you compute. (With the width $w$, divide `x - centre` by
# $w$ in `bell`, and divide `log_ratio` and `rise` by $w^2$ in `pulls`.)

# %%
hardest_at = None  # standard deviation 1
hardest_at_half_width = None  # standard deviation 1/2
exercises.check_2_5(hardest_at, hardest_at_half_width)

# %% [markdown]
# ### Exercise 2.6
#
# *Open.* Least squares pulls a sample with the score 100 ninety-nine times harder than one with the
# score 2. Design a generator loss of the scores that still comes to rest at 1 and nowhere else, but
# never pushes a sample by more than 1. The check looks at these properties only. Then use
# `move` to compare, and say what your loss gives up.


# %%
def my_loss(fake):
    """Scores of shape (N,) -> scalar, a mean over the batch."""
    return None


exercises.check_2_6(my_loss)

# %% [markdown]
# ## Summary
#
# Least squares replaces a classifier's logarithms by a regression onto targets $a$, $b$ and $c$. The
# slope of the generator's loss is the error $D - c$, so generated samples that overshoot are pulled back, where cross-entropy
# leaves them. The best critic averages the targets with the weights $p$ and $q$. At that critic every
# coding with $a \ne b$ minimises the same divergence $T$, up to scale and a constant. $T$ stops at 2
# without overlap, as JS does at $\log 2$: at the best critic least squares saturates too. At
# equilibrium the losses are $\tfrac14$ and $\tfrac18$ for $(0,1,1)$, and so they are for a blind critic.
# A sigmoid before the squares brings both flat ends back.
#
# **In symbols**
#
# $$
# D^* = \frac{b\,p + a\,q}{p+q}, \qquad 2\,C = \tfrac12 (a+b-2c)^2 + \tfrac14 (b-a)^2\,T, \qquad
# L_D^* = \tfrac18 (b-a)^2 (2 - T)
# $$
#
# ## Questions to ask yourself
#
# 1. Why must $a$ and $b$ differ? What would (2.4) say if they did not?
# 2. What happens if you swap the targets, $a = 1$ and $b = 0$, and set $c = 0$?
# 3. Which of the three losses pushes hardest at the score $-5$?
# 4. Where do generated samples come to rest if the critic is a constant?
# 5. Why is $T$ symmetric in $p$ and $q$ although the two targets differ?
# 6. Your critic's loss is 0.02 for the targets 0 and 1. How large is $T$, if the critic is the best?
# 7. And if it is not the best: is the true $T$ larger or smaller than what you read?
# 8. Why does label smoothing ($b = 0.9$) not change the divergence?
# 9. Adam divides by the size of recent gradients. Which figures of this chapter would it change?
#
# ## Further reading
#
# - Mao et al. 2017: the losses (eq. 2), the $\chi^2$ form, and the two codings (eq. 8 and 9).
# - Goodfellow et al. 2014: the same two steps, best critic and divergence, for the original game.
#   Compare them line by line.
# - Qin, Mitra and Wonka, arXiv 1811.09567: under a tight bound on the critic's slope, losses become
#   nearly linear and behave alike. It explains when the choice of loss matters little.
# - GAN Lab (poloclub/ganlab on GitHub): the game live in the plane. Its least-squares option has the
#   sigmoid of *What goes wrong*: now you can see the difference.
#
# ## References
#
# - X. Mao, Q. Li, H. Xie, R. Y. K. Lau, Z. Wang, S. P. Smolley. *Least Squares Generative Adversarial
#   Networks.* ICCV 2017. [arXiv 1611.04076](https://arxiv.org/abs/1611.04076)
# - The same authors. *On the Effectiveness of Least Squares Generative Adversarial Networks.*
#   TPAMI. [arXiv 1712.06391](https://arxiv.org/abs/1712.06391)
# - I. Goodfellow et al. *Generative Adversarial Networks.* 2014.
#   [arXiv 1406.2661](https://arxiv.org/abs/1406.2661)
# - G.-J. Qi. *Loss-Sensitive Generative Adversarial Networks on Lipschitz Densities.* IJCV 2020.
#   [arXiv 1701.06264](https://arxiv.org/abs/1701.06264)
#
# **Back:** [01 - meet the game](01_meet_the_game.ipynb). **Next:**
# [03 - build the networks](03_build_least_squares_networks.ipynb) that these losses train.

# %% tags=["nbval-ignore-output"]
versions()
