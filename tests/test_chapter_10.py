"""The checks of chapter 10 accept right answers, explain wrong ones, and stay quiet on stubs.

What the chapter proves in words is tested on random cases: the two halves of the condition on a
cost, the ratios that are means of each other, and the line below every generated point.
"""

import copy

import pytest
import torch
from exercise_checks import three_tests
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import elu, relu, softplus

from lsgan_lib.evaluation.cones import distances
from lsgan_lib.exercises import chapter_10 as exercises
from lsgan_lib.experiments.tables import load_table
from lsgan_lib.losses import costs

fast = settings(deadline=None, derandomize=True, max_examples=40)
ALLOWED = {
    **{str(nu): costs.leaky(nu) for nu in (-1.0, 0.0, 0.01, 0.5, 1.0)},
    "elu": costs.elu(),
}


def a_game(seed, size=5):
    """Random places, a random p and q on them, and all distances."""
    random = torch.Generator().manual_seed(seed)
    places = torch.randn(size, 2, generator=random, dtype=torch.float64)
    p, q = torch.rand(2, size, generator=random, dtype=torch.float64) + 0.05
    return distances(places, places, norm="l2"), p / p.sum(), q / q.sum(), random


def score(cost, gaps, values, p, q):
    return p @ cost(gaps + values[:, None] - values[None, :]) @ q


# --- the mathematics ----------------------------------------------------------------------------


@fast
@given(st.integers(0, 10_000), st.sampled_from(sorted(ALLOWED)))
def test_at_the_data_no_critic_gains(seed, name) -> None:
    """(10.3), with critics of any steepness."""
    gaps, p, _, random = a_game(seed)
    rest = score(ALLOWED[name], gaps, torch.zeros(5).double(), p, p)
    for size in (0.1, 1.0, 30.0):
        h = size * torch.randn(5, generator=random, dtype=torch.float64)
        assert score(ALLOWED[name], gaps, h, p, p) >= rest - 1e-9


@fast
@given(st.integers(0, 10_000), st.sampled_from(sorted(ALLOWED)))
def test_elsewhere_a_flat_critic_gains(seed, name) -> None:
    gaps, p, q, _ = a_game(seed)
    h = (q - p).clamp_min(0)
    flat = 0.5 * (gaps + 1e3 * torch.eye(5)).min() / h.max() * h  # no slope above 1/2
    gain = p @ gaps @ q - score(ALLOWED[name], gaps, flat, p, q)
    assert gain.item() == pytest.approx((flat @ (q - p)).item(), rel=1e-6)
    assert gain > 0


def test_a_slope_above_one_gains_at_the_data_by_being_steep() -> None:
    def doubled(a):
        return torch.where(a < 0, 2 * a, a)

    gaps, p, _, random = a_game(1)
    h = torch.randn(5, generator=random, dtype=torch.float64)
    walk = [score(doubled, gaps, t * h, p, p).item() for t in (0.0, 10.0, 100.0, 1000.0)]
    assert walk[0] > walk[1] > walk[2] > walk[3]


@fast
@given(st.integers(0, 10_000))
def test_nobody_gains_to_first_order_at_the_data_alone(seed) -> None:
    """(10.4) by automatic differentiation; (10.5) has one solution where C' > 0 at the margins."""
    gaps, p, q, _ = a_game(seed)
    for cost in (relu, softplus, elu, lambda a: relu(a).square()):
        zero = torch.zeros(5, dtype=torch.float64, requires_grad=True)
        (at_q,) = torch.autograd.grad(score(cost, gaps, zero, p, q), zero)
        (at_p,) = torch.autograd.grad(score(cost, gaps, zero, p, p), zero)
        assert at_p.abs().max() < 1e-12
        assert at_q.abs().max() > 1e-6


def test_a_late_hinge_lets_any_generator_rest() -> None:
    gaps, p, q, random = a_game(2)
    gaps = gaps / (2 * gaps.max())  # all within 1/2 of each other
    zero = torch.zeros(5, dtype=torch.float64)
    assert score(lambda a: relu(a - 1), gaps, zero, p, q) == 0  # cannot be lower, whatever q is


# --- the checks ---------------------------------------------------------------------------------


def judge(cost):
    a = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
    beyond = cost(a) - a
    if beyond.min() < -1e-6:
        return "too cheap"
    return "passes" if beyond[a >= 0].max() < 1e-6 else "too dear"


def to_order(a):
    return torch.maximum(a, 0.2 * a).clamp_min(-0.5)


SAME = torch.full((60,), 0.3)
RIGHT = {
    "10.1": (exercises.check_10_1, [-1, (1, 0, -0.25, -1), (1, 0, -0.25, -1)]),
    "10.2": (exercises.check_10_2, [judge]),
    "10.3": (exercises.check_10_3, [[0.5], 1, "Nothing"]),
    "10.4": (exercises.check_10_4, [(1.0, 1.0, -1.0), 0.5, (1.0, 0.66667, 0.0), 1.25]),
    "10.5": (exercises.check_10_5, [SAME, 1.3 * SAME, "knows"]),
    "10.6": (exercises.check_10_6, [to_order]),
}


WRONG = [
    (exercises.check_10_1, [1, (1, 0, -0.25, -1), (1, 0, -0.25, -1)], "may be negative"),
    (exercises.check_10_1, [-1, (-1, 0, 0.25, 1), (1, 0, -0.25, -1)], "slope times violation"),
    (exercises.check_10_1, [-1, (1, 0, -0.25, -1), (-1, 0, 0.25, 1)], "chain rule"),
    (exercises.check_10_1, [-1, (1, 0, -0.25, -1), (1, 0, 0, -1)], "minus the slope"),
    (exercises.check_10_2, [lambda cost: "passes"], "slope 1.5"),
    (exercises.check_10_2, [lambda cost: "fine"], "choose one of"),
    (
        exercises.check_10_2,
        [lambda cost: "passes" if cost(torch.ones(1)) == 1 else "too dear"],
        "look at C(a) - a",
    ),
    (exercises.check_10_3, [[0.5, 2], "1", "nothing"], "not at their means"),
    (exercises.check_10_3, [[], "1", "nothing"], "κ = 0.5 once more"),
    (exercises.check_10_3, [[0.5], "1", "a draw"], "where every hinge was active"),
    (exercises.check_10_3, [0.5, "1", "nothing"], "a list of bounds"),
    (exercises.check_10_3, [[0.5], "0", "nothing"], "margin drop out"),
    (exercises.check_10_4, [(1, 0, -1), 0.5, (1, 0.66667, 0), 1.25], "place by place"),
    (exercises.check_10_4, [(1, 1, -1), 1.5, (1, 0.66667, 0), 1.25], "add up"),
    (exercises.check_10_4, [(1, 1, -1), 0.5, (1, 0.5, 0), 1.25], "least squares"),
    (exercises.check_10_4, [(1, 1, -1), 0.5, (1, 0.66667, 0), 1.5], "mass times way"),
    (exercises.check_10_5, [SAME, 1.02 * SAME, "knows"], "say 'cannot tell'"),
    (exercises.check_10_5, [SAME[:9], SAME, "knows"], "each of the sixty"),
    (exercises.check_10_5, [SAME, -SAME, "knows"], "positive number"),
    (exercises.check_10_6, [lambda a: elu(a, alpha=0.5)], "asked for 0.068 only"),
    (exercises.check_10_6, [lambda a: elu(a, alpha=1.0)], "below -1/2"),
    (exercises.check_10_6, [lambda a: torch.where(a < 0, 2 * a, a)], "C(a) < a"),
    (exercises.check_10_6, [softplus], "must be a itself"),
    (exercises.check_10_6, ["ELU"], "a function is asked for"),
]


test_accepts_a_right_answer, test_stays_quiet_on_the_stub, test_explains_a_wrong_answer = (
    three_tests(RIGHT, WRONG)
)


def test_a_run_that_differs_in_one_look_is_found() -> None:
    table = load_table("slopes")
    planted = copy.deepcopy(table)
    planted["runs"][0]["cells"][0]["distance"][3][4] += 0.001
    assert exercises.equal_bounds(table) == [0.5]
    assert exercises.equal_bounds(planted) == []
    assert exercises.equal_costs(table) == ["1"]
    planted["runs"][4]["cells"][2]["modes"][0][0] += 1
    assert exercises.equal_costs(planted) == []
