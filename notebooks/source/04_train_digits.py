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
# # 04 - Train digits, and read what training tells you
#
# Two networks, two losses and a short loop draw digits that nobody wrote. This chapter takes the loop
# apart, runs it, reads its numbers, and puts three common beliefs about the result to the test.
#
# *about 60 minutes, 50 s of computing* · [source of this page](source/04_train_digits.py) ·
# [solutions](solutions/04_solutions.ipynb)

# %% tags=["hide-input"]
import numpy as np
from PIL import Image

from lsgan_lib.book import load_run
from lsgan_lib.figures import strip_of_pictures, use_style

use_style()
moments = (1, 7, 14, 21)
pictures = [load_run("mnist-least-squares").sample_at(epoch * 60_000) for epoch in moments]
corners = [np.asarray(Image.open(path).convert("RGB"))[:182, :182] for path in pictures]
strip_of_pictures(corners, [f"epoch {epoch}" for epoch in moments])

# %% [markdown]
# **Figure 4.1** What one generator makes of the same 36 noise vectors after 1, 7, 14 and 21 passes over
# the 60,000 training digits of MNIST. - A blot becomes many different digits. The same place in the
# grid is the same noise, yet it does not keep its digit.
#
# ## What you will be able to do
#
# - *read* from one row of a training log how far the critic's scores spread, and what that says about
#   the generator (Exercise 4.1);
# - *compute* how much of the past an averaged generator remembers (Exercise 4.2);
# - *write* a walk between two digits that arrives (Exercise 4.3);
# - *test* what a saved state must hold for a killed run to end as if nothing had happened
#   (Exercise 4.4);
# - *measure* what dropout does to samples (Exercise 4.5), and *design* a measure of their variety
#   (Exercise 4.6).
#
# ## What you need
#
# | concept | how much | where to read it |
# | --- | --- | --- |
# | the least-squares losses | (2.1), (2.2), and the values ¼ and ⅛ at equilibrium | [chapter 02](02_derive_least_squares.ipynb) |
# | training in PyTorch | `zero_grad`, `backward`, `step`; `train()` and `eval()` | PyTorch tutorial *Training with PyTorch* |
# | BatchNorm | it uses the batch in training, running averages afterwards | PyTorch documentation, `BatchNorm2d` |
# | convolutions | a layer that turns images into images | any first course |
#
# ## Notation
#
# | here | in code | meaning |
# | --- | --- | --- |
# | $G(z)$ | `generator(z)` | image made from the noise $z$ |
# | $D(x)$ | `critic(x)` | the critic's score of an image; the targets are 0 for generated, 1 for real |
# | $\theta_G,\ \theta_D$ | `parameters()` | weights of the two networks |
# | $\bar\theta$ | `average` | running average of $\theta_G$ |
# | $B$ | `batch_size` | images in a batch |
# | $n$ | `shown` | real images shown to the critic so far |
# | $h,\ k$ | `half_life`, `keep` | memory of the average, in images; share of it kept in a step |
#
# *LSGAN* means least squares (Mao et al.); *LS-GAN*, loss-sensitive, is another method (Qi). In code
# they are `least_squares` and `loss_sensitive`.

# %%
import copy
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image

from lsgan_lib import data, training
from lsgan_lib.book import claim, load_run, setup, show_source, versions
from lsgan_lib.data.batches import mix
from lsgan_lib.evaluation.neighbours import agreement, nearest
from lsgan_lib.evaluation.specks import specks
from lsgan_lib.exercises import chapter_04 as exercises
from lsgan_lib.figures import PALETTE, show_images, strip_of_images, strip_of_pictures
from lsgan_lib.figures import tile, training_curves
from lsgan_lib.labs.latent_slider import images_of, latent_plane, latent_slider
from lsgan_lib.latent import draw, path
from lsgan_lib.losses import least_squares
from lsgan_lib.networks import DCGANNetworks, LeastSquaresNetworks
from lsgan_lib.networks.dropout import Dropout, dropout_at_sampling
from lsgan_lib.training import Recipe, Trainer, resume, train
from lsgan_lib.training.average import keep_factor, update_average
from lsgan_lib.training.sources import make_stream

setup(seed=4)

# %% [markdown]
# ## Predict
#
# Write down your answers before you read on; each is tested below.
#
# 1. The 21 epochs of Figure 4.1 end with good digits. Where is the critic's mean score of *generated*
#    digits by then: near 0, near ½, or near 1?
# 2. A run is killed in the middle, and later goes on from a file. Will its final weights be nearly the
#    same as those of an undisturbed run, or the same?
# 3. Dropout sets half of a layer to zero, at random. It was on in training. Should it be on or off when
#    the finished generator draws?
#
# ## One step by hand
#
# Take the smallest GAN there is. The only real sample is the number $x = 1$. The generator is a number
# $\theta$, its own output. The critic is $D(x) = w x$. Start at $w = \tfrac12$, $\theta = 0$.
#
# *Critic.* Its loss (2.1) is $\tfrac12 (w - 1)^2 + \tfrac12 (w\theta)^2$, with slope
# $(w - 1) + w\theta^2 = -\tfrac12$. A step of size 1 gives $w = 1$.
#
# *Generator.* Its loss (2.2) is $\tfrac12 (w\theta - 1)^2$, with slope $w\,(w\theta - 1)$. The critic
# **has moved already**, $w = 1$, so the slope is $-1$. A step of size ½ gives $\theta = \tfrac12$.
#
# *Average.* Keep half of the old value 0, add half of the new one: $\bar\theta = \tfrac14$.

# %%
w, theta = torch.tensor([0.5], requires_grad=True), torch.tensor([0.0], requires_grad=True)
average = theta.detach().clone()

(slope,) = torch.autograd.grad(least_squares.critic_loss(w * 1, w * theta.detach()), w)
w = (w - 1.0 * slope).detach()
(slope,) = torch.autograd.grad(least_squares.generator_loss(w * theta), theta)
theta = (theta - 0.5 * slope).detach()
average = 0.5 * average + 0.5 * theta
print(f"w = {w.item()}, theta = {theta.item()}, average = {average.item()}")

# %% [markdown]
# Had both moved at once, the generator would have asked the old critic, and come half as far.
#
# ## The loop
#
# A step for images has the same three parts. $\text{Adam}$ stands for one step of that optimiser.
#
# $$
# \theta_D \leftarrow \text{Adam}\big(\theta_D,\ \nabla_{\theta_D} L_D\big),
# \qquad L_D \text{ from } B \text{ real and } B \text{ generated images}
# \tag{4.1}
# $$
#
# $$
# \theta_G \leftarrow \text{Adam}\big(\theta_G,\ \nabla_{\theta_G} L_G\big),
# \qquad L_G \text{ from } B \text{ newly generated images and the moved critic}
# \tag{4.2}
# $$
#
# $$
# \bar\theta \leftarrow k\,\bar\theta + (1 - k)\,\theta_G,
# \qquad k = \big(\tfrac12\big)^{B/h}
# \tag{4.3}
# $$
#
# In words: teach the critic, teach the generator, average. Here is one step in plain PyTorch. `t`
# holds two networks, two optimisers, an average, and a source of batches.


# %%
def step_by_hand(t):
    t.random.manual_seed(mix(t.recipe.seed, 4, t.shown))  # noise follows from the images shown
    real = t.batches.at(t.shown)

    fake = t.generator(draw(len(real), 100, "uniform", t.random)).detach()  # (4.1)
    loss = least_squares.critic_loss(t.critic(real), t.critic(fake))
    t.critic_optimiser.zero_grad()
    loss.backward()
    t.critic_optimiser.step()

    fake = t.generator(draw(len(real), 100, "uniform", t.random))  # (4.2)
    loss = least_squares.generator_loss(t.critic(fake))
    t.generator_optimiser.zero_grad()
    loss.backward()
    t.generator_optimiser.step()

    t.shown += len(real)
    keep = 0.5 ** (len(real) / min(10_000, 0.05 * t.shown))  # (4.3)
    new = t.generator.state_dict()
    for name, old in t.average.state_dict().items():
        old.copy_(torch.lerp(new[name], old, keep) if old.is_floating_point() else new[name])


# %% [markdown]
# Two trainers start from the same recipe. One takes five steps by hand, the other takes the library's.

# %%
tiny = Recipe(
    networks=LeastSquaresNetworks(width=1 / 16, dropout=0.5),
    data="digits",
    batch_size=20,
    images=400,
    tick=100,  # images between two rows of the log
    state_every=100,  # images between two saved states
    sample_count=16,
)
digits = data.digits()


def start(recipe):
    stream, _ = make_stream(recipe, digits, torch.device("cpu"))
    return Trainer(recipe, stream)


def same(one, other):
    """Whether two networks have the same weights and buffers, bit for bit."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


ours, theirs = start(tiny), start(tiny)
for _ in range(5):
    step_by_hand(ours)
    theirs.step()

# %%
claim(same(ours.generator, theirs.generator), "after 5 steps the two generators have the same bits")
claim(same(ours.critic, theirs.critic), "so have the two critics")
noise = draw(8, 100, random=torch.Generator().manual_seed(0))
apart = images_of(ours.average, noise) - images_of(theirs.average, noise)
claim(apart.abs().max() < 1e-5, "the two averages draw the same images")

# %% [markdown]
# So the library's step can be read as the one above, plus what makes it fast and general:

# %%
show_source(Trainer.step, Trainer._critic_step, Trainer._generator_step)

# %% [markdown]
# - `no_grad` instead of `detach`: the generator learns nothing in the critic's step, so no graph is
#   built for it. And the critic is frozen in the generator's step: no gradients for weights that do not
#   move. Forgetting either wastes time, and does no harm: our step by hand forgot one of them.
# - `_log` adds tensors on the device and reads no number. A `.item()` in each step makes the program
#   wait for the device; on a GPU, which works through a queue of orders, the queue runs empty.
# - `probe` asks for gradients at the inputs once a *tick*, the distance between two rows of the log.
# - `critic_steps` and `generator_steps` let one player move more often than the other. We use that below.
# - Progress is counted in **images shown** to the critic. Steps of 32 and of 128 images then share one
#   axis; "epochs" of sets of different size would not.
#
# ## The average

# %%
show_source(keep_factor, update_average)

# %% [markdown]
# Why average? Each player aims at a moving target, so the weights circle around a good place rather than
# settle. The mean of recent weights lies nearer to it; we measure this below. Two details are easily
# missed. The *half-life* is given in images, and at the start it is cut to a share of the images shown,
# or the average would remember the random beginning for too long. And the running statistics of
# BatchNorm belong to the weights: average one and not the other, and they no longer fit.

# %%
k = keep_factor(batch=128, shown=1_000_000, half_life=10_000, ramp=0.05)
claim(abs(k ** (10_000 / 128) - 0.5) < 1e-9, "after 10,000 images a weight counts half")

# %% [markdown]
# ## What a run remembers
#
# A run of an hour gets interrupted. What must be saved, so that nothing is lost?

# %%
show_source(Trainer.state_dict)

# %% [markdown]
# Both networks and the average, the optimisers (Adam keeps two running means for every weight), and one
# number: how many images were shown. There is no state of a random generator. Everything random (which
# images come next, which noise, which dropout masks) is computed from the seed and that number, as in
# the first line of our step. `sums` and `counts` belong to a row of the log that is not finished yet.
#
# Prediction 2 said that a killed run, continued, is nearly or exactly the same. We pull the plug after
# 250 of 400 images. The last state on the disk is then the one of image 200.


# %%
class PowerCut(Exception):
    """Nothing of the run survives this but its files."""


def pull_the_plug(trainer):
    if trainer.shown >= 250:
        raise PowerCut


undisturbed = train(tiny, digits)
with tempfile.TemporaryDirectory() as folder:
    try:
        train(tiny, digits, f"{folder}/run", on_tick=pull_the_plug)
    except PowerCut:
        saved = torch.load(f"{folder}/run/state.pt", weights_only=True)["shown"]
    continued = resume(f"{folder}/run", digits)

claim(saved == 200, "the file on the disk is from image 200")
for part in ("generator", "critic", "average"):
    equal = same(getattr(continued, part), getattr(undisturbed, part))
    claim(equal, f"the {part} of the continued run has the bits of the undisturbed one")

# %% [markdown]
# Not nearly: exactly. This holds on one machine. Another processor adds in another order, and a GAN
# amplifies the difference; so in this book trained *digits behind the point* are never quoted, and
# verdicts are.
#
# ## A measure before the experiment
#
# When does a picture count as a legible digit? We ask 4,500 of the 5,000 digits that come with this book,
# and use the remaining 500 to see what real digits reach. A picture passes if
#
# - at least four of its five nearest digits bear the same label,
# - the nearest is no further away than for 95 % of the real digits,
# - it has ink, and black and white rather than grey, no less than 99 % of them.


# %%
def judge(images, labels):
    """A function that tells for each picture whether it can pass for one of these digits."""
    held_out, known, names = images[:500], images[500:], labels[500:]
    far = nearest(held_out, known)[0].quantile(0.95)

    def ink(pictures):
        return pictures.add(1).flatten(1).mean(dim=1)

    def contrast(pictures):
        return pictures.square().flatten(1).mean(dim=1)

    faint, grey = ink(held_out).quantile(0.01), contrast(held_out).quantile(0.01)

    def legible(pictures):
        clear = agreement(pictures, known, names)[1] >= 0.8
        near = nearest(pictures, known)[0] <= far
        return clear & near & (ink(pictures) >= faint) & (contrast(pictures) >= grey)

    return legible


def share(mask):
    return mask.float().mean().item()


real = data.to_float(digits.images)  # (5000, 1, 28, 28) in [-1, 1], classes in turn
legible = judge(real, digits.labels)

# %% [markdown]
# A measure needs a test of its own: pictures of which we know what it should say.

# %%
blots = Image.open(load_run("mnist-least-squares").sample_at(60_000))


def cut(picture):
    """The 100 images of a recorded grid, (100, 1, 28, 28): 28 pixels each, 2 between them."""
    pixels = torch.from_numpy(np.array(picture.convert("L")))[2:, 2:]
    return data.to_float(pixels.unfold(0, 28, 30).unfold(1, 28, 30).reshape(-1, 1, 28, 28))


claim(share(legible(real[:500])) > 0.8, "over 80 % of real digits pass")
for name, fakes in {
    "noise": torch.rand(100, 1, 28, 28) * 2 - 1,
    "black squares": -torch.ones(100, 1, 28, 28),
    "averages of 50 digits": real[:5000].view(100, 50, 1, 28, 28).mean(dim=1),
    "the blots of epoch 1": cut(blots),
}.items():
    claim(share(legible(fakes)) <= 0.02, f"{name} do not pass")

# %% [markdown]
# It says nothing about *variety*: a hundred copies of one good digit all pass. Exercise 4.6 adds that.
