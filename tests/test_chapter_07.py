"""The checks of chapter 07 accept right answers, explain wrong ones, and stay quiet on stubs.

What the chapter says in words and its own cells cannot test is tested here: the lemma of two
densities, the fixed critic's bound, and what a pit is.
"""

import math

import pytest
import torch
from exercise_checks import three_tests
from hypothesis import given, settings
from hypothesis import strategies as st

from lsgan_lib.evaluation.cones import best_critics
from lsgan_lib.exercises import chapter_07 as exercises
from lsgan_lib.losses import loss_sensitive

fast = settings(deadline=None, derandomize=True, max_examples=60)


# --- the mathematics ----------------------------------------------------------------------------


@fast
@given(
    st.lists(st.floats(0.01, 1), min_size=2, max_size=7),
    st.lists(st.floats(0.0, 1), min_size=7, max_size=7).filter(lambda q: sum(q) > 0.1),
)
def test_two_densities_of_which_one_covers_a_share_of_the_other(p, q) -> None:
    """(7.11), the paper's lemma, and (7.12), the shorter one, for the largest share there is."""
    p = torch.tensor(p, dtype=torch.float64)
    q = torch.tensor(q[: len(p)], dtype=torch.float64) + 1e-9
    p, q = p / p.sum(), q / q.sum()
    share = (p / q).min().item()  # at most 1: both have the mass 1
    apart = (p - q).abs().sum().item()
    assert apart <= 2 * (1 - share) + 1e-9
    assert 2 * (1 - share) <= 2 * (1 - share) / share + 1e-9
    lam = share / (1 - share) if share < 1 else math.inf
    assert apart <= 2 / (1 + lam) + 1e-9  # the same, in the words of the equilibrium


def test_a_fixed_critic_keeps_hoeffdings_bound() -> None:
    """(7.13): each hinge lies in [0, (1 + kappa) B], and 95 % of the means are near the truth."""
    random = torch.Generator().manual_seed(0)
    kappa, pairs, delta = 2.0, 40, 0.05
    x, y = torch.rand(2, 400, pairs, 1, generator=random, dtype=torch.float64)

    def critic(places):
        return kappa * (places - 0.4).abs().squeeze(-1)

    hinges = ((x - y).abs().squeeze(-1) + critic(x) - critic(y)).clamp_min(0)
    assert hinges.max() <= 1 + kappa
    truth = hinges.mean()  # of 16,000 pairs
    bound = (1 + kappa) * math.sqrt(math.log(2 / delta) / (2 * pairs))
    kept = ((hinges.mean(dim=1) - truth).abs() <= bound).double().mean()
    assert kept >= 1 - delta
    # the same hinges from the library
    mine = loss_sensitive.critic_loss(critic(x[0]), critic(y[0]), (x[0] - y[0]).abs().squeeze(-1))
    assert mine.item() == pytest.approx(hinges[0].mean().item())


@pytest.mark.parametrize(("length", "even"), [(1.0, 45.1), (0.0221697, 1.0)])
def test_the_slope_of_images_in_units_of_the_seeds_margin(length: float, even: float) -> None:
    """A straight critic whose gradient is even over 12,288 entries, moved along it."""
    image = torch.rand(1, 3, 64, 64, dtype=torch.float64)
    gradient = torch.full_like(image, length / math.sqrt(image.numel()))
    moved = image - 0.01
    rise = (gradient * (image - moved)).sum() / loss_sensitive.margin(image, moved)
    assert rise.item() == pytest.approx(even, rel=2e-3)


def test_a_pit_is_where_the_critic_rises_all_around() -> None:
    """One real point and three around it: at slope 2 their margins are kept twice over."""
    around = torch.tensor([[2.0, 0.0], [-1.5, 1.5], [0.0, -2.5]])
    real = torch.tensor([[0.0, 0.0]])
    assert exercises.depth_of_pits(best_critics(real, around, kappa=2.0, norm="l2")).tolist() == (
        pytest.approx([1.0, 1.0, 1.0], abs=1e-3)
    )
    flat = exercises.depth_of_pits(best_critics(real, around, kappa=0.9, norm="l2"))
    assert (flat < -0.9).all()  # towards the real point the critic falls, as steeply as it may


# --- the checks ---------------------------------------------------------------------------------


def bounds_at(x, points, values, kappa):
    pairs = list(zip(points, values, strict=True))
    if any(abs(v - w) > kappa * abs(a - b) for a, v in pairs for b, w in pairs):
        return math.nan, math.nan
    return max([0, *(v - kappa * abs(x - a) for a, v in pairs)]), min(
        v + kappa * abs(x - a) for a, v in pairs
    )


def without_floor(x, points, values, kappa):
    low, high = bounds_at(x, points, values, kappa)
    return max(v - kappa * abs(x - a) for a, v in zip(points, values, strict=True)), high


def never_refuses(x, points, values, kappa):
    pairs = list(zip(points, values, strict=True))
    return max(0, *(v - kappa * abs(x - a) for a, v in pairs)), min(
        v + kappa * abs(x - a) for a, v in pairs
    )


def huddle(radius):
    turn = torch.arange(3) * math.tau / 3
    circle = torch.stack([turn.cos(), turn.sin()], dim=1)
    return radius * circle, -3 * circle


RIGHT = {
    "7.1": (exercises.check_7_1, [1.25, (0.5, 0, -0.5), 1.0]),
    "7.2": (exercises.check_7_2, [(1.5, 0.5, 0.5), (0, 2, 6)]),
    "7.3": (exercises.check_7_3, [bounds_at]),
    "7.4": (exercises.check_7_4, [0.8, 0.8, "No"]),
    "7.5": (
        exercises.check_7_5,
        [[0.2, 0.1, 0.3], [0.9, 0.8, 0.7], "steeper memorises more"],
    ),
    "7.6": (exercises.check_7_6, [*huddle(0.2), 1.5]),
}


WRONG = [
    (exercises.check_7_1, [2.5, (0.5, 0, -0.5), 1.0], "sum of both hinges"),
    (exercises.check_7_1, [1.0, (0.5, 0, -0.5), 1.0], "or nothing if that is negative"),
    (exercises.check_7_1, [1.25, (-0.5, 0, 0.5), 1.0], "not the way down"),
    (exercises.check_7_1, [1.25, (1, 0, -1), 1.0], "factor 1/2"),
    (exercises.check_7_1, [1.25, (1, -0.5, -0.5), 1.0], "only a pair that misses"),
    (exercises.check_7_1, [1.25, (0.5, 0, -0.5), 1.25], "counts negative"),
    (exercises.check_7_2, [(1.5, 2, 2), (0, 2, 6)], "κ = 0.25: the real point is at 0"),
    (exercises.check_7_2, [(2, 0.5, 0.5), (0, 2, 6)], "still missing"),
    (exercises.check_7_2, [(1.5, 0.5, 0.5), (0, 2, 2)], "κ = 3: once the margin is kept"),
    (exercises.check_7_2, [(1.5, 0.5, 0.5), (0, 6, 6)], "κ = 3: the real point is at 0"),
    (exercises.check_7_2, [1.5, (0, 2, 6)], "the shape asked for is (3,)"),
    (exercises.check_7_3, [without_floor], "never negative"),
    (exercises.check_7_3, [never_refuses], "no critic of slope 1"),
    (
        exercises.check_7_3,
        [lambda x, p, v, k: (0.0, v[-1] + k * abs(x - p[-1]))],
        "the tighter one",
    ),
    (exercises.check_7_3, [lambda *a: 1.0], "return two numbers"),
    (exercises.check_7_4, [1.6, 0.8, "no"], "all hinges are active"),
    (exercises.check_7_4, [0.8, 1.6, "no"], "where |a| and the hinge differ"),
    (exercises.check_7_4, [0.8, 0.8, "yes"], "the only way"),
    (exercises.check_7_4, [0.8, 0.8, "perhaps"], "choose one of"),
    (
        exercises.check_7_5,
        [[0.2, 0.1, 0.8], [0.9, 0.8, 0.7], "steeper memorises more"],
        "say 'cannot tell'",
    ),
    (exercises.check_7_5, [[0.2], [0.9], "cannot tell"], "at least three seeds"),
    (exercises.check_7_5, [[0.2, 0.1, math.nan], [1, 1, 1], "cannot tell"], "not finite"),
    (exercises.check_7_6, [*huddle(0.2), 0.9], "3 of 3 generated points can leave; 100%"),
    (exercises.check_7_6, [*huddle(1.2), 1.5], "can leave"),
    (exercises.check_7_6, [*huddle(0.2), 5.0], "between 0 and 2"),
    (exercises.check_7_6, [torch.zeros(3, 2), huddle(1)[1], 1.5], "at least 0.001 apart"),
    (exercises.check_7_6, [huddle(0.2)[0][:2], huddle(1)[1], 1.5], "at least three real"),
]


test_accepts_a_right_answer, test_stays_quiet_on_the_stub, test_explains_a_wrong_answer = (
    three_tests(RIGHT, WRONG)
)
