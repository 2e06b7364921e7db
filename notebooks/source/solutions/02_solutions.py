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
# # 02 - Solutions: derive the least-squares losses
#
# Solutions to the exercises of [chapter 02](../02_derive_least_squares.ipynb), each put through the
# same check. Try them yourself first.

# %%
import matplotlib.pyplot as plt
import torch

from lsgan_lib.book import claim, setup
from lsgan_lib.exercises import chapter_02 as exercises
from lsgan_lib.figures import PALETTE
from lsgan_lib.losses import cross_entropy, least_squares

setup(seed=2)

# %% [markdown]
# ### Solution 2.1
#
# Put $D = 2$ into (2.3). Since $\sigma(2) = 0.88$, the saturating slope is $-0.88$ and the
# non-saturating one $0.88 - 1 = -0.12$. Least squares with $c = 1$ has $2 - 1 = 1$.
#
# A sample comes to rest where its slope is zero: for $c = 0$ at $D = 0$.

# %%
slopes_at_2 = (-0.88, -0.12, 1.0)
rest = 0
exercises.check_2_1(slopes_at_2, rest)

# %% [markdown]
# Two of the three slopes are negative: going down the slope lifts this score further, although the
# critic already takes the sample for real. The saturating loss lifts it seven times as hard as the
# non-saturating one. It dies at the other end.
#
# ### Solution 2.2
#
# At the first place $p = \tfrac34$ and $q = \tfrac14$, so (2.4) gives
# $D^* = (1 \cdot \tfrac34 - 1 \cdot \tfrac14) / 1 = \tfrac12$. The second place is its mirror
# image: $-\tfrac12$. Each place adds $(\tfrac12)^2 / 1 = \tfrac14$ to $T$, so $T = \tfrac12$. With
# $(0, 1, 1)$ in (2.5): $2C = \tfrac12 (0 + 1 - 2)^2 + \tfrac14 \cdot \tfrac12 = \tfrac58$.

# %%
best_scores = (0.5, -0.5)
T = 0.5
two_C = 0.625
exercises.check_2_2(best_scores, T, two_C)

# %% [markdown]
# ### Solution 2.3
#
# Solve (2.6) for $T$: $T = 2 - 8\,L_D^* / (b-a)^2$.


# %%
def remaining(critic_loss, a=0.0, b=1.0):
    """T, read from the loss of the best critic."""
    return 2 - 8 * critic_loss / (b - a) ** 2


exercises.check_2_3(remaining)
claim(remaining(1 / 4) == 0 and remaining(0) == 2, "1/4 means T = 0, and 0 means T = 2")

# %% [markdown]
# A critic that is not the best has a higher loss than the best one. So what you read from it is too
# small: a lower bound of $T$. This is why a loss of ¼ proves nothing by itself.
#
# ### Solution 2.4


# %%
def fake_only(p, q, a, b, c):
    """Value of (2.2) at the best critic, for probabilities p and q of shape (K,)."""
    best = (b * p + a * q) / (p + q)
    return (q * (best - c) ** 2).sum() / 2


exercises.check_2_4(fake_only)

# %% [markdown]
# To look for the minimum, keep $p$ and draw many $q$: none may have a smaller value than $q = p$.

# %%
logits = 2 * torch.randn(2001, 6, dtype=torch.float64)
p, *others = torch.softmax(logits, dim=1)
for coding, smallest in {(0, 1, 1): True, (-1, 1, 0): True, (0, 1, 0): False}.items():
    at_p = fake_only(p, p, *coding)
    found = all(fake_only(p, q, *coding) >= at_p for q in others)
    claim(found == smallest, f"{coding}: {'no' if smallest else 'some'} q is better than q = p")

# %% [markdown]
# For the two codings of the paper the minimum is where it should be. The values are
# $\tfrac12 \sum q\,(q/(p+q))^2$ and $\tfrac12 \sum q\,((p-q)/(p+q))^2$: other divergences than $T$,
# and neither is symmetric in $p$ and $q$. For $(0,1,1)$ a proof takes two steps. The mean of a
# square is at least the square of the mean, so the sum is at least $\big(\sum q \cdot q/(p+q)\big)^2$.
# And $\sum q^2/(p+q) \ge (\sum q)^2 / \sum (p+q) = \tfrac12$ (Cauchy-Schwarz). Together: at least
# $\tfrac18$, the value at $q = p$. For $(-1, 1, 0)$ each term is a square, and all vanish at $q = p$.
#
# With $(0, 1, 0)$ the generator aims at the score of generated samples. It does best where the
# critic recognises every one of them, far from the data. Adding the term with $p$ would have hidden
# this: by (2.5) that sum *has* its minimum at $T = 0$.
#
# ### Solution 2.5
#
# The grid and the formula of `pulls` once more, for any width: dividing the distance by the width
# leaves the pull unchanged but for its unit.

# %%
x = torch.linspace(-12, 20, 3201, dtype=torch.float64)


def pull(distance, width):
    """Pull of (0, 1, 1) at the best critic, for normal densities of this width."""
    q = torch.exp(-(((x - distance) / width) ** 2) / 2)
    real_share = torch.sigmoid((distance**2 / 2 - distance * x) / width**2)
    rise = -distance / width**2 * real_share * (1 - real_share)
    return ((q / q.sum()) * (real_share - 1) * rise).sum()


distances = torch.linspace(0.1, 4, 40, dtype=torch.float64)
hardest = {}
for width in (1.0, 0.5):
    strength = torch.stack([pull(distance, width) for distance in distances])
    hardest[width] = round(distances[strength.argmax()].item(), 1)
    print(f"width {width}: hardest at {hardest[width]}")

# %%
hardest_at, hardest_at_half_width = hardest[1.0], hardest[0.5]
exercises.check_2_5(hardest_at, hardest_at_half_width)

# %% [markdown]
# Half the width, half the distance: the best critic reaches about two widths. Narrow densities,
# such as images on a thin surface in pixel space, are out of each other's reach almost at once. This
# is why a critic that is *not* the best, or one whose slope is held in bounds, is a friend.
#
# ### Solution 2.6
#
# One of many answers: the distance to 1, made smooth. Its slope is $e / \sqrt{1 + e^2}$ with the
# error $e = D - 1$: near 1 it is the error, as for least squares, and it never exceeds 1.


# %%
def my_loss(fake):
    """Scores of shape (N,) -> scalar, a mean over the batch."""
    return (1 + (fake - 1) ** 2).sqrt().mean()


exercises.check_2_6(my_loss)

# %%
start = torch.linspace(-5, 7, 121)
losses = {
    "cross-entropy": cross_entropy.generator_loss,
    "least squares": least_squares.generator_loss,
    "bounded": my_loss,
}
ends = {}
for name, loss in losses.items():
    score = start.clone()  # a linear critic of slope 1: scores move as points do
    for _ in range(60):
        score = score.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(loss(score) * len(score), score)
        score = score - 0.1 * gradient
    ends[name] = score.detach()

fig, ax = plt.subplots(figsize=(6, 3.4))
for name, colour in zip(losses, ("cross_entropy", "least_squares", "critic"), strict=True):
    ax.plot(start, ends[name], color=PALETTE[colour], label=name)
ax.legend()
ax.axhline(1, color=PALETTE["guide"], linewidth=1)
_ = ax.set(xlabel="score at the start", ylabel="score after 60 steps")

# %%
claim((ends["least squares"] - 1).abs().max() < 0.02, "least squares: all scores end near 1")
claim(
    0.02 < (ends["bounded"] - 1).abs().max() < 1.5,
    "bounded: the farthest scores are still on their way, but none is left behind",
)
claim((ends["cross-entropy"] - start)[-1] < 0.02, "cross-entropy leaves the highest score alone")

# %% [markdown]
# What it gives up: speed. Least squares shrinks every error by the same share at each step; the
# bounded loss walks at a constant pace and needs more steps the further it has to go. What it gains:
# one sample with a wild score can no longer outweigh the rest of the batch.
