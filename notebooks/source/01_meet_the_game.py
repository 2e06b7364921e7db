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
# # 01 - Meet the game: play it by hand, derive it, watch it learn
#
# A GAN is a game of two players. You play it with two numbers and a pencil, work out what the
# players are after, find out why they run in circles, and then watch two networks play it in the
# plane.
#
# *about 65 minutes, half a minute of computing* · [source of this page](source/01_meet_the_game.py) ·
# [solutions](solutions/01_solutions.ipynb)

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import torch

from lsgan_lib.data import triangle
from lsgan_lib.experiments.tables import load_pictures
from lsgan_lib.figures import PALETTE, scatter_points, shown_in_few_colours, use_style
from lsgan_lib.games import play, point_gan
from lsgan_lib.losses import wasserstein

use_style()
losses = wasserstein.critic_loss, wasserstein.generator_loss
circle, damped = point_gan(*losses), point_gan(*losses, penalty=0.5)
generated = load_pictures("critic_turns")["non-saturating 4 0"].astype("float32")
fig, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3))
scatter_points(left, triangle().sample(300, torch.Generator().manual_seed(1)), "real")
scatter_points(middle, generated, "fake")
for ax, title in ((left, "data"), (middle, "a generator, trained")):
    ax.set(title=title, xlim=(-2, 2), ylim=(-2, 2), xticks=[], yticks=[], aspect="equal")
turns = circle.simultaneous, circle.alternating, damped.alternating
for rule, kind in zip(turns, ("saturating", "critic", "real"), strict=True):
    path = play(rule, torch.tensor([1.0, 0.0]), 0.1, 160)
    right.plot(*path.T, color=PALETTE[kind], linewidth=1.4)
right.plot(0, 0, "*", color=PALETTE["fake"], markersize=12)
right.set(title="two numbers, three ways to play", aspect="equal", xticks=[], yticks=[])
shown_in_few_colours(fig)

# %% [markdown]
# **Figure 1.1** Data, and points that a trained generator makes of noise. Right: the smallest game of
# this kind, one number for each player, always from the same start; the star is where it should end. -
# The game can be won, as the middle shows. But the two players may circle around the goal for ever
# (black) or leave it (yellow), unless something holds them back (blue). This chapter explains all
# of it.
#
# ## What you will be able to do
#
# - *play* a round of a GAN by hand (Exercise 1.1);
# - *derive* the best critic of two distributions and *compute* what its loss says about them
#   (Exercise 1.2), and *turn* any critic's loss into a promise about the generator (Exercise 1.4);
# - *find* the two commonest mistakes in a training loop (Exercise 1.3);
# - *predict* from a number whether a game spirals, circles or comes to rest (Exercises 1.5 and 1.6),
#   and *design* a rule of play that comes to rest (Exercise 1.7).
#
# ## What you need
#
# | concept | how much | where to read it |
# | --- | --- | --- |
# | gradients and a training loop in PyTorch | `backward`, `step`, `zero_grad` | PyTorch tutorial *Optimizing Model Parameters* |
# | logistic regression | that $\sigma(s)$ turns a score into a probability | any first course |
# | expectation and density | as an average over samples, and as an integral | any first course |
# | complex numbers | that $i^2 = -1$; used once, for eigenvalues | school |
# | GANs | nothing | |
#
# ## Notation
#
# | here | in code | meaning | in the GAN paper |
# | --- | --- | --- | --- |
# | $p(x)$ | `p`; samples: `real` | density of the data | $p_{\text{data}}$ |
# | $q(x)$ | `q`; samples: `fake` | density of what the generator makes | $p_g$ |
# | $z,\ G(z)$ | `noise`, `fake` | noise, and what the generator makes of it | same |
# | $D(x)$ | `score`, `critic(x)` | the critic's *score*, any real number | |
# | $\sigma(D(x))$ | `torch.sigmoid(score)` | the critic's opinion that $x$ is real, a probability | $D(x)$ |
# | $\theta,\ \psi$ | `theta`, `psi` | the only parameter of a tiny generator, of a tiny critic | |
# | $\eta$ | `rate` | learning rate | |
#
# The book always calls the second network the *critic* and its last layer's output the *score*. In
# the GAN paper (Goodfellow et al. 2014) it is the *discriminator*, and $D(x)$ is already the
# probability: our $\sigma(D(x))$. All logarithms are natural.

# %%
import math
from functools import partial

import matplotlib.pyplot as plt
import torch
from torch.nn.functional import logsigmoid

from lsgan_lib.book import claim, setup, show_source, versions
from lsgan_lib.data import Mixture, triangle
from lsgan_lib.evaluation.divergences import jensen_shannon
from lsgan_lib.evaluation.views import Looks, Viewer
from lsgan_lib.exercises import chapter_01 as exercises
from lsgan_lib.experiments.critic_turns import recipe_of
from lsgan_lib.experiments.tables import load_pictures, load_table
from lsgan_lib.figures import PALETTE, shown_in_few_colours
from lsgan_lib.games import play, point_gan
from lsgan_lib.labs.explore import explore
from lsgan_lib.labs.live_lab import LiveLab
from lsgan_lib.labs.replay import replay
from lsgan_lib.losses import cross_entropy, least_squares, wasserstein
from lsgan_lib.networks import MLPNetworks
from lsgan_lib.six_views import six_views
from lsgan_lib.training import Trainer, train

setup(seed=1)

# %% [markdown]
# ## Two players
#
# You have data and want more of the same kind: more faces, more digits. You cannot write down what a
# face is. But you can train a classifier that tells faces from other pictures. That is the idea:
#
# - the **generator** $G$ turns random noise $z$ into a sample $G(z)$;
# - the **critic** $D$ looks at a sample and gives it a score, high for "real", low for "generated".
#
# They are trained in turn. The critic learns to tell real from generated samples, like any
# classifier. The generator never sees the data. It sees only how its samples are scored, and in which
# direction it would have to change them to be scored higher. When the critic can no longer tell, the
# generator has done its work.
#
# ## Predict
#
# Take two players with one number each, and let each go straight down its own slope. One would like
# the product of the two numbers to be large, the other would like it to be small. They start at
# $(1, 0)$. Where does this end: in the middle, far out, or nowhere? Write it down. Figure 1.1 has
# given part of it away; the reason comes below.
#
# ## The smallest GAN, by hand
#
# All data lie at one place, $x = 0$. The generator has one number $\theta$: all its samples lie at
# $\theta$, and it starts at $\theta = 2$. The critic has one number too: its score is $D(x) = \psi x$,
# and it starts knowing nothing, $\psi = 0$. Both have the learning rate $\tfrac12$.
#
# *The critic's turn.* A classifier for "real" and "generated" pays $-\log \sigma(D)$ for a real
# sample and $-\log(1 - \sigma(D))$ for a generated one. The real sample scores $0$ whatever $\psi$
# is. The generated one costs $\log(1 + e^{\psi\theta})$, with the slope $\theta\,\sigma(\psi\theta)$
# in $\psi$. That is $2 \cdot \tfrac12 = 1$. So $\psi$ becomes $0 - \tfrac12 \cdot 1 = -\tfrac12$. Now
# the generated sample scores $-1$: the critic believes with $\sigma(-1) = 27\,\%$ that it is real.
#
# *The generator's turn.* It pays $-\log \sigma(\psi\theta)$: little if its sample is taken for real.
# The slope in $\theta$ is $-\psi\,(1 - \sigma(\psi\theta)) = \tfrac12 \cdot 0.73 = 0.37$. So $\theta$
# becomes $2 - \tfrac12 \cdot 0.37 = 1.82$. It has moved towards the data, without having seen them.
#
# Here is the whole game as a loop, as you would write it for large networks too:


# %%
def play_smallest(theta, psi, rounds, rate=0.5):
    """One row (theta, psi) a round; each player goes down its own loss, the critic first."""
    theta, psi = torch.tensor([theta, psi]).requires_grad_(True).split(1)
    real, rows = torch.zeros(1), [(theta.item(), psi.item())]
    for _ in range(rounds):
        fake = theta.detach()  # the critic's turn: the generator learns nothing here
        d_loss = cross_entropy.critic_loss(psi * real, psi * fake)
        (slope,) = torch.autograd.grad(d_loss, psi)
        psi = (psi - rate * slope).detach().requires_grad_(True)

        g_loss = cross_entropy.generator_loss(psi.detach() * theta)  # the generator's turn
        (slope,) = torch.autograd.grad(g_loss, theta)
        theta = (theta - rate * slope).detach().requires_grad_(True)
        rows.append((theta.item(), psi.item()))
    return torch.tensor(rows)  # (rounds + 1, 2)


rows = play_smallest(theta=2.0, psi=0.0, rounds=60)
for done, (theta, psi) in enumerate(rows[:4].tolist()):
    print(f"after round {done}: generated at {theta:.2f}, critic's slope {psi:.2f}")

# %%
fig, ax = plt.subplots(figsize=(7, 2.6))
ax.plot(rows[:, 0], color=PALETTE["fake"], label="θ: where the generated point is")
ax.plot(rows[:, 1], color=PALETTE["critic"], label="ψ: the critic's slope")
ax.axhline(0, color=PALETTE["real"], linestyle=":", label="the data")
ax.set(xlabel="round", ylim=(-2.2, 2.9))
_ = ax.legend(loc="upper right", ncols=3, fontsize=8)

# %% [markdown]
# **Figure 1.2** Sixty rounds of the smallest GAN. - The generated point walks to the data, and *past*
# them. Only there does the critic find out, turns its slope around, and the point walks back.

# %%
passing = (rows[:, 0] < 0).nonzero()[0].item()
claim(passing < 30, "the generated point reaches the data within 30 rounds")
claim(rows[passing, 1] < -0.5, "at that moment the critic still says: the smaller x, the better")
claim(rows[:, 0].min() < -0.5, "so the point runs on, to more than 0.5 on the other side")

# %% [markdown]
# Remember this picture. First we need to know what the players are after.
#
# ## The game, written down
#
# The critic is a classifier, trained with the cross-entropy of two classes. Goodfellow et al. (2014,
# eq. 1) write its success as the *value* of the game, one average over real samples and one over
# generated ones:
#
# $$
# V(D, G) = \mathbb{E}_{x \sim p}\big[\log \sigma(D(x))\big]
#     + \mathbb{E}_{x \sim q}\big[\log\big(1 - \sigma(D(x))\big)\big]
# \tag{1.1}
# $$
#
# The critic makes $V$ large, the generator makes it small: $\min_G \max_D V$. What one wins, the
# other loses. The critic's loss is $-V$. For the generator there are two forms:
#
# $$
# L_G = \mathbb{E}_{x \sim q}\big[\log\big(1 - \sigma(D(x))\big)\big]
# \qquad \text{or} \qquad
# L_G = -\mathbb{E}_{x \sim q}\big[\log \sigma(D(x))\big]
# \tag{1.2}
# $$
#
# The left one is its part of $V$; it is called *saturating*, for a reason that we will see. The right
# one, *non-saturating*, is what people use, and what you have just used by hand. In words: "be caught
# as rarely as possible", and "be believed as often as possible".


# %%
def value(real, fake):
    """(1.1)"""
    return torch.sigmoid(real).log().mean() + (1 - torch.sigmoid(fake)).log().mean()


def saturating(fake):
    """(1.2), left"""
    return (1 - torch.sigmoid(fake)).log().mean()


def non_saturating(fake):
    """(1.2), right"""
    return -torch.sigmoid(fake).log().mean()


real, fake = torch.randn(64), torch.randn(48)
gaps = [
    value(real, fake) + cross_entropy.critic_loss(real, fake),
    saturating(fake) - cross_entropy.generator_loss(fake, saturating=True),
    non_saturating(fake) - cross_entropy.generator_loss(fake),
]
claim(max(gap.abs() for gap in gaps) < 1e-5, "(1.1) and (1.2) are the library's losses")

# %%
sure = torch.tensor([40.0])
claim(
    saturating(sure).isinf() and cross_entropy.generator_loss(sure, saturating=True) == -40,
    "written out, a score of 40 gives an infinite loss; the library's form gives -40",
)

# %% [markdown]
# The last claim is why the library never writes a logarithm of a sigmoid. In 32 bits $\sigma(40)$ *is*
# 1, and $\log 0$ is $-\infty$. It uses $\log(1 + e^s)$ instead, which PyTorch calls `softplus`.
#
# ## The best critic
#
# Hold the generator still. What is the best that a critic can do? Write (1.1) as one integral:
#
# $$
# V = \int p(x) \log \sigma(D(x)) + q(x) \log\big(1 - \sigma(D(x))\big) \; dx
# $$
#
# Each place $x$ has its own number $D(x)$, so we may look at one place alone. The slope of $\log
# \sigma(D)$ is $1 - \sigma(D)$, that of $\log(1 - \sigma(D))$ is $-\sigma(D)$. So the slope of what is
# under the integral is $p\,(1 - \sigma) - q\,\sigma$. It is zero where $\sigma = p/(p+q)$:
#
# $$
# \sigma(D^*(x)) = \frac{p(x)}{p(x) + q(x)}
# \qquad \Longleftrightarrow \qquad
# D^*(x) = \log \frac{p(x)}{q(x)}
# \tag{1.3}
# $$
#
# In words: of all samples that turn up at $x$, which share is real? Where $p = q$ the best critic says
# ½, and its score is 0.
#
# Check it. Ten real and ten generated samples lie on three places. The critic is a table of three
# scores, trained with the library's loss by plain gradient descent.

# %%
real_at = torch.tensor([0] * 5 + [1] * 3 + [2] * 2)  # p = (0.5, 0.3, 0.2)
fake_at = torch.tensor([0] * 1 + [1] * 3 + [2] * 6)  # q = (0.1, 0.3, 0.6)
p, q = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.1, 0.3, 0.6])

table = torch.zeros(3, requires_grad=True)
for _ in range(300):
    loss = cross_entropy.critic_loss(table[real_at], table[fake_at])
    (slope,) = torch.autograd.grad(loss, table)
    table = (table - 4 * slope).detach().requires_grad_(True)
print("scores        ", [round(score, 2) for score in table.tolist()])
print("probabilities ", [round(share, 2) for share in torch.sigmoid(table).tolist()])
claim(torch.allclose(table, (p / q).log(), atol=1e-3), "the trained scores are (1.3), log p/q")

# %% [markdown]
# ## What the best critic measures
#
# Put $D^*$ into (1.1). With $m = \tfrac12 (p + q)$, the mixture of data and generator, the two
# logarithms are $\log \frac{p}{2m}$ and $\log \frac{q}{2m}$. Take the two $\log 2$ out:
#
# $$
# V(D^*, G) = 2\,\mathrm{JS}(p, q) - \log 4, \qquad
# \mathrm{JS}(p, q) = \tfrac12 \int p \log \frac{p}{m} \, dx + \tfrac12 \int q \log \frac{q}{m} \, dx
# \tag{1.4}
# $$
#
# JS is the *Jensen-Shannon divergence*. It is $0$ exactly when $p = q$, and at most $\log 2 \approx
# 0.69$, which it reaches when $p$ and $q$ share no place. So a generator that plays against the best
# critic makes JS small: it moves $q$ towards $p$. That is what the game is for.
#
# Read (1.4) as a ruler as well. The best critic's loss is $\log 4 - 2\,\mathrm{JS}$: $\log 4 \approx
# 1.39$ when nothing can be told apart, $0$ when everything can. A critic that is not the best has a
# higher loss. So **every** critic's loss $L$ makes a promise: $\mathrm{JS} \ge \tfrac12 (\log 4 - L)$.


# %%
def best_value(p, q):
    """(1.1) with the scores of (1.3), for probabilities in tables."""
    share = p / (p + q)
    return torch.special.xlogy(p, share).sum() + torch.special.xlogy(q, 1 - share).sum()


for _ in range(3):
    p, q = torch.softmax(2 * torch.randn(2, 12, dtype=torch.float64), dim=1)
    agree = torch.isclose(best_value(p, q), 2 * jensen_shannon(p, q) - math.log(4))
    claim(agree, "(1.4) holds for two random tables of twelve places")
apart = torch.tensor([[0.5, 0.5, 0, 0], [0, 0, 0.25, 0.75]])
claim(jensen_shannon(p, p) == 0, "JS of a table and itself is 0")
claim(
    torch.isclose(jensen_shannon(*apart), torch.tensor(2.0).log()), "of two without overlap, log 2"
)

# %% [markdown]
# Does a *network* find this best critic, from samples alone? Here the data are two bumps on a line,
# the generator is held at one wide bump, and a small network trains as critic.


# %%
def train_critic(real, fake, steps, look=(), seed=0, rate=5e-3):
    """A critic of points on a line against two held mixtures; it is also kept after `look` steps."""
    random = torch.Generator().manual_seed(seed)
    critic = MLPNetworks(dim=1, hidden=32, activation="relu", gain=1.0).critic(random)
    optimiser, kept = torch.optim.Adam(critic.parameters(), rate), {}
    for step in range(steps + 1):
        if step in look:
            kept[step] = {name: w.clone() for name, w in critic.state_dict().items()}
        loss = cross_entropy.critic_loss(
            critic(real.sample(512, random)), critic(fake.sample(512, random))
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return critic, kept


two = Mixture(torch.tensor([[-1.5], [1.5]]), torch.tensor([0.5, 0.5]), std=0.6)
wide = Mixture(torch.tensor([[0.5]]), torch.tensor([1.0]), std=1.0)

# %% tags=["nbval-ignore-output"]
critic, _ = train_critic(two, wide, steps=600)
print("600 steps, 512 real and 512 generated points each")

# %%
x = torch.linspace(-5, 5, 401)[:, None]
p, q = two.log_density(x).exp(), wide.log_density(x).exp()
with torch.no_grad():
    said = torch.sigmoid(critic(x))
fig, ax = plt.subplots(figsize=(7, 2.7))
ax.plot(x, p, color=PALETTE["real"], label="data p")
ax.plot(x, q, color=PALETTE["fake"], label="generator q")
ax.plot(x, p / (p + q), "--", color=PALETTE["critic"], linewidth=1.4, label="p / (p + q)")
ax.plot(x, said, color=PALETTE["cross_entropy"], label="the network's opinion")
ax.set(xlabel="x", ylim=(-0.03, 1.35), yticks=(0, 0.5, 1), xlim=(-4.5, 4.5))
_ = ax.legend(ncols=4, fontsize=8, loc="upper center")

# %% [markdown]
# **Figure 1.3** Two densities, the best critic for them, and a network that has seen nothing but
# samples. - Where points occur, the network says what (1.3) says. At the edges, where hardly any
# point ever was, its opinion is a guess.

# %%
common = p + q > 0.05
claim((said - p / (p + q)).abs()[common].max() < 0.15, "where points occur: within 0.15 of (1.3)")
held = torch.Generator().manual_seed(77)
with torch.no_grad():
    loss = cross_entropy.critic_loss(
        critic(two.sample(20_000, held)), critic(wide.sample(20_000, held))
    ).item()
js = jensen_shannon(*((density * 10 / 400).double() for density in (p, q))).item()
claim(abs((math.log(4) - loss) / 2 - js) < 0.03, "read from its loss, JS is right within 0.03")

# %% [markdown]
# ## Where each gradient dies
#
# The generator feels the critic through the slope of its loss at each sample's score. From (1.2):
#
# $$
# \begin{aligned}
# \text{saturating} \qquad & \log(1 - \sigma(D)) && \text{has the slope} & -\sigma(D) \\
# \text{non-saturating} \qquad & {-\log \sigma(D)} && \text{has the slope} & -(1 - \sigma(D))
# \end{aligned}
# \tag{1.5}
# $$
#
# Both are negative: down the slope means up with the score. So **both forms push every sample in the
# same direction**. They differ in whom they push hardest:
#
# | the critic believes that this sample is real with | 1 % | 50 % | 99 % |
# | --- | --- | --- | --- |
# | slope of the saturating loss | −0.01 | −0.50 | −0.99 |
# | slope of the non-saturating loss | −0.99 | −0.50 | −0.01 |
#
# At the start of training every sample is bad and the critic knows it: all are in the left column. The
# saturating loss is flat there. Its gradient dies exactly when the generator needs it most. The
# non-saturating loss dies in the right column, where the critic is fooled and there is less to do.

# %%
score = torch.linspace(-6, 6, 121, requires_grad=True)
for name, loss, by_hand in (
    ("saturating", saturating, -torch.sigmoid(score)),
    ("non-saturating", non_saturating, torch.sigmoid(score) - 1),
):
    (slope,) = torch.autograd.grad(loss(score) * len(score), score)
    claim(torch.allclose(slope, by_hand, atol=1e-5), f"{name}: the slope is the one in (1.5)")

# %% [markdown]
# How much does it matter? Data: a bump around 0. Generator: the same bump around $\theta = 6$, held
# still. We train a critic, and now and then ask: how hard would each loss pull $\theta$ now?

# %%
look = (10, 25, 50, 100, 200, 400)
bump = Mixture(torch.tensor([[0.0]]), torch.tensor([1.0]), std=1.0)
moved = Mixture(torch.tensor([[6.0]]), torch.tensor([1.0]), std=1.0)


def pulls(critic, count=4000):
    """Slope in theta of both losses: how hard the generator is pulled towards the data."""
    theta = torch.tensor(6.0, requires_grad=True)
    noise = torch.randn(count, 1, generator=torch.Generator().manual_seed(5))
    losses = (saturating, cross_entropy.generator_loss)
    return [torch.autograd.grad(loss(critic(noise + theta)), theta)[0].item() for loss in losses]


# %% tags=["nbval-ignore-output"]
pull = torch.empty(3, len(look), 2)  # seed, moment, form
for seed in range(3):
    critic, kept = train_critic(bump, moved, max(look), look, seed, rate=2e-3)
    for moment, step in enumerate(look):
        critic.load_state_dict(kept[step])
        pull[seed, moment] = torch.tensor(pulls(critic))
print("3 critics")

# %%
fig, ax = plt.subplots(figsize=(6.4, 2.8))
for form, (name, colour) in enumerate(
    [("saturating", "saturating"), ("non-saturating", "cross_entropy")]
):
    ax.plot(look, pull[:, :, form].T, "o-", color=PALETTE[colour], linewidth=1.2, markersize=4)
    ax.plot([], [], "o-", color=PALETTE[colour], label=name)
ax.set(xscale="log", yscale="log", xlabel="steps of the critic", ylabel="pull on the generator")
_ = ax.legend()

# %% [markdown]
# **Figure 1.4** The pull of both losses on one and the same generator, while the critic gets better;
# three critics. - Each step makes the critic better. For the non-saturating loss it also becomes a
# better teacher. For the saturating loss it becomes a silent one.

# %%
best, first = pull[:, -1], pull[:, 1]
claim(
    (best[:, 1] > 2 * first[:, 1]).all(),
    "non-saturating: the pull at step 400 is over twice that at 25",
)
claim((best[:, 0] < first[:, 0]).all(), "saturating: it is smaller than at step 25")
claim(
    (best[:, 1] > 50 * best[:, 0]).all(),
    "at step 400 one form pulls over 50 times harder than the other",
)

# %% [markdown]
# So is the best critic of (1.4) a good thing or a bad one? Good for the theory: only against the best
# critic does the generator go down JS. Bad for the saturating form in practice, when $p$ and $q$
# hardly overlap: there JS itself is flat, stuck at $\log 2$. The critic reports that faithfully.
# (Chapter 02 puts both forms beside least squares.)
#
# ## Why the players circle
#
# Back to Figure 1.2. To see the essence, take away all that bends. The critic wants $\psi\theta$ small, the
# generator wants it large. Each goes down its slope:
#
# $$
# \theta \leftarrow \theta + \eta\,\psi, \qquad \psi \leftarrow \psi - \eta\,\theta
# $$
#
# This is the *bilinear game*. The arrow that moves the state $(\theta, \psi)$ is $(\psi, -\theta)$:
# always at right angles to the line from the middle to the state. Follow such arrows in tiny steps and
# you walk on a circle. Nobody makes a mistake. Each player goes straight to where it wants to be, and
# the other one's answer turns the two around.
#
# With steps of finite length it depends on who moves when. If both move at once, each from where the
# other *was*, a step is a straight line at right angles to the radius $r$, and by Pythagoras $r$
# becomes $r\sqrt{1+\eta^2}$. If they take turns, the second player answers the first one's *new*
# position, and that is enough to keep the orbit closed:
#
# $$
# \text{at once:}\ \ r^2 \leftarrow (1 + \eta^2)\,r^2,
# \qquad\qquad
# \text{in turn:}\ \ \theta^2 + \psi^2 - \eta\,\theta\psi \ \text{ never changes}
# \tag{1.6}
# $$
#
# <details><summary>The algebra</summary>
#
# The critic moves first: $\psi' = \psi - \eta\theta$, then $\theta' = \theta + \eta\psi'$. Put in
# $\theta = \theta' - \eta\psi'$ and $\psi = \psi' + \eta\theta$ and multiply out
# $\theta^2 + \psi^2 - \eta\theta\psi = \theta^2 + \psi\,(\psi - \eta\theta) = \theta^2 + (\psi' +
# \eta\theta)\,\psi' = \theta^2 + \psi'^2 + \eta\,\theta\psi'$. With $\theta = \theta' - \eta\psi'$ this
# is $\theta'^2 - \eta\,\theta'\psi' + \psi'^2$, the same form in the new numbers. For $\eta < 2$ the
# curve on which it is constant is an ellipse.
#
# </details>
#
# The bilinear game is a real GAN: the losses of the Wasserstein GAN are plain differences of scores,
# and with our one-number critic they make exactly this game. (So the answer to the prediction is:
# nowhere, if they take turns; far out, if they move at once; never in the middle.) The library can
# play it, and with the other losses too:

# %%
show_source(point_gan)

# %%
bilinear = point_gan(wasserstein.critic_loss, wasserstein.generator_loss)
start, rate = torch.tensor([1.0, 0.5], dtype=torch.float64), 0.2
theta, psi = play(bilinear.simultaneous, start, rate, 50).unbind(-1)
growth = (theta**2 + psi**2).sqrt().diff().div((theta**2 + psi**2).sqrt()[:-1]) + 1
claim((growth - (1 + rate**2) ** 0.5).abs().max() < 1e-9, "at once: every round as (1.6) says")
theta, psi = play(bilinear.alternating, start, rate, 500).unbind(-1)
energy = theta**2 + psi**2 - rate * theta * psi
claim((energy - energy[0]).abs().max() < 1e-9, "in turn: on one ellipse for 500 rounds")

# %% [markdown]
# ## Five games, one equilibrium
#
# Do the real losses circle too? Near the middle every smooth game is almost linear, and then two
# numbers tell its fate: the *eigenvalues* of the arrows' derivative. Their real part says whether
# distances grow or shrink, their imaginary part how fast the state turns. For the bilinear game they
# are $\pm i$: it turns, and neither grows nor shrinks. (The critic gets a constant, the score of
# somebody who does not know: 0 for cross-entropy, ½ between the targets 0 and 1.)

# %%
GAMES = {
    "Wasserstein (bilinear)": bilinear,
    "saturating": point_gan(
        cross_entropy.critic_loss, partial(cross_entropy.generator_loss, saturating=True)
    ),
    "non-saturating": point_gan(cross_entropy.critic_loss, cross_entropy.generator_loss),
    "least squares (0, 1, 1)": point_gan(
        least_squares.critic_loss, least_squares.generator_loss, middle=0.5
    ),
    "least squares (-1, 1, 0)": point_gan(
        partial(least_squares.critic_loss, a=-1.0), partial(least_squares.generator_loss, c=0.0)
    ),
}


# %%
def number(z):
    """A complex number with two digits."""
    return f"{round(z.real, 2) + 0:.2f} {'-' if round(z.imag, 2) < 0 else '+'} {abs(z.imag):.2f} i"


middle = torch.zeros(2, dtype=torch.float64)
for name, game in GAMES.items():
    print(f"{name:26}", " and ".join(sorted(map(number, game.eigenvalues(middle).tolist()))))

# %% [markdown]
# No real part anywhere: **none of the five damps the circling by itself**, least squares as little as the
# others. The first four turn for ever, as far as the linear part goes. The last one does not even turn.
# What the bent parts do further out, the arrows show.


# %%
def draw_game(ax, game, start=(1.0, 0.0), rate=0.2, rounds=250, at_once=False):
    """Arrows of a game, and its states when the players take turns."""
    line = torch.linspace(-1.5, 1.5, 11)
    places = torch.cartesian_prod(line, line)
    arrows = game.field(places)
    arrows = 0.25 * arrows / arrows.norm(dim=1, keepdim=True).clamp(min=1)  # none too long
    ax.quiver(*places.T, *arrows.T, angles="xy", scale_units="xy", scale=1, color="#AAAAAA")
    turn = game.simultaneous if at_once else game.alternating
    ax.plot(*play(turn, torch.tensor(start), rate, rounds).T, color=PALETTE["critic"], linewidth=1)
    ax.plot(*start, "o", color=PALETTE["critic"], markersize=5)
    ax.axvline(0, color=PALETTE["real"], linewidth=1, linestyle=":")
    ax.set(
        xlim=(-1.6, 1.6),
        ylim=(-1.6, 1.6),
        aspect="equal",
        xlabel="θ",
        xticks=(-1, 0, 1),
        yticks=(-1, 0, 1),
    )


# %%
fig, axes = plt.subplots(1, 4, figsize=(10.4, 3), sharey=True)
for ax, name in zip(axes, [name for name in GAMES if name != "saturating"], strict=True):
    draw_game(ax, GAMES[name])
    ax.set_title(name, fontsize=10)
axes[0].set_ylabel("ψ")
shown_in_few_colours(fig, 32)

# %% [markdown]
# **Figure 1.5** Where the arrows push the state (θ, ψ) in four games, and 250 rounds in turn from the
# dot; the data lie on the dotted line. - The bilinear game stays on its orbit. Non-saturating
# cross-entropy and least squares with the targets (0, 1, 1) creep inwards. With (−1, 1, 0) the
# generated point goes to the data without circling, and the critic is left with a slope.

# %%
ends = {n: play(g.alternating, torch.tensor([1.0, 0.0]), 0.2, 1500) for n, g in GAMES.items()}
radius = {name: states.norm(dim=-1) for name, states in ends.items()}
for name in ("Wasserstein (bilinear)", "saturating"):
    claim(radius[name][-100:].max() > 0.9, f"{name}: after 1500 rounds in turn as far out as ever")
for name in ("non-saturating", "least squares (0, 1, 1)"):
    late, earlier = radius[name][-100:].mean(), radius[name][200:300].mean()
    claim(0.05 < late < 0.6 * earlier, f"{name}: creeps in, and has not arrived")
last = ends["least squares (-1, 1, 0)"]
claim(
    last[-1, 0].abs() < 1e-4 and last[-1, 1].abs() > 1,
    "(-1, 1, 0): θ is at the data, ψ is not at 0",
)
claim((last[:, 0] > -1e-6).all(), "and θ never went past the data")

# %% [markdown]
# Why do two of them creep in? Far out, the pull of the non-saturating loss has a small part towards the
# middle. It shrinks with the third power of the distance, so the last bit of the way takes for ever:
# after a time $t$ the distance is about $\sqrt{8/t}$ (Exercise 1.5's solution derives it). And with
# $(-1, 1, 0)$ the generator's pull, $(D - c)$ times the critic's slope, is a product of two things
# that vanish at the equilibrium. What is not pushed does not circle. Chapter 02 will meet the other
# side of this coin: the last bit of the way is slow.
#
# Do not carry these orbits over to large networks as they are. A one-number critic has no other way to
# answer than to tilt. What carries over is the *kind* of motion: a game has no loss that both go down,
# so nothing forbids going round.
#
# ## What damps it
#
# Something has to pull the critic's slope back. Mescheder, Geiger and Nowozin (2018), who introduced
# this tiny GAN, prove that near the equilibrium noise on all samples, or a penalty on the critic's slope, is
# enough, and that without them the game need not converge. With the penalty $\tfrac{\gamma}{2}\psi^2$ added to
# the critic's loss the arrows become $(\tfrac12 \psi,\ -\tfrac12 \theta - \gamma\psi)$ near the middle,
# with the eigenvalues
#
# $$
# \lambda = -\frac{\gamma}{2} \pm \sqrt{\frac{\gamma^2}{4} - \frac14}
# \tag{1.7}
# $$
#
# A real part at last, and a negative one. For $\gamma < 1$ the root is imaginary: the state spirals in.
# From $\gamma = 1$ on it does not turn any more.

# %%
for weight in (0.1, 0.5, 1.0, 2.0):
    game = point_gan(cross_entropy.critic_loss, cross_entropy.generator_loss, penalty=weight)
    root = complex(weight**2 / 4 - 1 / 4) ** 0.5
    by_hand = torch.tensor([-weight / 2 - root, -weight / 2 + root])
    sums = game.eigenvalues(middle).sum() - by_hand.sum()
    products = game.eigenvalues(middle).prod() - by_hand.prod()
    claim(max(sums.abs(), products.abs()) < 1e-5, f"(1.7) holds for a penalty of {weight:g}")


def draw_penalty(ax, weight):
    """The non-saturating game with a penalty of this weight."""
    draw_game(
        ax, point_gan(cross_entropy.critic_loss, cross_entropy.generator_loss, penalty=weight)
    )
    ax.set_ylabel("ψ")


explore(draw_penalty, "penalty", [0, 0.1, 0.25, 0.5, 1, 2, 4], size=(4.2, 4.0))

# %% [markdown]
# **Figure 1.6** The non-saturating game with more and more of the penalty; 250 rounds in turn. - A
# little drag turns the endless orbit into a spiral that ends. Much drag stops the turning.
#
# 1. From which stop on does θ reach the data without ever passing them?
# 2. Does ever more penalty help ever more? Compare how far the last two stops get.
#
# <details><summary>Answers</summary>
#
# 1. From 1 on, as (1.7) says.
# 2. No. One of the two eigenvalues goes back to 0, about $-1/(4\gamma)$: a critic that may not tilt
#    cannot say where the data are, and the generator waits. The next cell measures it.
#
# </details>

# %%
speed = {}
for weight in (0.25, 1.0, 4.0):
    game = point_gan(cross_entropy.critic_loss, cross_entropy.generator_loss, penalty=weight)
    speed[weight] = -game.eigenvalues(middle).real.max().item()
claim(
    speed[0.25] < speed[1.0] > 3 * speed[4.0],
    "of 0.25, 1 and 4 the penalty 1 comes to rest fastest",
)

# %% [markdown]
# The same drag comes for free when data are not one point. Shake every point, real and generated,
# to $\pm s$. Then no slope suits all of them, and a tilted critic pays. Because the square bends more
# than the logarithm, least squares gets more drag out of the same spread.

# %%
drag = {}
for name, losses, between in (
    ("non-saturating", cross_entropy, 0.0),
    ("least squares", least_squares, 0.5),
):
    game = point_gan(losses.critic_loss, losses.generator_loss, middle=between, spread=0.5)
    drag[name] = -game.jacobian(middle)[1, 1].item()
    claim(game.eigenvalues(middle).real.max() < -0.05, f"{name}: points with a spread come to rest")
ratio = drag["least squares"] / drag["non-saturating"]
claim(abs(ratio - 4) < 1e-6, "the drag on the least-squares critic is four times as strong")

# %% [markdown]
# So when somebody says that a loss "is more stable", ask: at which data, and against which critic? On
# one point neither comes to rest except by creeping. With a spread both do.
#
# ## Now with networks, in the plane
#
# Enough of two numbers. The data are a mixture of three bumps whose density we know, so that the
# generator can be marked. Generator and critic are networks with two hidden layers of 64 units. The
# generator turns a point of the square $[-1, 1]^2$ into a point of the plane. The critic gets four turns
# for one of the generator's. The library's `train` plays the game; chapter 04 reads it line by line.

# %%
data, recipe = triangle(), recipe_of(turns=4, looks=25)
watch = Looks(Viewer(data, recipe.objective))
watch(Trainer(recipe, None))  # a look at the networks before any training
show_source(recipe_of)

# %% tags=["nbval-ignore-output"]
trainer = train(recipe, data, device="cpu", on_tick=watch)
print(f"{trainer.shown:,} points shown to the critic, {len(watch.frames)} looks")

# %%
REST = {"critic": math.log(4), "generator": math.log(2)}  # (1.1) and (1.2) at D = 0
real, span = watch.viewer.real(), watch.viewer.window.span
figure = plt.figure(figsize=(9.0, 6.2))
six_views(
    watch.frames[-1],
    trainer.history,
    watch.divergences,
    real=real,
    span=span,
    equilibrium=REST,
    figure=figure,
)
shown_in_few_colours(figure)

# %% [markdown]
# **Figure 1.7** Six views of the trained pair. - Read them one by one:
#
# - *Points.* The two clouds lie on each other. A few generated points are left between the bumps.
# - *Critic.* Light where it scores high. Beyond the points the greys are cut off: nothing was learnt
#   there.
# - *Generator's grid.* Where a square grid in noise ends up, darker where it is dense. The generator
#   cannot tear the square. It has crowded it onto three heaps and stretched thin what is between.
# - *Pushes.* The arrow of (1.5) times the critic's slope at each point: what the generator hears.
#   Points between the bumps are sent to them. Within a bump the arrows disagree, which is right there.
# - *Losses.* Both end near the dotted lines, their values at equilibrium; the critic is a little
#   ahead.
# - *JS divergence*, measured against the known density: the only curve here that says how good it is.
#
# The divergence is that of (1.4), measured without the critic: both distributions are blurred a
# little, then compared cell by cell over the window. The slider below goes through the whole run.

# %%
replay(watch.frames, trainer.history, real=real, span=span, equilibrium=REST, panels=4)

# %% [markdown]
# **Figure 1.8** Four moments: the critic with real points, the generator's grid, and the pushes. - At
# first the whole grid is a crumpled speck, and an untrained critic tells it where to go. Then the
# sheet is pulled over the data, and the critic's job becomes fine work.
#
# 1. Find the moment at which the divergence falls fastest. What do the two losses do then?
# 2. Late in the run, do the critic's light places stay where they are?
#
# <details><summary>Answers</summary>
#
# 1. In the first looks. The critic's loss *rises* and the generator's falls, although nothing gets
#    worse for anybody but the critic: it has less and less to tell apart.
# 2. No. The bumps stay light, but the pattern within and between them shifts from look to look. As soon
#    as the generator has followed the arrows, they point elsewhere: the circling of Figure 1.5, in
#    thousands of dimensions.
#
# </details>

# %%
shown_at, js = watch.divergences
promise = [(math.log(4) - row["critic_loss"]) / 2 for row in trainer.history]
end = trainer.history[-1]
claim(js[0] > 0.5 and max(js[-5:]) < 0.15, "JS falls from over 0.5 to below 0.15")
claim(1.1 < end["critic_loss"] < math.log(4), "the critic's loss ends below log 4")
claim(abs(end["generator_loss"] - math.log(2)) < 0.25, "the generator's ends near log 2")
claim(
    all(low < high + 0.05 for low, high in zip(promise[5:], js[6:], strict=True)),
    "after the first looks the promise ½ (log 4 - loss) stays below the measured JS, or near it",
)

# %% [markdown]
# ## Over several seeds: how good should the critic be?
#
# Theory says: the better the critic, the closer the generator follows JS. Figure 1.4 says: for the
# saturating form a good critic is a silent one. Who is right here? This table was recorded: both
# forms, one to eight turns of the critic in a round, several seeds each.

# %%
recorded = load_table("critic_turns")
runs, turns = recorded["runs"], recorded["settings"]["turns"]
seeds = len({run["seed"] for run in runs})
cpu = sum(run["seconds"] for run in runs) / 60
print(f"{recorded['command']}\n{len(runs)} runs, {seeds} seeds, {cpu:.0f} minutes of one processor")
print(recorded["machine"]["device_name"])
print(f"{'':16}{'turns':>6}{'JS, median':>12}{'worst':>8}{'critic loss':>13}")
cells = {}
for form in ("non-saturating", "saturating"):
    for turn in turns:
        cell = [run for run in runs if (run["form"], run["turns"]) == (form, turn)]
        js = torch.tensor([run["divergence"] for run in cell])
        loss = torch.tensor([run["critic_loss"] for run in cell])
        cells[form, turn] = js, loss
        print(f"{form:16}{turn:6}{js.median():12.3f}{js.max():8.3f}{loss.median():13.2f}")

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 2.9), sharex=True)
for side, (form, colour) in enumerate(
    [("non-saturating", "cross_entropy"), ("saturating", "saturating")]
):
    for place, turn in enumerate(turns):
        for ax, values in zip((left, right), cells[form, turn], strict=True):
            where = torch.full_like(values, place + 0.2 * side - 0.1)
            ax.plot(where, values, "o", color=PALETTE[colour], markersize=5, alpha=0.8)
    left.plot([], [], "o", color=PALETTE[colour], label=form)
left.set(ylabel="JS at the end", ylim=(0, 0.32), xlabel="turns of the critic in a round")
right.set(ylabel="critic's loss at the end", xlabel="turns of the critic in a round")
right.axhline(math.log(4), color=PALETTE["critic"], linestyle=":", linewidth=1)
right.set_xticks(range(len(turns)), turns)
_ = left.legend()

# %% [markdown]
# **Figure 1.9** One dot a run, after 1,000 turns of the generator. Left: how far the generator is from
# the data. Right: what the critic's loss says; dotted: log 4, where nothing can be told apart. - With
# one turn the critic's loss stands on the dotted line, as at a perfect equilibrium, and its generators are
# the worst. Four turns are good for most runs. With eight some are as good, and others ended badly.

# %%
for form in ("non-saturating", "saturating"):
    few, four = cells[form, 1], cells[form, 4]
    claim(four[0].median() < few[0].median() / 2, f"{form}: four turns halve the median JS of one")
    blind = (few[1] - math.log(4)).abs().max() < 0.01 and few[0].min() > 0.1
    claim(blind, "one turn: losses as at rest, and JS over 0.1 in every run")
worst = {form: cells[form, 8][0].max() for form in ("non-saturating", "saturating")}
claim(worst["saturating"] > 0.2 > worst["non-saturating"], "eight turns: only saturating above 0.2")

# %% [markdown]
# What happened to the runs that ended badly in spite of a good critic? The points that they ended with
# were recorded too. Count how many lie at each of the three bumps; the data have ½, ¼ and ¼.

# %%
kept, lost = load_pictures("critic_turns"), {1: [], 2: []}
for run in runs:
    if run["turns"] >= 4 and run["divergence"] > 0.09:
        points = torch.tensor(kept[f"{run['form']} {run['turns']} {run['seed']}"]).float()
        nearest = torch.cdist(points, data.centres).argmin(dim=1)
        share = nearest.bincount(minlength=3) / len(points)
        told = (math.log(4) - run["critic_loss"]) / 2
        lost[(share < 0.02).sum().item()].append((run["divergence"], told))
        shares = ", ".join(f"{part:.2f}" for part in share)
        print(f"{run['form']:15} {run['turns']} turns: {shares}; JS {run['divergence']:.2f}")

# %%
ours = torch.tensor([1 / 2, 1 / 4, 1 / 4])
one = jensen_shannon(ours, torch.tensor([2 / 3, 1 / 3, 0])).item()
two = jensen_shannon(ours, torch.tensor([1.0, 0, 0])).item()
print(f"JS of the three shares alone: one bump missing {one:.3f}, two missing {two:.3f}")
claim(
    all(abs(js - two) < 0.01 for js, _ in lost[2]), "with two bumps lost, that is all of their JS"
)
claim(all(js > one for js, _ in lost[1]), "with one bump lost, JS is no lower than that")
both = lost[1] + lost[2]
claim(
    max(abs(js - told) for js, told in both) < 0.04, "and the critic's loss tells it, within 0.04"
)

# %% [markdown]
# They lost bumps: this is *mode collapse*, and chapter 05 counts it properly. The critic knows all about
# it, its loss measures JS. But look at (1.3) where all points sit on the upper bump: there $q = 2p$, and
# the best critic says $\tfrac13$ to every one of them. Its opinion is clear, and **flat**. A point learns
# from the critic's slope where it is, and not from what the critic thinks of the place that is missing.
#
# Three lessons. *A loss at its equilibrium value proves nothing*: the critic of the first column is as
# good as blind. *A better critic helps*, as (1.4) says, up to a point. *A perfect critic can be a bad
# teacher*, in two ways: its loss saturates (Figure 1.4), or it is flat where the points are. (Five seeds
# are few, and the turning point depends on data, networks and rates. That the saturating form lost more
# bumps is what we saw here; why, we did not find out.)
#
# ## Play it live
#
# Figure 1.8 was a film. Here is the game itself, on the same data and with the same networks. *Play* trains
# it before your eyes, in the background: you can run other cells meanwhile. *Critic alone* and *Generator
# alone* let one player move while the other stands still, as many times as the slider *turns at a time*
# says (set it to 50). Whatever else you change, the game starts again from the same seed.
#
# Predict before you press:
#
# 1. From the start, the critic alone takes 50 turns. What do the points do? And its loss?
# 2. Play about 200 rounds, pause, and let the generator alone take 100 turns. Does JS go on falling, now that
#    nobody disturbs the generator?
# 3. Then play on. Is the damage for ever?
# 4. Choose the data *drawn*, press *New drawing*, and draw something in the first panel. What shape can this
#    generator not make?

# %%
LiveLab("triangle, cross-entropy, width=64, turns=4, batch=128", strip=(0, 30, 100, 400)).show()

# %% [markdown]
# **Figure 1.10** The live game after 0, 30, 100 and 400 rounds: points, critic, and the generator's grid. - The
# points first spread over everything the critic calls real, and find the three bumps later. Run this cell
# to play; the six views are those of Figure 1.7, and the line *to share* holds all settings.
#
# <details><summary>Answers</summary>
#
# 1. The points stand still, to the last bit: the critic's turn moves the critic. Its loss falls from log 4 to
#    less than half of that, because nobody answers.
# 2. It rises, and far. The generator runs to where an old critic once saw high scores, past the data and on.
#    Nobody tells it that it has gone too far: the point that walked past 0 in Figure 1.2, with 64 units.
# 3. No. Within 150 rounds the critic has learnt where the points are now, and has led them back.
# 4. Anything in pieces. The sheet of Figure 1.7 can be stretched thin between the pieces, and never torn.
#
# </details>
#
# ## What goes wrong
#
# **A shape that broadcasts.** *Symptom.* The critic's loss starts at its equilibrium value and stays:
# nothing seems to be wrong, and nothing is learnt. *Cause.* Many networks end in a layer with one
# output, shape $(N, 1)$; labels have the shape $(N,)$. Put into a hand-written cross-entropy, PyTorch
# pairs each score with *each* label, $(N, N)$. Half of the labels say "real", for every score. The
# best answer to that is ½, always.


# %%
def by_labels(scores, labels):
    """Cross-entropy as one writes it down: right for two (N,), and for nothing else."""
    return -(labels * logsigmoid(scores) + (1 - labels) * logsigmoid(-scores)).mean()


labels = torch.cat([torch.ones(8), torch.zeros(8)])
perfect = torch.where(labels == 1, 10.0, -10.0)  # the scores of a critic that knows
print(f"shapes (N,) and (N,):   {by_labels(perfect, labels).item():.4f}")
print(f"shapes (N, 1) and (N,): {by_labels(perfect[:, None], labels).item():.4f}")

blind = torch.zeros(16, 1, requires_grad=True)
(slope,) = torch.autograd.grad(by_labels(blind, labels), blind)
claim(slope.abs().max() < 1e-8, "a critic that starts blind is never told to open its eyes")
try:
    cross_entropy.critic_loss(perfect[:8, None], perfect[8:, None])
except ValueError as refused:
    print(refused)

# %% [markdown]
# *Cure.* `scores.squeeze(1)`, or `scores.flatten()`. *Guard.* The last line above: every loss of this
# library refuses scores that are not $(N,)$.
#
# **A gradient that arrives at the wrong address.** *Symptom.* The critic learns, the generator does not
# move. *Cause.* In the critic's turn the generated samples were not cut off with `detach()`. So
# `backward()` also leaves a gradient in the *generator*: the critic's wish that it should draw worse.
# If that is not set to zero before the generator's turn, the two wishes are added. For the saturating
# loss they are opposites, to the last bit of (1.1):

# %%
shift = torch.tensor(2.0, requires_grad=True)
real, noise = torch.randn(256), torch.randn(256)
score = -0.7 * torch.stack([real, noise + shift])  # a critic with the slope -0.7
d_loss = cross_entropy.critic_loss(*score)
d_loss.backward(retain_graph=True)  # no detach before it, and no zero_grad after it
wish = shift.grad.item()
cross_entropy.generator_loss(score[1], saturating=True).backward()
claim(wish < -0.01, "the critic's loss goes down when the samples move away from the data")
claim(abs(shift.grad) < 1e-6, "added to the generator's own wish: zero. It stands still")

# %% [markdown]
# With the non-saturating loss the sum is not zero but $2\sigma(D) - 1$ for each sample: it pushes only
# those that the critic recognises, and pushes back the others. That runs, and is not the game. *Cure.*
# Make the critic's samples under `torch.no_grad()`, or `detach` them; call `zero_grad` right before
# the `backward` it belongs to. *Guard.* Read `Trainer._critic_step` in `lsgan_lib/training/loop.py`:
# it does both.
#
# **A critic that is too good, and a loss that saturates.** You have seen it: Figure 1.4. *Symptom.* The
# critic's loss is near 0 and the samples do not move. *Cause.* (1.5), left column. *Cure.* The other form, or
# a critic that is held back. *Guard.* `CrossEntropy()` is non-saturating unless you ask.
#
# ## Exercises
#
# Replace `None` by your answer and run the cell. Solutions:
# [solutions/01_solutions.ipynb](solutions/01_solutions.ipynb).
#
# ### Exercise 1.1
#
# *On paper.* The smallest GAN stands at $\theta = 1$, $\psi = -1$. Play one round at the rate
# $\tfrac12$ with the non-saturating loss, the critic first. You need $\sigma(-1) = 0.269$ and
# $\sigma(-1.134) = 0.243$. Give both numbers to two decimals.

# %%
new_psi = None
new_theta = None
exercises.check_1_1(new_psi, new_theta)

# %% [markdown]
# ### Exercise 1.2
#
# *On paper.* There are two places, $p = (\tfrac34, \tfrac14)$ and $q = (\tfrac14, \tfrac34)$. Give the
# best critic's scores at both, then JS, then the best critic's loss, to three decimals.

# %%
best_scores = None  # (at the first place, at the second)
divergence = None
loss = None
exercises.check_1_2(best_scores, divergence, loss)

# %% [markdown]
# ### Exercise 1.3
#
# *Reading.* Three loops, each round of which somebody wrote in good faith. `G` and `D` are networks
# whose last layer is `Linear(64, 2)` and `Linear(64, 1)`, `g_opt` and `d_opt` their optimisers,
# `flat(D(x))` gives scores of shape $(N,)$. Say of each: `"fine"`, `"mixed"` (a gradient arrives where
# it should not and is used), or `"broadcast"`.
#
# ```python
# # A
# with torch.no_grad():
#     fake = G(noise())
# scores = D(torch.cat([real, fake]))
# labels = torch.cat([torch.ones(len(real)), torch.zeros(len(fake))])
# d_loss = -(labels * logsigmoid(scores) + (1 - labels) * logsigmoid(-scores)).mean()
# d_opt.zero_grad(); d_loss.backward(); d_opt.step()
# g_loss = -logsigmoid(flat(D(G(noise())))).mean()
# g_opt.zero_grad(); g_loss.backward(); g_opt.step()
#
# # B
# fake = G(noise())
# d_loss = softplus(-flat(D(real))).mean() + softplus(flat(D(fake.detach()))).mean()
# d_opt.zero_grad(); d_loss.backward(); d_opt.step()
# g_loss = softplus(-flat(D(fake))).mean()
# g_opt.zero_grad(); g_loss.backward(); g_opt.step()
#
# # C
# d_opt.zero_grad(); g_opt.zero_grad()
# d_loss = softplus(-flat(D(real))).mean() + softplus(flat(D(G(noise())))).mean()
# d_loss.backward(); d_opt.step()
# g_loss = softplus(-flat(D(G(noise())))).mean()
# g_loss.backward(); g_opt.step()
# ```

# %%
loops = {"A": None, "B": None, "C": None}
exercises.check_1_3(loops)

# %% [markdown]
# ### Exercise 1.4
#
# *In code.* You are told a critic's loss, and nothing else. Write a function that returns the largest
# value that JS is sure to reach. It must never promise too much, and never less than 0.


# %%
def at_least(critic_loss):
    """A lower bound of JS."""
    return None


exercises.check_1_4(at_least)

# %% [markdown]
# ### Exercise 1.5
#
# *Experiment.* Play the bilinear game. After how many rounds *at once*, at the rate $0.1$, has the
# distance from the middle doubled? Work it out from (1.6) first. Then play *in turn* at the rate
# $0.5$: what is the largest distance on the orbit, divided by the smallest, to one decimal?

# %%
rounds_to_double = None
largest_over_smallest = None
exercises.check_1_5(rounds_to_double, largest_over_smallest)

# %% [markdown]
# ### Exercise 1.6
#
# *Experiment.* Find the smallest penalty, to one decimal, with which the game does not turn any more:
# for cross-entropy, and for the Wasserstein losses. Predict the second from the first.

# %%
penalty_cross_entropy = None
penalty_wasserstein = None
exercises.check_1_6(penalty_cross_entropy, penalty_wasserstein)

# %% [markdown]
# ### Exercise 1.7
#
# *Open.* Change how the players move, not what they want. Write a rule that brings the *bilinear* game
# within 0.01 of its equilibrium in 500 rounds at the rate 0.2, wherever the data lie. You may ask
# `game.field(states)` as often as you like. The check looks at where the game ends, and that it stays
# there. Then say what your rule costs.


# %%
def my_turn(game, states, rate):
    """States (..., 2) after one round."""
    return None


exercises.check_1_7(my_turn)

# %% [markdown]
# ## Summary
#
# A critic is a classifier of real and generated samples, and the generator learns from its slope alone.
# The best critic says $p/(p+q)$, and its loss measures the Jensen-Shannon divergence; any other critic's
# loss gives a lower bound. Both forms of the generator's loss push every sample the same way. The
# saturating one dies where the critic is sure, the non-saturating one where it is fooled. The two players
# have no common loss, so they can circle: at once they spiral out, in turn they stay on an orbit, and none
# of the five pairs of losses we tried has a drag of its own at equilibrium. A penalty on the critic's slope or a spread of
# the points brings one. Losses at their equilibrium values prove nothing; measure what was made.
#
# **In symbols**
#
# $$
# \sigma(D^*) = \frac{p}{p+q}, \qquad V(D^*, G) = 2\,\mathrm{JS}(p, q) - \log 4, \qquad
# \lambda = -\tfrac{\gamma}{2} \pm \sqrt{\tfrac{\gamma^2}{4} - \tfrac14}
# $$
#
# ## Questions to ask yourself
#
# 1. What does the generator know about the data? Through which numbers?
# 2. Why is the best critic's score the logarithm of a ratio of densities?
# 3. Your critic's loss is 0.2. What can you say about JS? And if it is 1.386?
# 4. Both forms of (1.2) push every sample the same way. How can they train so differently?
# 5. In Figure 1.2, who is late: the critic or the generator?
# 6. Why does taking turns keep the bilinear game in bounds, and why does it not bring it to rest?
# 7. What would a pair of eigenvalues with a positive real part look like in Figure 1.5?
# 8. Why can the generator of Figure 1.7 not avoid points between the bumps?
# 9. A friend shows you curves that stand exactly on log 4 and log 2. What do you ask for?
# 10. Which of the three mistakes of *What goes wrong* would a falling learning rate repair?
#
# ## Further reading
#
# - Goodfellow et al. 2014: sections 3 and 4 are (1.1) to (1.4) in two pages. Their algorithm 1 lets the
#   critic take $k$ turns.
# - Mescheder, Geiger and Nowozin 2018: the smallest GAN, there called Dirac-GAN, and which
#   regularisers make it converge. Compare their penalty with (1.7).
# - Mescheder, Nowozin and Geiger 2017: games as vector fields, and why eigenvalues without a real part
#   are the trouble.
# - Arjovsky and Bottou 2017: what becomes of the gradient when the critic is the best and the
#   distributions do not overlap. Figure 1.4 is a small relative of their experiments.
# - GAN Lab (poloclub/ganlab, runs in a browser): the page that first hung these six views side by side, live, with
#   data that you draw yourself. The live game above is its pupil.
#
# ## References
#
# - I. Goodfellow et al. *Generative Adversarial Networks.* 2014.
#   [arXiv 1406.2661](https://arxiv.org/abs/1406.2661)
# - M. Arjovsky, L. Bottou. *Towards Principled Methods for Training Generative Adversarial Networks.*
#   ICLR 2017. [arXiv 1701.04862](https://arxiv.org/abs/1701.04862)
# - L. Mescheder, S. Nowozin, A. Geiger. *The Numerics of GANs.* NIPS 2017.
#   [arXiv 1705.10461](https://arxiv.org/abs/1705.10461)
# - L. Mescheder, A. Geiger, S. Nowozin. *Which Training Methods for GANs do actually Converge?* ICML
#   2018. [arXiv 1801.04406](https://arxiv.org/abs/1801.04406)
# - M. Kahng, N. Thorat, D. H. Chau, F. Viégas, M. Wattenberg. *GAN Lab: Understanding Complex Deep
#   Generative Models using Interactive Visual Experimentation.* 2018.
#   [arXiv 1809.01587](https://arxiv.org/abs/1809.01587)
#
# **Back:** [00 - start here](00_start_here.ipynb). **Next:**
# [02 - derive the least-squares losses](02_derive_least_squares.ipynb): two squares replace the two
# logarithms of (1.1).

# %% tags=["nbval-ignore-output"]
versions()
