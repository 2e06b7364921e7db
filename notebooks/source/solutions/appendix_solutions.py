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
# # Solutions to the appendix, Prepare faces
#
# *about 10 minutes, 3 s of computing* · [the chapter](../appendix_prepare_faces.ipynb) ·
# [source of this page](../source/solutions/appendix_solutions.py)

# %%
import torch

from lsgan_lib.book import avatars, claim, setup, versions
from lsgan_lib.data import to_float
from lsgan_lib.evaluation.neighbours import nearest
from lsgan_lib.exercises import appendix as exercises
from lsgan_lib.figures import strip_of_images
from lsgan_lib.files import read_json
from lsgan_lib.folders import ASSETS

setup(seed=0)

# %% [markdown]
# ### Solution A.1
#
# $24$, $48$, $96$; the next is $192$, which fits into the height of 218 and not into the width of 178.
# With a factor of 5 the third window is $24 \cdot 5 \cdot 5 = 600$ pixels wide.

# %%
exercises.check_a_1([24, 48, 96], 600)

# %% [markdown]
# ### Solution A.2


# %%
def align_to(eyes, targets):
    a = (targets[1] - targets[0]) / (eyes[1] - eyes[0])
    return a, targets[0] - a * eyes[0]


exercises.check_a_2(align_to)

# %% [markdown]
# A difference of two places knows nothing of the shift, so it gives $a$ alone.
#
# ### Solution A.3

# %%
mtcnn, haar, _ = read_json(ASSETS / "data" / "fairface_240.json")["calls"]
print("mtcnn dropped", mtcnn["dropped"])
exercises.check_a_3(mtcnn["found"] - mtcnn["kept"], haar["found"] - haar["kept"], "framing")

# %% [markdown]
# The crop is larger than these tight photographs, so up to 30 % of it may be mirrored (`--beyond`), and
# above that the picture is dropped. Haar's crop is a square around its box. It reaches less far out,
# and none was dropped for that. Two counts of losses compare only when the same square was asked for.
#
# ### Solution A.4


# %%
def held_out(persons, share):
    everybody = persons.unique()
    order = torch.randperm(len(everybody))
    chosen = everybody[order[: round(share * len(everybody))]]
    return torch.isin(persons, chosen)


exercises.check_a_4(held_out)

# %% [markdown]
# Draw persons, not pictures; their pictures follow.
#
# ### Solution A.5


# %%
def find_copies(images, limit):
    pairs = set()
    for seen in (images, images.flip(-1)):
        distance, index = nearest(seen, images, skip_same=True)
        for i in (distance < limit).nonzero().flatten().tolist():
            pairs.add(tuple(sorted((i, int(index[i])))))
    return pairs


exercises.check_a_5(find_copies)

# %%
drawn = to_float(avatars(300).images)
twins = sorted(find_copies(drawn, 0.02))
claim(len(twins) >= 1, "a few avatars that nobody planted are nearly the same picture")
first, second = zip(*twins[:6], strict=True)
strip_of_images(
    [drawn[list(first)], drawn[list(second)]], ["one", "its nearest"], columns=6, width=5.0
)

# %% [markdown]
# They are drawn from a few parts, so among three hundred some agree in nearly all of them. (Remix of
# ToonHead by Johan Melin, licensed under CC BY 4.0.) For a set of avatars this does no harm. For a
# split into training and test it does.

# %% tags=["nbval-ignore-output"]
versions()
