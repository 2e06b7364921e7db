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
# # 07 - Derive the loss-sensitive GAN, and see every best critic at once
#
# The other LSGAN turns the critic into a loss that must keep a distance between real and generated
# samples. On a few points its best critics can be computed without any network. You will see all of
# them, and find out what their slope has to do with everything.
#
# *about 75 minutes, 25 s of computing* · [source of this page](source/07_derive_loss_sensitive.py) ·
# [solutions](solutions/07_solutions.ipynb)

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import torch

from lsgan_lib.evaluation.cones import best_critics
from lsgan_lib.figures import PALETTE, use_style

use_style()
real = torch.tensor([[-2.0], [-1.5], [-0.4], [0.5], [1.2]])
fake = torch.tensor([[0.8], [2.0], [3.1], [3.5]])
line = torch.linspace(-4, 5.5, 500)[:, None].double()
fig, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for ax, kappa in zip(axes, (0.5, 2.0), strict=True):
    best = best_critics(real, fake, kappa=kappa)
    ax.fill_between(
        line[:, 0], best.lower(line), best.upper(line), color=PALETTE["loss_sensitive"], alpha=0.35
    )
    ax.plot(real, best.least[:5], "o", color=PALETTE["real"], label="real")
    ax.plot(fake, best.least[5:], "o", color=PALETTE["fake"], label="generated")
    ax.set(title=f"steepest slope allowed: {kappa:g}", xlabel="x", ylim=(-0.2, 6.5))
axes[0].set_ylabel("loss that the critic gives")
_ = axes[0].legend(loc="upper left")

# %% [markdown]
# **Figure 7.1** Five real and four generated points on a line, and the band (orange) in which every best
# critic lies; left with a slope of at most $\tfrac12$, right of at most 2. - At the points, and on a steep line
# between many of them, all best critics agree. Elsewhere they may do as they like, within cones that open
# from the points.
#
# ## What you will be able to do
#
# - *compute* a loss-sensitive objective by hand, and *name* the pairs that still ask for something
#   (Exercise 7.1);
# - *solve* the smallest case for any slope (Exercise 7.2), and *write* the bounds of all best critics
#   (Exercise 7.3);
# - *read* from a training log whether the margins play any part (Exercise 7.4);
# - *measure* what a steep critic learns by heart (Exercise 7.5);
# - *build* a game in which a best critic holds every generated point fast (Exercise 7.6).
#
# ## What you need
#
# | concept | how much | where to read it |
# | --- | --- | --- |
# | critic and generator | who scores, who makes samples, two turns | [chapter 01](01_meet_the_game.ipynb) |
# | hinge | $(a)_+ = \max(a, 0)$ | here |
# | linear programme | "smallest value of a linear function under linear conditions"; a solver does the rest | any course on optimisation; here as a black box |
# | Lipschitz | $\lvert L(x) - L(y)\rvert \le \kappa\,\lvert x - y\rvert$: a bound on the slope | here |
# | least squares | not needed: this is the other method | [chapter 00](00_start_here.ipynb) keeps the names apart |
#
# ## Notation
#
# | here | in code | meaning | in the paper |
# | --- | --- | --- | --- |
# | $L(x)$ | `real_scores`, `values` | the critic, **a loss: low is real** | $L_\theta(x)$ |
# | $x,\ x_i$ | `real` | real samples, $n$ of them | same |
# | $y,\ y_j$ | `fake` | generated samples, $m$ of them, $y = G(z)$ | $z_G$ |
# | $p,\ q$ | `p`, `q` | densities, or tables, of data and generator | $P_{data},\ P_G$ |
# | $\Delta(x, y)$ | `margins`, `distances` | distance of two samples, the *margin* | same |
# | $\lambda$ | `lam` | weight of the margins | same |
# | $\kappa$ | `kappa` | steepest slope that is allowed, in units of $\Delta$ | same |
#
# *LS-GAN* with a hyphen is this method (Qi); *LSGAN* is least squares (Mao et al.).

# %%
import math

import matplotlib.pyplot as plt
import torch

from lsgan_lib.book import claim, setup, show_source, versions
from lsgan_lib.evaluation.cones import best_critics, distances, objective, upper_cone, violations
from lsgan_lib.exercises import chapter_07 as exercises
from lsgan_lib.figures import PALETTE, scatter_points
from lsgan_lib.labs.cone_drawer import ConeDrawer
from lsgan_lib.labs.cones.game import compute
from lsgan_lib.labs.cones.points import ConeSettings
from lsgan_lib.labs.explore import explore
from lsgan_lib.losses import loss_sensitive, wasserstein
from lsgan_lib.losses.costs import absolute, elu, leaky
from lsgan_lib.networks.bounded_slope import BoundedSlopeCritic

setup(seed=7)
ORANGE = PALETTE["loss_sensitive"]

# %% [markdown]
# ## Predict
#
# A critic may not be steeper than $\kappa = \tfrac12$, measured in the units of the margin. You train it with
# the hinge of LS-GAN, then once more from the same weights with $|a|$ in place of the hinge. How different
# are the two critics? Write it down. The section *Slope below one* has the answer.
#
# ## Three points by hand
#
# One real point at $0$, generated points at $0.5$ and at $3$. The critic gives the losses $0$, $1$ and $1$.
# LS-GAN asks that a generated point costs more than a real one, *by the distance of the two*. The first must
# cost $0.5$ more and costs $1$ more: done, nothing is asked. The second must cost $3$ more and costs only
# $1$ more: $2$ are missing. On average $1$ is missing, and that is the critic's loss. Only the second point
# feels it.

# %%
points = torch.tensor([[0.5], [3.0]])
margin = loss_sensitive.margin(torch.zeros(2, 1), points, scale=1.0)
fake_scores = torch.tensor([1.0, 1.0], requires_grad=True)
loss = loss_sensitive.critic_loss(torch.zeros(2), fake_scores, margin)
(slope,) = torch.autograd.grad(loss, fake_scores)
print(f"margins {margin.tolist()}, loss {loss.item():g}, slopes {slope.tolist()}")

# %% [markdown]
# ## A critic that is a loss
#
# Other critics answer a question: is this real? This one sets a price. It is a loss $L(x)$, and a generator
# that minimises $L(G(z))$ makes samples that are cheap. So real samples must be cheap, and generated ones
# dearer (Qi, eq. 1):
#
# $$
# L(x) \le L(y) - \Delta(x, y)
# \tag{7.1}
# $$
#
# The margin is not a constant. It is the distance of this real sample from this generated one. A generated
# sample far from the data must be much dearer. One that is close must be hardly dearer, and one that equals
# a real sample need not be dearer at all. The demand vanishes where it has been met: *margins on demand*. A
# critic that may not be arbitrarily steep can so spend its slope where samples are poor.
#
# No critic can satisfy (7.1) for all pairs in general. So each pair gets a slack $\xi$ that costs something
# (Qi, eq. 2 to 4):
#
# $$
# \min_{L \ge 0}\ \mathbb{E}_{p}\,L(x) + \lambda\,\mathbb{E}_{p,q}\,\xi(x, y)
# \quad\text{such that}\quad L(x) - \xi(x, y) \le L(y) - \Delta(x, y),\quad \xi \ge 0
# \tag{7.2}
# $$
#
# The cheapest slack is what is missing, if anything is: $\xi = (\Delta + L(x) - L(y))_+$. Put it in, and the
# conditions are gone (Qi, eq. 6 and 7):
#
# $$
# S = \mathbb{E}_{p}\,L(x) + \lambda\,\mathbb{E}_{p,q}\,\big(\Delta(x, y) + L(x) - L(y)\big)_+
# \tag{7.3}
# $$
#
# $$
# T = \mathbb{E}_{z}\,L(G(z))
# \tag{7.4}
# $$
#
# The critic minimises $S$: real samples cheap, margins kept, $\lambda$ the exchange rate of the two. The
# generator minimises $T$. The first term of $S$ keeps real samples near the floor 0. [Seed
# 1](https://github.com/zzzucf/lsgan-gp) leaves it out, and so does the author's own code by default. That is
# the limit $\lambda \to \infty$, and then the floor is not needed either: a constant added to $L$ changes no
# difference.
#
# Written out once. The library's loss takes *pairs*, row by row, as training does; all $n \cdot m$ pairs of the
# paper's eq. 8 are such rows too.


# %%
def critic_objective(real_scores, fake_scores, margins, lam):
    """(7.3) over all pairs; margins: (n, m)"""
    missing = margins + real_scores[:, None] - fake_scores[None, :]
    return real_scores.mean() + lam * missing.clamp_min(0).mean()


n, m = 5, 4
x, y = torch.randn(n, 3), torch.randn(m, 3)
real_scores, fake_scores, margins = torch.rand(n), torch.rand(m), distances(x, y)
for lam in (0.5, 2.0):
    ours = critic_objective(real_scores, fake_scores, margins, lam)
    spelled_out = real_scores.repeat_interleave(m), fake_scores.repeat(n), margins.flatten()
    library = lam * loss_sensitive.critic_loss(*spelled_out, real_weight=1 / lam)
    claim(abs(ours - library) < 1e-5, f"(7.3) is the library's loss on all pairs, λ = {lam:g}")
    table = objective(real_scores, fake_scores, margins, lam=lam)
    claim(abs(ours - table) < 1e-5, "... and the objective of lsgan_lib.evaluation.cones")
same = torch.equal(loss_sensitive.generator_loss(fake_scores), fake_scores.mean())
claim(same, "(7.4) is the library's generator loss")

# %% [markdown]
# From here on we import them. One line in this source deserves a look: shapes that would broadcast are
# refused. Seed 1 lets every difference meet every *other* pair's margin that way,
# and loses what (7.1) is about. [Chapter 08](08_build_a_critic_with_margins.ipynb) reproduces it.

# %%
show_source(loss_sensitive.violation, loss_sensitive.critic_loss)

# %% [markdown]
# ## A demand that ends
#
# Hold the real point's loss at 0 and let only the losses of four generated points move, at the distances 0.2,
# 1, 2 and 3. Gradient descent on the hinge, and on the same expression without the hinge, the identity. The
# identity is what a Wasserstein GAN's critic minimises.

# %%
margin = torch.tensor([0.2, 1.0, 2.0, 3.0])
paths = {}
for name, cost in {"hinge": leaky(0.0), "no hinge (WGAN)": leaky(1.0)}.items():
    scores = torch.zeros(4, requires_grad=True)
    path = []
    for _ in range(450):
        loss = loss_sensitive.critic_loss(torch.zeros(4), scores, margin, cost=cost)
        (slope,) = torch.autograd.grad(loss, scores)
        scores = (scores - 0.04 * slope).detach().requires_grad_(True)
        path.append(scores.detach())
    paths[name] = torch.stack(path)
    print(f"{name}: {[round(s, 1) for s in scores.tolist()]}, last slopes {slope.tolist()}")

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 2.8))
gap = torch.linspace(0, 4, 81)
for d, shade in zip(margin, (0.25, 0.5, 0.75, 1.0), strict=True):
    left.plot(gap, (d - gap).clamp_min(0), color=ORANGE, alpha=shade)
    left.annotate(f"Δ = {d:g}", (0, d), (0.08, d - 0.1), fontsize=9)
left.set(title="what one pair costs", xlabel="L(y) - L(x)", ylabel="hinge")
right.plot(paths["hinge"], color=ORANGE)
right.plot(paths["no hinge (WGAN)"], "--", color=PALETTE["wasserstein"])
right.set(title="losses of the four generated points", xlabel="step", ylim=(0, 4.6))
for label, style, colour in (("hinge", "-", ORANGE), ("no hinge", "--", PALETTE["wasserstein"])):
    right.plot([], [], style, color=colour, label=label)
_ = right.legend()

# %% [markdown]
# **Figure 7.2** Left: the cost of a pair, for four margins. Right: the losses of the four points over 450
# steps. - Each orange line climbs to its own margin and stays. The dashed lines, four in one, do not know where
# to stop.

# %%
ends = paths["hinge"][-1]
claim((ends - margin).abs().max() < 0.011, "hinge: each loss ends at its own margin")
claim((paths["hinge"][-1] == paths["hinge"][-2]).all(), "hinge: and there the slope is exactly 0")
run = paths["no hinge (WGAN)"]
claim(run.std(dim=1, correction=0).max() < 1e-5, "no hinge: all four rise alike, near or far")
claim((run[-1] > run[-2]).all(), "no hinge: and go on rising")

# %% [markdown]
# A table of four free numbers can fulfil any demand. A critic is a function: what it says of one point ties it
# at the next. How tightly is the subject of the rest of this chapter.
#
# ## Critics of bounded slope
#
# Call $F_\kappa$ the critics that are never negative and nowhere steeper than $\kappa$:
#
# $$
# F_\kappa = \{\,L \ge 0 : \lvert L(x) - L(y)\rvert \le \kappa\,\Delta(x, y) \text{ for all } x, y\,\}
# \tag{7.5}
# $$
#
# The slope is counted in units of the margin, and 1 is a special number. With $\kappa \ge 1$ a critic can be
# steep enough to keep any single margin. With $\kappa < 1$ it cannot keep one of them.
#
# Which critics of $F_\kappa$ minimise $S$ on $n$ real and $m$ generated points? Only their values at the points,
# $l_1, \dots, l_{n+m}$, enter the objective. So forget the function for a moment and look for the best values
# (Qi, eq. 11):
#
# $$
# \min_{l \ge 0}\ \frac1n \sum_{i \le n} l_i + \frac{\lambda}{nm} \sum_{i, j}\,(\Delta_{ij} + l_i - l_{n+j})_+
# \quad\text{such that}\quad \lvert l_k - l_h\rvert \le \kappa\,\Delta_{kh}
# \tag{7.6}
# $$
#
# With a slack for each hinge, as in (7.2), this is a *linear programme*, and a solver finds its minimum in
# milliseconds. Values that satisfy (7.6) can always be completed to a critic. Around each point the slope
# allows a cone upwards and a cone downwards, and the tightest of them bound what may lie between (Qi,
# Theorem 2):
#
# $$
# \hat L(x) = \max\Big(0,\ \max_k\,\big(l_k - \kappa\,\Delta(x, x_k)\big)\Big), \qquad
# \tilde L(x) = \min_k\,\big(l_k + \kappa\,\Delta(x, x_k)\big)
# \tag{7.7}
# $$
#
# $\hat L$ is the *lower cone*, $\tilde L$ the *upper cone*. Both are in $F_\kappa$ and take the values $l_k$ at
# the points, so both minimise $S$, and so does every mix of the two (Corollary 1). A minimiser with these
# values lies between them (Corollary 2).
#
# One thing is left. Best values need not be unique, and each choice has its own two cones. But there is order
# among them:
#
# <details><summary>One best critic lies below all others, and one above</summary>
#
# Take two minimisers $l$ and $l'$, and form their pointwise minimum $l \wedge l'$ and maximum $l \vee l'$. Both
# keep the conditions of (7.6). And $S(l \wedge l') + S(l \vee l') \le S(l) + S(l')$: for the terms $l_i$ this
# is an equality, and $(\Delta + l_i - l_j)_+$ is a convex function of a *difference*, for which it holds (such
# functions are called submodular; try the four cases of who is smaller where). Since $S(l)$ and $S(l')$ are the
# minimum, both new ones must be minimisers as well. So the minimum over all minimisers is a minimiser.
#
# The paper does not mention this. Our tests push each value of the least and of the greatest beyond,
# on random points, and see $S$ rise.
#
# </details>
#
# So `best_critics` returns two sets of values, the least and the greatest. The lower cone of the one and the
# upper cone of the other bound **every** minimiser, and are minimisers.


# %%
def lower_cone(x, points, values, kappa):
    """(7.7), left, at one place"""
    return max(0.0, *(v - kappa * abs(x - c) for c, v in zip(points, values, strict=True)))


real = torch.tensor([[-2.0], [-1.5], [-0.4], [0.5], [1.2]])
fake = torch.tensor([[0.8], [2.0], [3.1], [3.5]])
line = torch.linspace(-4, 5.5, 381, dtype=torch.float64)[:, None]
KAPPAS = [0.25, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 6.0]
games = {kappa: best_critics(real, fake, kappa=kappa) for kappa in KAPPAS}
margins = distances(real.double(), fake.double())

for kappa in (0.5, 2.0):
    best = games[kappa]
    corners = best.points[:, 0].tolist(), best.least.tolist()
    by_hand = torch.tensor([lower_cone(x, *corners, kappa) for x in line[:, 0].tolist()])
    claim((by_hand - best.lower(line)).abs().max() < 1e-6, "(7.7) is the library's lower cone")
    lowest, highest = best.lower(best.points), best.upper(best.points)
    for share in (0, 0.3, 1):
        mixed = share * lowest + (1 - share) * highest
        value = critic_objective(mixed[:5], mixed[5:], margins, lam=1.0)
        claim(
            abs(value - best.value) < 1e-6,
            f"κ = {kappa:g}: {share:g} lower + {1 - share:g} upper is a minimiser",
        )

# %%
show_source(best_critics)


# %%
def draw_band(ax, kappa):
    """All best critics of slope kappa, and the values at the points: least (filled), greatest."""
    best = games[kappa]
    low, high = best.lower(line), best.upper(line)
    ax.fill_between(line[:, 0], low, high, color=ORANGE, alpha=0.35, linewidth=0)
    ax.plot(line[:, 0], torch.stack([low, high], dim=1), color=ORANGE, linewidth=0.7)
    for points, part, colour in ((real, slice(5), "real"), (fake, slice(5, 9), "fake")):
        ax.plot(points, best.greatest[part], "o", mfc="none", color=PALETTE[colour], markersize=5)
        ax.plot(points, best.least[part], "o", color=PALETTE[colour], markersize=5)
    ax.text(-3.9, 5.6, f"S = {best.value:.2f}\n{best.active():.0%} active", fontsize=9)
    ax.set(xlim=(-4, 5.5), ylim=(-0.25, 6.6), xlabel="x")


explore(draw_band, "κ", KAPPAS)

# %% [markdown]
# **Figure 7.3** The band of all best critics for $\lambda = 1$; filled dots the least values at the points,
# rings the greatest, where they differ. "Active" is the share of the 20 pairs that miss their margin. - Flat
# slopes: one tilted roof, and two of the real points (blue) have to go up with the generated ones among them.
# Steep slopes: every real point is at the floor, each generated one is high enough, and the band between is
# wide open.
#
# 1. From which stop on is the real point at $x = 1.2$ cheap, and what made it dear before?
# 2. At $\kappa = 0.5$ the band is a line from $x = -0.4$ to $3.5$. What does that say about training?
#
# <details><summary>Answers</summary>
#
# 1. From $\kappa = 3$ on. Three generated points stand to its right, far from most real ones. To lift them at a
#    bounded slope, the critic has to start climbing further left, and the two real points on the way go up with
#    them. It is worth it as long as it saves more margin than it costs.
# 2. All best critics agree there. Whoever minimises $S$ well, with whatever network, gives these samples the
#    same slope, $\tfrac12$, in the direction away from the data.
#
# </details>
#
# ## Every critic that training finds lies between
#
# Theory says so of minimisers. Let us train. The network must be in $F_\kappa$, whatever its weights: its
# weight matrices are kept orthogonal and its activations are sorted, and neither stretches a distance (Anil et
# al. 2019). A constant is free, so we subtract the smallest value at the points; and we cut off what is below
# the floor elsewhere.


# %%
def train_critic(best, seed, steps=400):
    """A network of slope kappa, trained by Adam on (7.3): how it ended, and the critic."""
    n, points = len(best.real), best.points.float()
    margins = distances(best.real, best.fake, norm=best.norm).float()
    random = torch.Generator().manual_seed(seed)
    network = BoundedSlopeCritic(best.kappa, random, dim=points.shape[1])
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        values = network(points)
        values = values - values.min()
        loss = objective(values[:n], values[n:], margins, lam=best.lam)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        floor = network(points).min()
        return loss.item(), lambda x: (network(x.float()) - floor).clamp_min(0).detach().double()


# %% tags=["nbval-ignore-output"]
found = {kappa: [train_critic(games[kappa], seed) for seed in range(3)] for kappa in (0.5, 2.0)}
for kappa, runs in found.items():
    losses = ", ".join(f"{loss:.3f}" for loss, _ in runs)
    print(f"κ = {kappa:g}: three networks end at {losses}; the minimum is {games[kappa].value:.3f}")

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 3.2))
for ax, (kappa, runs) in zip(axes, found.items(), strict=True):
    draw_band(ax, kappa)
    for _, critic in runs:
        ax.plot(line[:, 0], critic(line), color=PALETTE["critic"], linewidth=1)
    ax.set_title(f"κ = {kappa:g}")

# %% [markdown]
# **Figure 7.4** Three trained networks (black), from three seeds, in the band of all best critics. - Where the
# band is narrow they cannot be told apart. Where it is wide nothing tells them where to go, and they follow
# their own habits: straight on at the right, each its own way at the left.

# %%
for kappa, height in ((0.5, 0.02), (2.0, 0.4)):
    best = games[kappa]
    low, high = best.lower(line), best.upper(line)
    for seed, (loss, critic) in enumerate(found[kappa]):
        away = max((low - critic(line)).max(), (critic(line) - high).max())
        near = best.value - 1e-4 <= loss < best.value + 0.1
        between = f"κ = {kappa:g}, seed {seed}: between the cones within {height}"
        claim(near and away < height, between)
        stray = 20 * (loss - best.value) + 1e-3
        claim(away <= stray, "... and within 20 times what it is above the minimum")

# %% [markdown]
# The small excess is impatience: the networks stopped a little above the minimum. How far may such a critic
# stray? Along every edge of (7.6) the objective changes by a multiple of $1/nm$, here $\tfrac1{20}$, and it is
# convex. So a critic that is $\varepsilon$ above the minimum leaves the band by at most $20\,\varepsilon$. The
# last claim above checks that, and the library's tests do on random points in one to three dimensions.
#
# ## Do gradients vanish?
#
# The generator feels the critic through its gradient. The paper's abstract says of the two cones that they
# "have non-vanishing gradient almost everywhere", so that there is "sufficient gradient to update the
# generator" even when the critic is trained to the end (arXiv 1701.06264, in a version before the last). At its
# best critic, least squares had no gradient left far from the data ([chapter
# 02](02_derive_least_squares.ipynb), Figure 2.5). So this would be worth having. Take points in the plane, with
# the Euclidean distance, so that slope is the length of the gradient, and look at three best critics: the lower
# cone, the upper cone, and the mix half-way between.

# %%
random = torch.Generator().manual_seed(3)
real2 = 0.8 * torch.randn(6, 2, generator=random)
fake2 = torch.tensor([[2.4, 0.6], [2.0, -1.6], [-0.4, 2.3], [-2.3, 1.2], [-1.6, -2.0]])
flat, steep = (best_critics(real2, fake2, kappa=k, norm="l2") for k in (0.7, 3.0))


def gradient(critic, places):
    """d critic / d place, row by row."""
    places = places.detach().requires_grad_(True)
    return torch.autograd.grad(critic(places).sum(), places)[0]


critics = {
    "lower": flat.lower,
    "upper": flat.upper,
    "half-way": lambda x: (flat.lower(x) + flat.upper(x)) / 2,
}
places = 6 * torch.rand(4000, 2, generator=random, dtype=torch.float64) - 3
for name, critic in critics.items():
    slopes = gradient(critic, places).norm(dim=1) / flat.kappa
    full, none = (slopes > 0.999).double().mean(), (slopes < 0.001).double().mean()
    print(f"{name:9} slope κ at {full:4.0%} of the places, 0 at {none:4.0%}")

# %% [markdown]
# The upper cone is as good as promised. The lower one is flat wherever it lies on the floor. And the mix of the
# two, a best critic like any other, is hardly anywhere as steep as allowed. On the line of Figure 7.3 it can
# even be exactly flat: to the right of the last generated point the one cone rises and the other falls.

# %%
best, right_of_all = games[0.5], line[line[:, 0] > 3.5]
mixed = (best.lower(right_of_all) + best.upper(right_of_all)) / 2
still = mixed.std() < 1e-6 and mixed.min() > 1.9
claim(still, "on the line, κ = 0.5: half-way is flat beyond 3.5, far above the floor")
rise = {
    name: gradient(flat_critic, places).norm(dim=1) / flat.kappa
    for name, flat_critic in critics.items()
}
claim(
    (rise["upper"] - 1).abs().max() < 1e-6, "in the plane, upper cone: slope κ at all 4,000 places"
)
on_floor = flat.lower(places) == 0
claim(on_floor.double().mean() > 0.05, "lower cone: on the floor at over 5 % of them")
claim(rise["lower"][on_floor].max() == 0, "lower cone: no slope there")
claim((rise["lower"][~on_floor] - 1).abs().max() < 1e-6, "lower cone: slope κ elsewhere")

# %% [markdown]
# So the sentence is true of the upper cone, of the lower one above the floor, and not of *every* best critic.
#
# What can be said of every one? In Figure 7.3 the band closes to a line between a generated point and its
# nearest real neighbours. That is no accident.
#
# <details><summary>A generated point that misses a margin stands on a steepest line</summary>
#
# Let $y$ be a generated point with at least one active hinge. If no other point $x_k$ had
# $L(y) = L(x_k) + \kappa\,\Delta(x_k, y)$, one could raise $L(y)$ a little, keep (7.5), and the active hinge
# would save more than nothing: $L$ was not best. So there is such an $x_k$. If $x_k$ is generated and misses a
# margin itself, the same holds for it, and so on downwards. Along the segment from $x_k$ to $y$ the slope bound
# leaves one possibility: a straight line of slope $\kappa$.
#
# </details>
#
# So along *one* direction, from $y$ to a certain other point, each best critic falls as steeply as it may. For
# $\kappa < 1$ every hinge is active, and the line leads down to a real point. It says nothing about other
# directions. Set new points down next to the generated ones, as a generator with fresh noise would, and let
# them roll downhill:


# %%
def roll(critic, kappa, steps=220, stride=0.03):
    """Twelve walkers start around each generated point and go down the critic's gradient."""
    turn = torch.arange(12, dtype=torch.float64) * math.tau / 12
    ring = 0.05 * torch.stack([turn.cos(), turn.sin()], dim=1)
    walk = [(fake2.double()[:, None] + ring).flatten(0, 1)]
    for _ in range(steps):
        walk.append(walk[-1] - stride / kappa * gradient(critic, walk[-1]))
    return torch.stack(walk)  # (steps + 1, 60, 2)


def pits(places):
    """A best critic of slope 3: the upper cone over the least values."""
    return upper_cone(places, steep.points, steep.least, steep.kappa, norm="l2")


walks = {
    "κ = 0.7, upper cone": (flat.upper, roll(flat.upper, 0.7)),
    "κ = 0.7, lower cone": (flat.lower, roll(flat.lower, 0.7)),
    "κ = 3, upper over least values": (pits, roll(pits, 3.0)),
}

# %%
side = torch.linspace(-3.4, 3.4, 90, dtype=torch.float64)
grid = torch.cartesian_prod(side, side).flip(1)
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.4))
for ax, (name, (critic, walk)) in zip(axes, walks.items(), strict=True):
    heights = critic(grid).view(90, 90)
    ax.contourf(side, side, heights, levels=12, cmap="Greys", alpha=0.6, antialiased=False)
    ax.plot(walk[:, :, 0], walk[:, :, 1], color=PALETTE["generator"], linewidth=0.7)
    scatter_points(ax, real2, "real", s=26, alpha=1)
    scatter_points(ax, fake2, "fake", s=26, alpha=1)
    ax.set(title=name, aspect="equal", xlim=(-3.4, 3.4), ylim=(-3.4, 3.4), xticks=[], yticks=[])
    ax.title.set_fontsize(10)

# %% [markdown]
# **Figure 7.5** Three best critics over the plane (dark is dear), and the walks of points set down around each
# generated one (red dots); blue: real. - Left: all roll to real points, straight. Middle: the same points and
# slope, another best critic: each generated point is a summit, and they roll off on all sides. Right: a steep
# best critic with a pit around each generated point. Nobody leaves.

# %%
home = {}
for name, (_, walk) in walks.items():
    arrived = distances(walk[-1], real2.double(), norm="l2").amin(dim=1) < 0.1
    home[name] = arrived.double().mean().item()
first, second, third = home
claim(home[first] == 1, "κ = 0.7, upper cone: every walker ends at a real point")
claim(home[second] < 0.7, "κ = 0.7, lower cone: over 30 % of them do not")
walk = walks[third][1]
claim((walk[-1] - walk[0]).norm(dim=1).max() < 0.15, "κ = 3, pits: no walker leaves its place")
kept = violations(steep.least[:6], steep.least[6:], distances(steep.real, steep.fake, norm="l2"))
claim(steep.active() == 0, "κ = 3: no hinge is active, every margin is kept")
for values in (flat.least, flat.greatest):
    rise = values[6:] - values[:6, None] - 0.7 * distances(flat.real, flat.fake, norm="l2")
    claim(
        rise.abs().amin(dim=0).max() < 1e-5,
        "κ = 0.7: each generated point has a real one at slope κ below",
    )

# %% [markdown]
# This is the price of "on demand". A pair that keeps its margin asks for nothing, and where nothing is asked
# nothing is held: neither the value nor the gradient. A critic that is steep enough to keep all margins may
# be a pit around each generated point, and still be best. A flat critic pulls every point, and its margins
# play no part, as we see next. Real networks are smooth and not trained to the end; whether they come near such
# pits is a question for the chapters that train.
#
# ## Draw your own
#
# The cone drawer solves (7.6) while you draw. Click to add a point, drag to move it; arrow keys, Enter, Space and
# Delete do the same. Arrows are the generator's force, minus the critic's gradient, around each generated point
# (*at* a point a cone has a tip, and no gradient); full length: $\kappa$. Dashed lines, and orange squares in the
# table beside, are active hinges.
#
# Predict first. One real point at $-1$, one generated at $1$, $\lambda = 1$. What does a best critic give the
# generated point for $\kappa = \tfrac12$, and for $\kappa = 3$? Which way is it pushed by the least, and which way
# by the greatest best critic?

# %%
drawer = ConeDrawer()
drawer.show()

# %% [markdown]
# **Figure 7.6** The cone drawer on paper: four real points (blue) and three generated ones (red). Above, on a line,
# the band of all best critics for three slopes, the greatest of them (black) and its force. Below, the same points
# in the plane with $\kappa = 3$: three best critics, dark where dear. - With the slope hinges drop out. The same
# points and the same smallest objective: pulled towards the data, pushed off on all sides, or held in a pit.
#
# Things to try, each with a prediction:
#
# 1. *delete all*, then the pair from above. Go through $\kappa = \tfrac12$ and $3$, and all four critics that the
#    generator may meet.
# 2. *start again*. Lower $\lambda$ to 0.25: what happens to the real points that are dear?
# 3. A generated point half-way between two real ones, the greatest critic. Which way?
# 4. Put a real point on a generated one, the least critic, $\kappa = \tfrac12$, no other points.
# 5. $\kappa = \tfrac12$: move the slope of the cost from $-1$ to $1$. And with $\kappa = 3$?
#
# <details><summary>Answers</summary>
#
# 1. For $\kappa = \tfrac12$ it gets 1, for $\kappa = 3$ anything from the margin, 2, to 6. The greatest critic pulls
#    it to the real point. For the least it is a summit: away on all sides. The greatest over the least values, for
#    $\kappa = 3$, is a pit.
# 2. They become cheap: a dear real point costs the first term of (7.3), and the margins that it buys are worth less
#    now. (Question 4 below asks this of Figure 7.3.)
# 3. Both: it is a summit.
# 4. Nowhere. The margin is 0, both cost nothing, and the point lies on the floor.
# 5. Nothing moves: the next section says why. With $\kappa = 3$ the values do.
#
# </details>

# %%
one = {"real": ((-1.0, 0.0),), "fake": ((1.0, 0.0),)}
for kappa, side, value, verdict in (
    (0.5, "upper", 1.0, "pulled"),
    (0.5, "lower", 1.0, "summit"),
    (3.0, "upper", 6.0, "pulled"),
    (3.0, "lower", 2.0, "summit"),
    (3.0, "upper over least values", 2.0, "pit"),
):
    shown = compute(ConeSettings(**one, kappa=kappa, side=side))
    as_said = abs(shown.values[1] - value) < 1e-5 and shown.force.verdicts == [verdict]
    claim(as_said, f"κ = {kappa:g}, {side}: the generated point costs {value:g}, {verdict}")
mid = ConeSettings(real=((-1.0, 0.0), (1.0, 0.0)), fake=((0.0, 0.0),))
claim(compute(mid).force.verdicts == ["summit"], "half-way between two real points: a summit")
drawn = {slope: compute(ConeSettings(slope=slope)) for slope in (-1.0, 0.0, 1.0)}
spread = max((d.values - drawn[0.0].values).abs().max() for d in drawn.values())
claim(spread < 1e-5, "κ = 1/2: slopes -1, 0 and 1 of the cost have the same best critics")
dear = compute(ConeSettings(lam=0.25, side="lower")).values[:4].max()
claim(dear < 1e-5, "κ = 1/2, λ = 1/4: no real point is dear")

# %% [markdown]
# ## Slope below one
#
# Let $\kappa \le 1$. Then for every pair $L(y) - L(x) \le \kappa\,\Delta(x, y) \le \Delta(x, y)$: the
# expression under the hinge is never negative. The hinge does nothing. Nor does any other cost $C$ that is the
# identity there, as all of GLS-GAN's are ([chapter 10](10_slide_to_wasserstein.ipynb)
# compares them):
#
# $$
# \kappa \le 1: \qquad \mathbb{E}\,C\big(\Delta + L(x) - L(y)\big) = \mathbb{E}\,\Delta + \mathbb{E}_p\,L(x) - \mathbb{E}_q\,L(y)
# \tag{7.8}
# $$
#
# In words: **LS-GAN is then WGAN plus a constant**, and the margin, which was the point of it, drops out of
# every gradient. Here with a network of slope $\tfrac12$, untrained, and the library's losses:

# %%
x, y = torch.randn(64, 2), torch.randn(64, 2) + 1
network = BoundedSlopeCritic(0.5, torch.Generator().manual_seed(0), dim=2)
low, high, margin = network(x), network(y), loss_sensitive.margin(x, y, norm="l2", scale=1.0)
wgan = wasserstein.critic_loss(-low, -high) + margin.mean()  # its critic scores real data high
for name, cost in {
    "hinge": leaky(0.0),
    "0.01": leaky(0.01),
    "ELU": elu(),
    "|a|": absolute(),
}.items():
    same = abs(loss_sensitive.critic_loss(low, high, margin, cost=cost) - wgan) < 1e-5
    claim(same, f"κ = 0.5, cost {name}: the Wasserstein loss plus the mean margin")

# %% [markdown]
# Then training cannot differ either. The slope of GLS-GAN's cost left of zero is the setting by which one moves
# from LS-GAN (0) to WGAN (1), and seed 1 has an option for it. Three slopes, one seed, two bounds:


# %%
def train_with(slope, kappa, steps=150):
    """Values at the nine points after training with this cost on all 20 pairs."""
    network = BoundedSlopeCritic(kappa, torch.Generator().manual_seed(1))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    margins = distances(real, fake).flatten()
    for _ in range(steps):
        low, high = network(real).repeat_interleave(4), network(fake).repeat(5)
        loss = loss_sensitive.critic_loss(low, high, margins, cost=leaky(slope))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network(torch.cat([real, fake])).detach()


# %% tags=["nbval-ignore-output"]
ends = {kappa: [train_with(slope, kappa) for slope in (0.0, 0.01, -1.0)] for kappa in (0.5, 3.0)}
for kappa, values in ends.items():
    print(f"κ = {kappa:g}:", [f"{(v[5:].mean() - v[:5].mean()).item():.3f}" for v in values])

# %%
apart = {}
for kappa, values in ends.items():
    hinge, *others = [v - v.mean() for v in values]  # a constant is free
    apart[kappa] = torch.tensor([(hinge - other).abs().max() for other in others])
claim(apart[0.5].max() < 1e-2, "κ = 0.5: slopes 0, 0.01 and -1 end in one critic, up to a constant")
claim(apart[3.0].min() > 0.1, "κ = 3: they do not")

# %% [markdown]
# This answers the prediction: not different at all, but for a constant, which no loss without a first term can
# see. (The constant wanders from run to run. Its gradient is nothing but rounding, and Adam blows rounding up
# to full steps.) So before comparing slopes, or saying that LS-GAN beats WGAN, look at **the share of active
# hinges**. It is 1 whenever $\kappa < 1$, and `lsgan_lib` logs it as `active_hinges` (of the pairs in the
# batch, a sample of all pairs). Here is how it falls, for 16 and 16 points in the plane:

# %%
random = torch.Generator().manual_seed(11)
cloud, other = torch.randn(16, 2, generator=random), torch.randn(16, 2, generator=random) + 1
sweep = torch.cat([torch.linspace(0.1, 1, 7), torch.logspace(0, 1, 18)[1:]]).tolist()
swept = [best_critics(cloud, other, kappa=kappa) for kappa in sweep]
shares = torch.tensor([[best.active(best.least), best.active(best.greatest)] for best in swept])
values = torch.tensor([best.value for best in swept])
start = distances(cloud, other).mean().item()  # S of the critic that is 0 everywhere
fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 2.8))
left.plot(sweep, values, "o-", color=ORANGE, markersize=3)
left.plot(
    [0, 2], [start, start - 2 * (start - values[6]).item()], ":", color=PALETTE["wasserstein"]
)
left.set(title="smallest S", xlabel="κ", ylim=(0, None))
right.plot(sweep, shares.mean(dim=1), "o-", color=ORANGE, markersize=3)
right.set(title="share of active hinges", xlabel="κ", ylim=(0, 1.05))
for ax in (left, right):
    ax.axvline(1, color=PALETTE["guide"], linewidth=1)

# %% [markdown]
# **Figure 7.7** The optimum of (7.6) with $\lambda = 1$ against the slope allowed; dotted, the straight line of
# (7.9). - Up to $\kappa = 1$ the optimum falls in a straight line and all hinges are active. From there on both
# bend: the margins have begun to count, and pairs drop out.

# %%
active = dict(zip(sweep, shares.tolist(), strict=True))
claim(all(min(a) == 1 for k, a in active.items() if k < 0.99), "κ < 1: every hinge is active")
claim(all(max(a) < 0.98 for k, a in active.items() if k > 1.1), "κ > 1.1: some are not")
straight = [start - kappa * (start - values[6].item()) for kappa in sweep[:7]]
claim(
    (values[:7] - torch.tensor(straight)).abs().max() < 1e-4, "κ <= 1: S falls in a straight line"
)
claim(
    (values[8:] > start - torch.tensor(sweep[8:]) * (start - values[6])).all(), "κ > 1: more slowly"
)

# %% [markdown]
# The straight line can be written down. For $\kappa \le 1$ (7.6) is a linear function under slope conditions,
# and its dual is a transport problem, as for WGAN:
#
# $$
# \kappa \le 1: \qquad \min S = \lambda\,\big(\mathbb{E}\,\Delta - \kappa\,W_\lambda\big)
# \tag{7.9}
# $$
#
# $W_\lambda$ is the mean way if the mass of $q$ is carried to real points, each of which has room for
# $1 + 1/\lambda$ times its own mass. For $\lambda \to \infty$ the room becomes exact and $W_\lambda$ the
# Wasserstein distance. A test solves the transport by another algorithm and finds the same number.
#
# **How flat is flat, for images?** The margin of the seed is $2 \cdot 10^{-4}$ times the summed difference of
# all $64 \cdot 64 \cdot 3$ numbers. In that unit the slope is
# $\kappa = \max_j |\partial L / \partial x_j| / (2 \cdot 10^{-4})$.

# %%
numbers, scale = 64 * 64 * 3, 2e-4
x = torch.rand(1, 3, 64, 64, generator=random) * 2 - 1
spread = torch.full_like(x, 1 / math.sqrt(numbers))  # a gradient of length 1, even over all entries
for length in (1.0, 0.02, 2e-4):
    kappa = length * spread.max().item() / scale
    print(f"gradient of length {length:g}: κ between {kappa:.3g} and {length / scale:.3g}")
moved = x - 0.1 * spread.sign()
rise = (spread * (x - moved)).sum() / loss_sensitive.margin(x, moved, scale=scale)
claim(abs(rise - 45.1) < 0.1, "length 1, even, along the gradient: 45 margins a margin")

# %% [markdown]
# A critic whose gradient has the length 1, as a WGAN-GP penalty wants it, is at least 45 times as steep as the
# margins are. One with a gradient shorter than $2 \cdot 10^{-4}$ is a WGAN critic, whatever its cost is
# called. In between lies a factor of 5,000, and a penalty's weight decides where a training run ends up. That is
# the subject of chapter 08.
#
# ## How far from the data can an equilibrium be?
#
# Why should this game end at the data? The paper assumes *Lipschitz densities*:
# $|p(x) - p(y)| \le c\,\Delta(x, y)$, no jumps. A normal density is one, with $c = 1/(\sigma^2\sqrt{2\pi e})$;
# a box is not. Under that assumption it proves that at a Nash equilibrium, where neither player gains by moving
# alone,
#
# $$
# p \ge \tfrac{\lambda}{1 + \lambda}\, q \quad\text{everywhere, and so}\quad \int |p - q| \le \frac2\lambda
# \tag{7.10}
# $$
#
# (Lemma 1 and Theorem 1). First the second half. It is a fact about two densities and has nothing to do with
# games (Lemma 4):
#
# $$
# p \ge \eta\,q \quad\Longrightarrow\quad \int |p - q| \le \frac{2\,(1 - \eta)}{\eta}
# \tag{7.11}
# $$
#
# With $\eta = \lambda / (1 + \lambda)$ this is $2/\lambda$. The lemma is true, and gives something away. Both
# densities have the mass 1, so $\int |p - q|$ is twice the mass that $q$ has too much, and where $q$ has too
# much it exceeds $p$ by at most $(1 - \eta)\,q$. Hence
#
# $$
# \int |p - q| \le 2\,(1 - \eta) = \frac{2}{1 + \lambda}.
# \tag{7.12}
# $$
#
# Now the first half, with tables of probabilities on a few places: there every function is Lipschitz, and the
# assumption is free. The critic that is 0 everywhere has $S = \lambda\,\mathbb{E}\,\Delta$. The claim behind
# (7.10): it is a best critic *exactly* as long as $p \ge \frac{\lambda}{1 + \lambda} q$, and beyond that some
# critic does better, whatever slope is allowed. The linear programme can tell. For random $p$ we let the
# generator crowd: it takes the places in a random order and fills each as densely as (7.10) allows, until its
# mass is used up. Then we ask there, and with 2 % of its mass moved onto the fullest place.

# %%
places = torch.linspace(0, 1, 6, dtype=torch.float64)[:, None]


def crowded(p, lam):
    """A table q, as far from p as (7.10) allows on places taken in a random order."""
    q, left = torch.zeros_like(p), 1.0
    for place in torch.randperm(len(p)).tolist():
        q[place] = min((1 + 1 / lam) * p[place].item(), left)
        left -= q[place].item()
    return q


def gained(p, q, lam, kappa):
    """How much the best critic improves on the one that is 0 everywhere."""
    best = best_critics(places, places, kappa=kappa, lam=lam, p=p, q=q)
    return lam * (p @ distances(places, places) @ q).item() - best.value


# %%
rows = []  # (λ, ∫ |p - q|, gain there, gain beyond)
for lam in (0.5, 1.0, 2.0, 4.0, 8.0, 16.0):
    for p in torch.softmax(0.7 * torch.randn(12, 6, dtype=torch.float64), dim=1):
        q = crowded(p, lam)
        beyond = 0.98 * q + 0.02 * torch.nn.functional.one_hot((q / p).argmax(), 6)
        if q.max() < 1:
            far = (p - q).abs().sum().item()
            rows.append((lam, far, gained(p, q, lam, 20.0), gained(p, beyond, lam, 0.3)))
whole = {}  # twelve equal places of which q fills the first k: nothing is left over
for k in (4, 6, 8, 9, 10, 11):
    p, q = torch.full((12,), 1 / 12), (torch.arange(12) < k) / k
    whole[k / (12 - k)] = (p - q).abs().sum().item()

# %%
lams = torch.logspace(-0.4, 1.25, 100)
fig, ax = plt.subplots(figsize=(6, 3))
ax.plot(lams, 2 / lams, color=PALETTE["guide"], linestyle="--", label="2 / λ, the paper's bound")
ax.plot(lams, 2 / (1 + lams), color="black", linewidth=1.2, label="2 / (1 + λ), (7.12)")
ax.plot(*torch.tensor(rows)[:, :2].T, ".", color=ORANGE, label="six places, random p")
style = {"color": PALETTE["fake"], "markersize": 5, "label": "twelve equal places"}
ax.plot(*zip(*whole.items(), strict=True), "D", **style)
ax.set(xscale="log", xlabel="λ", ylabel="∫ |p - q|", ylim=(0, 2.05), xticks=[0.5, 1, 2, 4, 8, 16])
ax.xaxis.set_major_formatter("{x:g}")
ax.minorticks_off()
_ = ax.legend(fontsize=9)

# %% [markdown]
# **Figure 7.8** How far a crowding generator can be from the data and still leave its critic nothing to find. -
# All dots lie on or below the lower line, and those that use every place up lie on it: $2/(1+\lambda)$ cannot
# be improved, $2/\lambda$ can.

# %%
print(f"{len(rows)} pairs of tables on six places")
claim(
    max(abs(row[2]) for row in rows) < 1e-6,
    "covered: even at slope 20 no critic improves on 0, so q is an equilibrium",
)
claim(min(row[3] for row in rows) > 1e-6, "beyond: a critic of slope 0.3 does")
claim(all(far <= 2 / (1 + lam) + 1e-9 for lam, far, *_ in rows), "all keep (7.12)")
claim(all(abs(far - 2 / (1 + lam)) < 1e-6 for lam, far in whole.items()), "the diamonds reach it")

# %% [markdown]
# Why is a covered $q$ an equilibrium? The critic 0 is best for it, and against the critic 0 all generators are
# equal. So an equilibrium need not be at the data: for $\lambda = 1$ a generator may leave out half of the data
# and play on the rest, and nobody moves. A large $\lambda$ forbids it, and the limit, without the first term,
# leaves $q = p$ alone. That is what the seed's code runs.
#
# <details><summary>Both directions, on five lines</summary>
#
# Since $(a)_+ \ge a$, every $L \ge 0$ has
# $S(L) \ge \lambda\,\mathbb{E}\Delta + \int L\,\big((1+\lambda)\,p - \lambda\,q\big)$. If the bracket is
# nowhere negative, $S(L) \ge \lambda\,\mathbb{E}\Delta = S(0)$.
#
# If it is negative somewhere, take $L = \alpha\,(\lambda q - (1+\lambda)p)_+$ with $\alpha$ so small that $L$
# has slope below 1. Then every hinge is active, the inequality is an equality, and
# $S(L) < \lambda\,\mathbb{E}\Delta$. (Here the paper needs densities without jumps, so that $L$ has a slope at
# all.) But at an equilibrium $S \ge \lambda\,\mathbb{E}\Delta$: the generator plays best, so
# $\mathbb{E}_q L \le \mathbb{E}_p L$, and the same first line gives it. So no equilibrium has a negative
# bracket.
#
# </details>
#
# ## What a steep critic learns by heart
#
# So a steeper critic sees more. On *these* points. Its job is to judge points that it has not seen. The cleanest
# test: let real and generated points come from one and the same distribution. Then there is nothing to find, and
# whatever a critic finds on $n + n$ points is memory.
#
# For a critic that was *fixed beforehand* there is no trouble. Each hinge lies between $0$ and
# $(1 + \kappa) B$, where $B$ is the largest distance, so by Hoeffding's inequality its mean over $m$ fresh
# pairs is within
#
# $$
# (1 + \kappa)\,B\,\sqrt{\frac{\log (2/\delta)}{2m}}
# \tag{7.13}
# $$
#
# of its expectation, with probability $1 - \delta$. A *trained* critic was chosen among many for these very
# points. To cover all of them at once a bound has to grow with their number; the paper's later versions derive
# a sample complexity of this kind for networks. We do not bound, we measure, for the largest class there is,
# all of $F_\kappa$: $n + n$ points, uniform in a cube of $D$ dimensions, the mean difference per coordinate as
# the distance, so that $B = 1$. The critic is half-way between the cones. It is judged on 300 + 300 fresh
# points.


# %%
def memory(n, kappa, dim, seed):
    """S on n + n points, and of the same critic on fresh points; both kinds are uniform noise."""
    random = torch.Generator().manual_seed(seed)
    points = torch.rand(2 * n, dim, generator=random, dtype=torch.float64) / dim
    fresh = torch.rand(600, dim, generator=random, dtype=torch.float64) / dim
    best = best_critics(points[:n], points[n:], kappa=kappa)
    scores = (best.lower(fresh) + best.upper(fresh)) / 2
    return best.value, objective(
        scores[:300], scores[300:], distances(fresh[:300], fresh[300:]), lam=1.0
    )


SIZES, SLOPES, DIMS = (4, 8, 16, 32), (0.5, 1.0, 2.0, 4.0, 8.0), (2, 8)
S = torch.tensor(
    [[[[memory(n, k, d, seed) for seed in range(3)] for k in SLOPES] for n in SIZES] for d in DIMS]
).mean(dim=3)  # (dimensions, sizes, slopes, seen or fresh)
gaps = S[..., 1] - S[..., 0]

# %%
fig, axes = plt.subplots(1, 3, figsize=(9.6, 2.9))
for i, (n, shade) in enumerate(zip(SIZES, (0.3, 0.5, 0.75, 1.0), strict=True)):
    axes[0].plot(SLOPES, S[0, i, :, 0], "o-", color=PALETTE["critic"], alpha=shade, markersize=3)
    axes[0].plot(SLOPES, S[0, i, :, 1], "o--", color=ORANGE, alpha=shade, markersize=3)
    for ax, gap in zip(axes[1:], gaps, strict=True):
        ax.plot(SLOPES, gap[i], "o-", color=ORANGE, alpha=shade, markersize=3, label=f"n = {n}")
axes[0].axhline(1 / 3, color=PALETTE["guide"], linestyle=":")
axes[0].set(title="S in 2 dimensions: seen, fresh (dashed)")
axes[1].set(title="gap, 2 dimensions", ylim=(0, 1.4))
axes[2].set(title="gap, 8 dimensions", ylim=(0, 1.4))
for ax in axes:
    ax.set(xscale="log", xlabel="κ", xticks=SLOPES, xticklabels=[f"{k:g}" for k in SLOPES])
    ax.minorticks_off()
    ax.title.set_fontsize(10)
_ = axes[1].legend(fontsize=9)

# %% [markdown]
# **Figure 7.9** The best critic's objective on the points it was made for (black) and on fresh ones (orange,
# dashed), and the gap of the two; means of three draws; dotted, $\mathbb{E}\Delta = \tfrac13$, which is what
# the critic 0 has. Darker lines: more points. - Seen, it looks like success, and more so the steeper. Fresh, it
# is worse than no critic at all. The gap grows with the slope and shrinks with the points, in 8 dimensions
# slowly.

# %%
claim((gaps > 0).all(), "every gap is positive")
claim((gaps.diff(dim=2) > 0).all(), "steeper: a larger gap, for every number of points")
claim((gaps.diff(dim=1) < 0).all(), "more points: a smaller gap, for every slope")
claim((S[:, :, :, 1] > 1 / 3).all(), "on fresh points every one of them is worse than the critic 0")
left_over = gaps[:, -1, -1] / gaps[:, 0, -1]  # 32 against 4 points, κ = 8
claim(
    left_over[0] < 0.7 < left_over[1], "8 times the points: 2 dimensions lose over 30 %, 8 do not"
)

# %% [markdown]
# And the critic that was fixed beforehand? Take one of these, and judge it on a hundred other draws of the same
# size:

# %%
random = torch.Generator().manual_seed(0)


def draw(count):
    """Uniform points in the square, in units in which the mean difference is the distance."""
    return torch.rand(count, 2, generator=random, dtype=torch.float64) / 2


def judged(best, points):
    """S of the critic half-way between the cones; the first half of the points counts as real."""
    half, scores = len(points) // 2, (best.lower(points) + best.upper(points)) / 2
    margins = distances(points[:half], points[half:])
    return objective(scores[:half], scores[half:], margins, lam=1.0).item()


own = draw(32)
judge = best_critics(own[:16], own[16:], kappa=4.0)
others, fresh = [judged(judge, draw(32)) for _ in range(100)], judged(judge, draw(600))
claim(fresh - judged(judge, own) > 0.3, "κ = 4: on its own 16 + 16 points S is lower by over 0.3")
claim(
    abs(sum(others) / 100 - fresh) < 0.05,
    "on 100 other draws of 16 + 16 points it is not, on average",
)

# %% [markdown]
# Same critic, same number of points; only the choosing is different. That is the case for a bound on the slope,
# and for penalties: the abstract of the paper says of the regularised model that it can "better generalize to
# produce new data from a reasonable number of training examples". Our measurement supports the mechanism, for
# critics without any other restraint. It says nothing about generators, and a network is not all of $F_\kappa$:
# its own habits restrain it too (Exercise 7.5).
#
# Now put the last sections side by side. Below $\kappa = 1$ the margins do not act. Far above it the critic
# memorises, and holds nobody. Whatever LS-GAN has to offer beyond WGAN lies in between.
#
# ## What the paper says and what we found
#
# | the paper | here |
# | --- | --- |
# | Both cones minimise, so does every mix, and they bound every minimiser with their values (Theorem 2, Corollaries 1 and 2). | Holds in every test. More is true: one least and one greatest minimiser bound all of them. |
# | The cones "have non-vanishing gradient almost everywhere", so the generator always has "sufficient gradient" (abstract, before the last version). | True of the upper cone, and of the lower one above the floor. Not of every best critic: mixes can be flat, and for $\kappa > 1$ a best critic can be a pit around each generated point. What holds for all: a point that misses a margin stands on a line of slope $\kappa$. |
# | At an equilibrium $\int\lvert p - q\rvert \le 2/\lambda$ (Lemma 1, Theorem 1). | Holds. $2/(1+\lambda)$ holds too, and is reached. |
# | LS-GAN stops at the margin, where WGAN goes on without bound. | True of free values, and for $\kappa > 1$. For $\kappa \le 1$ the two have one objective. |
# | Regularised by its slope, it generalises better (abstract). | Supported: the gap grows with $\kappa$ and falls with the number of points. |
#
# Two slips in version 3, should you read it with a pencil: the last line of its appendix has the sign of the
# upper bound reversed, and its eq. 13 writes the WGAN generator as an arg max.
#
# ## What goes wrong
#
# ### A comparison of nothing
#
# *Symptom.* LS-GAN, GLS-GAN with slope 0.01 and WGAN give the same curves. *Cause.* The penalty holds the
# critic below $\kappa = 1$, and (7.8) makes them one method. *Cure.* Look at `active_hinges` first. As long as
# it stands at 1, neither margin nor slope has any effect. (A share of 1 alone does not prove $\kappa < 1$:
# early in training nothing is separated yet.)
#
# ### A floor that swallows the critic
#
# *Symptom.* The critic's loss stands still at $\lambda\,\mathbb{E}\Delta$ from early on; all losses are
# exactly 0. *Cause.* The paper wants $L \ge 0$, and a ReLU at the end is the obvious way to have it. With the
# first term in (7.3) a constant costs, so the critic first sinks as a whole; once it is below 0 everywhere,
# ReLU passes no gradient, and nothing brings it back.

# %% tags=["nbval-ignore-output"]
drowned = []
for seed in range(3):
    network = BoundedSlopeCritic(2.0, torch.Generator().manual_seed(seed))
    torch.nn.init.constant_(network.layers[-1].bias, 2.0)  # well above the floor
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(200):
        values = network(torch.cat([real, fake])).relu()
        loss = objective(values[:5], values[5:], distances(real, fake), lam=1.0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    drowned.append((values.max().item(), loss.item()))
print("dearest of nine points, objective:", [(top, round(s, 2)) for top, s in drowned])

# %%
dead = distances(real, fake).mean().item()
claim(
    max(top for top, _ in drowned) == 0, "ReLU at the end: in three of three seeds all losses are 0"
)
claim(
    all(abs(s - dead) < 1e-5 for _, s in drowned),
    "and the objective stands at λ E Δ, as for no critic",
)

# %% [markdown]
# *Cure.* A linear last layer. In the form without the first term the floor is not needed. With it, subtract the
# smallest value, as `train_critic` does. A user of the author's own code, which ends in a ReLU, reports that it
# "cannot train at all" ([guojunq/lsgan #2](https://github.com/guojunq/lsgan/issues/2)). That code drops the
# first term, so this cause is not the whole story there; chapter 08 tries it on images.
#
# ### A first term without a floor
#
# *Symptom.* All losses drift to minus infinity at a steady pace, real and generated together. *Cause.* The
# first term is kept and $L \ge 0$ is forgotten. A constant costs nothing under the hinge and pays in the first
# term.

# %%
scores = torch.tensor([0.5, 1.0]), torch.tensor([2.0, 3.0]), torch.ones(2)
for weight in (0.0, 0.1):
    loss = [
        loss_sensitive.critic_loss(
            scores[0] - down, scores[1] - down, scores[2], real_weight=weight
        ).item()
        for down in (0, 100)
    ]
    if weight:
        claim(
            abs(loss[0] - loss[1] - 10) < 1e-3, "with a first term of weight 0.1: 100 lower pays 10"
        )
    else:
        claim(loss[0] == loss[1], "without the first term: 100 lower changes nothing")

# %% [markdown]
# *Cure.* Both or neither. The library's default is neither (`real_weight=0`).
#
# ## Exercises
#
# Replace `None` by your answer and run the cell. Solutions:
# [solutions/07_solutions.ipynb](solutions/07_solutions.ipynb).
#
# ### Exercise 7.1
#
# *On paper.* One real sample has the loss 0.5. Two generated samples, at the distances 1 and 4 from it, have
# the loss 2 each. Give the mean hinge (no first term), its slopes by the three losses (real, near, far), and
# the value with the identity in place of the hinge.

# %%
mean_hinge = None
slopes_by_loss = None  # (by the real one's loss, the near one's, the far one's)
mean_identity = None
exercises.check_7_1(mean_hinge, slopes_by_loss, mean_identity)

# %% [markdown]
# ### Exercise 7.2
#
# *On paper.* One real and one generated point, at the distance 2, $\lambda = 1$. Solve (7.6): the smallest $S$,
# and the smallest and the greatest loss that a best critic can give the generated point, for
# $\kappa = \tfrac14$ and for $\kappa = 3$.

# %%
quarter = None  # (S, smallest, greatest)
three = None
exercises.check_7_2(quarter, three)

# %% [markdown]
# ### Exercise 7.3
#
# *In code.* A critic of $F_\kappa$ has the given values at the given points of a line. Between which two numbers
# does it lie at the place $x$? If no critic can have these values, return the pair `(nan, nan)`.


# %%
def bounds_at(x, points, values, kappa):
    """points, values: lists of numbers. Returns (lowest, highest)."""
    return None


exercises.check_7_3(bounds_at)

# %% [markdown]
# ### Exercise 7.4
#
# *Reading.* A row of a training log: `margin 1.20`, `score_real -3.00`, `score_fake -2.60`,
# `active_hinges 1.00`; the cost was the hinge, without first term and penalty. What was `critic_loss`? What
# would it have been with $|a|$ as the cost? And does the row prove that the critic's slope is below 1: `"yes"`,
# `"no"`?

# %%
critic_loss = None
with_absolute = None
proves = None
exercises.check_7_4(critic_loss, with_absolute, proves)

# %% [markdown]
# ### Exercise 7.5
#
# *Experiment.* Is a network as forgetful, or as good at memorising, as the best critic? Take 8 + 8 points,
# uniform in the square, both kinds alike, and train with `train_critic` (200 steps are enough) a network of
# slope $\tfrac12$ and one of slope 8, for at least three seeds. (Give it `best_critics(..., norm="l2")`: a
# network's slope is Euclidean. `memory` shows how to judge on fresh points.) Bring the gaps of the objective,
# fresh minus seen. Predict first. The rule: say `"steeper memorises more"` only if every gap of the steep one
# is above every gap of the flat one, else `"cannot tell"`.

# %%
gaps_flat = None
gaps_steep = None
verdict = None
exercises.check_7_5(gaps_flat, gaps_steep, verdict)

# %% [markdown]
# ### Exercise 7.6
#
# *Open.* Build a game in the plane, at least three real and three generated points and a slope of at most 2, in
# which the upper cone over the least values is a pit around *every* generated point (Euclidean distance,
# $\lambda = 1$). Then say what your game shows about the smallest slope for which that can happen. The cone drawer
# helps to look: in the plane, meeting "upper over least values", it counts the pits, and `drawer.settings` holds
# your points.

# %%
my_real = None  # (n, 2)
my_fake = None  # (m, 2)
my_kappa = None
exercises.check_7_6(my_real, my_fake, my_kappa)

# %% [markdown]
# ## Summary
#
# A loss-sensitive critic is a loss: low for real samples, and for a generated one higher by its distance from
# the real one it is compared with. A pair that keeps this margin asks for nothing more. On a few points the
# best critics of bounded slope solve a linear programme; one of them lies below all others and one above, and
# what networks find lies between. Where a generated point misses a margin, all best critics fall from it along
# one line, as steeply as allowed; elsewhere they may be flat. Below slope 1, in units of the margin, every
# hinge is active and LS-GAN is WGAN plus a constant, whatever the cost. The share of active hinges tells. An
# equilibrium lies within $2/(1+\lambda)$ of the data. Steep critics memorise.
#
# **In symbols**
#
# $$
# S = \mathbb{E}_p L + \lambda\,\mathbb{E}\,(\Delta + L(x) - L(y))_+, \qquad
# \max_k\,(l_k - \kappa\Delta_k)_+ \le L \le \min_k\,(l_k + \kappa\Delta_k), \qquad
# \int |p - q| \le \frac{2}{1+\lambda}
# $$
#
# ## Questions to ask yourself
#
# 1. Why does the margin depend on the pair, and what would a constant margin of 1 ask of a perfect generator?
# 2. Which term of (7.3) stops the critic from lifting generated points for ever, if the slope is not bounded?
# 3. Why do the lower and the upper cone of one set of values meet at the points?
# 4. In Figure 7.3 two real points are dear at $\kappa = 0.5$. What happens to them if $\lambda$ becomes small?
# 5. The share of active hinges is 0. Is the critic good, or useless to the generator?
# 6. Why can training with slope 0.01 and with slope 0 give the same critic, and when does it not?
# 7. Your margins are ten times larger than you meant. What happens to $\kappa$?
# 8. For $\lambda = 1$, which generator is an equilibrium and leaves out half of the data?
# 9. Why does a fixed critic not overfit, and a trained one does?
# 10. Would a penalty that holds the gradient *at real samples only* keep a critic in $F_\kappa$?
#
# ## Further reading
#
# - Qi, [arXiv 1701.06264](https://arxiv.org/abs/1701.06264): the objective (eq. 1 to 7), the bound (Lemma 1),
#   the cones (Theorem 2). Version 3, whose numbers we use, is short and has all of this; later versions add
#   GLS-GAN and generalisation.
# - Arjovsky, Chintala, Bottou 2017, [arXiv 1701.07875](https://arxiv.org/abs/1701.07875): WGAN, what remains
#   below slope 1.
# - Gulrajani et al. 2017, [arXiv 1704.00028](https://arxiv.org/abs/1704.00028): its Proposition 1 is the
#   steepest line of this chapter, for optimal WGAN critics.
# - Anil, Lucas, Grosse 2019, [arXiv 1811.05381](https://arxiv.org/abs/1811.05381): why orthogonal layers with
#   sorting, and not with ReLU, can be as steep as allowed everywhere.
#
# ## References
#
# - G.-J. Qi. *Loss-Sensitive Generative Adversarial Networks on Lipschitz Densities.* IJCV 2020.
#   [arXiv 1701.06264](https://arxiv.org/abs/1701.06264); the author's code:
#   [guojunq/lsgan](https://github.com/guojunq/lsgan)
# - [zzzucf/lsgan-gp](https://github.com/zzzucf/lsgan-gp): seed 1.
# - The three papers under *Further reading*.
#
# **Back**: [06 Train faces](06_train_faces.ipynb). **Next**:
# [08 Build a critic with margins](08_build_a_critic_with_margins.ipynb).

# %% tags=["nbval-ignore-output"]
versions()
