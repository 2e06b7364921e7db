"""The checks of chapter 13 accept right answers, explain wrong ones, and stay quiet on stubs.

What the chapter says in formulas is tested by routes that it does not take: the shell and the sums
by large samples of other noise, the optimum of (13.3) by bisection.
"""

import math

import pytest
import torch
from exercise_checks import three_tests
from torch.nn.functional import normalize

from lsgan_lib import latent
from lsgan_lib.evaluation.neighbours import nearest
from lsgan_lib.exercises import chapter_13 as exercises


def seeded(seed):
    return torch.Generator().manual_seed(seed)


# --- the mathematics ----------------------------------------------------------------------------


@pytest.mark.parametrize("values", [(-1.0, 1.0, 2.0), (0.5, -2.0, 3.0)])
def test_the_thickness_of_a_shell_holds_for_any_noise(values):
    """(13.1), for coordinates that take three values, which no formula of the book knows."""
    values = torch.tensor(values, dtype=torch.float64)
    m2, m4 = (values**2).mean(), (values**4).mean()
    z = values[torch.randint(3, (4_000, 900), generator=seeded(0))]
    lengths = z.norm(dim=1)
    assert lengths.mean().item() == pytest.approx(math.sqrt(900 * m2), rel=2e-3)
    thickness = (math.sqrt((m4 - m2**2) / m2)) / 2
    assert lengths.std().item() == pytest.approx(thickness, rel=0.05)


@pytest.mark.parametrize(("d", "s", "m2"), [(100, 0.7071, 1.0), (1024, 0.2582, 1 / 3)])
def test_a_line_leaves_the_shell_where_13_3_says(d, s, m2):
    radius = math.sqrt(d * m2)
    low, high = 0.0, 0.5
    for _ in range(60):  # the root mean square length falls from t = 0 to t = 1/2
        t = (low + high) / 2
        if radius * math.sqrt((1 - t) ** 2 + t**2) > radius - 3 * s:
            low = t
        else:
            high = t
    r = 1 - 3 * s / radius
    assert low == pytest.approx((1 - math.sqrt(2 * r * r - 1)) / 2, abs=1e-9)


@pytest.mark.parametrize("kind", ["uniform", "normal"])
@pytest.mark.parametrize("terms", [3, 5])
def test_a_sum_of_as_many_means_as_terms_lies_on_the_shell(kind, terms):
    """(13.8), whatever the signs."""
    z = latent.draw(2_000 * terms * terms, 50, kind, seeded(1)).view(2_000, terms, terms, 50)
    signs = torch.tensor([(-1.0) ** i for i in range(terms)])[:, None]
    sums = (z.mean(dim=2) * signs).sum(dim=1)
    one = latent.draw(2_000, 50, kind, seeded(2))
    assert sums.square().mean().item() == pytest.approx(one.square().mean().item(), rel=0.03)


def test_the_share_outside_the_cube_by_geometry():
    """(13.4): two corner triangles of the square in which two uniform numbers lie."""
    side = 2 - math.sqrt(2)
    assert 2 * (side**2 / 2) / 4 == pytest.approx((2 - math.sqrt(2)) ** 2 / 4)
    a, b = latent.draw(2, 400_000, "uniform", seeded(3))
    found = ((a + b).abs() > math.sqrt(2)).double().mean().item()
    assert found == pytest.approx(side**2 / 4, abs=2e-3)


# --- the checks ---------------------------------------------------------------------------------


def sameness(generator, places, v):
    unit = normalize((generator(places + v) - generator(places)).flatten(1))
    n = len(places)
    return ((unit @ unit.T).sum() - n) / (n * (n - 1))


def with_diagonal(generator, places, v):
    unit = normalize((generator(places + v) - generator(places)).flatten(1))
    return (unit @ unit.T).mean()


def of_products(generator, places, v):
    moved = (generator(places + v) - generator(places)).flatten(1)
    n, products = len(places), moved @ moved.T
    return (products.sum() - products.diag().sum()) / (n * (n - 1))


def gap(generator, z_dim, seen, unseen):
    samples = generator(latent.draw(500, z_dim, "normal", seeded(9)))
    return (nearest(unseen, samples)[0].mean() - nearest(seen, samples)[0].mean()).item()


def blind(generator, z_dim, seen, unseen):
    """Never asks the generator: right for a list, wrong for one that has none."""
    return nearest(unseen, seen)[0].mean().item()


def axis():
    return torch.eye(100)[7]


RIGHT = {
    "13.1": (exercises.check_13_1, [20, math.sqrt(0.5), 8.28]),
    "13.2": (exercises.check_13_2, [5, 2]),
    "13.3": (exercises.check_13_3, ["distance", "Distribution_Preserving", "no"]),
    "13.4": (exercises.check_13_4, [sameness]),
    "13.5": (exercises.check_13_5, [gap]),
    "13.6": (exercises.check_13_6, [(0.1, 0.8), (10.0, 36.0), "yes"]),
    "13.7": (exercises.check_13_7, [axis(), "light", 0.85]),
}


WRONG = [
    (exercises.check_13_1, [400, 0.71, 8.3], "take its root"),
    (exercises.check_13_1, [20, 1.4142, 8.3], "factor ½"),
    (exercises.check_13_1, [20, 14.1, 8.3], "does not occur"),
    (exercises.check_13_1, [20, 0.7071, 14.14], "not half the length"),
    (exercises.check_13_1, [20, 0.7071, 5.86], "divide what is missing"),
    (exercises.check_13_2, [3, 2], "five terms"),
    (exercises.check_13_2, [5, 4], "factor of the square"),
    (exercises.check_13_2, [5, 0.5], "what puts it right"),
    (exercises.check_13_2, [5, 3], "5/20"),
    (exercises.check_13_3, ["spread", "slerp", "no"], "falling is good"),
    (exercises.check_13_3, ["distance", "slerp", "no"], "(13.6)"),
    (exercises.check_13_3, ["distance", "distribution_preserving", "yes"], "copies"),
    (exercises.check_13_3, ["beauty", "slerp", "no"], "choose one of"),
    (exercises.check_13_4, [with_diagonal], "no pair"),
    (exercises.check_13_4, [of_products], "not a product"),
    (exercises.check_13_4, [lambda *a: 0.123], "unit vectors"),
    (exercises.check_13_5, [lambda *a: -gap(*a)], "other way round"),
    (exercises.check_13_5, [lambda *a: 4 * gap(*a)], "not the sum"),
    (exercises.check_13_5, [lambda *a: 0.9], "nearest of its entries"),
    (exercises.check_13_5, [blind], "that has none"),
    (exercises.check_13_6, [(10, 80), (10, 36), "yes"], "between 0 and 1"),
    (exercises.check_13_6, [(0.8, 0.1), (36, 10), "yes"], "in order"),
    (exercises.check_13_6, [(0.1, 0.8), (10, 11), "yes"], "well above"),
    (exercises.check_13_6, [(0.1, 0.8), (10, 36), "no"], "compare your two steps"),
    (exercises.check_13_7, [3 * axis(), "light", 0.85], "has the length 1"),
    (exercises.check_13_7, [torch.zeros(64), "light", 0.85], "the shape asked for is (100,)"),
    (exercises.check_13_7, [axis(), "", 0.85], "a word or two"),
    (exercises.check_13_7, [axis(), "light", 1.2], "between 0 and 1"),
    (exercises.check_13_7, [axis(), "light", 0.33], "twentieths"),
    (exercises.check_13_7, [axis(), "light", 0.2], "turn the direction round"),
]


test_accepts_a_right_answer, test_stays_quiet_on_the_stub, test_explains_a_wrong_answer = (
    three_tests(RIGHT, WRONG)
)


def test_the_generators_of_the_checks_are_what_they_say():
    """`bent` depends on every number and has no list; `listed` has nothing else."""
    z = latent.draw(300, exercises.Z, "normal", seeded(0))
    for number in range(exercises.Z):
        moved = z.clone()
        moved[:, number] += 0.1
        assert (exercises.bent(moved) - exercises.bent(z)).abs().amax(dim=(1, 2, 3)).min() > 1e-3
    known = exercises.bent(z[:5])
    answers = exercises.listed(known)(z)
    assert {nearest(answers, known)[0].max().item()} == {0.0}
    assert len(nearest(answers, known)[1].unique()) == 5
