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
# # 10 - Solutions: slide from LS-GAN to WGAN
#
# Solutions to the exercises of [chapter 10](../10_slide_to_wasserstein.ipynb), each put through the
# same check. Try them yourself first.

# %%
import torch
from scipy.stats import wasserstein_distance

from lsgan_lib import latent
from lsgan_lib.book import claim, setup
from lsgan_lib.data import Mixture, digits, to_float
from lsgan_lib.exercises import chapter_10 as exercises
from lsgan_lib.experiments.tables import load_table
from lsgan_lib.figures import strip_of_images
from lsgan_lib.losses.objectives import LossSensitive
from lsgan_lib.networks.almost_orthogonal import AlmostOrthogonalNetworks
from lsgan_lib.training.many_seeds import Cell, PointSettings, train_cells

setup(seed=10)

# %% [markdown]
# ### Solution 10.1
#
# $a = 2 + 1 - 4 = -1$: kept, with 1 to spare. Left of zero $C_\nu(a) = \nu a = -\nu$: costs $1, 0, -\tfrac14, -1$.
# By $L(y)$, which stands in $a$ with a minus, the derivative is $-C_\nu'(a) = -\nu$: $1, 0, -\tfrac14, -1$ again.
# A positive one pulls the generated loss down.

# %%
violation = -1
cost_of_each = torch.tensor([1, 0, -0.25, -1])
derivative_of_each = torch.tensor([1, 0, -0.25, -1])
exercises.check_10_1(violation, cost_of_each, derivative_of_each)

# %% [markdown]
# ### Solution 10.2
#
# "Too cheap" comes first: a cost that is below $a$ somewhere breaks the first half, whatever it does elsewhere.


# %%
def judge(cost):
    """Both halves of (10.2), on a grid"""
    a = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
    beyond = cost(a) - a
    if beyond.min() < -1e-6:
        return "too cheap"
    return "passes" if beyond[a >= 0].max() < 1e-6 else "too dear"


exercises.check_10_2(judge)

# %% [markdown]
# ### Solution 10.3
#
# Read the looks of the recorded runs and compare, down the columns and along the rows.

# %%
table = load_table("slopes")
for cells in zip(*(row["cells"] for row in table["runs"]), strict=True):
    same = all(cell["distance"] == cells[0]["distance"] for cell in cells)
    print(f"κ = {cells[0]['kappa']:g}, six costs: {'the same runs' if same else 'different runs'}")
for row in table["runs"]:
    same = all(cell["distance"] == row["cells"][0]["distance"] for cell in row["cells"])
    print(f"cost {row['cost']}, four bounds: {'the same runs' if same else 'different runs'}")
exercises.check_10_3([0.5], "1", "nothing")

# %% [markdown]
# In the other table every hinge was active, so the costs were never asked for their other side: three copies of one
# method. "A draw" would say that two methods have been compared.
#
# ### Solution 10.4
#
# The hinge critic is the sign of $p - q$: $(1, 1, -1)$. (At the first place there are no generated samples, so
# any score from 1 up will do.) Its cost is $2 \sum \min(p, q) = 2 \cdot \tfrac14$, which is
# $2 - \sum|p - q| = 2 - \tfrac32$. Least squares: $p/(p+q) = (1, \tfrac23, 0)$. To carry $p$ to $q$: a quarter
# stays at the second place, the other quarter goes one step, and the half from the first place two steps:
# $\tfrac14 + 2 \cdot \tfrac12 = \tfrac54$.

# %%
best_hinge = torch.tensor([1.0, 1.0, -1.0])
hinge_cost = 0.5
best_least_squares = torch.tensor([1.0, 2 / 3, 0.0])
first_wasserstein = 1.25
exercises.check_10_4(best_hinge, hinge_cost, best_least_squares, first_wasserstein)
claim(
    abs(wasserstein_distance([0, 1, 2], [0, 1, 2], [0.5, 0.5, 0], [0, 0.25, 0.75]) - 1.25) < 1e-9,
    "the way, by scipy",
)

# %% [markdown]
# ### Solution 10.5
#
# The chapter's third generator once more.

# %%
small = torch.nn.functional.avg_pool2d(to_float(digits().images), 2)
order = torch.randperm(len(small), generator=torch.Generator().manual_seed(0))
pictures = small[order].flatten(1)
held_back = pictures[-60:]
turned = held_back.view(-1, 14, 14).flip(1, 2).flatten(1)
settings = PointSettings(
    networks=AlmostOrthogonalNetworks(dim=196, z_dim=16, hidden=128), steps=700, batch_size=64,
    critic_lr=2e-3, generator_lr=5e-4, beta1=0.0, beta2=0.99,
)  # fmt: skip
data = Mixture(pictures[:2_000], torch.full((2_000,), 1 / 2_000), 0.1)
objective = LossSensitive(norm="l2", margin_scale=1 / 4, penalty=None)

# %% tags=["nbval-ignore-output"]
run = train_cells([Cell(data, objective, (0,))], settings)
generator = run.generator.network(0).eval()
found = {}
for name, images in {"upright": held_back, "turned": turned}.items():
    start = torch.Generator().manual_seed(0)
    found[name] = latent.invert(generator, images, 16, kind="normal", random=start)
    print(f"{name}: mean error {found[name][1].mean().item():.3f}")
errors_upright, errors_turned = found["upright"][1], found["turned"][1]
verdict = "knows" if errors_turned.mean() >= 1.05 * errors_upright.mean() else "cannot tell"
exercises.check_10_5(errors_upright, errors_turned, verdict)

# %%
redrawn = latent.images_of(generator, found["turned"][0][:8]).clamp(-1, 1).view(-1, 1, 14, 14)
strip_of_images([turned[:8].view(-1, 1, 14, 14), redrawn], ["upside down", "redrawn"], columns=4)

# %% [markdown]
# The generator knows which way up, but not by much: a turned digit is drawn a little worse, as something that stands
# upright. Many digits say little about it, since 0, 1 and 8 are their own turned selves, and a 6 is a 9. It is
# a check that needs no second set of images: whatever keeps pixels and strokes and leaves the data (turned, mirrored,
# negative) should cost more than the data do. For $G(z) = z$ it would not cost anything.
#
# ### Solution 10.6
#
# A straight piece of slope $\tfrac15$ as far as the floor, and flat beyond: $C(a) = \max(a, \tfrac a5, -\tfrac12)$
# with the floor reached at $a = -2.5$. ELU cannot: its derivative at $-2$ is $\alpha e^{-2} = 0.135\,\alpha$, so
# it needs $\alpha \ge 0.74$, but its floor is $-\alpha$, so it needs $\alpha \le \tfrac12$.


# %%
def my_cost(a):
    """The identity, then a fifth of it, then a floor"""
    return torch.maximum(a, 0.2 * a).clamp_min(-0.5)


exercises.check_10_6(my_cost)

# %% [markdown]
# Every bounded cost is flat, or nearly so, far to the left: with steps of at least 0.1 it would be below any floor
# after a while. So a critic that is steep enough may again keep pairs so well that nothing is asked, and (10.6) fails
# there: pits may return, only later. Without the floor the critic's loss has no bound below. That is the price:
# a line for every point, or a loss that ends.
