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
# # 06 - Train faces: tell a collapse from an artefact
#
# You train faces in colour, watch a page of pictures go blank, and find out whether the network was
# broken or only the way in which it was asked. Then you count faces, look for faces learnt by heart,
# and walk from one face to another.
#
# *about 80 minutes, a minute of computing* · [source of this page](source/06_train_faces.py) ·
# [solutions](solutions/06_solutions.ipynb)

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
from matplotlib_inline.backend_inline import set_matplotlib_formats

from lsgan_lib.book import load_run
from lsgan_lib.figures import corner, strip_of_pictures, use_style

use_style()
plt.rcParams["figure.dpi"] = 90
set_matplotlib_formats("jpeg", pil_kwargs={"quality": 74})  # PNG files of faces are large
run = load_run("faces-least-squares")
epoch = run.where["data"]["count"]
last = round(run.where["images"] / epoch)
moments = [number for number in (1, 7, 17, 27, 50) if number <= last]
strip_of_pictures(
    [corner(run.sample_at(number * epoch), 4, 4) for number in moments],
    [f"{number} epoch{'s' * (number > 1)}" for number in moments],
    width=10.0,
)

# %% [markdown]
# **Figure 6.1** What one generator makes of the same sixteen noise vectors as its training goes on. The
# noise was not picked: it is the first that the seed gives. - After one epoch there are already eyes, a
# nose and a mouth where they belong. From then on faces change their owner, hair and backgrounds
# appear, and the grain fades.
#
# ## What you will be able to do
#
# - *convert* the epochs of one training set into those of another (Exercise 6.1);
# - *compute* how fast a moving average forgets (Exercise 6.2), and *sample* a generator with the
#   statistics of its batch without leaving a trace in it (Exercise 6.3);
# - *count* faces, and *give* the count its margin of error (Exercise 6.4);
# - *test* a generator for faces that it has learnt by heart (Exercise 6.5);
# - *tell* a collapse from an artefact on a run of your own (Exercise 6.6).
#
# ## What you need
#
# | concept | how much | where to read it |
# | --- | --- | --- |
# | the training loop, images shown, the averaged generator | all of it | [chapter 04](04_train_digits.ipynb), (4.1) |
# | the two codings $(a, b, c)$ | what they are, and that they aim at one divergence | [chapter 02](02_derive_least_squares.ipynb), (2.5) |
# | where faces come from, and who may show them | licences; what a face detector does | [appendix](appendix_prepare_faces.ipynb) |
# | the binomial distribution | the standard deviation of a share | any first-year text |
#
# ## Notation
#
# | here | in code | meaning |
# | --- | --- | --- |
# | $N$ | `epoch` | images in a training set; so many shown are an epoch |
# | $m$, $v$ | `x.mean(0)`, `x.var(0)` | mean and variance of one feature over the batch |
# | $M$, $V$ | `running_mean`, `running_var` | their moving averages |
# | $k$ | `keep` | share of a moving average that one step keeps (the seed's "decay"); PyTorch's `momentum` is $1 - k$ |
# | *raw* | `generator` | the weights as the optimiser left them |
# | *averaged* | `average` | their exponential moving average, (4.1) |
#
# By *seed* this chapter means the public TensorFlow implementation of the Least Squares GAN that this
# book starts from.

# %%
import copy

import numpy as np
import torch
from torch import nn

from lsgan_lib.book import avatars, claim, setup, show_source, versions
from lsgan_lib.data import make_set, to_float, to_uint8
from lsgan_lib.evaluation.batch_statistics import batch_statistics, images_in_batches
from lsgan_lib.evaluation.detected import faces_found
from lsgan_lib.evaluation.faces import moved
from lsgan_lib.evaluation.neighbours import nearest
from lsgan_lib.exercises import chapter_06 as exercises
from lsgan_lib.experiments.faces import WAYS, picture_path
from lsgan_lib.experiments.tables import load_table, table_path
from lsgan_lib.figures import PALETTE, image_grid, show_images, shown, training_curves

# %%
from lsgan_lib.labs.latent_slider import latent_slider
from lsgan_lib.latent import draw, images_of, path
from lsgan_lib.losses import least_squares
from lsgan_lib.losses.objectives import LeastSquares
from lsgan_lib.networks import LeastSquaresNetworks
from lsgan_lib.training import RECIPES, Recipe, train
from lsgan_lib.training.distance import sliced_wasserstein, spread
from lsgan_lib.training.recipe import differences

setup(seed=6)
plt.rcParams["figure.dpi"] = 90
set_matplotlib_formats("jpeg", pil_kwargs={"quality": 74})

# %% [markdown]
# ## Predict
#
# The seed shows its faces after 1, 7, 17, 27 and 50 epochs. After 7 there is a page of beige squares,
# all alike, a few with dark blobs. After 17 there are faces, and better ones after 50. Its page says so,
# and does not say why. Write down two explanations: one in which the network was broken after epoch 7,
# and one in which it was well. Which picture would you ask for to decide between them?
#
# ## Whose epoch?
#
# The seed trained on all 202,599 faces of CelebA. The recorded run of this chapter had a smaller set:

# %%
facts = run.where["data"]
print(f"{facts['count']:,} faces of {facts['source'].split(',')[0]}; {facts['licence']}")
print(f"shown: {run.where['images']:,} images in {run.where['seconds'] / 60:.0f} minutes")
print(f"on {run.where['device_name']}, {run.where['threads']} thread")
print(f"made by: {run.command}")

# %% [markdown]
# These are all the faces of CelebA that were at hand where the book was made: 10,000 in the seed's framing
# (rows 50 to 177 and columns 25 to 152 of the aligned picture, reduced to 64 by 64), the others aligned by
# their eyes to the same framing. CelebA may be used for research and not be passed on, so no photograph of it
# is in this book. What you see on this page are drawn faces, and faces that a generator made. With all of
# CelebA on your disk, `lsgan data celeba` prepares the whole set; the appendix tells how, and shows the other
# framings.
#
# An epoch is as long as its set. So the same work is another number of epochs:
#
# $$
# e' = e \cdot \frac{N}{N'}
# \tag{6.1}
# $$
#
# By hand, with a small set: 10 epochs of 300 images are 3,000 images, which is one epoch of 3,000. Now
# with ours:

# %%
SEED = 202_599


def in_other_epochs(epochs, count, other):
    """(6.1)"""
    return epochs * count / other


for number in moments:
    theirs = in_other_epochs(number, epoch, SEED)
    print(f"{number:3} of our epochs = {number * epoch:9,} images = {theirs:5.2f} of the seed's")
claim(in_other_epochs(10, 300, 3_000) == 1, "10 epochs of 300 images are one epoch of 3,000")
claim(
    run.where["images"] < 7 * SEED,
    "our whole run is shorter than the seed's up to its page of beige squares",
)

# %% [markdown]
# Keep this in mind whenever epochs are compared. *Images shown* is the honest axis, and still not the
# whole truth: seven times as many different faces teach more than the same faces seven times.
#
# What else is different from what the seed published?

# %%
for line in differences(RECIPES["faces-least-squares-full"], run.recipe):
    print(line)

# %% [markdown]
# (`now` is the recorded run.) Half of the channels and smaller batches, because it was recorded on a
# CPU. Mirrored faces, because there are fewer of them. And another learning rate. That one needs a
# reason.
#
# ## The learning rate: a run that does not start
#
# The seed's rate is $2 \cdot 10^{-4}$. The authors' code for scenes uses $10^{-3}$. Here is the same
# network on the same faces in the same order, at the smaller rate:

# %%
slow = load_run("faces-least-squares-slow")
print(slow.command)
lines = differences(run.recipe, slow.recipe)
print("\n".join(line for line in lines if "lr" in line))
training_curves(slow.log, equilibrium={"critic_loss": 0.25, "generator_loss": 0.125})

# %% [markdown]
# **Figure 6.2** Losses and scores at the learning rate $2 \cdot 10^{-4}$. - Soon the critic
# knows real from generated, and it does not let go: the scores end near 1 and near 0.

# %%
pictures = [slow.sample_at(epoch), run.sample_at(epoch)]
strip_of_pictures(
    [corner(picture, 2, 6) for picture in pictures],
    ["2e-4, after one epoch", "1e-3, after one epoch"],
    width=9.0,
)
claim(len({picture.stem for picture in pictures}) == 1, "both after the same number of images")
gap = slow.log["score_real"][-1] - slow.log["score_fake"][-1]
here = np.abs(run.log["images"] - slow.log["images"][-1]).argmin()
claim(gap > 0.6, "at the end of the slow run the critic tells real from generated with certainty")
claim(slow.log["spread"].max() < 0.1, "its pictures never differ by a tenth of what the data do")
claim(run.log["spread"][here] > 0.4, "at 1e-3, after as many images, they differ by far more")

# %% [markdown]
# **Figure 6.3** The same noise after the same number of images, at two learning rates. - On the left
# one pattern for all noise, on the right faces.
#
# This is no verdict on the seed. It trained at $2 \cdot 10^{-4}$ with twice the channels, twice the
# batch and seven times the faces, and its first epoch, which is a long one, shows faces. What it says is
# this: a learning rate that works belongs to a network, a batch and a set. It also shows what a
# generator that never started looks like: all pictures alike, like a collapse. *One* page of
# pictures does not tell the two apart. The log does: here the spread was never large.
#
# ## A run to take apart
#
# To look inside, we train one here: avatars of 32 by 32 pixels, an eighth of the channels, rates that
# suit a short run. At each tick the callback keeps a copy of both networks.

# %%
faces = avatars(1_000)
small = make_set(
    to_uint8(nn.functional.avg_pool2d(to_float(faces.images), 2)), name="avatars, 32 x 32"
)
recipe = Recipe(
    networks=LeastSquaresNetworks(size=32, channels=3, z_dim=64, width=0.125),
    objective=LeastSquares(a=0.0, b=1.0, c=1.0),
    data="avatars",
    images=12_800,
    batch_size=32,
    critic_lr=1e-3,
    generator_lr=2e-3,
    average_half_life=3_000,
    average_ramp=0.1,
    tick=800,
    seed=0,
    watch="warn",
)
kept = {}


def keep_copies(trainer):
    """Called at each tick."""
    raw, average = copy.deepcopy(trainer.generator).eval(), copy.deepcopy(trainer.average)
    kept[trainer.shown] = {"raw": raw, "average": average}


# %% tags=["nbval-ignore-output"]
trainer = train(recipe, small, on_tick=keep_copies)
print(f"{trainer.shown:,} images shown, {len(kept)} pairs of networks kept")

# %%
noise = draw(256, 64, random=torch.Generator().manual_seed(1))
real, others = to_float(small.images[:256]), to_float(small.images[256:512])
end = kept[max(kept)]
groups = [real, images_of(end["average"], noise), images_of(end["raw"], noise)]
figure, axes = plt.subplots(1, 3, figsize=(9.0, 3.2))
for ax, images, title in zip(axes, groups, ["drawn", "averaged", "raw"], strict=True):
    image_grid(ax, images[:24], 6, title)
shown(figure)

# %% [markdown]
# **Figure 6.4** Avatars, and what the averaged and the raw generator make of the same noise after 400
# steps. (Remix of ToonHead by Johan Melin, CC BY 4.0.) - Heads with hair, eyes and clothes. The averaged
# generator is smooth, the raw one is full of contrast and grain.
#
# Pictures alone do not make a curve. As in the training of the recorded run, we measure the *sliced
# Wasserstein distance* to the data: sort both sets along many random directions and compare. It sees
# colour, brightness and variety, not sharpness. Beside it the *spread*: how much pictures differ from
# each other, as a share of how much the data do.

# %%


def judged(images):
    """Distance to the data, and spread as a share of theirs."""
    return sliced_wasserstein(images, real), spread(images) / spread(real)


floor = sliced_wasserstein(others, real)
first = judged(images_of(kept[min(kept)]["average"], noise))[0]
final = judged(images_of(end["average"], noise))[0]
claim(floor < final / 2, "two halves of the data are far nearer to each other than samples are")
claim(final < 0.65 * first, "training brought the averaged generator nearer to the data by a third")

# %% [markdown]
# ## Two kinds of statistics
#
# The generator has a BatchNorm after every layer but the last. In training it takes mean and
# variance from the batch at hand; and each step moves a pair of moving averages towards them:
#
# $$
# y = \frac{x - m}{\sqrt{v + \epsilon}}\,\gamma + \beta,
# \qquad M \leftarrow k M + (1 - k)\, m, \quad V \leftarrow k V + (1 - k)\, v .
# \tag{6.2}
# $$
#
# In evaluation mode, which is how pictures are usually drawn, the moving averages stand in for the
# batch:
#
# $$
# y = \frac{x - M}{\sqrt{V + \epsilon}}\,\gamma + \beta .
# \tag{6.3}
# $$
#
# By hand: a batch of two numbers, 1 and 3, with $\gamma = 1$ and $\beta = 0$. Its mean is 2, its variance
# 1, so (6.2) makes $-1$ and $1$. A fresh layer has $M = 0$ and $V = 1$, so (6.3) makes $1$ and $3$. After
# one step with $k = 0.9$ the mean is $M = 0.9 \cdot 0 + 0.1 \cdot 2 = 0.2$.


# %%
def by_batch(x):
    """(6.2) with gamma 1, beta 0"""
    return (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt()


def by_averages(x, mean, variance):
    """(6.3)"""
    return (x - mean) / (variance + 1e-5) ** 0.5


layer, x = nn.BatchNorm1d(1).eval(), torch.tensor([[1.0], [3.0]])
with batch_statistics(layer):
    claim(torch.allclose(layer(x), by_batch(x)), "(6.2) is BatchNorm on its batch: -1 and 1")
claim(torch.allclose(layer(x), by_averages(x, 0.0, 1.0)), "(6.3) is BatchNorm in evaluation mode")
_ = layer.train()(x)
claim(abs(layer.running_mean.item() - 0.2) < 1e-6, "one step in training mode moves M to 0.2")

# %% [markdown]
# `batch_statistics` is the library's way to ask the first question without answering for it later:

# %%
show_source(batch_statistics)

# %% [markdown]
# Note what is *not* in (6.2): the moving averages. In training they are written and never read. The
# critic never sees a picture that was made with them. So nothing in the game keeps them right, and if
# they are wrong, only pictures show it.
#
# How far do they lag behind? With $k = 0.9$ ten steps ago counts $0.9^{10} \approx 0.35$. So the
# question for a run is: do weights change much within some ten steps? Draw each kept generator in both
# ways, and the averaged one beside them.

# %%
drawn = {}
for images_shown, pair in kept.items():
    drawn[images_shown] = {
        "moving": judged(images_of(pair["raw"], noise)),
        "batch": judged(images_in_batches(pair["raw"], noise, recipe.batch_size)),
        "average": judged(images_of(pair["average"], noise)),
    }
WORDS = {
    "moving": "raw, moving averages",
    "batch": "raw, statistics of the batch",
    "average": "averaged weights",
}
COLOURS = {"moving": PALETTE["fake"], "batch": "black", "average": PALETTE["least_squares"]}
STYLES = {"moving": "-", "batch": "--", "average": "-"}
figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.0))
for ax, column, title in zip(axes, (0, 1), ("distance to the data", "spread"), strict=True):
    for way in WAYS:
        values = [row[way][column] for row in drawn.values()]
        ax.plot(drawn.keys(), values, STYLES[way], color=COLOURS[way], label=WORDS[way])
    ax.set(title=title, xlabel="images shown", ylim=(0, None))
axes[0].axhline(floor, color=PALETTE["guide"], linestyle=":")
axes[0].legend()
shown(figure)

# %% [markdown]
# **Figure 6.5** The run above, at every tick, drawn in three ways; dotted, the distance between two
# halves of the data. - The two ways to draw the raw generator go together, through every jump. The
# averaged one starts behind and ends ahead, and it does not jump. It pays with some spread.

# %%
distance = {way: np.array([row[way][0] for row in drawn.values()]) for way in WAYS}
differ = np.abs(distance["moving"] - distance["batch"]) / distance["batch"]
claim(np.median(differ) < 0.15, "moving averages and batch give nearly the same distance")
claim(
    distance["average"][-4:].mean() < distance["moving"][-4:].mean(),
    "at the end the averaged generator is nearer to the data than the raw one",
)

# %% [markdown]
# ## Make an artefact
#
# Now break the moving averages and leave the weights alone. Had we set $k = 0.998$ instead of $0.9$, the
# training would have been the same to the last bit, because it does not read them. Only the moving
# averages would be others, and we can work out which. Start with those of a fresh network, $M = 0$ and
# $V = 1$, and follow the kept copies; from one tick to the next there are 25 steps. A second way to break
# them: take those of the first tick, as if they had stood still since.


# %%
def moving_averages(network):
    """The moving means and variances of a network, by name."""
    return {name: value for name, value in network.state_dict().items() if "running" in name}


def with_averages(others):
    """The last raw generator, with other moving averages."""
    network = copy.deepcopy(end["raw"])
    network.load_state_dict(network.state_dict() | others)
    return network


slow_ones = moving_averages(recipe.networks.generator(torch.Generator()))
for pair in kept.values():
    for name, value in moving_averages(pair["raw"]).items():
        slow_ones[name].lerp_(value, 1 - 0.998**25)
lag, old = (with_averages(a) for a in (slow_ones, moving_averages(kept[min(kept)]["raw"])))
rows = {
    "k = 0.9, as trained": images_of(end["raw"], noise),
    "k = 0.998": images_of(lag, noise),
    "of the first tick": images_of(old, noise),
    "none: statistics of the batch": images_in_batches(lag, noise, recipe.batch_size),
}

# %%
figure, axes = plt.subplots(4, 1, figsize=(8.0, 3.4))
for ax, (name, images) in zip(axes, rows.items(), strict=True):
    image_grid(ax, images[:16], 16)
    ax.set_title(name, loc="left", fontsize=9, pad=2)
shown(figure)
trained, blank, blobs, healthy = (judged(images) for images in rows.values())
claim(blank[1] < 0.3 * healthy[1], "with k = 0.998 the pictures are nearly all alike")
claim(blobs[0] > 1.4 * trained[0], "with the averages of the first tick they are far from the data")
claim(healthy[1] > 0.5, "with the statistics of the batch the same network draws as always")
claim(
    torch.equal([*rows.values()][3], images_in_batches(end["raw"], noise, recipe.batch_size)),
    "to the last bit: the networks differ in nothing but their moving averages",
)

# %% [markdown]
# **Figure 6.6** One set of weights, and four kinds of statistics. - The second row could be the seed's page after
# epoch 7: beige squares, all alike. The third has its dark blobs. And nothing is wrong with the network.
#
# Why beige? Compare the variances with the true ones:


# %%
def ratio(others):
    """Median over all features of V / V as trained."""
    true = moving_averages(end["raw"])
    return torch.cat([others[name] / true[name] for name in true if name.endswith("var")]).median()


claim(ratio(slow_ones) > 2, "k = 0.998: V began at 1 and is still far too large")
claim(ratio(moving_averages(old)) < 0.7, "of the first tick: V is too small")

# %% [markdown]
# Where $V$ is too large, (6.3) divides by too much, layer after layer, and the noise dies out on its way. What is
# left is $\beta$: one colour for all. Where $V$ is too small, everything is blown up, and tanh makes black and white of it.
#
# ## Make a collapse
#
# Now break the weights. Freeze the critic and let the generator learn alone, at a high rate. It finds
# whatever this one critic likes best, and nobody objects.

# %%
alone = copy.deepcopy(trainer.generator).train()
optimiser = torch.optim.Adam(alone.parameters(), 1e-2, (0.5, 0.999))
fresh = torch.Generator().manual_seed(0)
for _ in range(40):
    fake = alone(draw(recipe.batch_size, 64, random=fresh))
    loss = least_squares.generator_loss(trainer.critic(fake))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
alone.eval()
rows = {
    "moving averages": images_of(alone, noise),
    "batch": images_in_batches(alone, noise, recipe.batch_size),
}
figure, axes = plt.subplots(2, 1, figsize=(8.0, 1.75))
for ax, (name, images) in zip(axes, rows.items(), strict=True):
    image_grid(ax, images[:16], 16)
    ax.set_title(name, loc="left", fontsize=9, pad=2)
shown(figure)

# %%
before = drawn[max(drawn)]["batch"][0]
moving, batch = (judged(images)[0] for images in rows.values())
claim(min(moving, batch) > 1.15 * before, "both ways show worse pictures than before")
claim(abs(moving - batch) < 0.25 * batch, "and both ways show the same")

# %% [markdown]
# **Figure 6.7** The generator after 40 steps against a critic that stands still, drawn in both ways. -
# Whatever the noise, the faces have grown alike: a few masks with one pattern over all. This time the statistics of
# the batch do not help.
#
# So there is a test, and it costs two pictures:
#
# | moving averages | batch statistics | verdict |
# | --- | --- | --- |
# | good | good | all is well |
# | bad | good | an artefact: the averages lag, the weights are fine. Draw with the batch, or wait some steps |
# | bad | bad | the weights: a collapse, or a run that never started. Go back to an older state |
# | good | bad | the batch is too small, or its noise is not the training's |
#
# ## Was there one in the recorded run?
#
# Every saved state of the recorded runs was drawn in the three ways of Figure 6.5, 256 pictures each.
# For photographs there is a better question than a distance: does a face detector find a face? (mtcnn,
# from the appendix; it never saw a generated picture.)

# %%
table = load_table("faces")
states = table["runs"]["faces-least-squares"]["states"]
print(table["command"])
print(f"{len(states)} states; of real faces the detector finds {table['real']['faces']:.1%}")
figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.0))
for ax, column, title in zip(axes, ("faces", "distance"), ("faces found", "distance"), strict=True):
    for way in WAYS:
        xs, ys = zip(*[(row["images"] / 1000, row[way][column]) for row in states], strict=True)
        ax.plot(xs, ys, STYLES[way], color=COLOURS[way], label=WORDS[way], marker=".")
    ax.axhline(table["real"][column], color=PALETTE["guide"], linestyle=":")
    ax.set(title=title, xlabel="images shown (thousands)", ylim=(0, None))
axes[0].legend(loc="lower right")
shown(figure)

# %% [markdown]
# **Figure 6.8** The recorded run, state by state: the share of 256 pictures in which a face is found, and
# the distance to the data; dotted, the same of real faces. - The averaged generator is ahead of the raw one
# from the first state on, and steady. The raw one swings. Its two ways lie on each other most of the time;
# where they part far, it is the statistics of the batch that show more faces.

# %%
shares = {way: np.array([row[way]["faces"] for row in states]) for way in WAYS}
hidden = shares["batch"] - shares["moving"]
most = states[hidden.argmax()]
print(f"most hidden: after {most['images']:,} images")
for way in WAYS:
    print(f"  {WORDS[way]:30} faces {most[way]['faces']:4.0%}   spread {most[way]['spread']:.2f}")
print(f"more than five points hidden at {(hidden > 0.05).sum()} of {len(states)} states")
claim(
    hidden.max() > 0.1, "at some saved state, moving averages hide faces that the weights can draw"
)
claim(hidden.mean() > -0.02, "on the whole the batch shows at least as many faces")
claim(
    min(row[way]["spread"] for row in states for way in WAYS) > 0.3,
    "in no way and at no saved state were the pictures all alike: there was no collapse",
)
claim(
    (shares["average"] >= shares["moving"]).mean() > 0.9,
    "at nearly every state the averaged weights show more faces than the raw ones",
)

# %%
chosen = [most, states[-1]]
strip_of_pictures(
    [picture_path(table_path("faces"), run.name, row["images"]) for row in chosen],
    [f"{row['images']:,} images" for row in chosen],
    width=10.0,
)

# %% [markdown]
# **Figure 6.9** The state at which most faces were hidden, and the last one; one noise vector a column. Rows: raw
# weights with moving averages, raw weights with the statistics of the batch, averaged weights. - On the left the
# upper two rows are the same people, and the first row is too hard: colours and contrast run over. That is the
# artefact, in a run that nobody tampered with. The second row, which shows the weights as they are, is not good
# either. The third is.
#
# So what we found has two parts. The raw weights *swing*: at some moments the network itself draws worse than
# before and after. And when they swing fast, the moving averages lag and make it look worse still. Averaged weights take
# away both.
#
# ### Collapse or artefact: what can be said about the seed
#
# We have the seed's pictures and its code, and not its weights, its log, or a picture of the same
# moment with batch statistics. So:
#
# - *What the picture says.* It fits both. Figure 6.6 made such a page with a healthy network, Figure 6.3
#   with one that never learnt.
# - *What the code says.* The seed draws with moving averages, at the end of each epoch, with $k = 0.9$.
#   Such an average has forgotten 99 % after 44 steps, and an epoch of the seed has 1,582. To be an
#   artefact, the weights must have jumped within the last 44 steps before the picture was taken: possible, not
#   likely.
# - *What our run says.* With the same $k$, moving averages hid faces at some states, by more than ten points, and
#   never all of them: no page was blank. Our learning rate is five times the seed's, so weights move faster here, and averages
#   lag more. It is one run of another size, and it did not collapse, so it cannot tell how a collapse would look.
# - *What recovery says.* Nothing. An artefact heals within 44 steps. A collapsed generator can heal too:
#   the critic goes on learning, and a single picture is easy to tell from faces.
#
# A collapse is the likelier story: an artefact can blank a page (we made one), but with $k = 0.9$ we only saw it
# spoil pictures. One picture with batch statistics would have settled it. That is why a run should keep
# states, and not only pictures.
#
# ## Read the curves

# %%
training_curves(run.log, equilibrium={"critic_loss": 0.25, "generator_loss": 0.125})
tail = run.log["score_real"][-10:] - run.log["score_fake"][-10:]
late = run.log["generator_loss"][-5:].mean()
claim(tail.mean() > 0.05, "the critic is ahead to the end")
claim(late > 0.125, "and the generator's loss ends above its equilibrium of 1/8")

# %% [markdown]
# **Figure 6.10** Losses and scores of the recorded run, whose pictures are Figure 6.1. - After the first
# tick there is no sign in these curves of the pictures getting better. They tell who is ahead. As with
# digits (Figure 4.4), it is the critic.
#
# ## Three objectives on one pair of networks
#
# The same networks, the same faces in the same order, the same rates; only the losses differ:
# least squares with $(a, b, c) = (0, 1, 1)$, least squares with $(-1, 1, 0)$, and the cross-entropy of
# DCGAN.

# %%
NAMES = {
    "faces-least-squares": "(0, 1, 1)",
    "faces-pearson": "(-1, 1, 0)",
    "faces-cross-entropy": "cross-entropy",
}
by_moment = {}
for name, objective in NAMES.items():
    for row in table["runs"][name]["states"]:
        by_moment.setdefault(row["images"], {})[objective] = row
common = {images: rows for images, rows in by_moment.items() if len(rows) == len(NAMES)}
n = table["settings"]["samples"]
for images, rows in common.items():
    print(f"after {images:,} images, averaged weights, {n} pictures each")
    for objective, row in rows.items():
        p = row["average"]["faces"]
        margin = 1.96 * (p * (1 - p) / n) ** 0.5
        print(
            f"  {objective:14} faces {p:4.0%} ± {margin:.0%}   distance {row['average']['distance']:.3f}"
            f"   raw weights {row['moving']['faces']:4.0%}"
        )
claim(common, "all three runs have states after the same number of images")

# %%
figure, axes = plt.subplots(3, 1, figsize=(7.5, 3.6))
for ax, (name, objective) in zip(axes, NAMES.items(), strict=True):
    strip = corner(picture_path(table_path("faces"), name, max(common)), 3, 8)
    ax.imshow(strip[2 * 66 :])  # the third row: averaged weights
    ax.set_title(objective, loc="left", fontsize=9, pad=2)
    ax.set_axis_off()
shown(figure)

# %% [markdown]
# **Figure 6.11** The same noise through the three averaged generators, at the last moment that they share. - The
# noise is the same, the people are not.
#
# What do the papers say? The first (ICCV 2017) calls the two codings similar and uses $(0, 1, 1)$; the
# second (TPAMI) states that $(-1, 1, 0)$ performs better. The first prefers least squares to the
# cross-entropy of DCGAN, on pictures of scenes. And what do *we* measure? The table above, and it must be read with care:
#
# - There is *one* run of each. The margin behind ± is that of counting 256 pictures. It does not contain the luck
#   of a run: another seed gives other weights, and another share. A difference that is not much larger than the
#   margin says nothing.
# - The runs were stopped early, after a few of our epochs. Who starts faster need not end better.
# - The rate suits one objective and maybe not another: with $(-1, 1, 0)$ the targets are twice as
#   far apart, and so are the gradients, which Adam takes out again. Chapter 02, (2.5), says that at the best critic the two codings pull in
#   the same direction.
#
# What such a table *can* show is whether an objective fails outright on these networks. For a ranking you
# need seeds by the dozen; chapter 05 has them, on smaller problems.
#
# ## Count the faces
#
# "Looks like a face" is a share, and a share has a margin. With $n$ pictures of which a share $p$ are
# faces,
#
# $$
# p \pm 1.96\,\sqrt{\frac{p\,(1 - p)}{n}}
# \tag{6.4}
# $$
#
# contains the true share in 95 of 100 cases (roughly; it is poor near 0 and 1). By hand: 16 of 64 is
# $0.25 \pm 1.96 \cdot \sqrt{0.1875 / 64} = 0.25 \pm 0.11$. Sixty-four pictures are not many.


# %%
def interval(p, n):
    """(6.4)"""
    margin = 1.96 * (p * (1 - p) / n) ** 0.5
    return p - margin, p + margin


metrics = run.metrics
low, high = interval(metrics["faces"], metrics["samples"])
print(f"samples, not picked: {metrics['samples']:,}")
print(f"a face is found in {metrics['faces']:.1%} of them ({low:.1%} to {high:.1%})")
print(f"and in {metrics['faces_real']:.1%} of as many real faces")
claim(abs(interval(0.25, 64)[1] - 0.36) < 0.005, "16 of 64: the share may be as high as 0.36")
claim(metrics["faces"] >= 0.85, "the detector finds a face in over 85 % of unpicked samples")

# %% [markdown]
# Here are sixty-four, drawn with the noise that seed 64 gives. Count them yourself before you go on: how
# many look like faces *to you*? You will need the number in Exercise 6.4.

# %%
generator = run.generator()
z = draw(64, 1024, random=torch.Generator().manual_seed(64))
sixty_four = images_of(generator, z)
show_images(sixty_four, 16, width=9.5)

# %% [markdown]
# **Figure 6.12** Sixty-four samples of the recorded generator, not picked. - Look for eyes that do not
# match, for two faces in one, for backgrounds that grow into hair.
#
# A detector is a judge with a blind side. Two checks: what does it say to pictures with the same
# patches in another order? And to one face, sixty-four times?

# %%
pieces = sixty_four.unfold(2, 16, 16).unfold(3, 16, 16).flatten(2, 3)  # (64, 3, 16, 16, 16)
order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
grid = pieces[:, :, order].unflatten(2, (4, 4))
shuffled = grid.permute(0, 1, 2, 4, 3, 5).reshape(64, 3, 64, 64)
found = faces_found(sixty_four)
one = sixty_four[found][:1].expand(64, -1, -1, -1)
claim(
    faces_found(shuffled).float().mean() < 0.15, "the same patches in disorder are no faces to it"
)
claim(faces_found(one).all(), "one and the same face counts sixty-four times")
claim(spread(one) == 0, "what the detector does not see, the spread does: variety")
print(f"spread of the recorded samples: {metrics['spread']:.2f} of the data's")

# %% [markdown]
# So the share needs the spread beside it, and both need your eyes.
#
# ## Between two faces
#
# Walk on the straight line (4.2) between two noise vectors. The seed draws 15 pictures and divides by 15,
# so its strips stop short and never show the second face. `path` includes both ends.

# %%
ends = draw(6, 1024, random=torch.Generator().manual_seed(2))
walks = path(ends[:3], ends[3:], 11)  # (3, 11, 1024)
show_images(images_of(generator, walks.flatten(0, 1)), columns=11, width=9.5)
claim(torch.equal(walks[:, -1], ends[3:]), "every walk reaches its second face")
lengths = walks.square().mean(dim=2)
claim((lengths[:, 5] < 0.7 * lengths[:, 0]).all(), "half way the noise is shorter than at its ends")

# %% [markdown]
# **Figure 6.13** Three walks of eleven pictures, both ends included. - No jump: hair, pose and light change
# together, a little each time. Faces in the middle are plainer than at the ends.
#
# Plainer, because the straight line leaves the place where noise usually lies: half way, its mean square is
# about half. A great circle (`way="slerp"`) keeps the length, and suits normal noise better than the uniform
# noise used here; [chapter 13](13_explore_latent_space.ipynb) compares the ways.

# %%
latent_slider(generator, ends[[0, 3, 1]], stops=12, panels=11)

# %% [markdown]
# **Figure 6.14** A walk through three faces, for your hand. Two questions. Do glasses, smiles or the
# background change one after the other, or all at once? And is there a place where you would say "now it is
# another person"?
#
# <details><summary>Answers</summary>
#
# All at once: each of the 1,024 coordinates moves a little everywhere, and nothing has told the generator to
# keep one property apart from the others. And there is no such place: the map is smooth, identity is yours.
#
# </details>
#
# ## Learnt by heart?
#
# A generator that stores its training set and hands it out again would pass every test so far. Look for the
# *nearest training face* of each sample. With avatars we may show them:

# %%
samples = images_of(end["average"], noise)
training = to_float(small.images)
far, row = nearest(samples[:8], training)
planted = torch.cat([training[:4].flip(3), moved(training[4:8])])
everything = torch.cat([training, training.flip(3)])
far_planted, row_planted = nearest(planted, everything)
figure, axes = plt.subplots(1, 2, figsize=(9.5, 1.5))
image_grid(axes[0], torch.cat([samples[:8], training[row]]), 8, "samples, and the nearest avatars")
image_grid(axes[1], torch.cat([planted, everything[row_planted]]), 8, "planted copies, and theirs")
shown(figure)

# %% [markdown]
# **Figure 6.15** Above: eight samples, and eight planted copies (four mirrored, four moved by one pixel). Below
# each, the training avatar that is nearest to it, pixel by pixel. (Remix of ToonHead by Johan Melin, CC BY 4.0.) -
# Copies find their original. Samples find an avatar of the same hair and skin, and are not it.

# %%
claim(far_planted[:4].max() < 0.01, "a mirrored copy is at distance nought")
original = row_planted % len(training)  # behind the training set stand its mirror images
claim(torch.equal(original, torch.arange(8)), "all eight planted copies find their own original")
claim(far_planted[4:].min() > 5 * far_planted[:4].max(), "but one pixel is already a long way")
near = metrics["nearest"]
print(f"CelebA, {near['pictures']} pictures each, distance to the nearest training face")
for kind in ("copies", "real", "samples"):
    values = "   ".join(f"{name} {value:.3f}" for name, value in near[kind].items())
    print(f"{kind:8} {values}")
claim(
    near["samples"]["5 %"] > near["copies"]["50 %"],
    "19 of 20 samples are farther from the training set than half of the moved copies",
)

# %% [markdown]
# A drawing has hard edges: moved by one pixel, a copy is no longer near in *distance*, though it still finds its
# original. Photographs are smooth, and there the distance is a better witness.
#
# For CelebA only the distances are shown. *copies* are training faces moved by one pixel: what memory would
# look like. *real* are training faces and their nearest *other* face; mirror images count in both, because
# the run saw them. Two cautions. Are samples nearer to the training set than real faces are to each other? That is no sign
# of memory: a smooth picture is near to everything, as the mean of all faces is nearest of all. And distance in pixels
# finds copies, not likeness: a generator that kept a person and changed the light would pass.
#
# ## Raw or averaged?
#
# Figures 6.4, 6.5, 6.8 and 6.9 all say the same. In numbers, at the last state of the recorded run:

# %%
final_state = states[-1]
for way in WAYS:
    judged_by = final_state[way]
    print(f"{WORDS[way]:30} faces {judged_by['faces']:4.0%}   distance {judged_by['distance']:.3f}")
claim(
    final_state["average"]["faces"] >= final_state["moving"]["faces"],
    "averaging the weights costs nothing in training and shows at least as many faces",
)

# %% [markdown]
# The seed draws from the raw weights; the average was not usual then. A part of what looks like progress between two of
# its pictures may be the swing of the raw weights from one moment to the next.
#
# ## What goes wrong
#
# **All pictures are alike.** *Symptom*: one colour, or one face, whatever the noise. *Causes*: the run never started
# (Figure 6.3), the moving averages are wrong (Figure 6.6), or the generator collapsed (Figure 6.7). *Test*: draw with
# batch statistics; then look at the spread in the log. *Guard*: `Watch` measures the spread at every tick, and stops a run
# whose samples have collapsed; `states_kept` lets you go back.
#
# **A generator spoilt by looking.** *Symptom*: pictures change each time you draw. *Cause*: a forward pass in training
# mode moves the averages, even under `no_grad`. *Cure*: `batch_statistics`. See it happen:

# %%
looked = copy.deepcopy(end["raw"])
reference = images_of(looked, noise[:8])
with torch.no_grad(), batch_statistics(looked):
    looked(noise[8:16])
claim(torch.equal(images_of(looked, noise[:8]), reference), "batch_statistics leaves no trace")
with torch.no_grad():
    looked.train()(0.1 * noise[8:16])
changed = images_of(looked.eval(), noise[:8])
claim(not torch.equal(changed, reference), "one look in training mode does")

# %% [markdown]
# **An epoch is taken for an epoch.** *Symptom*: "ours is worse after 27 epochs". *Cure*: (6.1).
#
# **A detector's share is taken for quality.** *Symptom*: 95 % faces, all of one person. *Cure*: the spread beside it.
#
# ## Train the real thing
#
# ```
# lsgan data celeba --from img_align_celeba.zip       # all of CelebA, which you must have fetched
# lsgan train faces-least-squares                     # what this chapter shows; a grid of 64 each epoch
# lsgan train faces-least-squares-full                # as the seed published it; wants a GPU
# lsgan sample runs/faces-least-squares --count 64
# lsgan interpolate runs/faces-least-squares --rows 5 --steps 15    # the seed's strips, with both ends
# python -m lsgan_lib.experiments.faces               # every state in three ways: Figure 6.8
# ```
#
# ## Exercises
#
# Replace `None` by your answer and run the cell. Solutions:
# [solutions/06_solutions.ipynb](solutions/06_solutions.ipynb).
#
# ### Exercise 6.1
#
# *On paper.* The seed's page of beige squares comes after 7 epochs of 202,599 faces. How many epochs of our
# 27,468 faces show as many images? And how many steps is that with our batches of 64?

# %%
our_epochs = None
steps = None
exercises.check_6_1(our_epochs, steps)

# %% [markdown]
# ### Exercise 6.2
#
# *On paper.* A moving average keeps $k = 0.9$ of itself in each step. After how many steps is less than one hundredth of the
# past left (a whole number)? And for $k = 0.998$?

# %%
steps_fast = None
steps_slow = None
exercises.check_6_2(steps_fast, steps_slow)

# %% [markdown]
# ### Exercise 6.3
#
# *In code.* Draw pictures with batch statistics using nothing but PyTorch: no `batch_statistics`. The network that you are given
# must afterwards be as it was: same buffers, same mode. (There are several ways; a copy is one.)


# %%
def drawn_with_the_batch(generator, z):
    """Pictures of z (N, z_dim) as one batch, each BatchNorm on the batch's own statistics."""
    return None


exercises.check_6_3(drawn_with_the_batch)

# %% [markdown]
# ### Exercise 6.4
#
# *Reading.* How many of the sixty-four in Figure 6.12 look like faces to you? Between which two shares does (6.4) put the true
# one, and is the detector's share, `metrics["faces"]`, between them: `"yes"` or `"no"`?

# %%
count = None
lower, upper = None, None
agrees = None
exercises.check_6_4(count, lower, upper, agrees)

# %% [markdown]
# ### Exercise 6.5
#
# *In code.* Write a test for memory: which samples are copies of a training picture? Mirror images, and pictures moved by one
# pixel, count as copies. Say `True` where the nearest training picture is nearer than a third of the median distance between a training
# picture and its nearest other one.


# %%
def copied(samples, training):
    """bool (N,): samples and training are float (N, 3, H, W) and (M, 3, H, W) in [-1, 1]."""
    return None


exercises.check_6_5(copied)

# %% [markdown]
# ### Exercise 6.6
#
# *Open.* Change one thing in `recipe` that you expect to make the raw generator jump: a rate, the batch, the coding. Train it
# with a callback that keeps copies, and draw the last copy in both ways. Bring the two distances and your verdict: `"artefact"`, `"collapse"` or
# `"well"`. The check asks that exactly one setting differs, and that verdict and distances do not contradict each other.

# %%
my_recipe = None
moving_distance = None
batch_distance = None
verdict = None
exercises.check_6_6(recipe, my_recipe, moving_distance, batch_distance, verdict)

# %% [markdown]
# ## Summary
#
# Count images, not epochs: an epoch is as long as its set. A learning rate belongs to a network, a batch and a set; at the seed's rate
# our smaller network never started. In training BatchNorm reads the batch and only writes its moving averages, so nothing keeps
# them right. When pictures go blank, draw once with the statistics of the batch: good pictures mean an artefact, bad ones mean that the weights
# are at fault. Both can make a page of beige squares, as can a run that never started. In the recorded run moving averages hid some faces at some
# states and never blanked a page. The seed's page after epoch 7 was most likely a collapse, and cannot be proven to be one. Averaged weights show more faces than raw ones. A
# detector counts faces and is blind to variety; distances find copies and are blind to likeness.
#
# ## Questions to ask yourself
#
# 1. Why does nothing in the training correct wrong moving averages?
# 2. Which three causes make all pictures alike, and which measurement separates them?
# 3. Why do batch statistics need batches as large as in training?
# 4. The averaged generator has moving averages too. Whose?
# 5. What would you have to keep of a run so that a stranger can decide about its epoch 7 in five years?
# 6. The detector finds a face in 95 % of the samples. What do you still not know?
# 7. Why can samples be nearer to the training set than real faces are to each other, without any copying?
# 8. Two objectives differ by four points after the same number of images. When is that a result?
# 9. Why does the seed's walk between two faces miss the second one?
#
# ## Further reading
#
# - Ioffe and Szegedy 2015, [arXiv 1502.03167](https://arxiv.org/abs/1502.03167): BatchNorm; section 3.1 has both kinds of statistics.
# - Mao et al. 2017, [arXiv 1611.04076](https://arxiv.org/abs/1611.04076): the architecture and the rate of the scenes.
# - Mao et al. 2018, [arXiv 1712.06391](https://arxiv.org/abs/1712.06391): the claim for $(-1, 1, 0)$.
# - Liu et al. 2015, [arXiv 1411.7766](https://arxiv.org/abs/1411.7766): CelebA, and under which terms it may be used.
# - Zhang et al. 2016, [arXiv 1604.02878](https://arxiv.org/abs/1604.02878): the detector that counts.
# - Webster et al. 2019, [arXiv 1901.03396](https://arxiv.org/abs/1901.03396): more tests for memory than the nearest neighbour.
#
# **Back**: [05 Count modes](05_count_modes.ipynb). **Next**:
# [07 Derive loss-sensitive](07_derive_loss_sensitive.ipynb).

# %% tags=["nbval-ignore-output"]
versions()
