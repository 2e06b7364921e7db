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
# # A - Prepare faces: where do the faces come from?
#
# You follow a photograph from the file to the training set: a detector finds the face, two eyes say
# how to turn it, a square is cut out and reduced. At each step something can get lost without a word.
# You measure what.
#
# *about 30 minutes, 30 s of computing* · [source of this page](source/appendix_prepare_faces.py) ·
# [solutions](solutions/appendix_solutions.ipynb)
#
# ![a hundred faces of 64 by 64 pixels, eyes level and at one height](../assets/figures/fairface_faces.png)
#
# **Figure A.1** A hundred faces that `lsgan data faces` made from photographs (FairFace, Karkkainen &
# Joo, WACV 2021, CC BY 4.0; turned, cropped and reduced). - All eyes are at one height. Above some
# foreheads there are small diamonds: there the photograph ended, and its edge was mirrored. A generator
# that is trained on this set will learn the diamonds, too.
#
# ## What you will be able to do
#
# - *compute* which sizes of face a sliding detector can see at all (Exercise A.1);
# - *align* a face by its eyes, with two equations and no library (Exercise A.2);
# - *read* a report of what was dropped, and *say* what it does not tell (Exercise A.3);
# - *split* a set by person, and *find* copies in it (Exercises A.4 and A.5).
#
# ## What you need
#
# | concept | how much | where to read it |
# | --- | --- | --- |
# | complex numbers | that multiplying by one turns and scales the plane | any first-year text; the next table has the letters |
# | pixel coordinates | $x$ grows to the right, $y$ grows downwards | here |
# | pixels as numbers | images in $[-1, 1]$ | [chapter 00](00_start_here.ipynb) |
#
# ## Notation
#
# | here | in code | meaning |
# | --- | --- | --- |
# | $s$ | `factor` | from one searched width to the next: OpenCV's `scaleFactor` |
# | $w_k$ | `windows(...)` | width of the $k$-th searched window, pixels |
# | $z$ | `eyes` | a place in the photograph, as the complex number $x + iy$ |
# | $w$ | `targets` | the place where it should be in a picture of CelebA |
# | $a$, $b$ | `a`, `b` | the alignment $w = az + b$ |

# %%
import io
import math
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Rectangle
from matplotlib_inline.backend_inline import set_matplotlib_formats
from PIL import Image, ImageOps

from data_prep.detectors import haar, mtcnn
from data_prep.faces import Faces
from data_prep.framing import (
    CELEBA,
    CELEBA_BOXES,
    CELEBA_EYES,
    Square,
    around_box,
    around_eyes,
    cut,
)

# %%
from data_prep.pack import pack
from lsgan_lib.book import avatars, claim, setup, versions
from lsgan_lib.data import read_set, to_float
from lsgan_lib.evaluation.neighbours import nearest
from lsgan_lib.exercises import appendix as exercises
from lsgan_lib.figures import PALETTE, image_grid, shown, strip_of_images, strip_of_pictures
from lsgan_lib.files import read_json
from lsgan_lib.folders import ASSETS
from lsgan_lib.labs.explore import explore

setup(seed=0)
plt.rcParams["figure.dpi"] = 120
set_matplotlib_formats("jpeg", pil_kwargs={"quality": 88})  # PNG files of photographs are large

# %% [markdown]
# ## Predict
#
# Two detectors look at the same 240 photographs, each of which shows a large face from the front. One is from 2001, one from 2016. Write down, for each, how many faces you expect it to miss.
# And: whom would you expect among the missed? Section *Dropped without a word* has the numbers.
#
# ## Two detectors, twenty-four photographs
#
# A **Haar cascade** (Viola and Jones, 2001) slides a window over the picture and compares sums of
# grey levels: are the eyes darker than the cheeks? **mtcnn** (Zhang et al., 2016) asks three small
# convolutional networks, and also returns the eyes. Here are twenty-four photographs to try them on.

# %%
facts = read_json(ASSETS / "data" / "fairface_24.json")
side, columns = facts["side"], facts["columns"]
with Image.open(ASSETS / "data" / "fairface_24.jpg") as file:
    page = file.convert("RGB")
photographs = {}
for place, number in enumerate(facts["photographs"]):
    left, top = place % columns * side, place // columns * side
    photographs[number] = page.crop((left, top, left + side, top + side))
print(f"{len(photographs)} photographs of {side} x {side}: {facts['attribution']}")

found = {
    "mtcnn": {number: mtcnn(photograph, 32) for number, photograph in photographs.items()},
    "haar": {number: haar(photograph, 32) for number, photograph in photographs.items()},
}

# %% tags=["hide-input"]
COLOURS = {"haar": PALETTE["fake"], "mtcnn": PALETTE["real"]}


def outline(ax, box, colour, style="-"):
    """Draw (left, top, width, height) on an axes."""
    ax.add_patch(Rectangle(box[:2], *box[2:], fill=False, color=colour, lw=1.8, ls=style))


figure, axes = plt.subplots(3, 8, figsize=(9.0, 3.75))
for ax, (number, photograph) in zip(axes.flat, photographs.items(), strict=True):
    ax.imshow(photograph)
    ax.set(xlim=(-8, side + 8), ylim=(side + 32, -24))
    ax.set_axis_off()
    for name, colour in COLOURS.items():
        for face in found[name][number][:1]:
            outline(ax, face.box, colour)
        if not found[name][number]:
            at = -6 if name == "haar" else side + 30
            ax.text(side, at, f"no {name}", color=colour, ha="right", fontsize=8)
shown(figure)

# %% [markdown]
# **Figure A.2** The largest box of mtcnn (blue) and of Haar (red) in each photograph, and who found
# nothing. (FairFace, Karkkainen & Joo, WACV 2021, CC BY 4.0; reduced, boxes drawn in.) - mtcnn's boxes
# reach from the hair to the chin; Haar's are squares that end below the mouth. Haar misses some faces
# with glasses or a beard, and finds others. One dark and blurred photograph is missed by both.

# %%
count = {name: sum(bool(faces) for faces in by_photo.values()) for name, by_photo in found.items()}
claim(count["mtcnn"] >= 22, "mtcnn finds a face in nearly all of the 24 photographs")
claim(count["haar"] <= count["mtcnn"] - 4, "Haar misses several that mtcnn finds")
claim(
    all(face.box[2] == face.box[3] for faces in found["haar"].values() for face in faces),
    "each of Haar's boxes is a square",
)

# %% [markdown]
# These twenty-four were chosen to show misses. So they cannot tell how often a detector misses. For
# that we need photographs that nobody chose.
#
# ## Dropped without a word
#
# The face script that comes with the LS-GAN author's code takes the first box that the detector
# returns. Where there is none, it goes on to the next file and says nothing. The set looks perfect:
# what is missing cannot be seen in it.
#
# So the packer of this book writes down what became of each file. All 240 photographs, three calls:

# %%
recorded = read_json(ASSETS / "data" / "fairface_240.json")
for call in recorded["calls"]:
    print(call["command"])
    print(f"    kept {call['kept']} of {call['found']}")
    for reason, times in call["dropped"].items():
        print(f"    {times:3} x {reason}")
usual, old, seed = recorded["calls"]
claim(old["dropped"]["no face found"] > 70, "Haar finds no face in over 70 of 240 photographs")
claim(usual["dropped"]["no face found"] == 1, "mtcnn misses one")
claim(seed["kept"] == 1, "with a scale factor of 5, Haar finds a single face")

# %% [markdown]
# A detector that drops is a *selection*. If it finds smooth cheeks more easily than beards, the set has
# fewer beards, and so has everything that is trained on it. Who is selected away here? Look again at
# Figure A.2. One sees guesses, and no more: two dozen chosen photographs cannot say who, and the 240
# could only if we knew something about each person. FairFace has such labels, but they are not part of
# this book. What a report can give you is the list of names to look at, and the count.
#
# The third call deserves a section of its own.
#
# ## A window that grows five times
#
# The cascade knows faces of 24 by 24 pixels. To find larger ones, OpenCV lets the window grow: each
# width is the last one times the scale factor $s$, as long as it fits into the picture.
#
# $$
# w_k = 24\, s^k, \qquad k = 0, 1, 2, \dots \quad\text{while}\quad w_k \le \min(W, H)
# \tag{A.1}
# $$
#
# The usual factor is 1.1. The LS-GAN author's script has 5. By hand, for a picture of CelebA with
# $W = 178$ and $H = 218$: $24$, then $24 \cdot 5 = 120$, then $600$, which is too large. Two sizes.


# %%
def windows(factor, width, height):
    """(A.1)"""
    sizes = [24.0]
    while sizes[-1] * factor <= min(width, height):
        sizes.append(sizes[-1] * factor)
    return sizes


claim(windows(5, *CELEBA) == [24, 120], "in a picture of CelebA a factor of 5 leaves 24 and 120")
claim(len(windows(1.1, *CELEBA)) > 20, "a factor of 1.1 searches over twenty sizes")
widths = [faces[0].box[2] for faces in found["haar"].values() if faces]
claim(windows(5, side, side) == [24, 120], "the photographs of 224 pixels have no third window")
claim(min(widths) > 130, "and each of their faces is wider than 130 pixels")

# %% [markdown]
# So the third call of the last section looked for faces of 120 pixels where there were none.
#
# What does such a detector do on CelebA? We must not show CelebA's pictures. But we can bring other
# photographs into their geometry: 178 by 218 pixels, eyes level at CelebA's place, grey where the photograph ends.
# A zoom then makes the face smaller or larger around the middle of the face.


# %%
def like_celeba(photograph, eyes, zoom=1.0, border=672):
    """The photograph as an aligned picture of CelebA, the face `zoom` times as large."""
    padded = ImageOps.expand(photograph, border, (128, 128, 128))
    window = around_eyes(tuple((x + border, y + border) for x, y in eyes))
    # `window` is CelebA's square of 120 pixels with its middle at (89, 124). A square of 248
    # around the same point begins at CelebA's first row; 35 columns on, at its first column.
    around = replace(window, side=window.side * 248 / 120 / zoom)
    return cut(padded, around, 248).crop((35, 0, 35 + CELEBA[0], CELEBA[1]))


eyes = {number: faces[0].eyes for number, faces in found["mtcnn"].items() if faces}
zooms = [0.3, 0.45, 0.6, 0.75, 0.9, 1.05, 1.2, 1.35, 1.5, 1.65, 1.8]
tried = ["014", "024", "029", "057", "105", "113", "116"]
frames = {n: [like_celeba(photographs[n], eyes[n], zoom) for zoom in zooms] for n in tried}
fine = {n: [haar(frame, 24, 1.1) for frame in frames[n]] for n in tried}
coarse = {n: [haar(frame, 24, 5.0) for frame in frames[n]] for n in tried}

# %% tags=["hide-input"]
figure, ax = plt.subplots(figsize=(8.0, 2.7))
for row, number in enumerate(tried):
    for few, all_sizes in zip(coarse[number], fine[number], strict=True):
        if all_sizes:
            hit = bool(few)
            ax.plot(all_sizes[0].box[2], row, "o", ms=9 if hit else 5, color=PALETTE["fake"],
                    mfc=PALETTE["fake"] if hit else "white")  # fmt: skip
for width in windows(5, *CELEBA):
    ax.axvline(width, color=PALETTE["guide"], ls=":", lw=1.5)
ax.set(xlabel="width of the face, as factor 1.1 measures it (pixels)", ylabel="photograph")
ax.set_yticks(range(len(tried)), tried)
shown(figure)

# %% [markdown]
# **Figure A.3** Seven faces in CelebA's geometry at eleven zooms. Filled: a factor of 5 finds the face.
# Hollow: only a factor of 1.1 does. Dotted: the two windows, 24 and 120 pixels. - What is found lies
# around 120, give or take a quarter, and two faces near 24. Between the two, nothing; far above,
# nothing. The woman with the fringe (029) and the one with glasses (105) are found in few sizes.

# %%
boxes = [face.box for n in tried for faces in coarse[n] for face in faces]
large = [box for box in boxes if box[2] > 60]
pairs = [
    (a[0].box[2], bool(b)) for n in tried for a, b in zip(fine[n], coarse[n], strict=True) if a
]
claim(len(pairs) > 70, "a factor of 1.1 finds the face at nearly every zoom")
claim({box[2] for box in boxes} <= {24, 120}, "each box of factor 5 is 24 or 120 pixels wide")
claim(
    not any(hit for width, hit in pairs if 40 < width < 75), "no face of 40 to 75 pixels is found"
)
claim(not any(hit for width, hit in pairs if width > 150), "nor one above 150")
share = np.mean([hit for width, hit in pairs if 110 < width < 130])
claim(share > 0.7, "most faces of 110 to 130 pixels are found")
claim(
    all(abs(left - 29) < 15 and abs(top - 64) < 15 for left, top, _, _ in large),
    "and their boxes all lie within 15 pixels of (29, 64)",
)

# %% [markdown]
# The last claim explains a number that you will meet in this book: the framing `window` is the square
# of 120 pixels at (29, 64). It has the framing of the old script and drops nobody.
#
# Move the zoom yourself.

# %% tags=["hide-input"]
LOOK = "113"


def two_boxes(ax, zoom):
    """The picture at one zoom with the boxes of both factors."""
    at = zooms.index(zoom)
    ax.imshow(frames[LOOK][at])
    for faces, colour, style in ((fine, PALETTE["real"], "-"), (coarse, PALETTE["fake"], "--")):
        for face in faces[LOOK][at]:
            outline(ax, face.box, colour, style)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


explore(two_boxes, "zoom", zooms, panels=6, size=(3.4, 4.0))

# %% [markdown]
# **Figure A.4** One face at growing zooms: the box of factor 1.1 (blue) and that of factor 5 (dashed
# red). (FairFace, CC BY 4.0; turned, reduced, on grey.) - Blue grows with the face. Red is 24 or
# 120 pixels wide, or missing, whatever the face does.
#
# Two questions. At which zoom does the red box fit the face best? And what would a generator learn
# about the size of faces from the red crops?
#
# <details><summary>Answers</summary>
#
# Where the blue box, too, is about 120 pixels wide. And from the red crops it learns that faces differ
# a little in size: the box stays and the face in it changes. The blue crops would all show a face of
# one size.
#
# </details>
#
# How many pictures of CelebA does the script lose? We do not know: it was not measured. What was
# measured are the 239 photographs of FairFace in which mtcnn found eyes, in CelebA's geometry.

# %%
reframed = recorded["reframed"]
print(f"{reframed['pictures']} pictures: {reframed['geometry']}")
for factor, result in reframed["scale_factors"].items():
    print(f"factor {factor:>3}: {result['found']} found, {result['narrowest']:.0f} to "
          f"{result['widest']:.0f} pixels wide")  # fmt: skip
few, many = (reframed["scale_factors"][factor]["found"] for factor in ("5", "1.1"))
claim(few < reframed["pictures"] / 2, "with factor 5, over half of these faces are lost")
claim(many > 2 * few, "a factor of 1.1 finds more than twice as many")

# %% [markdown]
# ## One face, three framings
#
# A found face must be cut out. How much around it? Two GANs, one set, three answers: `center` takes
# rows 50-177 and columns 25-152, as the least-squares implementation does. `window` takes the square
# that you have just met. `face` lets a detector choose, picture by picture.

# %%
FRAMED = "130"
aligned = like_celeba(photographs[FRAMED], eyes[FRAMED])
squares = {
    name: Square((x + width / 2, y + width / 2), width)
    for name, (x, y, width) in CELEBA_BOXES.items()
}
squares["face"] = around_box(mtcnn(aligned, 32)[0].box, margin=0.05)
mirrored = like_celeba(photographs[FRAMED], eyes[FRAMED], border=0)  # instead of grey
results = {name: cut(mirrored, square, 64) for name, square in squares.items()}
for name, square in squares.items():
    between = (CELEBA_EYES[1][0] - CELEBA_EYES[0][0]) * 64 / square.side
    if name != "face":  # its box comes from networks, whose last digits differ between machines
        print(f"{name}: a square of {square.side}; in 64 pixels the eyes are {between:.1f} apart")

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 4, figsize=(8.5, 2.7), width_ratios=(1.2, 1, 1, 1))
axes[0].imshow(aligned)
axes[0].plot(*zip(*CELEBA_EYES, strict=True), "+", color="white", ms=8)
axes[0].set_title("178 x 218")
colours = (PALETTE["real"], PALETTE["fake"], PALETTE["least_squares"])
for ax, colour, (name, square) in zip(axes[1:], colours, squares.items(), strict=True):
    corner = [middle - square.side / 2 for middle in square.middle]
    outline(axes[0], (*corner, square.side, square.side), colour)
    ax.imshow(results[name], interpolation="nearest")
    ax.set_title(name, color=colour)
for ax in axes:
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
shown(figure)

# %% [markdown]
# **Figure A.5** A photograph in CelebA's geometry with three squares, and what each gives at 64 by 64.
# (FairFace, Karkkainen & Joo, WACV 2021, CC BY 4.0; turned, reduced; beyond its edge grey on the left,
# mirrored in the crops.) - The three
# differ little, and enough: the same generator, the same set, another framing, and the samples of two
# papers no longer compare. Say which one you use.

# %%
center, window = CELEBA_BOXES["center"], CELEBA_BOXES["window"]
claim(center[2] > window[2], "center shows more than window")
claim(window[1] + window[2] - center[1] - center[2] == 6, "but window reaches six rows lower")

# %% [markdown]
# ## Two eyes are enough
#
# CelebA's pictures are aligned: somebody turned, scaled and shifted each photograph so that the eyes
# are where the others' are. To turn, scale and shift is to multiply by one complex number and add
# another:
#
# $$
# w = a z + b, \qquad a = \frac{w_2 - w_1}{z_2 - z_1}, \qquad b = w_1 - a z_1
# \tag{A.2}
# $$
#
# Two points in the photograph, $z_1$ and $z_2$, go to two places $w_1$ and $w_2$. The size of $a$ is the
# scale and its angle the turn. By hand: eyes at $100 + 100i$ and $140 + 130i$. They are $40 + 30i$
# apart, that is 50 pixels. CelebA's are $39$ apart, and level. So $a = 39 / (40 + 30i)$: its size is
# $39/50 = 0.78$, and its angle is minus that of $40 + 30i$, about $-37°$. The head leans, and $a$ turns
# it back.


# %%
def align(z1, z2):
    """(A.2), from two eyes in the photograph to CelebA's eyes."""
    w1, w2 = (complex(*eye) for eye in CELEBA_EYES)
    a = (w2 - w1) / (z2 - z1)
    return a, w1 - a * z1


a, b = align(100 + 100j, 140 + 130j)
claim(abs(abs(a) - 0.78) < 1e-12, "50 pixels become 39: a scale of 0.78")
claim(abs(math.degrees(np.angle(a)) + 36.87) < 0.01, "and a turn by minus 37 degrees")

# %% [markdown]
# The library asks the other way round: which square of the *photograph* becomes the window? Its middle
# is $89 + 124i$ in CelebA's pixels, so we solve (A.2) for $z$.

# %%
for z1, z2 in ((100 + 100j, 140 + 130j), (61.5 + 90j, 160 + 71j), (10 + 5j, 12 + 9j)):
    a, b = align(z1, z2)
    middle = (complex(89, 124) - b) / a
    square = around_eyes(((z1.real, z1.imag), (z2.real, z2.imag)), "window")
    same = abs(middle - complex(*square.middle)) < 1e-9
    same &= abs(120 / abs(a) - square.side) < 1e-9
    same &= abs(-np.angle(a) - square.turned) < 1e-12
    claim(same, f"for eyes {abs(z2 - z1):.0f} pixels apart, (A.2) gives the library's square")

# %% [markdown]
# Does it work on photographs? There the eyes come from a detector, which errs. An honest test needs a
# truth that does not come from the same detector. So we turn photographs by angles that we choose.

# %%
ANGLES = (-20, -10, 0, 10, 20)
LEANING = ("029", "113", "116", "127")


def turned(photograph, degrees, border=336):
    """The photograph on grey, turned so that its eyes lean by so many degrees more."""
    padded = ImageOps.expand(photograph, border, (128, 128, 128))
    middle = (photograph.width / 2 + border,) * 2
    return cut(padded, Square(middle, 400, -math.radians(degrees)), 400)


def lean(photograph):
    """Angle of the line between the eyes, in degrees, and the picture aligned by them."""
    square = around_eyes(mtcnn(photograph, 32)[0].eyes)
    return math.degrees(square.turned), cut(photograph, square, 128)


crooked = {(n, angle): turned(photographs[n], angle) for n in LEANING for angle in ANGLES}
before = {key: lean(photograph) for key, photograph in crooked.items()}
after = {key: lean(straight)[0] for key, (_, straight) in before.items()}

# %%
gap = np.full((6, 128, 3), 255, np.uint8)
shrunk = {angle: crooked["113", angle].resize((128, 128)) for angle in ANGLES}
strip_of_pictures(
    [np.vstack([shrunk[angle], gap, before["113", angle][1]]) for angle in ANGLES],
    [f"turned by {angle}°" for angle in ANGLES],
)
errors = [
    abs(before[n, angle][0] - before[n, 0][0] - angle) for n in LEANING for angle in ANGLES if angle
]
claim(max(errors) < 8, "the detector's angle is never off by 8 degrees")
claim(np.mean(errors) < 4, "and by less than 4 on average")
leaned = np.mean([abs(angle) for angle, _ in before.values()])
claim(
    np.mean(np.abs([*after.values()])) < leaned / 4,
    "aligned pictures lean less than a quarter as much as before",
)

# %% [markdown]
# **Figure A.6** A photograph turned by five angles (top), and aligned by the eyes that were found in it
# (bottom). (FairFace, CC BY 4.0; turned, cropped, grey beyond its edge.) - In the lower row the head leans a few degrees at most. They are the
# detector's: it gives the eyes in whole pixels, and not always the same ones.
#
# ## What goes wrong: a pixel that nobody asked
#
# *Symptom.* Hair and teeth of generated faces look jagged. *Cause.* The training pictures were reduced
# by a method that looks at a few pixels and skips the rest. Reduce stripes, one pixel black, one
# white. The right answer is grey.


# %%
def reductions(image, size):
    """The same image reduced by three methods, uint8 (H, W, 3)."""
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
    skipping = torch.nn.functional.interpolate(pixels, size=size, mode="bilinear", antialias=False)
    return {
        "nearest": np.asarray(image.resize((size, size), Image.Resampling.NEAREST)),
        "bilinear, no antialiasing": skipping[0].permute(1, 2, 0).round().byte().numpy(),
        "bicubic, antialiased": np.asarray(image.resize((size, size), Image.Resampling.BICUBIC)),
    }


stripes = np.zeros((224, 224, 3), np.uint8)
stripes[:, ::2] = 255
spread = {name: made.std() for name, made in reductions(Image.fromarray(stripes), 64).items()}
claim(spread["nearest"] > 120, "nearest makes black and white of it")
claim(spread["bilinear, no antialiasing"] > 60, "bilinear without antialiasing makes new stripes")
claim(spread["bicubic, antialiased"] < 5, "with antialiasing it is grey")

# %%
results = reductions(photographs["027"], 32)
strip_of_pictures([*results.values()], [*results], width=8.0)
one, two, _ = results.values()
claim((one == two).all(), "reduced seven times, the first two methods give the same pixels")

# %% [markdown]
# **Figure A.7** One photograph, from 224 to 32 pixels, three ways. (FairFace, CC BY 4.0; reduced.) -
# The first two are the same: seven times smaller, both keep one pixel of forty-nine, and hair and beard
# fall apart into dots. The third weighs every pixel. All three are 32 pixels wide,
# and nothing warns you. *Cure.* Pillow's `resize`, or `antialias=True`. *Guard.* `data_prep.pictures.fit`
# and `data_prep.framing.cut` reduce by a filter that weighs every pixel.
#
# The second loss is JPEG, and when it comes matters.


# %%
def as_jpeg(image, quality=75):
    """The image after a round trip through a JPEG file."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def difference(one, other):
    """Root mean square of the difference, grey levels of 255."""
    return np.sqrt(((np.asarray(one, float) - np.asarray(other, float)) ** 2).mean())


worse = 0
for photograph in photographs.values():
    small = photograph.resize((64, 64), Image.Resampling.BICUBIC)
    early = as_jpeg(photograph).resize((64, 64), Image.Resampling.BICUBIC)
    worse += difference(as_jpeg(small), small) > 2 * difference(early, small)
claim(worse >= 22, "JPEG after reducing costs over twice as much as JPEG before it")

# %% [markdown]
# A large JPEG does little harm: what it blurs is averaged away. A small JPEG puts its blocks of 8 by 8
# into the training set. Packed sets keep pixels as they are.
#
# ## Copies
#
# A set of faces from the web holds pictures twice: re-encoded, cropped a little differently, mirrored.
# Can one find them by asking for the nearest neighbour in pixels? We use faces that anybody may show,
# drawn avatars, and plant copies of each.

# %%
faces = avatars(300)
drawn = to_float(faces.images)


def encoded(image):
    """uint8 (3, H, W) -> the same after JPEG of quality 60."""
    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    return torch.from_numpy(np.array(as_jpeg(picture, 60))).permute(2, 0, 1)


copies = {
    "JPEG": torch.stack([encoded(image) for image in faces.images]),
    "1 px left": faces.images.roll(-1, dims=-1),
    "4 px left": faces.images.roll(-4, dims=-1),
    "darker": (faces.images * 0.8).to(torch.uint8),
    "mirrored": faces.images.flip(-1),
}
stranger, _ = nearest(drawn, drawn, skip_same=True)
first = {name: to_float(made[:6]) for name, made in copies.items()}
strip_of_images([drawn[:6], *first.values()], ["original", *first], columns=2, width=9.0)

# %%
kept_apart = {}
for name, made in copies.items():
    own = (to_float(made) - drawn).square().flatten(1).mean(1).sqrt()
    kept_apart[name] = (own < stranger).float().mean().item()
    bar = "█" * round(30 * kept_apart[name])
    print(f"{name:10} nearer to its original than any stranger is: {bar}")
claim(kept_apart["JPEG"] > 0.75, "most re-encoded copies are nearer than any other avatar")
claim(kept_apart["4 px left"] < 0.1, "moved by four pixels, hardly any are")
claim(kept_apart["darker"] < 0.5, "darkened by a fifth, fewer than half")

# %% [markdown]
# **Figure A.8** Six avatars, and five kinds of copies of them. (Remix of ToonHead by Johan Melin,
# licensed under CC BY 4.0.) - To the eye all six blocks show the same. To a distance in pixels, four
# pixels to the left is a stranger.
#
# So what a neighbour search finds *is* a copy, and what it does not find may be one, too. What did it
# find in CelebA? The numbers below are for 27,468 of its pictures, each reduced to 16 by 16 grey pixels.
# Distances are in grey levels of 255.

# %%
celeba = read_json(ASSETS / "data" / "celeba_duplicates.json")
print(f"{celeba['pictures']:,} pictures, {celeba['exact_duplicates']} repeat another one exactly")
print(f"half of them have their nearest other picture within {celeba['median_nearest']} levels")
print("nearest within     " + "".join(f"{limit:>6}" for limit in celeba["nearest_below"]))
for name, key in (("as it is", "nearest_below"), ("mirrored", "mirrored_nearest_below")):
    print(f"{name:19}" + "".join(f"{found:6}" for found in celeba[key].values()))
print(celeba["looked_at"])
share = celeba["nearest_below"]["8"] / celeba["pictures"]
claim(0.005 < share < 0.02, "about one picture in a hundred has a near copy in the same set")
claim(
    celeba["nearest_below"]["8"] > 10 * celeba["exact_duplicates"], "few of them are exact copies"
)

# %% [markdown]
# Checksums find seven. A search by distance finds over two hundred and fifty, and more where the limit
# is wider. The true number is larger still: moved and darkened copies hide.
#
# ## Leakage
#
# Why do copies matter? Because we judge a generator by pictures that it has not seen. Take a hundred
# avatars as persons and four pictures of each. Hold out a quarter of the *pictures*, or a quarter of
# the *persons*. And take the laziest generator there is: one that returns its training pictures. How
# near does it come to what was held out?

# %%
persons = torch.arange(100).repeat(4)
album = torch.cat([
    drawn[:100],
    to_float(copies["JPEG"][:100]),
    to_float(copies["1 px left"][:100]),
    to_float(copies["darker"][:100]),
])  # fmt: skip
random = torch.Generator().manual_seed(0)
by_picture = torch.rand(400, generator=random) < 0.25
by_person = (torch.rand(100, generator=random) < 0.25)[persons]
leaked = {}
for name, held_out in (("pictures", by_picture), ("persons", by_person)):
    distance, _ = nearest(album[held_out], album[~held_out])
    known = torch.isin(persons[held_out], persons[~held_out]).float().mean()
    leaked[name] = distance.mean()
    print(
        f"{name} held out: {known:.0%} of the held-out pictures show a person of the training set"
    )

claim(
    leaked["pictures"] < 0.75 * leaked["persons"], "held out by picture, copying looks far better"
)

# %% [markdown]
# With pictures held out, a machine that invents nothing comes close to "new" pictures, because they are
# not new. Memorising looks like quality. With persons held out, its copies are
# what they are: somebody else.
#
# This is why splits go by person. The split that comes with CelebA does so, as its paper states (Liu
# et al., 2015): no identity is in two parts. `lsgan data celeba --split train` uses it. For photographs
# of your own, you have to keep persons apart yourself. No program here can know who they are.
#
# ## Consent and licences
#
# | faces | who is in them | what you may do |
# | --- | --- | --- |
# | CelebA | public figures, in photographs from the web | non-commercial research; the pictures may not be passed on, which is why this book shows none of them |
# | FairFace | people in photographs of the collection YFCC100M, published on Flickr under CC licences | CC BY 4.0: show and change, name the authors, say what you changed |
# | avatars | nobody | CC BY 4.0: name Johan Melin |
# | your own | people whom you know | what they agreed to |
#
# A licence is the photographer's word. It does not say that the person in the picture was asked. For
# your own set, ask before you take pictures. Write down who agreed to what, and until when. Keep the
# report of the set: when somebody changes their mind, it tells which row is theirs.
#
# ## The report
#
# Now the whole way, live: twenty-four photographs as files, and three files that are none. The packer
# is the one behind `lsgan data faces`.

# %%
with tempfile.TemporaryDirectory() as temporary:
    folder, out = Path(temporary, "photographs"), Path(temporary, "set")
    folder.mkdir()
    for number, photograph in photographs.items():
        photograph.save(folder / f"{number}.png")
    whole = (folder / "113.png").read_bytes()
    (folder / "x-empty.jpg").write_bytes(b"")
    (folder / "x-letter.jpg").write_text("Dear editor, the picture is attached.")
    (folder / "x-half.png").write_bytes(whole[: len(whole) // 2])

    pack(Faces(folder).job(), out, workers=1, progress=False)
    prepared = read_set(out, verify=True)
    images = prepared.images.clone()  # into memory: the folder goes away
    lines = (out / "report.csv").read_text().splitlines()
outcomes = Counter(line.split(",")[1] for line in lines[1:])
print(lines[0], *(line for line in lines if line.startswith("x-")), sep="\n")
claim(outcomes.total() == 27, "each of the 27 files has its row")
claim(
    outcomes["dropped"] == len(prepared.manifest["dropped"]), "the manifest names who was dropped"
)
claim(
    16 <= outcomes["kept"] < 24, "some of the photographs were dropped, too: misses and cut faces"
)
claim(images.dtype == torch.uint8 and images.shape[1:] == (3, 64, 64), "uint8, 3 x 64 x 64: ready")

# %%
figure, ax = plt.subplots(figsize=(8.0, 1.6))
image_grid(ax, images, columns=12)
shown(figure)
for fact in ("licence", "framing", "exact_duplicates", "found", "ignored"):
    print(f"{fact:17} {prepared.manifest[fact]}")

# %% [markdown]
# **Figure A.9** The set that was just made. (FairFace, Karkkainen & Joo, WACV 2021, CC BY 4.0; turned,
# cropped and reduced.) - Eyes level, one size. The manifest beside it says how it was made, from what,
# and what is missing. That is the answer to *where do the faces come from?*
#
# From a terminal, for photographs of your own and for training on them:
#
# ```
# lsgan data faces --from photographs/ --size 64     # report.csv, manifest.json, contact_sheet.png
# lsgan data faces --from photographs/ --strict      # make no set at all when anything is dropped
# lsgan data celeba --from img_align_celeba.zip --framing window --split train
# ```
#
# ## Exercises
#
# Replace `None` by your answer and run the cell. Solutions:
# [solutions/appendix_solutions.ipynb](solutions/appendix_solutions.ipynb).
#
# ### Exercise A.1
#
# *On paper.* Which widths does (A.1) give for a scale factor of 2 in a picture of 178 by 218 pixels?
# And how many pixels must the side of a square picture have for a factor of 5 to have a third window?

# %%
widths = None
third = None
exercises.check_a_1(widths, third)

# %% [markdown]
# ### Exercise A.2
#
# *In code.* Write (A.2) for any two eyes and any two targets, all complex numbers. Return $a$ and $b$.


# %%
def align_to(eyes, targets):
    """eyes, targets: two complex numbers each. Returns (a, b)."""
    return None


exercises.check_a_2(align_to)

# %% [markdown]
# ### Exercise A.3
#
# *Reading.* How many of the 240 photographs are not in the set that mtcnn made, and how many not in
# the one that Haar made with its factor of 1.1? What are most of mtcnn's losses due to, the `"detector"` or
# the `"framing"`? (`recorded["calls"]` has it all.)

# %%
lost_by_mtcnn = None
lost_by_haar = None
due_to = None
exercises.check_a_3(lost_by_mtcnn, lost_by_haar, due_to)

# %% [markdown]
# ### Exercise A.4
#
# *In code.* Split by person. `persons` holds a number for each picture, in no order; numbers may have
# gaps. Return `True` for each picture that is held out, so that about `share` of the persons are.


# %%
def held_out(persons, share):
    """persons: integers (N,). Returns bool (N,)."""
    return None


exercises.check_a_4(held_out)

# %% [markdown]
# ### Exercise A.5
#
# *In code.* Find copies, plain and mirrored: return the set of pairs $(i, j)$, $i < j$, where picture $j$ or
# its mirror image is the nearest to picture $i$, and nearer than `limit`. Then run it on `drawn`: are
# there copies among the first 300 avatars that nobody planted?


# %%
def find_copies(images, limit):
    """images: float (N, C, H, W). Returns a set of pairs of rows."""
    return None


exercises.check_a_5(find_copies)

# %% [markdown]
# ## Summary
#
# A detector decides who is in a set. Haar finds no face in over 70 of 240 photographs, mtcnn in one; a
# scale factor of 5 leaves windows of 24 and 120 pixels, and over half of the faces in CelebA's geometry
# go missing. Two eyes determine turn, scale and shift. Reducing must weigh every pixel, and JPEG comes
# before it or not at all. Copies that are moved or darkened hide from a search by pixels; about one picture in a
# hundred of 27,468 CelebA faces has a near copy. Split by person, or memorising looks like quality. And
# keep the report: it is the only place where the missing are named.
#
# ## Questions to ask yourself
#
# 1. Why can nobody see in a finished set which faces were dropped?
# 2. What would a detector's threshold have to do with who is in the set?
# 3. Why does a scale factor near 1 cost time?
# 4. Which part of a face is mirrored most often when photographs are cut tightly?
# 5. Why is it no fair test to measure how level faces are with the detector that aligned them?
# 6. What does a third point, the mouth, add to an alignment, and what would it no longer be?
# 7. Your generator draws a person whom you know. How do you find out whether it memorised a photograph?
# 8. Which of your own pictures would you want to be in such a set?
#
# ## Further reading
#
# - Viola and Jones 2001, *Rapid object detection using a boosted cascade of simple features*: the window
#   and the cascade.
# - Zhang et al. 2016, *Joint face detection and alignment using multitask cascaded convolutional
#   networks*: mtcnn, and why detecting and finding eyes help each other.
# - Liu et al. 2015, *Deep learning face attributes in the wild*: CelebA.
# - Karkkainen and Joo 2021, *FairFace: face attribute dataset for balanced race, gender, and age for
#   bias measurement and mitigation*: what happens when one asks who is in the set.
#
# **Back**: [00 Start here](00_start_here.ipynb).

# %% tags=["nbval-ignore-output"]
versions()
