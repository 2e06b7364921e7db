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
# # 04 - Train digits: read the loop, run it, judge it
#
# You read the training loop line by line, train a Least Squares GAN on this machine until its digits
# can be read, and then look closely at a run of twenty-one epochs that was recorded for you.
#
# *about 60 minutes, a minute of computing* · [source of this page](source/04_train_digits.py) ·
# [solutions](solutions/04_solutions.ipynb)

# %% tags=["hide-input"]
from lsgan_lib.book import load_run
from lsgan_lib.figures import strip_of_pictures, use_style

use_style()
run = load_run("mnist-least-squares")
strip_of_pictures(
    [run.sample_at(epoch * 60_000) for epoch in (1, 7, 14, 21)],
    ["1 epoch", "7 epochs", "14 epochs", "21 epochs"],
    width=10.0,
)

# %% [markdown]
# **Figure 4.1** What one generator makes of the same hundred noise vectors at four moments of its
# training. - After one epoch it has learnt where ink is. After seven there are digits. From then on
# the strokes get cleaner, and some tiles change their mind about which digit they are.
#
# ## What you will be able to do
#
# - *count* a run in images, steps and epochs, and *compute* how far back an average remembers
#   (Exercises 4.1 and 4.3);
# - *read* from two curves who is ahead, critic or generator (Exercise 4.2);
# - *walk* between two digits and reach the end (Exercise 4.4);
# - *measure* what BatchNorm does to a sample that is drawn in company (Exercise 4.5), and *change* a
#   recipe and judge the result by numbers (Exercise 4.6).
#
# ## What you need
#
# | concept | how much | where to read it |
# | --- | --- | --- |
# | the two least-squares losses | what critic and generator aim at | [chapter 02](02_derive_least_squares.ipynb), (2.1) and (2.2) |
# | an optimiser's step in PyTorch | `zero_grad`, `backward`, `step` | PyTorch tutorial *Optimizing Model Parameters* |
# | the two networks, and BatchNorm | that BatchNorm behaves differently in `train()` and `eval()` | [chapter 03](03_build_least_squares_networks.ipynb) |
#
# ## Notation
#
# | here | in code | meaning |
# | --- | --- | --- |
# | $x$ | `real` | a batch of real images, pixels in $[-1, 1]$ |
# | $z$ | `noise`, `z` | noise, each coordinate uniform on $[-1, 1]$ |
# | $G(z)$ | `fake`, `samples` | generated images |
# | $D(x)$ | `score` | the critic's score; targets $a = 0$, $b = 1$, generator's aim $c = 1$ |
# | $\bar\theta$ | `average` | exponential moving average of the generator's weights $\theta$ |
# | $n$ | `shown` | images shown to the critic so far |

# %%
import signal
import tempfile
from dataclasses import replace

import torch

from lsgan_lib.book import claim, load_run, setup, show_source, versions
from lsgan_lib.data import digits, make_set, to_float, to_uint8
from lsgan_lib.evaluation.neighbours import agreement
from lsgan_lib.evaluation.specks import specks
from lsgan_lib.exercises import chapter_04 as exercises
from lsgan_lib.figures import show_images, strip_of_images, strip_of_pictures, training_curves
from lsgan_lib.labs.latent_slider import latent_plane, latent_slider
from lsgan_lib.labs.monitor import Monitor
from lsgan_lib.latent import draw, images_of, lerp, path
from lsgan_lib.losses.objectives import LeastSquares
from lsgan_lib.networks import LeastSquaresNetworks
from lsgan_lib.networks.dropout import Dropout, dropout_at_sampling
from lsgan_lib.training import Recipe, average, resume, train
from lsgan_lib.training.loop import Trainer

setup(seed=4)

# %% [markdown]
# ## Predict
#
# A critic that cannot tell real from generated images answers ½ to both. Write down, before you see
# any curve: what are then the critic's loss and the generator's? And if the critic is a little ahead,
# which of the two losses is larger than that? Figure 4.3 answers.
#
# ## A run is counted in images
#
# Batches can be small or large, sets too. So this book counts what costs work: **images shown** to
# the critic. One epoch of MNIST is 60,000 of them. With a batch of 128 that is $468.75$ steps, which
# is why a picture taken "after one epoch" is named after image 60,032.
#
# A recipe holds every setting of a run. This one fits on a CPU in less than a minute: digits of
# 14 by 14 pixels, a quarter of the published number of channels, and larger learning rates. The
# generator moves twice as far a step as the critic, and takes two steps for each of the critic's, so
# that it keeps up.

# %%
small = make_set(
    to_uint8(torch.nn.functional.avg_pool2d(to_float(digits().images), 2)),
    digits().labels,
    name="digits, 14 x 14",
)
recipe = Recipe(
    networks=LeastSquaresNetworks(size=14, z_dim=100, width=0.25, dropout=0.5),
    objective=LeastSquares(a=0.0, b=1.0, c=1.0),
    data="digits",
    images=19_200,
    batch_size=32,
    generator_steps=2,
    critic_lr=5e-4,
    generator_lr=1e-3,
    average_half_life=4_000,
    average_ramp=0.1,
    tick=640,
    sample_count=60,
    seed=3,
)
print(f"{len(small):,} digits, {recipe.images // recipe.batch_size} steps")

# %% [markdown]
# ## The loop
#
# One step of the game, as the library has it:

# %%
show_source(Trainer.step)

# %% [markdown]
# What is random is named in the first lines: a seed and the number of images shown decide which
# images come, which noise is drawn, and which entries dropout removes. Remember this when we pull the
# plug below. Then both networks take their turns, and the average follows. The turns are these:

# %%
show_source(Trainer._play)

# %% [markdown]
# First the critic learns from real and generated images, then the generator learns from the critic.
# (On a GPU the same turns can be played as one command, which is what `_engine` is for. Chapter 14
# tells about that, about `_autocast`, and about `world`, the processes that train together. Here it is
# one process, in which both do nothing.)
#
# The critic's turn:

# %%
show_source(Trainer._critic_step)

# %% [markdown]
# The objective is the one from chapter 02. Two details matter. The images are generated under
# `no_grad`, because the generator learns nothing in this turn. And nothing is printed: reading a
# number from a GPU would make each step wait for it, so `step.log` only notes values that stay there.
#
# The generator's turn:

# %%
show_source(Trainer._generator_step)

# %% [markdown]
# The gradient must flow *through* the critic to the generator, but the critic must not move, so its
# weights are frozen for the moment. The noise is fresh: these are not the images that the critic has
# just seen.
#
# ## The average
#
# The two networks chase each other, and the generator's weights swing. Its recent past, averaged,
# is steadier than any moment of it. Each step moves the average a little towards the weights:
#
# $$
# \bar\theta \leftarrow k\,\bar\theta + (1 - k)\,\theta, \qquad k = 2^{-B/h}
# \tag{4.1}
# $$
#
# $B$ is the number of images in the step and $h$ the *half-life*: after $h$ images, what was in the
# average counts half. By hand: with $B = 32$ and $h = 64$, $k = 2^{-1/2} \approx 0.71$, and two steps
# make $k^2 = \tfrac12$.


# %%
def keep(batch, half_life):
    """(4.1)"""
    return 0.5 ** (batch / half_life)


late = 10**9  # images: the ramp of the library, which shortens h at the start, has long ended
claim(abs(keep(32, 64) ** 2 - 0.5) < 1e-12, "two steps of 32 images halve the past if h is 64")
claim(
    abs(keep(32, 4_000) - average.keep_factor(32, late, 4_000, 0.1)) < 1e-12,
    "(4.1) is the library's factor",
)

# %% [markdown]
# Pictures are drawn from the average, in this book and in most GANs of the last years.
#
# ## Train it
#
# The next cell trains for real: 600 steps, about half a minute on one core.

# %% tags=["nbval-ignore-output"]
before = Trainer(recipe, None).samples()
trainer = train(recipe, small)
print(f"{trainer.shown:,} images shown, {len(trainer.history)} rows of history")

# %%
samples = trainer.samples()
real = to_float(small.images)
groups = [real[:60], before, samples]
strip_of_images(groups, ["real", "before training", "after training"], columns=10)

# %% [markdown]
# **Figure 4.2** Real digits at 14 by 14 pixels, and sixty generated ones before and after. - Much of
# the right panel can be read at a glance. Some tiles are between two digits.
#
# "Can be read" needs a number. Ask the five real digits that are nearest to a sample, pixel by pixel,
# which digit it is. If all five say the same, it looks like one thing. Their mean agreement is a
# rough measure of legibility, and the same question tells which digits are drawn at all.


# %%
def legible(images):
    """Mean agreement of the five nearest real digits, and the digits they name at least twice."""
    label, share = agreement(images, real, small.labels)
    return share.mean().item(), (label.bincount(minlength=10) >= 2).nonzero().flatten().tolist()


score, named = legible(samples)
held_out, _ = agreement(real[:500], real[500:], small.labels[500:])
right = (held_out == small.labels[:500]).float().mean()
claim(right > 0.9, "the five nearest name over 90 % of real digits correctly: they can be asked")
claim(score > 0.6, "on average over three of five neighbours agree about a generated digit")
claim(len(named) >= 4, "at least four different digits are drawn")

# %% [markdown]
# Trust no single number. What would a picture without any ink score?

# %%
_, blank = agreement(torch.full((1, 1, 14, 14), -1.0), real, small.labels)
claim(blank > 0.6, "a black square would pass the same test")

# %% [markdown]
# The measure can be fooled, so look at the pictures as well, and at which digits occur.

# %% [markdown]
# ## Read the curves

# %%
training_curves(trainer.history, equilibrium={"critic_loss": 0.25, "generator_loss": 0.125})

# %% [markdown]
# **Figure 4.3** Left: both losses; dotted, their values at equilibrium, ¼ and ⅛ (chapter 02). Right:
# the mean score of real and of generated images. - After the first moments neither loss falls. The
# critic's lies a little below its dotted line, the generator's a little above, and the two scores
# stay apart: the critic is slightly ahead.
#
# A falling loss is what one hopes for elsewhere. Here it would be bad news: it would say that one
# player has won. The generator improves *while* its loss stays put, because the critic improves too.
# When the critic is ahead, its own loss is below ¼ and the generator's above ⅛. So the losses tell who
# is ahead, not how good the pictures are. For that, look at pictures, and count.

# %%
end = trainer.history[-5:]
ahead = sum(row["score_real"] - row["score_fake"] for row in end) / 5
claim(0 < ahead < 0.5, "at the end real images score higher, and neither player has won")

# %% [markdown]
# ## Pull the plug
#
# Long runs get interrupted. A run that is given a directory saves everything the rest of it depends
# on: both networks, both optimisers, the average and the number of images shown. Because noise and
# order follow from that number, a resumed run does not resemble the undisturbed one. It *is* the
# undisturbed one. Here is a run of ten steps, and the same run stopped after five, as Ctrl-C would.

# %%
short = replace(recipe, images=320, state_every=320, samples_every=320, tick=32)


def press_ctrl_c(trainer):
    if trainer.shown == 160:
        signal.raise_signal(signal.SIGINT)


with tempfile.TemporaryDirectory() as folder:
    whole = train(short, small, f"{folder}/whole")
    try:
        train(short, small, f"{folder}/broken", on_tick=press_ctrl_c)
    except KeyboardInterrupt as stop:
        print(str(stop).split(".")[0])
    joined = resume(f"{folder}/broken", small)

pairs = zip(whole.generator.parameters(), joined.generator.parameters(), strict=True)
claim(all(torch.equal(a, b) for a, b in pairs), "stopped and resumed: every weight is the same bit")

# %% [markdown]
# ## At scale: twenty-one epochs of MNIST
#
# The run of Figure 4.1 used all 60,000 digits at full size, with dropout ½ in the generator, as the
# public implementation that this book starts from. Its networks have a quarter of the channels,
# because it was recorded on a CPU.

# %%
run = load_run("mnist-least-squares")
where, metrics = run.where, run.metrics
print(run.command)
print(f"{where['images']:,} images of {where['data']['name']}, {where['seconds'] / 60:.0f} minutes")
print(f"{where['device_name']}, {where['threads']} thread, width {run.recipe.networks.width}")
training_curves(run.log, equilibrium={"critic_loss": 0.25, "generator_loss": 0.125})

# %% [markdown]
# **Figure 4.4** The same curves for the recorded run. - The critic pulls ahead from the start and
# stays there, while Figure 4.1 gets better all the time. Once more: losses do not show quality.
#
# The pictures are good. Are they *all* digits, in equal shares?

# %%
print(f"agreement of the five nearest: {metrics['agreement']:.2f}")
for digit, share in enumerate(metrics["classes"]):
    print(f"{digit} {share:5.1%} {'█' * round(100 * share)}")
shares = metrics["classes"]
claim(metrics["agreement"] > 0.85, "the recorded digits are clear")
claim(
    max(shares) > 5 * min(shares), "the most frequent digit comes five times as often as the rarest"
)

# %% [markdown]
# They are not. MNIST has about a tenth of each, and here fours and fives are rare. (The table is rough:
# nearest neighbours in pixels favour thin digits such as the 1 and the 9.) Has this generator
# forgotten them? Keep the question. The next section answers it, and not as one would guess.
#
# ## Dropout: a claim, and what the code did
#
# The public implementation says that its generator uses dropout ½ "for both training and testing",
# and that without it bright specks appear around the digits. Its code switches dropout off whenever
# it draws pictures. So we measure all four combinations: trained with or without dropout, sampled
# with or without. A *speck* is a bright pixel whose eight neighbours are all dark.

# %%
plain = load_run("mnist-least-squares-no-dropout")
noise = draw(400, 100, random=torch.Generator().manual_seed(4))


def sampled(run, on):
    """400 samples; `on` switches dropout 1/2 on while they are drawn."""
    generator = run.generator()
    for layer in generator.modules():
        if isinstance(layer, Dropout):
            layer.p = 0.5
    with dropout_at_sampling(generator, on, torch.Generator().manual_seed(0)):
        return images_of(generator, noise)


four = {
    f"trained {how}, sampled {then}": sampled(which, then == "with")
    for how, which in (("with", run), ("without", plain))
    for then in ("without", "with")
}
strip_of_images([images[:25] for images in four.values()], [*four], columns=5, width=11.0)

# %%
full = to_float(digits().images)
counted = {name: specks(images).float().mean().item() for name, images in four.items()}
print(f"{'real digits':34} {specks(full).float().mean():.3f} specks an image")
for name, count in counted.items():
    _, share = agreement(four[name], full, digits().labels)
    print(f"{name:34} {count:.3f} specks, agreement {share.mean():.2f}")

# %% [markdown]
# **Figure 4.5** One noise, four ways: with and without dropout in training and in sampling. - Trained
# with dropout and sampled without it gives the cleanest digits. Dropout while sampling frays them, and
# tears apart those of a generator that never met it.

# %%
trained, neither = (
    counted["trained with, sampled without"],
    counted["trained without, sampled without"],
)
claim(trained < neither, "training with dropout leaves fewer specks")
claim(neither < 0.1, "but specks are rare without it too: below one in ten images")
claim(
    counted["trained with, sampled with"] > trained,
    "dropout at sampling brings specks back instead of removing them",
)

# %% [markdown]
# So dropout *in training* goes with cleaner pictures, and dropout *at sampling* frays them. Was the
# code right, then, and its page wrong? Count the digits before you decide.

# %%
counts = {
    name: agreement(images, full, digits().labels)[0].bincount(minlength=10)
    for name, images in four.items()
}
off, on = counts["trained with, sampled without"], counts["trained with, sampled with"]
print("digits 0 to 9, sampled without", off.tolist())
print("digits 0 to 9, sampled with   ", on.tolist())
claim(on[4:6].sum() > 2 * off[4:6].sum(), "with dropout on, the fours and fives come back")
claim(plain.metrics["classes"][4] < 0.01, "the generator that never met dropout has lost its fours")

# %% [markdown]
# This generator learnt with two sources of noise, $z$ and the dropout masks, and it uses both. Switch
# the masks off, and a part of what it can draw is out of reach. So the two settings are a trade: clean
# strokes against variety. Page and code chose differently, and neither says so.
#
# Two warnings. The run without dropout saw 10 epochs, the other 21, so look at both at 10 epochs:

# %%
ten = 10 * 60_000
strip_of_pictures(
    [run.sample_at(ten), plain.sample_at(ten)],
    ["with dropout, 10 epochs", "without dropout, 10 epochs"],
    width=8.0,
)

# %% [markdown]
# **Figure 4.6** Both runs after the same number of images. - The difference is not one of training
# time. Second warning: this is one seed each. A result of one seed is a lead, not a law.
#
# ## Between two digits
#
# If the generator had memorised its training set, a walk from one noise vector to another would
# jump. Walk in a straight line,
#
# $$
# z(t) = (1 - t)\,z_1 + t\,z_2, \qquad t = 0, \tfrac{1}{T-1}, \dots, 1 .
# \tag{4.2}
# $$
#
# The public implementation divides by $T$ instead of $T - 1$, so its strips stop one step short and
# never show $z_2$.

# %%
generator = run.generator()
ends = draw(10, 100, random=torch.Generator().manual_seed(7))
walks = path(ends[:5], ends[5:], 15)  # (5, 15, 100)
show_images(images_of(generator, walks.flatten(0, 1)), columns=15, width=9.0)

t = torch.linspace(0, 1, 15)[:, None]
claim(torch.allclose(walks[0], lerp(ends[0], ends[5], t)), "(4.2) is the library's straight path")
claim(torch.equal(walks[:, -1], ends[5:]), "every walk reaches its second digit")

# %% [markdown]
# **Figure 4.7** Five walks of fifteen steps, both ends included. - Strokes move and bend on the way;
# one digit becomes the next without a jump. In the middle some tiles are no digit.

# %%
latent_slider(generator, ends[[0, 5, 1, 6]], stops=15)

# %% [markdown]
# **Figure 4.8** A walk through four points, for your hand. Two questions. Where do you stop believing
# that it is a digit? And is there a picture that appears at two places of the walk?
#
# <details><summary>Answers</summary>
#
# About half way between two points, where the strokes of both are present. And no two places show the
# same picture: the map from noise to image is smooth, and it moves all the time.
#
# </details>
#
# ## A plane of digits
#
# A hundred coordinates cannot be drawn. Two can. This generator was trained with two, so its whole
# world is a square.

# %%
plane = load_run("mnist-least-squares-2d")
print(plane.command)
latent_plane(plane.generator())

# %% [markdown]
# **Figure 4.9** What a generator with two noise coordinates draws on a grid over $[-1, 1]^2$. - Each
# kind of digit has its region. Neighbouring regions share strokes: 7 leads to 9, 6 to 0. Borders are
# thin: the generator gives little room to what is no digit.
#
# ## What goes wrong: company changes a sample
#
# *Symptom.* The same noise gives another picture each time, although nothing is random any more.
# *Cause.* The generator was left in training mode, where BatchNorm subtracts the mean of the batch.
# A sample then depends on the others drawn with it.


# %%
def alone_and_in_company(generator):
    """Difference between a digit drawn among 8 and the same digit drawn among 64."""
    with torch.no_grad():
        return (generator(noise[:8])[0] - generator(noise[:64])[0]).abs().max().item()


generator.train()
in_training_mode = alone_and_in_company(generator)
generator = run.generator()  # fresh from the file: a forward pass in training mode left its mark
claim(in_training_mode > 0.1, "in training mode the company changes a digit visibly")
claim(alone_and_in_company(generator) < 1e-3, "in evaluation mode it does not")

# %% [markdown]
# *Cure.* `generator.eval()` before you sample. *Guard.* `images_of` refuses a generator in
# training mode; `RunDirectory.generator()` and the trainer's `average` come in evaluation mode. The second trap is in the comment
# above: a forward pass in training mode also moves the running means, even under `no_grad`.
#
# ## Train the real thing
#
# All of this from a terminal, with all 60,000 digits:
#
# ```
# lsgan train mnist-least-squares            # progress, images/s, time left; Ctrl-C loses nothing
# lsgan resume runs/mnist-least-squares      # goes on where it stopped
# lsgan sample runs/mnist-least-squares --count 64
# lsgan interpolate runs/mnist-least-squares --steps 15
# lsgan manifold mnist-least-squares-2d
# ```
#
# With a GPU, `lsgan train mnist-least-squares-full` has the published width.
#
# ### Watch it
#
# The run is another process, and it may take hours. This page can watch it: the monitor below reads
# the run's folder every three seconds, for as long as its cell stands on the page. It never writes
# there. Here it shows the recorded run. For your own, start `lsgan train` in a terminal and call
# `Monitor("runs/mnist-least-squares").show()`; the folder need not exist yet.
#
# Predict before you touch it: after how many images are all hundred samples still the same picture,
# and after how many can you read them? Look for a sign in the four curves, and write both numbers
# down. Then click on a curve, or take the slider.

# %%
Monitor(load_run("mnist-least-squares").folder).show()

# %%
slope = run.log["generator_gradient"]
lowest = run.log["images"][slope.argmin()]
claim(60_000 < lowest < 180_000, "the generator's gradient is smallest while the digits form")
claim(slope[-1] > 3 * slope.min(), "and it grows from then on, while they get better")

# %% [markdown]
# **Figure 4.10** The recorded run as the monitor shows it; a thin line marks the moment of the
# samples. - After 60,000 images the hundred samples are one smear; after 120,000 they differ; after
# 300,000 they are digits. No curve says so. The generator's gradient is at its lowest in between and
# then grows fourfold: a growing norm alone is no alarm. To judge a run, look at its samples.
#
# ## Exercises
#
# Replace `None` by your answer and run the cell. Solutions:
# [solutions/04_solutions.ipynb](solutions/04_solutions.ipynb).
#
# ### Exercise 4.1
#
# *On paper.* A run shows each of 60,000 digits 21 times in batches of 128. How many steps does it
# take (round up)? With a half-life of 10,000 images, which share of the average is older than 30,000
# images?

# %%
steps = None
older = None
exercises.check_4_1(steps, older)

# %% [markdown]
# ### Exercise 4.2
#
# *Reading.* Take the last ten rows of `run.log`. What is the mean of `score_real - score_fake`, and
# who is ahead, `"critic"` or `"generator"`?

# %%
gap = None
who = None
exercises.check_4_2(gap, who)

# %% [markdown]
# ### Exercise 4.3
#
# *In code.* Write the average of (4.1) for a list of numbers: it starts as the first one, and each
# later number moves it by the factor `keep`. Return its value at the end.


# %%
def running_average(values, keep):
    """values: list of floats. keep: k in (4.1)."""
    return None


exercises.check_4_3(running_average)

# %% [markdown]
# ### Exercise 4.4
#
# *In code.* The public implementation takes the points $z_1 + i\,(z_2 - z_1)/T$ for
# $i = 0, \dots, T - 1$. Repair it.


# %%
def walk(z1, z2, count):
    """(count, z_dim): from z1 to z2, both included, evenly."""
    return None


exercises.check_4_4(walk)

# %% [markdown]
# ### Exercise 4.5
#
# *Experiment.* In training mode, does the difference that `alone_and_in_company` measures shrink
# when the company grows? Compare the digit among 64 with the digit among 400, and
# the digit among 8 with the digit among 64. Answer `"yes"` or `"no"`, and say why to yourself.

# %%
shrinks = None
exercises.check_4_5(shrinks)

# %% [markdown]
# ### Exercise 4.6
#
# *Open.* Change one setting of `recipe` with `replace`, train it on `small`, and measure `legible`.
# Predict first. The check only asks that exactly one setting differs and that you bring a number.

# %%
my_recipe = None
my_score = None
exercises.check_4_6(recipe, my_recipe, my_score)

# %% [markdown]
# ## Summary
#
# A run is counted in images shown. Each step teaches the critic, then the generator, then moves the
# average. Everything random follows from a seed and a counter, so a run that is stopped and resumed
# ends in the same bits. Near equilibrium the losses lie at ¼ and ⅛; they tell who is ahead, not how
# good the pictures are. Judge pictures by pictures, and count: the recorded digits are clear, but not
# in equal shares. Training with dropout gave cleaner digits here. At sampling it frays them, and brings
# back digits that are rare without it.
# Neighbouring noise gives neighbouring digits.
#
# ## Questions to ask yourself
#
# 1. Why is the generator's batch in the critic's turn made under `no_grad`?
# 2. Why are the critic's weights frozen in the generator's turn, and what would happen otherwise?
# 3. What would a critic's loss of 0.01 after an hour tell you?
# 4. Why does the batch size not appear on the axis of any figure?
# 5. Which parts of a run would you lose if only the two networks were saved?
# 6. Why is an average of weights a sensible network at all?
# 7. How would you notice that a generator never draws a 4?
# 8. The samples in the fixed grid change their digit during training. What changes, noise or network?
#
# ## Further reading
#
# - Mao et al. 2017, [arXiv 1611.04076](https://arxiv.org/abs/1611.04076): eq. 9 is the coding used here.
# - Radford et al. 2015, [arXiv 1511.06434](https://arxiv.org/abs/1511.06434): where the recipe of
#   Adam, BatchNorm and transposed convolutions comes from, and walks in noise as evidence.
# - White 2016, [arXiv 1609.04468](https://arxiv.org/abs/1609.04468): other paths than the straight one.
#
# **Back**: [03 Build the networks](03_build_least_squares_networks.ipynb). **Next**:
# [05 Count modes](05_count_modes.ipynb), where "all digits" becomes a number.

# %% tags=["nbval-ignore-output"]
versions()
