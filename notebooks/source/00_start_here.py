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
# # 00 - Start here: see both LSGANs at work
#
# Two different methods go by almost the same name: *LSGAN* and *LS-GAN*. This book explains, builds
# and measures both. On this page you move a trained generator by hand, train one network of each
# kind, and learn to tell the two apart.
#
# *about 15 minutes, 20 s of computing* · [source of this page](source/00_start_here.py) ·
# [solutions](solutions/00_solutions.ipynb)

# %% tags=["hide-input"]
import torch

from lsgan_lib.book import load_run
from lsgan_lib.data import digits
from lsgan_lib.figures import strip_of_images, use_style
from lsgan_lib.latent import draw, images_of

use_style()
written = digits().images[:32]
noise = draw(32, 100, random=torch.Generator().manual_seed(0))
made_up = images_of(load_run("mnist-least-squares").generator(), noise)
strip_of_images([written, made_up], ["written by people", "made up by a generator"], columns=8)

# %% [markdown]
# **Figure 0.1** Handwritten digits, and digits that nobody ever wrote. - A Least Squares GAN drew the
# right half from random numbers, after it had been shown pictures like those on the left.
#
# **To run this page**, click the next grey box and press Shift + Enter, again and again; or choose
# *Run → Run All Cells* from the menu. Nothing is downloaded, and the whole page takes less than a
# minute. If you read it on a web site, all results are already there, except that sliders do not move.
#
# ## What you will be able to do
#
# - *draw* new images from a trained generator (Exercise 0.1);
# - *tell* from a name, a command or a line of code which of the two methods is meant (Exercise 0.2);
# - *choose* the better of several generated images by their scores, under either method
#   (Exercise 0.3);
# - *predict* what changes when a critic's targets are exchanged, and test it (Exercise 0.4);
# - *count* how many clusters a small GAN finds, and say what one count is worth (Exercise 0.5).
#
# You need Python with functions and loops, and a first acquaintance with PyTorch: what a tensor is,
# and what `backward()` does. You need to know nothing about GANs.

# %%
import torch

from lsgan_lib.book import claim, load_run, setup, versions
from lsgan_lib.data import digits, ring, to_float
from lsgan_lib.environment import check_environment
from lsgan_lib.evaluation.neighbours import nearest
from lsgan_lib.exercises import chapter_00 as exercises
from lsgan_lib.figures import landscape
from lsgan_lib.labs.explore import explore, strip
from lsgan_lib.labs.latent_explorer import LatentExplorer
from lsgan_lib.labs.latent_slider import latent_slider
from lsgan_lib.latent import draw, images_of, path
from lsgan_lib.losses import least_squares, loss_sensitive, wasserstein
from lsgan_lib.losses.objectives import LeastSquares, LossSensitive, Penalty
from lsgan_lib.networks import MLPNetworks

setup(seed=0)

# %% [markdown]
# ## A generator under your hand
#
# A *generator* is a function that turns noise into an image. The noise $z$ is a list of random
# numbers: here 100 of them, each between $-1$ and $1$. The same noise always gives the same image,
# and other noise gives another one. That is all a generator does.
#
# This one was trained for you with the command that is printed below. We picked five points of its
# noise: the first gives a 0, the second a 1, and so on to 4. The slider walks in straight lines from
# one to the next, and at each stop the generator draws anew.

# %%
run = load_run("mnist-least-squares")
generator = run.generator()
print(f"{run.command}\n{run.recipe.images:,} images shown")

noise = draw(32, 100, random=torch.Generator().manual_seed(0))
waypoints = noise[[16, 0, 6, 8, 3]]
latent_slider(generator, waypoints, stops=15, panels=13)

# %% [markdown]
# **Figure 0.2** Thirteen stops of the walk, at equal distances from the 0 to the 4. - Every third
# picture is one of the five points. Move the slider, with the mouse or with the arrow keys, to see all
# that lies between.
#
# Two questions while you slide. Does one digit turn into the next gradually, or in a jump? And which
# digit do you pass on the way from the 3 to the 4?
#
# <details><summary>Answers</summary>
#
# Gradually: strokes bend, grow and fade, now slowly, now fast. A generator is a continuous function, so
# a small step in the noise is a small step in the picture. The next cell measures it. And between the 3
# and the 4 lies a 9: nobody told the generator that there are ten digits, but it has put what looks
# alike side by side. Not every picture on the way is a digit. The noise has no gaps between the digits,
# so a walk has to cross from one to the next somewhere.
#
# </details>

# %%
largest = []
for start, end in zip(waypoints[:-1], waypoints[1:], strict=True):
    walk = images_of(generator, path(start, end, 61))
    one_step = (walk[1:] - walk[:-1]).abs().mean(dim=(1, 2, 3))
    whole_way = (walk[-1] - walk[0]).abs().mean()
    largest.append(one_step.max() / whole_way)

claim(max(largest) < 0.25, "none of 60 small steps makes a quarter of the whole change")

# %% [markdown]
# Does the generator only copy what it has seen? Then its pictures would be found among real digits.
# Here is the root mean squared difference to the nearest of 5,000, pixels going from $-1$ to $1$. (The
# generator saw 60,000 in training; the book carries 5,000 of them.)

# %%
distance, _ = nearest(images_of(generator, noise), to_float(digits().images))

claim(distance.min() > 0.1, "none of the 32 generated digits is one of 5,000 real ones")

# %% [markdown]
# ### More than one walk
#
# The slider knows one walk. The *latent explorer* below goes anywhere in the noise, with this
# generator or with one of yours. Predict first: there are 100 numbers to turn. If you turn them all
# a little, in the one mixture to which the picture is most sensitive, does the digit only get bolder
# or slanted, or does it become another digit?
#
# - *Choose.* Click a fourth sample: the walk now leads there too. Drag over the blue curve to walk.
# - *Directions.* Move the first slider to both ends, then the fourth. The strengths beside them tell
#   beforehand how much to expect.
# - *Arithmetic.* Put the first 1, which is slanted, into group A, the upright 1 (the fourth sample)
#   into B and the round 0 (the eleventh) into C. What is A − B + C? And with the 7
#   (the second) in place of the 0?
# - *Your picture.* Upload any photograph. The lab searches for the noise that comes closest to it.

# %%
LatentExplorer.of_run("mnist-least-squares", seed=2).show()

# %% [markdown]
# **Figure 0.3** The latent explorer as it starts: a walk, and below it the first of its samples, pushed
# both ways along the two directions that change it most. - The 1 stands in the middle of the second row.
# A short push slants it. A longer one makes a 3 of it, or a 0, and in the end no digit at all.
#
# <details><summary>Answers</summary>
#
# The three strongest directions turn the 1 into other digits; the fourth hardly moves a pixel, however
# far you push. And A − B + C is a slanted 0, as one may hope, but with the 7 it is a 9. A difference of
# noise is a hint, not a rule. [Chapter 13](13_explore_latent_space.ipynb) measures all this: the curve of norms, the
# directions, sums, and what a search for your picture says about the generator.
#
# </details>
#
# ## Two methods, one name
#
# Where does a generator learn what a digit looks like? From a second network, the *critic*, which
# gives every image a score. The two are trained in turn. The critic learns to score real and
# generated images differently; the generator learns to get the scores of real ones. All GANs share
# this game. They differ in what the critic is asked for.
#
# In the winter of 2016 to 2017 two answers were proposed, within three months of each other. Both were
# shortened to the same letters.
#
# | | Least Squares GAN | Loss-Sensitive GAN |
# | --- | --- | --- |
# | written | **LSGAN** | **LS-GAN**; its generalised form **GLS-GAN** |
# | paper | Mao and others, ICCV 2017, [arXiv 1611.04076](https://arxiv.org/abs/1611.04076) | Qi, IJCV 2020, [arXiv 1701.06264](https://arxiv.org/abs/1701.06264) |
# | the critic | hits two targets: 1 for a real image, 0 for a generated one | scores a generated image above a real one, by a margin that grows with the difference between the two |
# | the generator | wants the score 1 | wants a low score |
# | a real image scores | **high** | **low** |
# | in our code | `least_squares` | `loss_sensitive` |
#
# The line *a real image scores* is the trap. Qi's critic is itself a loss, $L(x)$: what an image *costs*. Good
# images cost little. Mao's critic $D(x)$ is a rating. Good images are rated high. In formulas, with
# $G(z)$ for a generated image and $\Delta$ for the margin, a distance between the two images of a pair:
#
# $$\begin{aligned}
# \text{LSGAN, critic:}\quad & \min_D\ \tfrac12\,\mathbb{E}\,(D(x) - 1)^2 + \tfrac12\,\mathbb{E}\,D(G(z))^2 \\
# \text{generator:}\quad & \min_G\ \tfrac12\,\mathbb{E}\,(D(G(z)) - 1)^2
# \end{aligned} \tag{0.1}$$
#
# $$\begin{aligned}
# \text{LS-GAN, critic:}\quad & \min_L\ \mathbb{E}\,\bigl(\Delta(x, G(z)) + L(x) - L(G(z))\bigr)_+ \\
# \text{generator:}\quad & \min_G\ \mathbb{E}\,L(G(z))
# \end{aligned} \tag{0.2}$$
#
# $\mathbb{E}$ is an average over images and noise; $(s)_+$ is $s$ where it is positive and $0$
# elsewhere.
#
# **One pair by hand.** A critic scores a real image $0.8$ and a generated one $0.3$; the two images are
# $0.5$ apart. Least squares: $\tfrac12 (0.8 - 1)^2 + \tfrac12\, 0.3^2 = 0.02 + 0.045 = 0.065$, almost
# content. Loss-sensitive: $0.5 + 0.8 - 0.3 = 1.0$, because the real image should have been the cheap one.
# Exchange the two scores, and the opinions are exchanged as well.

# %%
margin = torch.tensor([0.5])
for scores in ((0.8, 0.3), (0.3, 0.8)):
    real, fake = torch.tensor(scores).split(1)
    squares = 0.5 * (real - 1).square().mean() + 0.5 * fake.square().mean()  # (0.1)
    sensitive = (margin + real - fake).clamp(min=0).mean()  # (0.2)
    print(scores, f"LSGAN {squares.item():.3f}, LS-GAN {sensitive.item():.3f}")

claim(
    torch.isclose(squares, least_squares.critic_loss(real, fake))
    and torch.isclose(sensitive, loss_sensitive.critic_loss(real, fake, margin)),
    "the library's two critic losses are these two lines",
)

# %% [markdown]
# ## Watch both learn
#
# Now train one of each. Digits take most of an hour; points in the plane take seconds, and one can see
# the critic as well. The data are eight clusters on a circle. The generator has to move its points there,
# and has nothing to go by but the critic's scores.
#
# **Predict** before you run it. The next figure paints the plane light where the critic scores high.
# Will the clusters lie on light or on dark ground for the LSGAN, and for the LS-GAN?
#
# Here is the whole game, for any objective. The critic moves, then the generator moves.

# %%
data = ring(modes=8, std=0.05)
networks = MLPNetworks(z_dim=8, activation="relu", gain=1.0)
line = torch.linspace(-1.6, 1.6, 64)
plane = torch.cartesian_prod(line, line).flip(1)  # (4096, 2), row by row from below


def train(objective, steps=1000, every=25):
    random = torch.Generator().manual_seed(0)
    generator, critic = networks.generator(random), networks.critic(random)
    move_generator = torch.optim.Adam(generator.parameters(), 2e-3, (0.5, 0.999))
    move_critic = torch.optim.Adam(critic.parameters(), 2e-3, (0.5, 0.999))
    fixed, snapshots = draw(300, 8, "normal", random), {}
    for step in range(steps + 1):
        if step % every == 0:
            with torch.no_grad():
                snapshots[step] = generator(fixed), critic(plane).view(64, 64)
        real = data.sample(128, random)
        fake = generator(draw(128, 8, "normal", random))
        move_critic.zero_grad()
        objective.critic_loss(critic, real, fake.detach(), random)[0].backward()
        move_critic.step()
        move_generator.zero_grad()
        objective.generator_loss(critic, fake).backward()
        move_generator.step()
    return snapshots


# %% tags=["nbval-ignore-output"]
margins = LossSensitive(margin_scale=1.0, penalty=Penalty(weight=0.1, power=2))
history = {"LSGAN": train(LeastSquares()), "LS-GAN": train(margins)}

# %% [markdown]
# `LeastSquares` and `LossSensitive` hold the losses of (0.1) and (0.2). The loop knows nothing about
# either. (The penalty keeps the slope of the loss-sensitive critic in bounds; it is a subject of later
# chapters.)


# %%
def show(name):
    def paint(ax, step):
        fake, scores = history[name][step]
        landscape(ax, scores, real=real_points, fake=fake)

    return paint


real_points = data.sample(300, torch.Generator().manual_seed(1))
pictures = {name: show(name) for name in history}
explore(pictures, "step", list(range(0, 1001, 25)), panels=6, size=(3.4, 3.8))

# %% [markdown]
# **Figure 0.4** Two games on the same data, from the same random start. Real points are blue,
# generated points orange, and the ground is light where the critic scores high. - Both clouds spread,
# close in on the circle and gather at the clusters; the LS-GAN is a little behind. The LSGAN's
# clusters end on light ground around a dark middle, the LS-GAN's on dark ground around a light one.
#
# Two questions for the slider. Where does each cloud go before it finds the circle? And the critic
# scores the whole plane: should you believe it in a corner where no point has ever been?
#
# <details><summary>Answers</summary>
#
# Wherever the ground is better at that moment: light for the LSGAN, dark for the LS-GAN. The ground
# then changes under the cloud, which turns round. The two chase each other, and that is why the
# training of a GAN can swing for ever. In an empty corner the score is a by-product: the network was
# bent where the points are, and the rest came along. Do not read a judgement into it.
#
# </details>

# %%
clusters = torch.cdist(data.centres, plane).argmin(dim=1)  # their places in the picture
middle = plane.norm(dim=1).argmin()
rating = history["LSGAN"][1000][1].flatten()
price = history["LS-GAN"][1000][1].flatten()
away = [torch.cdist(data.centres, runs[1000][0]).amin(dim=1) for runs in history.values()]
reached = [(distance < 0.15).sum() for distance in away]

claim(rating[clusters].min() > rating[middle], "LSGAN: real points score high")
claim(price[clusters].max() < price[middle], "LS-GAN: real points score low")
claim(min(reached) >= 6, "both reach at least six of the eight clusters")

# %% [markdown]
# ## What goes wrong
#
# Mix the two up, and nothing crashes. Here is an LS-GAN with a generator that wants a *high* score,
# as it would with almost any other critic. It is one wrong sign.


# %% tags=["nbval-ignore-output"]
class MixedUp(LossSensitive):
    def generator_loss(self, critic, fake):
        return wasserstein.generator_loss(critic(fake))  # minus the mean score


wrong = MixedUp(margin_scale=1.0, penalty=margins.penalty)
history["mixed up"] = train(wrong, steps=20, every=4)

# %%
strip({"mixed up": show("mixed up")}, "step", list(history["mixed up"]))

away = history["mixed up"][20][0].norm(dim=1)
claim(away.median() > 1.6, "within 20 steps most points have left the picture")

# %% [markdown]
# **Figure 0.5** The same data, with the wrong sign. - The generator climbs to where the loss is
# highest, away from the data, and never comes back. *Symptom*: samples that get worse from the first
# step on, and no error. *Cause*: code for one convention around a loss of the other.
# *Cure*: know which way is real. In this library a critic and its two losses always come together, in
# one objective, so that they cannot be mixed by accident.
#
# ## Names to trip over
#
# | you meet | it is |
# | --- | --- |
# | `xudonmao/LSGAN` | Least Squares, by its authors |
# | *LSGANs-GP*, in the longer paper of Mao and others ([arXiv 1712.06391](https://arxiv.org/abs/1712.06391)) | Least Squares with a gradient penalty |
# | an option `lsgan` in a toolbox | almost always Least Squares |
# | `guojunq/lsgan` and `guojunq/glsgan` | **Loss-Sensitive**, by its author |
# | `zzzucf/lsgan-gp` and `maple-research-lab/glsgan-gp` | **Loss-Sensitive** with a gradient penalty |
#
# People do trip. A question about the gradient of the squares was asked, and answered, in
# [the repository of the other method](https://github.com/guojunq/lsgan/issues/3). Weight clipping, as
# in the author's code for GLS-GAN, turned up in
# [an implementation of Least Squares](https://github.com/hwalsuklee/tensorflow-generative-model-collections/issues/35),
# where a user got better pictures without it. And a change called "LS-GAN loss"
# [brought the squares](https://github.com/HyperGAN/HyperGAN/pull/49). So this book writes *LSGAN* for
# the one and *LS-GAN* for the other in its prose, and spells both out in its code.
#
# ## Your machine

# %% tags=["nbval-ignore-output"]
ready = check_environment()

# %%
claim(ready, "this machine can run every chapter of the book")

# %% [markdown]
# ## How this book works
#
# - **Claims.** A line that begins with ✓ has been tested by the cell above it. Were its sentence false
#   on your machine, the cell would stop with an error. Numbers that come out of a training differ
#   between processors, so the text quotes none of them and claims what holds on all.
# - **Sliders** never train. They show stored frames, or ask a finished generator. What you need to see
#   is also printed beside them.
# - **Recorded runs.** What takes longer than a minute was trained once and is kept in `assets/runs`: every
#   setting, the log, the pictures, the machine. The chapters load it. The next cell asks the run from
#   the top of this page where it comes from.
# - **Exercises** begin with an answer of `None`. Put yours there and run the cell: its check says
#   *correct*, or gives a hint. Solutions are in the folder `solutions`; they run like a chapter.
# - **The library** `lsgan_lib` is small and made to be read. A chapter writes each formula out once, claims
#   that the library computes the same, and uses the library from there on.
#
# Change whatever you like. *Kernel → Restart Kernel and Run All Cells* brings everything back in
# order.

# %%
where = run.where
print(f"{where['images']:,} images of {where['data']['name']}")
print(f"{where['seconds'] / 60:.0f} minutes on {where['threads']} thread")
print(f"{where['device_name']}, torch {where['torch']}")

# %% [markdown]
# ## The chapters
#
# | chapter | after it you can |
# | --- | --- |
# | [01 - Meet the game](01_meet_the_game.ipynb) | say what a GAN minimises, where its gradients die, and why it can circle |
# | [02 - Derive the least-squares losses](02_derive_least_squares.ipynb) | say what the squares change for each sample, and what the whole game minimises |
# | [03 - Build the networks](03_build_least_squares_networks.ipynb) | compute every shape and number of parameters, and spot the most frequent mistake |
# | [04 - Train on digits](04_train_digits.ipynb) | train a Least Squares GAN, read its curves, and walk through what it has learned |
# | [05 - Count modes](05_count_modes.ipynb) | measure how much of the data a generator covers, and judge a claim by ten seeds |
# | [06 - Train on faces](06_train_faces.ipynb) | train on faces, tell a collapse from an artefact, and look for copies |
# | [07 - Derive the loss-sensitive losses](07_derive_loss_sensitive.ipynb) | compute all best critics without a network, and tell when LS-GAN is WGAN in disguise |
# | [08 - Build a critic with margins](08_build_a_critic_with_margins.ipynb) | keep margins in pairs, find two published mistakes, and choose a penalty that does not kill the critic |
# | [09 - Train faces again](09_train_faces_again.ipynb) | train LS-GAN on faces, race methods fairly, and tell a finding from luck |
# | [10 - Slide to Wasserstein](10_slide_to_wasserstein.ipynb) | say which costs are allowed and where their slope means nothing |
# | [13 - Explore latent space](13_explore_latent_space.ipynb) | say where noise lies, find directions, and tell what a smooth walk does not prove |
# | [14 - Train at scale](14_train_at_scale.ipynb) | count what a step costs, and trust a run that was killed |
# | [Appendix - Prepare faces](appendix_prepare_faces.ipynb) | find, align and crop faces, and say what got lost on the way |
#
# Read them in this order; each also stands on its own. [COVERAGE.md](COVERAGE.md) says where each
# part of the two papers and of their implementations is treated. The book is being written: the
# chapters on labels (11), on a comparison of the two (12) and on collected bugs (15) are still to come.
#
# ## Exercises
#
# ### Exercise 0.1
#
# Draw eight digits of your own. Choose a seed, draw the noise as in *A generator under your hand*, and
# hand it to the generator.

# %%
images = None  # a tensor of shape (8, 1, 28, 28)

exercises.check_0_1(images)

# %% [markdown]
# ### Exercise 0.2
#
# Which method is meant? Answer each with `"least_squares"` or `"loss_sensitive"`.
#
# - **A** a training script with the options `--slope` and `--lamb`, the scale of a margin
# - **B** the line `loss = 0.5 * ((critic(fake) - 1) ** 2).mean()`
# - **C** a paper that writes *LSGANs* and speaks of a Pearson divergence
# - **D** a repository called `glsgan`
# - **E** the line `loss = (margin + critic(real) - critic(fake)).relu().mean()`
# - **F** the option `--gan_mode lsgan` of a toolbox that turns horses into zebras

# %%
answers = {"A": None, "B": None, "C": None, "D": None, "E": None, "F": None}

exercises.check_0_2(answers)

# %% [markdown]
# ### Exercise 0.3
#
# On paper. A critic gives four generated images the scores $0.2$, $3.0$, $-1.0$ and $0.9$. Which score has the
# smallest loss for the generator of an LSGAN, by (0.1)? Which one for the generator of an LS-GAN, by
# (0.2)?

# %%
best = None, None  # least squares, loss-sensitive

exercises.check_0_3(best)

# %% [markdown]
# ### Exercise 0.4
#
# An experiment. Exchange the targets of the LSGAN: `LeastSquares(a=1.0, b=0.0, c=0.0)` asks for 0 on real
# and for 1 on generated points, and its generator aims at 0. Predict first: compared with the upper row
# of Figure 0.4, what will be different at the end? Where the points lie (`"points"`), which ground is light
# (`"greys"`), `"both"` or `"nothing"`? Then train it with the function above, and look.

# %%
answer = None

exercises.check_0_4(answer)

# %% [markdown]
# ### Exercise 0.5
#
# An open one. The little LSGAN of Figure 0.4 has eight clusters to find. Give it at least two rings with
# more of them, such as `data = ring(modes=12, std=0.05)`, train it with the function above, and count
# the clusters that have a generated point within $0.15$, as the cell after Figure 0.4 does. Predict
# first. The check only asks that your counts are possible. Whether they are *typical* is another
# question: what would you have to do to know?

# %%
found = None  # {clusters: how many of them were reached}, such as {12: ...}

exercises.check_0_5(found)

# %% [markdown]
# ## Summary
#
# A generator is a continuous function from noise to images. It learns from the scores of a critic. In an
# LSGAN the scores of real images go up to a target, in an LS-GAN they go below those of generated
# images by a margin. Both roads lead to the data. A generator that follows the one critic with the sign
# of the other leaves the data for good.
#
# ## Questions to ask yourself
#
# 1. What goes into a generator, and what comes out?
# 2. Why does the generator never need to see a real image?
# 3. Which of the two critics could you call a rating, which one a price?
# 4. A colleague shows you a critic that gives real images $-4$ and generated ones $2$. Which method might
#    it be, and what would you ask before you are sure?
# 5. What would the LS-GAN's critic loss be if generated and real images were always the same?
# 6. Why does this book claim sentences rather than print digits?
#
# ## Further reading
#
# - Mao, Li, Xie, Lau, Wang, Smolley, *Least Squares Generative Adversarial Networks*,
#   [arXiv 1611.04076](https://arxiv.org/abs/1611.04076): equation 2 is our (0.1), with targets $a$, $b$, $c$.
# - Qi, *Loss-Sensitive Generative Adversarial Networks on Lipschitz Densities*,
#   [arXiv 1701.06264](https://arxiv.org/abs/1701.06264): its equations 6 and 7 become our (0.2).
# - Goodfellow and others, *Generative Adversarial Nets*, [arXiv 1406.2661](https://arxiv.org/abs/1406.2661):
#   where the game comes from.
# - [GAN Lab](https://poloclub.github.io/ganlab/): the game of Figure 0.4 in a browser, one step at a time.
#   (Its least-squares option keeps a sigmoid before the loss, which Mao and others do not.)
#
# **Next**: [01 - Meet the game](01_meet_the_game.ipynb).

# %% tags=["nbval-ignore-output"]
versions()
