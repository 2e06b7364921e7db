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
# # 01 - Solutions: meet the game
#
# Solutions to the exercises of [chapter 01](../01_meet_the_game.ipynb), each put through the same
# check. Try them yourself first.

# %%
import math

import matplotlib.pyplot as plt
import torch

from lsgan_lib.book import claim, setup
from lsgan_lib.evaluation.divergences import jensen_shannon
from lsgan_lib.exercises import chapter_01 as exercises
from lsgan_lib.figures import PALETTE
from lsgan_lib.games import play, point_gan
from lsgan_lib.losses import cross_entropy, wasserstein

setup(seed=1)

bilinear = point_gan(wasserstein.critic_loss, wasserstein.generator_loss)
usual = point_gan(cross_entropy.critic_loss, cross_entropy.generator_loss)

# %% [markdown]
# ### Solution 1.1
#
# The critic: its slope is $\theta\,\sigma(\psi\theta) = \sigma(-1) = 0.269$, so
# $\psi = -1 - \tfrac12 \cdot 0.269 = -1.134$. The generator answers the *new* critic: its slope is
# $-\psi\,(1 - \sigma(\psi\theta)) = 1.134 \cdot (1 - 0.243) = 0.858$, so
# $\theta = 1 - \tfrac12 \cdot 0.858 = 0.57$.

# %%
new_psi, new_theta = -1.13, 0.57
exercises.check_1_1(new_psi, new_theta)

# %% [markdown]
# ### Solution 1.2
#
# By (1.3) the scores are $\log 3$ and $-\log 3$. The mixture is $(\tfrac12, \tfrac12)$, so each KL
# divergence is $\tfrac34 \log \tfrac32 + \tfrac14 \log \tfrac12 = 0.131$, and so is their mean. The loss
# is $\log 4 - 2 \cdot 0.1308 = 1.125$.

# %%
best_scores = (math.log(3), -math.log(3))
divergence = 3 / 4 * math.log(3 / 2) + 1 / 4 * math.log(1 / 2)
loss = math.log(4) - 2 * divergence
print(f"JS {divergence:.3f}, loss {loss:.3f}")
exercises.check_1_2(best_scores, divergence, loss)

# %% [markdown]
# The critic names the right kind in three of four cases, and yet its loss is only a fifth below that of
# a blind one.
#
# ### Solution 1.3
#
# A: `scores` has the shape $(2N, 1)$, `labels` $(2N,)$, their product $(2N, 2N)$: broadcast. B is fine.
# The samples are detached in the critic's turn. In the generator's turn gradients do reach the critic's
# weights, but `d_opt.zero_grad()` removes them before they are used. C: the samples of the critic's turn
# are not detached, so its `backward` leaves a gradient in the generator, and `g_opt.step()` uses the sum
# of both.

# %%
loops = {"A": "broadcast", "B": "fine", "C": "mixed"}
exercises.check_1_3(loops)

# %% [markdown]
# ### Solution 1.4
#
# Any critic's loss is at least the best one's, $\log 4 - 2\,\mathrm{JS}$. Solved for JS:
# $\mathrm{JS} \ge \log 2 - \tfrac12 L$. A blind critic promises 0. One that is worse than blind would
# promise less, but JS is never negative.


# %%
def at_least(critic_loss):
    """A lower bound of JS."""
    return max(0.0, math.log(2) - critic_loss / 2)


exercises.check_1_4(at_least)

# %%
p, q = torch.softmax(1.5 * torch.randn(2, 5, dtype=torch.float64), dim=1)
truth, promises = jensen_shannon(p, q).item(), []
for share in (0.0, 0.25, 0.5, 0.75, 1.0, 2.0):  # of the best critic's scores
    score = share * (p / q).log()
    loss = -(p * score.sigmoid().log()).sum() - (q * (-score).sigmoid().log()).sum()
    promises.append(at_least(loss.item()))
claim(max(promises) <= truth + 1e-9, "no critic promises more than there is")
claim(abs(promises[4] - truth) < 1e-6 and promises[0] < 1e-6, "the best all, the blind one nothing")
claim(promises[5] < truth, "one that is too sure of itself promises less than the best")

# %% [markdown]
# ### Solution 1.5
#
# At once, the distance grows by $\sqrt{1 + 0.01}$ a round. It doubles after
# $\log 2 / \tfrac12 \log 1.01 = 139.3$ rounds, that is with round 140.
#
# In turn, (1.6) is an ellipse: on the two diagonals of the plane, $\psi = \theta$ and $\psi = -\theta$,
# the form $\theta^2 + \psi^2 - \eta\theta\psi$ is $(1 \mp \eta/2)\,r^2$. Both are the same constant, so
# the largest $r$ over the smallest is $\sqrt{(1 + \eta/2) / (1 - \eta/2)}$, for $\eta = \tfrac12$ about
# $1.29$.

# %%
start = torch.tensor([1.0, 0.5], dtype=torch.float64)
radius = play(bilinear.simultaneous, start, 0.1, 200).norm(dim=-1)
rounds_to_double = (radius >= 2 * radius[0]).nonzero()[0].item()
orbit = play(bilinear.alternating, start, 0.5, 2000).norm(dim=-1)
largest_over_smallest = (orbit.max() / orbit.min()).item()
print(rounds_to_double, round(largest_over_smallest, 2))
exercises.check_1_5(rounds_to_double, largest_over_smallest)

# %% [markdown]
# And the promise of the chapter: how slowly does the non-saturating game creep in? Write
# $u = \psi\theta$. The arrow is $(\psi\,(1 - \sigma(u)),\ -\theta\,\sigma(u))$. Its part along the radius
# is $u\,(1 - 2\sigma(u)) = -u \tanh(u/2)$, about $-u^2/2$ near the middle, so
# $\frac{d}{dt} r^2 = -u^2$. On a circle $u = \tfrac12 r^2 \sin 2\varphi$, and the mean of $\sin^2$ is
# $\tfrac12$: $\frac{d}{dt} r^2 = -\tfrac18 r^4$, and so $r^2 = 8/t$ after a long time $t$, whatever the
# start.

# %%
rate, rounds = 0.1, 8000
states = play(usual.alternating, torch.tensor([[1.0, 0.0], [0.0, 2.0]]), rate, rounds)
r = states.norm(dim=-1)[-500:].mean(dim=0)
expected = (8 / (rate * (rounds - 250))) ** 0.5
claim(((r / expected - 1).abs() < 0.1).all(), "after 8000 rounds: √(8/t) within a tenth, twice")

# %% [markdown]
# ### Solution 1.6
#
# Cross-entropy turns with $i/2$, and (1.7) becomes real at $\gamma = 1$. The bilinear game turns twice
# as fast: under its root stands $\gamma^2/4 - 1$, and it needs $\gamma = 2$.

# %%
weights = [step / 10 for step in range(1, 31)]
middle = torch.zeros(2, dtype=torch.float64)


def first_without_turning(losses):
    """The smallest of the weights whose eigenvalues have no imaginary part."""
    for weight in weights:
        game = point_gan(losses.critic_loss, losses.generator_loss, penalty=weight)
        # at the very point where the two eigenvalues meet, rounding leaves about 1e-8
        if game.eigenvalues(middle).imag.abs().max() < 1e-6:
            return weight


penalty_cross_entropy = first_without_turning(cross_entropy)
penalty_wasserstein = first_without_turning(wasserstein)
print(penalty_cross_entropy, penalty_wasserstein)
exercises.check_1_6(penalty_cross_entropy, penalty_wasserstein)

# %% [markdown]
# ### Solution 1.7
#
# One of many answers: look ahead. Each player first sees where a round would lead, and then takes the
# arrow from *there*. At the end of a step along a circle the arrow points a little inwards. This is
# known as *extragradient* (Korpelevich 1976). Another: the critic's own slope is pulled back by a
# share in each round, the penalty of the chapter.


# %%
def my_turn(game, states, rate):
    """States (..., 2) after one round."""
    ahead = states + rate * game.field(states)
    return states + rate * game.field(ahead)


exercises.check_1_7(my_turn)

# %%
critic_only = torch.tensor([0.0, 1.0])


def with_drag(game, states, rate):
    """The critic steps and is pulled back, then the generator answers."""
    states = states + rate * (game.field(states) - states) * critic_only
    return states + rate * game.field(states) * (1 - critic_only)


exercises.check_1_7(with_drag)
fig, ax = plt.subplots(figsize=(3.6, 3.4))
begin = torch.tensor([1.0, 0.5])
for rule, colour in ((my_turn, "critic"), (with_drag, "least_squares")):
    path = play(lambda s, r, rule=rule: rule(bilinear, s, r), begin, 0.2, 300)
    ax.plot(*path.T, color=PALETTE[colour], linewidth=1.3, label=rule.__name__)
ax.legend(loc="lower left")
_ = ax.set(aspect="equal", xlabel="θ", ylabel="ψ")

# %% [markdown]
# What they cost. Looking ahead asks for the arrows twice: with networks, twice the computing. And far
# from the middle of a bent game it is no guarantee. The drag is cheap, but it also holds the critic back
# where it should be steep, and its weight has to be found.
