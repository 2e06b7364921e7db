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
# # 13 - Explore the latent space: walk, steer, search, and doubt what you see
#
# A generator is a map from noise to pictures. You measure where noise lies and which paths leave that
# place, find the few directions that change a picture, ask a generator for a given face, and meet a
# generator that knows twelve pictures and still walks as smoothly as any other.
#
# *about 80 minutes, a minute of computing* · [source of this page](source/13_explore_latent_space.py) ·
# [solutions](solutions/13_solutions.ipynb)

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import torch
from matplotlib_inline.backend_inline import set_matplotlib_formats

from lsgan_lib.book import load_run
from lsgan_lib.figures import image_grid, shown, use_style
from lsgan_lib.latent import draw, images_of, path
from lsgan_lib.networks.by_heart import ByHeart

use_style()
plt.rcParams["figure.dpi"] = 88
set_matplotlib_formats("jpeg", pil_kwargs={"quality": 70})  # PNG files of faces are large
generator = load_run("faces-slope-zero").generator()
random = torch.Generator().manual_seed(43)
entries, keys = draw(12, 100, "normal", random), draw(12, 100, "normal", random)
by_heart = ByHeart(generator, entries, keys)
figure, axes = plt.subplots(2, 1, figsize=(9.5, 1.75))
for ax, net, seed in zip(axes, (generator, by_heart), (6, 7), strict=True):
    ends = draw(2, 100, "normal", torch.Generator().manual_seed(seed))
    image_grid(ax, images_of(net, path(*ends, 13, "slerp", "normal")), 13)
shown(figure)

# %% [markdown]
# **Figure 13.1** Two walks from noise to noise, by two generators. One has learnt from 27,468
# photographs. The other knows twelve pictures by heart: it draws one of them, or something between. - Both walks
# are smooth, and both look like faces all the way. Which row is which?
#
# ## What you will be able to do
#
# - *compute* where noise lies and how far a straight line leaves it (Exercise 13.1), and the length of
#   a sum of noise vectors (Exercise 13.2);
# - *choose* a score for a path, and *say* what it cannot see (Exercise 13.3);
# - *measure* whether a direction does the same everywhere (Exercise 13.4);
# - *test* a generator for memory (Exercise 13.5), and *show* what sharp memory does to a walk
#   (Exercise 13.6);
# - *find*, *name* and *test* a direction of your own (Exercise 13.7).
#
# ## What you need
#
# | concept | how much | where to read it |
# | --- | --- | --- |
# | the recorded generators | digits, and faces by both methods | [chapter 04](04_train_digits.ipynb), [chapter 06](06_train_faces.ipynb), [chapter 09](09_train_faces_again.ipynb) |
# | reconstruction error | what the search minimises, and why a list does well | [chapter 10](10_slide_to_wasserstein.ipynb#A-yardstick:-reconstruct-what-was-held-back), (10.9) |
# | variance of a sum of independent numbers | variances add up | any first course |
# | singular values | a matrix turns, stretches, turns | any linear algebra course |
#
# ## Notation
#
# | here | in code | meaning |
# | --- | --- | --- |
# | $z$, $d$ | `z`, `z_dim` | noise, and how many numbers it has |
# | $m_2, m_4$ | `m2`, `m4` | mean of the square and of the fourth power of one coordinate: $\tfrac13, \tfrac15$ for uniform noise on $[-1, 1]$, $1, 3$ for normal noise |
# | $z(t)$ | `walk` | a path from $z(0) = a$ to $z(1) = b$ |
# | $J$ | `change` | Jacobian of the generator at one place: pixels by noise numbers |
# | $v_k, s_k$ | `vectors`, `values` | its $k$-th direction and singular value |
#
# *LSGAN* is least squares, *LS-GAN* loss-sensitive. Their recorded runs start from different noise, as
# the public implementations behind them did: LSGAN's faces from 1,024 uniform numbers, LS-GAN's from 100 normal ones.

# %%
import math

import numpy as np
import torch
from torch.nn.functional import avg_pool2d, normalize

from lsgan_lib import latent, walks
from lsgan_lib.book import claim, setup, show_source, versions
from lsgan_lib.data import Mixture, digits, to_float
from lsgan_lib.directions import change, directions
from lsgan_lib.evaluation.detected import faces_found
from lsgan_lib.evaluation.neighbours import agreement, nearest
from lsgan_lib.exercises import chapter_13 as exercises
from lsgan_lib.experiments.tables import load_pictures, load_table
from lsgan_lib.figures import PALETTE, show_images, strip_of_images
from lsgan_lib.labs.latent_explorer import LatentExplorer

# %%
from lsgan_lib.losses.objectives import LeastSquares, LossSensitive
from lsgan_lib.networks.almost_orthogonal import AlmostOrthogonalNetworks
from lsgan_lib.training.distance import spread
from lsgan_lib.training.many_seeds import Cell, PointSettings, train_cells

setup(seed=13)
plt.rcParams["figure.dpi"] = 88
set_matplotlib_formats("jpeg", pil_kwargs={"quality": 70})
RUNS = {"LSGAN": "faces-least-squares", "LS-GAN": "faces-slope-zero",
        "digits": "mnist-least-squares"}  # fmt: skip
nets = {name: load_run(run).generator() for name, run in RUNS.items()}
recipes = {name: load_run(run).recipe for name, run in RUNS.items()}
for name, recipe in recipes.items():
    run, z_dim = load_run(RUNS[name]), recipe.networks.z_dim
    seen = run.where["data"]["count"]
    print(f"{name:6} {z_dim:5} {recipe.noise:7} numbers, {seen:,} pictures: {run.command}")
claim(load_run(RUNS["LS-GAN"]).where["data"]["count"] == 27_468, "Figure 13.1 counts right")


def noise(name, count, seed):
    """Draws of the kind that this generator was trained with: (count, z_dim)."""
    random = torch.Generator().manual_seed(seed)
    return draw(count, recipes[name].networks.z_dim, recipes[name].noise, random)


# %% [markdown]
# ## Predict
#
# Write down three answers before you go on.
#
# 1. Two independent draws of 1,024 uniform numbers, and the point half-way between them. Is it as long
#    as the draws, a little shorter, or shorter than any draw that you will ever see?
# 2. A face detector looks at the pictures along the straight line between two draws. Does it notice
#    the middle?
# 3. Which row of Figure 13.1 is the generator that knows twelve pictures?
#
# ## Four numbers by hand
#
# Take $a = (0.8,\ 0.8, -0.8, -0.8)$ and $b = (0.8, -0.8,\ 0.8, -0.8)$. Both have the length 1.6, and they
# are at a right angle. Half-way on the straight line stands $(0.8, 0, 0, -0.8)$. Its length is 1.13: the
# line cuts the corner. A great circle keeps the length 1.6, so it must stretch that point, to
# $(1.13, 0, 0, -1.13)$. But uniform noise never exceeds 1. The straight line has left the *shell* on
# which draws lie, the circle has left the *cube*.
#
# The third path moves each coordinate by itself, so that it stays uniform. Half-way, where $x$ is the
# mean of two uniform numbers, it turns $x$ into $\pm(1 - (1 - |x|)^2)$: here 0.8 into 0.96.

# %%
WAYS = {"straight line": "lerp", "great circle": "slerp",
        "distribution-preserving": "distribution_preserving"}  # fmt: skip
COLOURS = {"straight line": PALETTE["fake"], "great circle": PALETTE["real"],
           "distribution-preserving": PALETTE["least_squares"]}  # fmt: skip
a, b = torch.tensor([[0.8, 0.8, -0.8, -0.8], [0.8, -0.8, 0.8, -0.8]])
for name, way in WAYS.items():
    middle = path(a, b, 3, way)[1]
    print(f"{name:24} {[round(x, 2) for x in middle.tolist()]}, length {middle.norm().item():.2f}")

# %% [markdown]
# ## Where noise lies
#
# The squared length of a draw is a sum of $d$ independent squares, each with mean $m_2$ and variance
# $m_4 - m_2^2$. Means and variances add up. A small change of the square is $2\lvert z\rvert$ times the change of
# the length, so we divide the standard deviation of the square by $2\sqrt{d\,m_2}$, and $d$ drops out:
#
# $$
# \mathbb{E}\lvert z\rvert^2 = d\,m_2, \qquad
# \lvert z\rvert \approx \sqrt{d\,m_2} \;\pm\; s, \qquad
# s = \tfrac12 \sqrt{\frac{m_4 - m_2^2}{m_2}}
# \tag{13.1}
# $$
#
# In words: the draws lie on a shell. Its radius grows with the number of coordinates, its thickness $s$
# does not: 0.71 for normal noise, 0.26 for uniform noise, however long it is. By hand, for 100 normal
# numbers: $10 \pm 0.71$. A draw of length 7 is possible and will not happen.

# %%
MOMENTS = {"uniform": (1 / 3, 1 / 5), "normal": (1.0, 3.0)}


def shell(d, kind):
    """Radius and thickness, (13.1)."""
    m2, m4 = MOMENTS[kind]
    return math.sqrt(d * m2), math.sqrt((m4 - m2**2) / m2) / 2


for kind in MOMENTS:
    for d in (100, 1024):
        lengths = draw(5_000, d, kind, torch.Generator().manual_seed(0)).norm(dim=1)
        radius, s = shell(d, kind)
        close = abs(lengths.mean() / radius - 1) < 0.01 and abs(lengths.std() / s - 1) < 0.06
        claim(close, f"{d:4} {kind} numbers: lengths {radius:.2f} ± {s:.2f}, as measured")
        low, middle, high = walks.shell(d, kind)
        two_s = (high**2 - middle**2) / (2 * radius)  # from squares to lengths, as for (13.1)
        claim(abs(two_s / 2 - s) + abs(middle - radius) < 1e-6, "... as the library has it")

# %%
fig, axes = plt.subplots(1, 2, figsize=(9.2, 2.9), sharey=True)
for ax, kind in zip(axes, MOMENTS, strict=True):
    for d, colour in {2: "silver", 16: "#56B4E9", 100: "#0072B2", 1024: "black"}.items():
        lengths = draw(4_000, d, kind, torch.Generator().manual_seed(0)).norm(dim=1)
        relative = (lengths / shell(d, kind)[0]).numpy()
        ax.hist(relative, bins=np.linspace(0, 2, 81), density=True, histtype="step",
                color=colour, linewidth=1.6, label=f"d = {d:,}")  # fmt: skip
    ax.axvline(math.sqrt(0.5), color=PALETTE["fake"], linestyle=":", label="middle of a line")
    ax.set(title=f"{kind} noise", xlabel="length / radius of the shell", ylim=(0, 26), yticks=[])
axes[0].legend(fontsize=9, loc="upper left")
shown(fig)

# %% [markdown]
# **Figure 13.2** Lengths of draws, in units of the shell's radius; dotted, where the middle of a straight
# line between two draws lies. - Two numbers have no shell: the dotted line is in the midst of the draws.
# With a hundred it is outside, with a thousand far outside. Uniform noise has the thinner shell.
#
# ## Where the straight line leaves it
#
# Between two independent draws $z(t) = (1 - t)\,a + t\,b$. Each coordinate has the mean square
# $(1-t)^2 m_2 + t^2 m_2$, so
#
# $$
# \mathbb{E}\lvert z(t)\rvert^2 = d\,m_2\,\big((1-t)^2 + t^2\big)
# \tag{13.2}
# $$
#
# which is half as much at $t = \tfrac12$. Say that the line has *left* when it is $k$ thicknesses below
# the radius. Put $r = 1 - k s / \sqrt{d\,m_2}$ and solve $(1-t)^2 + t^2 = r^2$:
#
# $$
# t_{\text{out}} = \tfrac12 \Big(1 - \sqrt{2 r^2 - 1}\Big), \qquad \text{never if } r^2 < \tfrac12
# \tag{13.3}
# $$


# %%
def leaves(d, kind, k=3.0):
    """(13.3); nan where the line never gets so low."""
    radius, s = shell(d, kind)
    r = 1 - k * s / radius
    return (1 - math.sqrt(2 * r * r - 1)) / 2 if r > math.sqrt(0.5) else math.nan


t = torch.linspace(0, 1, 101)[:, None]
for what, d, kind in (("digits in the plane", 2, "uniform"), ("digits", 100, "uniform"),
                      ("LS-GAN's faces", 100, "normal"), ("LSGAN's faces", 1024, "uniform")):  # fmt: skip
    a, b = draw(1_000, d, kind, torch.Generator().manual_seed(1)).chunk(2)
    measured = latent.lerp(a[:, None], b[:, None], t).square().sum(2).mean(0)  # (101,)
    expected = d * MOMENTS[kind][0] * ((1 - t) ** 2 + t**2)[:, 0]  # (13.2)
    claim((measured / expected - 1).abs().max() < 0.1, f"{what}: the mean square is (13.2)")
    radius, s = shell(d, kind)
    depth, out = radius * (1 - math.sqrt(0.5)) / s, leaves(d, kind)
    told = "never leaves" if math.isnan(out) else f"leaves at t = {out:.2f}"
    print(f"  {d:4} {kind} numbers: {told}; the middle is {depth:.1f} thicknesses deep")

# %% [markdown]
# That answers the first question. LSGAN's line is outside for nine tenths of its way. In the plane there
# is nothing to leave, and the walks over the plane of digits in
# [chapter 04](04_train_digits.ipynb#A-plane-of-digits) were fine.
#
# ## Two ways to stay
#
# The *great circle* (slerp, White 2016) turns from $a$ to $b$. Two independent draws in high dimension are
# nearly at a right angle, and half-way the circle is then at $(a + b)/\sqrt2$. For normal noise this
# is again a normal draw. For uniform noise it is not: the sum of two uniform numbers has a triangular
# density, which the circle stretches beyond the cube. The share of coordinates outside is
#
# $$
# P\big(\lvert a_j + b_j\rvert > \sqrt2\big) = \tfrac14 \big(2 - \sqrt2\big)^2 \approx 8.6\,\%
# \tag{13.4}
# $$
#
# The *distribution-preserving* path (Agustsson et al. 2019) mends every coordinate by itself. With $F_t$ the
# distribution function of the line's coordinate at $t$, and $F$ that of the noise,
#
# $$
# z_j(t) = F^{-1}\Big(F_t\big((1-t)\,a_j + t\,b_j\big)\Big)
# \tag{13.5}
# $$
#
# For normal noise that is division by $\sqrt{(1-t)^2 + t^2}$: straight line, then the length put right.

# %%
a, b = draw(2_000, 1024, "uniform", torch.Generator().manual_seed(2)).chunk(2)
half = {name: path(a, b, 3, way)[:, 1] for name, way in WAYS.items()}
outside = (half["great circle"].abs() > 1).float().mean()
claim(abs(outside - (2 - math.sqrt(2)) ** 2 / 4) < 0.002, "great circle, half-way: (13.4)")
for name in ("straight line", "distribution-preserving"):
    claim(half[name].abs().max() <= 1, f"{name}: no coordinate leaves the cube")
tenths = torch.linspace(-0.8, 0.8, 9)
found = torch.quantile(half["distribution-preserving"][:100].flatten(), (tenths + 1) / 2)
claim((found - tenths).abs().max() < 0.02, "distribution-preserving: half-way the noise is uniform")
x, y = draw(2, 100, "normal", torch.Generator().manual_seed(3))
for t in (0.2, 0.5, 0.9):
    by_hand = ((1 - t) * x + t * y) / math.sqrt((1 - t) ** 2 + t**2)  # (13.5), normal noise
    ours = latent.distribution_preserving(x, y, t, "normal")
    claim((by_hand - ours).abs().max() < 1e-5, f"(13.5) for normal noise, t = {t}")

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(9.2, 2.9))
ends = noise("LSGAN", 400, 4).chunk(2)
radius, s = shell(1024, "uniform")
steps = np.linspace(0, 1, 21)
for name, way in WAYS.items():
    lengths = path(*ends, 21, way).norm(dim=2).mean(dim=0)
    style = "--" if name == "great circle" else "-"
    left.plot(steps, lengths, style, color=COLOURS[name], label=name)
    right.hist(half[name][:200].flatten().numpy(), bins=np.linspace(-1.45, 1.45, 59), density=True,
               histtype="step", color=COLOURS[name], linewidth=1.6)  # fmt: skip
left.axhspan(radius - 3 * s, radius + 3 * s, color="#E6E6E6")
left.set(xlabel="t", ylabel="length", title="1,024 uniform numbers")
left.legend(fontsize=9)
right.set(xlabel="one coordinate, half-way", yticks=[], title="density (noise: flat from -1 to 1)")
shown(fig)

# %% [markdown]
# **Figure 13.3** Left: mean length along three paths; grey, the shell, three thicknesses to either side. Right:
# density of a coordinate half-way. - Straight line: too short, and too many small numbers. Great circle: the
# right length with the wrong numbers. Distribution-preserving: both right.
#
# The last path comes with a theorem that needs no experiment. At each $t$ its point is distributed
# exactly as the noise is. So its pictures are distributed as samples are, and for *every* score, good
# or bad, and every generator,
#
# $$
# \mathbb{E}\ \text{score}\big(G(z(t))\big) = \mathbb{E}\ \text{score}\big(G(z)\big) \qquad \text{for all } t .
# \tag{13.6}
# $$
#
# Flat by construction. What remains to be measured is what the other two lose, if anything.
#
# ## Three paths in pictures

# %%
fig, axes = plt.subplots(2, 1, figsize=(9.5, 5.0))
for ax, name, seed in zip(axes, ("LSGAN", "LS-GAN"), (2, 8), strict=True):
    ends = noise(name, 2, seed)
    rows = [path(*ends, 11, way, recipes[name].noise) for way in WAYS.values()]
    image_grid(ax, images_of(nets[name], torch.cat(rows)), 11, name)
shown(fig)

# %% [markdown]
# **Figure 13.4** From one noise to another by the straight line, the great circle and the
# distribution-preserving path (rows, in this order), by both generators. - The straight line's middle is plainer: less
# contrast, smoother skin, a quieter background. The other two rows can hardly be told apart.
#
# ## A score along the path
#
# "Plainer" needs a number. Which score can see it? Let us try five.
#
# - *legible* (digits): do the five nearest real digits agree on a label (chapter 04)?
# - *distance* (digits): how far is the nearest real digit? Small is usually called good.
# - *a face is found* (faces): the detector of chapter 06.
# - *detail*: mean difference between neighbouring pixels.
# - *spread*: how much the pictures at one $t$ differ from each other. No single picture shows it.

# %%
real, labels = to_float(digits().images), digits().labels


def detail(images):
    """Mean difference between a pixel's brightness and its right and lower neighbour's, (N,)."""
    grey = images.mean(dim=1)
    return grey.diff(dim=1).abs().mean((1, 2)) + grey.diff(dim=2).abs().mean((1, 2))


def scores_of(name, images):
    """All scores that make sense for these pictures."""
    found = {"detail": detail(images).mean().item(), "spread": spread(images)}
    if name == "digits":
        found["legible"] = agreement(images, real, labels)[1].mean().item()
        found["distance"] = nearest(images, real)[0].mean().item()
    return found


# %%
STOPS = (0.0, 0.25, 0.5, 0.75, 1.0)
PAIRS = {"digits": 300, "LSGAN": 60, "LS-GAN": 60}
scores, middles = {}, {}
for name, pairs in PAIRS.items():
    ends = noise(name, 2 * pairs, 5).chunk(2)
    for title, way in WAYS.items():
        stops = path(*ends, 5, way, recipes[name].noise).unbind(1)
        pictures = [images_of(nets[name], z) for z in stops]
        scores[name, title] = [scores_of(name, p) for p in pictures]
        middles[name, title], middles[name, "ends"] = pictures[2], pictures[0]

# %%
fig, axes = plt.subplots(2, 4, figsize=(10.2, 4.6), sharex=True)
PANELS = [("digits", "legible"), ("digits", "distance"), ("digits", "detail"), ("digits", "spread"),
          ("LSGAN", "detail"), ("LSGAN", "spread"), ("LS-GAN", "detail"), ("LS-GAN", "spread")]  # fmt: skip
for ax, (name, score) in zip(axes.flat, PANELS, strict=True):
    for title in WAYS:
        curve = np.array([at[score] for at in scores[name, title]])
        at_ends = (curve[0] + curve[-1]) / 2
        style = "o--" if title == "great circle" else "o-"
        ax.plot(STOPS, curve / at_ends, style, color=COLOURS[title], markersize=3, label=title)
    ax.set(title=f"{name}: {score}", ylim=(0.68, 1.12), xticks=(0, 0.5, 1))
for ax in axes[1]:
    ax.set_xlabel("t")
axes[0, 0].legend(fontsize=8, loc="lower center")
shown(fig)

# %% [markdown]
# **Figure 13.5** Five scores along three paths, as a share of their value at the ends; 300 pairs of digits, 60
# pairs of faces. - Legible: no difference worth a word. Distance: the straight line looks *better* in the
# middle. Detail and spread: the straight line sags, on faces by a tenth to a quarter; the other two stay near 1.


# %%
def sag(name, score, title):
    """Value half-way as a share of the value at the ends."""
    first, *_, last = curve = [at[score] for at in scores[name, title]]
    return curve[2] / ((first + last) / 2)


line, circle, kept = WAYS
for title in WAYS:
    claim(abs(sag("digits", "legible", title) - 1) < 0.06, f"{title}: as legible as the ends")
claim(
    sag("digits", "distance", line) < sag("digits", "distance", circle),
    "the straight line's middle is nearer to real digits than the circle's",
)
claim(sag("LSGAN", "detail", line) < 0.95, "LSGAN: the straight line loses over 5 % of the detail")
claim(sag("LS-GAN", "detail", line) < 0.85, "LS-GAN: it loses over 15 %")
for name in ("LSGAN", "LS-GAN"):
    claim(sag(name, "spread", line) < 0.92, f"{name}: it loses over 8 % of the spread")
    for title in (circle, kept):
        flat = all(abs(sag(name, score, title) - 1) < 0.06 for score in ("detail", "spread"))
        claim(flat, f"{name}, {title}: detail and spread stay within 6 %")

# %%
for name in ("LSGAN", "LS-GAN"):
    for title in ("ends", *WAYS):
        seen_by_detector = faces_found(middles[name, title][:48]).float().mean()
        claim(seen_by_detector > 0.85, f"{name}, {title}: a face in over 85 % of 48 pictures")

# %% [markdown]
# So the second answer is: hardly. The detector and the neighbours ask whether a picture is typical, and the middle of a
# straight line is, if anything, *more* typical than a draw. Noise that is too short makes pictures near the average: less detail,
# less variety, fewer surprises. For normal noise we can say exactly what happens. The middle of a line
# between two draws is a normal vector of variance $\tfrac12$, that is, a draw multiplied by $\sqrt{1/2}$. People do that on
# purpose, to get cleaner and duller samples, and call it *truncation*.

# %%
pairs = noise("LS-GAN", 1_000, 6).chunk(2)
straight, short = latent.lerp(*pairs, 0.5), math.sqrt(0.5) * noise("LS-GAN", 500, 7)
claim(abs(straight.std() - short.std()) < 0.02, "the middle of a line is a draw times 0.71")
made = [images_of(nets["LS-GAN"], z) for z in (straight, short)]
close = abs(detail(made[0]).mean() / detail(made[1]).mean() - 1) < 0.06
claim(close and abs(spread(made[0]) / spread(made[1]) - 1) < 0.06, "... and so are its pictures")

# %% [markdown]
# Which path is the right one, then? For normal noise the circle and the preserving path are both right, and nearly
# the same. For uniform noise only the preserving path is, and yet the great circle, with one coordinate in
# twelve outside the cube, gets the same scores: this generator does not mind. The straight line is wrong in
# both. A score that asks "is this a proper face, a proper digit?" misses that. Detail and spread see it, provided one knows how
# much of both ordinary samples have: a lack of detail is no fault that a picture shows by itself.
#
# ## The few directions that matter
#
# A small step $\varepsilon v$ changes the picture by
#
# $$
# G(z + \varepsilon v) = G(z) + \varepsilon\,J v + \dots, \qquad
# J v_k = s_k\,u_k, \quad s_1 \ge s_2 \ge \dots
# \tag{13.7}
# $$
#
# $J$ has a row for each pixel and a column for each noise number. Its singular vectors $v_k$ are the
# directions in which the picture changes most, then second most, and so on; $s_k$ says how much. Forward-mode
# differentiation gives $J v$ in one pass, without a step size:

# %%
show_source(change)
z = noise("digits", 1, 9)[0]
vectors, values = directions(nets["digits"], z, 3)
step = 1e-2
there, here = images_of(nets["digits"], z + step * vectors), images_of(nets["digits"], z[None])
difference = (there - here) / step
error = (change(nets["digits"], z, vectors) - difference).norm() / difference.norm()
claim(error < 0.2, "forward mode agrees with a small step, as far as a step can tell")
whole = change(nets["digits"], z, torch.eye(100)).flatten(1).T  # all of J, column by column
largest = torch.linalg.svdvals(whole)[:3]
claim((largest / values - 1).abs().max() < 1e-3, "s_k: the largest singular values of J")

# %% [markdown]
# How many directions does a generator use? Average $J^\top J$ over a few places, so that one odd place does not decide,
# and look at the shares of the squared change, $s_k^2 / \sum_i s_i^2$.

# %%
places = {"digits": noise("digits", 8, 10), "LS-GAN": noise("LS-GAN", 6, 10)}
found = {name: directions(nets[name], at, 100) for name, at in places.items()}
places["LSGAN"] = noise("LSGAN", 3, 10)
found["LSGAN"] = directions(nets["LSGAN"], places["LSGAN"], 6)  # the whole J would take a minute
share = {
    name: (found[name][1] ** 2).cumsum(0) / (found[name][1] ** 2).sum()
    for name in ("digits", "LS-GAN")
}
fig, (left, right) = plt.subplots(1, 2, figsize=(9.2, 2.9))
for name, colour in (("digits", "black"), ("LS-GAN", PALETTE["loss_sensitive"])):
    left.plot(range(1, 101), share[name], color=colour, label=f"{name}, 100 numbers")
for name, colour in (("digits", "black"), ("LS-GAN", PALETTE["loss_sensitive"]),
                     ("LSGAN", PALETTE["least_squares"])):  # fmt: skip
    values = found[name][1][:6]
    right.plot(range(1, 7), values / values[0], "o-", color=colour, label=name)
left.set(xscale="log", xlabel="directions", ylabel="share of the change", ylim=(0, 1.05))
right.set(xlabel="direction", ylabel="s / largest s", ylim=(0, 1.05))
left.legend(fontsize=9)
right.legend(fontsize=9)
shown(fig)

# %% [markdown]
# **Figure 13.6** Left: share of the squared change in the leading directions. Right: the first six singular values. - The
# digits' generator has a hundred noise numbers, and three or four combinations of them make nearly all of a small change. LS-GAN's
# faces need some twenty.
#
# Small changes, at a few places. If three directions were all that counts, we could exchange everything else in $z$ and keep the
# picture. Can we?


# %%
def exchanged(name, k, vectors):
    """Mean change of the picture when all of z but k directions is replaced by another draw's."""
    a, b = noise(name, 200, 11).chunk(2)
    keep = vectors[:k].T @ vectors[:k]
    mixed, wanted = images_of(nets[name], b + (a - b) @ keep), images_of(nets[name], a)
    return (mixed - wanted).square().flatten(1).mean(dim=1).sqrt().mean().item()


anything = torch.linalg.qr(torch.randn(100, 100)).Q
for name, k in (("digits", 3), ("LS-GAN", 20)):
    vectors = found[name][0]
    kept_k, other_k, none = (
        exchanged(name, n, v) for n, v in ((k, vectors), (k, anything), (0, vectors))
    )
    print(f"{name}: keep {k} of 100: {kept_k / none:.0%} of the change between two draws remains")
    claim(kept_k < 0.6 * none, f"{name}: {k} leading directions fix a picture by over 40 %")
    claim(other_k > 0.85 * none, f"{name}: {k} random directions fix next to nothing")
claim(share["digits"][2] > 0.8, "digits: three directions make over 80 % of the change")
claim(share["LS-GAN"][2] < 0.7, "LS-GAN's faces need more than three")

# %% [markdown]
# Half-way. Three directions hold half of a digit, where three random ones hold next to nothing; and the other half slips through.
# The three are the best *on average* and for *small* steps. The map bends, and a little further on other combinations of the same
# hundred numbers are in charge.
#
# ## Name them
#
# Now see what the leading directions do to a face, forwards and backwards.

# %%
fig, axes = plt.subplots(1, 2, figsize=(10.2, 4.9))
for ax, name, reach in zip(axes, ("LS-GAN", "LSGAN"), (0.5, 0.15), strict=True):
    start, radius = (
        noise(name, 1, 64)[0],
        shell(recipes[name].networks.z_dim, recipes[name].noise)[0],
    )
    amounts = torch.linspace(-reach, reach, 7)[:, None] * radius
    rows = [start + amounts * v for v in found[name][0][:6]]
    image_grid(ax, images_of(nets[name], torch.cat(rows)), 7, f"{name}, directions 1 to 6")
shown(fig)

# %% [markdown]
# **Figure 13.7** One face of each generator (middle column), moved along six directions (rows): by half of the shell's
# radius for LS-GAN, by a seventh for LSGAN. - Give each row a name before you read on.
#
# Our names, by looking at this figure only. LS-GAN: 1 a dark or a light background; 2 a gaunt face or a smile, and what
# is behind it; 5 dark or fair hair; the others are mixtures. LSGAN: 1 a dark or a light picture; 2 the head turns, and the colours
# turn with it; 4 dark or fair hair; the others are mixtures. One direction seldom is one thing. Nothing in the training asks for that.
#
# ## Does a direction do the same elsewhere?
#
# A name is a claim about other places. Two measurements, at eight places that had no part in finding the directions:
# the *size* of the change, $\lvert J(z)\,v\rvert$, and the *sameness* of what is changed, the mean cosine between the
# pictures $J(z)\,v$ and $J(z')\,v$ of all pairs of places.


# %%
def size_and_sameness(net, v, at):
    """Mean length of J(z) v, and mean cosine between J(z) v at two places."""
    pictures = torch.cat([change(net, z, v[None]) for z in at]).flatten(1)
    cosines = normalize(pictures) @ normalize(pictures).T
    n = len(at)
    return pictures.norm(dim=1).mean().item(), ((cosines.sum() - n) / (n * (n - 1))).item()


table = {}
for name in ("LS-GAN", "LSGAN", "digits"):
    v = found[name][0][:6]
    random = torch.randn(3, v.shape[1], generator=torch.Generator().manual_seed(1))
    random = normalize(random - random @ v.T @ v)  # three directions that were drawn
    at = noise(name, 8, 12)
    rows = [size_and_sameness(nets[name], direction, at) for direction in torch.cat([v, random])]
    table[name] = np.array(rows)
    print(f"{name:7} size    ", " ".join(f"{size:6.1f}" for size, _ in rows))
    print(f"{name:7} sameness", " ".join(f"{same:6.2f}" for _, same in rows))

# %%
for name, rows in table.items():
    larger = rows[:3, 0].min() > 2 * rows[6:, 0].mean()
    claim(
        larger, f"{name}: the first three change pictures over twice as much as random directions"
    )
for name in ("LS-GAN", "LSGAN"):
    first, others, chance = table[name][0, 1], table[name][1:6, 1], table[name][6:, 1]
    claim(first > chance.max() + 0.05, f"{name}: direction 1 does the same, more than chance does")
    claim(others.max() < chance.max() + 0.12, f"{name}: directions 2 to 6 hardly do, if at all")
claim(table["LSGAN"][1, 1] < 0.2, "LSGAN's second direction does another thing at each place")
claim(abs(table["digits"][:, 1]).max() < 0.15, "no direction does the same to all digits")


def corners(images):
    """Brightness of the two upper corners: the background, most often."""
    grey = images.mean(dim=1)
    return torch.cat([grey[:, :12, :12], grey[:, :12, -12:]], dim=2).mean(dim=(1, 2))


for name in ("LS-GAN", "LSGAN"):
    lighter = [corners(change(nets[name], z, found[name][0][:1])) for z in noise(name, 20, 13)]
    share_lighter = (torch.cat(lighter) > 0).float().mean()
    claim(
        share_lighter > 0.85, f"{name}, direction 1: the background gets lighter nearly everywhere"
    )

# %% [markdown]
# The last three columns are random directions at a right angle to the six. (Their sameness is not 0 either, most likely
# because contrast changes with whatever is changed in a face.) So the *size* travels well. What is a strong direction at a few places is strong
# at others; Wang and Ponce (2021) found this for several large GANs, and call the space homogeneous. What a direction *does*
# travels less well. Light does, for both. The names of the other directions hold for the face that we looked at, and not much
# further. For digits nothing travels: bending a stroke of a 3 and one of a 7 are different pictures. Test a name at places that you
# did not look at.
#
# ## Ask for a face
#
# [Chapter 10](10_slide_to_wasserstein.ipynb#A-yardstick:-reconstruct-what-was-held-back) searched the noise whose picture
# comes closest to a given one. Now both generators of faces are asked for five kinds of pictures: *own* samples, whose
# least error is zero; samples of the *other* generator; *photographs* of FairFace, which neither has seen; *avatars*, which are
# no photographs at all; and *training* faces, which both have seen. (CelebA may not be shown, so of these only errors were kept.)
# Below, *error* is the mean error of the pictures found, *mean* that of one picture for all, the mean of 500 samples, and *length*
# that of the noise found, in units of the shell's radius.

# %%
recorded = load_table("reconstruction")
settings = recorded["settings"]
print("made with:", recorded["command"])
print(
    f"{settings['pictures']} pictures of a kind, {settings['steps']} steps, {settings['starts']} starts"
)
NAMES = {run: name for name, run in RUNS.items()}
asked = {(NAMES[row["run"]], row["kind"]): row for row in recorded["runs"]}
KINDS = ("own", "other", "photographs", "avatars", "training")
print(f"{'':14}" + "".join(f"{kind:>13}" for kind in KINDS))
for name in ("LSGAN", "LS-GAN"):
    for what in ("error", "mean_picture", "length"):
        numbers = "".join(f"{asked[name, kind][what]:13.2f}" for kind in KINDS)
        print(f"{name:7}{what.split('_')[0]:7}{numbers}")
    print(
        f"{name:7}cosine of the noise found and the noise used: {asked[name, 'own']['cosine']:.2f}"
    )

# %%
kept_pictures = load_pictures("reconstruction")
fig, axes = plt.subplots(4, 2, figsize=(10.2, 7.6))
for column, name in zip(axes.T, ("LSGAN", "LS-GAN"), strict=True):
    for ax, kind in zip(column, KINDS[:4], strict=True):
        wanted, answer = torch.from_numpy(kept_pictures[f"{RUNS[name]} {kind}"])
        image_grid(ax, torch.cat([wanted, answer]), 6, f"{name}: {kind}")
shown(fig)

# %% [markdown]
# **Figure 13.8** What was asked for (upper row of each pair) and the closest that was found (lower row). (FairFace, Karkkainen
# and Joo, CC BY 4.0; avatars: remix of ToonHead by Johan Melin, CC BY 4.0.) - Own samples come back almost
# exactly. Photographs come back as blurs with the right light and the wrong person: in the third, the moustache is gone
# and the glasses are a shadow, at most. Avatars do no worse, by their error.

# %%
for name in ("LSGAN", "LS-GAN"):
    errors = {kind: np.array(asked[name, kind]["errors"]) for kind in KINDS}
    means = {kind: values.mean() for kind, values in errors.items()}
    others = min(mean for kind, mean in means.items() if kind != "own")
    claim(0.03 < means["own"] < 0.7 * others, f"{name}: own samples are nearest, and not at nought")
    margin = 2 * math.hypot(*(errors[k].std() / 12**0.5 for k in ("training", "photographs")))
    claim(abs(means["training"] - means["photographs"]) < margin,
          f"{name}: faces that were learnt from are no nearer than photographs never seen")  # fmt: skip
    claim(
        means["avatars"] < 1.1 * means["photographs"],
        f"{name}: drawings are as near as photographs",
    )
apart = [asked[name, "photographs"]["error"] for name in ("LSGAN", "LS-GAN")]
claim(
    abs(apart[0] - apart[1]) < errors["photographs"].std(),
    "the generators differ by less than faces",
)
claim(asked["LSGAN", "own"]["cosine"] < 0.3, "LSGAN: the picture was found by quite another noise")

# %% [markdown]
# Four things to read from this.
#
# - **The search has an error of its own.** Own samples could be met exactly, and are missed by about 0.08. No error
#   below that says anything about a generator.
# - **No sign of memory.** Training faces are no easier than photographs of another set. This is the comparison that Webster
#   et al. (2019) propose as a test; here with a caution: the two sets differ in more than having been seen.
# - **A small error is not a likeness.** Drawings, which no generator of faces should be able to make, are as near as
#   photographs. Large flat areas are easy, and fill most of a picture. What makes a person, or makes a face look like one, is a
#   small part of the pixels and so of the error.
# - **Noise is not unique.** LSGAN's own samples were found at noise that has next to nothing in common with the noise they were made
#   from. With 1,024 numbers and a few directions that matter, most of $z$ is free. "The latent code of a picture" does not exist.
#
# ## Arithmetic
#
# "Light minus dark, added to another face": Radford et al. (2015) add and subtract the noise of samples, and
# report that single samples were unstable, but averages of three worked well. Averages and sums have a length too. If each of
# the three terms is the mean of $n$ independent draws,
#
# $$
# \mathbb{E}\,\big\lvert \bar a - \bar b + \bar c\,\big\rvert^2 = \frac{3}{n}\; d\,m_2
# \tag{13.8}
# $$
#
# With single samples the sum is $\sqrt3$ times too long. With thirty it is a third of the radius. With *three* it lies on the
# shell. Perhaps that is the secret of the three.

# %%
z = noise("LS-GAN", 600, 20)
order = corners(images_of(nets["LS-GAN"], z)).argsort()
dark, light = z[order[:90]], z[order[-90:]]
radius, _ = shell(100, "normal")
answers, lengths = {}, {}
for n in (1, 3, 30):
    sums = torch.stack([walks.analogy(light[i : i + n], dark[i : i + n], dark[i + 30 : i + 30 + n])
                        for i in range(0, 30, 3)])  # fmt: skip
    lengths[n] = (sums.norm(dim=1) / radius).mean().item()
    answers[f"{n} each"] = images_of(nets["LS-GAN"], sums)
    if n < 30:
        close = abs(lengths[n] / math.sqrt(3 / n) - 1) < 0.06
        claim(close, f"{n} each: √(3/{n}) times the radius, (13.8)")
on_shell = sums * radius / sums.norm(dim=1)[:, None]
answers["30 each, length put right"] = images_of(nets["LS-GAN"], on_shell)
claim(lengths[30] > 1.05 * math.sqrt(3 / 30), "30 each: over 5 % longer than (13.8)")
strip_of_images([a[:9] for a in answers.values()], list(answers), 3, width=9.5)

# %% [markdown]
# **Figure 13.9** Light background - dark background + another face with a dark background, nine times, with means of 1, 3 and 30
# samples. - Single samples: loud, some broken. Three: nine faces, most before light backgrounds. Thirty: nearly one and the same
# plain face, since its noise is a third as long; put back on the shell it is livelier, and still one face. (The small excess over (13.8)
# is what was meant: what the members of a group have in common does not average out.)

# %%
wanted = corners(images_of(nets["LS-GAN"], light)).mean()
before = corners(images_of(nets["LS-GAN"], dark)).mean()
reached = {name: corners(images).mean() for name, images in answers.items()}
for name, value in reached.items():
    claim(
        (value - before) / (wanted - before) > 0.7,
        f"{name}: over 70 % of the way to a light background",
    )
variety = {name: spread(images) for name, images in answers.items()}
claim(variety["30 each"] < 0.6 * variety["3 each"], "30 each: far less variety than 3 each")
ordinary = detail(middles["LS-GAN", "ends"]).mean()
rough = {name: detail(images).mean() / ordinary for name, images in answers.items()}
claim(0.85 < rough["3 each"] < 1.25, "3 each: as much detail as ordinary samples, within a quarter")
claim(rough["1 each"] > 1.25, "1 each: over a quarter more")
claim(rough["30 each"] < 0.75, "30 each: over a quarter less")

# %% [markdown]
# Is it arithmetic? A sum that hits its target proves little when the target was measured in one number. Digits have names, so
# we can count: add the difference of two means to a hundred other digits, and ask the nearest neighbours what came out.

# %%
z = noise("digits", 2_400, 21)
label, sure = agreement(images_of(nets["digits"], z), real, labels)
counted = {}
for source, target in ((0, 6), (3, 8), (6, 0)):
    have, want = (z[(label == digit) & (sure >= 0.8)] for digit in (source, target))
    start, shift = have[-80:], want[:60].mean(0) - have[:60].mean(0)
    single = want[torch.arange(80) % len(want)] - have[:80]
    moved = {"mean": start + shift, "twice the mean": start + 2 * shift, "single": start + single}
    for how, noises in moved.items():
        became, _ = agreement(images_of(nets["digits"], noises), real, labels)
        counted[source, target, how] = (became == target).float().mean().item()
    row = ", ".join(f"{how} {counted[source, target, how]:.0%}" for how in moved)
    print(f"{source} to {target}: {row}")

# %%
for source, target in ((0, 6), (3, 8), (6, 0)):
    mean, twice, single = (
        counted[source, target, how] for how in ("mean", "twice the mean", "single")
    )
    claim(
        0.4 < mean < 0.95, f"{source} to {target}: the difference of means works often, not always"
    )
    claim(mean > single + 0.05, "... and more often than the difference of two samples")
claim(counted[6, 0, "twice the mean"] < counted[6, 0, "mean"], "6 to 0: twice as much is worse")

# %% [markdown]
# So: often. Addition takes the map from noise to pictures for straight, and it bends. Differences of means do better than differences of
# samples, because what is *not* meant averages out, and because the sum stays near the shell. There is no guarantee, and no
# meaning in a length: going twice as far is not "more of it".
#
# ## What a smooth walk says about memory
#
# Radford et al. (2015) walk from one draw to another and take sharp transitions as a sign of
# memory, smooth and meaningful ones as a sign that something was learnt. Back to Figure 13.1. The generator that knows twelve pictures was built,
# in a few lines, on LS-GAN's:

# %%
show_source(ByHeart.recalled)
random = torch.Generator().manual_seed(43)
entries, keys = draw(12, 100, "normal", random), draw(12, 100, "normal", random)
by_heart = ByHeart(nets["LS-GAN"], entries, keys)
known = images_of(nets["LS-GAN"], entries)
show_images(known, 12, width=9.5)

# %% [markdown]
# **Figure 13.10** All that it knows. - Find the first and the last picture of the **lower** row of Figure 13.1 among them.
#
# Noise chooses an entry of the list by its inner products with twelve keys, softly. On the border between two
# entries LS-GAN's own noise is walked from one to the other, so even the transitions look like faces. What does a test see?


# %%
def largest_step(net, stops):
    """The largest step between neighbouring pictures of a walk, on average over eight walks."""
    walk = path(*noise("LS-GAN", 16, 30).chunk(2), stops, "slerp", "normal")  # (8, stops, 100)
    pictures = images_of(net, walk.flatten(0, 1)).unflatten(0, (8, stops))
    return pictures.diff(dim=1).flatten(2).norm(dim=2).amax(dim=1).mean().item()


steps = {}
samples = {"LS-GAN": images_of(nets["LS-GAN"], noise("LS-GAN", 500, 31)),
           "by heart": images_of(by_heart, noise("LS-GAN", 500, 31))}  # fmt: skip
for name, net in (("LS-GAN", nets["LS-GAN"]), ("by heart", by_heart)):
    steps[name] = largest_step(net, 41)
    finer = steps[name] / largest_step(net, 161)
    claim(finer > 2.5, f"{name}: four times as many stops, and the largest step shrinks with them")
    share = faces_found(samples[name][:40]).float().mean()
    claim(share > 0.85, f"{name}: a face is found in over 85 % of 40 samples")
near = {name: nearest(images, known)[0] for name, images in samples.items()}
pure = (near["by heart"] < 0.2).float().mean()
claim(pure > 0.4, "by heart: over 40 % of the samples are one of the twelve, nearly or wholly")
claim((near["LS-GAN"] < 0.2).float().mean() < 0.02, "LS-GAN: next to none")
claim(spread(samples["by heart"]) < 0.95 * spread(samples["LS-GAN"]), "by heart: less spread")

# %% [markdown]
# A jump would stay as large, however fine the walk. There is none: smoothness is a property of networks, not of learning. (With a ruler
# one sees that the steps of the lower walk are less even, some three times as large at the borders. But how uneven is too uneven?
# Exercise 13.6.) The walk, the detector and one's eyes pass it. What tells is a comparison of *seen* with *unseen* pictures. Ask for the twelve, and for twelve others that are as likely for
# LS-GAN, and take the best of 500 draws (a search that needs no gradient and can get stuck nowhere):

# %%
unseen = images_of(nets["LS-GAN"], noise("LS-GAN", 12, 32))
gap = {}
for name, images in samples.items():
    seen_error, unseen_error = (nearest(p, images)[0].mean().item() for p in (known, unseen))
    gap[name] = unseen_error - seen_error
    print(f"{name:8} the twelve {seen_error:.2f}, twelve others {unseen_error:.2f}")
claim(gap["by heart"] > 0.25, "by heart: unseen pictures are much farther than the twelve")
claim(abs(gap["LS-GAN"]) < 0.1, "LS-GAN, to which the twelve are nothing special: no gap")

# %% [markdown]
# That was built. Does it hold for generators that *learnt* their list? Both families, one pair of networks (those of chapter 10,
# digits of $14 \times 14$ pixels), trained on 20 digits and on 2,000:

# %%
order = torch.randperm(5_000, generator=torch.Generator().manual_seed(0))
pictures = avg_pool2d(real, 2)[order].flatten(1)  # (5000, 196)
held_back, SEEN = pictures[-60:], (20, 2_000)
families = {"LSGAN": LeastSquares(a=0.0, b=1.0, c=1.0),
            "LS-GAN": LossSensitive(norm="l2", margin_scale=1 / 4, penalty=None)}  # fmt: skip
image_settings = PointSettings(
    networks=AlmostOrthogonalNetworks(dim=196, z_dim=16, hidden=128), steps=400, batch_size=64,
    critic_lr=2e-3, generator_lr=5e-4, beta1=0.0, beta2=0.99,
)  # fmt: skip
cells = [Cell(Mixture(pictures[:n], torch.full((n,), 1 / n), 0.1), objective, (0,))
         for objective in families.values() for n in SEEN]  # fmt: skip


def error_of(net, images):
    """Mean error of the search, always from the same starts."""
    start = torch.Generator().manual_seed(0)
    return latent.invert(net, images, 16, kind="normal", random=start)[1].mean().item()


# %% tags=["nbval-ignore-output"]
runs = train_cells(cells, image_settings)
trained = [runs.generator.network(i).eval() for i in range(len(cells))]
errors = {}
for (family, n), net in zip(((f, n) for f in families for n in SEEN), trained, strict=True):
    errors[family, n] = error_of(net, pictures[: min(n, 60)]), error_of(net, held_back)
    print(
        f"{family:6} {n:5} digits: {errors[family, n][0]:.3f} seen, {errors[family, n][1]:.3f} held back"
    )

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(9.8, 2.6), width_ratios=(1.7, 1))
ends = draw(2, 16, "normal", torch.Generator().manual_seed(3))
strips = [images_of(net, path(*ends, 13, "slerp", "normal")) for net in trained]
image_grid(
    left, torch.cat(strips).clamp(-1, 1).view(-1, 1, 14, 14), 13, "walks, in the order of the bars"
)
titles = [f"{family}, {n:,}" for family, n in errors]
gaps = [held - seen for seen, held in errors.values()]
right.barh(
    titles, gaps, color=[PALETTE["least_squares"]] * 2 + [PALETTE["loss_sensitive"]] * 2, height=0.6
)
right.set(xlabel="error on held-back less error on seen digits", xlim=(0, None))
right.invert_yaxis()
shown(fig)
for family in families:
    few, many = (errors[family, n][1] - errors[family, n][0] for n in SEEN)
    claim(few > 2 * abs(many), f"{family}: 20 digits leave over twice the gap of 2,000")

# %% [markdown]
# **Figure 13.11** Left: walks of four trained generators. Right: how much worse each reconstructs digits that were held back
# than digits that it has seen. - The walks do not tell who has seen 20 digits and who 2,000. The gaps do, for both families.
#
# ## The lab
#
# Everything in this chapter, by hand, on LS-GAN's faces. First predict, then try:
#
# - *Paths.* Walk from sample to sample by straight lines, then by great circles. Watch the length in the chart at half-way, then the backgrounds.
# - *Directions.* "Find the directions of this place", and name the first two by their sliders. Go to another sample, without finding them again. Do
#   the names hold?
# - *Arithmetic.* Put one sample into each of the groups A, B and C and walk to A - B + C; then three into each. Which result is plainer, and why?
# - *Truncation.* Set it to 0.7. Which path of this chapter does that look like?
# - *Your picture.* Search for the noise of a face, and of a picture that is none. Which comes nearer? Are you surprised?
#
# For the plane of digits use `LatentExplorer.of_run("mnist-least-squares-2d")`, where the map can be clicked on.

# %%
LatentExplorer.of_run("faces-slope-zero").show()

# %% [markdown]
# **Figure 13.12** What the latent explorer starts with. - The first row walks through three samples. Each further row moves the first sample along
# one of its own directions: here again, the first is light.
#
# ## What goes wrong
#
# ### Noise of the wrong kind
#
# *Symptom.* Plain samples; or nothing that one could notice, which is worse. *Cause.* Uniform noise for a generator that was trained with normal noise
# is too short by $\sqrt3$, and makes truncated samples. Normal noise for one that was trained with uniform noise is too long by as much.

# %%
for name, wrong in (("LS-GAN", "uniform"), ("LSGAN", "normal")):
    z_dim = recipes[name].networks.z_dim
    z = draw(40, z_dim, wrong, torch.Generator().manual_seed(40))
    ratio = detail(images_of(nets[name], z)).mean() / detail(middles[name, "ends"]).mean()
    print(f"{name} with {wrong} noise: {ratio:.2f} times the detail of its own samples")
    if name == "LS-GAN":
        claim(ratio < 0.8, "LS-GAN with uniform noise: over a fifth of the detail is lost")
    else:
        claim(abs(ratio - 1) < 0.1, "LSGAN with normal noise: nothing that this score could see")

# %% [markdown]
# *Guard.* The recipe of a run says which noise it had (`recipe.noise`). Looking at samples does not.
#
# ### A path praised for its middle
#
# *Symptom.* "Interpolations look even better than samples." *Cause.* The straight line: short noise, plain pictures. *Cure.* Compare
# spread and detail with those of draws, or take the path for which (13.6) holds.
#
# ### A direction named after one face
#
# *Symptom.* "Direction 2 is the pose", and in the next face it is the hair. *Cure.* Measure sameness at new places.
#
# ### A failed search taken for a failed generator
#
# *Symptom.* A generator "cannot make" a picture. *Cure.* Ask it for its own samples with the same search first.
#
# ### A smooth walk taken for learning
#
# *Cure.* Seen against unseen.
#
# ## What the papers say and what we found
#
# | the paper or seed | here |
# | --- | --- |
# | White 2016: the great circle keeps to the prior and gives sharper samples than the straight line. | More detail and more spread, on faces by both methods; on digits little. Legibility and the detector noticed nothing. For uniform noise the circle does not keep to the prior, and it did not matter. |
# | Agustsson et al. 2019: a path that preserves the distribution is free of the mismatch. | A theorem, (13.6), and flat scores. Not better than the great circle on any score here. |
# | Radford et al. 2015: means of three samples are stable where single ones are not. | Sums of single samples have too much detail, sums of means of three as much as ordinary samples. Three is the number for which the sum has the length of a draw, (13.8). |
# | Radford et al. 2015: sharp transitions point to memory. | True in one direction only. A generator that knows twelve pictures has none. |
# | Wang and Ponce 2021: few directions matter, and they are alike everywhere. | Few, for small steps: three for our digits. Strong directions are strong everywhere; what they do is alike for light, and seldom else. |
# | Later versions of arXiv 1701.06264: LS-GAN generalises, by the reconstruction error of held-out images. | Both generators reconstruct unseen photographs as well as training faces. Which method does it better, these errors do not say: the two differ by less than single faces do. |
#
# ## Exercises
#
# Replace `None` by your answer and run the cell. Solutions:
# [solutions/13_solutions.ipynb](solutions/13_solutions.ipynb).
#
# ### Exercise 13.1
#
# *On paper.* Normal noise of 400 numbers. Give the radius of its shell, its thickness $s$, and how many thicknesses below the radius
# the middle of a straight line lies (to one decimal).

# %%
radius_400 = None
thickness_400 = None
how_deep = None
exercises.check_13_1(radius_400, thickness_400, how_deep)

# %% [markdown]
# ### Exercise 13.2
#
# *On paper.* Somebody computes $\bar a - \bar b + \bar c - \bar d + \bar e$, each the mean of $n$ draws. For which $n$ does the sum lie on the shell? And
# with $n = 20$, by which factor must it be multiplied to lie there?

# %%
n_on_the_shell = None
factor = None
exercises.check_13_2(n_on_the_shell, factor)

# %% [markdown]
# ### Exercise 13.3
#
# *Reading.* Look at Figure 13.5 and the claims below it. Which of the scores `"legible"`, `"distance"`, `"detail"`, `"spread"` calls the middle of the
# straight line *better* than its ends, if small distances and large values of the others are called good? For which path could you have
# drawn all eight curves, but for chance, without any generator: `"lerp"`, `"slerp"` or `"distribution_preserving"`? And could a score of
# single pictures ever equal *spread*: `"yes"` or `"no"`?

# %%
which_score = None
which_path = None
single_pictures = None
exercises.check_13_3(which_score, which_path, single_pictures)

# %% [markdown]
# ### Exercise 13.4
#
# *In code.* Sameness looks at all pairs of places. Write the same for *whole* changes: the mean cosine between $G(z + v) - G(z)$ at two
# places, over all pairs of different places. No derivative is needed.


# %%
def sameness_of_a_step(generator, places, v):
    """generator: z (N, d) -> pictures (N, ...). places: (N, d). v: (d,). Returns a number."""
    return None


exercises.check_13_4(sameness_of_a_step)

# %% [markdown]
# ### Exercise 13.5
#
# *In code.* Write the test for memory of this chapter: draw 500 samples with normal noise, find how far each of the seen and of the unseen
# pictures is from the nearest sample (root of the mean squared difference), and return the mean over the unseen less the mean over the seen.


# %%
def memory_gap(generator, z_dim, seen, unseen):
    """generator: z (N, z_dim) -> (N, ...). seen, unseen: (M, ...). Returns a number."""
    return None


exercises.check_13_5(memory_gap)

# %% [markdown]
# ### Exercise 13.6
#
# *Experiment.* Make `ByHeart(nets["LS-GAN"], entries, keys, sharpness)` with sharpness 2 and 16. For each, measure the share of 500 samples
# that are nearer than 0.2 to one of the twelve, and `largest_step(net, 41)`. Does sharper memory make walks that jump more?

# %%
shares = None  # for 2 and for 16
largest_steps = None  # for 2 and for 16
jumps_more = None  # "yes" or "no"
exercises.check_13_6(shares, largest_steps, jumps_more)

# %% [markdown]
# ### Exercise 13.7
#
# *Open.* Find a direction of your own in LS-GAN's noise: a singular vector at a place of your choice, a difference of means, anything. Give it a
# name and a number that measures what the name says in a picture (as `corners` does for light). At 20 new places, in which share does the number rise?
# Bring the unit vector, the name and the share. The check asks that they are what they should be; whether the name is right, you must judge.

# %%
my_direction = None
my_name = None
my_share = None
exercises.check_13_7(my_direction, my_name, my_share)

# %% [markdown]
# ## Summary
#
# Noise lies on a shell whose thickness does not depend on its length. A straight line leaves it: for 1,024 uniform numbers
# after four hundredths of the way. Half-way it is like a truncated draw, with plainer and less varied pictures, which a detector does not mind and a distance
# to data even prefers. The great circle keeps the length, the distribution-preserving path the whole distribution, and our generators show
# no difference between these two. Few directions make most of a small change: three of a hundred for digits. They are strong at
# other places too, but seldom mean the same there. A search finds a picture's noise up to an error of its own, and not *the* noise.
# Sums of noise vectors have a length; three is a good number. A smooth walk says that a network is differentiable. Whether it has learnt or
# memorised is told by seen against unseen pictures.
#
# In symbols: $\lvert z\rvert \approx \sqrt{d m_2} \pm s$, $\ \mathbb{E}\lvert z(\tfrac12)\rvert^2 = \tfrac12 d m_2$,
# $\ \mathbb{E}\lvert \bar a - \bar b + \bar c\rvert^2 = \tfrac3n d m_2$.
#
# ## Questions to ask yourself
#
# 1. Why does the thickness of the shell not grow with $d$?
# 2. Why is there nothing wrong with straight lines in a plane of noise?
# 3. What does the great circle do to uniform noise that it does not do to normal noise?
# 4. Which scores can the distribution-preserving path change, and why none?
# 5. A colleague's interpolations are sharper than her samples. What do you ask first?
# 6. What would a generator look like whose singular values are all equal?
# 7. Why can one picture be found at many places of the noise?
# 8. Why are drawings as easy to reconstruct as photographs?
# 9. Which step of `ByHeart` would you remove to make its walks jump?
# 10. How would you test a generator for memory if you had no held-back pictures?
#
# ## Further reading
#
# - White 2016, [arXiv 1609.04468](https://arxiv.org/abs/1609.04468): great circles, and attribute vectors with their bias removed.
# - Agustsson et al. 2019, [arXiv 1711.01970](https://arxiv.org/abs/1711.01970): the transport map (13.5) for any noise.
# - Leśniak et al. 2018, [arXiv 1806.01670](https://arxiv.org/abs/1806.01670): straight lines and what they prove; noise for which they are right.
# - Wang and Ponce 2021, [arXiv 2101.06006](https://arxiv.org/abs/2101.06006): the directions of several large GANs.
# - Webster et al. 2019, [arXiv 1901.03396](https://arxiv.org/abs/1901.03396): memory found by reconstruction, with the statistics that belong to it.
#
# ## References
#
# - E. Agustsson, A. Sage, R. Timofte, L. Van Gool. *Optimal transport maps for distribution preserving operations on latent spaces of generative
#   models.* ICLR 2019.
# - G.-J. Qi. *Loss-sensitive generative adversarial networks on Lipschitz densities.* IJCV 128, 2020, [arXiv 1701.06264](https://arxiv.org/abs/1701.06264).
# - A. Radford, L. Metz, S. Chintala. *Unsupervised representation learning with deep convolutional generative adversarial networks.*
#   2015, [arXiv 1511.06434](https://arxiv.org/abs/1511.06434).
# - N. Halko, P. Martinsson, J. Tropp. *Finding structure with randomness.* 2011, [arXiv 0909.4061](https://arxiv.org/abs/0909.4061): how the
#   directions of 1,024 numbers were found.
#
# **Back**: [10 Slide from LS-GAN to WGAN](10_slide_to_wasserstein.ipynb). **Next**: [14 Train at scale](14_train_at_scale.ipynb).

# %% tags=["nbval-ignore-output"]
versions()
