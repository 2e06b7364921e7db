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
# # Solutions to chapter 14, Train at scale
#
# *about 20 minutes, half a minute of computing* · [the chapter](../14_train_at_scale.ipynb) ·
# [source of this page](../source/solutions/14_solutions.py)

# %%
import subprocess
import sys
import tempfile

import torch

from lsgan_lib.book import claim, setup, versions
from lsgan_lib.data import digits
from lsgan_lib.data.batches import Batches
from lsgan_lib.exercises import chapter_14 as exercises
from lsgan_lib.training import RunDirectory, train
from lsgan_lib.training.loop import Trainer

setup(seed=14)

# %% [markdown]
# ### Solution 14.1
#
# The critic's turn of the textbook: images 1, generated scores 3, real scores 3, slope 6, in all 13. Ours: 1, 3, and 4 for
# real scores and slope together, in all 8. The generator's turn: 6 and 5. So
# $5 \cdot 13 + 6 = 71$ and $5 \cdot 8 + 5 = 45$.

# %%
exercises.check_14_1(71, 45)

# %% [markdown]
# ### Solution 14.2
#
# $2^9 = 512 \le 1000 < 1024$, so $e = 9$ and neighbours are $2^{9-7} = 4$ apart. $1000 = 512 + 122 \cdot 4$ is one of
# them. The number $1001.5$ is nearer to $1000$ than to $1004$.

# %%
exercises.check_14_2(1004, "no")

# %% [markdown]
# ### Solution 14.3


# %%
def mean_of_finite(losses):
    together = torch.stack(losses)
    good = together.isfinite()
    return (torch.where(good, together, 0.0).sum() / good.sum()).item()


exercises.check_14_3(mean_of_finite)

# %% [markdown]
# Multiplying by the mask instead of `torch.where` would not do: $0 \cdot \text{NaN}$ is NaN. And `together[good]` is a
# look as well: its length is a number that only the device knows.
#
# ### Solution 14.4


# %%
def efficiency(step_seconds, message, K, bandwidth, latency):
    sending = 2 * (K - 1) / K * message / bandwidth + 2 * (K - 1) * latency
    return step_seconds / (step_seconds + sending)


exercises.check_14_4(efficiency)

# %% [markdown]
# ### Solution 14.5
#
# Here with the book's digits, so that this page needs nothing from the chapter: the networks of chapter 04 have BatchNorm
# in the generator.

# %%
folder = tempfile.TemporaryDirectory()
SETTINGS = (
    "mnist-least-squares --data digits --images 128 --batch-size 32 --networks.width 0.05 "
    "--networks.dropout 0 --threads 1 --precision fp32"
)


def two_processes(name, *more):
    """The weights that two processes end with, and the recipe."""
    words = [*SETTINGS.split(), *more, "--out", f"{folder.name}/{name}"]
    command = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "lsgan_lib"]
    subprocess.run(
        [sys.executable, "-m", *command, "train", *words], check=True, capture_output=True
    )
    run = RunDirectory(f"{folder.name}/{name}")
    return run.state("cpu")["generator"], run.recipe()


weights, recipe = two_processes("plain")
weights_sync, _ = two_processes("sync", "--sync-norm")

# %% tags=["nbval-ignore-output"]
one = train(recipe)
start = Trainer(recipe, Batches(digits().images, recipe.batch_size, seed=0))
print(f"{one.shown} images")


# %%
def of(state):
    return {name: values for name, values in state.items() if name.endswith("weight")}


way = exercises.distance(of(one.generator.state_dict()), of(start.generator.state_dict()))
plain, sync = (
    exercises.distance(of(one.generator.state_dict()), of(found)) / way
    for found in (weights, weights_sync)
)
claim(plain > 0.01, "BatchNorm of each half: another run")
claim(sync < 0.01, "BatchNorm over both halves: the same run, within rounding")
exercises.check_14_5("no", "yes")
folder.cleanup()

# %% [markdown]
# Another run is not a wrong run: each process normalises over enough images of its own. It is wrong only to
# believe that it is the same one.
#
# ### Solution 14.6
#
# One answer of many. Updates: $25 \cdot 202{,}599 / (K b) \ge 20{,}000$ leaves $Kb \le 253$. With four processes of 60 images, computing
# takes $10 \cdot 60/64 \approx 9.4$ ms, so sending may take 2.3 ms: $1.5 \cdot 25.3\,\text{MB} / 2.3\,\text{ms} \approx 16$ GB/s.

# %%
exercises.check_14_6({"processes": 4, "images_each": 60, "bandwidth": 20e9})

# %% [markdown]
# The number of updates limits the batch, and so the number of processes that have enough to do. More machines do
# not help this run. Several runs at once, with other seeds, would keep them all busy without sending anything.

# %% tags=["nbval-ignore-output"]
versions()
